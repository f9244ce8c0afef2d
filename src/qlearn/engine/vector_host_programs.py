"""What the host loop compiles: begin, act, learn and read, for all seeds of one agent with a network.

The cost of a small network in such a loop is the cost of calling: of what a call is given, each array takes a
microsecond or two, and each Python object more.  So numbers of the agent are put on the device once and not at every
call, clocks are one array, and a call gives back only what it changed.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from qlearn.agents import observed
from qlearn.agents.learner import Agent, Clock, Spec, Transition
from qlearn.engine import noise
from qlearn.engine.frozen import Frozen, packed, unpacked
from qlearn.engine.needed import needed
from qlearn.engine.vector_loop import Known, known_of, over_lane
from qlearn.engine.vector_step import behaviour_noise, last_clock, update_noise

Array = jax.Array
Numbers = np.ndarray[Any, Any]
State = tuple[Any, ...]  # of each lane


class HostPrograms:
    """The learner's functions over whole lanes, one after the other.

    The state of each lane is a tree of its own, and that of a lane of one seed has no axis of seeds: only so is a
    replay that is given to a program and given back changed in place.  What was cut out of a larger array, or becomes
    a part of one, is copied, also where the part is the whole.

    Args:
        agent: the description.
        spec: the sizes of the environment.
        width: of a lane.
        seeds: (size,) uint32, whole lanes.
    """

    def __init__(self, agent: Agent, spec: Spec, width: int, seeds: Numbers) -> None:
        leaves, tree = jax.tree.flatten(agent)
        self._width, self._count = width, len(seeds) // width
        # Asked for as they are, 0.1 or 3: a Python number stays weakly typed, as it would be in a call.
        numbers = tuple(map(jnp.asarray, leaves))
        self._given = [(numbers, jnp.asarray(self._part(seeds, i))) for i in range(self._count)]
        self._compiled = _compiled(tree, spec, width)
        self._acting: Callable[..., Any] | None = None
        self._read_by_act: tuple[int, ...] = ()
        # Of each lane: the state that was last acted with, and all that acting is given but what it sees.
        self._acted: list[tuple[Any, list[Any]]] = [(None, [])] * self._count

    def begin(self) -> State:
        """The first state of all lanes."""
        return tuple(self._compiled.begin(*given) for given in self._given)

    def act(self, state: State, seen: Numbers, now: Numbers) -> tuple[Numbers, State]:
        """Choose actions.

        Args:
            state: of all lanes.
            seen: (size, E, …) observations.
            now: (size, 2 E + 1) uint32: episode and step of each environment, and total.

        Returns:
            Actions (size, E), and the state, which is the very same where acting changes nothing.
        """
        actions, lanes, same = [], [], True
        for i, lane in enumerate(state):  # at every step of the environments: nothing here but what has to be
            chosen, after = self._act(i, lane, self._part(seen, i), self._part(now, i))
            same = same and after is lane
            actions.append(chosen)
            lanes.append(after)
        return self._whole(actions), state if same else tuple(lanes)

    def _act(self, place: int, lane: Any, seen: Numbers, now: Numbers) -> tuple[Array, Any]:
        if self._acting is None:
            self._read_by_act, self._acting = self._compiled.acting(*self._given[place], lane, seen, now)
        before, leaves = self._acted[place]
        if lane is not before:
            leaves = jax.tree.leaves((*self._given[place], lane))
            self._acted[place] = lane, leaves
        whole = [*leaves, seen, now]
        actions, changed = self._acting(*[whole[i] for i in self._read_by_act])
        if changed:
            leaves, tree = jax.tree.flatten(lane)
            for i, leaf in changed.items():
                leaves[i] = leaf
            lane = jax.tree.unflatten(tree, leaves)
        return actions, lane

    def learn(self, state: State, columns: tuple[Numbers, ...], now: Numbers) -> tuple[State, Numbers]:
        """Update every seed; the state is given away, and changed in place.

        Args:
            state: of all lanes.
            columns: (size, period, E, …) of a ``Transition`` without ``valid``.
            now: the clock after the last step of each.

        Returns:
            The state, and the magnitude of the values of each seed, (size,).
        """
        lanes, magnitudes = [], []
        for i, lane in enumerate(state):
            some = tuple([self._part(column, i) for column in columns])
            after, magnitude = self._compiled.learn(*self._given[i], lane, some, self._part(now, i))
            lanes.append(after)
            magnitudes.append(magnitude)
        return tuple(lanes), self._whole(magnitudes)

    def learn_marked(
        self, state: State, columns: tuple[Numbers, ...], now: Numbers, marked: Numbers
    ) -> tuple[State, Numbers]:
        """Update the marked seeds, (size,) bool; a lane of which not all are is copied, replay and all."""
        lanes, magnitudes = [], []
        for i, lane in enumerate(state):
            which, at = self._part(marked, i), self._part(now, i)
            some = tuple([self._part(column, i) for column in columns])
            after, magnitude = lane, np.zeros(which.shape, np.float32)
            if which.all():
                after, magnitude = self._compiled.learn(*self._given[i], lane, some, at)
            elif which.any():
                after, magnitude = self._compiled.learn_marked(*self._given[i], lane, some, at, which)
            lanes.append(after)
            magnitudes.append(magnitude)
        return tuple(lanes), self._whole(magnitudes)

    def read(self, state: State) -> Known:
        """What all seeds know, in NumPy arrays."""
        found = [self._compiled.read(*given, lane) for given, lane in zip(self._given, state, strict=True)]
        known: Known = jax.tree.map(lambda *some: self._whole(list(some)), *found)
        return known

    def frozen(self, name: str, state: State) -> Frozen:
        """The leaves of the state by name, each with an axis of all seeds; see `frozen.packed`."""
        lanes = [packed(name, lane) for lane in state]
        return {key: self._whole([lane[key] for lane in lanes]) for key in lanes[0]}

    def thawed(self, name: str, state: State, arrays: Mapping[str, Numbers]) -> State:
        """The state again; see `frozen.unpacked`.

        Raises:
            ValueError: where something is missing or has another shape or dtype.
        """
        mine = {key: values for key, values in arrays.items() if key.startswith(f"{name}.")}
        if any(values.shape[:1] != (self._width * self._count,) for values in mine.values()):
            raise ValueError(f"{name} is of another number of seeds than {self._width * self._count}")
        cut = [{key: self._part(values, i) for key, values in mine.items()} for i in range(self._count)]
        return tuple(unpacked(name, lane, some) for lane, some in zip(state, cut, strict=True))

    def _part(self, whole: Numbers, lane: int) -> Numbers:
        """The part of a lane."""
        part: Numbers = whole[lane] if self._width == 1 else whole[lane * self._width : (lane + 1) * self._width]
        return part

    def _whole(self, parts: Sequence[Any]) -> Numbers:
        """The parts of the lanes together; a view where there is one."""
        if len(parts) == 1:
            return np.asarray(parts[0])[None] if self._width == 1 else np.asarray(parts[0])
        return np.stack(parts) if self._width == 1 else np.concatenate(parts)


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
        return over_lane(width == 1, lambda seed: learner.init(noise.at(seed, noise.INITIAL, zero, zero)))(seeds)

    def act(numbers: Any, seeds: Array, state: Any, seen: Array, now: Array) -> tuple[Array, dict[int, Array]]:
        return over_lane(width == 1, functools.partial(_act, described(numbers), spec))(seeds, state, seen, now)

    kept: dict[Any, Any] = {}

    def acting(*arguments: Any) -> tuple[tuple[int, ...], Callable[..., Any]]:
        """The places of the arrays that acting reads, and the program that takes these; one for all of these shapes."""
        shapes = tuple((x.shape, x.dtype, getattr(x, "weak_type", False)) for x in jax.tree.leaves(arguments))
        if shapes not in kept:
            kept[shapes] = needed(act, *arguments)
        return kept[shapes]

    def learn(numbers: Any, seeds: Array, state: Any, columns: Any, now: Array) -> tuple[Any, Array]:
        return over_lane(width == 1, functools.partial(_update, described(numbers), spec))(seeds, state, columns, now)

    def learn_marked(
        numbers: Any, seeds: Array, state: Any, columns: Any, now: Array, marked: Array
    ) -> tuple[Any, Array]:
        def one(seed: Array, state: Any, columns: Any, now: Array, marked: Array) -> tuple[Any, Array]:
            after, magnitude = _update(described(numbers), spec, seed, state, columns, now)
            kept = jax.tree.map(lambda new, old: jnp.where(marked, new, old), after, state)
            return kept, jnp.where(marked, magnitude, 0.0)

        return over_lane(width == 1, one)(seeds, state, columns, now, marked)

    def read(numbers: Any, seeds: Array, state: Any) -> Known:
        del seeds
        known: Known = over_lane(width == 1, functools.partial(known_of, described(numbers).learner(spec), spec))(state)
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
    observations = observed.unpacked(spec.parts, seen)
    actions, after = agent.learner(spec).act(state, observations, behaviour_noise(seed, clock), clock)
    pairs = zip(jax.tree.leaves(after), jax.tree.leaves(state), strict=True)
    return actions, {i: new for i, (new, old) in enumerate(pairs) if new is not old}


def _update(
    agent: Agent, spec: Spec, seed: Array, state: Any, columns: tuple[Array, ...], now: Array
) -> tuple[Any, Array]:
    """The update of one seed, and the magnitude of its values."""
    learner, clock = agent.learner(spec), _clock(now)
    before = last_clock(clock, clock.episode.size)
    trajectory = Transition._make((*columns, jnp.ones(columns[1].shape, bool)))
    both = (trajectory.observation, trajectory.next_observation)
    seen, arrived = (observed.unpacked(spec.parts, rows) for rows in both)
    trajectory = trajectory._replace(observation=seen, next_observation=arrived)
    after = learner.update(state, trajectory, update_noise(seed, before), before)
    return after, jnp.float32(0.0) if learner.magnitude is None else learner.magnitude(after)


def _clock(now: Array) -> Clock:
    count = now.shape[-1] // 2
    return Clock(now[:count], now[count : 2 * count], now[-1])
