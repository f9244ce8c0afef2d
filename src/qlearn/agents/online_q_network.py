r"""Q-learning on a network, online: one step, one gradient, nothing else.

.. math:: L(w) = \frac{1}{|A|} \left( r + \gamma \max_b Q_{w^-}(s', b) - Q_w(s, a) \right)^2

where :math:`w^-` are the weights before the update, held fixed.  It is what a well-known tutorial does: the mean
squared error over all outputs, where the target of every action but the one taken is the network's own prediction.

Source: C. J. C. H. Watkins, *Learning from delayed rewards*, 1989, for the target; a single network trained on
consecutive steps is the control that shows why replay, target networks and the rest exist.
"""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from qlearn.agents.learner import Clock, Knowledge, Learner, Spec, Transition
from qlearn.agents.network import Network, Weights
from qlearn.agents.networked import (
    check_networked,
    choose,
    greedy_weights,
    lane_of,
    masks,
    one_step_targets,
    small,
    taken_values,
)
from qlearn.agents.optimizer import Optimizer
from qlearn.rules.description import description
from qlearn.rules.exploration import EpsilonGreedy, Exploration

Array = jax.Array


class OnlineState(NamedTuple):
    """The network, its optimizer's state, and the largest |Q| of the last update."""

    weights: Weights
    optimizer: tuple[Array, ...]
    magnitude: Array


@description
class OnlineQNetwork:
    """Q-learning on a network that learns from every step as it comes, in batches of one.

    Args:
        model: a ``keras.Model``, a ``keras.Sequential``, or a function ``(observation_shape, num_actions) ->
            keras.Model`` such as ``ql.mlp(10, activation="sigmoid")``; configuration only, every seed draws its own
            first weights.
        optimizer: a Keras optimizer; its constant learning rate is a number of the description.
        discount: γ in [0, 1].
        exploration: the behaviour policy.

    Raises:
        InputError: where the model or optimizer is none, or a number is out of range.

    >>> import keras
    >>> from qlearn.agents.mlp import mlp
    >>> OnlineQNetwork(mlp(10, activation="sigmoid"), keras.optimizers.Adam(), discount=0.95).label
    'online Q network'
    """

    model: Any = dataclasses.field(kw_only=False)
    optimizer: Any = dataclasses.field(kw_only=False)
    discount: float = 0.95
    exploration: Exploration = EpsilonGreedy(0.1)

    version = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "model", Network.of(self.model))
        object.__setattr__(self, "optimizer", Optimizer.of(self.optimizer))
        check_networked(self)

    @property
    def label(self) -> str:
        """``online Q network``."""
        return "online Q network"

    def check(self, spec: Spec) -> None:
        """Bind the network before training; raises InputError where it does not fit."""
        self.model.bind(spec)

    def learner(self, spec: Spec) -> Learner:
        """The functions for an environment of these sizes."""
        network = self.model.bind(spec)

        def init(noise: Any) -> OnlineState:
            weights = network.first(noise)
            return OnlineState(weights, self.optimizer.first(weights), jnp.float32(0.0))

        def act(state: OnlineState, seen: Array, noise: Any, clock: Clock) -> tuple[Array, OnlineState]:
            rows = network.values(state.weights, seen)
            return choose(self.exploration, rows, masks(spec, seen), noise, clock), state

        def update(state: OnlineState, trajectory: Transition, noise: Any, clock: Clock) -> OnlineState:
            one: Transition = jax.tree.map(lambda x: x[0], trajectory)  # (1, …): a batch of one
            following = network.values(state.weights, one.next_observation)
            policy = greedy_weights(spec, one.next_observation, following)
            target = one_step_targets(one, policy, following, self.discount)

            def loss(trainable: tuple[Array, ...]) -> tuple[Array, tuple[Array, Weights]]:
                rows, after = network.train_values(state.weights._replace(trainable=trainable), one.observation)
                error = taken_values(rows, one.action) - target
                return jnp.mean(jnp.square(error)) / spec.num_actions, (rows, after)

            gradients, (rows, after) = jax.grad(loss, has_aux=True)(state.weights.trainable)
            weights, optimizer = self.optimizer.apply(state.optimizer, gradients, after)
            return OnlineState(weights, optimizer, jnp.max(jnp.abs(rows)))

        return Learner(
            init=init,
            act=act,
            update=update,
            q_values=lambda knowledge, seen: network.row(knowledge.weights, seen),
            lane=lane_of(network),
            num_environments=1,
            fused=small(network),
            magnitude=lambda state: state.magnitude,
            knowledge=lambda state: Knowledge(state.weights),
            q_network=lambda knowledge: network.model(knowledge.weights),
        )
