"""What `compare` returns."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qlearn.comparison import exports, verdict
from qlearn.comparison.exploring import Exploring
from qlearn.comparison.paged import write_page
from qlearn.comparison.pairs import Pair
from qlearn.comparison.scores import Cell, Scores
from qlearn.environments import FiniteMDP, HostEnvironment, JaxEnvironment
from qlearn.environments.finite_mdp import FloatArray, IntArray
from qlearn.evaluation import RunsEvaluation, Truth
from qlearn.statistics import Improvement, Interval, Mean

if TYPE_CHECKING:
    from qlearn.training import Runs


@dataclass(frozen=True, eq=False, repr=False)
class AgentResult:
    """One agent's row of a comparison.

    Args:
        name: the label, made distinct within the comparison.
        runs: what its training returned.
        evaluation: the worth of every run's greedy policy.
        exact: the mean exact value over seeds with its 95% interval (Student's t).
        quartiles: of the exact values: lower, median, upper.
        share_optimal_interval: Wilson's 95% interval of the share of seeds with an optimal policy; None without a
            model or with one run.
        online_return: (n,) each seed's mean return over its episodes, exploration included; NaN where a seed
            completed none.
        online: their mean with its interval; None where a seed completed no episode.
        games: (n,) the return of one sampled greedy game of each seed, on random numbers of its own.
        wins: seeds in which this game was the highest of all agents', ties to the first agent.
        wins_exact: seeds in which the exact value was, shared where agents tie.
        beats: for every other agent's name, the probability that a run beats one of its runs, ties counting ½.
        exploring: what its exploration leaves to be earned; None for agents without ε.
        two_humped: whether the runs fall into two camps.
    """

    name: str
    runs: Runs
    evaluation: RunsEvaluation
    exact: Mean
    quartiles: tuple[float, float, float]
    share_optimal_interval: Interval | None
    online_return: FloatArray
    online: Mean | None
    games: FloatArray
    wins: int
    wins_exact: float
    beats: dict[str, Improvement]
    exploring: Exploring | None
    two_humped: bool

    @property
    def exact_return(self) -> list[float]:
        """The exact value of each seed's final greedy policy."""
        return [float(value) for value in self.evaluation.exact_return]

    @property
    def share_optimal(self) -> float | None:
        """Share of seeds whose policy is optimal; None where no model is known."""
        return self.evaluation.share_optimal

    @property
    def regret_percent(self) -> float | None:
        """What the mean exact value falls short of the optimum, in per cent of it; None where that is unknown."""
        regret = self.evaluation.regret_percent
        return None if regret is None else float(regret.mean())

    @property
    def num_diverged(self) -> int:
        """Runs whose table holds a value that is no number; they count like all others."""
        return int(self.runs.diverged.sum())

    @property
    def epsilon_soft(self) -> float | None:
        """The best ε-soft value at the agent's final ε; None for agents without one."""
        return None if self.exploring is None else self.exploring.best

    def __repr__(self) -> str:
        return f"<AgentResult {self.name}: mean exact value {self.exact.mean:.6g} over {self.exact.n} seeds>"


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """Agents side by side on one environment, over the same seeds.

    Args:
        environment: what they were trained on.
        agents: a row for each, in the order given.
        pairs: the difference of every two.
        truth: optimum, ceiling and uniform control at the comparison's discount; None where no model is known.
        discount: γ for agents that have none of their own, and for ``optimum``; None where no model is known.
        seeds: (n,) int64.
        settings: budget, seeds and horizon in words and numbers.
        versions: of qlearn, its parts and Python.
        notes: what has to be known about these numbers, in words.
        wall_time: seconds, compilation and evaluation included.
        command: the line that reproduces it; None where an agent or the environment is your own.
    """

    environment: FiniteMDP | HostEnvironment | JaxEnvironment
    agents: tuple[AgentResult, ...]
    pairs: tuple[Pair, ...]
    truth: Truth | None
    discount: float | None
    seeds: IntArray
    settings: dict[str, Any]
    versions: dict[str, str]
    notes: tuple[str, ...]
    wall_time: float
    command: str | None

    @property
    def runs(self) -> list[Runs]:
        """What training returned, one for each agent."""
        return [agent.runs for agent in self.agents]

    @cached_property
    def scores(self) -> Scores:
        """The runs' values as `Scores`, which are joined with those of other environments and compared.

        The value of each final policy, or the mean online return where a specification says so.
        """
        name, truth = self.environment.name, self.truth
        online = self.settings.get("metric") == "online"
        metric = "online return" if online else "exact value" if truth is not None else "value by rollouts"
        return Scores(
            {
                (a.name, name): Cell.of(a.online_return if online else a.exact_return, self.seeds, a.runs.diverged)
                for a in self.agents
            },
            metric=metric,
            optimum={} if truth is None else {name: truth.optimum},
            control={} if truth is None else {name: truth.uniform},
            paired=True,
            margin=self.settings.get("margin"),
            notes=self.notes,
        )

    @property
    def optimum(self) -> float | None:
        """What a perfect learner gets at the comparison's discount: 100%."""
        return None if self.truth is None else self.truth.optimum

    @property
    def ceiling(self) -> float | None:
        """The time-dependent optimum of the horizon."""
        return None if self.truth is None else self.truth.ceiling

    @property
    def uniform(self) -> float | None:
        """The uniform policy's value: the control."""
        return None if self.truth is None else self.truth.uniform

    @property
    def verdict(self) -> str:
        """What the evidence says, in plain words, and no more."""
        return verdict.verdict(self)

    def table(self) -> str:
        """Return the table as plain text."""
        return exports.text(self)

    def to_json(self) -> dict[str, Any]:
        """Return everything but the tables as plain data; what does not exist is None, never NaN."""
        return exports.as_json(self)

    def to_csv(self) -> str:
        """Return one line for each agent and seed: the data behind every number of the table."""
        return exports.csv(self)

    def to_latex(self) -> str:
        r"""Return the table as a LaTeX ``tabular``, which needs no package."""
        return exports.latex(self)

    def report(self, path: str | os.PathLike[str]) -> Path:
        """Write one self-contained HTML page that works offline: verdict, tables, pictures, settings, data.

        Args:
            path: of the page; a missing folder is made, a file of this name is replaced.

        Raises:
            StoreError: where it cannot be written.
        """
        return write_page(self, path)

    def __str__(self) -> str:
        return f"{self.table()}\n\n{self.verdict}"

    def __repr__(self) -> str:
        names = ", ".join(agent.name for agent in self.agents)
        return f"<Comparison on {self.environment.name} over {len(self.seeds)} seeds: {names}>"
