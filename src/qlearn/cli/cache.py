"""What was compiled once is kept in the user's cache folder, so that the next command starts at once.

Only the command line does this: a library does not change the settings of JAX behind its user's back.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import stat
import sys
from pathlib import Path
from typing import Any


def cache_folder() -> Path:
    """Return the folder for qlearn in the user's cache folder: XDG_CACHE_HOME, or the platform's own place."""
    chosen = os.environ.get("XDG_CACHE_HOME", "")
    if Path(chosen).is_absolute():
        return Path(chosen) / "qlearn"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "qlearn"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "qlearn" / "Cache"
    return Path.home() / ".cache" / "qlearn"


def keep_compiled() -> Path | None:
    """Turn on JAX's compilation cache; return its folder, or None where there is none.

    The folder holds machine code, so it is private to the user, and one that belongs to somebody else is not used.
    Where the user has told JAX of a folder already, that one stays.
    """
    import jax

    settings: Any = jax.config
    if settings.jax_compilation_cache_dir:
        return Path(settings.jax_compilation_cache_dir)
    with contextlib.suppress(OSError, RuntimeError):  # no home, no space, no permission: compile each time
        folder = cache_folder() / "jax" / _kind_of_processor()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not all(map(_private, (folder.parents[1], folder.parent, folder))):
            return None
        settings.update("jax_compilation_cache_dir", str(folder))
        settings.update("jax_persistent_cache_min_compile_time_secs", 0)
        return folder
    return None


def _kind_of_processor() -> str:
    """Return a word for what the processor can do: a home that several machines share keeps their code apart."""
    features = platform.machine()
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        features += next((line for line in lines if line.lower().startswith(("flags", "features"))), "")
    return hashlib.sha256(features.encode()).hexdigest()[:8]


def _private(folder: Path) -> bool:
    """Make a folder private; say whether it is."""
    if not hasattr(os, "getuid"):
        return True  # elsewhere the user's own folder is private already
    if folder.stat().st_uid != os.getuid():
        return False
    if stat.S_IMODE(folder.stat().st_mode) != 0o700:
        folder.chmod(0o700)
    return True
