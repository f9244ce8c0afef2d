"""Trees of arrays as arrays by name and back: what is kept of a run on its way."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

Numbers = np.ndarray[Any, Any]
Frozen = dict[str, Numbers]
_LARGE = 2**20  # bytes


def packed(name: str, tree: Any) -> Frozen:
    """The leaves of a tree by name, as they are now: what the loops do to their own does not change them.

    >>> sorted(packed("a", {"x": jnp.float32(1), "y": jnp.int32(2)}))
    ['a.0', 'a.1']
    """
    return {f"{name}.{i}": _still(leaf) for i, leaf in enumerate(jax.tree.leaves(tree))}


def _still(leaf: Any) -> Numbers:
    """A leaf that nobody changes: a copy, or of a large array on the CPU a view.

    A program that is given a donated array of which there is a view makes a copy then, and works in that; where the
    view is gone by then, as after writing it to a disk, nothing is copied.  A replay of images is most of a gigabyte.
    """
    if isinstance(leaf, jax.Array) and leaf.nbytes > _LARGE:
        with contextlib.suppress(BufferError, RuntimeError, TypeError, ValueError):  # on another device, or bfloat16
            seen: Any = leaf  # NumPy's types ask for an argument that JAX's leave out
            return np.from_dlpack(seen)
    return np.array(leaf)


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
