"""A finite model on the device draws what the model says."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from qlearn.engine import noise
from qlearn.environments import FiniteMDP, MDPBuilder, make
from qlearn.environments.device import on_device


class Word:
    """Noise whose first word is given."""

    def __init__(self, word):
        self.word = word

    def bits(self, index=0):
        return self.word

    def normal(self, slot):
        return jnp.float32(0.5)


def model_with_row(probabilities):
    n = len(probabilities)
    P = np.zeros((n, 1, n))
    P[:, 0, :] = probabilities
    return FiniteMDP.from_arrays(P, np.arange(n, dtype=float)[None, None, :].repeat(n, 0))


@pytest.mark.parametrize(
    ("probabilities", "form"),
    [
        ([0.5, 0.5], "even"),
        ([1 / 3] * 3, "even"),
        ([1 / 300] * 300, "even"),
        ([0.2, 0.8], "padded"),
        ([0.1, 0.2, 0.3, 0.4], "padded"),
        ([0.3] + [0.7 / 40] * 40, "searched"),
    ],
)
def test_the_outcome_is_the_first_whose_cumulative_probability_exceeds_the_uniform_number(probabilities, form):
    model = on_device(model_with_row(probabilities))
    assert model.outcome.form == form
    cumulative = np.cumsum(probabilities)
    edges = np.ceil(np.round(cumulative[:-1] * 2.0**32, 4)).astype(np.int64)
    words = np.unique(
        np.concatenate([[0, 2**32 - 1], edges, edges - 1, np.random.default_rng(0).integers(0, 2**32, 500)])
    )
    arrived = jax.vmap(lambda w: model.step(jnp.int32(0), jnp.int32(0), Word(w), jnp.uint32(0))[0])(
        jnp.asarray(words, jnp.uint32)
    )
    expected = [int(np.sum(word >= edges)) for word in words]
    assert np.asarray(arrived).tolist() == expected


def arrive(model, state, word):
    return model.step(state, jnp.int32(2), Word(word), jnp.uint32(0))[0]


def test_rows_of_different_length_draw_from_their_own_outcomes_only():
    rng = np.random.default_rng(1)
    for outcomes in (5, 30):
        P = np.where(rng.random((40, 3, 40)) < outcomes / 40, rng.random((40, 3, 40)), 0)
        P[:, :, 0] += 0.01
        mdp = FiniteMDP.from_arrays(P / P.sum(-1, keepdims=True), 0.0)
        model = on_device(mdp)
        words = jnp.asarray(rng.integers(0, 2**32, 4000), jnp.uint32)
        for s in (0, 17, 39):
            drawn = jax.vmap(arrive, (None, None, 0))(model, jnp.int32(s), words)
            row = mdp.transition_matrix().toarray()[s * 3 + 2]
            assert set(np.asarray(drawn).tolist()) <= set(np.flatnonzero(row).tolist())
            share = np.bincount(np.asarray(drawn), minlength=40) / 4000
            assert np.abs(share - row).max() < 5 * np.sqrt(0.25 / 4000)


def test_termination_reward_noise_and_illegal_actions_reach_the_device():
    b = MDPBuilder(name="small")
    b.on("A", "stay").goes_to("A", reward=1.0, reward_noise=2.0)
    b.on("A", "end").ends(reward=3.0)
    b.on("B", "stay").goes_to("A", reward=0.0)
    mdp = b.build()
    model = on_device(mdp)
    assert np.asarray(model.mask(jnp.int32(1))).tolist() == [True, False]
    state, reward, terminated = model.step(jnp.int32(0), jnp.int32(0), Word(jnp.uint32(0)), jnp.uint32(0))
    assert (int(state), float(reward), bool(terminated)) == (0, 2.0, False)
    _, reward, terminated = model.step(jnp.int32(0), jnp.int32(1), Word(jnp.uint32(0)), jnp.uint32(0))
    assert (float(reward), bool(terminated)) == (3.0, True)


def test_a_changing_model_changes_at_its_total_step():
    first, second = model_with_row([0.2, 0.8]), model_with_row([0.7, 0.3])
    model = on_device(first.changing_to(second, at_step=100))
    word = Word(jnp.uint32(2**31))
    step = [int(model.step(jnp.int32(0), jnp.int32(0), word, jnp.uint32(t))[0]) for t in (0, 99, 100, 5000)]
    assert step == [1, 1, 0, 0]


def test_frequencies_of_nchain_are_those_of_its_slip():
    model = on_device(make("NChain-v0"))
    place = noise.Noise(*(jnp.zeros(100_000, jnp.uint32) for _ in range(3)), jnp.arange(100_000, dtype=jnp.uint32))
    back = jax.vmap(lambda n: model.step(jnp.int32(2), jnp.int32(0), n, jnp.uint32(0))[0])(place) == 0
    assert abs(float(back.mean(dtype=jnp.float32)) - 0.2) < 4.5 * np.sqrt(0.16 / 100_000)
