"""Fair measuring: one core, contestants in turn, process time beside wall time, medians with their range.

A contest runs in a child process of its own, which pins itself to one core before anything imports JAX, so
that no library starts threads for cores it will not have.  Contestants take turns, A B C A B C, so that a
machine that slows down slows all of them.  The first call of each, where programs are compiled, is timed
apart and counts for nothing else.  A ratio is taken within a turn, and its median over the turns is
reported with the lowest and the highest.
"""

import datetime as dt
import importlib.metadata
import os
import platform
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path

REPEATS = 5
PACKAGES = ("numpy", "jax", "jaxlib", "gymnasium", "scipy", "qlearn")


def pin():
    """Keep this process on one core where the system can; the core's number, or None."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    core = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    return core


@dataclass
class Timings:
    """What one contestant did in each turn: the amount of work, and the seconds it took."""

    amount: list = field(default_factory=list)
    process: list = field(default_factory=list)
    wall: list = field(default_factory=list)
    first: dict = field(default_factory=dict)

    def rate(self, clock="process"):
        """Work per second in each turn."""
        return [amount / seconds for amount, seconds in zip(self.amount, getattr(self, clock), strict=True)]

    def compile_time(self, clock="wall"):
        """What the first call took longer than the later ones."""
        return max(0.0, self.first[clock] - statistics.median(getattr(self, clock)))


def timed(work):
    """Amount of work done, process seconds, wall seconds."""
    wall, process = time.perf_counter(), time.process_time()
    amount = work()
    return amount, time.process_time() - process, time.perf_counter() - wall


def alternate(contestants, repeats=REPEATS):
    """Timings of each contestant in turn; one that fails leaves the contest.

    Args:
        contestants: name → function without arguments that returns how much work it did.
        repeats: turns that count, after the first calls.

    Returns:
        Timings by name, and by name the error of those that failed.
    """
    timings, failed = {}, {}
    for name, work in contestants.items():
        try:
            _, process, wall = timed(work)
        except Exception as error:  # a yardstick is of use without what it is held against
            failed[name] = f"{type(error).__name__}: {error}"
        else:
            timings[name] = Timings(first={"process": process, "wall": wall})
    for _ in range(repeats):
        for name, result in timings.items():
            amount, process, wall = timed(contestants[name])
            result.amount.append(amount)
            result.process.append(process)
            result.wall.append(wall)
    return timings, failed


def spread(values):
    """Median, lowest and highest."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "n": len(values)}


def ratios(timings, of, to, clock="process"):
    """How many times as fast `of` was as `to`, turn by turn."""
    pairs = zip(timings[of].rate(clock), timings[to].rate(clock), strict=True)
    return spread([a / b for a, b in pairs])


def cpu_model():
    """The processor's name as the system gives it."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def available_cores():
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def version(package):
    """The installed version, or '–'."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "–"


def conditions():
    """The machine and the software that a figure holds for."""
    return {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "cpu": cpu_model(),
        "cores": available_cores(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{package: version(package) for package in PACKAGES},
    }
