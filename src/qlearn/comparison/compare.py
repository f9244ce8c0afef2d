"""`compare`: train agents on the same seeds, judge every learnt policy, say what follows."""

from __future__ import annotations

import shlex
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from qlearn.comparison.exploring import exploring
from qlearn.comparison.names import distinct_names
from qlearn.comparison.pairs import all_pairs
from qlearn.comparison.results import AgentResult, Comparison
from qlearn.comparison.wins import first_wins, shared_wins
from qlearn.environments import FiniteMDP, make
from qlearn.environments.finite_mdp import FloatArray
from qlearn.errors import InputError, Interrupted
from qlearn.evaluation import RunsEvaluation, Truth, evaluate_runs, one_game, play_games, truth_of
from qlearn.planning.policies import checked_discount, checked_horizon
from qlearn.statistics import (
    Improvement,
    cautions,
    mean_interval,
    probability_of_improvement,
    quartiles,
    two_humped,
    wilson_interval,
)

if TYPE_CHECKING:
    from qlearn.environments import HostEnvironment, JaxEnvironment
    from qlearn.training import Runs

Progress = Callable[[float, str], None] | bool | None
USUAL_DISCOUNT = 0.95
MOST_TABLE_CELLS = 100_000_000  # numbers kept in snapshots: 400 MB


def compare(  # noqa: PLR0913 - the budget, the judge and the display are three subjects, all by keyword
    agents: Sequence[Any],
    environment: Any,
    *,
    episodes: int | None = None,
    steps: int | None = None,
    seeds: int | Sequence[int] = 100,
    discount: float | None = None,
    horizon: int | None = None,
    snapshots: int = 50,
    progress: Progress = None,
) -> Comparison:
    """Train agents on the same seeds and compare what their policies are worth.

    Seed i of every agent meets the same random numbers of the environment, so differences are taken seed by seed.

    Args:
        agents: descriptions, at least one.
        environment: what `make` takes.
        episodes: how many episodes each seed makes; or
        steps: how many steps each seed makes.  Exactly one of the two.
        seeds: a number n for the seeds 0 … n − 1, or the seeds themselves.
        discount: γ in [0, 1] by which agents without a discount of their own are judged, and of the optimum that the
            comparison shows; None for the one that most agents have, or 0.95 where none has one.
        horizon: in steps, for all values; None for the time limit, or 1,000 where there is none.
        snapshots: how often the tables are kept along the way, for the curves; fewer where tables are large.
        progress: as in `train`.

    Returns:
        A `Comparison`.

    Raises:
        InputError: where an argument is wrong, or a value does not exist.
        EnvironmentFault: where the environment raised an error.
        Interrupted: on Ctrl-C; its ``runs`` is a list with what was complete of each agent.

    >>> import qlearn as ql
    >>> found = ql.compare([ql.RewardSum(), ql.QLearning()], "NChain-v0", episodes=5, seeds=4, snapshots=0)
    >>> round(found.optimum, 2), round(found.uniform, 2), [agent.name for agent in found.agents]
    (3663.69, 1311.25, ['reward sum', 'ε-greedy Q-learning'])
    """
    began = time.perf_counter()
    agents, world = as_list(agents), make(environment)
    check_judging(discount, horizon)
    if isinstance(world, FiniteMDP) and not world.changes:
        truth_of(world, common_discount(agents, discount), horizon)  # refuses here what has no value, before training
    runs = train_all(agents, world, (episodes, steps), seeds, snapshots=snapshots, progress=progress)
    try:
        judged = judge(runs, common_discount(agents, discount), horizon)
        rows = _rows(agents, runs, judged)
    except KeyboardInterrupt as stopped:
        raise Interrupted("Interrupted while policies were evaluated; `.runs` holds the training.", runs) from stopped
    truth = judged.truth
    settings = _settings(runs, horizon, truth)
    return Comparison(
        environment=world,
        agents=rows,
        pairs=all_pairs([row.name for row in rows], [row.evaluation.exact_return for row in rows]),
        truth=truth,
        discount=None if truth is None else truth.discount,
        seeds=runs[0].seeds,
        settings=settings,
        versions=dict(runs[0].versions),
        notes=_notes(rows, truth, settings),
        wall_time=time.perf_counter() - began,
        command=_command(runs, settings, discount, horizon),
    )


def as_list(agents: Any) -> list[Any]:
    """Return the agents as a list; one alone is a list of one."""
    if hasattr(agents, "learner"):
        return [agents]
    found = list(agents)
    if not found:
        raise InputError("There is no agent to compare; expected at least one. Pass [ql.QLearning()].")
    return found


def check_judging(discount: float | None, horizon: int | None) -> None:
    """Raise an `InputError` before the training where the policies could not be judged after it."""
    if discount is not None:
        checked_discount(discount)
    if horizon is not None:
        checked_horizon(horizon)


def train_all(
    agents: list[Any],
    world: FiniteMDP | HostEnvironment | JaxEnvironment,
    budget: tuple[int | None, int | None],
    seeds: int | Sequence[int],
    *,
    snapshots: Any,
    progress: Progress,
) -> list[Runs]:
    """Train all agents; keep fewer snapshots where they would fill the memory."""
    from qlearn.training import train_many
    from qlearn.training.prediction import refuse_prediction

    for agent in agents:
        refuse_prediction(agent)
    if isinstance(snapshots, int) and snapshots > 0:  # what else it may be, training says what is wrong with it
        n = seeds if isinstance(seeds, int) else int(np.size(seeds))
        cells = max(1, len(agents) * n * world.num_states * world.num_actions)
        snapshots = min(snapshots, MOST_TABLE_CELLS // cells) if isinstance(world, FiniteMDP) else 0
    return train_many(
        agents, world, episodes=budget[0], steps=budget[1], seeds=seeds, snapshots=snapshots, progress=progress
    )


def common_discount(agents: Sequence[Any], discount: float | None) -> float:
    """Return the comparison's discount: the one given, else the one that most agents have, else 0.95.

    >>> from qlearn.agents import QLearning, RewardSum
    >>> common_discount([RewardSum(), QLearning(discount=0.9)], None)
    0.9
    """
    if discount is not None:
        return float(discount)
    own = Counter(float(agent.discount) for agent in agents if agent.discount is not None)
    return own.most_common(1)[0][0] if own else USUAL_DISCOUNT


class Judged:
    """Runs, what they are worth, and the truth that they are held against."""

    def __init__(self, evaluations: list[RunsEvaluation], truth: Truth | None, games: FloatArray) -> None:
        self.evaluations, self.truth, self.games = evaluations, truth, games


def judge(runs: list[Runs], discount: float, horizon: int | None) -> Judged:
    """Evaluate all runs, solving the model once for each discount, and play one sampled game a seed."""
    world = runs[0].environment
    if not isinstance(world, FiniteMDP):
        found = [evaluate_runs(some, horizon=horizon) for some in runs]
        return Judged(found, None, np.array([one_game(some, place, horizon) for place, some in enumerate(runs)]))
    policies = [np.asarray(some.greedy_policies(), dtype=np.float64) for some in runs]
    made = max(int(np.max(some.num_steps, initial=0)) for some in runs)
    truths = {discount: truth_of(world, discount, horizon, after_steps=made)}
    found = []
    for some in runs:
        own = discount if some.agent.discount is None else float(some.agent.discount)
        if own not in truths:
            truths[own] = truth_of(world, own, horizon, after_steps=made)
        found.append(evaluate_runs(some, truth=truths[own]))
    truth = truths[discount]
    return Judged(found, truth, play_games(truth.mdp, policies, runs[0].seeds, truth.horizon))


def _rows(agents: Sequence[Any], runs: list[Runs], judged: Judged) -> tuple[AgentResult, ...]:
    names = distinct_names(agents)
    values = np.array([found.exact_return for found in judged.evaluations])
    wins, shared = first_wins(judged.games), shared_wins(values)
    return tuple(
        _row(
            name,
            runs[i],
            judged.evaluations[i],
            judged.games[i],
            (int(wins[i]), float(shared[i])),
            _beats(i, names, values),
        )
        for i, name in enumerate(names)
    )


def _beats(i: int, names: Sequence[str], values: FloatArray) -> dict[str, Improvement]:
    return {
        other: probability_of_improvement(values[i], values[j], paired=True) for j, other in enumerate(names) if j != i
    }


def _row(
    name: str,
    runs: Runs,
    found: RunsEvaluation,
    games: FloatArray,
    wins: tuple[int, float],
    beats: dict[str, Improvement],
) -> AgentResult:
    online, n = runs.online_returns(), len(runs.seeds)
    optimal = found.optimal
    return AgentResult(
        name=name,
        runs=runs,
        evaluation=found,
        exact=mean_interval(found.exact_return),
        quartiles=quartiles(found.exact_return),
        share_optimal_interval=None if optimal is None or n < 2 else wilson_interval(int(optimal.sum()), n),
        online_return=online,
        online=mean_interval(online) if np.isfinite(online).all() else None,
        games=games,
        wins=wins[0],
        wins_exact=wins[1],
        beats=beats,
        exploring=None if found.truth is None else exploring(runs, found.truth),
        two_humped=two_humped(found.exact_return),
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
