"""The verdict on a comparison: what the evidence says, in plain words, and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qlearn.comparison.pair_words import differences
from qlearn.comparison.scores_verdict import failures, notes_of
from qlearn.comparison.words import interval, listed, number, percent

if TYPE_CHECKING:
    from qlearn.comparison.results import AgentResult, Comparison

MOST_DISTANCES = 6


def verdict(comparison: Comparison) -> str:
    """Return a paragraph: differences first, then how far all are from the optimum, who failed, and what limits it."""
    return " ".join(sentences(comparison))


def sentences(comparison: Comparison) -> list[str]:
    """Return the verdict's parts, each a sentence or two."""
    what = "exact values" if comparison.truth is not None else "values by rollouts"
    names = [agent.name for agent in ranked(comparison)]
    scores = comparison.scores
    return [
        *differences(scores, names, what),
        *_distance(comparison),
        *failures(scores),
        *notes_of(list(comparison.notes)),
    ]


def ranked(comparison: Comparison) -> list[AgentResult]:
    """Return the agents by their mean exact value, highest first."""
    return sorted(comparison.agents, key=lambda agent: -agent.exact.mean)


def _distance(comparison: Comparison) -> list[str]:
    if comparison.truth is None:
        return ["No model is known, so how far this is from the optimum cannot be said."]
    best, *others = ranked(comparison)
    told = []
    regret = best.regret_percent
    share = best.share_optimal
    if regret is not None and share is not None:
        who = best.name
        about = "has the highest mean and" if others else "in the mean"
        lost = _lost(regret, best)
        within = "" if best.share_optimal_interval is None else f" ({interval(best.share_optimal_interval, percent)})"
        told.append(f"{who} {about} {lost}; {percent(share)} of its runs{within} learnt an optimal policy.")
        if others:
            rest = [_briefly(agent) for agent in others[:MOST_DISTANCES]]
            more = len(others) - MOST_DISTANCES
            told.append(f"The others: {listed([*rest, f'{more} more'] if more > 0 else rest, '; ')}.")
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


def _briefly(agent: AgentResult) -> str:
    regret, optimum = agent.regret_percent, agent.evaluation.optimum
    if regret is None or optimum is None or agent.share_optimal is None:
        return f"{agent.name}, whose optimum is not known"
    lost = percent(regret / 100) if abs(regret) <= 100 else number(optimum - agent.exact.mean)
    return f"{agent.name} loses {lost}, {percent(agent.share_optimal)} of its runs optimal"
