"""The verdict on scores: differences, distance from the optimum, failures, and what limits all three."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from qlearn.comparison.pair_words import differences
from qlearn.comparison.words import interval, listed, number, percent
from qlearn.statistics import cautions

if TYPE_CHECKING:
    from qlearn.comparison.scores import Scores


def scores_verdict(scores: Scores) -> str:
    """Return a paragraph: who is better, how far all are from the optimum, who failed, and what limits it."""
    return " ".join(sentences(scores))


def sentences(scores: Scores) -> list[str]:
    """Return the verdict's parts, each a sentence or two."""
    ranking = ranked(scores)
    return [*differences(scores, ranking), *_distance(scores, ranking), *failures(scores), *notes_of(limits(scores))]


def ranked(scores: Scores) -> list[str]:
    """Return the agents, best first: by interquartile mean, or by mean score on one task, or by runs won."""
    means = scores.across.interquartile_means
    if means is not None and len(scores.tasks) > 1:
        return sorted(scores.agents, key=lambda agent: -means[agent].value)
    if len(scores.tasks) == 1:
        return sorted(scores.agents, key=lambda agent: -scores.means[agent, scores.tasks[0]].mean)
    won = dict.fromkeys(scores.agents, 0.0)
    for (first, second), chance in scores.across.improvements.items():
        won[first] += chance.probability
        won[second] += 1 - chance.probability
    return sorted(scores.agents, key=lambda agent: -won[agent])


def failures(scores: Scores) -> list[str]:
    """Return who failed how often; nothing where nobody did."""
    told = []
    for agent in scores.agents:
        failed, runs, share = scores.failures(agent)
        if failed:
            within = interval(share, percent)
            told.append(f"{agent} in {failed} of {runs} runs ({percent(failed / runs)}; {within})")
    return [f"Failed: {listed(told)}; failed runs count with what they scored."] if told else []


def limits(scores: Scores) -> list[str]:
    """Return what has to be known about these numbers."""
    found = list(scores.notes)
    found += [note for note in cautions(scores.fewest_runs) if note not in found]
    for agent, task in scores.two_humped:
        where = f" on {task}" if len(scores.tasks) > 1 else ""
        found.append(f"the runs of {agent}{where} fall into two camps, for which a mean speaks badly: look at each")
    missing = len(scores.agents) * len(scores.tasks) - len(scores.cells)
    if missing:
        found.append(
            f"{missing} of {len(scores.agents) * len(scores.tasks)} pairs of agent and task have no runs; what is said "
            f"over tasks is said of the {len(scores.shared_tasks)} on which all agents have some"
        )
    return found


def notes_of(remarks: list[str]) -> list[str]:
    """Return remarks as sentences."""
    return [f"Note: {note.rstrip('.')}." for note in remarks]


def _distance(scores: Scores, ranking: list[str]) -> list[str]:
    normal = scores.normalised
    if normal is None:
        if len(scores.tasks) == 1 and scores.tasks[0] in scores.optimum:
            return [_from_optimum(scores, ranking)]
        return ["How far this is from the optimum cannot be said, as no optimum is known."]
    told = [_way(scores, ranking)]
    poor = []
    for agent in ranking:
        for task in normal.tasks:
            mean = scores.means[agent, task]
            if (mean.mean if mean.interval is None else mean.interval.low) <= scores.control[task]:
                poor.append(agent if len(scores.tasks) == 1 else f"{agent} on {task}")
    if poor:
        told.append(f"Not shown to be better than acting at random: {listed(poor)}.")
    return told


def _from_optimum(scores: Scores, ranking: list[str]) -> str:
    task = scores.tasks[0]
    best = scores.optimum[task]
    short = [f"{agent} by {number(best - scores.means[agent, task].mean)}" for agent in ranking]
    return f"The optimum is {number(best)}; the means fall short of it: {listed(short)}."


def _way(scores: Scores, ranking: list[str]) -> str:
    """How much of the way from acting at random to the optimum each agent goes."""
    normal = scores.normalised
    assert normal is not None
    if len(normal.tasks) == 1:
        task = normal.tasks[0]
        parts = []
        for agent in ranking:
            mean = normal.means[agent, task]
            within = "" if mean.interval is None else f" ({interval(mean.interval, percent)})"
            parts.append(f"{agent} {percent(mean.mean)}{within}")
        ends = f"({number(scores.control[task])}) to the optimum ({number(scores.optimum[task])})"
        return f"Of the way from acting at random {ends} the means go: {listed(parts)}."
    means = scores.across.interquartile_means
    assert means is not None
    parts = []
    for agent in ranking:
        value, bounds = means[agent].value, means[agent].interval
        parts.append(f"{agent} {percent(value)}" + ("" if bounds is None else f" ({interval(bounds, percent)})"))
    of = "" if len(normal.tasks) == len(scores.tasks) else f" of the {len(scores.tasks)}, those with a known optimum"
    told = f"Of the way from acting at random to the optimum, over {len(normal.tasks)} tasks{of} (interquartile mean): "
    return told + f"{listed(parts)}. {_least(normal)}"


def _least(normal: Scores) -> str:
    """Where even the best agent is furthest from the optimum."""
    best = {task: max(normal.means[agent, task].mean for agent in normal.agents) for task in normal.tasks}
    task = min(best, key=lambda name: best[name])
    who = normal.agents[int(np.argmax([normal.means[agent, task].mean for agent in normal.agents]))]
    return f"{task} is the furthest from solved: the best there, {who}, goes {percent(best[task])} of the way."
