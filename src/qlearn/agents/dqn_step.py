"""One gradient step of a DQN: targets, losses, gradients, the optimizer, and the soft target."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from qlearn.agents.heads import Head, Predicted, policy_values
from qlearn.agents.learner import Spec
from qlearn.agents.network import QFunction, Weights
from qlearn.agents.networked import clip, greedy_weights, masks
from qlearn.agents.replay import Batch
from qlearn.rules import munchausen as soft

Array = jax.Array
# Where in an update's noise a gradient step draws; the places of the batches lie below all of it.
_FIRST_SLOT, _SLOTS = 1 << 20, 8
_LEARNT, _JUDGED, _CHOSEN = 0, 1, 2  # of noisy weights
_PREDICTED_AT, _JUDGED_AT = 3, 4  # of fractions


class Learnt(NamedTuple):
    """What gradient steps change."""

    weights: Weights
    target: Weights
    optimizer: Any
    magnitude: Array  # the largest |Q| in the last batch, float32; NaN where it was not finite


@dataclasses.dataclass(frozen=True)
class GradientStep:
    """The step of an agent on an environment.

    Args:
        agent: a ``DQN``.
        spec: the sizes of the environment.
        q: its network.
        head: what that network says.
    """

    agent: Any
    spec: Spec
    q: QFunction
    head: Head

    def __call__(
        self, old: Learnt, batch: Batch, importance: Array | None, noise: Any, number: int | Array
    ) -> tuple[Learnt, Array]:
        """What one batch teaches.

        Args:
            old: weights and all.
            batch: of outcomes.
            importance: what each counts, (batch,); None for evenly.
            noise: of this update.
            number: of the step in this update.

        Returns:
            What was learnt, and how wrong the predictions were, (batch,).
        """
        slot = jnp.uint32(_FIRST_SLOT) + jnp.asarray(number, jnp.uint32) * jnp.uint32(_SLOTS)
        target = jax.lax.stop_gradient(self.target(old, batch, noise, slot))
        fractions = self._fractions(batch, noise, slot + _PREDICTED_AT, judge=False)

        def cost(trainable: tuple[Array, ...]) -> tuple[Array, tuple[Array, Array, Weights]]:
            weights = self.q.noisy(old.weights._replace(trainable=trainable), noise, slot + _LEARNT)
            outputs, after = self.q.train_values(weights, batch.observation, fractions)
            losses, errors = self.head.losses(Predicted(outputs, fractions), batch.action, target)
            cost = jnp.mean(losses if importance is None else importance * losses)
            return cost, (self.head.means(outputs), errors, after._replace(trainable=trainable))

        gradients, (rows, errors, after) = jax.grad(cost, has_aux=True)(old.weights.trainable)
        gradients = clip(gradients, self.agent.max_gradient_norm)
        weights, optimizer = self.agent.optimizer.apply(old.optimizer, gradients, after)
        largest = jnp.max(jnp.abs(rows))
        magnitude = jnp.where(jnp.isfinite(largest), largest, jnp.nan)
        return Learnt(weights, self._soft_target(old.target, weights), optimizer, magnitude), errors

    def target(self, old: Learnt, batch: Batch, noise: Any, slot: Array) -> Array:
        """What the predictions of a batch are moved towards."""
        judge = self.q.noisy(old.target, noise, slot + _JUDGED)
        fractions = self._fractions(batch, noise, slot + _JUDGED_AT, judge=True)
        evaluate = self.q.values(judge, batch.next_observation, fractions)
        if self.agent.double:
            chooser = self.q.noisy(old.weights, noise, slot + _CHOSEN)
            select = policy_values(self.head, self.q, chooser, batch.next_observation)
        elif fractions is None:
            select = self.head.means(evaluate)
        else:
            select = policy_values(self.head, self.q, judge, batch.next_observation)
        if self.agent.munchausen is None:
            weights = greedy_weights(self.spec, batch.next_observation, select)
            return self.head.target(batch, weights, evaluate, None)
        return self._munchausen(judge, batch, select, evaluate)

    def _munchausen(self, judge: Weights, batch: Batch, select: Array, evaluate: Array) -> Array:
        """The same towards a soft policy, with its logarithm in the reward."""
        rule = self.agent.munchausen
        here = policy_values(self.head, self.q, judge, batch.observation)
        taken = jax.vmap(soft.bonus, in_axes=(0, 0, None, None))(
            self._scaled(batch.observation, here), batch.action, rule.scale, rule.floor
        )
        scaled = self._scaled(batch.next_observation, select)
        weights = soft.soft_policy(scaled, rule.temperature)
        return self.head.target(batch._replace(reward=batch.reward + taken), weights, evaluate, -scaled)

    def _scaled(self, observations: Any, rows: Array) -> Array:
        """τ log π of a batch, (batch, A)."""
        mask = masks(self.spec, observations)
        rule = jax.vmap(soft.scaled_log_policy, in_axes=(0, None if mask is None else 0, None))
        return rule(rows, mask, self.agent.munchausen.temperature)

    def _fractions(self, batch: Batch, noise: Any, slot: Array, *, judge: bool) -> Array | None:
        return self.head.fractions(noise, slot, batch.action.shape[0], judge=judge)

    def _soft_target(self, target: Weights, weights: Weights) -> Weights:
        """The target network after a gradient step."""
        rate = self.agent.target_rate
        if rate is None:
            return target
        pairs = zip(weights.trainable, target.trainable, strict=True)
        return Weights(tuple(rate * new + (1.0 - rate) * old for new, old in pairs), weights.other)
