"""Experiments on disk: commit, verify, resume."""

from qlearn.store.store import Store, check_shard

__all__ = ["Store", "check_shard"]
