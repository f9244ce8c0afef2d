r"""PQN: Q-learning with a network on many environments at once, towards λ-returns; no replay, no target network.

.. math:: L(\theta) = \frac{1}{B} \sum_i \ell\!\left( G_i - Q(s_i, a_i; \theta) \right), \qquad
          G_t = c R_{t+1} + \gamma \left[ \lambda\, G_{t+1} + (1 - \lambda) \max_b Q(S_{t+1}, b) \right]

``num_steps`` steps of each environment make a batch; all its returns come from the network as it is then, and the
batch is learnt in ``epochs`` passes of ``minibatches`` gradient steps each.  What a target network does elsewhere,
normalised layers do: use ``mlp(256, 256, layer_norm=True)`` or the like.

Source: M. Gallici, M. Fellows, B. Ellis, B. Pou, I. Masmitja, J. N. Foerster and M. Martin, *Simplifying deep temporal
difference learning*, ICLR 2025, arXiv:2407.04811.  Differences from it and from the authors' code:

- An episode that the clock ended bootstraps from its true last observation; their code (and CleanRL's and rejax's)
  merges truncation into termination.
- Any Keras optimizer; they use RAdam.
- ``loss="squared"`` is e², as in DQN; theirs is half of that, which only ``max_gradient_norm`` notices under Adam.

λ = 0 with one epoch of one minibatch is semi-gradient Q-learning on a batch.  As in the paper nothing corrects the
λ-return for exploration: rewards that follow an exploratory action count like others, which λ near 1 feels most.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp

from qlearn.agents.learner import Clock, Knowledge, Learner, Spec, Transition
from qlearn.agents.minibatches import shuffled
from qlearn.agents.network import Network, QFunction, Weights
from qlearn.agents.networked import check_networked, choose, clip, greedy_weights, lane_of, masks, taken_values
from qlearn.agents.optimizer import Optimizer
from qlearn.agents.scaling import Scaling, scaled_model
from qlearn.errors import InputError
from qlearn.rules.description import choice, description, number, whole
from qlearn.rules.exploration import EpsilonGreedy, Exploration
from qlearn.rules.losses import LOSSES
from qlearn.rules.returns import lambda_returns
from qlearn.rules.schedules import linear
from qlearn.rules.targets import expect

Array = jax.Array


class PQNState(NamedTuple):
    """The network and its optimizer."""

    weights: Weights
    optimizer: Any
    largest: Array  # float32: the largest |Q| that the last update met, in units of return


@description
class PQN:
    """Parallelised Q-network.

    Args:
        model: a ``keras.Model``, a ``keras.Sequential``, or a function ``(observation_shape, num_actions) -> model``.
        optimizer: any Keras optimizer.  Its schedules count gradient steps: ``epochs`` × ``minibatches`` for every
            ``num_environments`` × ``num_steps`` steps.
        discount: γ in [0, 1].
        exploration: the behaviour policy; its time counts steps over all environments.
        num_environments: environments that each seed steps at once.
        num_steps: steps in each of them between two updates.
        epochs: passes over the batch in an update.
        minibatches: gradient steps in a pass; they divide num_environments × num_steps.
        trace_decay: λ in [0, 1].
        reward_scale: c > 0, by which rewards are multiplied for the network.
        loss: ``"squared"`` or ``"huber"``, averaged over a minibatch.
        max_gradient_norm: gradients are scaled down to this Euclidean norm over all weights; None for as they are.

    Raises:
        InputError: where a number is out of range, or the model or optimizer is none.

    >>> import keras
    >>> from qlearn.agents.mlp import mlp
    >>> PQN(mlp(64, 64, layer_norm=True), keras.optimizers.Adam(3e-4), trace_decay=0.9).label
    'PQN(0.9)'
    """

    model: Any = dataclasses.field(kw_only=False)
    optimizer: Any = dataclasses.field(kw_only=False)
    discount: float = 0.99
    exploration: Exploration = EpsilonGreedy(linear(1.0, 0.05, over=250_000, per="step"))
    num_environments: int = 32
    num_steps: int = 64
    epochs: int = 4
    minibatches: int = 16
    trace_decay: float = 0.95
    reward_scale: float = 1.0
    loss: Literal["squared", "huber"] = "squared"
    max_gradient_norm: float | None = 10.0

    version = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "model", Network.of(self.model))
        object.__setattr__(self, "optimizer", Optimizer.of(self.optimizer))
        check_networked(self)
        for name in ("num_environments", "num_steps", "epochs", "minibatches"):
            whole(self, name)
        number(self, "trace_decay", 0.0, 1.0)
        number(self, "reward_scale", 0.0, open_low=True)
        choice(self, "loss", tuple(LOSSES))
        if self.max_gradient_norm is not None:
            number(self, "max_gradient_norm", 0.0, open_low=True)
        batch = self.num_environments * self.num_steps
        if batch % self.minibatches:
            raise InputError(
                f"PQN: minibatches={self.minibatches} does not divide the {self.num_environments} × {self.num_steps} = "
                f"{batch} transitions of an update; expected minibatches of equal size. Pass a divisor of {batch}."
            )

    @property
    def label(self) -> str:
        """With its λ."""
        return f"PQN({self.trace_decay:g})"

    def check(self, spec: Spec) -> None:
        """Raises InputError where the network does not fit the environment."""
        self.model.bind(spec)

    def learner(self, spec: Spec) -> Learner:
        """The functions for an environment of these sizes."""
        functions = _Functions(self, spec, self.model.bind(spec))
        return Learner(
            functions.init,
            functions.act,
            functions.update,
            functions.q_values,
            period=self.num_steps,
            lane=lane_of(functions.q),
            num_environments=self.num_environments,
            knowledge=functions.knowledge,
            q_network=lambda knowledge: scaled_model(functions.q.model(knowledge.weights), knowledge.scaling),
            magnitude=lambda state: state.largest,
            fused=False,
        )


class _Examples(NamedTuple):
    """What is learnt in an update; N = num_steps × num_environments in front."""

    observation: Array
    action: Array
    target: Array


@dataclasses.dataclass(frozen=True)
class _Functions:
    """The learner's functions."""

    agent: PQN
    spec: Spec
    q: QFunction

    def init(self, noise: Any) -> PQNState:
        weights = self.q.first(noise)
        return PQNState(weights, self.agent.optimizer.first(weights), jnp.float32(0.0))

    def act(self, state: PQNState, observations: Array, noise: Any, clock: Clock) -> tuple[Array, PQNState]:
        rows = self.q.values(state.weights, observations) / self.agent.reward_scale
        return choose(self.agent.exploration, rows, masks(self.spec, observations), noise, clock), state

    def update(self, state: PQNState, trajectory: Transition, noise: Any, clock: Clock) -> PQNState:
        agent = self.agent
        examples, largest = self._examples(state.weights, trajectory)
        size = examples.action.shape[0]
        order = shuffled(noise, agent.epochs, size).reshape(agent.epochs * agent.minibatches, -1)

        def step(carry: tuple[Weights, Any], places: Array) -> tuple[tuple[Weights, Any], None]:
            weights, optimizer = carry
            some: _Examples = jax.tree.map(lambda x: x.at[places].get(mode="promise_in_bounds"), examples)
            gradients, after = self._gradients(weights, some)
            return agent.optimizer.apply(optimizer, clip(gradients, agent.max_gradient_norm), after), None

        (weights, optimizer), _ = jax.lax.scan(step, (state.weights, state.optimizer), order)
        return PQNState(weights, optimizer, largest / agent.reward_scale)

    def _examples(self, weights: Weights, trajectory: Transition) -> tuple[_Examples, Array]:
        """Observations, actions and λ-returns of a trajectory (T, E), flat; and the largest |Q| that was met."""
        together: Transition = jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), trajectory)
        # One pass over all arrivals. Most are the observation of the step after, whose values `act` had: but they are
        # a twentieth of an update's arithmetic, and kept they would make the trajectory wider.
        rows = self.q.values(weights, together.next_observation)
        policy = greedy_weights(self.spec, together.next_observation, rows)
        values = jax.vmap(expect)(policy, rows).reshape(trajectory.reward.shape)
        scaled = trajectory._replace(reward=trajectory.reward * self.agent.reward_scale)
        returns = lambda_returns(scaled, values, self.agent.discount, self.agent.trace_decay)
        return _Examples(together.observation, together.action, returns.reshape(-1)), jnp.max(jnp.abs(rows))

    def _gradients(self, weights: Weights, some: _Examples) -> tuple[tuple[Array, ...], Weights]:
        """Of the loss of a minibatch; and the weights with the layers' new state."""

        def cost(trainable: tuple[Array, ...]) -> tuple[Array, Weights]:
            rows, after = self.q.train_values(weights._replace(trainable=trainable), some.observation)
            return jnp.mean(LOSSES[self.agent.loss](some.target - taken_values(rows, some.action))), after

        gradients, after = jax.grad(cost, has_aux=True)(weights.trainable)
        return gradients, after._replace(trainable=weights.trainable)

    def knowledge(self, state: PQNState) -> Knowledge:
        return Knowledge(state.weights, Scaling(None, self._unit()))

    def q_values(self, knowledge: Knowledge, observation: Array) -> Array:
        return self.q.row(knowledge.weights, observation) * self._unit()

    def _unit(self) -> Array:
        """One unit of the network's output, in units of return."""
        return 1.0 / jnp.asarray(self.agent.reward_scale, jnp.float32)
