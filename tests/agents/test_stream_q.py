"""Stream Q(λ): against a table written in NumPy, and what its learner promises."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from qlearn.agents.backend import lenient, load_keras
from qlearn.agents.learner import Clock, Spec, Transition
from qlearn.agents.mlp import mlp
from qlearn.agents.stream_q import StreamQ
from qlearn.engine import noise
from qlearn.errors import InputError
from qlearn.rules.exploration import EpsilonGreedy, Greedy
from qlearn.rules.schedules import linear, per_visit

STATES, ACTIONS = 4, 3
SPEC = Spec(STATES, ACTIONS, 10)
ZERO = jnp.uint32(0)


def linear_net(shape, actions):
    keras = load_keras()
    return keras.Sequential(
        [keras.Input(shape), keras.layers.Dense(actions, use_bias=False, kernel_initializer="zeros")]
    )


def plain(**settings):
    """A table: a one-hot linear network, nothing scaled, nothing sparse."""
    return StreamQ(linear_net, **{"sparsity": None, "scale_observations": False, "scale_rewards": False, **settings})


def walk(seed, length=60):
    """Random transitions of one environment, with ends of both kinds: a list of scalars."""
    rng = np.random.default_rng(seed)
    state, steps = 0, []
    for _ in range(length):
        action, arrival = rng.integers(ACTIONS), rng.integers(STATES)
        terminated, truncated = rng.random() < 0.1, rng.random() < 0.1
        truncated = truncated and not terminated
        steps.append((state, action, rng.normal(0, 3), arrival, terminated, truncated))
        state = rng.integers(STATES) if terminated or truncated else arrival
    return steps


def trajectory_of(step):
    kinds = (jnp.int32, jnp.int32, jnp.float32, jnp.int32, bool, bool)
    fields = [jnp.asarray(x, kind)[None, None] for x, kind in zip(step, kinds, strict=True)]
    return Transition(*fields, jnp.ones((1, 1), bool))


def first_state(learner, seed=0):
    """The state before the first step, in one program."""
    return jax.jit(lambda s: learner.init(noise.at(s, noise.INITIAL, ZERO, ZERO)))(jnp.uint32(seed))


def behaviour(episode, step):
    """The noise of act: fields of shape (1,)."""
    at = jnp.array([episode], jnp.uint32), jnp.array([step], jnp.uint32)
    return noise.at(ZERO[None], noise.BEHAVIOUR, *at, environment=ZERO[None])


def learnt(agent, steps, spec=SPEC, state=None):
    """The learner's states after each step."""
    learner = agent.learner(spec)
    update = jax.jit(lambda s, t, total: learner.update(s, t, None, Clock(ZERO[None], ZERO[None], total)))
    state = first_state(learner) if state is None else state
    states = []
    for total, step in enumerate(steps):
        state = update(state, trajectory_of(step), jnp.uint32(total))
        states.append(state)
    return states


def watkins(steps, discount, trace_decay, learning_rate, kappa):
    """Watkins's Q(λ) on a table with bounded steps, in float64; the tables after each step."""
    q, z, tables = np.zeros((STATES, ACTIONS)), np.zeros((STATES, ACTIONS)), []
    for state, action, reward, arrival, terminated, truncated in steps:
        z *= discount * trace_decay if q[state, action] == q[state].max() else 0.0
        z[state, action] += 1.0
        error = reward + (0.0 if terminated else discount * q[arrival].max()) - q[state, action]
        bound = learning_rate * kappa * max(abs(error), 1.0) * np.abs(z).sum()
        q = q + learning_rate / max(bound, 1.0) * error * z
        if terminated or truncated:
            z[:] = 0.0
        tables.append(q)
    return tables


@pytest.mark.parametrize("trace_decay", [0.0, 0.5, 0.9, 1.0])
def test_a_one_hot_linear_network_is_watkins_table(trace_decay):
    steps = walk(1)
    states = learnt(plain(trace_decay=trace_decay, learning_rate=0.7, discount=0.9), steps)
    tables = watkins(steps, 0.9, trace_decay, 0.7, 2.0)
    for state, table in zip(states, tables, strict=True):
        np.testing.assert_allclose(state.weights.trainable[0], table, rtol=1e-4, atol=1e-5)


def test_without_decay_the_trace_is_the_gradient():
    states = learnt(plain(trace_decay=0.0), walk(2))
    for state, step in zip(states, walk(2), strict=True):
        expected = np.zeros((STATES, ACTIONS))
        expected[step[0], step[1]] = 0.0 if step[4] or step[5] else 1.0
        assert np.array_equal(state.trace[0], expected)


def test_an_exploratory_action_cuts_the_trace_of_what_came_before_and_begins_its_own():
    agent = plain(trace_decay=0.5, discount=1.0)
    states = learnt(agent, [(0, 0, 1.0, 1, False, False)])  # makes action 0 the best in state 0
    greedy = learnt(agent, [(0, 0, 1.0, 1, False, False)], state=states[0])[0].trace[0]
    exploring = learnt(agent, [(0, 1, 1.0, 1, False, False)], state=states[0])[0].trace[0]
    assert greedy[0].tolist() == [1.5, 0.0, 0.0]
    assert exploring[0].tolist() == [0.0, 1.0, 0.0]


def test_a_tie_counts_as_greedy():
    states = learnt(plain(trace_decay=0.5, discount=1.0), [(0, 0, 0.0, 1, False, False), (1, 2, 0.0, 2, False, False)])
    assert states[1].trace[0][0].tolist() == [0.5, 0.0, 0.0]


@pytest.mark.parametrize("end", ["terminated", "truncated"])
def test_the_trace_is_empty_at_the_start_of_an_episode(end):
    step = (0, 0, 1.0, 1, end == "terminated", end == "truncated")
    assert not np.any(learnt(plain(), [step])[0].trace[0])


def test_truncation_bootstraps_and_termination_does_not():
    agent = plain(discount=0.5, kappa=0.25)
    worth = learnt(agent, [(1, 0, 1.0, 2, True, False)])[0]  # q(1, 0) = 1
    truncated = learnt(agent, [(0, 0, 0.0, 1, False, True)], state=worth)[0].weights.trainable[0]
    terminated = learnt(agent, [(0, 0, 0.0, 1, True, False)], state=worth)[0].weights.trainable[0]
    assert float(truncated[0, 0]) == 0.5
    assert float(terminated[0, 0]) == 0.0


def test_illegal_actions_are_neither_taken_nor_looked_at():
    legal = jnp.ones((STATES, ACTIONS), bool).at[:, 2].set(False)
    spec = SPEC._replace(legal=legal)
    agent = plain(discount=1.0, trace_decay=0.5, exploration=EpsilonGreedy(1.0))
    state = learnt(agent, [(1, 2, 4.0, 2, True, False)], spec)[0]  # the illegal action is the best by far
    after = learnt(agent, [(0, 0, 0.0, 1, False, False)], spec, state)[0]
    assert float(after.weights.trainable[0][0, 0]) == 0.0
    act, seen = jax.jit(agent.learner(spec).act), set()
    for step in range(20):
        place = behaviour(0, step)
        action, _ = act(state, jnp.array([1], jnp.int32), place, Clock(ZERO[None], ZERO[None], ZERO))
        seen.add(int(action[0]))
    assert seen == {0, 1}


ARRAYS = Spec(0, 2, 10, None, (3,))


def play(agent, observations, ends, rewards):
    """act and update on an invented stream; the final state.  observations: a list of episodes, each (n + 1, 3)."""
    learner = agent.learner(ARRAYS)
    state = first_state(learner)
    act, update, total = jax.jit(learner.act), jax.jit(learner.update), 0
    for episode, (seen, end, gained) in enumerate(zip(observations, ends, rewards, strict=True)):
        for step in range(len(seen) - 1):
            here, there = jnp.asarray(seen[step])[None], jnp.asarray(seen[step + 1])[None]
            at = jnp.array([episode], jnp.uint32), jnp.array([step], jnp.uint32)
            clock = Clock(*at, jnp.uint32(total))
            action, state = act(state, here, behaviour(episode, step), clock)
            last, no = step == len(seen) - 2, jnp.zeros((1, 1), bool)
            flags = [no | (last and end == kind) for kind in ("terminated", "truncated")]
            reward = jnp.full((1, 1), gained[step], jnp.float32)
            t = Transition(here[None], action[None], reward, there[None], *flags, ~no)
            state = update(state, t, noise.at(ZERO, noise.UPDATE, ZERO, jnp.uint32(total)), clock)
            total += 1
    return learner, state


def episodes(seed):
    rng = np.random.default_rng(seed)
    lengths, ends = (5, 1, 8), ("terminated", "truncated", "terminated")
    seen = [rng.normal(2.0, 3.0, (n + 1, 3)).astype(np.float32) for n in lengths]
    return seen, ends, [rng.normal(0.0, 5.0, n).astype(np.float32) for n in lengths]


def test_every_observation_is_met_once_the_first_and_the_last_of_an_episode_too():
    seen, ends, rewards = episodes(3)
    _, state = play(StreamQ(mlp(8, layer_norm=True)), seen, ends, rewards)
    everything = np.concatenate(seen)
    assert int(state.observations.samples) == len(everything)
    np.testing.assert_allclose(state.observations.mean, everything.mean(0), rtol=1e-4)
    np.testing.assert_allclose(state.observations.variance, everything.var(0, ddof=1), rtol=1e-4)


def test_values_are_in_units_of_return_and_the_exported_model_gives_the_same():
    seen, ends, rewards = episodes(4)
    learner, state = play(StreamQ(mlp(8, layer_norm=True)), seen, ends, rewards)
    knowledge = jax.tree.map(np.asarray, learner.knowledge(state))
    rows = np.asarray(jax.jit(jax.vmap(learner.q_values, (None, 0)))(knowledge, seen[0]))
    deviation = float(state.rewards.moments.deviation())
    assert deviation > 1.5
    with lenient():
        exported = np.asarray(learner.q_network(knowledge)(seen[0]))
    np.testing.assert_allclose(exported, rows, rtol=1e-4, atol=1e-4)
    inner = jax.vmap(state.observations.scale)(jnp.asarray(seen[0]))
    bare = learner.knowledge(state).weights
    raw = StreamQ(mlp(8, layer_norm=True)).model.bind(ARRAYS).values(bare, inner)
    np.testing.assert_allclose(rows, deviation * np.asarray(raw), rtol=1e-5, atol=1e-6)


def test_the_scales_can_be_left_out():
    seen, ends, rewards = episodes(5)
    learner, state = play(StreamQ(mlp(8), scale_observations=False, scale_rewards=False), seen, ends, rewards)
    assert state.observations is None
    assert state.rewards is None
    knowledge = learner.knowledge(state)
    assert float(knowledge.scaling.unit) == 1.0
    with lenient():
        exported = np.asarray(learner.q_network(jax.tree.map(np.asarray, knowledge))(seen[0]))
    rows = np.asarray(jax.jit(jax.vmap(learner.q_values, (None, 0)))(knowledge, seen[0]))
    np.testing.assert_allclose(exported, rows, rtol=1e-5, atol=1e-6)


def test_first_kernels_are_sparse_and_every_seed_has_its_own():
    learner = StreamQ(mlp(30, 30, layer_norm=True)).learner(ARRAYS)
    first = [first_state(learner, seed).weights.trainable for seed in (0, 1)]
    kernels = [[np.asarray(w) for w in weights if w.ndim == 2] for weights in first]
    assert [int((k == 0).sum(0).max()) for k in kernels[0]] == [2, 27, 27]
    assert not any(np.array_equal(a, b) for a, b in zip(*kernels, strict=True))
    dense = first_state(StreamQ(mlp(30), sparsity=None).learner(ARRAYS))
    assert (np.asarray(dense.weights.trainable[0]) != 0).all()


def test_layers_with_a_state_keep_it():
    def net(shape, actions):
        keras = load_keras()
        layers = [keras.layers.Dense(8), keras.layers.BatchNormalization(), keras.layers.Dropout(0.5)]
        return keras.Sequential([keras.Input(shape), *layers, keras.layers.Dense(actions)])

    learner, state = play(StreamQ(net), *episodes(6))
    before = first_state(learner)
    changed = [not np.array_equal(a, b) for a, b in zip(before.weights.other, state.weights.other, strict=True)]
    assert changed == [True] * 3  # two moments and the seed of the dropout
    assert all(np.isfinite(w).all() for w in state.weights.trainable)


def test_new_numbers_compile_nothing():
    traces = []

    @jax.jit
    def first(agent):
        traces.append(agent)
        return agent.learner(SPEC).init(noise.at(ZERO, noise.INITIAL, ZERO, ZERO))

    agent = StreamQ(mlp(8))
    first(agent)
    first(dataclasses.replace(agent, learning_rate=0.5, trace_decay=0.1, kappa=3.0, sparsity=0.5, discount=0.9))
    assert len(traces) == 1


def test_labels_and_what_an_agent_keeps():
    agent = StreamQ(mlp(8), trace_decay=0.5)
    assert agent.label == "stream Q(0.5)"
    assert agent == StreamQ(mlp(8), trace_decay=0.5)
    assert agent != StreamQ(mlp(9), trace_decay=0.5)
    assert dataclasses.replace(agent, discount=0.5).discount == 0.5
    assert "mlp(8)" in repr(agent)


@pytest.mark.parametrize(
    ("settings", "culprit"),
    [
        ({"learning_rate": -1.0}, "learning_rate"),
        ({"trace_decay": 1.5}, "trace_decay"),
        ({"kappa": 0.0}, "kappa"),
        ({"sparsity": 2.0}, "sparsity"),
        ({"discount": -0.1}, "discount"),
        ({"exploration": 0.1}, "exploration"),
        ({"exploration": EpsilonGreedy(per_visit())}, "visits"),
    ],
)
def test_what_is_out_of_range_is_named(settings, culprit):
    with pytest.raises(InputError, match=culprit):
        StreamQ(mlp(8), **settings)


def test_a_network_that_does_not_fit_is_named_before_training():
    keras = load_keras()
    net = keras.Sequential([keras.Input((3,)), keras.layers.Dense(5)])
    with pytest.raises(InputError, match="axis 1"):
        StreamQ(net).check(ARRAYS)
    with pytest.raises(InputError, match="is no network"):
        StreamQ(7)


def test_schedules_of_the_learning_rate_count_steps():
    agent = plain(learning_rate=linear(1.0, 0.0, over=2, per="step"), kappa=0.25, discount=0.0, exploration=Greedy())
    steps = [(0, 0, 1.0, 1, False, False), (1, 0, 1.0, 1, False, False), (2, 0, 1.0, 1, False, False)]
    table = learnt(agent, steps)[-1].weights.trainable[0]
    assert [float(table[s, 0]) for s in range(3)] == [1.0, 0.5, 0.0]
