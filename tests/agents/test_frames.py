"""Frames kept once: what is sampled is what whole stacks would give, through every kind of end."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from qlearn.agents.frames import FrameRing
from qlearn.agents.learner import Spec, Transition
from qlearn.agents.replay import Ring

DEPTH, FRAME = 3, (2, 2)
SPEC = Spec(0, 4, 40, None, (DEPTH, *FRAME), "uint8")


def played(rng, steps, copies, padding, often):
    """A history (steps, copies) of stacks, made step by step as an environment's wrapper makes them."""
    columns = [[], [], [], [], [], []]
    frames = [None] * copies
    for _ in range(steps):
        row = [[], [], [], [], [], []]
        for e in range(copies):
            if frames[e] is None:
                first = rng.integers(0, 256, FRAME, np.uint8) * int(rng.random() > 0.2)  # now and then black
                before = np.zeros_like(first) if padding == "zeros" else first
                frames[e] = [before] * (DEPTH - 1) + [first]
            seen = np.stack(frames[e][-DEPTH:])
            frames[e].append(rng.integers(0, 256, FRAME, np.uint8))
            end = rng.choice(["", "terminated", "truncated"], p=[1 - 2 * often, often, often])
            what = (
                seen,
                rng.integers(4),
                rng.normal(),
                np.stack(frames[e][-DEPTH:]),
                end == "terminated",
                end == "truncated",
            )
            for column, value in zip(row, what, strict=True):
                column.append(value)
            frames[e] = None if end else frames[e]
        for column, values in zip(columns, row, strict=True):
            column.append(np.stack(values))
    kinds = (np.uint8, np.int32, np.float32, np.uint8, bool, bool)
    arrays = [np.stack(column).astype(kind) for column, kind in zip(columns, kinds, strict=True)]
    return Transition(*arrays, np.ones((steps, copies), bool))


def filled(ring, past, period):
    write, replay = jax.jit(ring.write), ring.empty()
    for start in range(0, past.reward.shape[0], period):
        piece = jax.tree.map(lambda x, start=start: x[start : start + period], past)
        replay = write(replay, piece, jnp.uint32(start * ring.num_environments))
    return replay


@pytest.mark.parametrize(
    ("steps", "copies", "period", "n", "padding", "often"),
    [
        (7, 2, 1, 1, "zeros", 0.15),  # partly full
        (90, 2, 3, 1, "zeros", 0.15),  # over the end many times
        (91, 1, 1, 3, "first", 0.1),
        (60, 3, 2, 2, "first", 0.3),  # hardly an episode as long as a stack
    ],
)
def test_sampled_stacks_are_those_that_were_seen_at_every_place_and_across_every_end(
    steps, copies, period, n, padding, often
):
    past = played(np.random.default_rng(steps), steps, copies, padding, often)
    places, finals = 12 * copies, 12 * copies + 2
    whole = Ring.of(SPEC, places, copies)
    framed = FrameRing(places, copies, SPEC.observation_shape, "uint8", written=period * copies, finals=finals)
    held = min(steps * copies, places)
    oldest = steps * copies - held
    waiting = (n - 1) * copies
    here = jnp.asarray([(oldest + i) % places for i in range(held - waiting)], jnp.int32)
    one, two = (
        jax.tree.map(
            np.asarray, jax.jit(functools.partial(ring.take, n=n, discount=0.9))(filled(ring, past, period), here)
        )
        for ring in (whole, framed)
    )
    for name in ("observation", "action", "reward", "terminated", "discount"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name), name)
    goes_on = ~one.terminated  # what a terminated episode arrived at is of no use to anybody
    np.testing.assert_array_equal(one.next_observation[goes_on], two.next_observation[goes_on])
    # And the list itself, not only the other ring.
    flat = past.observation.reshape(-1, DEPTH, *FRAME)[oldest : steps * copies - waiting]
    np.testing.assert_array_equal(two.observation, flat)


def test_a_million_frames_take_a_tenth_more_than_themselves_at_most():
    spec = Spec(0, 4, None, None, (4, 84, 84), "uint8")
    places = 1_000_000
    ring = FrameRing.stacked(spec, places, 8, 8)
    assert ring.num_bytes <= 1.1 * places * 84 * 84
    assert Ring.of(spec, places, 8).num_bytes >= 7.2 * ring.num_bytes


def test_where_more_episodes_are_cut_than_was_provided_for_the_oldest_end_a_frame_early():
    past = played(np.random.default_rng(0), 20, 1, "zeros", 0.0)
    past = past._replace(truncated=np.ones((20, 1), bool))
    past = past._replace(observation=np.where(np.arange(DEPTH)[:, None, None] < DEPTH - 1, 0, past.observation))
    ring = FrameRing(20, 1, SPEC.observation_shape, "uint8", written=1, finals=5)
    batch = ring.take(filled(ring, past, 1), jnp.arange(20, dtype=jnp.int32), 1, 0.9)
    newest = np.asarray(batch.next_observation)[:, -1]
    np.testing.assert_array_equal(newest[15:], past.next_observation[15:, 0, -1])
    np.testing.assert_array_equal(newest[:15], past.observation[:15, 0, -1])


def test_a_lane_of_seeds_writes_each_its_own_frames():
    rng = np.random.default_rng(5)
    pasts = [played(rng, 30, 2, "zeros", 0.15) for _ in range(3)]
    lane = jax.tree.map(lambda *x: np.stack(x), *pasts)
    ring = FrameRing(24, 2, SPEC.observation_shape, "uint8", written=2, finals=26)
    replay = jax.tree.map(lambda x: jnp.stack([x] * 3), ring.empty())
    write = jax.jit(jax.vmap(ring.write, in_axes=(0, 0, None)))
    for t in range(30):
        replay = write(replay, jax.tree.map(lambda x, t=t: x[:, t : t + 1], lane), jnp.uint32(2 * t))
    for k, past in enumerate(pasts):
        alone = filled(ring, past, 1)
        jax.tree.map(np.testing.assert_array_equal, jax.tree.map(lambda x, k=k: x[k], replay), alone)
