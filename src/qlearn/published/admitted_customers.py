"""Sutton and Barto, example 10.2 and figure 10.5: differential Sarsa decides whom to let in, tabular case.

Conditions: α = 0.01, β = 0.01, ε = 0.1, values and r̄ start at 0, 2 million steps.  The book's numbers are those of one
run, and with a constant β the gain never comes to rest: its r̄ of about 2.31 is held against the spread of our runs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from qlearn.agents import DifferentialSarsa
from qlearn.environments.problems import access_control
from qlearn.planning import average_reward, uniform_policy
from qlearn.published.claim import Numbers, Progress, Reproduced, Reproduction, exact, measured, statement
from qlearn.published.drawing import curve
from qlearn.reports.style import new_figure, style
from qlearn.rules import EpsilonGreedy
from qlearn.training import train

_STEPS = 2_000_000
_PRIORITIES = (1, 2, 4, 8)


def run(seeds: Sequence[int], progress: Progress) -> Reproduced:
    """Train differential Sarsa; its gain, and from how many free servers on it accepts each priority."""
    problem = access_control()
    agent = DifferentialSarsa(learning_rate=0.01, gain_rate=0.01, exploration=EpsilonGreedy(0.1))
    runs = train(agent, problem, steps=_STEPS, seeds=seeds, snapshots=40, progress=progress)
    assert runs.snapshots is not None
    gains = runs.snapshots.extras["gain"]
    late = gains[:, 20:]
    low, high = np.quantile(late, [0.025, 0.975])
    accepts = runs.greedy_policies()[:, :, 1].reshape(len(gains), -1, 4) > 0.5
    found = float(np.mean([average_reward(problem, policy) for policy in runs.greedy_policies()]))
    behaviour = 0.9 * runs.greedy_policies() + 0.1 * uniform_policy(problem)
    kept = float(np.mean([average_reward(problem, policy) for policy in behaviour]))
    least = [int(np.median(accepts[:, :, k].argmax(axis=1))) for k in range(4)]
    told = "the fewer servers are free the higher the priority must be: all are accepted where many are free"
    seen = ", ".join(f"priority {p} from {n} free servers on" for p, n in zip(_PRIORITIES, least, strict=True))
    rising = least[3] <= least[2] <= least[1] <= least[0] and least[3] == 1
    claims = (
        statement(
            "r̄ at the end",
            "about 2.31 (one run)",
            f"{late.mean():.2f}; 95% of runs and moments from {low:.2f} to {high:.2f}",
            bool(low <= 2.31 <= high),
            "figure 10.5, caption",
            why="with β = 0.01 r̄ wanders; its long-run mean is that of the ε-greedy policy, which is exact below",
        ),
        measured("long-run mean of r̄: its policy's exact gain", kept, late.mean(axis=1), "exact", tolerance=0.05),
        exact("average reward of the greedy policies", 2.7476, found, "exact optimum", tolerance=0.02),
        statement("policy", told, seen, bool(rising), "figure 10.5"),
    )
    return Reproduced(claims, {"gain": gains, "value": _values(runs.q_table, problem.legal)})


def _values(q: Numbers, legal: Numbers) -> Numbers:
    """Return the values of the best actions, (n, free servers, priorities)."""
    return np.asarray(np.where(legal, q, -np.inf).max(axis=2).reshape(len(q), -1, 4))


def draw(result: Reproduced) -> Figure:
    """Differential value of the best action over free servers, a curve for each priority."""
    with style():
        figure = new_figure(7.2, 4.4)
        axes = figure.subplots()
        for k, priority in enumerate(_PRIORITIES):
            curve(axes, k, f"priority {priority}", np.arange(11), result.data["value"][:, :, k])
        axes.set(title="Queue: differential Sarsa, α 0.01, β 0.01, ε 0.1", xlabel="free servers", ylabel="value")
        axes.legend()
    return figure


REPRODUCTION = Reproduction("sb-10.5", 28, run, draw)
