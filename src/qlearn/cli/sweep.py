"""`qlearn sweep`: a method under many settings, and the best again on fresh seeds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from qlearn.cli.asked import is_specification
from qlearn.cli.options import Budget, Output, Whole, at_least, check_discount, made
from qlearn.cli.terminal import note, print_json, say, say_command, shell, title
from qlearn.errors import InputError, Interrupted, StoreError

if TYPE_CHECKING:
    from qlearn.comparison.sweep_toml import Asked
    from qlearn.comparison.sweeps import Sweep

EXAMPLES = """\
Examples:
  qlearn sweep NChain-v0 q-learning --set learning_rate=0.8,0.3,0.1,0.03,0.01,0.001
  qlearn sweep FrozenLake-v1 q-learning sarsa --set learning_rate=0.01..1/7/log --set epsilon=0.3,0.1,0.03
  qlearn sweep spec.toml --out results
  qlearn sweep CartPole-v1 "preset(dqn, CartPole-v1)" --set optimizer.learning_rate=1e-4..1e-2/log --trials 20

Several agents get the same settings, and the best of each are compared. In a file, what varies
stands in [sweep.settings]; for one agent alone in [sweep.agents.NAME].
"""
INTERRUPTED, DIVERGED = 130, 5
app = App(name="sweep", help_epilogue=EXAMPLES, help_format="plaintext")


@Parameter(name="*")
@dataclass(frozen=True)
class Choosing:
    """How the best setting is chosen and confirmed.

    Args:
        confirm: Fresh seeds for the best setting; as many as the others where it is not given, 0 for none.
        metric: What settings are chosen by: final (value of the policy in the end) or online (mean return on the way).
        trials: Search with Optuna, trying so many settings, instead of the whole grid.
        store: Folder or file in which every finished run is kept; OUT/store where --out is given.
    """

    confirm: Whole | None = None
    metric: str | None = None
    trials: Whole | None = None
    store: Annotated[Path | None, Parameter(negative="")] = None

    def check(self) -> None:
        """Raise an `InputError` that names the option which cannot be."""
        at_least("--confirm", self.confirm, 0)
        at_least("--trials", self.trials, 1)


@app.default
def sweep(
    what: Annotated[str, Parameter(name="ENV")],
    /,
    *agents: Annotated[str, Parameter(name="AGENT")],
    vary: Annotated[tuple[str, ...], Parameter(name="--set", negative="")] = (),
    budget: Budget = Budget(),  # noqa: B008
    choosing: Choosing = Choosing(),
    output: Output = Output(),  # noqa: B008
) -> int:
    """Train an agent under every combination of settings, and the best one again on fresh seeds.

    Args:
        what: An environment's id, or a specification that ends in .toml.
        agents: Names, with settings or without.
        vary: A setting and its values: NAME=0.1,0.3 or a range NAME=0.001..0.8/7/log; once for each setting.
        budget: How much is trained.
        choosing: How the best is chosen.
        output: Where results go.
    """
    budget.check()
    choosing.check()
    asked = _asked(what, agents, vary, budget, choosing.metric)
    confirm = asked.confirm if choosing.confirm is None else choosing.confirm
    trials = asked.trials if choosing.trials is None else choosing.trials
    store = choosing.store
    check_discount(asked.specification.discount)
    output.check()
    from qlearn.cli.cache import keep_compiled

    keep_compiled()
    kept = store if store is not None or output.out is None else output.out / "store"
    command = _command(
        what, agents, vary, budget, {"--confirm": confirm, "--metric": choosing.metric, "--trials": trials}
    )
    try:
        found = _carried_out(asked, confirm, trials, kept)
    except Interrupted as stopped:
        note(str(stopped))
        again = [*command, *([] if output.out is None else ["--out", output.out])]
        again += [] if store is None else ["--store", store]
        say_command("To go on:" if kept is not None else "From the beginning:", shell(*again))
        return INTERRUPTED
    return _tell(found.with_command(shell(*command)), output)


def _asked(what: str, agents: tuple[str, ...], vary: tuple[str, ...], budget: Budget, metric: str | None) -> Asked:
    from qlearn.comparison.specification import Specification
    from qlearn.comparison.sweep_toml import Asked, from_toml, read_settings

    if is_specification(what):
        if agents or vary:
            raise InputError(f"{what} says agents and settings itself; leave out {(*agents, *vary)[0]!r}.")
        return from_toml(_text(what))
    if not agents:
        raise InputError("AGENT is missing: name a method, such as q-learning. `qlearn agents` lists them.")
    if not vary:
        raise InputError("Nothing varies: give --set NAME=0.1,0.3 for a setting. `qlearn agents` lists settings.")
    from qlearn.training import parse_agent

    described, world = [parse_agent(text) for text in agents], made(what)
    seeds: Any = budget.seeds_for(world)
    seeds = len(seeds) if seeds[0] == 0 else list(seeds)
    told: dict[str, Any] = {} if metric is None else {"metric": metric}
    specification = Specification(described, what, seeds=seeds, **budget.length(), **told)
    return Asked(specification, (read_settings(list(vary)),) * len(described))


def _text(file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{file} cannot be read ({reason}). Name a specification, or an environment.") from error


def _carried_out(asked: Asked, confirm: int | None, trials: int | None, store: Path | None) -> Sweep:
    from qlearn.comparison.sweep import sweep as run

    one = asked.specification
    budget: dict[str, Any] = {"episodes": one.episodes} if one.steps is None else {"steps": one.steps}
    judged: dict[str, Any] = {
        "metric": one.metric,
        "discount": one.discount,
        "horizon": one.horizon,
        "confirm": confirm,
    }
    where, settings = one.environments[0], list(asked.settings)
    if trials is None:
        return run(one.agents, where, settings, seeds=one.seeds, store=store, **budget, **judged)
    from qlearn.comparison.search import search

    judged |= {"trials": trials, "storage": None if store is None else f"sqlite:///{_folder_of(store) / 'study.db'}"}
    return search(one.agents, where, settings, seeds=one.seeds, store=store, **budget, **judged)


def _folder_of(store: Path) -> Path:
    """Return the folder in which a search's trials are kept beside its runs, made where it is not there."""
    folder = store.parent if store.suffix in (".sqlite", ".db") else store
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{folder} cannot be made ({error.strerror}). Name another folder.") from error
    return folder.absolute()


def _command(
    what: str, agents: tuple[str, ...], vary: tuple[str, ...], budget: Budget, given: dict[str, Any]
) -> list[object]:
    words: list[object] = ["qlearn", "sweep", what, *agents, *(word for one in vary for word in ("--set", one))]
    words += [] if is_specification(what) else budget.words(made(what))
    return words + [word for option, value in given.items() if value is not None for word in (option, value)]


def _tell(found: Sweep, output: Output) -> int:
    saved = _saved(found, output)
    if output.json:
        print_json(found.to_json())
    else:
        _print(found)
        if saved:
            say(saved)
        say_command("To reproduce:", found.command or "")
    return DIVERGED if any(point.num_diverged for point in found.points) else 0


def _print(found: Sweep) -> None:
    from qlearn.cli.terminal import print_table
    from qlearn.comparison.sweep_words import cells, heading, headings

    print_table(list(headings(found)), [list(row) for row in cells(found)], name=heading(found))
    title("What follows")
    for line in found.verdict.splitlines():
        say(line)


def _saved(found: Sweep, output: Output) -> str:
    if output.out is None:
        return ""
    from qlearn.reports.saving import save_sweep

    files = save_sweep(found, output.out)
    return f"In {output.out}: {', '.join(file.name for file in files)}."
