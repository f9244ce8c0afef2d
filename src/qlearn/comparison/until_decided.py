"""Train in batches of seeds until it is known which agent is better, and no seed more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from qlearn.comparison.judging import as_list, check_judging, common_discount, judge_values, train_all
from qlearn.comparison.names import distinct_names
from qlearn.comparison.scores import Cell, Scores
from qlearn.comparison.words import listed, percent
from qlearn.environments import make
from qlearn.environments.finite_mdp import FloatArray
from qlearn.errors import InputError
from qlearn.statistics import Sequential, compare_in_batches

Progress = Callable[[float, str], None] | bool | None


@dataclass(frozen=True, eq=False, repr=False)
class Decided:
    """What was decided, and from how many runs.

    Args:
        names: the agents'.
        found: the decisions, as `qlearn.statistics.compare_in_batches` gives them.
        scores: the exact values of all runs that were made.
    """

    names: tuple[str, ...]
    found: Sequential
    scores: Scores

    @property
    def runs(self) -> dict[str, int]:
        """How many runs of each agent were made."""
        return dict(zip(self.names, self.found.runs, strict=True))

    @property
    def better(self) -> tuple[tuple[str, str], ...]:
        """Every pair (better, worse) that was decided."""
        decided = []
        for (a, b), what in self.found.decisions.items():
            if what in ("larger", "smaller"):
                first, second = (a, b) if what == "larger" else (b, a)
                decided.append((self.names[first], self.names[second]))
        return tuple(decided)

    @property
    def verdict(self) -> str:
        """What was decided, in plain words; p-values and intervals of ordinary tests mean nothing after a stop."""
        found, most = self.found, self.found.batch * self.found.interims
        told = [f"{better} is better than {worse}." for better, worse in self.better]
        names = [f"{self.names[a]} and {self.names[b]}" for (a, b), what in found.decisions.items() if "not" in what]
        if names:
            told.append(f"After {most} runs each no difference was found between {listed(names, '; between ')}.")
        made = listed([f"{name} {runs}" for name, runs in self.runs.items()])
        told.append(
            f"Runs made: {made}, of at most {most} each. The chance of any false decision is at most "
            f"{percent(found.level)} (group sequential permutation test, {found.interims} looks)."
        )
        return " ".join(told)

    def __repr__(self) -> str:
        return f"<Decided: {self.verdict}>"


def compare_until_decided(  # noqa: PLR0913 - the budget, the test and the judge are three subjects, all by keyword
    agents: Sequence[Any],
    environment: Any,
    *,
    episodes: int | None = None,
    steps: int | None = None,
    batch: int = 5,
    interims: int = 6,
    level: float = 0.05,
    seed: int = 0,
    discount: float | None = None,
    horizon: int | None = None,
    progress: Progress = None,
) -> Decided:
    """Train agents on a few seeds at a time, until it is decided which are better, and spend no seed more.

    After each batch the exact values are compared by a group sequential permutation test (AdaStop), paired by seed; an
    agent whose comparisons are all decided is trained no further.  Agents that do not differ cost all
    ``batch × interims`` runs.

    Args:
        agents: descriptions, at least two.
        environment: what `make` takes.
        episodes: how many episodes each seed makes; or
        steps: how many steps each seed makes.  Exactly one of the two.
        batch: seeds of each agent in a batch, at least 2.
        interims: how many batches at most.
        level: the chance of any false decision.
        seed: the first seed; the others follow it.
        discount: as in `compare`.
        horizon: as in `compare`.
        progress: as in `train`.

    Returns:
        A `Decided`.

    Raises:
        InputError: where an argument is wrong, or there are fewer than two agents.
        EnvironmentFault, Interrupted: as in `compare`.

    Source: T. Mathieu et al., *AdaStop* (2023).

    >>> import qlearn as ql
    >>> agents = [ql.QLearning(learning_rate=0.1), ql.RewardSum()]
    >>> found = compare_until_decided(agents, "NChain-v0", episodes=30, batch=8, interims=3)
    >>> found.better, max(found.runs.values()) <= 24
    ((('ε-greedy Q-learning', 'reward sum'),), True)
    """
    described, world = as_list(agents), make(environment)
    check_judging(discount, horizon)
    names = tuple(distinct_names(described))
    if len(described) < 2:
        raise InputError("There is one agent, and nothing to decide; expected at least two. Use ql.train.")
    _check(batch, interims, level)
    values: list[FloatArray] = [np.empty(0) for _ in described]
    failed: list[Any] = [np.empty(0, bool) for _ in described]
    wanted: tuple[int, ...] = tuple(range(len(described)))
    gamma = common_discount(described, discount)
    while True:
        done = max(len(some) for some in values)
        some = [described[i] for i in wanted]
        seeds = range(seed + done, seed + done + batch)
        runs = train_all(some, world, (episodes, steps), seeds, snapshots=0, progress=progress)
        judged, truth = judge_values(runs, gamma, horizon)
        for place, run, own in zip(wanted, runs, judged, strict=True):
            values[place] = np.concatenate([values[place], own.exact_return])
            failed[place] = np.concatenate([failed[place], run.diverged])
        found = compare_in_batches(values, batch=batch, interims=interims, level=level, paired=True)
        if found.finished:
            break
        wanted = found.wanted
    cells = {
        (name, world.name): Cell.of(values[i], seed + np.arange(len(values[i])), failed[i])
        for i, name in enumerate(names)
    }
    ends = ({}, {}) if truth is None else ({world.name: truth.optimum}, {world.name: truth.uniform})
    note = "the number of runs followed from the results, so that p-values and intervals here are too good"
    scores = Scores(cells, metric="exact value", optimum=ends[0], control=ends[1], paired=True, notes=(note,))
    return Decided(names, found, scores)


def _check(batch: Any, interims: Any, level: Any) -> None:
    for name, value, low in (("batch", batch, 2), ("interims", interims, 1)):
        if type(value) is not int or value < low:
            raise InputError(f"{name}={value!r} is not usable; expected a whole number from {low} on. Pass {name}=6.")
    if not 0 < level < 1:
        raise InputError(f"level={level!r} is not usable; expected a chance in (0, 1). Pass level=0.05.")
