"""Pages of 10,000 runs: how long they take to write and to open, and what grids gain by sharing lanes.

`python -m benchmarks.pages` writes benchmarks/results/pages.md.  Opening is what Chromium needs from its start to the
drawn page, less what it needs for an empty one, in turns: wall time and processor time of all its processes.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import measure

RESULT = Path(__file__).with_name("results") / "pages.md"
REPEATS = 5
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,20000",  # so tall that the whole page is drawn
)


def opened(url):
    """Wall and processor seconds of Chromium until the page is drawn."""
    program = shutil.which("chromium") or sys.exit("There is no Chromium here: apt-get install chromium")
    with tempfile.TemporaryDirectory() as folder:
        words = [program, *FLAGS, f"--user-data-dir={folder}/data", f"--screenshot={folder}/shot.png", url]
        began = time.perf_counter()
        child = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        took = time.perf_counter() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        if not Path(folder, "shot.png").exists():
            raise RuntimeError("Chromium drew nothing")
    return took, usage.ru_utime + usage.ru_stime


def opening(page, folder):
    """Median seconds beyond an empty page, wall and processor, with the range."""
    empty = folder / "empty.html"
    empty.write_text("<!doctype html><title>empty</title>")
    opened(empty.as_uri())
    turns = [(opened(empty.as_uri()), opened(page.as_uri())) for _ in range(REPEATS)]
    return [[full[i] - bare[i] for bare, full in turns] for i in (0, 1)]


def comparisons():
    """Comparisons of 10,000 runs each, by name."""
    import qlearn as ql

    one = [ql.QLearning(), ql.Sarsa(), ql.ExpectedSarsa(), ql.RewardSum()]
    rates = [ql.QLearning(learning_rate=0.01 * (i + 1)) for i in range(100)]
    yield "4 agents × 2,500 seeds", one, 2500
    yield "100 agents × 100 seeds", rates, 100


def pages(folder):
    """A row for each comparison."""
    import qlearn as ql

    for name, agents, seeds in comparisons():
        found = ql.compare(agents, "NChain-v0", episodes=50, seeds=seeds, snapshots=10)
        began = time.process_time()
        page = found.report(folder / f"{len(agents)}.html")
        wrote = time.process_time() - began
        wall, processor = opening(page, folder)
        size = page.stat().st_size / 1e6
        met = "met" if statistics.median(wall) < 2 else "**not met**"
        yield f"| {name} | {size:.1f} MB | {wrote:.1f} s | {spread(wall)} | {spread(processor)} | < 2 s | {met} |"


def spread(seconds):
    return f"{statistics.median(seconds):.2f} s ({min(seconds):.2f}–{max(seconds):.2f})"


def grids():
    """Rows: the same grid with a lane of its own for each setting, and with lanes that settings share."""
    import qlearn as ql
    from qlearn.training import train_many
    from qlearn.training.grid import train_grid

    def asked(train, seeds):
        agents = [ql.QLearning(learning_rate=0.01 * (i + 1)) for i in range(50)]
        return lambda: len(train(agents, "NChain-v0", episodes=50, seeds=seeds, progress=False))

    for seeds in (5, 10, 50):
        found, failed = measure.alternate({"alone": asked(train_many, seeds), "shared": asked(train_grid, seeds)}, 3)
        if failed:
            raise RuntimeError(failed)
        alone, shared = (found[name].process for name in ("alone", "shared"))
        ratios = [a / b for a, b in zip(alone, shared, strict=True)]
        ratio = f"{statistics.median(ratios):.1f} × ({min(ratios):.1f}–{max(ratios):.1f})"
        yield f"| 50 settings × {seeds} seeds | {spread(alone)} | {spread(shared)} | {ratio} |"


HEAD = """# Pages of 10,000 runs, and grids of settings

Made by `python -m benchmarks.pages`. Opening is what Chromium needs from its start to the drawn page (1,280 × 20,000
points), less what it needs for an empty page, in turns: median of {repeats} with the range; processor time is that of
all its processes. Writing is processor time.

| comparison on NChain | page | writing | opening | processor time | target | met |
| --- | --- | --- | --- | --- | --- | --- |
"""

GRIDS = """
Grids on NChain, 50 episodes a seed, processor time: every setting in lanes of its own (`train_many`), and settings and
seeds as one axis (`ql.sweep`); compiling is left out.

| grid | lanes of their own | one axis | ratio |
| --- | --- | --- | --- |
"""


def main():
    with tempfile.TemporaryDirectory() as folder:
        text = HEAD.format(repeats=REPEATS) + "\n".join(pages(Path(folder))) + "\n"
    text += GRIDS + "\n".join(grids()) + "\n"
    where = measure.conditions()
    text += f"\n- Conditions: {', '.join(f'{key} {value}' for key, value in where.items())}.\n"
    RESULT.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
