"""Published results, all of them: `python -m benchmarks.published [NAME ...]` writes benchmarks/results/published.md.

Each runs with the seeds that its claims need, from seed 0.  Those that are not named keep what the page says of them.
The pictures go to docs/pictures/published-NAME.png where NAME is in `SHOWN`.
"""

import argparse
import json
import os
import time
from pathlib import Path

from benchmarks import measure

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).with_name("results")
SHOWN = ("sb-2.2", "sb-6.5", "sb-7.2", "sb-8.4", "sb-12.3", "sb-10.4")
HEAD = """# Published results

Made by `python -m benchmarks.published`; `qlearn reproduce NAME --out results` makes one of them again, with a figure.
S&B is Sutton and Barto, *Reinforcement Learning*, 2nd edition, 2018. A claim **agrees** where the 95% interval of what
was found, widened by how exactly the source can be read (±), holds the source's number; it is **explained** where it
does not and the reason is known, which then stands below the table.

**No copy of the books and papers was at hand when these programs were written.** What is called printed, a caption or
read off stands here from memory, and waits to be checked against the source by somebody who has it; what is called
exact or independent was computed or simulated apart from qlearn's agents.
"""


def number(value):
    return value if isinstance(value, str) else f"{value:.5g}"


def run(name):
    """One result as data."""
    from qlearn.published import reproduction

    one = reproduction(name)
    began = time.perf_counter()
    result = one.run(range(one.seeds), None)
    took = time.perf_counter() - began
    if name in SHOWN:
        from qlearn.reports.saving import save_figure

        save_figure(one.draw(result), ROOT / "docs" / "pictures" / f"published-{name}", ["png"])
    fields = ("what", "expected", "source", "found", "interval", "tolerance", "verdict", "why")
    claims = [{field: getattr(claim, field) for field in fields} for claim in result.claims]
    return {"seeds": one.seeds, "seconds": took, "claims": claims, "conditions": measure.conditions()}


def cells(claim):
    expected = number(claim["expected"]) + (f" ± {claim['tolerance']:.2g}" if claim["tolerance"] else "")
    found = number(claim["found"])
    if claim["interval"]:
        found += f" ({number(claim['interval'][0])} … {number(claim['interval'][1])})"
    return [claim["what"], claim["source"], expected, found, claim["verdict"]]


def section(name, found):
    from qlearn.published import PUBLISHED

    entry, count = PUBLISHED[name], found["seeds"]
    lines = [f"## {name}: {entry.title} ({entry.source})", ""]
    lines += ["| claim | where it stands | the source | found (95%) | verdict |", "|---|---|---|---|---|"]
    lines += ["| " + " | ".join(cell.replace("|", "/") for cell in cells(claim)) + " |" for claim in found["claims"]]
    remarks = [f"- {claim['what']}: {claim['why']}" for claim in found["claims"] if claim["why"]]
    seeds = f"{count:,} seeds" if count else "nothing is random"
    shown = [f"![{entry.title}](../../docs/pictures/published-{name}.png)", ""] * (name in SHOWN)
    last = f"{seeds}, {found['seconds']:.1f} s."
    return "\n".join([*lines, "", *remarks, *[""] * bool(remarks), last, "", *shown])


def page(results):
    verdicts = [claim["verdict"] for found in results.values() for claim in found["claims"]]
    told = ", ".join(f"{verdicts.count(word)} {word}" for word in ("agrees", "explained", "differs"))
    where = next(iter(results.values()))["conditions"]
    made = ", ".join(f"{key} {value}" for key, value in where.items() if not isinstance(value, bool))
    seconds = sum(found["seconds"] for found in results.values())
    total = f"{len(results)} results, {len(verdicts)} claims: {told}; {seconds:.0f} s in all. Conditions: {made}."
    return "\n".join([HEAD, total, "", *(section(name, found) for name, found in results.items())])


def main():
    from qlearn.published import PUBLISHED

    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.published", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="all of them where none is given")
    chosen = parser.parse_args().names or list(PUBLISHED)
    file = RESULTS / "published.json"
    known = json.loads(file.read_text()) if file.exists() else {}
    for name in chosen:
        print(f"{name} …", flush=True)
        known[name] = run(name)
        told = [claim["verdict"] for claim in known[name]["claims"]]
        print(f"  {', '.join(told)}; {known[name]['seconds']:.1f} s", flush=True)
        known = {key: known[key] for key in PUBLISHED if key in known}
        file.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n")
        (RESULTS / "published.md").write_text(page(known))


if __name__ == "__main__":
    os.environ.setdefault("MPLBACKEND", "Agg")
    main()
