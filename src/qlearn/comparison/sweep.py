"""`sweep`: one method under many settings, and the best of them tried again on seeds that it was not chosen by."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from qlearn.comparison.compare import compare
from qlearn.comparison.judging import as_list, check_judging, common_discount, judge_values
from qlearn.comparison.names import distinct_names
from qlearn.comparison.results import Comparison
from qlearn.comparison.settings import grid_of, path_of, shown, with_settings
from qlearn.comparison.specification import METRICS, Metric, Specification
from qlearn.comparison.stored import Kept, kept_runs_of
from qlearn.comparison.sweeps import Point, Sweep, best_of
from qlearn.environments import FiniteMDP, make
from qlearn.errors import InputError
from qlearn.evaluation import truth_of
from qlearn.statistics import mean_interval, wilson_interval
from qlearn.training.grid import train_grid
from qlearn.training.plan import budget_of, seeds_of

if TYPE_CHECKING:
    from qlearn.evaluation import RunsEvaluation, Truth
    from qlearn.training import Runs

Progress = Callable[[float, str], None] | bool | None
Variant = tuple[Any, dict[str, Any]]  # an agent, and the values of its settings that vary
MOST_RUNS = 1_000_000


def sweep(  # noqa: PLR0913 - each is one word that a user types
    agent: Any,
    environment: Any,
    settings: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    *,
    episodes: int | None = None,
    steps: int | None = None,
    seeds: int | Sequence[int] = 100,
    confirm: int | None = None,
    metric: Metric = "final",
    discount: float | None = None,
    horizon: int | None = None,
    progress: Progress = None,
    store: Kept = None,
) -> Sweep:
    """Train an agent under every combination of settings, and the best one again on fresh seeds.

    Settings that are numbers (a learning rate, ε, λ, a discount) are one more axis of one program: all settings and
    seeds share its lanes, to the same numbers as each alone.  Counts and kinds (n, a network) make programs of their
    own.

    The score of the best setting is too good: it was chosen by it.  So that setting runs again on seeds that had no
    part in the choice, and this is the number to report.

    Args:
        agent: a description, or several: then each is tuned with as many settings, and the best of each are compared.
        environment: what `make` takes.
        settings: for each setting's name its values or a `Range`; names of parts as ``exploration.epsilon``, or
            ``epsilon`` where only one is called so.  A list of such, one for each agent, where they differ; all must
            have as many combinations, for equal budgets.
        episodes: how many episodes each seed makes; or
        steps: how many steps each seed makes.  Exactly one of the two.
        seeds: by which settings are judged: a number n for 0 … n − 1, or the seeds themselves.
        confirm: how many fresh seeds the best runs on; None for as many as ``seeds``, 0 for none.
        metric: "final", the value of the greedy policy that a run ends with, or "online", its mean return on the way.
        discount: as in `compare`.
        horizon: as in `compare`.
        progress: as in `train`.
        store: as in `compare`: what is there is not computed again, and an interrupted sweep goes on.

    Raises:
        InputError: a setting that an agent does not have, a value that it cannot have, unequal budgets.
        Interrupted: on Ctrl-C; its ``runs`` is a list with what was complete of each setting.

    >>> import qlearn as ql
    >>> found = ql.sweep(ql.QLearning(), "NChain-v0", {"learning_rate": [0.5, 0.1]}, episodes=30, seeds=12)
    >>> [point.values for point in found.points], len(found.confirmation.seeds)
    ([{'learning_rate': 0.5}, {'learning_rate': 0.1}], 12)
    """
    began, world, named = time.perf_counter(), make(environment), named_agents(agent)
    check_judging(discount, horizon)
    if metric not in METRICS:
        raise InputError(f"metric={metric!r} is unknown; expected one of {', '.join(map(repr, METRICS))}.")
    numbers, _ = seeds_of(seeds), budget_of(episodes, steps)
    fresh = fresh_seeds(numbers, confirm)
    asked = variants(named, settings)
    described = [agent for some in asked.values() for agent, _ in some]
    if len(described) * numbers.size > MOST_RUNS:
        raise InputError(
            f"{len(described):,} settings of {numbers.size:,} seeds are {len(described) * numbers.size:,} runs; "
            f"expected at most {MOST_RUNS:,}. Take fewer, or search with `ql.search`."
        )
    truth_before(world, common_discount(described, discount), horizon)
    named_world = environment if isinstance(environment, str) else world  # a text, which a store can keep
    runs = _trained(described, (named_world, world), (episodes, steps), numbers, progress, store)
    evaluations, truth = judge_values(runs, common_discount(described, discount), horizon)
    points = points_of(asked, runs, evaluations, metric)
    budget: dict[str, Any] = {"episodes": episodes, "steps": steps, "discount": discount, "horizon": horizon}
    confirmation = confirmed(points, named_world, fresh, progress=progress, store=store, **budget)
    return Sweep(
        environment=world,
        points=points,
        confirmation=confirmation,
        truth=truth,
        metric=metric,
        seeds=numbers,
        settings={"episodes": episodes, "steps": steps, "horizon": evaluations[0].horizon, "num_seeds": numbers.size},
        versions=dict(runs[0].versions),
        notes=_notes(evaluations),
        wall_time=time.perf_counter() - began,
    )


def fresh_seeds(seeds: Any, confirm: int | None) -> list[int]:
    """Return the seeds that the best setting is tried on: those after the largest of the others."""
    count = seeds.size if confirm is None else confirm
    if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 0:
        raise InputError(f"confirm={confirm!r} is no number of seeds; expected 0 or more. Pass confirm=100.")
    first = int(seeds.max()) + 1
    return list(range(first, first + int(count)))


def named_agents(agent: Any) -> dict[str, Any]:
    """Return agents by name: those of a mapping, or of descriptions their labels, made distinct."""
    if isinstance(agent, Mapping):
        return dict(agent)
    agents = as_list(agent)
    return dict(zip(distinct_names(agents), agents, strict=True))


def settings_for(agents: Mapping[str, Any], settings: Any) -> list[Mapping[str, Any]]:
    """Return what varies for each agent; raises an `InputError` where it is not said for each."""
    given = [settings] * len(agents) if isinstance(settings, Mapping) else list(settings)
    if len(given) != len(agents):
        words = f"{len(agents)} agents and {len(given)} sets of settings"
        raise InputError(f"{words}; expected one for each agent, or one for all.")
    return given


def confirmed(points: Sequence[Point], world: Any, fresh: list[int], **given: Any) -> Comparison | None:
    """Run the best setting of each method on seeds that had no part in the choice."""
    if not fresh:
        return None
    best = {point.method: point.agent for point in best_of(points)}
    found = compare(
        Specification(
            best,
            world,
            given.pop("episodes"),
            given.pop("steps"),
            fresh,
            discount=given.pop("discount"),
            horizon=given.pop("horizon"),
        ),
        **given,
    )
    assert isinstance(found, Comparison)
    return found


def variants(agents: Mapping[str, Any], settings: Any) -> dict[str, list[Variant]]:
    """Return for each agent what it becomes under each combination of its settings.

    Raises:
        InputError: where agents would be tuned with unequal budgets.
    """
    found = {}
    for (name, agent), own in zip(agents.items(), settings_for(agents, settings), strict=True):
        grid = grid_of(own)
        for setting in grid[0]:
            path_of(agent, setting)
        found[name] = [(with_settings(agent, values), values) for values in grid]
    if len({len(some) for some in found.values()}) > 1:
        words = ", ".join(f"{name} {len(some)}" for name, some in found.items())
        raise InputError(f"Unequal budgets for tuning: {words} settings. Give each agent as many combinations.")
    return found


def truth_before(world: Any, discount: float, horizon: int | None) -> Truth | None:
    """Return optimum and control, where they are known before training; refuses there what has no value."""
    if isinstance(world, FiniteMDP) and not world.changes:
        return truth_of(world, discount, horizon)
    return None


def _trained(agents: list[Any], worlds: Any, budget: Any, seeds: Any, progress: Progress, store: Kept) -> list[Runs]:
    """Train on a world that has a text, as stores keep it, or on the world itself: ``worlds`` are both."""
    from qlearn.training.prediction import refuse_prediction

    text, world = worlds
    for agent in agents:
        refuse_prediction(agent)
    if store is None:
        return train_grid(agents, world, episodes=budget[0], steps=budget[1], seeds=seeds, progress=progress)
    names = distinct_names(agents)
    asked = Specification(dict(zip(names, agents, strict=True)), text, budget[0], budget[1], seeds, snapshots=0)
    return kept_runs_of(asked, [world], store, progress=progress)[0]


def points_of(
    asked: Mapping[str, list[Variant]], runs: list[Runs], evaluations: list[RunsEvaluation], metric: Metric
) -> tuple[Point, ...]:
    """Return what every method scored under every setting."""
    points = []
    rows = [(name, agent, values) for name, some in asked.items() for agent, values in some]
    for (name, agent, values), some, found in zip(rows, runs, evaluations, strict=True):
        online = some.online_returns()
        scores = np.asarray(found.exact_return if metric == "final" else online, dtype=np.float64)
        optimal, n = found.optimal, len(scores)
        points.append(
            Point(
                method=name,
                values=values,
                agent=agent,
                name=", ".join(f"{key} {shown(value)}" for key, value in values.items()),
                scores=scores,
                mean=mean_interval(scores) if np.isfinite(scores).all() else None,
                optimal=optimal,
                share=None if optimal is None else wilson_interval(int(optimal.sum()), n),
                num_diverged=int(some.diverged.sum()),
            )
        )
    if all(point.mean is None for point in points):
        raise InputError("No setting has a score in every seed: no episode was completed. Give a larger budget.")
    return tuple(points)


def _notes(evaluations: list[RunsEvaluation]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(note for found in evaluations for note in found.notes))
