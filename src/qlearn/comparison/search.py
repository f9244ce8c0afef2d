"""`search`: where a grid would be too large, Optuna proposes settings and gives up early on those that fall behind."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from qlearn.comparison.judging import check_judging, common_discount, judge_values
from qlearn.comparison.settings import Range, path_of, shown, with_settings
from qlearn.comparison.specification import METRICS, Metric
from qlearn.comparison.stored import Kept
from qlearn.comparison.sweep import confirmed, fresh_seeds, named_agents, settings_for, truth_before
from qlearn.comparison.sweep_toml import words_of
from qlearn.comparison.sweeps import Point, Sweep
from qlearn.environments import make
from qlearn.errors import InputError, Interrupted
from qlearn.statistics import mean_interval, wilson_interval
from qlearn.training.gathered import versions
from qlearn.training.grid import train_grid
from qlearn.training.plan import budget_of, seeds_of
from qlearn.training.progress import Meter

if TYPE_CHECKING:
    from collections.abc import Iterator

Progress = Callable[[float, str], None] | bool | None
PORTION = 8  # seeds that a setting runs before it may be given up
LOST = -1e300  # what a run without a score counts as while a search looks for the best
KEPT = ("scores", "optimal", "diverged")


def search(  # noqa: PLR0913 - each is one word that a user types
    agent: Any,
    environment: Any,
    settings: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    *,
    trials: int,
    episodes: int | None = None,
    steps: int | None = None,
    seeds: int | Sequence[int] = 30,
    confirm: int | None = None,
    metric: Metric = "final",
    discount: float | None = None,
    horizon: int | None = None,
    sampler: Any = None,
    pruner: Any = None,
    storage: Any = None,
    progress: Progress = None,
    store: Kept = None,
) -> Sweep:
    """Let Optuna look for good settings, and run the best one again on fresh seeds.

    Every setting meets the same seeds, in portions of eight; after each portion Optuna's pruner may give it up.  The
    usual one is the signed-rank test of Wilcoxon against the best setting so far, seed by seed.

    Args:
        agent: as in `sweep`; each of several gets as many trials.
        environment: as in `sweep`.
        settings: as in `sweep`: a `Range` is searched as a whole (its ``count`` does not matter), a list by its values.
        trials: how many settings each agent may try.
        episodes: as in `sweep`.
        steps: as in `sweep`.
        seeds: as in `sweep`.
        confirm: as in `sweep`.
        metric: as in `sweep`.
        discount: as in `sweep`.
        horizon: as in `sweep`.
        sampler: an Optuna sampler; None for ``TPESampler(seed=0)``, so that a search can be made again.
        pruner: an Optuna pruner; None for ``WilcoxonPruner``.
        storage: Optuna's, such as ``"sqlite:///study.db"``: what was tried stays there and counts among the trials, so
            that an interrupted search goes on.
        progress: as in `train`.
        store: where the runs on fresh seeds are kept, as in `compare`.

    Returns:
        A `Sweep` with a point for every trial; one that was given up has no mean.

    Raises:
        InputError: where Optuna is not installed, or as in `sweep`.
        Interrupted: on Ctrl-C, with what has been tried in ``storage``, where there is one.
    """
    optuna = load_optuna()
    began, world, agents = time.perf_counter(), make(environment), named_agents(agent)
    check_judging(discount, horizon)
    if metric not in METRICS:
        raise InputError(f"metric={metric!r} is unknown; expected one of {', '.join(map(repr, METRICS))}.")
    numbers, _ = seeds_of(seeds), budget_of(episodes, steps)
    fresh = fresh_seeds(numbers, confirm)
    budget: dict[str, Any] = {"episodes": episodes, "steps": steps, "discount": discount, "horizon": horizon}
    truth = truth_before(world, common_discount(list(agents.values()), discount), horizon)
    points: list[Point] = []
    judge = _Judge(world, numbers, budget, metric)
    spaces = settings_for(agents, settings)
    for one, own in zip(agents.values(), spaces, strict=True):
        for setting in own:
            path_of(one, setting)
    with Meter(progress, trials * len(agents), f"{trials} trials of each") as meter:
        for (name, one), own in zip(agents.items(), spaces, strict=True):
            study = _study(
                f"{name} on {world.name}: {judge.words}; {' '.join(words_of(own))}", sampler, pruner, storage
            )
            _try(study, _Trials(name, one, own, trials), judge, meter)
            points += [_point(name, one, trial, numbers) for trial in study.trials if KEPT[0] in trial.user_attrs]
    used = type(study.sampler).__name__, type(study.pruner).__name__
    given_up = sum(point.mean is None for point in points)
    named_world = environment if isinstance(environment, str) else world
    held = confirmed(points, named_world, fresh, progress=progress, store=store, **budget)
    return Sweep(
        environment=world,
        points=tuple(points),
        confirmation=held,
        truth=truth,
        metric=metric,
        seeds=numbers,
        settings={
            "episodes": episodes,
            "steps": steps,
            "horizon": horizon if truth is None else truth.horizon,
            "num_seeds": numbers.size,
        },
        versions={**versions(), "optuna": optuna.__version__},
        notes=judge.notes,
        wall_time=time.perf_counter() - began,
        study=f"{len(points)} trials by Optuna's {used[0]}, {given_up} of them given up by {used[1]}",
    )


def load_optuna() -> Any:
    """Return Optuna; an `InputError` names the extra where it is not installed."""
    try:
        import optuna
    except ImportError as error:
        raise InputError('Searches need Optuna, which is not installed. Run: pip install "qlearn[optuna]"') from error
    return optuna


def _study(name: str, sampler: Any, pruner: Any, storage: Any) -> Any:
    """Begin a study, or go on with the one of that name."""
    optuna = load_optuna()
    with _quiet(optuna):
        return optuna.create_study(
            direction="maximize",
            storage=storage,
            study_name=name,
            load_if_exists=True,
            sampler=optuna.samplers.TPESampler(seed=0) if sampler is None else sampler,
            pruner=optuna.pruners.WilcoxonPruner(n_startup_steps=PORTION) if pruner is None else pruner,
        )


class _Judge:
    """Trains settings on some seeds and says what they scored."""

    def __init__(self, world: Any, seeds: Any, budget: dict[str, Any], metric: Metric) -> None:
        self.world, self.seeds, self.budget, self.metric = world, seeds, budget, metric
        self.notes: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        told = {key: value for key, value in self.budget.items() if value is not None}
        return ", ".join(
            [f"{key} {value}" for key, value in told.items()] + [f"{self.seeds.size} seeds, {self.metric}"]
        )

    def scores(self, agent: Any, seeds: Any) -> tuple[Any, Any, Any]:
        """Scores, whether each policy is optimal (or None), and how many runs diverged."""
        episodes, steps = self.budget["episodes"], self.budget["steps"]
        runs = train_grid([agent], self.world, episodes=episodes, steps=steps, seeds=seeds, progress=False)
        discount = common_discount([agent], self.budget["discount"])
        (found,), _ = judge_values(runs, discount, self.budget["horizon"])
        self.notes = tuple(dict.fromkeys((*self.notes, *found.notes)))
        scores = found.exact_return if self.metric == "final" else runs[0].online_returns()
        return scores, found.optimal, int(runs[0].diverged.sum())


class _Trials:
    """What one agent's study tries."""

    def __init__(self, name: str, agent: Any, settings: Any, count: int) -> None:
        self.name, self.agent, self.settings, self.count = name, agent, settings, count


def _try(study: Any, trials: _Trials, judge: _Judge, meter: Meter) -> None:
    """Carry out the trials that the study still lacks."""
    optuna = load_optuna()
    finished = [trial for trial in study.trials if KEPT[0] in trial.user_attrs]
    meter.add(0, min(len(finished), trials.count))
    for place in range(len(finished), trials.count):
        with _quiet(optuna):
            trial = study.ask()
            values = {name: _suggested(trial, name, given) for name, given in trials.settings.items()}
        try:
            state = _carried_out(trial, with_settings(trials.agent, values), judge)
        except KeyboardInterrupt as stopped:
            with _quiet(optuna):
                study.tell(trial, state=optuna.trial.TrialState.FAIL)
            raise Interrupted(f"The search was interrupted after {place} trials of {trials.name}.", []) from stopped
        with _quiet(optuna):
            mean = float(np.mean(trial.user_attrs[KEPT[0]]))
            study.tell(
                trial, None if state == "pruned" else mean, state=getattr(optuna.trial.TrialState, state.upper())
            )
        meter.add(0, 1)


def _carried_out(trial: Any, agent: Any, judge: _Judge) -> str:
    """Run a setting portion by portion; ``"pruned"`` where it was given up."""
    scores: list[float] = []
    optimal: list[bool] = []
    diverged = 0
    state = "complete"
    for first in range(0, judge.seeds.size, PORTION):
        some = judge.seeds[first : first + PORTION]
        found, best, failed = judge.scores(agent, some)
        scores += [float(score) if np.isfinite(score) else LOST for score in found]
        optimal += [] if best is None else [bool(one) for one in best]
        diverged += failed
        for step, score in enumerate(scores[first:], start=first):
            trial.report(score, step)
        if len(scores) < judge.seeds.size and trial.should_prune():
            state = "pruned"
            break
    for name, value in zip(KEPT, (scores, optimal, diverged), strict=True):
        trial.set_user_attr(name, value)
    return state


def _suggested(trial: Any, name: str, given: Any) -> Any:
    if isinstance(given, Range):
        return trial.suggest_float(name, given.low, given.high, log=given.log)
    listed = list(given)
    words = [shown(value) for value in listed]
    return listed[words.index(trial.suggest_categorical(name, words))]


def _point(method: str, agent: Any, trial: Any, seeds: Any) -> Point:
    scores, optimal, diverged = (trial.user_attrs[name] for name in KEPT)
    n, whole = len(scores), len(scores) == seeds.size and min(scores) > LOST
    values = {name: value if isinstance(value, float) else _read(value) for name, value in trial.params.items()}
    share = wilson_interval(sum(optimal), n) if optimal else None
    return Point(
        method=method,
        values=values,
        agent=with_settings(agent, values),
        name=", ".join(f"{key} {shown(value)}" for key, value in values.items()),
        scores=np.array([*(np.nan if x <= LOST else x for x in scores), *([np.nan] * (seeds.size - n))]),
        mean=mean_interval(np.array(scores)) if whole else None,
        optimal=np.array(optimal, dtype=np.bool_) if optimal and whole else None,
        share=share if whole else None,
        num_diverged=diverged,
    )


def _read(word: str) -> Any:
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            continue
    return {"True": True, "False": False, "None": None}.get(word, word)


@contextmanager
def _quiet(optuna: Any) -> Iterator[None]:
    """Optuna says nothing of its own meanwhile."""
    import warnings

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(before)
