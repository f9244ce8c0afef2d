"""The page of a sweep: what to set, how much hangs on it, and what the choice is worth on fresh seeds."""

from __future__ import annotations

import itertools
from typing import Any

from qlearn.comparison.sweep_words import METRIC_WORDS, cells, heading, headings
from qlearn.comparison.sweeps import Sweep
from qlearn.comparison.words import interval, number, percent
from qlearn.reports.comparison_page import comparison_sections, data_section
from qlearn.reports.html import Html, element, joined, table
from qlearn.reports.page import Section, page, paragraphs
from qlearn.reports.picture import picture
from qlearn.reports.settings_part import reproduced, seeds_in_words, versions_table

MOST_MAPS = 6


def sweep_page(sweep: Sweep) -> str:
    """Return a sweep as one HTML page."""
    many, n = len(sweep.points), len(sweep.seeds)
    sections = [
        Section("verdict", "Verdict", paragraphs(sweep.verdict.splitlines(), class_="verdict")),
        Section("sensitivity", "Sensitivity", _curves(sweep)),
        *_maps(sweep),
        Section("table", "Every setting", _table(sweep)),
        *_confirmed(sweep),
        _settings(sweep),
        data_section(sweep),
    ]
    return page(heading(sweep), f"{many} settings, {many * n:,} independent runs.", sections)


def _curves(sweep: Sweep) -> Html:
    from qlearn.reports.sensitivity import MOST_CURVES, sensitivity

    parts = []
    for i, name in enumerate(sweep.names):
        curves = sweep.curves(name)
        told = []
        for curve in curves[:MOST_CURVES]:
            rows = [f"{number(None if p.mean is None else p.mean.mean)} at {p.values[name]}" for p in curve.points]
            told.append(f"{curve.name}: {', '.join(rows[:40])}")
        words = f"Mean {METRIC_WORDS[sweep.metric]} over {name}. " + "; ".join(told) + "."
        caption = "Mean over seeds with its 95% interval"
        caption += ", beside the share of runs whose policy is optimal." if sweep.truth is not None else "."
        if len(curves) > MOST_CURVES:
            caption += f" Of {len(curves)} lines, those through the best settings are in colour."
        parts.append(picture(sensitivity(sweep, name), f"sensitivity-{i + 1}", words, caption))
    return joined(parts)


def _maps(sweep: Sweep) -> list[Section]:
    from qlearn.reports.sensitivity import interaction

    parts: list[Any] = []
    for method in sweep.methods if sweep.study is None else ():
        point = next(point for point in sweep.points if point.method == method)
        for across, down in list(itertools.combinations(point.values, 2))[:MOST_MAPS]:
            best = max((p for p in sweep.points if p.method == method), key=lambda p: p.score)
            words = f"Heat map of {method}'s mean score over {across} and {down}; the best is {best.name}"
            words += f" with {number(best.score)}."
            name = f"interaction-{len(parts) + 1}"
            parts.append(picture(interaction(sweep, across, down, method), name, words, themed=False))
    if not parts:
        return []
    caption = "The square marks the best. Where more than two settings vary, a cell shows the best of the others."
    return [Section("interactions", "Settings together", joined([*parts, element("p", caption)]))]


def _table(sweep: Sweep) -> Html:
    return table("One row for each setting", headings(sweep), cells(sweep))


def _confirmed(sweep: Sweep) -> list[Section]:
    held = sweep.confirmation
    if held is None:
        return []
    rows = []
    for point, row in zip(sweep.bests, held.agents, strict=True):
        mean = row.exact if sweep.metric == "final" else row.online
        rows.append(
            (
                f"{point.method}, {point.name}",
                number(point.score),
                number(None if mean is None else mean.mean),
                interval(None if mean is None else mean.interval),
                percent(row.share_optimal),
            )
        )
    head = ("setting", "where it was chosen (biased)", "on fresh seeds", "95% interval", "optimal policy")
    words = f"Fresh seeds {seeds_in_words(held.seeds)}. A setting chosen by its score looks better there than it is."
    return [
        Section("fresh", "On fresh seeds", joined([element("p", words), table("The best settings again", head, rows)])),
        *(comparison_sections(held)[2:] if len(held.agents) > 1 else comparison_sections(held)[2:4]),
    ]


def _settings(sweep: Sweep) -> Section:
    told = sweep.settings
    unit = "steps" if told["episodes"] is None else "episodes"
    rows = [
        ("environment", sweep.environment.name),
        ("budget of each seed", f"{told[unit]:,} {unit}"),
        ("seeds that chose", seeds_in_words(sweep.seeds)),
        ("chosen by", f"mean {METRIC_WORDS[sweep.metric]}"),
        ("horizon of all values", "none" if told["horizon"] is None else f"{told['horizon']:,} steps"),
        *([("search", sweep.study)] if sweep.study else []),
        ("wall time", f"{sweep.wall_time:.1f} s"),
    ]
    bests = [(point.method, repr(point.agent)[:600]) for point in sweep.bests]
    parts = [
        table("The sweep", ("what", "setting"), rows, numbers=False),
        table("The best, with all settings", ("method", "description"), bests, numbers=False),
        versions_table(sweep.versions),
        *reproduced(sweep.command),
    ]
    return Section("settings", "Settings", joined(parts))
