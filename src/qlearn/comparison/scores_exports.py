"""Scores as plain data: text, JSON, CSV."""

from __future__ import annotations

import csv as csv_module
import io
from typing import TYPE_CHECKING, Any

from qlearn.comparison.exports import columns, pair_as_json, plain
from qlearn.comparison.words import interval, number, percent

if TYPE_CHECKING:
    from qlearn.comparison.scores import Scores

COLUMNS = ("agent", "environment", "seed", "score", "failed")


def text(scores: Scores) -> str:
    """Return a row for each task and agent: runs, mean with its interval, spread, failures, way to the optimum."""
    normal = scores.normalised
    rows: list[tuple[str, ...]] = [("task", "agent", "runs", f"{scores.metric}, mean", "95% interval", "sd", "failed")]
    of_optimum = normal is not None
    if of_optimum:
        rows[0] += ("of the way from control to optimum",)
    for task in scores.tasks:
        for agent in scores.agents:
            if (agent, task) not in scores.cells:
                continue
            mean, cell = scores.means[agent, task], scores.cells[agent, task]
            row: tuple[str, ...] = (
                task,
                agent,
                str(mean.n),
                number(mean.mean),
                interval(mean.interval),
                number(mean.sd),
            )
            row += (str(int(cell.failed.sum())),)
            if normal is not None:
                row += (percent(normal.means[agent, task].mean if task in normal.tasks else None),)
            rows.append(row)
    return columns(rows)


def csv(scores: Scores) -> str:
    """Return one line for each run."""
    out = io.StringIO()
    writer = csv_module.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for (agent, task), cell in scores.cells.items():
        for seed, value, failed in zip(cell.seeds, cell.values, cell.failed, strict=True):
            writer.writerow((agent, task, int(seed), float(value), int(failed)))
    return out.getvalue()


def as_json(scores: Scores) -> dict[str, Any]:
    """Return scores, means, differences and verdict as plain data."""
    means = scores.across.interquartile_means
    everything = {
        "metric": scores.metric,
        "agents": scores.agents,
        "tasks": scores.tasks,
        "paired": scores.paired,
        "margin": scores.margin,
        "optimum": dict(scores.optimum),
        "control": dict(scores.control),
        "cells": [
            {
                "agent": agent,
                "task": task,
                "seeds": cell.seeds,
                "scores": cell.values,
                "failed": cell.failed,
                "mean": scores.means[agent, task].mean,
                "interval": scores.means[agent, task].interval,
            }
            for (agent, task), cell in scores.cells.items()
        ],
        "interquartile_means": None
        if means is None
        else {agent: {"value": found.value, "interval": found.interval} for agent, found in means.items()},
        "improvements": [
            {"first": one, "second": other, "probability": found.probability, "interval": found.interval}
            for (one, other), found in scores.across.improvements.items()
        ],
        "differences": [pair_as_json(pair) for pair in scores.pairs],
        "verdict": scores.verdict,
        "notes": list(scores.notes),
    }
    cleaned: dict[str, Any] = plain(everything)
    return cleaned
