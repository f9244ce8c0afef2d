"""Sutton and Barto, figure 4.2: policy iteration on Jack's car rental.

Conditions: discount 0.9; from the policy that never moves a car.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from qlearn.environments.problems import car_rental
from qlearn.planning import policy_value, solve
from qlearn.published.claim import Progress, Reproduced, Reproduction, exact, statement
from qlearn.reports.style import new_figure, style

_LABELS = (
    "the book labels its picture with 420 and 612 only. The exact values are 421.4 and 637.0, and a double sum over "
    "requests and returns that was written anew gives them too. Poisson distributions cut off at 10, as reproductions "
    "of the figure have them, give 405.4 and 616.9. Which program the label comes from is not known; policies agree"
)


def run(seeds: Sequence[int], progress: Progress) -> Reproduced:
    """Improve the policy until it stays, and compare with the optimum."""
    jack = car_rental()
    transition = jack.transition_matrix()
    policy = np.full(jack.num_states, 5)
    data: dict[str, Any] = {"π 0": policy.reshape(21, 21) - 5}
    for k in range(1, 20):
        v = policy_value(jack, policy, 0.9)
        q = jack.expected_reward + 0.9 * (transition @ v).reshape(jack.num_states, 11)
        q = np.where(jack.legal, q, -np.inf)
        kept = q[np.arange(len(q)), policy] >= q.max(axis=1) - 1e-9
        if kept.all():
            break
        policy = np.where(kept, policy, q.argmax(axis=1))
        data[f"π {k}"] = policy.reshape(21, 21) - 5
    truth = solve(jack, discount=0.9)
    data["v"] = truth.v.reshape(21, 21)
    moved = policy - 5
    corners = (float(truth.v[0]), float(truth.v[-1]))
    claims = (
        exact("policies until it stays, the first one counted", 5, len(data) - 1, "figure 4.2: π0 to π4"),
        exact("most cars moved to the second place by π4", 5, int(moved.max()), "figure 4.2"),
        exact("most cars moved to the first place by π4", 4, -int(moved.min()), "figure 4.2"),
        statement(
            "π4", "is optimal", f"regret {float(np.abs(truth.v - v).max()):.1e}", bool(np.allclose(v, truth.v)), "text"
        ),
        exact("value with no cars", 420, corners[0], "label of figure 4.2", tolerance=2),
        exact("value with 20 cars at each place", 612, corners[1], "label of figure 4.2", tolerance=2, why=_LABELS),
    )
    return Reproduced(claims, data)


def draw(result: Reproduced) -> Figure:
    """The policies as contours, and the value of the last one."""
    panels = dict(result.data)
    with style():
        figure = new_figure(10.5, 6.6)
        for axes, (name, values) in zip(figure.subplots(2, 3).ravel(), panels.items(), strict=False):
            shown = axes.imshow(
                values, origin="lower", cmap="cividis", **({} if name == "v" else {"vmin": -5, "vmax": 5})
            )
            axes.set(title=name, xlabel="cars at the second place", ylabel="cars at the first place")
            if name != "v":
                axes.contour(values, levels=np.arange(-5, 6) + 0.5, colors="white", linewidths=0.8)
            figure.colorbar(shown, ax=axes, fraction=0.05)
        figure.suptitle("Jack's car rental: cars moved to the second place, and what that is worth")
    return figure


REPRODUCTION = Reproduction("sb-4.2", 0, run, draw)
