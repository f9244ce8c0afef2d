"""From runs to a comparison: judge every learnt policy, count, and put the rows together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from qlearn.comparison.exploring import exploring
from qlearn.comparison.results import AgentResult
from qlearn.comparison.wins import first_wins, shared_wins
from qlearn.environments import FiniteMDP
from qlearn.environments.finite_mdp import FloatArray
from qlearn.errors import InputError
from qlearn.evaluation import RunsEvaluation, Truth, evaluate_runs, one_game, play_games, truth_of
from qlearn.planning.policies import checked_discount, checked_horizon
from qlearn.statistics import (
    Improvement,
    mean_interval,
    probability_of_improvement,
    quartiles,
    two_humped,
    wilson_interval,
)

if TYPE_CHECKING:
    from qlearn.environments import HostEnvironment, JaxEnvironment
    from qlearn.training import Runs

Progress = Callable[[float, str], None] | bool | None
USUAL_DISCOUNT = 0.95
MOST_TABLE_CELLS = 100_000_000  # numbers kept in snapshots: 400 MB


def as_list(agents: Any) -> list[Any]:
    """Return the agents as a list; one alone is a list of one."""
    if hasattr(agents, "learner"):
        return [agents]
    found = list(agents)
    if not found:
        raise InputError("There is no agent to compare; expected at least one. Pass [ql.QLearning()].")
    return found


def check_judging(discount: float | None, horizon: int | None) -> None:
    """Raise an `InputError` before the training where the policies could not be judged after it."""
    if discount is not None:
        checked_discount(discount)
    if horizon is not None:
        checked_horizon(horizon)


def train_all(
    agents: list[Any],
    world: FiniteMDP | HostEnvironment | JaxEnvironment,
    budget: tuple[int | None, int | None],
    seeds: int | Sequence[int],
    *,
    snapshots: Any,
    progress: Progress,
) -> list[Runs]:
    """Train all agents; keep fewer snapshots where they would fill the memory."""
    from qlearn.training import train_many
    from qlearn.training.prediction import refuse_prediction

    for agent in agents:
        refuse_prediction(agent)
    n = seeds if isinstance(seeds, int) else int(np.size(seeds))
    snapshots = snapshots_within(snapshots, world, len(agents) * n)
    return train_many(
        agents, world, episodes=budget[0], steps=budget[1], seeds=seeds, snapshots=snapshots, progress=progress
    )


def snapshots_within(snapshots: Any, world: Any, num_runs: int) -> Any:
    """Return how many snapshots there shall be: fewer where they would fill the memory, none without a model."""
    if not isinstance(snapshots, int) or snapshots <= 0:
        return snapshots  # whatever it is, training says what is wrong with it
    cells = max(1, num_runs * world.num_states * world.num_actions)
    return min(snapshots, MOST_TABLE_CELLS // cells) if isinstance(world, FiniteMDP) else 0


def common_discount(agents: Sequence[Any], discount: float | None) -> float:
    """Return the comparison's discount: the one given, else the one that most agents have, else 0.95.

    >>> from qlearn.agents import QLearning, RewardSum
    >>> common_discount([RewardSum(), QLearning(discount=0.9)], None)
    0.9
    """
    if discount is not None:
        return float(discount)
    own = Counter(float(agent.discount) for agent in agents if agent.discount is not None)
    return own.most_common(1)[0][0] if own else USUAL_DISCOUNT


class Judged:
    """Runs, what they are worth, and the truth that they are held against."""

    def __init__(self, evaluations: list[RunsEvaluation], truth: Truth | None, games: FloatArray) -> None:
        self.evaluations, self.truth, self.games = evaluations, truth, games


def judge(runs: list[Runs], discount: float, horizon: int | None) -> Judged:
    """Evaluate all runs, solving the model once for each discount, and play one sampled game a seed."""
    found, truth = judge_values(runs, discount, horizon)
    if truth is None:
        return Judged(found, None, np.array([one_game(some, place, horizon) for place, some in enumerate(runs)]))
    policies = [np.asarray(some.greedy_policies(), dtype=np.float64) for some in runs]
    return Judged(found, truth, play_games(truth.mdp, policies, runs[0].seeds, truth.horizon))


def judge_values(runs: list[Runs], discount: float, horizon: int | None) -> tuple[list[RunsEvaluation], Truth | None]:
    """Evaluate all runs, solving the model once for each discount; and the truth at ``discount``."""
    world = runs[0].environment
    if not isinstance(world, FiniteMDP):
        return [evaluate_runs(some, horizon=horizon) for some in runs], None
    made = max(int(np.max(some.num_steps, initial=0)) for some in runs)
    truths = {discount: truth_of(world, discount, horizon, after_steps=made)}
    found = []
    for some in runs:
        own = discount if some.agent.discount is None else float(some.agent.discount)
        if own not in truths:
            truths[own] = truth_of(world, own, horizon, after_steps=made)
        found.append(evaluate_runs(some, truth=truths[own]))
    return found, truths[discount]


def rows_of(names: Sequence[str], runs: list[Runs], judged: Judged) -> tuple[AgentResult, ...]:
    """Return a row for each agent."""
    values = np.array([found.exact_return for found in judged.evaluations])
    wins, shared = first_wins(judged.games), shared_wins(values)
    return tuple(
        _row(
            name,
            runs[i],
            judged.evaluations[i],
            judged.games[i],
            (int(wins[i]), float(shared[i])),
            _beats(i, names, values),
        )
        for i, name in enumerate(names)
    )


def _beats(i: int, names: Sequence[str], values: FloatArray) -> dict[str, Improvement]:
    return {
        other: probability_of_improvement(values[i], values[j], paired=True) for j, other in enumerate(names) if j != i
    }


def _row(
    name: str,
    runs: Runs,
    found: RunsEvaluation,
    games: FloatArray,
    wins: tuple[int, float],
    beats: dict[str, Improvement],
) -> AgentResult:
    online, n = runs.online_returns(), len(runs.seeds)
    optimal = found.optimal
    return AgentResult(
        name=name,
        runs=runs,
        evaluation=found,
        exact=mean_interval(found.exact_return),
        quartiles=quartiles(found.exact_return),
        share_optimal_interval=None if optimal is None or n < 2 else wilson_interval(int(optimal.sum()), n),
        online_return=online,
        online=mean_interval(online) if np.isfinite(online).all() else None,
        games=games,
        wins=wins[0],
        wins_exact=wins[1],
        beats=beats,
        exploring=None if found.truth is None else exploring(runs, found.truth),
        two_humped=two_humped(found.exact_return),
    )
