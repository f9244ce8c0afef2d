"""What the host loop compiles: begin, act, learn and read, for all seeds of one agent with a network.

The cost of a small network in such a loop is the cost of calling: of what a call is given, each array takes a
microsecond or two, and each Python object more.  So numbers of the agent are put on the device once and not at every
call, clocks are one array, and a call gives back only what it changed.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from qlearn.agents.learner import Agent, Clock, Spec, Transition
from qlearn.agents.observed import unpacked
from qlearn.engine import noise
from qlearn.engine.needed import needed
from qlearn.engine.vector_loop import Known, known_of
from qlearn.engine.vector_step import behaviour_noise, last_clock, update_noise

Array = jax.Array
Numbers = np.ndarray[Any, Any]


class HostPrograms:
    """The learner's functions over a batch of whole lanes.

    Args:
        agent: the description.
        spec: the sizes of the environment.
        width: of a lane.
        seeds: (size,) uint32, whole lanes.
    """

    def __init__(self, agent: Agent, spec: Spec, width: int, seeds: Numbers) -> None:
        leaves, tree = jax.tree.flatten(agent)
        # Asked for as they are, 0.1 or 3: a Python number stays weakly typed, as it would be in a call.
        self._given = tuple(map(jnp.asarray, leaves)), jnp.asarray(seeds)
        self._compiled = _compiled(tree, spec, width)
        self._acting: Callable[..., Any] | None = None
        self._read_by_act: tuple[int, ...] = ()
        self._state: Any = None  # the last that was acted with, and all that acting is given but what it sees
        self._leaves: list[Any] = []

    def begin(self) -> Any:
        """The first state of all seeds."""
        return self._compiled.begin(*self._given)

    def act(self, state: Any, seen: Numbers, now: Numbers) -> tuple[Numbers, Any]:
        """Choose actions.

        Args:
            state: of all seeds.
            seen: (size, E, …) observations.
            now: (size, 2 E + 1) uint32: episode and step of each environment, and total.

        Returns:
            Actions (size, E), and the state, which is the very same where acting changes nothing.
        """
        if self._acting is None:
            self._read_by_act, self._acting = self._compiled.acting(*self._given, state, seen, now)
        if state is not self._state:
            self._state, self._leaves = state, jax.tree.leaves((*self._given, state))
        whole = [*self._leaves, seen, now]
        actions, changed = self._acting(*[whole[place] for place in self._read_by_act])
        if changed:
            leaves, tree = jax.tree.flatten(state)
            for place, leaf in changed.items():
                leaves[place] = leaf
            state = jax.tree.unflatten(tree, leaves)
        return np.asarray(actions), state

    def learn(self, state: Any, columns: tuple[Numbers, ...], now: Numbers) -> tuple[Any, Numbers]:
        """Update every seed; the state is given away.

        Args:
            state: of all seeds.
            columns: (size, period, E, …) of a ``Transition`` without ``valid``.
            now: the clock after the last step of each.

        Returns:
            The state, and the magnitude of the values of each seed, (size,).
        """
        state, magnitude = self._compiled.learn(*self._given, state, columns, now)
        return state, np.asarray(magnitude)

    def learn_marked(
        self, state: Any, columns: tuple[Numbers, ...], now: Numbers, marked: Numbers
    ) -> tuple[Any, Numbers]:
        """Update the marked seeds, (size,) bool; copies the state of all, a replay included."""
        state, magnitude = self._compiled.learn_marked(*self._given, state, columns, now, marked)
        return state, np.asarray(magnitude)

    def read(self, state: Any) -> Known:
        """What all seeds know, in NumPy arrays."""
        known: Known = jax.tree.map(np.asarray, self._compiled.read(*self._given, state))
        return known


@dataclasses.dataclass(frozen=True)
class _Compiled:
    """The programs of all agents of one structure: their numbers are arguments."""

    begin: Callable[..., Any]
    acting: Callable[..., tuple[tuple[int, ...], Callable[..., Any]]]
    learn: Callable[..., Any]
    learn_marked: Callable[..., Any]
    read: Callable[..., Any]


@functools.lru_cache(maxsize=32)
def _compiled(tree: Any, spec: Spec, width: int) -> _Compiled:
    def described(numbers: Any) -> Agent:
        agent: Agent = jax.tree.unflatten(tree, numbers)
        return agent

    def begin(numbers: Any, seeds: Array) -> Any:
        learner, zero = described(numbers).learner(spec), jnp.uint32(0)
        return lanes(width, lambda seed: learner.init(noise.at(seed, noise.INITIAL, zero, zero)))(seeds)

    def act(numbers: Any, seeds: Array, state: Any, seen: Array, now: Array) -> tuple[Array, dict[int, Array]]:
        return lanes(width, functools.partial(_act, described(numbers), spec))(seeds, state, seen, now)

    kept: dict[Any, Any] = {}

    def acting(*arguments: Any) -> tuple[tuple[int, ...], Callable[..., Any]]:
        """The places of the arrays that acting reads, and the program that takes these; one for all of these shapes."""
        shapes = tuple((x.shape, x.dtype, getattr(x, "weak_type", False)) for x in jax.tree.leaves(arguments))
        if shapes not in kept:
            kept[shapes] = needed(act, *arguments)
        return kept[shapes]

    def learn(numbers: Any, seeds: Array, state: Any, columns: Any, now: Array) -> tuple[Any, Array]:
        return lanes(width, functools.partial(_update, described(numbers), spec))(seeds, state, columns, now)

    def learn_marked(
        numbers: Any, seeds: Array, state: Any, columns: Any, now: Array, marked: Array
    ) -> tuple[Any, Array]:
        def one(seed: Array, state: Any, columns: Any, now: Array, marked: Array) -> tuple[Any, Array]:
            after, magnitude = _update(described(numbers), spec, seed, state, columns, now)
            kept = jax.tree.map(lambda new, old: jnp.where(marked, new, old), after, state)
            return kept, jnp.where(marked, magnitude, 0.0)

        return lanes(width, one)(seeds, state, columns, now, marked)

    def read(numbers: Any, seeds: Array, state: Any) -> Known:
        del seeds
        known: Known = lanes(width, functools.partial(known_of, described(numbers).learner(spec), spec))(state)
        return known

    return _Compiled(
        jax.jit(begin),
        acting,
        jax.jit(learn, donate_argnums=2),
        jax.jit(learn_marked, donate_argnums=2),
        jax.jit(read),
    )


def _act(agent: Agent, spec: Spec, seed: Array, state: Any, seen: Array, now: Array) -> tuple[Array, dict[int, Array]]:
    """Actions of one seed, (E,), and those leaves of its state that acting changes, by their place."""
    clock = _clock(now)
    actions, after = agent.learner(spec).act(state, unpacked(spec.parts, seen), behaviour_noise(seed, clock), clock)
    pairs = zip(jax.tree.leaves(after), jax.tree.leaves(state), strict=True)
    return actions, {i: new for i, (new, old) in enumerate(pairs) if new is not old}


def _update(
    agent: Agent, spec: Spec, seed: Array, state: Any, columns: tuple[Array, ...], now: Array
) -> tuple[Any, Array]:
    """The update of one seed, and the magnitude of its values."""
    learner, clock = agent.learner(spec), _clock(now)
    before = last_clock(clock, clock.episode.size)
    trajectory = Transition._make((*columns, jnp.ones(columns[1].shape, bool)))
    seen, arrived = unpacked(spec.parts, trajectory.observation), unpacked(spec.parts, trajectory.next_observation)
    trajectory = trajectory._replace(observation=seen, next_observation=arrived)
    after = learner.update(state, trajectory, update_noise(seed, before), before)
    return after, jnp.float32(0.0) if learner.magnitude is None else learner.magnitude(after)


def _clock(now: Array) -> Clock:
    count = now.shape[-1] // 2
    return Clock(now[:count], now[count : 2 * count], now[-1])


def lanes(width: int, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function of one seed over a batch of whole lanes."""

    def whole(*arguments: Any) -> Any:
        size = jax.tree.leaves(arguments)[0].shape[0]
        if size == 1:
            return jax.tree.map(lambda x: x[None], function(*jax.tree.map(lambda x: x[0], arguments)))
        if width == 1:  # no axis of a lane, so that the branches of a seed are real ones
            return jax.lax.map(lambda xs: function(*xs), arguments)
        inner = jax.vmap(function)
        if size == width:
            return inner(*arguments)
        cut = jax.tree.map(lambda x: x.reshape(-1, width, *x.shape[1:]), arguments)
        result = jax.lax.map(lambda xs: inner(*xs), cut)
        return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), result)

    return whole
