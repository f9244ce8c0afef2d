"""The tutorial's last part: its Keras network, on many seeds, under the exact ceiling."""

from __future__ import annotations

import dataclasses
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from qlearn.cli import tutorial_facts as facts
from qlearn.cli.options import Output
from qlearn.cli.tables import print_q_table
from qlearn.cli.terminal import print_table, say, share, title

if TYPE_CHECKING:
    from qlearn.environments import FiniteMDP
    from qlearn.evaluation import RunsEvaluation
    from qlearn.planning import Solution
    from qlearn.training import Runs

LOST = 10  # episode ends in a row without an optimal policy: more than a brief flip


@dataclasses.dataclass
class NetworkPart:
    """The Keras network of the tutorial, trained and judged.

    Args:
        chain: the environment.
        solution: its optimum.
        seeds: the runs.
    """

    chain: FiniteMDP
    solution: Solution
    seeds: list[int]

    @cached_property
    def runs(self) -> Runs:
        """Trained, with what was known at every episode's end."""
        from qlearn.training import train_many, tutorial_network

        count = facts.NETWORK_EPISODES
        return train_many([tutorial_network()], self.chain, episodes=count, seeds=self.seeds, snapshots=count)[0]

    @cached_property
    def judged(self) -> RunsEvaluation:
        """What the greedy policies are worth, exactly."""
        from qlearn.evaluation import evaluate

        return evaluate(self.runs)

    @cached_property
    def optimal(self) -> Any:
        """Whether the greedy policy was optimal at the end of each episode, (n, episodes) bool."""
        from qlearn.planning import is_optimal

        policies = np.asarray(self.runs.snapshot_policies()[:, 1:], dtype=np.float64)
        n, k, S, A = policies.shape
        return is_optimal(self.chain, policies.reshape(n * k, S, A), self.solution).reshape(n, k)

    @cached_property
    def rewards(self) -> Any:
        """Mean reward per step of every episode, (n, episodes)."""
        return self.runs.returns / facts.STEPS

    @cached_property
    def errors(self) -> Any:
        """Root-mean-square error to Q* that each run ended with, (n,)."""
        return np.sqrt(np.mean((self.runs.q_table - self.solution.q) ** 2, axis=(1, 2)))

    @cached_property
    def ceilings(self) -> tuple[Any, Any]:
        """Of every episode at its own ε: the most that can be expected, and what the optimal policy earns; per step."""
        from qlearn.comparison.exploring import epsilons_at
        from qlearn.planning import evaluate_policies, online_ceiling, uniform_policy

        epsilons = epsilons_at(self.runs.agent.exploration.epsilon, np.arange(self.rewards.shape[1]))
        best = np.eye(self.chain.num_actions)[self.solution.policy]
        soft = epsilons[:, None, None] * uniform_policy(self.chain) + (1 - epsilons[:, None, None]) * best
        most = online_ceiling(self.chain, epsilons, facts.STEPS)
        return most / facts.STEPS, evaluate_policies(self.chain, soft, facts.STEPS) / facts.STEPS

    def periods(self) -> list[dict[str, Any]]:
        """The curve, averaged over the episodes of which the original's figures are known."""
        rows = []
        for (low, high), original in facts.NETWORK_CURVE.items():
            if high > self.rewards.shape[1]:
                break
            means = self.rewards[:, low - 1 : high].mean(axis=1)
            error = float(means.std(ddof=1) / np.sqrt(len(means))) if len(means) > 1 else None
            ceiling, optimal = (float(curve[low - 1 : high].mean()) for curve in self.ceilings)
            rows.append(
                {
                    "episodes": [low, high],
                    "mean_reward": float(means.mean()),
                    "standard_error": error,
                    "reference": original,
                    "optimal_policy_at_that_epsilon": optimal,
                    "online_ceiling": ceiling,
                }
            )
        return rows

    def learnt(self) -> dict[str, Any]:
        """From when on the policy is optimal, and how steadily."""
        since = [settled(ends) for ends in self.optimal]
        later = self.optimal[:, facts.LEARNT :]
        return {
            "episode_from_which_optimal": since,
            "share_optimal_later": float(later.mean()) if later.size else None,
            "reference": dict(zip(("median", "latest", "share_optimal_later"), facts.NETWORK_OPTIMAL, strict=True)),
        }

    def data(self) -> dict[str, Any]:
        """Everything, for JSON."""
        ceiling, optimal = self.ceilings
        return {
            "agent": {"model": str(self.runs.agent.model), "optimizer": str(self.runs.agent.optimizer)},
            "seeds": self.runs.seeds,
            "episodes": int(self.rewards.shape[1]),
            "wall_time": self.runs.wall_time,
            "periods": self.periods(),
            "learnt": self.learnt(),
            "mean_reward": self.rewards.mean(axis=0),
            "online_ceiling": ceiling,
            "optimal_policy_at_that_epsilon": optimal,
            "greedy_value": self.judged.curve.mean(axis=0) if self.judged.curve is not None else None,
            "share_optimal": self.optimal.mean(axis=0),
            "q_values": self.runs.q_table.astype(float),
            "q_optimal": self.solution.q,
            "error": self.errors,
            "reference_error": dict(zip(("q25", "median", "q75", "largest"), facts.NETWORK_ERRORS, strict=True)),
            "diverged": int(self.runs.diverged.sum()),
        }

    def save_figure(self, output: Output) -> str:
        """Write the curve into the folder, where one is wanted; return what there is, in words."""
        if output.out is None:
            return ""
        from qlearn.reports import network_curve, save_figure

        save_figure(network_curve(self.runs, self.judged), output.out / "network-curve")
        return f"In {output.out}: network-curve (.png and .svg)."

    def show(self) -> None:
        """Print all of it."""
        title("7. The Keras network")
        say(
            "State as a one-hot vector → Dense 10, sigmoid → Dense 2; Adam, one step at a time, no replay, no target "
            f"network. {len(self.seeds)} seeds × {self.rewards.shape[1]:,} episodes of {facts.STEPS:,} steps took "
            f"{self.runs.wall_time:.0f} s; the tutorial trains one."
        )
        self._show_curve()
        self._show_values()

    def _show_curve(self) -> None:
        rows = []
        for row in self.periods():
            low, high = row["episodes"]
            error = "" if row["standard_error"] is None else f" ± {row['standard_error']:.3f}"
            ours = f"{row['mean_reward']:.3f}{error}"
            exact = [f"{row[name]:.3f}" for name in ("optimal_policy_at_that_epsilon", "online_ceiling")]
            rows.append([f"{low}–{high}", ours, f"{row['reference']:.3f}", *exact])
        heads = ["episodes", "reward per step ± se", "original", "optimal policy at that ε", "online ceiling"]
        print_table(heads, rows, name="The learning curve, beside what is exact")
        learnt = self.learnt()
        since, later = learnt["episode_from_which_optimal"], learnt["share_optimal_later"]
        median, latest, original = facts.NETWORK_OPTIMAL
        if later is None:
            return
        say(
            f"The greedy policy is optimal from about episode {np.median(since):.0f} (median; the last seed from "
            f"{max(since)}), and at {share(later)} of all episode ends after {facts.LEARNT} (original, "
            f"{facts.ORIGINAL_NETWORK_SEEDS} seeds: {median}, {latest}, {share(original)})."
        )
        say(
            f"So after episode {facts.LEARNT} the curve's rise is ε falling, not learning: the optimal policy at that "
            "ε earns as much, and the greedy policy has long been worth all that can be had."
        )

    def _show_values(self) -> None:
        q = self.runs.q_table
        print_q_table(
            self.chain, q[:1], self.solution.q, name=f"What the network says of the five states, seed {self.seeds[0]}"
        )
        low, middle, high = np.quantile(self.errors, [0.25, 0.5, 0.75])
        a, b, c, most = facts.NETWORK_ERRORS
        say(
            f"The tutorial prints such a table of one run of its own. Over {len(self.seeds)} seeds the root-mean-square"
            f" error to Q* has the quartiles {low:.2f} / {middle:.2f} / {high:.2f} and is at most "
            f"{self.errors.max():.2f} (original: {a:.2f} / {b:.2f} / {c:.2f}, {most:.2f})."
        )


def settled(optimal: Any) -> int:
    """Return the episode from whose end on a policy is optimal but for brief flips.

    Args:
        optimal: (episodes,) bool, at the end of each.

    >>> settled(np.array([True] + [False] * 10 + [True, True, False, True]))
    12
    """
    last = run = 0
    for episode, good in enumerate(optimal, start=1):
        run = 0 if good else run + 1
        last = episode if run >= LOST else last
    return last + 1
