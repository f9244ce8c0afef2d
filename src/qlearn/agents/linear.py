r"""Semi-gradient methods on linear values: any target policy, any features; one step, n steps or traces.

.. math:: q(s, a) = \sum_i w_{ia}\, x_i(s), \qquad w_A \leftarrow w_A + \alpha\, \delta\, \rho \circ x(S), \qquad
          \delta = R + \gamma \sum_b \pi(b)\, q(S', b) - q(S, A)

Sarsa, Expected Sarsa and Q-learning differ in the target policy π alone, as on tables; ρ are the features' own rates
(1 / k where k of them are 1 at once).  How an error reaches the weights is a *way*: :class:`SingleStep` here, and one
file each for n steps and for traces.
"""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp

from qlearn.agents.features import Basis, Encoded
from qlearn.agents.learner import Clock, Knowledge, Learner, Spec, Transition
from qlearn.agents.linear_weights import added, row_of, step_of, value_of
from qlearn.agents.observed import alone
from qlearn.agents.table import entry
from qlearn.agents.tabular import rate_of
from qlearn.rules.rows import best, highest, legal_row
from qlearn.rules.targets import TargetPolicy, one_step
from qlearn.xla import settle

Array = jax.Array
LANE = 16
"""Seeds of one program: 8 tilings of 81 tiles took 6.2 million steps a second on one core, with 8 or 56 seeds 4.9.

Learners that wait for whole episodes go one by one: in a lane all would wait while one catches up.
"""


class LinearState(NamedTuple):
    """The weights, and what goes from one step to the next."""

    weights: Array  # (d, A) float32; (d, 1) where states have values and actions none
    next_action: Array | None  # int32, what Sarsa has chosen; −1 where nothing
    episode: Array  # uint32, of the step that was made last
    step: Array  # uint32
    largest: Array  # float32, the largest |value| that the last update met
    memory: Any  # what the way keeps


class Moment(NamedTuple):
    """One step, and all that the values said of it before they changed."""

    transition: Transition  # scalars, but for the observations
    column: Array  # int32: which of the weights' columns is its own
    features: Encoded  # of the observation
    value: Array  # q(S, A)
    following: Array  # the values of what comes after it, (A,) or (1,)
    policy: Array  # the target policy's weights for them
    followed: Array  # bool: whether the action was a greedy one
    rate: Array  # α
    first: Array  # bool: whether the episode begins with it


class Way(Protocol):
    """How the error of a step reaches the weights."""

    def first(self, weights: Array) -> Any:
        """What is kept before the first step."""

    def learn(self, weights: Array, memory: Any, moment: Moment) -> tuple[Array, Any]:
        """The weights after a step, and what is kept for the next."""


@dataclasses.dataclass(frozen=True)
class SingleStep:
    """The error of a step moves the weights of that step's features only."""

    basis: Basis
    discount: Any

    def first(self, weights: Array) -> None:
        """Nothing is kept."""

    def learn(self, weights: Array, memory: None, moment: Moment) -> tuple[Array, None]:
        """w ← w + α δ ρ ∘ x."""
        error = one_step(moment.transition, moment.policy, moment.following, self.discount) - moment.value
        amount = moment.rate * error * step_of(self.basis, moment.features)
        return added(weights, moment.features, moment.column, amount), None


@dataclasses.dataclass(frozen=True)
class LinearMethod:
    """The learner's functions.

    Args:
        agent: a description with learning_rate, discount, exploration and initial_value.
        spec: the sizes of the environment.
        basis: the features.
        way: how errors reach the weights.
        rule: the target policy.
        on_policy: whether the next action is chosen before the update and then taken.
        given: where a policy is to be judged: ``(observation, noise) -> action``; values are then of states.
    """

    agent: Any
    spec: Spec
    basis: Basis
    way: Way
    rule: TargetPolicy | None = None
    on_policy: bool = False
    given: Any = None

    def learner(self) -> Learner:
        """The functions for an environment of these sizes."""
        return Learner(
            self.init,
            self.act,
            self.update,
            self.q_values,
            lane=1 if getattr(self.way, "whole", False) else LANE,
            num_environments=1,
            knowledge=lambda state: Knowledge(state.weights),
            magnitude=lambda state: state.largest,
        )

    def init(self, noise: Any) -> LinearState:
        """Weights that give every observation the initial value."""
        columns = self.spec.num_actions if self.given is None else 1
        first = jnp.zeros(self.basis.size, jnp.float32)
        if self.basis.constant is not None:
            first = self.basis.constant(jnp.asarray(self.agent.initial_value, jnp.float32))
        weights = jnp.tile(first[:, None], (1, columns))
        zero, kept = jnp.uint32(0), jnp.int32(-1) if self.on_policy else None
        return LinearState(weights, kept, zero, zero, jnp.float32(0.0), self.way.first(weights))

    def act(self, state: LinearState, observations: Any, noise: Any, clock: Clock) -> tuple[Array, LinearState]:
        """The action that was chosen already, or one chosen now."""
        here, seen = jax.tree.map(lambda x: x[0], (noise, observations))
        now = Clock(clock.episode[0], clock.step[0], clock.total)
        if self.given is not None:
            action = self.given(alone(seen), here)
        else:
            action = self._choose(row_of(state.weights, self._encode(seen, clock.total)), seen, here, now)
        if state.next_action is not None:
            action = jnp.where(state.next_action >= 0, state.next_action, action)
        return settle(action, clock.total)[None], state._replace(episode=now.episode, step=now.step)

    def update(self, state: LinearState, trajectory: Transition, noise: Any, clock: Clock) -> LinearState:
        """One step's error, however it reaches the weights."""
        t: Transition = jax.tree.map(lambda x: x[0, 0], trajectory)
        clock = Clock(state.episode, state.step, clock.total)  # of the step itself, not of what follows it
        x, then = self._encode(t.observation, t.action), self._encode(t.next_observation, t.action)
        row = settle(row_of(state.weights, then), t.action)
        policy, next_action = self._policy(row, t, noise, clock)
        column = t.action if self.given is None else jnp.int32(0)
        followed = jnp.bool_(True)
        if self.given is None and getattr(self.way, "cut", False):
            mask = self.spec.mask(t.observation)
            followed = entry(best(legal_row(row_of(state.weights, x), mask)), t.action)
        value = value_of(state.weights, x, column)
        rate, first = rate_of(self.agent).value(clock), clock.step == jnp.uint32(0)
        seen = t._replace(observation=alone(t.observation), next_observation=alone(t.next_observation))
        moment = Moment(seen, column, x, value, row, policy, followed, rate, first)
        weights, memory = self.way.learn(state.weights, state.memory, moment)
        kept = jnp.where(t.ended, jnp.int32(-1), next_action) if self.on_policy else None
        # Not |value|: where a way does not ask for it, reading it would hold back the old weights: a copy a step.
        return state._replace(weights=weights, next_action=kept, largest=highest(jnp.abs(row)), memory=memory)

    def q_values(self, knowledge: Knowledge, observation: Any) -> Array:
        """The values of all actions, (A,); of a policy that is judged, the state's own for each of them."""
        row = row_of(knowledge.weights, self.basis.encode(alone(observation)))
        return row if self.given is None else jnp.broadcast_to(row, (self.spec.num_actions,))

    def _policy(self, row: Array, t: Transition, noise: Any, clock: Clock) -> tuple[Array, Array]:
        """The target policy's weights after a step, and the action that Sarsa takes there."""
        if self.rule is None:
            return jnp.ones(1, jnp.float32), jnp.int32(-1)
        mask, later, next_action = self.spec.mask(t.next_observation), clock.ahead(), jnp.int32(-1)
        if self.on_policy:
            place = noise._replace(episode=clock.episode, step=clock.step).behaviour.ahead()
            next_action = settle(self._choose(row, t.next_observation, place, later), t.action)
        behaviour = self.agent.exploration.probabilities(row, mask, later, None)
        return self.rule(row, behaviour, next_action, mask), next_action

    def _choose(self, row: Array, observation: Any, noise: Any, clock: Clock) -> Array:
        return self.agent.exploration.sample(row, self.spec.mask(observation), noise, clock, None)

    def _encode(self, observation: Any, witness: Array) -> Encoded:
        return jax.tree.map(lambda part: settle(part, witness), self.basis.encode(alone(observation)))
