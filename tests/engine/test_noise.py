"""The generator: known answers, independence of streams, and the statistics of a hundred million draws."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from qlearn.engine import noise

DRAWS = 2**27  # 134 million


def words(key, counter, rounds):
    pairs = [jnp.asarray(x, jnp.uint32) for x in (*key, *counter)]
    return [int(w) for w in noise.threefry((pairs[0], pairs[1]), (pairs[2], pairs[3]), rounds)]


@pytest.mark.parametrize(
    ("rounds", "key", "counter", "expected"),
    [  # the known answers that come with Random123
        (13, (0, 0), (0, 0), (0x9D1C5EC6, 0x8BD50731)),
        (13, (0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0xFD36D048, 0x2D17272C)),
        (13, (0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xBA3E4725, 0xF27D669E)),
        (20, (0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        (20, (0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
        (20, (0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
    ],
)
def test_threefry_gives_the_published_answers(rounds, key, counter, expected, python_threefry):
    assert tuple(words(key, counter, rounds)) == expected
    assert python_threefry(key, counter, rounds) == expected


def test_every_slot_stream_seed_episode_and_step_has_its_own_words():
    places = [
        noise.Noise(*(jnp.uint32(x) for x in (seed, stream, episode, step)))
        for seed in range(3)
        for stream in range(5)
        for episode in range(3)
        for step in range(3)
    ]
    drawn = [int(w) for place in places for slot in range(3) for w in place.pair(slot)]
    assert len(set(drawn)) == len(drawn)


def test_a_word_depends_on_its_place_alone():
    place = noise.at(jnp.uint32(7), noise.BEHAVIOUR, jnp.uint32(3), jnp.uint32(11))
    drawn = noise.at(jnp.uint32(7), noise.BEHAVIOUR, jnp.uint32(3), jnp.uint32(11), drawn=True)
    before = noise.at(jnp.uint32(7), noise.UPDATE, jnp.uint32(3), jnp.uint32(10)).behaviour.ahead()
    assert int(place.bits(0)) == int(drawn.bits(0)) == int(before.bits(0))
    assert float(place.uniform_of(4)) == float(place.uniform(8))


@pytest.fixture(scope="module")
def sums():
    """Statistics of 2²⁷ draws, over 128 seeds × 1,024 episodes × 1,024 steps, of two streams."""

    def of_episode(carry, episode):
        seed = jnp.arange(128, dtype=jnp.uint32)[:, None]
        step = jnp.arange(1024, dtype=jnp.uint32)[None, :]
        shape = jnp.broadcast_to(seed, (128, 1024)), jnp.full((128, 1024), episode), jnp.broadcast_to(step, (128, 1024))
        world, agent = (
            noise.Noise(shape[0], jnp.full((128, 1024), stream, jnp.uint32), shape[1], shape[2]).bits(0)
            for stream in (noise.ENVIRONMENT, noise.BEHAVIOUR)
        )
        u, v = noise.unit(world) - 0.5, noise.unit(agent) - 0.5
        low = ((world & jnp.uint32(255)).astype(jnp.int32)).reshape(-1)
        high = (world >> jnp.uint32(24)).astype(jnp.int32).reshape(-1)
        tables = [jnp.zeros(256, jnp.int32).at[index].add(1) for index in (low, high)]
        products = [
            jnp.sum(u),
            jnp.sum(u * u),
            jnp.sum(u[:, :-1] * u[:, 1:]),  # from step to step
            jnp.sum(u[:-1] * u[1:]),  # from seed to seed
            jnp.sum(u * v),  # from stream to stream
        ]
        return carry, (tables, products)

    _, (tables, products) = jax.jit(lambda: jax.lax.scan(of_episode, 0, jnp.arange(1024, dtype=jnp.uint32)))()
    return [np.asarray(t, np.int64).sum(0) for t in tables], [np.asarray(p, np.float64).sum() for p in products]


def test_draws_are_uniform(sums):
    for counts in sums[0]:
        assert counts.sum() == DRAWS
        assert stats.chisquare(counts).pvalue > 1e-4


def test_the_mean_and_variance_of_draws_are_those_of_the_uniform_distribution(sums):
    total, squares = sums[1][:2]
    assert abs(total / DRAWS) < 4.5 * np.sqrt(1 / 12 / DRAWS)
    assert abs(squares / DRAWS - 1 / 12) < 4.5 * np.sqrt(1 / 180 / DRAWS) + 1e-7  # float32 sums


@pytest.mark.parametrize(("index", "pairs"), [(2, 1023 / 1024), (3, 127 / 128), (4, 1.0)])
def test_draws_are_uncorrelated_from_step_to_step_seed_to_seed_and_stream_to_stream(sums, index, pairs):
    deviations = sums[1][index] / (np.sqrt(DRAWS * pairs) / 12)
    assert abs(deviations) < 4.5


def test_normal_numbers_have_the_moments_of_the_normal_distribution():
    steps = jnp.arange(2**20, dtype=jnp.uint32)
    place = noise.Noise(*(jnp.full(steps.shape, x, jnp.uint32) for x in (1, 0, 0)), steps)
    drawn = np.asarray(place.normal(1), np.float64)
    assert stats.kstest(drawn[::64], "norm").pvalue > 1e-4
    assert abs(drawn.mean()) < 4.5 / 1024
    assert abs(drawn.std() - 1) < 4.5 / 1024 / np.sqrt(2)
