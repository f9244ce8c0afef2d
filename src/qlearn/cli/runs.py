"""`qlearn runs`: what a store holds, and what can be done with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

from cyclopts import App, Parameter

from qlearn.cli.asked import Keeping
from qlearn.cli.options import Output, SeedOption, at_least, check_seed
from qlearn.cli.runs_table import as_data, print_groups
from qlearn.cli.terminal import note, print_json, print_table, say, shell
from qlearn.errors import InputError, Interrupted, StoreError

if TYPE_CHECKING:
    from qlearn.store import Store

EXAMPLES = """\
Examples:
  qlearn compare spec.toml --store runs
  qlearn runs list runs
  qlearn runs resume runs
  qlearn runs export runs table.csv
  qlearn runs merge all part1 part2
"""
INTERRUPTED, DAMAGED = 130, 4
Place: TypeAlias = Annotated[Path, Parameter(name="STORE", negative="")]
Number: TypeAlias = Annotated[int, Parameter(name="NUMBER", negative="")]
Json: TypeAlias = Annotated[bool, Parameter(negative="", show_default=False)]
Flag: TypeAlias = Annotated[bool, Parameter(negative="", show_default=False)]
app = App(name="runs", help="What a store of runs holds, and what can be done with it.", help_format="plaintext")
app.help_epilogue = EXAMPLES


def _opened(store: Path, *, write: bool = False) -> Store:
    from qlearn.store import Store
    from qlearn.store.layout import file_of

    if write and not file_of(store).exists():
        raise StoreError(f"There is no store at {store}. Name the folder or file that --store wrote.")
    return Store(store, write=write)


@app.command(name="list")
def list_(store: Place, /, *, json: Json = False, seed: SeedOption = 0) -> None:
    """List what is kept: a row for each agent, environment and budget.

    Args:
        store: Folder or file of a store.
        json: Print one JSON object on standard output, and nothing else there.
        seed: Accepted for scripts; nothing here is random.
    """
    check_seed(seed)
    from qlearn.store import groups

    with _opened(store) as kept:
        found = groups(kept.database)
    if json:
        print_json({"store": str(store), "runs": [as_data(one) for one in found]})
        return
    if not found:
        say(f"{store} is empty.")
        return
    print_groups(found)
    for one in found:
        for who in one.held:
            say(f"Number {one.number} is being computed by {who}.")


@app.command
def show(store: Place, number: Number, /, *, json: Json = False, seed: SeedOption = 0) -> None:
    """Show one row of the list: what determines its numbers, and every finished run.

    Args:
        store: Folder or file of a store.
        number: As `qlearn runs list` shows it.
        json: Print one JSON object on standard output, and nothing else there.
        seed: Accepted for scripts; nothing here is random.
    """
    check_seed(seed)
    from qlearn.store import groups

    with _opened(store) as kept:
        found = [one for one in groups(kept.database) if one.number == number]
        if not found:
            raise InputError(f"{store} has no runs number {number}. `{shell('qlearn', 'runs', 'list', store)}`.")
        facts = [kept.facts(one) if one.budget else [] for one in found]
    data = [as_data(one) | {"identity": one.identity, "runs": some} for one, some in zip(found, facts, strict=True)]
    if json:
        print_json({"store": str(store), "found": data})
        return
    for one, some in zip(found, facts, strict=True):
        say(f"{one.agent} on {one.environment}, {one.budget or 0:,} {one.unit}s; {one.lane} seeds in one program.")
        say(f"Identity: {one.identity}")
        rows = [
            [str(s), f"{told['episodes']:,}", f"{told['steps']:,}", _number(told["online_return"]), told["made_with"]]
            for s, told in zip(one.seeds, some, strict=True)
        ]
        print_table(["seed", "episodes", "steps", "online return, mean", "made with"], rows, left=(4,))


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.4f}"


@app.command
def resume(
    store: Place,
    /,
    *,
    modules: Annotated[tuple[str, ...], Parameter(name="--import", negative="")] = (),
    workers: int | None = None,
    json: Json = False,
    seed: SeedOption = 0,
) -> int:
    """Compute whatever is missing of the comparisons that were asked of a store, newest last, and show that one.

    Args:
        store: Folder or file of a store.
        modules: A module of your own to import, whose environments may be named.
        workers: Processes for environments that are ordinary Python; 1 where it is not given.
        json: Print one JSON object on standard output, and nothing else there.
        seed: Accepted for scripts; the seeds are those that were asked for.
    """
    check_seed(seed)
    at_least("--workers", workers, 1)
    Keeping(modules=modules).load()
    from qlearn.cli.cache import keep_compiled
    from qlearn.cli.compare import tell
    from qlearn.comparison import Specification
    from qlearn.comparison.compare import compared

    keep_compiled()
    command = shell("qlearn", "runs", "resume", store)
    with _opened(store, write=True) as kept:
        asked = [Specification.from_toml(text, modules=modules) for text in kept.specifications()]
        if not asked:
            raise InputError(
                f"{store} was asked for nothing that has a name. Repeat the call that asked: ql.compare(…, store=…)."
            )
        try:
            for one in asked:
                found = compared(one, store=kept, workers=workers)
        except Interrupted as stopped:
            note(str(stopped))
            note(f"To go on: {command}")
            return INTERRUPTED
    return tell(found, Output(json=json), command, f"{asked[-1].num_seeds:,} seeds")


@app.command
def export(
    store: Place,
    file: Annotated[Path, Parameter(name="FILE", negative="")],
    /,
    *,
    discount: float = 0.95,
    seed: SeedOption = 0,
) -> None:
    """Write a table with a row for each finished run: its score, its mean online return, what made it.

    Args:
        store: Folder or file of a store.
        file: What to write; its ending says how: .csv, .json or .parquet.
        discount: What agents without a discount of their own are judged at.
        seed: Accepted for scripts; nothing here is random.
    """
    check_seed(seed)
    from qlearn.comparison.stored_table import FORMATS, as_bytes, table_of
    from qlearn.files import atomic_write

    ending = file.suffix.removeprefix(".").lower()
    if ending not in FORMATS:
        raise InputError(f"{file} ends in {file.suffix or 'nothing'}; expected .csv, .json or .parquet.")
    with _opened(store) as kept:
        rows, notes = table_of(kept, discount)
    content = as_bytes(rows, ending)
    with atomic_write(file) as stream:
        stream.write(content)
    for remark in notes:
        note(f"Note: {remark}.")
    say(f"{len(rows):,} runs are in {file}.")


@app.command
def verify(store: Place, /, *, mend: Flag = False, json: Json = False, seed: SeedOption = 0) -> int:
    """Hold everything against its checksums.

    Args:
        store: Folder or file of a store.
        mend: Take out what is damaged, so that it is computed again when it is asked for.
        json: Print one JSON object on standard output, and nothing else there.
        seed: Accepted for scripts; nothing here is random.
    """
    check_seed(seed)
    from qlearn.store import verify as verified

    with _opened(store, write=mend) as kept:
        found = verified(kept.database, mend=mend)
    if json:
        print_json(
            {"results": found.results, "states": found.states, "problems": found.problems, "mended": found.mended}
        )
    else:
        say(f"{found.results:,} finished runs and {found.states:,} states are whole.")
        for problem in found.problems:
            note(problem)
        if found.mended:
            say(f"{found.mended:,} damaged rows were taken out; they are computed again when they are asked for.")
    return DAMAGED if len(found.problems) > found.mended else 0


@app.command
def merge(
    into: Annotated[Path, Parameter(name="INTO", negative="")],
    /,
    *parts: Annotated[Path, Parameter(name="PART", negative="")],
    seed: SeedOption = 0,
) -> int:
    """Bring stores together: what the parts have and INTO lacks is copied, verified on the way.

    Args:
        into: Folder or file of the store that takes everything in; it is made where it is not there.
        parts: Stores that are only read.
        seed: Accepted for scripts; nothing here is random.
    """
    check_seed(seed)
    from qlearn.store import Store
    from qlearn.store import merge as merged

    if not parts:
        raise InputError("There is nothing to merge; name the parts after the store that takes them in.")
    code = 0
    sources = [_opened(part) for part in parts]
    try:
        with Store(into) as target:
            for part, source in zip(parts, sources, strict=True):
                found = merged(target.database, source.database)
                say(f"{part}: {found.results:,} runs are new, {found.known:,} were there.")
                for what in found.damaged:
                    note(f"{part}: {what} is damaged and was left out.")
                code = DAMAGED if found.damaged else code
    finally:
        for source in sources:
            source.close()
    return code


@app.command
def delete(
    store: Place,
    /,
    *numbers: Annotated[int, Parameter(name="NUMBER", negative="")],
    yes: Flag = False,
    seed: SeedOption = 0,
) -> None:
    """Take rows of the list out of a store, with everything that is kept of them.

    Args:
        store: Folder or file of a store.
        numbers: As `qlearn runs list` shows them.
        yes: Really do it; without it, only say what would be deleted.
        seed: Accepted for scripts; nothing here is random.
    """
    check_seed(seed)
    from qlearn.store import delete as deleted
    from qlearn.store import groups

    if not numbers:
        raise InputError(f"Name the rows to delete, as `{shell('qlearn', 'runs', 'list', store)}` numbers them.")
    with _opened(store, write=True) as kept:
        known = groups(kept.database)
        for number in numbers:
            mine = [one for one in known if one.number == number]
            if not mine:
                raise InputError(f"{store} has no runs number {number}. `{shell('qlearn', 'runs', 'list', store)}`.")
            for one in mine:
                say(f"{one.agent} on {one.environment}: {len(one.seeds):,} runs of {one.budget or 0:,} {one.unit}s.")
        if not yes:
            say(f"Nothing was deleted. To do it: {shell('qlearn', 'runs', 'delete', store, *numbers, '--yes')}")
            return
        count = deleted(kept.database, list(dict.fromkeys(numbers)))
    say(f"{count:,} runs were deleted.")
