"""The verdict: what the evidence says, in plain words, and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qlearn.comparison.words import interval, number, percent, probability
from qlearn.statistics import MOST_WITHOUT_SIGNIFICANCE

if TYPE_CHECKING:
    from qlearn.comparison.pairs import Pair
    from qlearn.comparison.results import AgentResult, Comparison

MOST_PAIRS_IN_FULL = 6
"""With more pairs only the best agent's are told; all stand in ``pairs``."""


def verdict(comparison: Comparison) -> str:
    """Return a paragraph: differences first, then how far all are from the optimum, then what limits both."""
    told = [*_differences(comparison), *_distance(comparison), *_limits(comparison)]
    return " ".join(told)


def ranked(comparison: Comparison) -> list[AgentResult]:
    """Return the agents by their mean exact value, highest first."""
    return sorted(comparison.agents, key=lambda agent: -agent.exact.mean)


def _differences(comparison: Comparison) -> list[str]:
    n, best = len(comparison.seeds), ranked(comparison)[0]
    if len(comparison.agents) == 1:
        return [f"{_capital(best.name)} was trained alone, so nothing is compared; its mean is {_mean(best)}."]
    if n <= MOST_WITHOUT_SIGNIFICANCE:
        runs = "one run" if n == 1 else f"{n} runs"
        means = ", ".join(f"{agent.name} {number(agent.exact.mean)}" for agent in ranked(comparison))
        return [f"With {runs} each no difference is claimed; the means are {means}."]
    pairs, rest = comparison.pairs, ""
    if len(pairs) > MOST_PAIRS_IN_FULL:
        pairs = tuple(pair for pair in pairs if best.name in (pair.first, pair.second))
        rest = " Only pairs with the agent of the highest mean are told here."
    clear = [_clear(pair) for pair in pairs if pair.significant]
    unclear = [_unclear(pair) for pair in pairs if not pair.significant]
    what = "exact values" if comparison.truth is not None else "values by rollouts"
    how = (
        f"Differences of mean {what} over the same {n} seeds, each with its 95% interval; p-values are "
        f"corrected for {len(comparison.pairs)} {'pair' if len(comparison.pairs) == 1 else 'pairs'} (Holm).{rest}"
    )
    warning = ["No difference found is not evidence that they are equal."] if unclear else []
    return [how, *clear, *unclear, *warning]


def _clear(pair: Pair) -> str:
    found = pair.difference
    better, worse = (pair.first, pair.second) if found.difference > 0 else (pair.second, pair.first)
    bounds = found.interval
    assert bounds is not None  # only what was tested is significant
    low, high = sorted((abs(bounds.low), abs(bounds.high)))
    p = probability(pair.p_value)
    return (
        f"{_capital(better)} is better than {worse} by {number(abs(found.difference))} "
        f"({number(low)} to {number(high)}; p {p})."
    )


def _unclear(pair: Pair) -> str:
    found = pair.difference
    if found.difference == 0 and found.detectable == 0:
        return f"{_capital(pair.first)} and {pair.second} have the same value in every seed."
    if found.interval is None:
        return f"Between {pair.first} and {pair.second} no test is possible."
    told = f"No difference was found between {pair.first} and {pair.second}: "
    bounds = f"{number(found.interval.low)} to {number(found.interval.high)}"
    told += f"{number(found.difference)} ({bounds}; p {probability(pair.p_value)})"
    if not found.detectable:
        return told + "."
    return told + f"; a true one of {number(found.detectable)} would have been found with probability 0.8."


def _distance(comparison: Comparison) -> list[str]:
    if comparison.truth is None:
        return ["No model is known, so how far this is from the optimum cannot be said."]
    best = ranked(comparison)[0]
    told = []
    regret = best.regret_percent
    share = best.share_optimal
    if regret is not None and share is not None:
        who = _capital(best.name)
        about = "has the highest mean and" if len(comparison.agents) > 1 else "in the mean"
        lost = _lost(regret, best)
        within = "" if best.share_optimal_interval is None else f" ({interval(best.share_optimal_interval, percent)})"
        told.append(f"{who} {about} {lost}; {percent(share)} of its runs{within} learnt an optimal policy.")
    control = comparison.truth.uniform
    poor = [
        agent.name
        for agent in comparison.agents
        if (agent.exact.mean if agent.exact.interval is None else agent.exact.interval.low) <= control
    ]
    if poor:
        told.append(f"Not shown to be better than acting at random ({number(control)}): {', '.join(poor)}.")
    return told


def _lost(regret: float, best: AgentResult) -> str:
    optimum, value = best.evaluation.optimum, best.exact.mean
    if optimum is None or abs(regret) < 0.005:
        return f"reaches the optimum of {number(optimum)} to within 0.005%"
    if regret > 100:
        return f"falls short of the optimum of {number(optimum)} by {number(optimum - value)}"
    return f"loses {percent(regret / 100)} of the optimum of {number(optimum)}"


def _limits(comparison: Comparison) -> list[str]:
    return [f"Note: {note.rstrip('.')}." for note in comparison.notes]


def _mean(agent: AgentResult) -> str:
    if agent.exact.interval is None:
        return f"{number(agent.exact.mean)}, of one run"
    return f"{number(agent.exact.mean)} (95% interval {interval(agent.exact.interval)})"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:] if text[:1].isascii() else text
