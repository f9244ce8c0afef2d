"""The ring of past transitions: what comes out is what went in, in time order, for every kind of observation."""

from collections import Counter
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from qlearn.agents.learner import Spec, Transition
from qlearn.agents.replay import Ring, together
from qlearn.engine import noise

KINDS = {
    "float": Spec(0, 5, None, None, (3,), "float32"),
    "large float": Spec(0, 5, None, None, (9, 9), "float32"),
    "half": Spec(0, 5, None, None, (3,), "float16"),
    "picture": Spec(0, 5, None, None, (4, 4, 2), "uint8"),
    "plane": Spec(0, 5, None, None, (4, 4), "bool"),
    "number": Spec(0, 5, None, None, (), "float32"),
    "state": Spec(1000, 5),
}


def history(spec, steps, copies, seed=0):
    """A long trajectory (steps, copies) with ends of both kinds; observations are all different."""
    rng = np.random.default_rng(seed)
    shape, dtype = ((), "int32") if spec.observation_shape is None else (spec.observation_shape, spec.observation_dtype)

    def seen():
        values = rng.normal(size=(steps, copies, *shape)) * 100
        return (np.abs(values) > 50 if dtype == "bool" else np.abs(values)).astype(dtype)

    kinds = rng.choice(3, size=(steps, copies), p=[0.7, 0.15, 0.15])
    reward = rng.normal(size=(steps, copies)).astype(np.float32)
    return Transition(
        seen(),
        rng.integers(0, 5, (steps, copies), dtype=np.int32),
        reward,
        seen(),
        kinds == 1,
        kinds == 2,
        np.ones((steps, copies), bool),
    )


def filled(ring, past, period):
    """A ring after a history, written ``period`` steps at a time."""
    write = jax.jit(ring.write)
    replay = ring.empty()
    for start in range(0, past.reward.shape[0], period):
        piece = jax.tree.map(lambda x, start=start: x[start : start + period], past)
        replay = write(replay, piece, jnp.uint32(start * ring.num_environments))
    return replay


def taken(ring, replay, places, n, discount):
    """The outcomes of some places, as NumPy arrays."""
    take = jax.jit(lambda replay, places: ring.take(replay, places, n, discount))
    return jax.tree.map(np.asarray, take(replay, jnp.asarray(places)))


def all_places(ring, steps, n=1):
    """Every place that `draw` can give, by words that name them all."""
    held = min(steps, ring.places) - (n - 1) * ring.num_environments
    words = np.arange(held + held % 2, dtype=np.uint32)
    half = len(words) // 2
    fake = SimpleNamespace(pair=lambda slots: (jnp.asarray(words[:half]), jnp.asarray(words[half:])))
    return np.asarray(jax.jit(lambda steps: ring.draw(fake, 0, held, steps, n))(jnp.uint32(steps)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rows", [3, 12, 25])  # partly full, just full, over the end twice
def test_the_last_transitions_come_out_as_they_went_in(kind, rows):
    spec, copies, period = KINDS[kind], 2, 1
    ring = Ring.of(spec, 24, copies)
    past = history(spec, rows, copies)
    places = all_places(ring, rows * copies)
    batch = taken(ring, filled(ring, past, period), places, 1, 0.9)
    kept = jax.tree.map(lambda x: x.reshape(rows * copies, *x.shape[2:])[-min(24, rows * copies) :], past)
    for name in ("observation", "action", "reward", "next_observation", "terminated"):
        np.testing.assert_array_equal(getattr(batch, name), getattr(kept, name), err_msg=name)
        assert getattr(batch, name).dtype == getattr(kept, name).dtype
    np.testing.assert_array_equal(batch.discount, np.full(len(places), np.float32(0.9)))


@pytest.mark.parametrize("n", [2, 5])
@pytest.mark.parametrize("rows", [6, 30, 45])
@pytest.mark.parametrize("kind", ["float", "state"])
def test_outcomes_of_n_steps_are_those_of_a_walk_that_never_crosses_the_write_head(n, rows, kind):
    spec, copies, period, discount = KINDS[kind], 3, 3, 0.9
    ring = Ring.of(spec, 90, copies)  # 30 rows
    past = history(spec, rows, copies, seed=n)
    places = all_places(ring, rows * copies, n)
    batch = taken(ring, filled(ring, past, period), places, n, discount)
    first = max(0, rows - 30)
    starts = [(row, copy) for row in range(first, rows - n + 1) for copy in range(copies)]
    assert len(places) == len(starts)
    for i, (row, copy) in enumerate(starts):
        total, last = 0.0, row
        for k in range(n):
            last = row + k
            total += discount**k * float(past.reward[last, copy])
            if past.terminated[last, copy] or past.truncated[last, copy]:
                break
        np.testing.assert_array_equal(batch.observation[i], past.observation[row, copy])
        np.testing.assert_array_equal(batch.next_observation[i], past.next_observation[last, copy])
        assert int(batch.action[i]) == int(past.action[row, copy])
        assert bool(batch.terminated[i]) == bool(past.terminated[last, copy])
        np.testing.assert_allclose(batch.reward[i], total, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(batch.discount[i], discount ** (last - row + 1), rtol=1e-6)


def drawn(ring, steps, count, total, n=1):
    place = noise.at(jnp.uint32(3), noise.UPDATE, jnp.uint32(0), jnp.uint32(total))
    return np.asarray(ring.draw(place, 0, count, jnp.uint32(steps), n))


def test_draws_are_even_over_what_is_held_and_never_beyond():
    ring = Ring.of(KINDS["state"], 20, 1)
    counts = Counter(drawn(ring, 8, 16_001, 0).tolist())
    assert set(counts) == set(range(8))
    expected = 16_001 / 8
    assert sum((seen - expected) ** 2 / expected for seen in counts.values()) < 24.3  # χ² of 7 degrees, 0.1%


def test_draws_of_a_full_ring_leave_out_the_newest_that_have_no_n_steps_after_them():
    ring = Ring.of(KINDS["state"], 20, 2)
    newest = {4, 5}  # 26 steps were stored: the next one goes to place 6
    assert set(drawn(ring, 26, 5_000, 1, n=2).tolist()) == set(range(20)) - newest


def test_updates_and_slots_draw_differently():
    ring = Ring.of(KINDS["state"], 1000, 1)
    one, other = drawn(ring, 1000, 64, 1), drawn(ring, 1000, 64, 2)
    place = noise.at(jnp.uint32(3), noise.UPDATE, jnp.uint32(0), jnp.uint32(1))
    later = np.asarray(ring.draw(place, 32, 64, jnp.uint32(1000)))
    assert (one == other).mean() < 0.1
    assert (one == later).mean() < 0.1


def test_observations_keep_their_dtype_and_the_ring_says_what_it_takes():
    sizes = {kind: Ring.of(spec, 100, 1).num_bytes // 100 for kind, spec in KINDS.items()}
    rest = 16  # reward, action and both ends
    assert sizes == {
        "float": 2 * 12 + rest,
        "large float": 2 * 324 + rest,
        "half": 2 * 6 + rest,
        "picture": 2 * 32 + rest,
        "plane": 2 * 16 + rest,
        "number": 2 * 4 + rest,
        "state": 2 * 4 + rest,
    }


def test_what_a_lane_has_together_has_no_axis_of_seeds():
    def branch(steps):
        return jax.lax.cond(together(steps) > 2, lambda: jnp.int32(1), lambda: jnp.int32(0))

    lane = jnp.array([3, 3, 1], jnp.uint32)  # the last seed was stopped
    assert "select_n" not in str(jax.make_jaxpr(jax.vmap(branch))(lane))
    assert jax.vmap(branch)(lane).tolist() == [1, 1, 1]
    assert int(branch(jnp.uint32(2))) == 0
