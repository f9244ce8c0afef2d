"""A learner driven by hand on a problem that plain NumPy steps, so that what it met can be gone through again."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from qlearn.agents.learner import Clock, Spec, Transition
from qlearn.engine import noise
from qlearn.environments import FiniteMDP


def drive(agent, mdp, episodes, seed=0):
    """Episodes as lists of (s, a, r, s', terminated, truncated), and the table after each of them."""
    spec = Spec(mdp.num_states, mdp.num_actions, mdp.time_limit)
    learner = agent.learner(spec)
    rng = np.random.default_rng(seed)
    P, R = np.zeros((mdp.num_states, mdp.num_actions, mdp.num_states)), np.zeros((mdp.num_states, mdp.num_actions))
    ends = np.zeros(mdp.num_states, bool)
    for row in range(mdp.num_states * mdp.num_actions):
        for k in range(mdp.offsets[row], mdp.offsets[row + 1]):
            s, a = divmod(row, mdp.num_actions)
            P[s, a, mdp.next_state[k]] += mdp.probability[k]
            R[s, a] += mdp.probability[k] * mdp.reward[k]
            ends[mdp.next_state[k]] |= mdp.terminated[k]
    word = jnp.uint32(seed)

    def place(stream, clock):
        return noise.at(word, stream, clock.episode, clock.step)

    state = learner.init(noise.at(word, noise.INITIAL, jnp.uint32(0), jnp.uint32(0)))
    act = jax.jit(lambda state, s, clock: learner.act(state, s, place(noise.BEHAVIOUR, clock), clock))
    update = jax.jit(lambda state, t, clock: learner.update(state, t, place(noise.UPDATE, clock), clock))
    table = jax.jit(lambda state: jnp.stack([learner.q_values(state, jnp.int32(s)) for s in range(mdp.num_states)]))
    met, tables, total = [], [], 0
    for e in range(episodes):
        s, steps = int(rng.choice(mdp.num_states, p=mdp.initial)), []
        terminated = truncated = False
        while not (terminated or truncated):
            clock = Clock(jnp.uint32(e), jnp.uint32(len(steps)), jnp.uint32(total))
            action, state = act(state, jnp.int32(s), clock)
            a = int(action)
            then = int(rng.choice(mdp.num_states, p=P[s, a]))
            terminated, total = bool(ends[then]), total + 1
            truncated = not terminated and len(steps) + 1 == mdp.time_limit
            steps.append((s, a, float(np.float32(R[s, a])), then, terminated, truncated))
            if learner.period == 1:
                state = update(state, Transition(*as_arrays(steps[-1:]), jnp.ones(1, bool)), clock)
            s = then
        if learner.period == "episode":
            padding = [(0, 0, 0.0, 0, False, False)] * (mdp.time_limit - len(steps))
            valid = jnp.arange(mdp.time_limit) < len(steps)
            state = update(state, Transition(*as_arrays(steps + padding), valid), clock)
        met.append(steps)
        tables.append(np.asarray(table(state), np.float64))
    return met, tables


def as_arrays(steps):
    kinds = (jnp.int32, jnp.int32, jnp.float32, jnp.int32, bool, bool)
    return [jnp.asarray(column, kind) for column, kind in zip(zip(*steps, strict=True), kinds, strict=True)]


@pytest.fixture(scope="session")
def driven():
    return drive


@pytest.fixture(scope="session")
def small():
    """A random problem of 6 states and 3 actions, with an end and a clock that often comes first."""
    rng = np.random.default_rng(7)
    P = rng.dirichlet(np.full(6, 0.5), size=(6, 3))
    P[:, :, 5] *= 0.2
    P /= P.sum(axis=2, keepdims=True)
    return FiniteMDP.from_arrays(P, rng.normal(size=(6, 3)), terminals=[5], time_limit=12)


@pytest.fixture(scope="session")
def endless(small):
    """The same problem as arrays: transitions that go on (S, A, S), mean rewards (S, A)."""
    S, A = small.num_states, small.num_actions
    P, R = np.zeros((S, A, S)), np.zeros((S, A))
    for row in range(S * A):
        s, a = divmod(row, A)
        for k in range(small.offsets[row], small.offsets[row + 1]):
            R[s, a] += small.probability[k] * small.reward[k]
            if not small.terminated[k]:
                P[s, a, small.next_state[k]] += small.probability[k]
    return P, R
