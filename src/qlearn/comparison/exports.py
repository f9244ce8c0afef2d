"""A comparison as plain data: text, JSON, CSV, LaTeX."""

from __future__ import annotations

import csv as csv_module
import io
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from qlearn.comparison.words import interval, number, percent
from qlearn.statistics import Improvement

if TYPE_CHECKING:
    from qlearn.comparison.pairs import Pair
    from qlearn.comparison.results import AgentResult, Comparison

HEADINGS = (
    "agent",
    "exact value, mean",
    "95% interval",
    "quartiles",
    "optimal policy",
    "95% interval",
    "regret",
    "online return",
    "95% interval",
    "diverged",
    "wins (one game, ties to the first)",
    "wins (exact, ties shared)",
)

BLOCKS = ((0, 1, 2, 3, 6), (0, 4, 5, 7, 8), (0, 9, 10, 11))
"""Columns that stand together where one line cannot hold them all."""


def cells(comparison: Comparison) -> list[tuple[str, ...]]:
    """Return the table's rows in words, one for each agent, under `HEADINGS`."""
    return [
        (
            agent.name,
            number(agent.exact.mean),
            interval(agent.exact.interval),
            " / ".join(number(value) for value in agent.quartiles),
            percent(agent.share_optimal),
            interval(agent.share_optimal_interval, percent),
            percent(None if agent.regret_percent is None else agent.regret_percent / 100),
            number(None if agent.online is None else agent.online.mean),
            interval(None if agent.online is None else agent.online.interval),
            str(agent.num_diverged),
            str(agent.wins),
            f"{agent.wins_exact:.1f}",
        )
        for agent in comparison.agents
    ]


def references(comparison: Comparison) -> list[tuple[str, str]]:
    """Return the reference values and what they are, in words."""
    truth = comparison.truth
    if truth is None:
        return []
    lines = [
        (f"optimum: greedy for Q* at discount {truth.discount:g}", number(truth.optimum, 1)),
        (f"ceiling: the best of policies that see the clock, {truth.horizon:,} steps", number(truth.ceiling, 1)),
        ("control: the uniform policy", number(truth.uniform, 1)),
    ]
    soft: dict[tuple[float, float], list[str]] = {}
    for agent in comparison.agents:
        if agent.exploring is not None:
            soft.setdefault((agent.exploring.epsilon, agent.exploring.best), []).append(agent.name)
    for (epsilon, best), names in soft.items():
        who = names[0] if len(names) == 1 else f"{len(names)} agents"
        lines.append((f"best policy that explores with ε {epsilon:.3g}, the last of {who}", number(best, 1)))
    return lines


def beats(comparison: Comparison) -> list[tuple[str, ...]]:
    """Return the matrix of probabilities that the row's agent beats the column's, in words."""
    names = [agent.name for agent in comparison.agents]
    return [
        (agent.name, *("" if other == agent.name else f"{agent.beats[other].probability:.2f}" for other in names))
        for agent in comparison.agents
    ]


def heading(comparison: Comparison) -> str:
    """Return what was done, in one line."""
    settings = comparison.settings
    unit = "steps" if settings["episodes"] is None else "episodes"
    n = len(comparison.seeds)
    return f"{comparison.environment.name}: {n} {'seed' if n == 1 else 'seeds'} × {settings[unit]:,} {unit}"


def text(comparison: Comparison) -> str:
    """Return the table as plain text: rows, reference values, and who beats whom."""
    rows = [HEADINGS, *cells(comparison)]
    parts = [heading(comparison)]
    for block in BLOCKS:
        parts += ["", columns([tuple(row[i] for i in block) for row in rows])]
    lines = references(comparison)
    if lines:
        parts += ["", columns([(what, value) for what, value in lines])]
    if len(comparison.agents) > 1:
        names = [agent.name for agent in comparison.agents]
        parts += ["", columns([("probability that a run of … beats one of", *names), *beats(comparison)])]
    return "\n".join(parts)


def columns(rows: list[Any]) -> str:
    """Return rows of cells as text: the first column to the left, the others to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        first, *others = row
        padded = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))]
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


def as_json(comparison: Comparison) -> dict[str, Any]:
    """Return everything but the tables as plain data; what does not exist is None, never NaN."""
    truth = comparison.truth
    everything = {
        "environment": comparison.environment.name,
        "optimum": comparison.optimum,
        "ceiling": comparison.ceiling,
        "uniform": comparison.uniform,
        "discount": comparison.discount,
        "horizon": comparison.settings["horizon"],
        "method": "rollouts" if truth is None else "exact",
        "agents": [_agent(agent) for agent in comparison.agents],
        "differences": [pair_as_json(pair) for pair in comparison.pairs],
        "verdict": comparison.verdict,
        "notes": list(comparison.notes),
        "seeds": comparison.seeds,
        "settings": comparison.settings,
        "versions": comparison.versions,
        "wall_time": comparison.wall_time,
        "command": comparison.command,
    }
    cleaned: dict[str, Any] = plain(everything)
    return cleaned


def _agent(agent: AgentResult) -> dict[str, Any]:
    return {
        "name": agent.name,
        "agent": agent.runs.settings.get("agent_written"),
        "exact_return": agent.exact_return,
        "exact_mean": agent.exact.mean,
        "exact_interval": agent.exact.interval,
        "quartiles": agent.quartiles,
        "standard_error": agent.evaluation.standard_error,
        "share_optimal": agent.share_optimal,
        "share_optimal_interval": agent.share_optimal_interval,
        "regret_percent": agent.regret_percent,
        "optimum": agent.evaluation.optimum,
        "discount": agent.evaluation.discount,
        "online_return": agent.online_return,
        "online_mean": None if agent.online is None else agent.online.mean,
        "online_interval": None if agent.online is None else agent.online.interval,
        "beats": {other: _improvement(found) for other, found in agent.beats.items()},
        "wins": agent.wins,
        "wins_exact": agent.wins_exact,
        "game_return": agent.games,
        "diverged": agent.num_diverged,
        "two_humped": agent.two_humped,
        "epsilon": None if agent.exploring is None else agent.exploring.epsilon,
        "epsilon_soft": agent.epsilon_soft,
    }


def _improvement(found: Improvement) -> dict[str, Any]:
    return {"probability": found.probability, "interval": found.interval}


def pair_as_json(pair: Pair) -> dict[str, Any]:
    """Return a difference as plain data."""
    found = pair.difference
    return {
        "first": pair.first,
        "second": pair.second,
        "task": pair.task or None,
        "difference": found.difference,
        "interval": found.interval,
        "method": found.method,
        "correlation": found.correlation,
        "detectable": found.detectable,
        "p_value": found.p_value,
        "p_value_holm": pair.p_value,
        "significant": pair.significant,
        "interval_together": pair.together,
        "at_least": pair.at_least,
        "equivalent": pair.equivalent,
    }


def plain(thing: Any) -> Any:
    """Return nested results as what JSON knows; numbers that are not finite become None.

    >>> plain({"a": np.array([1.0, np.nan]), "b": (0.0, math.inf)})
    {'a': [1.0, None], 'b': [0.0, None]}
    """
    if isinstance(thing, dict):
        return {str(key): plain(value) for key, value in thing.items()}
    if isinstance(thing, np.ndarray):
        return plain(thing.tolist())
    if isinstance(thing, list | tuple):
        return [plain(value) for value in thing]
    if isinstance(thing, np.generic):
        return plain(thing.item())
    if isinstance(thing, float):
        return thing if math.isfinite(thing) else None
    return thing


def csv(comparison: Comparison) -> str:
    """Return one line for each agent and seed; empty where a number does not exist."""
    out = io.StringIO()
    writer = csv_module.writer(out, lineterminator="\n")
    writer.writerow(("agent", "seed", "exact_return", "optimal", "online_return", "game_return", "diverged"))
    for agent in comparison.agents:
        optimal = agent.evaluation.optimal
        for i, seed in enumerate(comparison.seeds):
            online = float(agent.online_return[i])
            writer.writerow(
                (
                    agent.name,
                    int(seed),
                    agent.exact_return[i],
                    "" if optimal is None else int(optimal[i]),
                    online if math.isfinite(online) else "",
                    float(agent.games[i]),
                    int(agent.runs.diverged[i]),
                )
            )
    return out.getvalue()


_ESCAPES = {"&": r"\&", "%": r"\%", "_": r"\_", "#": r"\#", "$": r"\$", "−": "$-$", "ε": r"$\varepsilon$"}
_ESCAPES |= {
    "γ": r"$\gamma$",
    "λ": r"$\lambda$",
    "τ": r"$\tau$",
    "–": "--",
    "×": r"$\times$",
    "\\": r"\textbackslash{}",
}
_ESCAPES |= {"{": r"\{", "}": r"\}", "^": r"\^{}", "~": r"\~{}", "*": r"$^*$"}


def latex(comparison: Comparison) -> str:
    r"""Return the table as a LaTeX ``tabular``, reference values below."""
    rows = [
        r"\begin{tabular}{l" + "r" * (len(HEADINGS) - 1) + "}",
        r"\hline",
        _line(HEADINGS),
        r"\hline",
        *(_line(row) for row in cells(comparison)),
        r"\hline",
        *(_line((what, value, *[""] * (len(HEADINGS) - 2))) for what, value in references(comparison)),
        r"\hline",
        r"\end{tabular}",
    ]
    return f"% {heading(comparison)}\n" + "\n".join(rows) + "\n"


def _line(row: tuple[str, ...]) -> str:
    escaped = ("".join(_ESCAPES.get(letter, letter) for letter in cell) for cell in row)
    return " & ".join(escaped) + r" \\"
