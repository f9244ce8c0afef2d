"""Differences between agents in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qlearn.comparison.words import interval, listed, number, probability
from qlearn.statistics import MOST_WITHOUT_SIGNIFICANCE

if TYPE_CHECKING:
    from qlearn.comparison.pairs import Pair
    from qlearn.comparison.scores import Scores

MOST_PAIRS_IN_FULL = 6
"""With more pairs only the best agent's are told; all stand in ``pairs``."""

MOST_TASKS_NAMED = 4


def differences(scores: Scores, ranking: Sequence[str], what: str | None = None) -> list[str]:
    """Return what is known of every two agents, or of the best against each.

    Args:
        scores: what the differences are of.
        ranking: the agents' names, best first.
        what: a score's name in the plural; ``"scores"`` with the metric unless given.
    """
    if len(ranking) == 1:
        return [_alone(scores, ranking[0])]
    if scores.fewest_runs <= MOST_WITHOUT_SIGNIFICANCE:
        return [_too_few(scores, ranking)]
    pairs, rest = scores.pairs, ""
    if len(pairs) > MOST_PAIRS_IN_FULL * len(scores.tasks):
        pairs = tuple(pair for pair in pairs if ranking[0] in (pair.first, pair.second))
        rest = f" Only pairs with {ranking[0]}, which comes first, are told here."
    if not pairs:
        return ["No two agents have runs on the same task, so nothing is compared."]
    several = len(scores.tasks) > 1
    told = _by_task(scores, pairs) if several else _in_full(pairs, scores.margin)
    warning = "No difference found is not evidence that they are equal."
    unclear = any(not pair.significant and not pair.equivalent for pair in pairs)
    return [_how(scores, what) + rest, *told, *([warning] if unclear else [])]


def _alone(scores: Scores, name: str) -> str:
    task, rest = scores.tasks[0], ""
    if len(scores.tasks) > 1:
        rest = f" on {task}"
    mean = scores.means[name, task]
    told = f"{number(mean.mean)}, of one run" if mean.interval is None else number(mean.mean)
    told += "" if mean.interval is None else f" (95% interval {interval(mean.interval)})"
    return f"{name} was trained alone, so nothing is compared; its mean{rest} is {told}."


def _too_few(scores: Scores, ranking: Sequence[str]) -> str:
    n = scores.fewest_runs
    runs = "one run" if n == 1 else f"{n} runs"
    if len(scores.tasks) > 1:
        return f"With {runs} each no difference is claimed; the means stand in the table."
    means = ", ".join(f"{name} {number(scores.means[name, scores.tasks[0]].mean)}" for name in ranking)
    return f"With {runs} each no difference is claimed; the means are {means}."


def _how(scores: Scores, what: str | None) -> str:
    sizes = sorted({len(cell.values) for cell in scores.cells.values()})
    n = str(sizes[0]) if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
    methods = {pair.difference.method for pair in scores.pairs}
    named = what or ("scores" if scores.metric == "score" else f"scores ({scores.metric})")
    runs = f"over the same {n} seeds" if methods == {"paired"} else f"of {n} independent runs each (Welch)"
    if len(methods) > 1:
        runs = f"over {n} runs each, paired where the seeds are the same (Welch elsewhere)"
    m = len(scores.pairs)
    where = f" on {len(scores.tasks)} tasks" if len(scores.tasks) > 1 else ""
    together = "" if m == 1 else ", and “at least” is meant for all of them together"
    if where:
        told = f"corrected for {m} differences (Holm){together}"
        if not all(pair.significant or pair.equivalent for pair in scores.pairs):
            told += "; what would have been found is meant with probability 0.8"
    else:
        how_many = "1 pair" if m == 1 else f"{m} pairs"
        told = f"each with its 95% interval; p-values are corrected for {how_many} (Holm){together}"
    return f"Differences of mean {named}{where} {runs}, {told}."


def _in_full(pairs: Sequence[Pair], margin: float | None) -> list[str]:
    clear = [_clear(pair, margin) for pair in pairs if pair.significant]
    return clear + [_unclear(pair, margin) for pair in pairs if not pair.significant]


def _clear(pair: Pair, margin: float | None) -> str:
    found = pair.difference
    better, worse = (pair.first, pair.second) if found.difference > 0 else (pair.second, pair.first)
    bounds = found.interval
    assert bounds is not None  # only what was tested is significant
    low, high = sorted((abs(bounds.low), abs(bounds.high)))
    told = f"{better} is better than {worse} by {number(abs(found.difference))}"
    told += f" ({number(low)} to {number(high)}; p {probability(pair.p_value)})"
    told += f", at least {number(pair.at_least)}" if pair.at_least else ""
    return told + (f"; yet less than the margin of {number(margin)}." if pair.equivalent else ".")


def _unclear(pair: Pair, margin: float | None) -> str:
    found = pair.difference
    if found.difference == 0 and found.detectable == 0:
        runs = "seed" if found.method == "paired" else "run"
        return f"{pair.first} and {pair.second} have the same value in every {runs}."
    if found.interval is None:
        return f"Between {pair.first} and {pair.second} no test is possible."
    bounds = f"{number(found.interval.low)} to {number(found.interval.high)}"
    told = f"{number(found.difference)} ({bounds}; p {probability(pair.p_value)})"
    if pair.equivalent:
        return f"{pair.first} and {pair.second} are equal to within the margin of {number(margin)}: {told}."
    told = f"No difference was found between {pair.first} and {pair.second}: {told}"
    if not found.detectable:
        return told + "."
    return told + f"; a true one of {number(found.detectable)} would have been found with probability 0.8."


def _by_task(scores: Scores, pairs: Sequence[Pair]) -> list[str]:
    """One sentence for every two agents, over all tasks."""
    together: dict[tuple[str, str], list[Pair]] = {}
    for pair in pairs:
        together.setdefault((pair.first, pair.second), []).append(pair)
    return [_two(scores, first, second, found) for (first, second), found in together.items()]


def _two(scores: Scores, first: str, second: str, pairs: Sequence[Pair]) -> str:
    better = [pair for pair in pairs if pair.significant and pair.difference.difference > 0]
    worse = [pair for pair in pairs if pair.significant and pair.difference.difference < 0]
    if len(worse) > len(better):  # told from the side that wins more often
        first, second, better, worse = second, first, worse, better
    same = [pair for pair in pairs if not pair.significant and pair.equivalent]
    unclear = [pair for pair in pairs if not pair.significant and not pair.equivalent]
    parts = []
    if better:
        parts.append(f"is better than {second} on {len(better)} of {_tasks(len(pairs))} ({_named(better, _by)})")
    if worse:
        parts.append(f"is worse{'' if better else f' than {second}'} on {len(worse)} ({_named(worse, _by)})")
    if same:
        whom = "it" if better or worse else second
        parts.append(f"is equal to {whom} to within the margin on {len(same)} ({_named(same, lambda _: '')})")
    if unclear:
        on = f"on {len(unclear)}" if better or worse or same else f"on any of {_tasks(len(pairs))}"
        lead = "" if better or worse or same else f" against {second}"
        parts.append(f"shows no difference{lead} {on} ({_named(unclear, _could)})")
    told = f"{first} {'; '.join(parts)}."
    chance = scores.across.improvements.get((first, second))
    if chance is None and (turned := scores.across.improvements.get((second, first))) is not None:
        chance = turned.turned()
    if chance is None or len(pairs) < 2:
        return told
    within = "" if chance.interval is None else f" ({interval(chance.interval, '{:.2f}'.format)})"
    return (
        f"{told[:-1]}; a run of it beats one of {second} with probability {chance.probability:.2f}{within} over tasks."
    )


def _tasks(count: int) -> str:
    return f"{count} {'task' if count == 1 else 'tasks'}"


def _named(pairs: Sequence[Pair], words: object) -> str:
    told = [f"{pair.task}{words(pair)}" for pair in pairs[:MOST_TASKS_NAMED]]  # type: ignore[operator]
    more = len(pairs) - MOST_TASKS_NAMED
    return listed([*told, f"{more} more"] if more > 0 else told)


def _by(pair: Pair) -> str:
    least = f", at least {number(pair.at_least)}" if pair.at_least else ""
    return f" by {number(abs(pair.difference.difference))}{least}"


def _could(pair: Pair) -> str:
    found = pair.difference.detectable
    return f", where {number(found)} would have been found" if found else ""
