"""Well-known mistakes, planted by name: for teaching what they do, and for showing that `check` catches them.

A faulty agent is the agent itself with one thing wrong.  It trains, compares and saves like any other, and its label
says what is wrong with it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from qlearn.agents.double_q_learning import DoubleQLearning
from qlearn.agents.learner import Learner, Spec, Transition
from qlearn.agents.naive_q_lambda import NaiveQLambda
from qlearn.agents.watkins_q_lambda import WatkinsQLambda
from qlearn.errors import InputError, nearest
from qlearn.rules.description import description

Array = jax.Array


@description
class _Complement:
    """One minus a schedule."""

    schedule: Any

    @property
    def counts_visits(self) -> bool:
        """As the schedule does."""
        return bool(self.schedule.counts_visits)

    def value(self, clock: Any, visits: Array | None = None) -> Array:
        """1 − its value."""
        return 1.0 - self.schedule.value(clock, visits)


class Fault(NamedTuple):
    """A mistake: what it is, whom it can befall, and the learner that makes it."""

    says: str
    befalls: Callable[[Any], bool]
    learner: Callable[[Any, Spec], Learner]


def _told(agent: Any, spec: Spec, change: Callable[[Transition], Transition]) -> Learner:
    """The agent's learner, told something else about its transitions."""
    learner: Learner = agent.learner(spec)

    def update(state: Any, trajectory: Transition, noise: Any, clock: Any) -> Any:
        return learner.update(state, change(trajectory), noise, clock)

    return dataclasses.replace(learner, update=update)


def _no_mask(agent: Any, spec: Spec) -> Learner:
    return _told(agent, spec, lambda t: t._replace(terminated=jnp.zeros_like(t.terminated), truncated=t.ended))


def _one_end(agent: Any, spec: Spec) -> Learner:
    return _told(agent, spec, lambda t: t._replace(terminated=t.ended, truncated=jnp.zeros_like(t.truncated)))


def _with(thing: Any, kind: type | None = None, **changes: Any) -> Any:
    """A description with some fields changed, unchecked: here numbers are JAX's, which have no values to check."""
    new: Any = object.__new__(kind or type(thing))
    for field in dataclasses.fields(thing):
        object.__setattr__(new, field.name, changes.get(field.name, getattr(thing, field.name)))
    return new


def _first_index(agent: Any, spec: Spec) -> Learner:
    explored: Learner = _with(agent, exploration=_with(agent.exploration, ties="first")).learner(spec)
    return explored


def _uncut(agent: Any, spec: Spec) -> Learner:
    naive: Learner = _with(agent, NaiveQLambda).learner(spec)
    return naive


def _code(agent: Any, spec: Spec) -> Learner:
    code: Learner = _with(agent, form="code").learner(spec)
    return code


def _swapped(agent: Any, spec: Spec) -> Learner:
    swapped: Learner = _with(agent, learning_rate=_Complement(schedule=agent.learning_rate)).learner(spec)
    return swapped


def _has(*names: str) -> Callable[[Any], bool]:
    return lambda agent: all(hasattr(agent, name) for name in names)


FAULTS: dict[str, Fault] = {
    "no-terminal-mask": Fault("values of what follows a termination are bootstrapped from", _has("discount"), _no_mask),
    "truncation-as-termination": Fault("an episode cut off by the clock counts as ended", _has("discount"), _one_end),
    "first-index-ties": Fault(
        "of equal actions the first is always taken",
        lambda agent: getattr(agent.exploration, "ties", "") == "random",
        _first_index,
    ),
    "traces-not-cut": Fault(
        "traces go on through exploratory actions", lambda agent: isinstance(agent, WatkinsQLambda), _uncut
    ),
    "double-selection": Fault(
        "one table selects the action and evaluates it too",
        lambda agent: isinstance(agent, DoubleQLearning),
        lambda agent, spec: agent.learner(spec, one_table=True),
    ),
    "reward-outside-the-learning-rate": Fault(
        "the reward is added whole, α is applied to the rest", _has("form"), _code
    ),
    "learning-rate-on-the-wrong-term": Fault(
        "the old value is weighted by α and the target by 1 − α", _has("learning_rate", "initial_value"), _swapped
    ),
}
"""By name: what each is and whom it can befall."""


@description
class Faulty:
    """An agent with a well-known mistake.

    Args:
        fault: its name, one of ``FAULTS``.
        agent: the agent that makes it.

    Raises:
        InputError: for an unknown name, or where the mistake cannot befall this agent.

    >>> from qlearn.agents import QLearning
    >>> Faulty(fault="no-terminal-mask", agent=QLearning()).label
    'ε-greedy Q-learning with no terminal mask'
    """

    fault: str
    agent: Any

    version = 1

    def __post_init__(self) -> None:
        name = str(self.fault).replace("_", "-").replace(" ", "-")
        if name not in FAULTS:
            raise InputError(
                f"There is no fault {self.fault!r}{nearest(name, FAULTS) or '.'} Known are {', '.join(FAULTS)}."
            )
        object.__setattr__(self, "fault", name)
        if not FAULTS[name].befalls(self.agent):
            label = getattr(self.agent, "label", repr(self.agent))
            raise InputError(f"{label} cannot have the fault {name!r}: {FAULTS[name].says}. Choose another agent.")

    @property
    def label(self) -> str:
        """The agent's, and what is wrong with it."""
        return f"{self.agent.label} with {self.fault.replace('-', ' ')}"

    @property
    def discount(self) -> Any:
        """The agent's."""
        return self.agent.discount

    @property
    def exploration(self) -> Any:
        """The agent's."""
        return self.agent.exploration

    @property
    def exempt(self) -> dict[str, str]:
        """What the agent does not promise (see ``qlearn.check``)."""
        return dict(getattr(self.agent, "exempt", {}))

    @property
    def cuts_traces(self) -> bool:
        """Whether the agent says that it cuts traces after exploratory actions."""
        return bool(getattr(self.agent, "cuts_traces", False))

    @property
    def unbiased(self) -> bool:
        """Whether the agent says that its maximum has no upward bias."""
        return bool(getattr(self.agent, "unbiased", False))

    def learner(self, spec: Spec) -> Learner:
        """The agent's functions, with the mistake in them."""
        return FAULTS[self.fault].learner(self.agent, spec)


def plant(fault: str, agent: Any) -> Faulty:
    """Return the agent with a well-known mistake in it.

    Args:
        fault: ``"no-terminal-mask"``, ``"truncation-as-termination"``, ``"first-index-ties"``, ``"traces-not-cut"``
            (Watkins's Q(λ)), ``"double-selection"`` (Double Q-learning), ``"reward-outside-the-learning-rate"`` or
            ``"learning-rate-on-the-wrong-term"`` (one-step methods).
        agent: the agent that shall make it.

    Raises:
        InputError: for an unknown name, or where the mistake cannot befall this agent.

    >>> from qlearn.agents import Sarsa
    >>> plant("first-index-ties", Sarsa()).label
    'Sarsa with first index ties'
    """
    return Faulty(fault=fault, agent=agent)
