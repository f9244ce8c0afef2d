"""`compare`: train agents on the same seeds, judge every learnt policy, say what follows."""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from qlearn.comparison.judging import Progress, common_discount, judge, rows_of, train_all
from qlearn.comparison.pairs import all_pairs
from qlearn.comparison.results import AgentResult, Comparison
from qlearn.comparison.specification import Specification
from qlearn.comparison.stored import Kept, kept_runs_of, worlds_of
from qlearn.comparison.suite import Suite
from qlearn.environments import FiniteMDP
from qlearn.errors import InputError, Interrupted
from qlearn.evaluation import Truth, truth_of
from qlearn.statistics import cautions
from qlearn.training.plan import budget_of

if TYPE_CHECKING:
    from qlearn.training import Runs


@overload
def compare(agents: Specification, /, *, progress: Progress = None, store: Kept = None) -> Comparison | Suite: ...


@overload
def compare(
    agents: Any,
    environment: Any,
    /,
    *,
    episodes: int | None = None,
    steps: int | None = None,
    seeds: int | Sequence[int] = 100,
    discount: float | None = None,
    horizon: int | None = None,
    snapshots: int = 50,
    progress: Progress = None,
    store: Kept = None,
) -> Comparison: ...


@overload
def compare(
    agents: Any,
    environment: Any,
    another: Any,
    /,
    *more: Any,
    episodes: int | None = None,
    steps: int | None = None,
    seeds: int | Sequence[int] = 100,
    discount: float | None = None,
    horizon: int | None = None,
    snapshots: int = 50,
    progress: Progress = None,
    store: Kept = None,
) -> Suite: ...


def compare(  # noqa: PLR0913 - the budget, the judge and the display are three subjects, all by keyword
    agents: Any,
    /,
    *environments: Any,
    episodes: int | None = None,
    steps: int | None = None,
    seeds: int | Sequence[int] = 100,
    discount: float | None = None,
    horizon: int | None = None,
    snapshots: int = 50,
    progress: Progress = None,
    store: Kept = None,
) -> Comparison | Suite:
    """Train agents on the same seeds and compare what their policies are worth.

    Seed i of every agent meets the same random numbers of the environment, so differences are taken seed by seed.

    Args:
        agents: descriptions, at least one; or a `Specification`, which says all the rest too.
        *environments: what `make` takes, one or several.
        episodes: how many episodes each seed makes; or
        steps: how many steps each seed makes.  Exactly one of the two.
        seeds: a number n for the seeds 0 … n − 1, or the seeds themselves.
        discount: γ in [0, 1] by which agents without a discount of their own are judged, and of the optimum that the
            comparison shows; None for the one that most agents have, or 0.95 where none has one.
        horizon: in steps, for all values; None for the time limit, or 1,000 where there is none.
        snapshots: how often the tables are kept along the way, for the curves; fewer where tables are large, and with
            a store at multiples of a power of two, so that those of a larger budget are among them.
        progress: as in `train`.
        store: a folder or file in which every run is kept as soon as it is finished, or a `ql.Store`.  What is there
            already is not computed again; more agents, seeds, environments or a larger budget compute what is missing.

    Returns:
        A `Comparison`; for several environments a `Suite` of them.

    Raises:
        InputError: where an argument is wrong, or a value does not exist.
        EnvironmentFault: where the environment raised an error.
        StoreError: where the store cannot be used.
        Interrupted: on Ctrl-C; its ``runs`` is a list with what was complete of each agent.  With a store, everything
            is kept there, and the same call goes on.

    >>> import qlearn as ql
    >>> found = ql.compare([ql.RewardSum(), ql.QLearning()], "NChain-v0", episodes=5, seeds=4, snapshots=0)
    >>> round(found.optimum, 2), round(found.uniform, 2), [agent.name for agent in found.agents]
    (3663.69, 1311.25, ['reward sum', 'ε-greedy Q-learning'])
    """
    if isinstance(agents, Specification):
        if environments or episodes is not None or steps is not None:
            raise InputError("A specification says environments and budget itself. Leave them out beside it.")
        return compared(agents, progress=progress, store=store)
    budget_of(episodes, steps)
    where = environments[0] if len(environments) == 1 else environments
    asked = Specification(agents, where, episodes, steps, seeds, discount, horizon, snapshots)
    return compared(asked, progress=progress, store=store)


def compared(
    asked: Specification, *, progress: Progress = None, store: Kept = None, workers: int | None = 1
) -> Comparison | Suite:
    """Carry out a specification; see `compare`.

    Args:
        asked: what is compared.
        progress: as in `train`.
        store: as in `compare`.
        workers: processes for environments that are ordinary Python and have an id, where there is a store.
    """
    began = time.perf_counter()
    agents, worlds = list(asked.agents.values()), worlds_of(asked)
    discount = common_discount(agents, asked.discount)
    for world in worlds:
        if isinstance(world, FiniteMDP) and not world.changes:
            truth_of(world, discount, asked.horizon)  # refuses here what has no value, before training
    if store is None:
        budget, many = (asked.episodes, asked.steps), asked.snapshots
        runs = [train_all(agents, one, budget, asked.seeds, snapshots=many, progress=progress) for one in worlds]
    else:
        runs = kept_runs_of(asked, worlds, store, progress=progress, workers=workers)
    found = []
    for some in runs:
        found.append(_comparison(asked, some, began))
        began = time.perf_counter()
    if len(found) == 1:
        return found[0]
    return Suite(asked, tuple(found), sum(one.wall_time for one in found))


def _comparison(asked: Specification, runs: list[Runs], began: float) -> Comparison:
    names, discount = list(asked.agents), common_discount(list(asked.agents.values()), asked.discount)
    try:
        judged = judge(runs, discount, asked.horizon)
        rows = rows_of(names, runs, judged)
    except KeyboardInterrupt as stopped:
        raise Interrupted("Interrupted while policies were evaluated; `.runs` holds the training.", runs) from stopped
    truth = judged.truth
    settings = _settings(runs, asked.horizon, truth) | {"metric": asked.metric, "margin": asked.margin}
    return Comparison(
        environment=runs[0].environment,
        agents=rows,
        pairs=all_pairs([row.name for row in rows], [row.evaluation.exact_return for row in rows]),
        truth=truth,
        discount=None if truth is None else truth.discount,
        seeds=runs[0].seeds,
        settings=settings,
        versions=dict(runs[0].versions),
        notes=_notes(rows, truth, settings),
        wall_time=time.perf_counter() - began,
        command=_command(runs, settings, asked.discount, asked.horizon),
    )


def _settings(runs: list[Runs], horizon: int | None, truth: Truth | None) -> dict[str, Any]:
    told = runs[0].settings
    taken = 0 if runs[0].snapshots is None else len(runs[0].snapshots.positions)
    return {
        "environment": runs[0].environment.name,
        "episodes": told.get("episodes"),
        "steps": told.get("steps"),
        "num_seeds": len(runs[0].seeds),
        "horizon": horizon if truth is None else truth.horizon,
        "snapshots": taken,
        "agents": [dict(some.settings) for some in runs],
    }


def _notes(rows: tuple[AgentResult, ...], truth: Truth | None, settings: dict[str, Any]) -> tuple[str, ...]:
    notes = list(cautions(settings["num_seeds"]))
    for row in rows:
        notes += [note for note in row.evaluation.notes if note not in notes]
    for row in rows:
        if truth is not None and row.evaluation.discount != truth.discount:
            own = f"{row.name} is judged at its own discount {row.evaluation.discount:g}"
            notes.append(f"{own}, where the optimum is {row.evaluation.optimum:.2f}")
        if row.two_humped:
            notes.append(f"the runs of {row.name} fall into two camps, for which a mean speaks badly: look at each")
    mixed = {name: found for one in settings["agents"] for name, found in one.get("several_versions", {}).items()}
    for name, found in mixed.items():
        notes.append(f"the runs were made with {name} {' and '.join(found)}, whose last bits may differ")
    return tuple(notes)


def _command(runs: list[Runs], settings: dict[str, Any], discount: float | None, horizon: int | None) -> str | None:
    written = [some.settings.get("agent_written") for some in runs]
    plain = np.array_equal(runs[0].seeds, np.arange(len(runs[0].seeds)))
    if not all(written) or not plain or not runs[0].settings.get("environment_by_name"):
        return None
    unit = "steps" if settings["episodes"] is None else "episodes"
    words = ["qlearn", "compare", settings["environment"], *map(str, written)]
    words += [f"--{unit}", str(settings[unit]), "--seeds", str(settings["num_seeds"])]
    words += [] if discount is None else ["--discount", f"{discount:g}"]
    words += [] if horizon is None else ["--horizon", str(horizon)]
    return shlex.join(words)
