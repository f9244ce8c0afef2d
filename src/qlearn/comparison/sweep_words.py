"""A sweep in words and as plain data."""

from __future__ import annotations

import csv as csv_module
import io
from typing import TYPE_CHECKING, Any

import numpy as np

from qlearn.comparison.exports import columns, plain
from qlearn.comparison.settings import shown
from qlearn.comparison.words import interval, number, percent
from qlearn.statistics import MOST_WITHOUT_SIGNIFICANCE, cautions, holm, paired_difference

if TYPE_CHECKING:
    from qlearn.comparison.sweeps import Point, Sweep

MOST_NAMED = 6  # settings that the verdict names one by one
METRIC_WORDS = {"final": "value of the greedy policy", "online": "mean online return"}


def heading(sweep: Sweep) -> str:
    """Return what was done, in one line."""
    told = sweep.settings
    unit = "steps" if told["episodes"] is None else "episodes"
    n, many = len(sweep.seeds), len(sweep.points)
    return f"{sweep.environment.name}: {many} settings × {n} {'seed' if n == 1 else 'seeds'} × {told[unit]:,} {unit}"


def headings(sweep: Sweep) -> tuple[str, ...]:
    """Return the table's columns: methods where there are several, settings, scores."""
    methods = ("method",) if len(sweep.methods) > 1 else ()
    scores = ("mean value" if sweep.metric == "final" else "mean return", "95% interval")
    return (*methods, *sweep.names, *scores, "optimal", "its interval", "diverged")


def cells(sweep: Sweep) -> list[tuple[str, ...]]:
    """Return the table's rows in words."""
    rows = []
    for point in sweep.points:
        methods = (point.method,) if len(sweep.methods) > 1 else ()
        values = tuple(shown(point.values[name]) if name in point.values else "" for name in sweep.names)
        mean = point.mean
        scored = (number(None if mean is None else mean.mean), interval(None if mean is None else mean.interval))
        share = (percent(point.share_optimal), interval(point.share, percent))
        rows.append((*methods, *values, *scored, *share, str(point.num_diverged)))
    return rows


def text(sweep: Sweep) -> str:
    """Return the table as plain text."""
    return f"{heading(sweep)}\n\n{columns([headings(sweep), *cells(sweep)])}"


def verdict(sweep: Sweep) -> str:
    """Return a line each: the best setting, which are not shown to be worse, and what it is worth on fresh seeds."""
    told = [" ".join(_chosen(sweep, point)) for point in sweep.bests]
    told += _confirmed(sweep)
    failed = sum(point.num_diverged for point in sweep.points)
    if failed:
        worst = max(sweep.points, key=lambda point: point.num_diverged)
        runs = "1 run" if failed == 1 else f"{failed} runs"
        told.append(f"{runs} diverged, most with {worst.name} ({worst.num_diverged}); they count like all others.")
    notes = [*cautions(len(sweep.seeds)), *sweep.notes]
    return "\n".join([*told, *(f"Note: {note.rstrip('.')}." for note in notes)])


def rivals(sweep: Sweep, best: Point) -> list[Point]:
    """Return the same method's settings that are not shown to be worse than its best: paired by seed, Holm, 5%."""
    others = [point for point in sweep.points if point.method == best.method and point is not best]
    scored = [point for point in others if point.mean is not None and best.mean is not None]
    if not scored or len(sweep.seeds) <= MOST_WITHOUT_SIGNIFICANCE:
        return scored
    found = [paired_difference(best.scores, point.scores) for point in scored]
    tested = [one.p_value for one in found if one.p_value is not None]
    corrected = iter(holm(tested).tolist())
    p_values = [None if one.p_value is None else next(corrected) for one in found]
    return [point for point, p in zip(scored, p_values, strict=True) if p is None or p >= 0.05]


def _chosen(sweep: Sweep, best: Point) -> list[str]:
    who = f"Of {best.method}" if len(sweep.methods) > 1 else "Of these"
    many = sum(point.method == best.method for point in sweep.points)
    score = f"a mean {METRIC_WORDS[sweep.metric]} of {number(best.score)}"
    found = f"{who}, the best of {many} settings is {best.name}, with {score}"
    if best.share_optimal is not None:
        found += f" and {percent(best.share_optimal)} of its policies optimal"
    told = [f"{found}; chosen by this number, it is biased upwards."]
    near = rivals(sweep, best)
    if near and len(sweep.seeds) > MOST_WITHOUT_SIGNIFICANCE:
        names = "; ".join(point.name for point in near[:MOST_NAMED]) + ("; …" if len(near) > MOST_NAMED else "")
        told.append(f"Not shown to be worse ({len(near)} of {many - 1}; paired by seed, Holm): {names}.")
    elif many > 1 and len(sweep.seeds) > MOST_WITHOUT_SIGNIFICANCE:
        told.append("All others are worse (paired by seed, Holm, 5%).")
    edge = _at_the_edge(sweep, best) if sweep.study is None else ""  # a search tries what lies between its ends
    return told + ([edge] if edge else [])


def _at_the_edge(sweep: Sweep, best: Point) -> str:
    """Say where the best value is the lowest or highest that was tried, so that a better one may lie beyond."""
    found = []
    for name, value in best.values.items():
        tried = [point.values[name] for point in sweep.points if point.method == best.method]
        if all(isinstance(one, int | float) and not isinstance(one, bool) for one in tried) and len(set(tried)) > 2:
            end = "lowest" if value == min(tried) else "highest" if value == max(tried) else None
            found += [f"{name} {shown(value)} is the {end} value tried"] if end else []
    return f"Mind the edge: {'; '.join(found)}." if found else ""


def _confirmed(sweep: Sweep) -> list[str]:
    held = sweep.confirmation
    if held is None:
        return ["The best was not run on fresh seeds, so no unbiased number is known."]
    told = []
    for point, row in zip(sweep.bests, held.agents, strict=True):
        mean = row.exact if sweep.metric == "final" else row.online
        words = "no score" if mean is None else f"{number(mean.mean)} ({interval(mean.interval)})"
        share = "" if row.share_optimal is None else f", {percent(row.share_optimal)} of its policies optimal"
        who = f"{point.method} with {point.name}" if len(sweep.methods) > 1 else point.name
        told.append(f"On {len(held.seeds)} fresh seeds, {who} has {words}{share}: this is the number to report.")
    if len(sweep.methods) > 1:
        told.append(
            f"Tuned with {len(sweep.points) // len(sweep.methods)} settings each, on those seeds: {held.verdict}"
        )
    return told


def as_json(sweep: Sweep) -> dict[str, Any]:
    """Return everything as plain data; what does not exist is None, never NaN."""
    found: dict[str, Any] = plain(
        {
            "environment": sweep.environment.name,
            "metric": sweep.metric,
            "names": list(sweep.names),
            "points": [_point(point) for point in sweep.points],
            "best": [_point(point) for point in sweep.bests],
            "verdict": sweep.verdict,
            "confirmation": None if sweep.confirmation is None else sweep.confirmation.to_json(),
            "optimum": None if sweep.truth is None else sweep.truth.optimum,
            "uniform": None if sweep.truth is None else sweep.truth.uniform,
            "seeds": sweep.seeds,
            "settings": sweep.settings,
            "study": sweep.study,
            "versions": sweep.versions,
            "notes": list(sweep.notes),
            "wall_time": sweep.wall_time,
            "command": sweep.command,
        }
    )
    return found


def _point(point: Point) -> dict[str, Any]:
    from qlearn.training import written_agent

    numbers = {key: value if isinstance(value, int | float) else shown(value) for key, value in point.values.items()}
    return {
        "method": point.method,
        "values": numbers,
        "agent": written_agent(point.agent),
        "scores": point.scores,
        "mean": None if point.mean is None else point.mean.mean,
        "interval": None if point.mean is None else point.mean.interval,
        "share_optimal": point.share_optimal,
        "share_optimal_interval": point.share,
        "diverged": point.num_diverged,
    }


def csv(sweep: Sweep) -> str:
    """Return one line for each setting and seed; empty where a number does not exist."""
    out = io.StringIO()
    writer = csv_module.writer(out, lineterminator="\n")
    writer.writerow(("method", *sweep.names, "seed", "score", "optimal"))
    for point in sweep.points:
        values = [shown(point.values[name]) if name in point.values else "" for name in sweep.names]
        for i, seed in enumerate(sweep.seeds):
            score = float(point.scores[i])
            optimal = "" if point.optimal is None else int(point.optimal[i])
            writer.writerow((point.method, *values, int(seed), score if np.isfinite(score) else "", optimal))
    return out.getvalue()
