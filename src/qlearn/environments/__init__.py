"""Finite models, the functional protocol, problems one a file, and adapters to other libraries."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qlearn.environments.finite_mdp import FiniteMDP

_ROOM = {
    "FiniteMDP": "finite_mdp",
}

__all__ = ["FiniteMDP"]


def __getattr__(name: str) -> Any:
    """Load a name on first use, so that registering NChain costs nothing."""
    if name not in _ROOM:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_ROOM[name]}"), name)
