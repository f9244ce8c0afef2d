r"""DQN: a Q network that learns from a replay of its past, towards a target network that lags behind.

.. math:: L(\theta) = \frac{1}{B} \sum_{i=1}^{B} \ell\!\left( r_i + \gamma \max_b Q(s'_i, b; \theta^-)
          - Q(s_i, a_i; \theta) \right)

Sources: V. Mnih et al., *Human-level control through deep reinforcement learning*, Nature 518 (2015); double: H. van
Hasselt, A. Guez and D. Silver, *Deep reinforcement learning with double Q-learning*, AAAI 2016; dueling: Z. Wang et
al., *Dueling network architectures for deep reinforcement learning*, ICML 2016; soft targets: T. P. Lillicrap et al.,
*Continuous control with deep reinforcement learning*, ICLR 2016.

Differences from Mnih et al.: any Keras model and optimizer; rewards and errors are clipped only where asked
(``loss="huber"``); batches are drawn with replacement; an episode that the clock ended bootstraps through its end.
Differences from CleanRL's loop, whose settings are the defaults: steps are counted from 1, so that the update at step
10,010 has seen 10,010 steps, where CleanRL, counting from 0, has seen one more; first weights and Adam's ε are Keras's.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

import jax

from qlearn.agents.dqn_checks import check_dqn
from qlearn.agents.dqn_learner import dqn_learner, form_of, ranking_of
from qlearn.agents.frames import check_frames, ring_of
from qlearn.agents.heads import Head
from qlearn.agents.learner import Learner, Spec
from qlearn.agents.network import Network
from qlearn.agents.optimizer import Optimizer
from qlearn.agents.priorities import Priorities
from qlearn.rules.description import description
from qlearn.rules.exploration import EpsilonGreedy, Exploration
from qlearn.rules.munchausen import Munchausen
from qlearn.rules.schedules import linear

Array = jax.Array


@description
class DQN:
    """Deep Q-network, with switches for what was added to it.

    All counts are environment steps of one seed, over all its environments.

    Args:
        model: a ``keras.Model``, a ``keras.Sequential``, or a function ``(observation_shape, num_actions)`` that makes
            one, such as ``qlearn.mlp(120, 84)``.
        optimizer: any Keras optimizer.
        discount: γ in [0, 1].
        exploration: the behaviour policy.
        replay: transitions kept, a multiple of ``train_every``; `replay_bytes` says what they take.
        batch_size: transitions in a gradient step.
        learning_starts: the first update is the first one after more steps than these.
        train_every: steps between two updates; a multiple of ``num_environments``.
        updates: gradient steps in an update.
        target_every: steps between two copies of the weights to the target network, a multiple of ``train_every``;
            None where ``target_rate`` is given.
        target_rate: τ in (0, 1] of a soft target, θ⁻ ← τ θ + (1 − τ) θ⁻ after every gradient step; None where
            ``target_every`` is given.  What no gradient changes (moments of BatchNormalization) is copied each time.
        double: the online network selects the next action, the target network evaluates it.
        dueling: the network's last layer is split into a value and advantages.
        n_step: steps of reward before the target network's value.
        loss: ``"squared"`` or ``"huber"`` (½ e² up to 1, then |e| − ½), averaged over the batch.  The second wants
            rewards of a size at which errors beyond 1 are rare: on CartPole, where the end of an episode is worth some
            hundred less than expected, it hardly notices ends, and values grow without bound under the defaults.
        max_gradient_norm: gradients are scaled down to this Euclidean norm over all weights; None for as they are.
        num_environments: environments that each seed steps at once.
        head: what the network knows of returns: None for their means, ``Categorical(low, high)`` (C51), ``Quantiles()``
            (QR-DQN) or ``ImplicitQuantiles()`` (IQN).  The network's last layer, a linear ``Dense(num_actions)``, is
            replaced by one with as many columns as the head needs.
        priorities: ``Priorities()`` for prioritised replay; None draws evenly.
        munchausen: ``Munchausen()`` adds the policy's logarithm to rewards, and makes targets soft; None does not.
        noisy: whether the dense layers carry noise of a learnt size, which explores by itself: pass
            ``exploration=Greedy()`` as the paper does.
        frames: how many frames an observation (frames, …) shows, the newest last.  The replay then keeps each of them
            once, and puts them together where they are sampled; 1 keeps observations whole.

    Raises:
        InputError: where a setting is out of range or does not fit another.

    >>> from qlearn.agents.backend import load_keras
    >>> from qlearn.agents.mlp import mlp
    >>> keras = load_keras()
    >>> DQN(mlp(120, 84), keras.optimizers.Adam(2.5e-4), double=True).label
    'double DQN'
    """

    model: Any = dataclasses.field(kw_only=False)  # kept as a Network
    optimizer: Any = dataclasses.field(kw_only=False)  # kept as an Optimizer
    discount: float = 0.99
    exploration: Exploration = EpsilonGreedy(linear(1.0, 0.05, over=250_000, per="step"))
    replay: int = 10_000
    batch_size: int = 128
    learning_starts: int = 10_000
    train_every: int = 10
    updates: int = 1
    target_every: int | None = 500
    target_rate: float | None = None
    double: bool = False
    dueling: bool = False
    n_step: int = 1
    loss: Literal["squared", "huber"] = "squared"
    max_gradient_norm: float | None = None
    num_environments: int = 1
    frames: int = 1
    head: Head | None = None
    priorities: Priorities | None = None
    munchausen: Munchausen | None = None
    noisy: bool = False

    version = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "model", Network.of(self.model))
        object.__setattr__(self, "optimizer", Optimizer.of(self.optimizer))
        check_dqn(self)

    @property
    def label(self) -> str:
        """``DQN``, or its head's name, after the switches that are on; ``Rainbow`` where all of its six are."""
        name = "DQN" if self.head is None else self.head.name
        switches = {
            "Munchausen": self.munchausen is not None,
            "noisy": self.noisy,
            f"{self.n_step}-step": self.n_step > 1,
            "prioritised": self.priorities is not None,
            "dueling": self.dueling,
            "double": self.double,
        }
        words = [word for word, on in switches.items() if on]
        if name == "C51" and len(words) == 5 and self.munchausen is None:
            return "Rainbow"
        return " ".join([*words, name])

    def check(self, spec: Spec) -> None:
        """Build the network for an environment; raises InputError where its input or output does not fit."""
        check_frames(self, spec)
        self.model.bind(spec, form=form_of(self))

    def learner(self, spec: Spec) -> Learner:
        """The functions for an environment of these sizes."""
        return dqn_learner(self, spec)


def replay_bytes(agent: DQN, spec: Spec) -> int:
    """What the replay of one seed takes, priorities included, in bytes.

    >>> from qlearn.agents.backend import load_keras
    >>> from qlearn.agents.mlp import mlp
    >>> keras = load_keras()
    >>> agent = DQN(mlp(120, 84), keras.optimizers.Adam(), replay=10_000)
    >>> replay_bytes(agent, Spec(0, 2, 500, None, (4,)))  # 12 float32 numbers a transition
    480000
    """
    ranking = ranking_of(agent)
    return ring_of(agent, spec).num_bytes + (0 if ranking is None else ranking.num_bytes)
