"""The functions of a DQN for one environment: acting, storing, sampling, and when gradient steps are made."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from qlearn.agents.dqn_step import GradientStep, Learnt
from qlearn.agents.frames import ring_of
from qlearn.agents.heads import Head, Values, policy_values
from qlearn.agents.learner import Clock, Knowledge, Learner, Spec, Transition
from qlearn.agents.network import QFunction
from qlearn.agents.network_form import Form
from qlearn.agents.networked import choose, lane_of, masks
from qlearn.agents.priorities import Ranked, Ranking
from qlearn.agents.replay import Batch, Replay, Ring, together

Array = jax.Array
_ACTING_SLOT = 1 << 11  # of the behaviour's noise: policies draw below it


class DQNState(NamedTuple):
    """A seed's state between two updates."""

    learnt: Learnt
    replay: Replay
    steps: Array  # stored so far, uint32; the same in all seeds of a lane
    ranked: Ranked | None = None  # priorities, where there are such


def head_of(agent: Any) -> Head:
    """What an agent's network says: its own head, or values."""
    head: Head = Values(agent.loss) if agent.head is None else agent.head
    return head


def form_of(agent: Any) -> Form:
    """What is added to an agent's network."""
    return head_of(agent).form._replace(dueling=agent.dueling, noisy=agent.noisy)


def ranking_of(agent: Any) -> Ranking | None:
    """The layout of an agent's priorities, where it has such."""
    if agent.priorities is None:
        return None
    return Ranking(agent.priorities, agent.replay, agent.num_environments, agent.n_step)


def dqn_learner(agent: Any, spec: Spec) -> Learner:
    """The learner that a ``DQN`` describes."""
    q, head = agent.model.bind(spec, form=form_of(agent)), head_of(agent)
    ring, ranking = ring_of(agent, spec), ranking_of(agent)
    updates = _Updates(agent, ring, GradientStep(agent, spec, q, head), ranking)

    def init(noise: Any) -> DQNState:
        weights = q.first(noise)
        target = jax.tree.map(jnp.copy, weights)  # arrays of its own: a state's arrays are given away, each once
        learnt = Learnt(weights, target, agent.optimizer.first(weights), jnp.float32(0.0))
        return DQNState(learnt, ring.empty(), jnp.uint32(0), None if ranking is None else ranking.empty())

    def act(state: DQNState, observations: Array, noise: Any, clock: Clock) -> tuple[Array, DQNState]:
        weights = state.learnt.weights
        if agent.noisy:  # one draw a step, for all environments of the seed: that of the first
            weights = q.noisy(weights, jax.tree.map(lambda x: x[0], noise), _ACTING_SLOT)
        rows = policy_values(head, q, weights, observations)
        return choose(agent.exploration, rows, masks(spec, observations), noise, clock), state

    def q_values(knowledge: Knowledge, observation: Any) -> Array:
        return policy_values(head, q, knowledge.weights, jax.tree.map(lambda x: x[None], observation))[0]

    return Learner(
        init,
        act,
        updates,
        q_values,
        period=agent.train_every // agent.num_environments,
        lane=lane_of(q),
        num_environments=agent.num_environments,
        knowledge=lambda state: Knowledge(state.learnt.weights),
        q_network=lambda knowledge: _taken_out(q, head, knowledge),
        magnitude=lambda state: state.learnt.magnitude,
        fused=False,
    )


def _taken_out(q: QFunction, head: Head, knowledge: Knowledge) -> Any:
    with jax.ensure_compile_time_eval():
        atoms = head.support()
    return q.model(knowledge.weights, atoms)


@dataclasses.dataclass(frozen=True)
class _Updates:
    """An update: transitions into the replay, batches out of it, gradient steps."""

    agent: Any
    ring: Ring
    step: GradientStep
    ranking: Ranking | None

    def __call__(self, state: DQNState, trajectory: Transition, noise: Any, clock: Clock) -> DQNState:
        before = together(state.steps)
        replay = self.ring.write(state.replay, trajectory, before)
        steps = before + jnp.uint32(self.agent.train_every)
        if self.ranking is None:
            return DQNState(self._even(state.learnt, replay, steps, noise), replay, steps)
        assert state.ranked is not None
        ranked = self.ranking.enter(state.ranked, before, self.agent.train_every)
        learnt, ranked = self._by_priority(state.learnt, ranked, replay, steps, noise, clock)
        return DQNState(learnt, replay, steps, ranked)

    def _late(self, steps: Array) -> Array:
        return steps > jnp.uint32(self.agent.learning_starts)

    def _slot(self, number: int | Array) -> Array:
        """The first slot of the places of a batch."""
        return jnp.asarray(number, jnp.uint32) * ((self.agent.batch_size + 1) // 2)

    def _even(self, old: Learnt, replay: Replay, steps: Array, noise: Any) -> Learnt:
        agent = self.agent

        def sample(number: int | Array) -> Batch:
            places = self.ring.draw(noise, self._slot(number), agent.batch_size, steps, agent.n_step)
            return self.ring.take(replay, places, agent.n_step, agent.discount)

        def one(now: Learnt, given: tuple[Batch, Array]) -> tuple[Learnt, None]:
            return self.step(now, given[0], None, noise, given[1])[0], None

        def learn(old: Learnt, batches: Batch) -> Learnt:
            if agent.updates == 1:
                return self._copied(self.step(old, batches, None, noise, 0)[0], steps)
            return self._copied(jax.lax.scan(one, old, (batches, numbers))[0], steps)

        # Sampled outside the branch: what rides into a branch may be copied, and the replay must not be.
        numbers = jnp.arange(agent.updates, dtype=jnp.uint32)
        batches = sample(0) if agent.updates == 1 else jax.vmap(sample)(numbers)
        return jax.lax.cond(self._late(steps), lambda old: learn(old, batches), lambda old: old, old)

    def _by_priority(
        self, old: Learnt, ranked: Ranked, replay: Replay, steps: Array, noise: Any, clock: Clock
    ) -> tuple[Learnt, Ranked]:
        agent, ranking, late = self.agent, self.ranking, self._late(steps)
        assert ranking is not None

        def one(now: tuple[Learnt, Ranked], number: int | Array) -> tuple[tuple[Learnt, Ranked], None]:
            learnt, ranked = now
            places, importance = ranking.draw(ranked, noise, self._slot(number), agent.batch_size, clock)
            batch = self.ring.take(replay, places, agent.n_step, agent.discount)
            learnt, errors = jax.lax.cond(
                late,
                lambda old: self.step(old, batch, importance, noise, number),
                lambda old: (old, jnp.zeros(agent.batch_size, jnp.float32)),
                learnt,
            )
            return (learnt, ranking.rate(ranked, places, errors, late)), None

        if agent.updates == 1:
            (learnt, ranked), _ = one((old, ranked), 0)
        else:
            (learnt, ranked), _ = jax.lax.scan(one, (old, ranked), jnp.arange(agent.updates, dtype=jnp.uint32))
        return jax.lax.cond(late, lambda new: self._copied(new, steps), lambda new: new, learnt), ranked

    def _copied(self, new: Learnt, steps: Array) -> Learnt:
        """After the hard copy of the target, where one is due."""
        if self.agent.target_every is None:
            return new
        due = steps % jnp.uint32(self.agent.target_every) == 0
        return new._replace(target=jax.lax.cond(due, lambda: new.weights, lambda: new.target))
