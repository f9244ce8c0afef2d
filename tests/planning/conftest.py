import numpy as np
import pytest

from qlearn.environments import FiniteMDP, make


@pytest.fixture(scope="session")
def chain():
    return make("NChain-v0")


@pytest.fixture(scope="session")
def lake():
    return make("FrozenLake-v1")


@pytest.fixture(scope="session")
def dry_lake():
    return make("FrozenLake-v1(is_slippery=False)")


@pytest.fixture(scope="session")
def taxi():
    return make("Taxi-v4")


@pytest.fixture(scope="session")
def cliff():
    return make("CliffWalking-v1")


@pytest.fixture(scope="session")
def random_problem():
    """Makes random problems: some actions are not legal, some outcomes end the episode if wanted."""

    def make_one(seed, S=12, A=3, k=3, ends=0.0, noise=False):
        rng = np.random.default_rng(seed)
        legal = rng.random((S, A)) < 0.8
        legal[np.arange(S), rng.integers(0, A, S)] = True
        counts = np.where(legal.ravel(), k, 0)
        offsets = np.concatenate([[0], np.cumsum(counts)])
        n = int(offsets[-1])
        probability = rng.dirichlet(np.ones(k), size=n // k).ravel()
        return FiniteMDP(
            name=f"random {seed}",
            num_states=S,
            num_actions=A,
            offsets=offsets,
            probability=probability,
            next_state=rng.integers(0, S, n),
            reward=rng.normal(size=n).round(2),
            terminated=rng.random(n) < ends,
            initial=rng.dirichlet(np.ones(S)),
            reward_std=rng.random(n) if noise else None,
        )

    return make_one
