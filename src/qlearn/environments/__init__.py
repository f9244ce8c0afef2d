"""Finite models, the functional protocol, problems one a file, and adapters to other libraries."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qlearn.environments.adapters import MDPEnv
    from qlearn.environments.builder import MDPBuilder
    from qlearn.environments.discretising import discretised
    from qlearn.environments.finite_mdp import FiniteMDP
    from qlearn.environments.host import HostEnvironment
    from qlearn.environments.jax_environment import JaxEnvironment, device_environment
    from qlearn.environments.listing import EnvironmentSummary, list_environments
    from qlearn.environments.making import make
    from qlearn.environments.naming import parse, written

_FILE_OF = {
    "EnvironmentSummary": "listing",
    "FiniteMDP": "finite_mdp",
    "HostEnvironment": "host",
    "JaxEnvironment": "jax_environment",
    "MDPBuilder": "builder",
    "MDPEnv": "adapters",
    "device_environment": "jax_environment",
    "discretised": "discretising",
    "list_environments": "listing",
    "make": "making",
    "parse": "naming",
    "written": "naming",
}

__all__ = [
    "EnvironmentSummary",
    "FiniteMDP",
    "HostEnvironment",
    "JaxEnvironment",
    "MDPBuilder",
    "MDPEnv",
    "device_environment",
    "discretised",
    "list_environments",
    "make",
    "parse",
    "written",
]


def __getattr__(name: str) -> Any:
    """Load a name on first use: to register NChain nothing else is needed, not even NumPy."""
    if name not in _FILE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_FILE_OF[name]}"), name)
    globals()[name] = value
    return value
