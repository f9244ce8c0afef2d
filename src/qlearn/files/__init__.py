"""Atomic writes, hashes, arrays on disk."""

from qlearn.files.arrays import load_arrays, save_arrays
from qlearn.files.atomic import atomic_write

__all__ = ["atomic_write", "load_arrays", "save_arrays"]
