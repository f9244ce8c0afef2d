r"""Tile coding: several grids over one space, each displaced, and one tile of each that is 1.

With s the observation scaled so that a tile is 1 wide, n tilings and d dimensions, tiling t has the tile

.. math:: \left\lfloor \left( \lfloor n s_j \rfloor + o_{tj} \right) / n \right\rfloor, \qquad
          o_{tj} = t (1 + 2j) \bmod n, \qquad j = 0, …, d - 1

in dimension j: it is displaced by :math:`o_{tj} / n` of a tile, along the first odd integers (1, 3, 5, …).  An
observation and another one share the tiles of all tilings whose edges do not lie between them.

Source: R. S. Sutton and A. G. Barto, *Reinforcement learning*, 2nd edition, section 9.5.4, with the displacements of
Miller and Glanz (1996) that it recommends; the tiles are those of Sutton's tile coding software, version 3.
Differences: every tile has a place of its own, where the software gives out places as tiles are met (its 4,096 suffice
for two dimensions, so that nothing collides in either); what lies outside the ranges counts as their ends; and, as
n · d must be large for it, n should be a power of 2 of at least 4 d.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp

from qlearn.agents.features.feature import Basis, Encoded, as_counts, check_box, check_fits, check_size, flat
from qlearn.agents.learner import Spec
from qlearn.rules.description import description, whole

Array = jax.Array
_PRIMES = (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F, 0x165667B1)  # odd, with bits well spread


@description
class TileCoding:
    """Tiles of several displaced grids: ``tilings`` features of an observation are 1, all others 0.

    A weight's step is the learning rate over ``tilings``, so that the learning rate is the share of an error that one
    update removes, as in a table; the book writes that α as "0.5 / 8".

    Args:
        tilings: how many grids; a power of 2 of at least 4 times the dimensions is recommended.
        tiles: how many tiles a range has, or one number for each range; displaced grids have one more.
        low: where the ranges begin, one number for each of an observation, in its units.
        high: where they end.
        hashed: None for a place of each tile's own; or how many places all tiles share by chance, where there are too
            many tiles for the memory.

    Raises:
        InputError: where a number is out of range.

    >>> from qlearn.agents.learner import Spec
    >>> coding = TileCoding(tilings=8, tiles=8, low=(-1.2, -0.07), high=(0.5, 0.07))
    >>> basis = coding.bind(Spec(0, 3, observation_shape=(2,)))
    >>> basis.size, basis.encode(jnp.array([-0.5, 0.0])).places.shape
    (648, (8,))
    """

    tilings: int = 8
    tiles: int | tuple[int, ...] = 8
    low: tuple[float, ...] = (0.0,)
    high: tuple[float, ...] = (1.0,)
    hashed: int | None = None

    def __post_init__(self) -> None:
        whole(self, "tilings")
        check_box(self)
        object.__setattr__(self, "tiles", as_counts(self, "tiles", len(self.low)))
        if self.hashed is not None:
            whole(self, "hashed", self.tilings)

    def bind(self, spec: Spec) -> Basis:
        """The tiles of an environment whose observations have as many numbers as there are ranges.

        Raises:
            InputError: where they have not, or there are more tiles than memory.
        """
        check_fits(self, spec, len(self.low))
        n, shape = self.tilings, tuple(count + 1 for count in as_counts(self, "tiles", len(self.low)))
        each = math.prod(shape) if self.hashed is None else self.hashed // n
        check_size(self, n * each, "Pass fewer tiles, or hashed=2**20 for tiles that share places")
        scale = [n * (m - 1) / (b - a) for m, a, b in zip(shape, self.low, self.high, strict=True)]
        most = [n * (m - 1) for m in shape]
        shift = [[t * (1 + 2 * j) % n for t in range(n)] for j in range(len(shape))]

        def encode(observation: Array) -> Encoded:
            numbers = flat(observation)
            place: Array | None = None
            for j, m in enumerate(shape):
                fine = (numbers[j] - self.low[j]) * scale[j]
                fine = jnp.minimum(jnp.where(fine > 0.0, fine, 0.0), float(most[j]))  # no number counts as low, too
                tile = jax.lax.div(fine.astype(jnp.int32) + jnp.asarray(shift[j], jnp.int32), jnp.int32(n))
                place = _joined(place, tile, m, j, self.hashed is not None)
            assert place is not None
            if self.hashed is not None:
                place = jax.lax.rem(place.astype(jnp.uint32), jnp.uint32(each)).astype(jnp.int32)
            return Encoded(place + each * jnp.arange(n, dtype=jnp.int32), None)

        return Basis(n * each, n, encode, lambda value: jnp.full(n * each, value / n, jnp.float32))


def _joined(place: Array | None, tile: Array, m: int, j: int, hashed: bool) -> Array:
    """The number of a tile in its grid, one dimension more; or a word mixed of its coordinates."""
    if not hashed:
        return tile if place is None else place * m + tile
    word = (tile.astype(jnp.uint32) + jnp.uint32(j + 1)) * jnp.uint32(_PRIMES[j % len(_PRIMES)])
    mixed = word if place is None else place ^ word
    mixed = (mixed ^ (mixed >> jnp.uint32(15))) * jnp.uint32(_PRIMES[(j + 1) % len(_PRIMES)])
    return mixed ^ (mixed >> jnp.uint32(13))
