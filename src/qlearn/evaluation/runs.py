"""The worth of every run's greedy policy, at the end and along the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from qlearn.engine.games import play
from qlearn.environments import FiniteMDP, HostEnvironment
from qlearn.environments.finite_mdp import FloatArray
from qlearn.errors import InputError
from qlearn.evaluation.results import RunsEvaluation
from qlearn.evaluation.rollouts import GAMES, rollouts
from qlearn.evaluation.truth import Truth, truth_of
from qlearn.planning import evaluate_policies, is_optimal
from qlearn.training.prediction import refuse_prediction

if TYPE_CHECKING:
    from qlearn.training import Runs


def evaluate_runs(
    runs: Runs, *, horizon: int | None = None, discount: float | None = None, truth: Truth | None = None
) -> RunsEvaluation:
    """Return what each run's greedy policy is worth; see `qlearn.evaluate`.

    Args:
        runs: what `train` returned.
        horizon: in steps; None for the time limit, or 1,000 where there is none.
        discount: γ for agents without a discount of their own; the agent's own goes before it.
        truth: what `truth_of` found for this model at this discount and horizon, where it is at hand.

    Raises:
        InputError: an agent without a discount, and none given; an agent that predicts.
    """
    refuse_prediction(runs.agent)
    world = runs.environment
    if not isinstance(world, FiniteMDP):
        return _by_rollouts(runs, horizon)
    policies = np.asarray(runs.greedy_policies(), dtype=np.float64)
    if truth is None:
        most = int(np.max(runs.num_steps, initial=0))
        truth = truth_of(world, discount_of(runs, discount), horizon, after_steps=most)
    positions = unit = curve = None
    if runs.snapshots is not None:
        positions, unit = runs.snapshots.positions, runs.snapshots.unit
        curve = snapshot_values(runs, truth)
    return RunsEvaluation(
        name=runs.label,
        seeds=runs.seeds,
        exact_return=evaluate_policies(truth.mdp, policies, truth.horizon),
        standard_error=None,
        optimal=is_optimal(truth.mdp, policies, truth.solution) & ~runs.diverged,
        truth=truth,
        horizon=truth.horizon,
        method="exact",
        positions=positions,
        unit=unit,
        curve=curve,
        notes=truth.notes + _divergence(runs),
    )


def discount_of(runs: Runs, discount: float | None) -> float:
    """Return the discount at which runs are judged: the agent's, else the one given."""
    own: float | None = runs.agent.discount
    if own is not None:
        return float(own)
    if discount is None:
        raise InputError(
            f"{runs.label} has no discount of its own, so its optimum is not determined; expected one to judge it by. "
            "Pass discount=0.95, or whatever its rivals use."
        )
    return float(discount)


def snapshot_values(runs: Runs, truth: Truth) -> FloatArray:
    """Return the exact value of the greedy policy at every snapshot, (n, k)."""
    policies = np.asarray(runs.snapshot_policies(), dtype=np.float64)
    n, k, S, A = policies.shape
    values = evaluate_policies(truth.mdp, policies.reshape(n * k, S, A), truth.horizon)
    return values.reshape(n, k)


def _by_rollouts(runs: Runs, horizon: int | None) -> RunsEvaluation:
    world = runs.environment
    steps = horizon if horizon is not None else world.time_limit
    returns = _played(runs, steps)
    positions = unit = curve = None
    if runs.snapshots is not None and runs.knowledge is not None:
        positions, unit = runs.snapshots.positions, runs.snapshots.unit
        known = runs.snapshots.knowledge
        values = [_played(runs, steps, _at(known, k)).mean(axis=1) for k in range(len(positions))]
        curve = np.stack(values, axis=1)
    reason = getattr(world, "reason", "it is a program of JAX, whose states cannot be counted")
    note = (
        f"no model of {world.name} is known ({reason}); each value is the mean of {GAMES} rollouts of the greedy "
        "policy on fresh environment seeds, and no optimum is known"
    )
    limit = () if steps is not None else ("episodes are cut after 1,000 steps, as no time limit is known",)
    return RunsEvaluation(
        name=runs.label,
        seeds=runs.seeds,
        exact_return=returns.mean(axis=1),
        standard_error=returns.std(axis=1, ddof=1) / np.sqrt(returns.shape[1]),
        optimal=None,
        truth=None,
        horizon=steps,
        method="rollouts",
        positions=positions,
        unit=unit,
        curve=curve,
        notes=(note, *limit, *_divergence(runs)),
    )


def _played(runs: Runs, steps: int | None, knowledge: Any = None) -> FloatArray:
    """Returns of every run's games, (n, games): by its weights, at the end or as given, or by its table."""
    if runs.knowledge is None:
        policies = np.asarray(runs.greedy_policies(), dtype=np.float64)
        if not isinstance(runs.environment, HostEnvironment):  # a table on a program of JAX
            table = policies.astype(np.float32)
            return play(None, runs.environment, runs.seeds, table, games=GAMES, horizon=steps)
        return rollouts(runs.environment, policies, runs.seeds, steps)
    known = runs.knowledge if knowledge is None else knowledge
    return play(runs.agent, runs.environment, runs.seeds, known, games=GAMES, horizon=steps)


def _at(knowledge: Any, place: int) -> Any:
    """What was known at a snapshot: (n, k, …) to (n, …)."""
    return jax.tree.map(lambda x: x[:, place], knowledge)


def _divergence(runs: Runs) -> tuple[str, ...]:
    failed = int(np.sum(runs.diverged))
    if not failed:
        return ()
    what = "where a table holds no number its policy is uniform, and it is never optimal"
    if runs.table is None:
        what = "they play on with the weights that they had then"
    return (f"{failed} of {len(runs.seeds)} runs of {runs.label} diverged; they count: {what}",)
