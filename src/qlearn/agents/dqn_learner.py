"""The functions of a DQN for one environment: acting, storing, sampling, and the gradient steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from qlearn.agents.frames import ring_of
from qlearn.agents.learner import Clock, Knowledge, Learner, Spec, Transition
from qlearn.agents.network import QFunction, Weights
from qlearn.agents.network_form import Form
from qlearn.agents.networked import LANE, choose, clip, greedy_weights, masks, taken_values
from qlearn.agents.replay import Batch, Replay, together
from qlearn.rules.losses import LOSSES
from qlearn.rules.targets import one_step

Array = jax.Array


class Learnt(NamedTuple):
    """What gradient steps change."""

    weights: Weights
    target: Weights
    optimizer: Any
    magnitude: Array  # the largest |Q| in the last batch, float32; NaN where it was not finite


class DQNState(NamedTuple):
    """A seed's state between two updates."""

    learnt: Learnt
    replay: Replay
    steps: Array  # stored so far, uint32; the same in all seeds of a lane


def dqn_learner(agent: Any, spec: Spec) -> Learner:
    """The learner that a ``DQN`` describes."""
    q = agent.model.bind(spec, form=Form(dueling=agent.dueling))
    ring = ring_of(agent, spec)
    learn = _learning(agent, spec, q)
    slots = (agent.batch_size + 1) // 2  # that the places of one batch take

    def init(noise: Any) -> DQNState:
        weights = q.first(noise)
        target = jax.tree.map(jnp.copy, weights)  # arrays of its own: a state's arrays are given away, each once
        learnt = Learnt(weights, target, agent.optimizer.first(weights), jnp.float32(0.0))
        return DQNState(learnt, ring.empty(), jnp.uint32(0))

    def act(state: DQNState, observations: Array, noise: Any, clock: Clock) -> tuple[Array, DQNState]:
        rows = q.values(state.learnt.weights, observations)
        return choose(agent.exploration, rows, masks(spec, observations), noise, clock), state

    def update(state: DQNState, trajectory: Transition, noise: Any, clock: Clock) -> DQNState:
        before = together(state.steps)
        replay = ring.write(state.replay, trajectory, before)
        steps = before + jnp.uint32(agent.train_every)

        def sample(number: int | Array) -> Batch:
            places = ring.draw(noise, jnp.asarray(number, jnp.uint32) * slots, agent.batch_size, steps, agent.n_step)
            return ring.take(replay, places, agent.n_step, agent.discount)

        # Sampled outside the branch: what rides into a branch may be copied, and the replay must not be.
        batches = sample(0) if agent.updates == 1 else jax.vmap(sample)(jnp.arange(agent.updates, dtype=jnp.uint32))
        late = steps > jnp.uint32(agent.learning_starts)
        learnt = jax.lax.cond(late, lambda old: learn(old, batches, steps), lambda old: old, state.learnt)
        return DQNState(learnt, replay, steps)

    return Learner(
        init,
        act,
        update,
        lambda knowledge, observation: q.row(knowledge.weights, observation),
        period=agent.train_every // agent.num_environments,
        lane=LANE,
        num_environments=agent.num_environments,
        knowledge=lambda state: Knowledge(state.learnt.weights),
        q_network=lambda knowledge: q.model(knowledge.weights),
        magnitude=lambda state: state.learnt.magnitude,
        fused=False,
    )


def _learning(agent: Any, spec: Spec, q: QFunction) -> Callable[[Learnt, Batch, Array], Learnt]:
    """All gradient steps of an update, and the hard copy of the target."""

    def learn(old: Learnt, batches: Batch, steps: Array) -> Learnt:
        if agent.updates == 1:
            new = _gradient_step(agent, spec, q, old, batches)
        else:
            new, _ = jax.lax.scan(lambda now, batch: (_gradient_step(agent, spec, q, now, batch), None), old, batches)
        if agent.target_every is None:
            return new
        due = steps % jnp.uint32(agent.target_every) == 0
        return new._replace(target=jax.lax.cond(due, lambda: new.weights, lambda: new.target))

    return learn


def _gradient_step(agent: Any, spec: Spec, q: QFunction, old: Learnt, batch: Batch) -> Learnt:
    """One batch: targets, gradients, the optimizer, and the soft target."""
    target = _targets(agent, spec, q, old, batch)

    def cost(trainable: tuple[Array, ...]) -> tuple[Array, tuple[Array, Weights]]:
        rows, after = q.train_values(old.weights._replace(trainable=trainable), batch.observation)
        values = taken_values(rows, batch.action)
        return jnp.mean(LOSSES[agent.loss](target - values)), (rows, after)

    gradients, (rows, after) = jax.grad(cost, has_aux=True)(old.weights.trainable)
    gradients = clip(gradients, agent.max_gradient_norm)
    weights, optimizer = agent.optimizer.apply(old.optimizer, gradients, after)
    largest = jnp.max(jnp.abs(rows))
    magnitude = jnp.where(jnp.isfinite(largest), largest, jnp.nan)
    return Learnt(weights, _soft(agent, old.target, weights), optimizer, magnitude)


def _targets(agent: Any, spec: Spec, q: QFunction, old: Learnt, batch: Batch) -> Array:
    """What the values of a batch are moved towards, (batch,)."""
    evaluate = q.values(old.target, batch.next_observation)
    select = q.values(old.weights, batch.next_observation) if agent.double else evaluate
    weights = greedy_weights(spec, batch.next_observation, select)
    return jax.vmap(one_step)(batch, weights, evaluate, batch.discount)


def _soft(agent: Any, target: Weights, weights: Weights) -> Weights:
    """The target network after a gradient step."""
    rate = agent.target_rate
    if rate is None:
        return target
    mixed = tuple(rate * new + (1.0 - rate) * old for new, old in zip(weights.trainable, target.trainable, strict=True))
    return Weights(mixed, weights.other)
