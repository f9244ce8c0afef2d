"""Run the yardsticks and write speed.md and speed.json, into benchmarks/results unless --out says where.

Without names all of them are run. With names only these are; what the files say about the others stays.
A quick run is printed, and written only where --out says.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from benchmarks import report, startup

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).with_name("results")


def child(module, *arguments):
    """The last line that a module prints, as JSON."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(done.stdout.strip().splitlines()[-1])


def from_contest(name):
    return lambda quick: child("benchmarks.contests", name, *["--quick"] * quick)


SECTIONS = {
    **{name: from_contest(name) for name in ("nchain", "frozenlake8x8", "taxi", "tournament")},
    "startup": startup.run,
    "million": lambda quick: child("benchmarks.million_states", *["--quick"] * quick),
}


def read(folder):
    """The sections that an earlier run wrote."""
    written = folder / "speed.json"
    return json.loads(written.read_text()) if written.exists() else {}


def write(folder, sections):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "speed.json").write_text(json.dumps(sections, indent=1) + "\n")
    (folder / "speed.md").write_text(report.markdown(sections))


def main():
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(SECTIONS))
    parser.add_argument("--quick", action="store_true", help="small runs, to see that everything works")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where to write (default: benchmarks/results)")
    chosen = parser.parse_args()
    unknown = sorted(set(chosen.names) - set(SECTIONS))
    if unknown:
        parser.error(f"no benchmark is called {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    folder = chosen.out or (None if chosen.quick else RESULTS)
    sections = read(folder) if folder else {}
    failed = []
    for name in chosen.names or SECTIONS:
        print(f"{name} …", file=sys.stderr, flush=True)
        try:
            measured = {"quick": chosen.quick, **SECTIONS[name](chosen.quick)}
        except (subprocess.CalledProcessError, RuntimeError, ValueError, IndexError) as error:
            failed.append(name)
            print(f"{name} failed: {error}", file=sys.stderr)
            continue
        sections[name] = measured
        print(report.section(measured), flush=True)
        if folder:  # after each, so that an interruption loses one and not all
            write(folder, {key: sections[key] for key in SECTIONS if key in sections})
    if folder:
        print(f"Written: {folder / 'speed.md'} and speed.json", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
