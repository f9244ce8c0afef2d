"""Atomic writes, hashes and arrays on disk."""
