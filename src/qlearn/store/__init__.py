"""Experiments on disk: commit, verify, resume."""

from qlearn.store.database import Database
from qlearn.store.merge import merge
from qlearn.store.overview import Group, delete, groups
from qlearn.store.pending import forget_deaths, note_deaths, note_hang
from qlearn.store.store import Store, check_shard
from qlearn.store.verify import verify

__all__ = [
    "Database",
    "Group",
    "Store",
    "check_shard",
    "delete",
    "forget_deaths",
    "groups",
    "merge",
    "note_deaths",
    "note_hang",
    "verify",
]
