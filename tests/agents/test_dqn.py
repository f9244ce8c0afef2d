"""One update of DQN against the same arithmetic in NumPy, and the facts that its switches promise."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from qlearn.agents.backend import lenient, load_keras
from qlearn.agents.dqn import DQN
from qlearn.agents.learner import Clock, Spec, Transition
from qlearn.agents.mlp import mlp
from qlearn.agents.q_learning import QLearning
from qlearn.agents.replay import Ring
from qlearn.engine import noise
from qlearn.rules.exploration import Greedy

keras = load_keras()
SPEC = Spec(0, 2, None, None, (3,), "float32")
SMALL = {"replay": 40, "batch_size": 8, "learning_starts": 16, "train_every": 4, "target_every": 8}

TABLE = Spec(3, 2)
LATEST = {"replay": 1, "batch_size": 1, "learning_starts": 1, "train_every": 1}


def agent(model=None, rate=0.05, **settings):
    settings = {**SMALL, **settings}
    if settings.get("target_rate") is not None:
        settings["target_every"] = None
    return DQN(model or mlp(5), keras.optimizers.SGD(rate), **settings)


def linear(shape, num_actions):
    return keras.Sequential([keras.Input(shape), keras.layers.Dense(num_actions, use_bias=False)])


def history(spec, steps, copies=1, seed=0):
    """A trajectory (steps, copies) with ends of both kinds."""
    rng = np.random.default_rng(seed)

    def seen():
        if spec.observation_shape is None:
            return rng.integers(0, spec.num_states, (steps, copies), dtype=np.int32)
        return rng.normal(size=(steps, copies, *spec.observation_shape)).astype(np.float32)

    kinds = rng.choice(3, size=(steps, copies), p=[0.7, 0.15, 0.15])
    return Transition(
        seen(),
        rng.integers(0, spec.num_actions, (steps, copies), dtype=np.int32),
        rng.normal(size=(steps, copies)).astype(np.float32) * 2,
        seen(),
        kinds == 1,
        kinds == 2,
        np.ones((steps, copies), bool),
    )


def update_noise(total, seed=0):
    return noise.at(jnp.uint32(seed), noise.UPDATE, jnp.uint32(0), jnp.asarray(total, jnp.uint32))


def first(learner, seed=0):
    zero = jnp.uint32(0)
    return learner.init(noise.at(jnp.uint32(seed), noise.INITIAL, zero, zero))


def clock(total, copies=1):
    zeros = jnp.zeros(copies, jnp.uint32)
    return Clock(zeros, zeros, jnp.asarray(total, jnp.uint32))


def states(agent, spec, past):
    """The states after each update of a run through a history."""
    learner = agent.learner(spec)
    copies = agent.num_environments
    update = jax.jit(lambda s, t, total: learner.update(s, t, update_noise(total), clock(total, copies)))
    found = [first(learner)]
    for start in range(0, past.reward.shape[0], learner.period):
        piece = jax.tree.map(lambda x, start=start: x[start : start + learner.period], past)
        found.append(update(found[-1], piece, (start + learner.period - 1) * copies))
    return found


class Reference:
    """DQN on one relu layer with plain gradient descent, in float64, by the equations."""

    def __init__(self, agent, weights, past):
        self.agent, self.past = agent, past
        self.online = [np.asarray(w, np.float64) for w in weights]
        self.target = [w.copy() for w in self.online]
        self.copies = agent.num_environments

    @staticmethod
    def values(weights, x):
        first, bias, second, bias2 = weights
        return np.maximum(x @ first + bias, 0) @ second + bias2

    def outcome(self, flat):
        """n steps on from one that was stored as number ``flat``: reward, place of arrival, terminated, γᵏ."""
        row, copy = divmod(flat, self.copies)
        total, power = 0.0, 1.0
        for last in range(row, row + self.agent.n_step):
            total += power * self.past.reward[last, copy]
            power *= self.agent.discount
            if self.past.terminated[last, copy] or self.past.truncated[last, copy]:
                break
        return total, self.past.next_observation[last, copy], self.past.terminated[last, copy], power

    def targets(self, numbers):
        reward, arrived, terminated, power = (np.array(x) for x in zip(*map(self.outcome, numbers), strict=True))
        evaluate = self.values(self.target, arrived)
        select = self.values(self.online, arrived) if self.agent.double else evaluate
        following = evaluate[np.arange(len(numbers)), select.argmax(1)]
        return reward + np.where(terminated, 0.0, power * following)

    def slope(self, error):
        return np.clip(error, -1, 1) if self.agent.loss == "huber" else 2 * error

    def gradient_step(self, numbers, rate):
        flat = [divmod(i, self.copies) for i in numbers]
        x = np.array([self.past.observation[row, copy] for row, copy in flat])
        action = np.array([self.past.action[row, copy] for row, copy in flat])
        first, bias, second, bias2 = self.online
        hidden = np.maximum(x @ first + bias, 0)
        rows = hidden @ second + bias2
        of_rows = np.zeros_like(rows)
        at = np.arange(len(x)), action
        of_rows[at] = -self.slope(self.targets(numbers) - rows[at]) / len(x)
        of_hidden = (of_rows @ second.T) * (hidden > 0)
        gradients = [x.T @ of_hidden, of_hidden.sum(0), hidden.T @ of_rows, of_rows.sum(0)]
        if self.agent.max_gradient_norm is not None:
            norm = np.sqrt(sum((g * g).sum() for g in gradients))
            gradients = [g * min(1.0, self.agent.max_gradient_norm / norm) for g in gradients]
        self.online = [w - rate * g for w, g in zip(self.online, gradients, strict=True)]
        if self.agent.target_rate is not None:
            tau = self.agent.target_rate
            self.target = [tau * w + (1 - tau) * t for w, t in zip(self.online, self.target, strict=True)]
        return np.abs(rows).max()

    def update(self, steps, rate):
        """What follows step number ``steps``, counted from 1; the largest |Q| of the last batch."""
        if steps <= self.agent.learning_starts:
            return 0.0
        ring = Ring.of(SPEC, self.agent.replay, self.copies)
        slots = (self.agent.batch_size + 1) // 2
        for number in range(self.agent.updates):
            places = ring.draw(
                update_noise(steps - self.copies),
                number * slots,
                self.agent.batch_size,
                jnp.uint32(steps),
                self.agent.n_step,
            )
            numbers = [max(i for i in range(steps) if i % self.agent.replay == p) for p in np.asarray(places)]
            largest = self.gradient_step(numbers, rate)
        if self.agent.target_every is not None and steps % self.agent.target_every == 0:
            self.target = [w.copy() for w in self.online]
        return largest


SWITCHES = {
    "plain": {},
    "double": {"double": True},
    "3-step": {"n_step": 3},
    "huber": {"loss": "huber"},
    "clipped": {"max_gradient_norm": 0.5},
    "soft": {"target_rate": 0.25},
    "three updates": {"updates": 3},
    "two environments": {"num_environments": 2, "train_every": 4, "n_step": 2},
    "odd batch": {"batch_size": 7},
    "all": {"double": True, "n_step": 2, "loss": "huber", "max_gradient_norm": 0.3, "target_rate": 0.1, "updates": 2},
}


@pytest.mark.parametrize("switch", SWITCHES)
def test_updates_are_those_of_the_equations_in_numpy(switch):
    chosen = agent(**SWITCHES[switch])
    copies = chosen.num_environments
    past = history(SPEC, 64 // copies, copies)  # the ring of 40 is filled, and written over
    found = states(chosen, SPEC, past)
    reference = Reference(chosen, found[0].learnt.weights.trainable, past)
    for number, state in enumerate(found[1:], start=1):
        largest = reference.update(number * chosen.train_every, 0.05)
        for ours, theirs in zip(state.learnt.weights.trainable, reference.online, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=2e-4, atol=2e-5)
        for ours, theirs in zip(state.learnt.target.trainable, reference.target, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=2e-4, atol=2e-5)
        np.testing.assert_allclose(state.learnt.magnitude, largest, rtol=1e-4)


def changed(one, other):
    return any((np.asarray(a) != np.asarray(b)).any() for a, b in zip(one.trainable, other.trainable, strict=True))


def test_nothing_is_learnt_before_learning_starts_and_the_target_moves_only_when_it_is_due():
    found = [s.learnt for s in states(agent(learning_starts=16, target_every=8), SPEC, history(SPEC, 48))]
    moved = [changed(a.weights, b.weights) for a, b in itertools.pairwise(found)]  # at steps 4, 8, ...
    assert moved == [False] * 4 + [True] * 8
    same = [not changed(s.weights, s.target) for s in found]  # after 0, 4, 8, ... steps
    assert same == [True] * 5 + [False, True] * 4  # 20 is the first update, 24 the first copy


def test_the_default_setting_learns_first_at_step_10010():
    chosen = DQN(mlp(2), keras.optimizers.SGD(0.1), batch_size=4)
    learner = chosen.learner(SPEC)
    piece = history(SPEC, 10)
    update = jax.jit(lambda s: learner.update(s, piece, update_noise(0), clock(0)))
    for stored, learns in ((9_980, False), (9_990, False), (10_000, True)):
        after = update(first(learner)._replace(steps=jnp.uint32(stored)))
        gradient_steps = int(after.learnt.optimizer[0])
        assert gradient_steps == learns


def test_a_linear_network_on_the_latest_step_is_the_table():
    past = history(TABLE, 60)
    found = states(agent(linear, 0.125, **LATEST, target_every=1, discount=0.9), TABLE, past)
    table = QLearning(learning_rate=0.25, discount=0.9, exploration=Greedy()).learner(TABLE)
    state = table.init(None)._replace(q=found[1].learnt.weights.trainable[0])  # the first step teaches nothing
    update = jax.jit(lambda s, t: table.update(s, t, update_noise(0), Clock(*[jnp.uint32(0)] * 3)))
    for i in range(1, 60):
        state = update(state, jax.tree.map(lambda x, i=i: x[i], past))
        np.testing.assert_allclose(found[i + 1].learnt.weights.trainable[0], state.q, rtol=1e-5, atol=1e-6)


def test_acting_is_greedy_for_the_online_network_where_nothing_is_explored():
    chosen = agent(exploration=Greedy(), num_environments=2, train_every=4)
    learner = chosen.learner(SPEC)
    state = first(learner)
    seen = jnp.asarray(np.random.default_rng(0).normal(size=(2, 3)), jnp.float32)
    copies = jnp.arange(2, dtype=jnp.uint32)
    zeros = jnp.zeros(2, jnp.uint32)
    place = noise.at(zeros, noise.BEHAVIOUR, zeros, zeros, environment=copies)
    action, after = learner.act(state, seen, place, clock(0, 2))
    assert after is state
    knowledge = learner.knowledge(state)
    rows = np.stack([learner.q_values(knowledge, one) for one in seen])
    assert action.tolist() == rows.argmax(1).tolist()
    with lenient():
        outputs = learner.q_network(knowledge)(seen)
    np.testing.assert_allclose(outputs, rows, rtol=1e-5)


def test_the_dueling_head_makes_a_value_and_advantages_of_the_last_layer():
    state = first(agent(dueling=True).learner(SPEC))
    assert sorted(w.shape for w in state.learnt.weights.trainable) == [(1,), (2,), (3, 5), (5,), (5, 1), (5, 2)]


def test_moments_of_normalisation_are_the_online_networks_and_go_with_every_copy():
    def normalised(shape, num_actions):
        layers = keras.layers
        return keras.Sequential(
            [
                keras.Input(shape),
                layers.Dense(4),
                layers.BatchNormalization(),
                layers.Dropout(0.5),
                layers.Dense(num_actions),
            ]
        )

    for settings in ({"target_every": 8}, {"target_rate": 0.5}):
        found = [s.learnt for s in states(agent(normalised, **settings), SPEC, history(SPEC, 24))]
        before, due = found[4], found[6]  # after 16 and 24 steps
        assert any((a != b).any() for a, b in zip(before.weights.other, due.weights.other, strict=True))
        for ours, theirs in zip(due.weights.other, due.target.other, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_values_that_are_no_numbers_are_reported_as_such():
    past = history(SPEC, 24)
    past.reward[:] = np.nan
    found = states(agent(), SPEC, past)
    learner = agent().learner(SPEC)
    assert float(learner.magnitude(found[0])) == 0.0
    assert np.isnan(learner.magnitude(found[-1]))


def test_a_seed_learns_the_same_among_any_neighbours():
    chosen = agent(updates=2)
    learner = chosen.learner(SPEC)
    seeds = np.arange(8, dtype=np.uint32)
    past = {int(s): history(SPEC, 24, seed=int(s)) for s in seeds}

    def lane(order):
        state = jax.vmap(lambda s: first(learner, s))(order)
        update = jax.jit(
            jax.vmap(
                lambda seed, state, t, total: learner.update(state, t, update_noise(total, seed), clock(total)),
                (0, 0, 0, None),
            )
        )
        for start in range(0, 24, 4):
            piece = jax.tree.map(
                lambda *x, start=start: np.stack(x)[:, start : start + 4], *[past[int(s)] for s in order]
            )
            state = update(order, state, piece, start + 3)
        return state.learnt.weights.trainable

    straight, turned = lane(seeds), lane(seeds[::-1].copy())
    for a, b in zip(straight, turned, strict=True):
        np.testing.assert_array_equal(a, np.asarray(b)[::-1])
