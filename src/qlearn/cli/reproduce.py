"""`qlearn reproduce`: published results, run again."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from qlearn.cli.options import Output, SeedOption, Whole, at_least, check_seed
from qlearn.cli.terminal import figure, note, print_json, print_table, say, say_command, shell, title
from qlearn.errors import InputError

if TYPE_CHECKING:
    from qlearn.published import Claim, Reproduced, Reproduction

EXAMPLES = """\
Examples:
  qlearn reproduce
  qlearn reproduce sb-6.4 --out results
  qlearn reproduce all --out results --json

Each claim of a source stands beside what was found: it agrees where the 95% interval,
widened by how exactly the source can be read, holds the source's number; it is explained
where it does not and the reason is known. The exit code is 1 where one differs without
a reason. What is called printed or read off a figure stands here from memory: no copy of
the sources was at hand.
"""
app = App(name="reproduce", help_epilogue=EXAMPLES, help_format="plaintext")


@app.default
def reproduce(
    names: Annotated[tuple[str, ...], Parameter(name="NAME", negative="")] = (),
    /,
    *,
    seeds: Whole | None = None,
    seed: SeedOption = 0,
    output: Output = Output(),  # noqa: B008
) -> int:
    """Run published results again and hold them against what their sources state.

    Args:
        names: Which ones; `all` means every one. Without a name they are listed.
        seeds: Independent runs of each; as many as its claims need where it is not given.
        seed: The first seed; the others follow it.
        output: Where results go: a picture and the numbers of each.
    """
    at_least("--seeds", seeds, 2)
    check_seed(seed)
    output.check()
    from qlearn.published import PUBLISHED, reproduction

    if not names:
        if seeds is not None:
            raise InputError(f"--seeds {seeds} is for results that are run. Name one, as in qlearn reproduce sb-6.4.")
        _list(output)
        return 0
    chosen = [reproduction(name) for name in (PUBLISHED if "all" in names else dict.fromkeys(names))]
    options = [*(() if seeds is None else ("--seeds", seeds)), "--seed", seed]
    told, differs = [], False
    for number, one in enumerate(chosen):
        try:
            result, row = _one(one, seeds, seed, output, f"{number + 1} of {len(chosen)}")
        except KeyboardInterrupt:
            rest = shell("qlearn", "reproduce", *(later.name for later in chosen[number:]), *options, *_folder(output))
            _say_where_it_stopped(number, output, rest)
            return 130
        told.append(row)
        differs |= any(claim.verdict == "differs" for claim in result.claims)
    command = shell("qlearn", "reproduce", *names, *options)
    everything = {"results": told, "command": command}
    file = output.save_json("reproduced.json", everything)
    if output.json:
        print_json(everything)
    else:
        _summary(told, file)
        say_command("To reproduce:", command)
    return 1 if differs else 0


def _folder(output: Output) -> list[object]:
    return [] if output.out is None else ["--out", output.out]


def _say_where_it_stopped(number: int, output: Output, rest: str) -> None:
    kept = f", kept in {output.out}" if output.out is not None and number else ""
    note(f"Interrupted; {number} results are complete{kept}.")
    note(f"To go on: {rest}")


def _list(output: Output) -> None:
    from qlearn.published import PUBLISHED

    rows = [{"name": name, "title": entry.title, "source": entry.source} for name, entry in PUBLISHED.items()]
    output.save_json("published.json", {"published": rows})
    if output.json:
        print_json({"published": rows})
        return
    print_table(["name", "what it shows", "source"], [list(row.values()) for row in rows], left=(0, 1, 2))
    say("Run one with `qlearn reproduce NAME --out results`, or all of them with `qlearn reproduce all --out results`.")


def _one(
    one: Reproduction, seeds: int | None, seed: int, output: Output, which: str
) -> tuple[Reproduced, dict[str, Any]]:
    """Run one, print its claims and write its picture."""
    from qlearn.published import PUBLISHED

    entry = PUBLISHED[one.name]
    count = one.seeds if seeds is None or one.seeds == 0 else seeds
    if not output.json:
        title(f"{one.name}: {entry.title} ({entry.source}; {which})")
    began = time.perf_counter()
    result = one.run(range(seed, seed + count), None)
    took = time.perf_counter() - began
    if not result.claims:
        raise InputError(f"{one.name} states nothing that could be held against what was found.")
    pictures = _pictures(one, result, output.out)
    row = {
        "name": one.name,
        "title": entry.title,
        "source": entry.source,
        "seeds": [seed, seed + count - 1] if count else [],
        "claims": [_as_data(claim) for claim in result.claims],
        "wall_time": took,
        "pictures": pictures,
    }
    if output.out is not None:
        Output(out=output.out).save_json(f"{one.name}.json", {**row, "data": dict(result.data)})
    if not output.json:
        _print(result, count, took)
        for picture in pictures[:1]:
            note(f"Picture: {picture}")
    return result, row


def _pictures(one: Reproduction, result: Reproduced, folder: Path | None) -> list[str]:
    if folder is None:
        return []
    from qlearn.reports.saving import save_figure

    return [str(path) for path in save_figure(one.draw(result), folder / one.name)]


def _as_data(claim: Claim) -> dict[str, Any]:
    names = ("what", "expected", "source", "found", "interval", "tolerance", "agrees", "verdict", "why")
    return {name: getattr(claim, name) for name in names}


def _print(result: Reproduced, count: int, took: float) -> None:
    rows = []
    for claim in result.claims:
        found = _number(claim.found)
        if claim.interval is not None:
            found += f" ({_number(claim.interval[0])} … {_number(claim.interval[1])})"
        expected = _number(claim.expected) + (f" ± {claim.tolerance:.2g}" if claim.tolerance else "")
        rows.append([claim.what, expected, found, claim.verdict])
    print_table(["claim", "the source", "found (95%)", "verdict"], rows, left=(0, 1, 2, 3))
    for claim in result.claims:
        if claim.why:
            say(f"{claim.what}: {claim.why}")
    say(f"{count:,} seeds, {took:.1f} s." if count else f"Nothing is random here; {took:.1f} s.")


def _number(value: float | str) -> str:
    return value if isinstance(value, str) else figure(value, 4)


def _summary(told: list[dict[str, Any]], file: Path | None) -> None:
    verdicts = [claim["verdict"] for row in told for claim in row["claims"]]
    counts = {word: verdicts.count(word) for word in ("agrees", "explained", "differs")}
    say()
    say(
        f"{len(told)} results, {len(verdicts)} claims: {counts['agrees']} agree, {counts['explained']} do not and say "
        f"why, {counts['differs']} differ without a known reason; {sum(row['wall_time'] for row in told):.0f} s."
    )
    if file is not None:
        say(f"Everything is in {file.parent}.")
