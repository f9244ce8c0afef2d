"""Trees of arrays as arrays by name and back: what is kept of a run on its way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

Numbers = np.ndarray[Any, Any]
Frozen = dict[str, Numbers]


def packed(name: str, tree: Any) -> Frozen:
    """The leaves of a tree by name; they are copied, since the loops change their own in place.

    >>> sorted(packed("a", {"x": jnp.float32(1), "y": jnp.int32(2)}))
    ['a.0', 'a.1']
    """
    return {f"{name}.{i}": np.array(leaf) for i, leaf in enumerate(jax.tree.leaves(tree))}


def unpacked(name: str, like: Any, arrays: Mapping[str, Numbers]) -> Any:
    """The tree again, as arrays of JAX.

    Args:
        name: that it was packed under.
        like: a tree of the same structure, shapes and dtypes.
        arrays: what was kept.

    Raises:
        ValueError: where something is missing or has another shape or dtype.
    """
    leaves, tree = jax.tree.flatten(like)
    found = []
    for i, leaf in enumerate(leaves):
        kept = arrays.get(f"{name}.{i}")
        if kept is None or kept.shape != np.shape(leaf) or kept.dtype != np.dtype(leaf.dtype):
            seen = "nothing" if kept is None else f"{kept.dtype} {kept.shape}"
            raise ValueError(f"{name}.{i} is {seen} where {leaf.dtype} {np.shape(leaf)} is expected")
        found.append(jnp.asarray(kept))
    return jax.tree.unflatten(tree, found)


def copied_into(array: Numbers, name: str, arrays: Mapping[str, Numbers]) -> None:
    """Fill an array of NumPy with the one of that name.

    Raises:
        ValueError: where it is missing or has another shape or dtype.
    """
    kept = arrays.get(name)
    if kept is None or kept.shape != array.shape or kept.dtype != array.dtype:
        seen = "nothing" if kept is None else f"{kept.dtype} {kept.shape}"
        raise ValueError(f"{name} is {seen} where {array.dtype} {array.shape} is expected")
    array[...] = kept
