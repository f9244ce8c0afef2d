"""The learner: the pure functions that an agent's description becomes for one environment.

Everything is written for **one seed**; the engine adds the axes.  A learner is called so::

    state = init(noise)
    action, state = act(state, observation, noise, clock)  # once a step
    state = update(state, trajectory, noise, clock)  # once every ``period`` steps
    row = q_values(state, observation)  # (num_actions,)

``noise`` gives uniform words for this seed and step (see ``qlearn.engine.noise``); ``act`` and ``update`` have
streams of their own, and ``noise.ahead()`` is the noise of the step that follows.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp

from qlearn.environments.parts import MASK, Part, row_bytes

Array = jax.Array
State = Any


class Clock(NamedTuple):
    """When: scalars of one seed, uint32."""

    episode: Array  # episodes completed before this one
    step: Array  # steps made in this episode before this one
    total: Array  # steps made in this run before this one

    def ahead(self) -> Clock:
        """One step later in the same episode."""
        one = jnp.uint32(1)
        return Clock(self.episode, self.step + one, self.total + one)


class Knowledge(NamedTuple):
    """What runs keep of a learner with a network: all that its values depend on."""

    weights: Any  # qlearn.agents.network.Weights
    scaling: Any = None  # what observations are scaled with, where the learner scales them


class Transition(NamedTuple):
    """One step of one seed; a trajectory has the same fields with ``period`` in front.

    ``terminated``: the episode really ended, nothing follows.  ``truncated``: the clock ran out, values go on.
    ``valid``: False only in what follows the end of an episode in the trajectory of an agent that learns per episode.
    """

    observation: Array
    action: Array
    reward: Array
    next_observation: Array
    terminated: Array
    truncated: Array
    valid: Array

    @property
    def ended(self) -> Array:
        """Whether the episode is over, for either reason."""
        return self.terminated | self.truncated


class Spec(NamedTuple):
    """What a learner may know about its environment: sizes, the time limit and the legal actions, no model."""

    num_states: int  # 0 where observations are arrays, which cannot be counted
    num_actions: int
    time_limit: int | None = None
    legal: Array | None = None  # (S, A) bool; None where every action is legal everywhere
    observation_shape: tuple[int, ...] | None = None  # of one observation; None where it is a state's number
    observation_dtype: str = "float32"  # of the array; numbers of states are int32
    parts: tuple[Part, ...] = ()  # of observations that are dicts of arrays; the shape is then that of a row of bytes

    def mask(self, observation: Any) -> Array | None:
        """Legal actions, (A,) bool, or None where all are; of a batch of observations (batch, A).

        Args:
            observation: what the agent sees: a dict holds its own, of a state's number the model tells.
        """
        if isinstance(observation, dict):
            own: Array | None = observation.get(MASK)
            return own
        return None if self.legal is None else self.legal[observation]

    @classmethod
    def of(cls, world: Any) -> Spec:
        """The sizes of an environment on the device: a finite model, or one that observes arrays."""
        parts = getattr(world, "parts", ())
        if parts:
            row = (row_bytes(parts),)
            return cls(world.num_states, world.num_actions, world.time_limit, None, row, "uint8", parts)
        shape = getattr(world, "observation_shape", None)
        if shape is not None:
            return cls(0, world.num_actions, world.time_limit, None, tuple(shape), world.observation_dtype)
        legal = getattr(world, "legal", None)
        legal = None if legal is None or not legal.size else legal
        return cls(world.num_states, world.num_actions, world.time_limit, legal)


@dataclasses.dataclass(frozen=True)
class Learner:
    """Pure functions for one seed, and how the engine shall run them.

    Args:
        init: ``(noise) -> state``.
        act: ``(state, observation, noise, clock) -> (action, state)``.
        update: ``(state, trajectory, noise, clock) -> state``; the trajectory has shape (period,), ``clock`` is that
            of its last step.
        q_values: ``(state, observation) -> (num_actions,)``.
        period: steps between two updates, or ``"episode"`` (the trajectory then has ``time_limit`` entries, of which
            the ``valid`` ones count).
        lane: how many seeds one program carries.  56 suits tables (``docs/decisions/0003-lanes-of-56.md``); 1 is for
            agents whose seeds branch on their own state, since a branch under ``vmap`` runs both sides.
        num_environments: how many environments each seed has.  With a number, observations, actions, noise and the
            clock's ``episode`` and ``step`` have shape (num_environments,) in ``act``, and trajectories
            (period, num_environments); with None there is one environment and no such axis, which suits tables.
        knowledge: ``(state) -> Knowledge`` of learners with a network, whose ``q_values`` then takes that in place of
            the state; None for tables.
        q_network: ``(knowledge) -> keras.Model``, called on the host with NumPy arrays; None for tables.
        magnitude: ``(state) -> scalar``: the largest |Q| that the last update met, by which a run that diverges is
            noticed while it goes on; None where only the final values are looked at.
        extras: ``(state) -> {name: scalar}``: numbers that a table agent learns besides its table, such as a gain;
            runs keep them as ``runs.extras``.  None where there are none.
        fused: whether the loop may become one function of machine code, which suits plain arithmetic on tables.
            False for learners with matrix products, sorting, or linear algebra, which XLA refuses there.
    """

    init: Callable[[Any], State]
    act: Callable[[State, Array, Any, Clock], tuple[Array, State]]
    update: Callable[[State, Transition, Any, Clock], State]
    q_values: Callable[[State, Array], Array]
    period: int | Literal["episode"] = 1
    lane: int = 56
    num_environments: int | None = None
    knowledge: Callable[[State], Knowledge] | None = None
    q_network: Callable[[Knowledge], Any] | None = None
    magnitude: Callable[[State], Array] | None = None
    extras: Callable[[State], dict[str, Array]] | None = None
    fused: bool = True


@runtime_checkable
class Agent(Protocol):
    """A description: hyperparameters, a label for tables, and the learner that they describe.

    It may have a ``check(spec)`` too, which is called before training and raises InputError where it cannot learn.
    """

    @property
    def label(self) -> str:
        """A few words that tell it from other agents."""

    @property
    def discount(self) -> float | None:
        """γ of the problem that it solves; None where it has none."""

    @property
    def version(self) -> int:
        """Raised whenever its numbers change."""

    @property
    def exploration(self) -> Any:
        """Its behaviour policy."""

    def learner(self, spec: Spec) -> Learner:
        """The functions for an environment of these sizes."""


def last(trajectory: Transition) -> Transition:
    """The only transition of a trajectory with period 1."""
    return jax.tree.map(lambda x: x[0], trajectory)
