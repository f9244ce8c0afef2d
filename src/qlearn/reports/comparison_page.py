"""The page of a comparison: verdict first, then what it rests on, then how to make it again."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from qlearn.comparison import Comparison
from qlearn.comparison.exports import cells, heading, references
from qlearn.comparison.verdict import ranked, sentences
from qlearn.comparison.words import interval, number, percent, probability
from qlearn.environments import FiniteMDP
from qlearn.reports.html import Html, element, joined, named, table
from qlearn.reports.page import Section, download, page, paragraphs
from qlearn.reports.picture import picture
from qlearn.reports.settings_part import settings_section

MOST_DRAWN = 10  # agents in a picture: more curves than that nobody tells apart
MOST_TABLES = 4  # agents whose Q table is drawn
MOST_CELLS = 20_000  # states times actions up to which tables and policies make a picture
MOST_DRAWN_STATES = 400  # of the problem's own drawing
_HEADINGS = (
    "agent",
    "exact value, mean and 95% interval",
    "quartiles",
    "optimal policy, 95% interval",
    "regret",
    "online return, 95% interval",
    "wins, one game",
    "wins, exact",
    "diverged",
)


def comparison_page(comparison: Comparison) -> str:
    """Return a comparison as one HTML page.

    >>> import qlearn as ql
    >>> found = ql.compare([ql.QLearning()], "NChain-v0", episodes=4, seeds=3, snapshots=2)
    >>> comparison_page(found).count("<svg")
    6
    """
    n, agents = len(comparison.seeds), len(comparison.agents)
    whole = f"{n * agents:,} independent {'run' if n * agents == 1 else 'runs'}"
    told = f"{agents} {'agent' if agents == 1 else 'agents'}, {whole}."
    sections = [*comparison_sections(comparison), settings_section(comparison), data_section(comparison)]
    return page(heading(comparison), told, sections)


def comparison_sections(comparison: Comparison, prefix: str = "", title: str = "") -> list[Section]:
    """Return what a comparison found: verdict, table, curves, every seed, pairs, policies and tables.

    Args:
        comparison: what `compare` returned.
        prefix: what the names of sections and pictures begin with, where a page has several comparisons.
        title: what their headings begin with.
    """
    shown = drawn(comparison)
    less, several = _less(comparison, shown), len(comparison.agents) > 1
    found = [
        Section("verdict", "Verdict", paragraphs(sentences(comparison), class_="verdict")),
        Section("table", "Table", _table(comparison)),
        Section("curves", "Learning curves", _curves(shown, less, prefix)),
        Section("runs", "Every seed", _runs(shown, less, prefix)),
        *([Section("pairs", "Each against each", _pairs(comparison))] if several else []),
        *_learnt(comparison, prefix),
    ]
    return [Section(prefix + one.name, title + one.title, one.content) for one in found]


def drawn(comparison: Comparison) -> Comparison:
    """Return the comparison with the agents that pictures show: those with the highest means, in their order."""
    if len(comparison.agents) <= MOST_DRAWN:
        return comparison
    best = {agent.name for agent in ranked(comparison)[:MOST_DRAWN]}
    return dataclasses.replace(comparison, agents=tuple(a for a in comparison.agents if a.name in best))


def _less(comparison: Comparison, shown: Comparison) -> Html | None:
    """Say what a picture leaves out."""
    whole, some = len(comparison.agents), len(shown.agents)
    if whole == some:
        return None
    return element("p", f"Of {whole} agents the {some} with the highest means are drawn; table and data hold all.")


def _table(comparison: Comparison) -> Html:
    parts = [table("One row for each agent", _HEADINGS, [_row(row) for row in cells(comparison)])]
    if lines := references(comparison):
        parts.append(table("What they are held against", ("value of", "expected return"), lines))
    what = "computed from the model, without sampling" if comparison.truth is not None else "mean of sampled games"
    words = f"Exact value: expected return of one episode of the greedy policy that a run ends with, {what}."
    if comparison.truth is None:
        words = f"Value: return of one episode of the greedy policy that a run ends with, {what}; no model is known."
    return joined([element("p", words), *parts])


def _row(row: tuple[str, ...]) -> tuple[Any, ...]:
    """A row of the table with the intervals below what they belong to."""
    name, exact, exact_in, quartiles, optimal, optimal_in, regret, online, online_in, diverged, wins, shared = row
    both = (
        joined([a, element("small", b)]) for a, b in ((exact, exact_in), (optimal, optimal_in), (online, online_in))
    )
    first, second, third = both
    return name, first, quartiles, second, regret, third, wins, shared, diverged


def _curves(comparison: Comparison, less: Html | None, prefix: str) -> Html:
    from qlearn.reports.learning_curves import learning_curves, smoothing

    ends = []
    for agent in comparison.agents:
        words = "" if agent.online is None else f", online {number(agent.online.mean)} in the mean of all episodes"
        ends.append(f"{agent.name} ends at {number(agent.exact.mean)}{words}")
    window = smoothing(comparison)
    caption = "Mean over seeds, its 95% interval, the middle 80% of the seeds and the first three seeds one by one. "
    if window > 1:
        caption += f"Online returns are averaged over the last {window} episodes, looking only backwards. "
    caption += "Curves have up to 400 points each: where training was longer, evenly spaced ones."
    words = "Learning curves, a row for each agent. " + "; ".join(ends) + "."
    return joined([less, picture(learning_curves(comparison), f"{prefix}learning-curves", words, caption)])


def _runs(comparison: Comparison, less: Html | None, prefix: str) -> Html:
    from qlearn.reports.final_values import final_values
    from qlearn.reports.profiles import profiles

    rows = []
    for agent in comparison.agents:
        low, middle, high = (number(value) for value in agent.quartiles)
        rows.append(f"{agent.name}: quartiles {low}, {middle}, {high}, mean {number(agent.exact.mean)}")
    words = "What every seed's policy is worth, one mark a seed. " + "; ".join(rows) + "."
    every = picture(final_values(comparison), f"{prefix}final-values", words, "Each mark is one run; none is left out.")
    values, across, marks = _normalised(comparison)
    told = [f"{name}: half of the runs reach {number(float(np.median(runs)))}" for name, runs in values.items()]
    caption = "For every value, the share of runs that reach it, with a 95% band that holds for the whole curve."
    profile = picture(
        profiles(values, across, marks), f"{prefix}profiles", "Profiles. " + "; ".join(told) + ".", caption
    )
    return joined([less, every, element("h3", "Profiles"), profile])


def _normalised(comparison: Comparison) -> tuple[dict[str, Any], str, dict[str, float]]:
    """Every run's value, as a share of the way from the control to the optimum where both are known."""
    values = {agent.name: agent.evaluation.exact_return for agent in comparison.agents}
    truth = comparison.truth
    if truth is None or not truth.optimum > truth.uniform:
        return values, "return of the greedy policy after training", {}
    span = truth.optimum - truth.uniform
    shares = {name: (runs - truth.uniform) / span for name, runs in values.items()}
    across = "(value − uniform policy's) / (optimum − uniform policy's)"
    return shares, across, {"optimum": 1.0, "uniform policy": 0.0}


def _pairs(comparison: Comparison) -> Html:
    shown = drawn(comparison)
    names = [agent.name for agent in shown.agents]
    rows = [(agent.name, *(_chance(agent, other) for other in names)) for agent in shown.agents]
    caption = "Probability that a run of the row's agent beats one of the column's, ties ½ (95% interval)"
    head = ("", *(named(name) for name in names))
    pairs = [pair for pair in comparison.pairs if pair.first in names and pair.second in names]
    columns = ("pair", "difference of means", "95% interval", "p (Holm)", "detectable", "correlation")
    found = [
        (
            f"{pair.first} − {pair.second}",
            number(pair.difference.difference),
            interval(pair.difference.interval),
            probability(pair.p_value).removeprefix("= "),
            number(pair.difference.detectable),
            "–" if pair.difference.correlation is None else f"{pair.difference.correlation:.2f}".replace("-", "−"),
        )
        for pair in pairs
    ]
    words = (
        f"p-values are corrected for all {len(comparison.pairs)} pairs. “Detectable” is the difference that would have "
        "been found with probability 0.8, had it been there."
    )
    matrix = table(caption, head, rows)
    return joined([_less(comparison, shown), matrix, table("Differences", columns, found), element("p", words)])


def _chance(agent: Any, other: str) -> str:
    if other == agent.name:
        return ""
    found = agent.beats[other]
    bounds = "" if found.interval is None else f" ({found.interval.low:.2f}–{found.interval.high:.2f})"
    return f"{found.probability:.2f}{bounds}"


def _learnt(comparison: Comparison, prefix: str) -> Iterator[Section]:
    """Policies and Q tables beside the truth, where there are tables that make a picture."""
    cells_ = comparison.environment.num_states * comparison.environment.num_actions
    if cells_ == 0 or cells_ > MOST_CELLS or any(agent.runs.table is None for agent in comparison.agents):
        return
    from qlearn.reports.policy_map import policy_map
    from qlearn.reports.q_heatmap import q_heatmap

    shown = drawn(comparison)
    share = [
        f"{a.name}: optimal in {percent(a.share_optimal)} of its runs"
        for a in shown.agents
        if a.share_optimal is not None
    ]
    words = "What the seeds' greedy policies do in each state, beside all that is optimal. " + "; ".join(share)
    policies = picture(policy_map(shown), f"{prefix}policy-map", words, themed=False)
    yield Section("policies", "Policies", joined([_less(comparison, shown), policies]))
    best = {agent.name for agent in ranked(comparison)[:MOST_TABLES]}
    parts: list[Any] = []
    for i, agent in enumerate(comparison.agents):
        if agent.name in best:
            words = f"Heat map of the Q table that {agent.name} learnt, mean over seeds"
            words += ", beside Q* and the difference of the two." if comparison.truth is not None else "."
            parts.append(picture(q_heatmap(comparison, i), f"{prefix}q-table-{i + 1}", words, themed=False))
    if len(best) < len(comparison.agents):
        parts.insert(0, element("p", f"Of {len(comparison.agents)} agents, the {len(best)} with the highest means."))
    yield Section("q-tables", "Q tables", joined([*parts, *_problem(comparison, prefix)]))


def _problem(comparison: Comparison, prefix: str) -> list[Html]:
    world, truth = comparison.environment, comparison.truth
    if truth is None or not isinstance(world, FiniteMDP) or world.num_states > MOST_DRAWN_STATES:
        return []
    from qlearn.reports.problem_drawing import draw

    figure = draw(world, values=truth.solution.v, policy=truth.solution.optimal_actions)
    words = f"The problem {world.name} with the optimal value of every state and the optimal actions."
    caption = f"V* at discount {truth.discount:g} and all optimal actions."
    return [
        element("h3", "The problem and its solution"),
        picture(figure, f"{prefix}problem", words, caption, themed=False),
    ]


def data_section(thing: Any) -> Section:
    """Return the numbers and the LaTeX table of what has ``to_csv``, ``to_json`` and perhaps ``to_latex``."""
    text = json.dumps(thing.to_json(), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    links = [download("runs.csv", thing.to_csv(), "text/csv"), download("results.json", text, "application/json")]
    parts = []
    if hasattr(thing, "to_latex"):
        latex = thing.to_latex()
        links.append(download("table.tex", latex))
        parts = [element("h3", "The table in LaTeX"), element("pre", element("code", latex), tabindex="0")]
    listed = element("ul", *(element("li", link) for link in links), class_="links")
    words = "The numbers are inside this page: one line for each agent and seed, and everything as JSON."
    return Section("data", "Data", joined([element("p", words), listed, *parts]))
