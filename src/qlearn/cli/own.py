"""Code of the user's own: modules that are imported because the command line says so, and only then."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from qlearn.errors import InputError

LIBRARIES = ("gymnax", "pgx", "discretised")


@Parameter(name="*")
@dataclass(frozen=True)
class Own:
    """Code of one's own.

    Args:
        modules: A module of your own to import, whose environments may be named; may be given several times.
    """

    modules: Annotated[tuple[str, ...], Parameter(name="--import", negative="")] = ()

    def load(self) -> None:
        """Import the modules."""
        load_modules(self.modules)

    def words(self) -> list[object]:
        """Return the options that say this again."""
        return [word for module in self.modules for word in ("--import", module)]

    def named(self, environment: str) -> str:
        """Return an environment's name with the module that it needs in front."""
        return f"{self.modules[0]}:{environment}" if len(self.modules) == 1 and ":" not in environment else environment


def load_modules(modules: tuple[str, ...]) -> None:
    """Import the user's modules; those of the present folder are found too."""
    if modules:
        find_here()
    for module in modules:
        try:
            importlib.import_module(module)
        except Exception as error:
            raise InputError(
                f"--import {module}: it cannot be imported ({type(error).__name__}: {error}). Correct the name, or "
                "mend the module."
            ) from error


def find_here() -> None:
    """Let modules of the present folder be found, as Python itself does where it is started by name."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)


def module_of(environment: str) -> tuple[str, ...]:
    """Return the module that an environment's name says to import; nothing where it says none.

    >>> module_of("mine:Maze-v0(size=3)"), module_of("gymnax:CartPole-v1"), module_of("NChain-v0")
    (('mine',), (), ())
    """
    module, colon, _ = environment.partition("(")[0].rpartition(":")
    return (module,) if colon and module and module.partition(":")[0] not in LIBRARIES else ()
