r"""Stream Q(λ): deep Q-learning from every step as it comes, with eligibility traces and nothing stored.

.. math::
    \delta &= R / \sigma + \gamma \sum_a w(a)\, q(S', a) - q(S, A) \\
    z &\leftarrow \gamma \lambda\, z \, [A \text{ greedy}] + \nabla q(S, A) \\
    \theta &\leftarrow \theta + \alpha \min(1, 1 / M)\, \delta\, z, \qquad
        M = \alpha\, \kappa \max(|\delta|, 1) \lVert z \rVert_1

with γ = 0 in δ where the episode terminated, and z = 0 at the start of every episode.  The weights w are those of
Q-learning.

Source: M. Elsayed, G. Vasan and A. R. Mahmood, *Streaming deep reinforcement learning finally works*,
arXiv:2410.14606 (2024), written from the paper.  Differences from it and from the authors' code:

- Traces are cut as in Watkins's Q(λ): what was done before an exploratory action gets nothing of that action's error,
  and the action itself leaves a trace.  The authors' code clears the trace after the update of the exploratory action,
  so that earlier steps get its error and the action leaves none.
- Truncation bootstraps; their code merges it into termination.
- Sparse initialisation leaves every unit an input; theirs zeroes all of them where there are fewer than ten.
- The discounted return that scales rewards starts anew after the last reward of an episode, not with it.

λ = 0 is one-step Q-learning with bounded steps.
"""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from qlearn.agents.learner import Clock, Knowledge, Learner, Spec, Transition
from qlearn.agents.network import Network, QFunction, Weights
from qlearn.agents.networked import check_networked, choose, lane_of, masks, small, taken_values
from qlearn.agents.scaling import RewardScale, Scales, Scaling, first_scales, met, scaled, scaled_model
from qlearn.agents.stream_parts import bounded_update, sparse_weights
from qlearn.agents.table import entry
from qlearn.agents.tabular import rate_of
from qlearn.rules.description import description, number
from qlearn.rules.exploration import EpsilonGreedy, Exploration
from qlearn.rules.rows import best, legal_row
from qlearn.rules.schedules import Schedule, as_schedule, linear
from qlearn.rules.targets import one_step, q_learning

Array = jax.Array


class StreamState(NamedTuple):
    """The network, the trace of every weight, and the scales of what was met."""

    weights: Weights
    trace: tuple[Array, ...]  # z, of the shapes of weights.trainable
    observations: Scales  # None where they are not scaled
    rewards: RewardScale | None
    largest: Array  # float32: the largest |Q| of the last update, in units of return


@description
class StreamQ:
    """Stream Q(λ): one environment, one update a step, no replay, no target network, no optimizer.

    It wants a network whose hidden layers are normalised before their activation, as
    ``mlp(32, 32, layer_norm=True)`` is (the paper's LayerNorm has no scale and shift: in a model of your own,
    ``LayerNormalization(center=False, scale=False)``).

    Args:
        model: a ``keras.Model``, a ``keras.Sequential``, or a function ``(observation_shape, num_actions) -> model``.
        learning_rate: α > 0, a number or a schedule; a bound on the steps more than their size.
        discount: γ in [0, 1].
        trace_decay: λ in [0, 1].
        kappa: κ > 0: an update may use up 1/κ of what would overshoot.
        exploration: the behaviour policy.
        sparsity: the share of every unit's inputs that start at 0, in [0, 1]; one input always lives.  None leaves all
            first weights to the model's own initialisers.
        scale_observations: whether observations are brought to mean 0 and variance 1 by what was met so far.  Numbers
            of states never are.
        scale_rewards: whether rewards are divided by the standard deviation of the discounted return so far.

    Raises:
        InputError: where a number is out of range, or the model is none.

    >>> from qlearn.agents.mlp import mlp
    >>> StreamQ(mlp(32, layer_norm=True), trace_decay=0.5).label
    'stream Q(0.5)'
    """

    model: Any = dataclasses.field(kw_only=False)
    learning_rate: float | Schedule = 1.0
    discount: float = 0.99
    trace_decay: float = 0.8
    kappa: float = 2.0
    exploration: Exploration = EpsilonGreedy(linear(1.0, 0.01, over=40_000, per="step"))
    sparsity: float | None = 0.9
    scale_observations: bool = True
    scale_rewards: bool = True

    version = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "model", Network.of(self.model))
        check_networked(self)
        as_schedule(self, "learning_rate")
        number(self, "trace_decay", 0.0, 1.0)
        number(self, "kappa", 0.0, open_low=True)
        if self.sparsity is not None:
            number(self, "sparsity", 0.0, 1.0)

    @property
    def label(self) -> str:
        """With its λ."""
        return f"stream Q({self.trace_decay:g})"

    def check(self, spec: Spec) -> None:
        """Raises InputError where the network does not fit the environment."""
        self.model.bind(spec)

    def learner(self, spec: Spec) -> Learner:
        """The functions for an environment of these sizes."""
        stream = _Stream(self, spec, self.model.bind(spec))
        return Learner(
            stream.init,
            stream.act,
            stream.update,
            stream.q_values,
            lane=lane_of(stream.q),
            num_environments=1,
            knowledge=stream.knowledge,
            q_network=lambda knowledge: scaled_model(stream.q.model(knowledge.weights), knowledge.scaling),
            magnitude=lambda state: state.largest,
            fused=small(stream.q),
        )


@dataclasses.dataclass(frozen=True)
class _Stream:
    """The learner's functions."""

    agent: StreamQ
    spec: Spec
    q: QFunction

    def init(self, noise: Any) -> StreamState:
        weights = self.q.first(noise)
        if self.agent.sparsity is not None:
            kernels = sparse_weights(noise.key(), weights.trainable, self.agent.sparsity)
            weights = weights._replace(trainable=kernels)
        return StreamState(
            weights=weights,
            trace=tuple(jnp.zeros_like(w) for w in weights.trainable),
            observations=first_scales(self.spec) if self.agent.scale_observations else None,
            rewards=RewardScale.none() if self.agent.scale_rewards else None,
            largest=jnp.float32(0.0),
        )

    def act(self, state: StreamState, observations: Any, noise: Any, clock: Clock) -> tuple[Array, StreamState]:
        if state.observations is not None:  # the first observation of an episode is met here, all others in update
            first = clock.step[0] == jnp.uint32(0)
            more = met(state.observations, jax.tree.map(lambda x: x[0], observations))
            kept = jax.tree.map(lambda new, old: jnp.where(first, new, old), more, state.observations)
            state = state._replace(observations=kept)
        rows = self.q.values(state.weights, scaled(state.observations, observations)) * _unit(state)
        return choose(self.agent.exploration, rows, masks(self.spec, observations), noise, clock), state

    def update(self, state: StreamState, trajectory: Transition, noise: Any, clock: Clock) -> StreamState:
        agent, weights, trace = self.agent, state.weights, state.trace
        t: Transition = jax.tree.map(lambda x: x[0, 0], trajectory)
        here = scaled(state.observations, _batch(t.observation))  # as it was when the action was chosen
        state, reward = self._meet(state, t)
        there = scaled(state.observations, _batch(t.next_observation))  # as it will be when the next one is
        (value, learnt), gradient = self._value_and_gradient(weights, here, t.action)
        row, following = self.q.values(weights, here)[0], self.q.values(weights, there)[0]
        mask = self.spec.mask(t.next_observation)
        greedy = q_learning(following, following, jnp.int32(-1), mask)
        error = one_step(t._replace(reward=reward), greedy, following, agent.discount) - value
        followed = entry(best(legal_row(row, self.spec.mask(t.observation))), t.action)  # the greedy policy
        decay = jnp.where(followed, agent.discount * agent.trace_decay, 0.0)
        trace = tuple(decay * z + g for z, g in zip(trace, gradient, strict=True))
        trainable = bounded_update(learnt.trainable, trace, error, rate_of(agent).value(clock), agent.kappa)
        return state._replace(
            weights=learnt._replace(trainable=trainable),
            trace=tuple(jnp.where(t.ended, 0.0, z) for z in trace),
            largest=jnp.max(jnp.abs(row)) * _unit(state),
        )

    def _meet(self, state: StreamState, t: Transition) -> tuple[StreamState, Array]:
        """Take an arrival and a reward into the scales; gives the reward scaled."""
        observations, rewards, reward = met(state.observations, t.next_observation), state.rewards, t.reward
        if rewards is not None:
            reward, rewards = rewards.take(reward, t.ended, self.agent.discount)
        return state._replace(observations=observations, rewards=rewards), reward

    def _value_and_gradient(
        self, weights: Weights, here: Array, action: Array
    ) -> tuple[tuple[Array, Weights], tuple[Array, ...]]:
        """q(s, a), the weights with the layers' new state, and the gradient of q(s, a)."""

        def value_of(trainable: tuple[Array, ...]) -> tuple[Array, Weights]:
            rows, after = self.q.train_values(weights._replace(trainable=trainable), here)
            return taken_values(rows, action[None])[0], after

        (value, after), gradient = jax.value_and_grad(value_of, has_aux=True)(weights.trainable)
        return (value, after._replace(trainable=weights.trainable)), gradient

    def knowledge(self, state: StreamState) -> Knowledge:
        return Knowledge(state.weights, Scaling(state.observations, _unit(state)))

    def q_values(self, knowledge: Knowledge, observation: Array) -> Array:
        scaling: Scaling = knowledge.scaling
        return self.q.values(knowledge.weights, scaling.before(_batch(observation)))[0] * scaling.unit


def _batch(observation: Any) -> Any:
    """A batch of one observation."""
    return jax.tree.map(lambda x: x[None], observation)


def _unit(state: StreamState) -> Array:
    """One unit of the network's output, in units of return."""
    return jnp.float32(1.0) if state.rewards is None else state.rewards.moments.deviation()
