"""What texts call agents, explorations, schedules, networks and optimizers."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from qlearn.agents import (
    DQN,
    PQN,
    UCRL2,
    Categorical,
    DifferentialQLearning,
    DifferentialSarsa,
    DoubleExpectedSarsa,
    DoubleQLearning,
    DynaQ,
    DynaQPlus,
    ExpectedSarsa,
    Fourier,
    GradientBandit,
    ImplicitQuantiles,
    LinearExpectedSarsa,
    LinearPrediction,
    LinearQLearning,
    LinearSarsa,
    MaxminQLearning,
    MonteCarloControl,
    MonteCarloExploringStarts,
    MonteCarloPrediction,
    NaiveQLambda,
    NStepExpectedSarsa,
    NStepSarsa,
    NStepTD,
    OfflineLambdaReturn,
    OffPolicyMonteCarlo,
    OneHotFeatures,
    OnlineQNetwork,
    PengQLambda,
    PosteriorSampling,
    Priorities,
    PrioritisedSweeping,
    QLearning,
    QSigma,
    Quantiles,
    RadialBasis,
    RewardSum,
    RLearning,
    RMax,
    Sarsa,
    SarsaLambda,
    SpeedyQLearning,
    StateAggregation,
    StreamQ,
    TDLambda,
    ThompsonSampling,
    TileCoding,
    TreeBackup,
    TrueOnlineSarsaLambda,
    TrueOnlineTDLambda,
    WatkinsQLambda,
    WeightedQLearning,
    convolution,
    mlp,
    nature_cnn,
)
from qlearn.agents.backend import load_keras
from qlearn.agents.faults import Faulty, plant
from qlearn.agents.optimizer import Optimizer
from qlearn.errors import InputError
from qlearn.rules import (
    Boltzmann,
    CountBonus,
    EpsilonGreedy,
    Greedy,
    Munchausen,
    UpperConfidence,
    constant,
    exponential,
    linear,
    per_visit,
)
from qlearn.rules.schedules import Constant, Exponential, Linear, PerVisit
from qlearn.training.preset import preset
from qlearn.training.presets import (
    tutorial_epsilon_greedy,
    tutorial_greedy,
    tutorial_reward_sum,
)


def _optimizer(name: str) -> Callable[..., Optimizer]:
    def make(learning_rate: Any = None, **settings: Any) -> Optimizer:
        given = settings if learning_rate is None else {"learning_rate": learning_rate, **settings}
        try:
            return Optimizer.of(getattr(load_keras().optimizers, name)(**given))
        except (TypeError, ValueError) as error:
            told = str(error).splitlines()[0]
            raise InputError(f"{name.lower()}: {told}. Settings are those of keras.optimizers.{name}.") from error

    make.__doc__ = f"Keras' {name}, with its settings by name."
    return make


def polynomial_decay(initial: float, decay_steps: int, end: float = 0.0, power: float = 1.0) -> Any:
    """A rate that falls from ``initial`` to ``end`` over so many updates: Keras' PolynomialDecay."""
    return load_keras().optimizers.schedules.PolynomialDecay(initial, int(decay_steps), end, power)


def faulty(fault: str, agent: Any) -> Faulty:
    """An agent with a well-known mistake in it, such as no-terminal-mask in q-learning."""
    from qlearn.training.names import parse_agent

    return plant(fault, parse_agent(agent) if isinstance(agent, str) else agent)


_OPTIMIZERS = {"adam": "Adam", "adamw": "AdamW", "rmsprop": "RMSprop", "sgd": "SGD"}

AGENTS: dict[str, Callable[..., Any]] = {
    "reward-sum": RewardSum,
    "q-learning": QLearning,
    "sarsa": Sarsa,
    "expected-sarsa": ExpectedSarsa,
    "double-q-learning": DoubleQLearning,
    "speedy-q-learning": SpeedyQLearning,
    "maxmin-q-learning": MaxminQLearning,
    "weighted-q-learning": WeightedQLearning,
    "double-expected-sarsa": DoubleExpectedSarsa,
    "n-step-sarsa": NStepSarsa,
    "n-step-expected-sarsa": NStepExpectedSarsa,
    "tree-backup": TreeBackup,
    "q-sigma": QSigma,
    "monte-carlo-control": MonteCarloControl,
    "off-policy-monte-carlo": OffPolicyMonteCarlo,
    "monte-carlo-exploring-starts": MonteCarloExploringStarts,
    "offline-lambda-return": OfflineLambdaReturn,
    "monte-carlo-prediction": MonteCarloPrediction,
    "true-online-td-lambda": TrueOnlineTDLambda,
    "td-lambda": TDLambda,
    "n-step-td": NStepTD,
    "naive-q-lambda": NaiveQLambda,
    "peng-q-lambda": PengQLambda,
    "watkins-q-lambda": WatkinsQLambda,
    "true-online-sarsa-lambda": TrueOnlineSarsaLambda,
    "sarsa-lambda": SarsaLambda,
    "dyna-q": DynaQ,
    "prioritised-sweeping": PrioritisedSweeping,
    "dyna-q-plus": DynaQPlus,
    "r-max": RMax,
    "ucrl2": UCRL2,
    "posterior-sampling": PosteriorSampling,
    "r-learning": RLearning,
    "differential-sarsa": DifferentialSarsa,
    "differential-q-learning": DifferentialQLearning,
    "gradient-bandit": GradientBandit,
    "thompson-sampling": ThompsonSampling,
    "linear-sarsa": LinearSarsa,
    "linear-expected-sarsa": LinearExpectedSarsa,
    "linear-q-learning": LinearQLearning,
    "linear-prediction": LinearPrediction,
    "online-q-network": OnlineQNetwork,
    "stream-q": StreamQ,
    "dqn": DQN,
    "pqn": PQN,
    "preset": preset,
    "faulty": faulty,
    "tutorial-reward-sum": tutorial_reward_sum,
    "tutorial-greedy": tutorial_greedy,
    "tutorial-epsilon-greedy": tutorial_epsilon_greedy,
}
PARTS: dict[str, Callable[..., Any]] = {
    "greedy": Greedy,
    "epsilon-greedy": EpsilonGreedy,
    "boltzmann": Boltzmann,
    "upper-confidence": UpperConfidence,
    "count-bonus": CountBonus,
    "constant": constant,
    "linear": linear,
    "exponential": exponential,
    "per-visit": per_visit,
    "mlp": mlp,
    "categorical": Categorical,
    "quantiles": Quantiles,
    "implicit-quantiles": ImplicitQuantiles,
    "priorities": Priorities,
    "munchausen": Munchausen,
    "nature-cnn": nature_cnn,
    "convolution": convolution,
    "tile-coding": TileCoding,
    "radial-basis": RadialBasis,
    "fourier": Fourier,
    "one-hot-features": OneHotFeatures,
    "state-aggregation": StateAggregation,
    "polynomial-decay": polynomial_decay,
    **{name: _optimizer(kind) for name, kind in _OPTIMIZERS.items()},
}
NAME_OF: dict[type, str] = {kind: name for name, kind in {**AGENTS, **PARTS}.items() if isinstance(kind, type)} | {
    Faulty: "faulty",
    Constant: "constant",
    Linear: "linear",
    Exponential: "exponential",
    PerVisit: "per-visit",
}
FIRST: dict[type, tuple[str, ...]] = {  # fields written without their name
    EpsilonGreedy: ("epsilon",),
    Boltzmann: ("temperature",),
    UpperConfidence: ("c",),
    CountBonus: ("bonus",),
    Linear: ("start", "end"),
    Exponential: ("start",),
    StateAggregation: ("groups",),
    LinearSarsa: ("features",),
    LinearExpectedSarsa: ("features",),
    LinearQLearning: ("features",),
    LinearPrediction: ("features",),
    OnlineQNetwork: ("model", "optimizer"),
    StreamQ: ("model",),
    DQN: ("model", "optimizer"),
    Categorical: ("low", "high"),
    Faulty: ("fault", "agent"),
    PQN: ("model", "optimizer"),
}


def optimizer_words(optimizer: Optimizer) -> str:
    """An optimizer as text; a KeyError for one that no text names."""
    name = {kind: name for name, kind in _OPTIMIZERS.items()}[optimizer.kind.__name__]
    usual = json.loads(Optimizer.of(optimizer.kind()).config)
    settings = json.loads(optimizer.config)
    rate = settings.pop("learning_rate", optimizer.learning_rate)
    words = [_schedule_words(rate) if isinstance(rate, dict) else f"{float(rate)!r}"]
    for key, value in settings.items():
        if value != usual[key]:
            if not isinstance(value, (int, float, str)):
                raise KeyError(key)
            words.append(f"{key}={value}")
    return f"{name}({', '.join(words)})"


def _schedule_words(schedule: dict[str, Any]) -> str:
    told = schedule["config"]
    if schedule["class_name"] != "PolynomialDecay" or told["cycle"]:
        raise KeyError(schedule["class_name"])
    numbers = (told["initial_learning_rate"], told["decay_steps"], told["end_learning_rate"], told["power"])
    return f"polynomial-decay({', '.join(str(number) for number in numbers)})"
