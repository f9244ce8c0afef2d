r"""One-step methods on a table: any target policy, any exploration, any schedule.

.. math:: Q(s, a) \leftarrow Q(s, a) + \alpha \left[ r + \gamma \sum_b w(b)\, Q(s', b) - Q(s, a) \right]

The weights w are the target policy's.  Q-learning, Sarsa and Expected Sarsa are this method with three rules; a
rule of your own is a fourth.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from qlearn.agents.learner import Clock, Learner, Spec, Transition, last
from qlearn.agents.table import count, read, read_row, settled_write, visits_of
from qlearn.agents.tabular import check_tabular, first_counts, first_table, lane_of, rate_of
from qlearn.errors import InputError
from qlearn.rules.description import choice, description
from qlearn.rules.exploration import EpsilonGreedy, Exploration
from qlearn.rules.schedules import Schedule
from qlearn.rules.targets import one_step

Array = jax.Array
Form = Literal["text", "code"]


class OneStepState(NamedTuple):
    """The table, the visits of (s, a) where a schedule asks for them, and the action that Sarsa has chosen."""

    q: Array  # (S, A) float32
    visits: Array | None  # (S, A) int32
    next_action: Array | None  # int32; −1 where none is kept


@description
class OneStep:
    """One-step learning towards any target policy.

    Args:
        rule: the target policy, ``(select, behaviour, next_action, mask) -> weights`` (see ``qlearn.rules``).
        learning_rate: α > 0, a number or a schedule; ``per_visit()`` counts the visits of (s, a).
        discount: γ in [0, 1].
        exploration: the behaviour policy.
        initial_value: what every cell starts with, in units of value.
        on_policy: choose the next action before the update, with the values before it, and then take it, as Sarsa
            needs; otherwise ``next_action`` is −1.
        form: ``"text"`` is the equation above; ``"code"`` is a well-known tutorial's code, in which the reward
            escapes the learning rate: Q += r + α (γ Σ w Q' − Q).  At a constant α it acts the same and its values
            are the text's divided by α.

    >>> import jax.numpy as jnp
    >>> def cautious(select, behaviour, next_action, mask):
    ...     return jnp.full(select.shape, 1 / select.shape[0])  # learns the uniform policy's values
    >>> OneStep(rule=cautious, discount=0.9).label
    'cautious'
    """

    rule: Callable[..., Array]
    learning_rate: float | Schedule = 0.1
    discount: float = 0.95
    exploration: Exploration = EpsilonGreedy(0.1)
    initial_value: float = 0.0
    on_policy: bool = False
    form: Form = "text"

    version = 1

    def __post_init__(self) -> None:
        check_one_step(self)

    @property
    def label(self) -> str:
        """The rule's name."""
        return str(self.rule.__name__).replace("_", " ")

    def check(self, spec: Spec) -> None:
        """Try the rule before training starts; raises InputError where it gives no weights."""
        check_rule(self.rule, spec.num_actions)

    def learner(self, spec: Spec) -> Learner:
        """The functions for a table of ``spec.num_states`` × ``spec.num_actions``."""
        return one_step_learner(self, self.rule, spec, on_policy=self.on_policy, form=self.form)


def check_one_step(agent: Any) -> None:
    """Check what all one-step agents have in common; raises InputError."""
    check_tabular(agent)
    if hasattr(agent, "form"):
        choice(agent, "form", ("text", "code"))


def check_rule(rule: Callable[..., Array], num_actions: int) -> None:
    """Try a rule on a row of its own.

    Raises:
        InputError: where it cannot be called or compiled, or its weights are not num_actions numbers that sum to 1.
    """
    name = getattr(rule, "__name__", repr(rule))
    row = jnp.arange(num_actions, dtype=jnp.float32)
    even = jnp.full(num_actions, 1.0 / num_actions, jnp.float32)
    try:
        weights = np.asarray(jax.jit(lambda r, b, n: rule(r, b, n, None))(row, even, jnp.int32(0)), np.float64)
    except (TypeError, ValueError, jax.errors.JAXTypeError) as error:
        raise InputError(
            f"The rule {name} cannot be compiled ({str(error).splitlines()[0]}); expected a function of (select, "
            "behaviour, next_action, mask) in jax.numpy, without `if` on values. Use jnp.where."
        ) from error
    if weights.shape != (num_actions,) or not abs(weights.sum() - 1.0) < 1e-3:
        raise InputError(
            f"The rule {name} gave weights of shape {weights.shape} that sum to {weights.sum():g}; expected shape "
            f"({num_actions},) and a sum of 1. Divide them by their sum."
        )


def one_step_learner(
    agent: Any, rule: Callable[..., Array], spec: Spec, *, on_policy: bool = False, form: Form = "text"
) -> Learner:
    """The learner of a one-step method; ``agent`` has the fields of :class:`OneStep` but ``rule``."""
    explore, rate = agent.exploration, rate_of(agent)

    def init(noise: Any) -> OneStepState:
        kept = jnp.int32(-1) if on_policy else None
        return OneStepState(first_table(agent, spec), first_counts(agent, spec), kept)

    def choose(q: Array, visits: Array | None, observation: Array, noise: Any, clock: Clock) -> Array:
        seen = visits_of(visits, observation)
        return explore.sample(read_row(q, observation), spec.mask(observation), noise, clock, seen)

    def act(state: OneStepState, observation: Array, noise: Any, clock: Clock) -> tuple[Array, OneStepState]:
        action = choose(state.q, state.visits, observation, noise, clock)
        if state.next_action is not None:
            action = jnp.where(state.next_action >= 0, state.next_action, action)
        return action, state

    def update(state: OneStepState, trajectory: Transition, noise: Any, clock: Clock) -> OneStepState:
        t = last(trajectory)
        then, later = t.next_observation, clock.ahead()
        visits = count(state.visits, t.observation, t.action)
        next_action = choose(state.q, visits, then, noise.behaviour.ahead(), later) if on_policy else jnp.int32(-1)
        row, mask = read_row(state.q, then), spec.mask(then)
        behaviour = explore.probabilities(row, mask, later, visits_of(visits, then))
        weights = rule(row, behaviour, next_action, mask)
        alpha = rate.value(clock, None if visits is None else read(visits, t.observation, t.action))
        old = read(state.q, t.observation, t.action)
        if form == "code":
            future = one_step(t._replace(reward=jnp.float32(0.0)), weights, row, agent.discount)
            new = old + (t.reward + alpha * (future - old))
        else:
            new = old + alpha * (one_step(t, weights, row, agent.discount) - old)
        kept = jnp.where(t.ended, jnp.int32(-1), next_action) if on_policy else None
        return OneStepState(settled_write(state.q, t.observation, t.action, new), visits, kept)

    return Learner(init, act, update, lambda state, observation: state.q[observation], lane=lane_of(spec))
