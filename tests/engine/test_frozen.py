"""What is frozen stays as it is, and costs no copy where nobody holds it."""

import threading

import gymnasium as gym
import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

import qlearn as ql
from qlearn.engine.frozen import packed, unpacked
from qlearn.engine.schedule import Job, run
from qlearn.environments import JaxEnvironment, device_environment

LARGE = (2**20 + 8,)


def put_in(array, value):
    return jax.lax.dynamic_update_slice(array, jnp.full((1,), value, array.dtype), (jnp.int32(3),))


write = jax.jit(put_in, donate_argnums=0)


def test_a_large_array_is_not_copied_and_stays_as_it_was_where_it_is_held():
    array = write(jnp.zeros(LARGE, jnp.uint8), 1)
    place, frozen = array.unsafe_buffer_pointer(), packed("a", {"x": array, "y": jnp.float32(2)})
    assert frozen["a.0"].ctypes.data == place  # a view: writing it to a disk takes no second gigabyte
    changed = write(array, 7)
    assert (frozen["a.0"][3], int(changed[3])) == (1, 7)
    place, frozen = changed.unsafe_buffer_pointer(), packed("a", changed)
    again = unpacked("a", changed, frozen)
    assert int(again[3]) == 7
    del frozen, again
    assert write(changed, 9).unsafe_buffer_pointer() == place  # nobody looks: in place


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "uint32", "float32", "bfloat16"])
def test_large_arrays_of_every_kind_are_frozen(dtype):
    array = jnp.arange(LARGE[0], dtype=jnp.uint8).astype(dtype)
    frozen = packed("a", array)["a.0"]
    np.testing.assert_array_equal(frozen, np.asarray(array))
    assert frozen.dtype == np.asarray(array).dtype


class Counting:
    """A keeper that is stopped by what it kept."""

    once, exact = True, False

    def further(self, lane):
        return False

    def __init__(self, stop, saves):
        self.stop, self.saves, self.count = stop, saves, 0

    def load(self, lane):
        return None

    def due(self, lane):
        return True

    def save(self, lane, arrays):
        self.count += 1
        if self.count == self.saves:
            self.stop.set()


@pytest.mark.parametrize("kind", ["table", "network"])
def test_a_training_that_is_stopped_while_it_is_kept_is_not_kept_twice(kind):
    agent = ql.QLearning() if kind == "table" else ql.OnlineQNetwork(ql.mlp(2), keras.optimizers.SGD(0.01))
    stop = threading.Event()
    keeper = Counting(stop, 2)
    job = Job(agent, ql.make("NChain-v0"), np.arange(2, dtype=np.uint32), (10_000_000,), "step")
    (outcome,) = run([job], stop, lambda *_: None, keeper)
    assert keeper.count == 2
    assert not outcome.complete.any()


REPLAY = 2_000
FRAMES = ql.DQN(
    ql.mlp(2),
    keras.optimizers.SGD(0.01),
    replay=REPLAY,
    batch_size=4,
    learning_starts=8,
    train_every=4,
    frames=4,
)


class Pictures(gym.Env):
    """Four frames of 40 × 40."""

    observation_space, action_space = gym.spaces.Box(0, 255, (4, 40, 40), np.uint8), gym.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.zeros((4, 40, 40), np.uint8), {}

    def step(self, action):
        return np.ones((4, 40, 40), np.uint8), 0.0, False, False, {}


@device_environment
class PicturesOnDevice(JaxEnvironment):
    num_actions, observation_shape, observation_dtype = 2, (4, 40, 40), "uint8"
    time_limit: int | None = 10
    identity = "Pictures"

    def reset(self, noise):
        return jnp.int32(0)

    def observe(self, state):
        return jnp.ones((4, 40, 40), jnp.uint8)

    def step(self, state, action, noise, total):
        return state, jnp.float32(0), state < 0


@pytest.mark.parametrize("world", [Pictures, PicturesOnDevice()], ids=["host", "device"])
def test_a_stop_costs_one_more_call_and_one_write_of_little_more_than_the_frames(world):
    """What of "saved within five seconds" needs no clock; the seconds stand in benchmarks/results/checkpoints.md."""
    stop, after, written = threading.Event(), [], []

    class Writing(Counting):
        def due(self, lane):
            return False

        def save(self, lane, arrays):
            assert stop.is_set()
            written.append({name: array for name, array in arrays.items() if array.nbytes > 2**20})
            self.count += sum(array.nbytes for array in arrays.values())

    def tell(number, made, recent):
        after.append(stop.is_set())
        stop.set()

    keeper = Writing(stop, None)
    run([Job(FRAMES, ql.make(world), np.zeros(1, np.uint32), (10**7,), "step")], stop, tell, keeper)
    assert sum(after) <= 1
    assert len(written) == 1
    assert keeper.count < 1.2 * REPLAY * (40 * 40 + 28)
    assert not any(array.flags.owndata for array in written[0].values())  # written as they lie there, not copied
