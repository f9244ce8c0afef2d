"""A sum tree on the device: numbers that are drawn in proportion to themselves, and changed, in place.

One array holds a binary heap: node i is the sum of the nodes 2 i and 2 i + 1, the root is node 1, and the numbers are
the leaves.  A draw among a million numbers follows 20 branches, a change recomputes 20 sums.  Sums are always those of
their children, never corrected by a difference, so that rounding does not add up.

Both walks are loops and not written out: written out, XLA computes each branch from all those before it, and all of
them again for every number of a transition that is fetched (57 µs against 12 for 128 draws among a million).
"""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp

Array = jax.Array
_SURE = "promise_in_bounds"  # places are made here; a check would cost a comparison for every number


@dataclasses.dataclass(frozen=True)
class SumTree:
    """The layout of a tree over ``places`` numbers; every function takes the array (2 · leaves,) float32.

    >>> tree = SumTree(3)
    >>> nodes = tree.write(tree.empty(), jnp.array([0, 2], jnp.int32), jnp.array([1.0, 3.0]))
    >>> float(tree.total(nodes)), tree.find(nodes, jnp.array([0.5, 1.0, 3.9])).tolist()
    (4.0, [0, 2, 2])
    """

    places: int

    @property
    def depth(self) -> int:
        """Branches from the root to a number."""
        return (self.places - 1).bit_length()

    @property
    def num_bytes(self) -> int:
        """What the array takes: 8 to 16 bytes for each number."""
        return 4 << (self.depth + 1)

    def empty(self) -> Array:
        """All numbers 0."""
        return jnp.zeros(2 << self.depth, jnp.float32)

    def total(self, nodes: Array) -> Array:
        """The sum of all numbers, a scalar float32."""
        return nodes[1]

    def at(self, nodes: Array, places: Array) -> Array:
        """The numbers at some places (k,) int32."""
        return nodes.at[places + (1 << self.depth)].get(mode=_SURE)

    def write(self, nodes: Array, places: Array, values: Array) -> Array:
        """The tree with other numbers (k,), at least 0, at some places (k,) int32.

        Where a place comes twice, one of its values counts, in all sums.
        """
        leaves = places + (1 << self.depth)

        def above(_: int | Array, state: tuple[Array, Array]) -> tuple[Array, Array]:
            nodes, changed = state
            parents = changed // 2
            sums = nodes.at[2 * parents].get(mode=_SURE) + nodes.at[2 * parents + 1].get(mode=_SURE)
            return nodes.at[parents].set(sums, mode=_SURE), parents

        written = nodes.at[leaves].set(values, mode=_SURE)
        return jax.lax.fori_loop(0, self.depth, above, (written, leaves))[0]

    def find(self, nodes: Array, targets: Array) -> Array:
        """Where the running sum of the numbers passes some targets (k,) in [0, total): places (k,) int32.

        A number of 0 is never found while another is above 0, whatever rounding does.
        """

        def down(_: int | Array, state: tuple[Array, Array]) -> tuple[Array, Array]:
            node, rest = state
            left, right = nodes.at[2 * node].get(mode=_SURE), nodes.at[2 * node + 1].get(mode=_SURE)
            turn = (rest >= left) & (right > 0)
            return 2 * node + turn.astype(jnp.int32), jnp.where(turn, rest - left, rest)

        begun = jnp.ones(targets.shape, jnp.int32), targets
        leaves = jax.lax.fori_loop(0, self.depth, down, begun)[0]
        return jnp.minimum(leaves - (1 << self.depth), self.places - 1)
