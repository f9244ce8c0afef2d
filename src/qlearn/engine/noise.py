"""Random numbers as a function of where they are used, never of what was drawn before.

A draw is ``threefry(key = (seed, stream), counter = (episode, step in episode))``: nothing is split, carried along or
consumed.  So two agents with one seed meet the same noise of the environment, also after episodes of unequal length
(common random numbers); a seed's numbers do not depend on its neighbours, on chunks or on threads; and going on after
an interruption needs no random state.

The generator is Threefry-2x32 with 13 rounds, the fewest that pass BigCrush (Salmon, Moraes, Dror and Shaw, *Parallel
random numbers: as easy as 1, 2, 3*, SC 2011, table 2).  One call gives two words of 32 bits.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.extend.random import define_prng_impl

Array = jax.Array

ENVIRONMENT, RESET, BEHAVIOUR, UPDATE, INITIAL = range(5)
"""The streams: transitions and rewards, start states, choice of action, the agent's update, its first state."""

JUDGED_ENVIRONMENT, JUDGED_RESET, JUDGED_BEHAVIOUR = range(5, 8)
"""The first three again, for playing what was learnt: no game meets what training met."""

ROUNDS = 13
_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA
_SLOT_SHIFT = 8  # the second word of the key: stream in the low 8 bits, slot above
_ENVIRONMENT_SHIFT = 20  # where a seed has several environments, their number takes the upper 12 bits of the slot
MOST_ENVIRONMENTS = 2**12


def threefry(key: tuple[Array, Array], counter: tuple[Array, Array], rounds: int = ROUNDS) -> tuple[Array, Array]:
    """Threefry-2x32: two uniform words of 32 bits from a key and a counter of two words each.

    Parameters are uint32 arrays of any equal shapes; so are the two results.

    >>> import jax.numpy as jnp
    >>> zero = jnp.uint32(0)
    >>> [hex(int(w)) for w in threefry((zero, zero), (zero, zero), rounds=20)]  # Random123's known answer
    ['0x6b200159', '0x99ba4efe']
    """
    schedule = (key[0], key[1], key[0] ^ key[1] ^ jnp.uint32(_PARITY))
    x, y = counter[0] + schedule[0], counter[1] + schedule[1]
    for i in range(rounds):
        turn = _ROTATIONS[(i // 4) % 2][i % 4]
        x = x + y
        y = ((y << jnp.uint32(turn)) | (y >> jnp.uint32(32 - turn))) ^ x
        if i % 4 == 3:
            j = i // 4 + 1
            x, y = x + schedule[j % 3], y + schedule[(j + 1) % 3] + jnp.uint32(j)
    return x, y


def unit(bits: Array) -> Array:
    """A float32 in [0, 1), a multiple of 2⁻²⁴, from the 24 high bits of a word."""
    return (bits >> jnp.uint32(8)).astype(jnp.float32) * jnp.float32(2.0**-24)


def _random_bits(key: Array, bit_width: int, shape: tuple[int, ...]) -> Array:
    """Words number 0, 1, … of a key, as JAX asks for them."""
    count = math.prod(shape)
    index = jnp.arange((count + 1) // 2, dtype=jnp.uint32)
    x, y = threefry((key[0], key[1]), (index, jnp.full_like(index, _BITS)))
    if bit_width == 64:
        x, y = threefry((key[0], key[1]), (jnp.arange(count, dtype=jnp.uint32), jnp.full(count, _BITS, jnp.uint32)))
        return ((x.astype(jnp.uint64) << 32) | y.astype(jnp.uint64)).reshape(shape)
    words = jnp.concatenate([x, y])[:count].reshape(shape)
    return (words >> jnp.uint32(32 - bit_width)).astype(f"uint{bit_width}")


def _split(key: Array, shape: tuple[int, ...]) -> Array:
    index = jnp.arange(math.prod(shape), dtype=jnp.uint32)
    return jnp.stack(threefry((key[0], key[1]), (index, jnp.full_like(index, _SPLIT))), axis=-1).reshape(*shape, 2)


def _fold_in(key: Array, data: Array | int) -> Array:
    return jnp.stack(threefry((key[0], key[1]), (jnp.asarray(data, jnp.uint32), jnp.uint32(_FOLD))))


_BITS, _SPLIT, _FOLD = range(3)  # second word of the counter: what the numbers of a key are for
GENERATOR = define_prng_impl(
    key_shape=(2,),
    seed=lambda seed: jnp.stack([jnp.zeros((), jnp.uint32), jnp.asarray(seed).astype(jnp.uint32)]),
    split=_split,
    random_bits=_random_bits,
    fold_in=_fold_in,
    name="qlearn_threefry2x32_13",
    tag="qlearn",
)
"""The same generator for code that asks for a key of ``jax.random``.

JAX's own Threefry (20 rounds, in loops on a CPU) took 0.5 to 0.8 s of compilation for every array that was drawn under
``vmap``; this takes 0.06 s, and less time to run.
"""


class Noise(NamedTuple):
    """The random numbers of one place: a seed, a stream, an episode and a step of it.

    Scalars (uint32) for one seed; the engine maps over seeds.  ``first`` holds the first two words when the engine
    has already drawn them.
    """

    seed: Array
    stream: Array
    episode: Array
    step: Array
    first: tuple[Array, Array] | None = None

    def pair(self, slot: int | Array = 0) -> tuple[Array, Array]:
        """Two words of 32 bits (uint32); every ``slot`` (0 to 2²⁴ − 1, may be traced) has its own."""
        if self.first is not None and isinstance(slot, int) and slot == 0:
            return self.first
        key = self.stream | (jnp.asarray(slot, jnp.uint32) << jnp.uint32(_SLOT_SHIFT))
        return threefry((self.seed, key), (self.episode, self.step))

    def bits(self, index: int = 0) -> Array:
        """The word number ``index`` of this place, a uint32."""
        return self.pair(index // 2)[index % 2]

    def uniform(self, index: int = 0) -> Array:
        """A float32 in [0, 1) from the word number ``index``."""
        return unit(self.bits(index))

    def uniform_of(self, slot: int | Array) -> Array:
        """A float32 in [0, 1) from the first word of ``slot``, which may be traced: for loops inside an update."""
        return unit(self.pair(slot)[0])

    def uniforms_of(self, slot: int | Array) -> tuple[Array, Array]:
        """Two float32 in [0, 1) from both words of ``slot``: at the price of one."""
        first, second = self.pair(slot)
        return unit(first), unit(second)

    def normal(self, slot: int | Array) -> Array:
        """A standard normal float32 (Box and Muller) from both words of ``slot``; |x| ≤ 5.9."""
        first, second = self.pair(slot)
        radius = jnp.sqrt(-2.0 * jnp.log1p(-unit(first)))
        return radius * jnp.cos(jnp.float32(2.0 * jnp.pi) * unit(second))

    def key(self, slot: int | Array = 0) -> Array:
        """A key of ``jax.random`` made of both words of ``slot``, for code that asks for one."""
        return jax.random.wrap_key_data(jnp.stack(self.pair(slot), axis=-1), impl=GENERATOR)

    @property
    def behaviour(self) -> Noise:
        """The same place in the stream of the behaviour policy, for updates that choose the next action."""
        return Noise(self.seed, jnp.uint32(BEHAVIOUR), self.episode, self.step)

    def ahead(self) -> Noise:
        """The noise of the next step of the same episode."""
        return Noise(self.seed, self.stream, self.episode, self.step + jnp.uint32(1))


def at(
    seed: Array, stream: int, episode: Array, step: Array, *, drawn: bool = False, environment: Array | None = None
) -> Noise:
    """The noise of a place; ``drawn=True`` draws its first two words now.

    ``environment`` (uint32, below 4,096) tells the environments of one seed apart; number 0 is the same as none.
    Slots then have 12 bits.
    """
    word = jnp.uint32(stream)
    if environment is not None:
        word = word | (environment << jnp.uint32(_ENVIRONMENT_SHIFT))
    place = Noise(seed, word, episode, step)
    return place._replace(first=place.pair(0)) if drawn else place
