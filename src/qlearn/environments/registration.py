"""Tell Gymnasium about NChain-v0 and the classic problems, without making `import qlearn` wait for Gymnasium.

Gymnasium has no plugin entry points any more, so the ids must be registered on ``import qlearn``.  Gymnasium
and NumPy take some 0.2 s to import, which is too much for `qlearn --help`.  So where Gymnasium is loaded
already (always so for ``gymnasium.make("qlearn:NChain-v0")``) the ids are registered at once, and otherwise
right after it is loaded.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from qlearn.errors import InputError

MAX_EPISODE_STEPS = 1000
ATARI = "ALE/"
"""What the ids of ALE's games begin with."""


def register() -> None:
    """Register the environments of qlearn with Gymnasium; one that is registered stays as it is."""
    import gymnasium

    if "NChain-v0" not in gymnasium.registry:
        gymnasium.register(
            id="NChain-v0",
            entry_point="qlearn.environments.nchain:NChainEnv",
            vector_entry_point="qlearn.environments.nchain_vector:NChainVectorEnv",
            max_episode_steps=MAX_EPISODE_STEPS,
        )
    from qlearn.environments.problems.catalogue import MODULE, PROBLEMS

    for identity, problem in PROBLEMS.items():
        if identity not in gymnasium.registry and not problem.device:
            gymnasium.register(
                id=identity,
                entry_point=f"{MODULE}.frame:environment",
                max_episode_steps=problem.time_limit,
                kwargs={"problem": identity},
            )


def load_ale() -> Any:
    """The module ``ale_py``, which registers its games with Gymnasium.

    Raises:
        InputError: where it is not installed, with the command that installs it.
    """
    try:
        import ale_py
        import ale_py.vector_env
    except ImportError as error:
        raise InputError(
            f"Atari games need ale-py, which cannot be imported ({error}). Run `pip install 'qlearn[atari]'`; the "
            "games come with it."
        ) from error
    return ale_py


def register_with_gymnasium() -> None:
    """Register now where Gymnasium is loaded, else as soon as it is."""
    if "gymnasium" not in sys.modules:
        if not any(isinstance(finder, _AfterGymnasium) for finder in sys.meta_path):
            sys.meta_path.insert(0, _AfterGymnasium())
    elif hasattr(sys.modules["gymnasium"], "envs"):  # else it is being loaded at this moment, by our own import
        register()


class _AfterGymnasium(MetaPathFinder):
    """Finds Gymnasium where everybody finds it, and registers once it is loaded; then it is gone."""

    asking = False

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != "gymnasium" or self.asking:
            return None
        self.asking = True
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            self.asking = False
        if spec is None or spec.loader is None:
            return spec
        load = spec.loader.exec_module

        def load_and_register(module: ModuleType) -> None:
            load(module)
            if self in sys.meta_path:
                sys.meta_path.remove(self)
            register()

        spec.loader.exec_module = load_and_register  # type: ignore[method-assign]
        return spec
