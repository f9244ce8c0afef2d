"""Agents that differ in numbers alone, one for each seed of a lane: a grid of settings as one more array axis.

Numbers are leaves of a description's tree, so agents of one structure can be stacked.  Each seed picks its own agent's
numbers at the start and carries them along in its state; whatever is computed then is what its own agent computes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.custom_batching import custom_vmap

from qlearn.agents.learner import Clock, Learner, Spec

Array = jax.Array


class Own(NamedTuple):
    """What a seed carries: its agent, whose numbers are scalars of this seed, and what belongs to it."""

    agent: Any
    state: Any


@jax.tree_util.register_pytree_node_class
@dataclasses.dataclass(frozen=True, eq=False)
class Spread:
    """As many agents of one structure as a lane has seeds, as one description; made by `spread`.

    Args:
        stacked: an agent whose leaves have the lane's axis in front.
        first: the first agent, for what all have in common; not used where JAX put the tree together again.
    """

    stacked: Any
    first: Any = None

    def tree_flatten(self) -> tuple[tuple[Any], None]:
        """The stacked numbers; the rest is structure of theirs."""
        return (self.stacked,), None

    @classmethod
    def tree_unflatten(cls, _: None, children: tuple[Any]) -> Spread:
        """The same again."""
        return cls(*children)

    def _one(self) -> Any:
        return jax.tree.map(lambda x: x[0], self.stacked) if self.first is None else self.first

    @property
    def label(self) -> str:
        """The first agent's."""
        return str(self._one().label)

    @property
    def discount(self) -> float | None:
        """The first agent's."""
        found: float | None = self._one().discount
        return found

    @property
    def version(self) -> int:
        """The agents'."""
        return int(self._one().version)

    @property
    def exploration(self) -> Any:
        """The first agent's."""
        return self._one().exploration

    def learner(self, spec: Spec) -> Learner:
        """The learner that hands everything to each seed's own."""
        common, stacked = self._one().learner(spec), self.stacked

        def own(mine: Own) -> Learner:
            learner: Learner = mine.agent.learner(spec)
            return learner

        def init(noise: Any) -> Own:
            agent = _mine(stacked, noise.seed)
            return Own(agent, agent.learner(spec).init(noise))

        def act(mine: Own, observation: Array, noise: Any, clock: Clock) -> tuple[Array, Own]:
            action, state = own(mine).act(mine.state, observation, noise, clock)
            return action, mine._replace(state=state)

        def update(mine: Own, trajectory: Any, noise: Any, clock: Clock) -> Own:
            return mine._replace(state=own(mine).update(mine.state, trajectory, noise, clock))

        def told(name: str) -> Any:
            return lambda mine: getattr(own(mine), name)(mine.state)

        def knowledge(mine: Own) -> Own:
            known = own(mine).knowledge
            assert known is not None
            return mine._replace(state=known(mine.state))

        return dataclasses.replace(
            common,
            init=init,
            act=act,
            update=update,
            q_values=lambda mine, observation: own(mine).q_values(mine.state, observation),
            knowledge=None if common.knowledge is None else knowledge,
            magnitude=None if common.magnitude is None else told("magnitude"),
            extras=None if common.extras is None else told("extras"),
        )


def spread(agents: Sequence[Any], width: int) -> Spread:
    """Return agents as one description for a lane of ``width`` seeds; where there are fewer, they begin again.

    Args:
        agents: one for each seed, all of one structure.
        width: of the lane.

    >>> from qlearn.agents.q_learning import QLearning
    >>> agents = [QLearning(learning_rate=rate) for rate in (0.25, 0.5)]
    >>> spread(agents, 3).stacked.learning_rate.start.tolist()
    [0.25, 0.5, 0.25]
    """
    rows = [agents[i % len(agents)] for i in range(width)]
    return Spread(jax.tree.map(lambda *leaves: np.stack([_array(leaf) for leaf in leaves]), *rows), agents[0])


def structure_of(agent: Any) -> Any:
    """Return what agents must have in common to be spread: their kinds and counts, and the shapes of their arrays."""
    leaves, structure = jax.tree.flatten(agent)
    return structure, tuple((np.shape(leaf), _array(leaf).dtype.str) for leaf in leaves)


def _array(leaf: Any) -> Any:
    return np.asarray(leaf, np.float32) if isinstance(leaf, float) else np.asarray(leaf)


@custom_vmap
def _mine(stacked: Any, seed: Array) -> Any:
    """One seed's own of a lane's agents; the seed only tells which axis is the lane's."""
    return jax.tree.map(lambda x: x[0], stacked)


@_mine.def_vmap
def _mine_of_a_lane(axis_size: int, in_batched: list[Any], stacked: Any, seed: Array) -> tuple[Any, Any]:
    if not in_batched[1]:
        one = jax.tree.map(lambda x: x[0], stacked)
        return one, jax.tree.map(lambda _: False, one)
    assert not any(jax.tree.leaves(in_batched[0])), "the agents of a lane are given as they are"
    return stacked, jax.tree.map(lambda _: True, stacked)
