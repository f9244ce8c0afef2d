"""How fast networks learn, ours and others': `python -m benchmarks.networks [dqn pqn stream minatar compile host]`.

Writes benchmarks/results/networks.md and networks.json; what they say about parts that are not named stays.  All on one
core; what takes part in a race takes turns.  Peers that a registry holds are run again, in an environment of their own:

    python -m venv PEERS
    PEERS/bin/pip install stable-baselines3 rejax "gymnax<1" flashbax
    python -m benchmarks.networks --peers PEERS/bin/python

(rejax 0.1.3 does not know the steps of gymnax 1.0.  torch brings some gigabytes.)  Without --peers, or QLEARN_PEERS in
the environment, only qlearn is measured.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from benchmarks import report

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).with_name("results")
PARTS = ("dqn", "pqn", "stream", "minatar", "host", "compile")
HEAD = """# Networks

Made by `python -m benchmarks.networks`. One core, process time, contestants in turn; medians with the lowest and the
highest turn. A row "A / B" says how many times as many steps per second A makes as B, turn by turn. The first call of
each, which compiles, is timed apart. "there": the figure of a program that no package registry holds, measured once on
another machine together with the anchors; it is scaled by what an anchor makes here over what it made there:
Stable-Baselines3 1,200 steps per second, rejax 96,000 (86,000 to 106,000). The two anchors do not agree, so both are
shown, and only figures that are scaled by the kindred anchor carry a target: torch's and Gymnasium's by
Stable-Baselines3, JAX's by a plain loop in JAX (`benchmarks/peers/jax_dqn.py`), which has the structure, the libraries
and the arithmetic of purejaxrl's DQN (66,000 there).
"""


def part(name, quick, peers):
    """One part in a process of its own; its last line is JSON."""
    command = [sys.executable, "-m", f"benchmarks.networks_{name}", *["--quick"] * quick]
    command += ["--peers", peers] if peers else []
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


def write(folder, sections):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "networks.json").write_text(json.dumps(sections, indent=1) + "\n")
    (folder / "networks.md").write_text("\n".join([HEAD, *map(report.section, sections.values())]))


def main():
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.networks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--peers", metavar="PYTHON", default=os.environ.get("QLEARN_PEERS"), help="their interpreter")
    parser.add_argument("--quick", action="store_true", help="short runs, which are printed and not written")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where to write (default: benchmarks/results)")
    chosen = parser.parse_args()
    unknown = sorted(set(chosen.parts) - set(PARTS))
    if unknown:
        parser.error(f"there is no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    folder = chosen.out or (None if chosen.quick else RESULTS)
    written = folder / "networks.json" if folder else None
    sections = json.loads(written.read_text()) if written and written.exists() else {}
    failed = []
    for name in chosen.parts or PARTS:
        print(f"{name} …", file=sys.stderr, flush=True)
        try:
            found = {"quick": chosen.quick, **part(name, chosen.quick, chosen.peers)}
        except (subprocess.CalledProcessError, ValueError, IndexError) as error:
            failed.append(name)
            print(f"{name} failed: {error}", file=sys.stderr)
            continue
        sections[name] = found
        print(report.section(found), flush=True)
        if folder:  # after each, so that an interruption loses one part and not all
            write(folder, {key: sections[key] for key in PARTS if key in sections})
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
