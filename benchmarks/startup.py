"""How long the command line takes as the shell sees it, and how much memory it needs at its peak."""

import os
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

from benchmarks import contests, measure

ENTRY = "from qlearn.cli import main; main()"


def command():
    """The installed `qlearn`, or the same entry point through the interpreter."""
    installed = Path(sysconfig.get_path("scripts")) / "qlearn"
    return [str(installed)] if installed.exists() else [sys.executable, "-c", ENTRY]


def watched(arguments, cache):
    """Wall seconds and peak memory in MB of one command that finds `cache` as the user's cache folder."""
    env = {**os.environ, "XDG_CACHE_HOME": cache, "MPLBACKEND": "Agg"}
    env.pop("JAX_COMPILATION_CACHE_DIR", None)
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        child = subprocess.Popen(
            [*command(), *arguments], cwd=folder, env=env, stdout=subprocess.DEVNULL, stderr=errors
        )
        _, status, usage = os.wait4(child.pid, 0)  # the usage of this child alone
        seconds = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            errors.seek(0)
            last = errors.read().decode(errors="replace").strip().splitlines()[-1:]
            raise RuntimeError(f"qlearn {' '.join(arguments)} exits {child.returncode}: {' '.join(last)}")
    unit = 1 if sys.platform == "darwin" else 1024  # ru_maxrss is in bytes there, in KiB elsewhere
    return seconds, usage.ru_maxrss * unit / 1e6


def repeated(arguments, repeats, cache=None):
    """So many runs, each with an empty cache folder unless one is given."""
    results = []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as empty:
            results.append(watched(arguments, cache or empty))
    seconds, memory = zip(*results, strict=True)
    return list(seconds), list(memory)


def run(quick):
    """`qlearn --help`, and `qlearn compare NChain-v0` from a cold and from a warm compilation cache."""
    repeats = 2 if quick else measure.REPEATS
    where = {**measure.conditions(), "pinned_to_one_core": False}
    compare = ["compare", "NChain-v0"]
    with tempfile.TemporaryDirectory() as warm:
        watched(["--help"], warm)  # byte code is compiled once for all
        help_seconds, _ = repeated(["--help"], measure.REPEATS, warm)
        cold_seconds, cold_memory = repeated(compare, repeats)
        watched(compare, warm)
        warm_seconds, warm_memory = repeated(compare, repeats, warm)
    row = contests.seconds_row
    return {
        "title": run.__doc__,
        "conditions": where,
        "rows": [
            row("qlearn --help", help_seconds, target=0.5),
            row("qlearn compare NChain-v0, cold", cold_seconds, target=12),
            row("qlearn compare NChain-v0, warm", warm_seconds, target=5),
            row("peak memory, cold", cold_memory, target=1500, unit="MB"),
            row("peak memory, warm", warm_memory, target=1500, unit="MB"),
        ],
        "samples": {"help": help_seconds, "cold": cold_seconds, "warm": warm_seconds},
        "notes": ["Wall time from start to exit. Cold: the user's whole cache folder is empty."],
    }
