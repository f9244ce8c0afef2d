"""The tutorial's parts: each prints what it claims with the numbers behind it, and returns them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from qlearn.cli import tutorial_facts as facts
from qlearn.cli import tutorial_words as words
from qlearn.cli.game import ModelGame
from qlearn.cli.options import Output
from qlearn.cli.tables import print_q_table
from qlearn.cli.terminal import figure, print_table, say, share, title

if TYPE_CHECKING:
    from qlearn.cli.tutorial_network import NetworkPart
    from qlearn.comparison import Comparison
    from qlearn.environments import FiniteMDP
    from qlearn.planning import Solution

ENVIRONMENT = "NChain-v0"
BY_HAND = (0, 0, 0, 0, 0, 0, 1, 0)


@dataclasses.dataclass
class Walk:
    """A walk through the tutorial.

    Args:
        rounds: of the tournament, and seeds of every training.
        seed: the first.
        show: whether the parts print anything.
        figures: whether there will be figures, for which tables are kept along the way.
        network_seeds: of the Keras network; 0 leaves it out.
    """

    rounds: int
    seed: int
    show: bool = True
    figures: bool = False
    network_seeds: int = 0

    def parts(self) -> Iterator[dict[str, Any]]:
        """Go through the parts, one after another; each yields its numbers."""
        yield {"by_hand": self.by_hand()}
        yield {"truth": self.truth()}
        yield {"agents": self.agents()}
        yield {"tournament": self.tournament()}
        yield {"tables": self.tables()}
        yield {"learning_rates": self.learning_rates()}
        if self.network_seeds:
            yield {"network": self.network.data()}
            if self.show:
                self.network.show()

    @cached_property
    def chain(self) -> FiniteMDP:
        """The tutorial's environment."""
        from qlearn.environments.nchain import nchain_model

        return nchain_model()

    @cached_property
    def solution(self) -> Solution:
        """Its optimum."""
        from qlearn.planning import solve

        return solve(self.chain, facts.DISCOUNT)

    @cached_property
    def comparison(self) -> Comparison:
        """The three agents, trained, judged, and each with one game a round."""
        from qlearn.comparison import compare
        from qlearn.training import tutorial_agents

        seeds, kept = range(self.seed, self.seed + self.rounds), 50 if self.figures else 0
        return compare(tutorial_agents(), self.chain, episodes=facts.EPISODES, seeds=list(seeds), snapshots=kept)

    @cached_property
    def network(self) -> NetworkPart:
        """Part 7: the Keras network."""
        from qlearn.cli.tutorial_network import NetworkPart

        seeds = list(range(self.seed, self.seed + self.network_seeds))
        return NetworkPart(self.chain, self.solution, seeds)

    def save_figures(self, output: Output) -> list[str]:
        """Write the figures of the three agents' comparison and of the network; return what there is, in words."""
        from qlearn.cli.compare import save_everything

        told = [save_everything(self.comparison, output)]
        if self.network_seeds:
            told.append(self.network.save_figure(output))
        return [words for words in told if words]

    def by_hand(self) -> list[dict[str, Any]]:
        """Part 1: a few steps by hand."""
        game = ModelGame(self.chain, self.seed)
        game.start()
        moves = [game.act(action) for action in BY_HAND]
        if self.show:
            title("1. The environment by hand")
            say(
                "Five states in a row. Forward leads one state on and pays nothing, but 10 in the last state; "
                "backward leads to the start and pays 2. One time in five the other action is carried out."
            )
            rows = [
                [
                    self.chain.state_name(m.state),
                    game.names[m.action],
                    game.names[1 - m.action] if m.slipped else game.names[m.action],
                    f"{m.reward:g}",
                    self.chain.state_name(m.next_state),
                ]
                for m in moves
            ]
            print_table(["state", "chosen", "carried out", "reward", "next state"], rows, left=(0, 1, 2))
            slips = sum(bool(m.slipped) for m in moves)
            say(f"{slips} of {len(moves)} steps slipped. `qlearn play {ENVIRONMENT}` lets you try it yourself.")
        return [m.as_data() for m in moves]

    def truth(self) -> dict[str, Any]:
        """Part 2: what can be had at all."""
        from qlearn.planning import evaluate_policy, uniform_policy

        best = self.solution
        policies = {
            "always forward": np.zeros(5, dtype=np.int64),
            "always backward": np.ones(5, dtype=np.int64),
            "uniform": uniform_policy(self.chain),
        }
        values = {name: evaluate_policy(self.chain, policy, facts.STEPS) for name, policy in policies.items()}
        found: dict[str, tuple[float | None, float | None]] = {
            "best policy that sees the clock": (best.ceiling, None),
            **{name: (value.mean, value.sd) for name, value in values.items()},
        }
        if self.show:
            title("2. What is true")
            say(
                "The model is known, so the optimum is computed, not estimated (error at most "
                f"{best.error_bound:.0e}). At discount {facts.DISCOUNT} forward is best in every state."
            )
            print_q_table(self.chain, best.q[None], None, name="Exact values", symbol="Q*")
            rows = [
                [name, figure(mean, 4), figure(sd, 1), figure(facts.RETURNS[name][0], 4)]
                for name, (mean, sd) in found.items()
            ]
            print_table(["policy", "expected return", "sd of one game", "reference"], rows)
            say("Always forward is the optimum, 100%, in what follows; one game of it scatters by 279.")
        return {
            "q": best.q,
            "error_bound": best.error_bound,
            "optimum": best.expected_return,
            "expected_returns": {name: {"mean": mean, "sd": sd} for name, (mean, sd) in found.items()},
        }

    def agents(self) -> list[dict[str, Any]]:
        """Part 3: three agents on many seeds."""
        found, rows, data = self.comparison, [], []
        for agent, (mean, error), optimal in zip(found.agents, facts.VALUES, facts.SHARES, strict=True):
            own = agent.exact.standard_error or 0.0
            apart = words.apart(agent.exact.mean, mean, math.hypot(own, error))
            reached = agent.share_optimal or 0.0
            ours, theirs = f"{figure(agent.exact.mean, 1)} ± {own:.1f}", f"{figure(mean, 1)} ± {error:.1f}"
            rows.append([agent.name, ours, theirs, f"{apart:.1f}", share(reached), share(optimal)])
            data.append(
                {
                    "name": agent.name,
                    "exact_return": agent.exact_return,
                    "mean": agent.exact.mean,
                    "standard_error": own,
                    "reference": {"mean": mean, "standard_error": error, "share_optimal": optimal},
                    "apart_in_standard_errors": apart,
                    "share_optimal": reached,
                }
            )
        if self.show:
            title("3. Three agents")
            say(
                f"Each learns {facts.EPISODES} episodes of {facts.STEPS:,} steps on {self.rounds} seeds. What its "
                "greedy policy is worth is computed exactly; beside it what "
                f"{facts.ORIGINAL_ROUNDS:,} rounds of the original say (± standard error)."
            )
            heads = ["agent", "exact value", "original", "apart by (se)", "optimal", "original"]
            print_table(heads, rows)
            say(words.difference(found))
        return data

    def tournament(self) -> dict[str, Any]:
        """Part 4: one greedy game a round, the highest return wins."""
        from qlearn.comparison.wins import difference_sd, multinomial_sd

        found = self.comparison
        wins = [agent.wins for agent in found.agents]
        spread = [float(x) for x in multinomial_sd(np.array(wins))]
        printed = difference_sd(*facts.PRINTED_WINS[:2], 100)
        best = max(found.agents, key=lambda agent: agent.exact.mean)
        if self.show:
            title(f"4. The tournament: {self.rounds} rounds")
            rows = []
            for k, agent in enumerate(found.agents):
                mean, sd = facts.WINS[k]
                ours, exact = f"{wins[k]} ± {spread[k]:.1f}", figure(agent.wins_exact, 1)
                rows.append([agent.name, str(facts.PRINTED_WINS[k]), ours, f"{mean} ± {sd}", exact])
            print_table(["wins", "tutorial", "here", "original, of 100", "here, exact values"], rows)
            first, second, _ = facts.PRINTED_WINS
            say(
                f"± is the standard deviation of one such count. The tutorial's {second} against {first} differ by "
                f"{second - first}, and the standard deviation of such a difference is {printed:.1f}: that was noise."
            )
            say(
                f"The winner is not good: {best.name} is optimal in {share(best.share_optimal or 0.0)} of the runs, "
                f"and loses {figure(best.regret_percent, 1)}% of what could be had (original: 12.9%, 39%)."
            )
        return {
            "wins": wins,
            "wins_sd": spread,
            "wins_exact": [agent.wins_exact for agent in found.agents],
            "tutorial": facts.PRINTED_WINS,
            "original_per_100": [mean for mean, _ in facts.WINS],
            "original_sd": [sd for _, sd in facts.WINS],
            "sd_of_the_tutorials_difference": printed,
        }

    def tables(self) -> dict[str, Any]:
        """Part 5: the Q tables that the tutorial prints, and why the first agent is stuck."""
        runs = [agent.runs for agent in self.comparison.agents]
        forward = runs[0].greedy_policies()[:, :, 0]
        seen = (runs[0].visits.sum(axis=2) > 0).all(axis=1)
        locked = forward[seen].mean(axis=0) if seen.any() else np.full(5, np.nan)
        if self.show:
            title(f"5. The Q tables, of seed {self.seed}")
            print_q_table(
                self.chain, runs[0].q_table[:1], None, name="Reward sum: what each action paid, added up", symbol="sum"
            )
            for some in runs[1:]:
                print_q_table(self.chain, some.q_table[:1], self.solution.q, name=f"{some.label}, beside the true Q*")
            words.print_locked(locked, int(seen.sum()))
        return {
            "q_tables": {some.label: some.q_table[0].astype(float) for some in runs},
            "reward_sum_forward": locked,
            "reward_sum_forward_true": facts.LOCKED,
            "runs_with_all_states_visited": int(seen.sum()),
        }

    def learning_rates(self) -> list[dict[str, Any]]:
        """Part 6: smaller learning rates."""
        from qlearn.evaluation import evaluate
        from qlearn.training import train_many
        from qlearn.training.presets import tutorial_epsilon_greedy

        third, rates = tutorial_epsilon_greedy(), [rate for rate in facts.RATES if rate != facts.RATE]
        agents = [dataclasses.replace(third, learning_rate=rate) for rate in rates]
        agents.append(dataclasses.replace(third, form="code"))
        seeds = list(range(self.seed, self.seed + self.rounds))
        trained = train_many(agents, self.chain, episodes=facts.EPISODES, seeds=seeds)
        first = self.comparison.agents[2]
        code = trained.pop()
        data: list[dict[str, Any]] = []
        rows = []
        for rate, runs in zip([facts.RATE, *rates], [first.runs, *trained], strict=True):
            optimal = float(evaluate(runs).share_optimal)
            error = float(np.sqrt(np.mean((runs.q_table - self.solution.q) ** 2)))
            percent, reference = facts.RATES[rate]
            se = 100 * math.sqrt(percent / 100 * (1 - percent / 100) / self.rounds)
            rows.append([f"{rate:g}", share(optimal), f"{percent:.1f}% ± {se:.1f}", figure(error), figure(reference)])
            original = {"share_optimal": percent / 100, "error": reference}
            data.append({"learning_rate": rate, "share_optimal": optimal, "error": error, "reference": original})
        if self.show:
            title("6. What a smaller learning rate does")
            heads = ["learning rate", "optimal", f"original ± sd for {self.rounds} runs", "error of Q", "original"]
            print_table(heads, rows)
            say("The error is the root of the mean squared distance to Q*, over all runs, states and actions.")
            say(words.text_and_code(first.runs, code))
        return data
