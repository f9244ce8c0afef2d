"""The page of scores, from wherever they are, and that of a comparison on several environments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qlearn.comparison.scores import Scores
from qlearn.comparison.scores_verdict import sentences
from qlearn.comparison.words import interval, number, percent, probability
from qlearn.reports.comparison_page import MOST_DRAWN, comparison_sections, data_section
from qlearn.reports.html import Html, element, joined, named, table
from qlearn.reports.page import Section, page, paragraphs
from qlearn.reports.picture import picture
from qlearn.reports.score_runs import MOST_TASKS, score_runs
from qlearn.reports.settings_part import reproduced, settings_section

if TYPE_CHECKING:
    from qlearn.comparison.suite import Suite

MOST_PAIRS = 200  # rows of the table of differences


def scores_page(scores: Scores) -> str:
    """Return scores as one HTML page.

    >>> scores_page(Scores({("a", "maze"): [1.0, 2.0], ("b", "maze"): [2.0, 4.0]})).count("<svg")
    1
    """
    sections = [*scores_sections(scores), data_section(scores)]
    return page(_heading(scores), _under(scores), sections)


def suite_page(suite: Suite) -> str:
    """Return a comparison on several environments as one HTML page: what holds over all first, then one by one."""
    scores = suite.scores
    sections = scores_sections(scores)
    for i, one in enumerate(suite.comparisons):
        kept = comparison_sections(one, f"e{i + 1}-", f"{one.environment.name}: ")
        sections += kept[1:]  # the verdict is the one over all
    parts = [element("h3", named(one.environment.name)) for one in suite.comparisons]
    contents = [settings_section(one).content for one in suite.comparisons]
    told = [part for pair in zip(parts, contents, strict=True) for part in pair]
    sections.append(Section("settings", "Settings", joined([*told, *reproduced(suite.command)])))
    return page(_heading(scores), _under(scores), [*sections, data_section(suite)])


def scores_sections(scores: Scores) -> list[Section]:
    """Return what scores say: verdict, table, all tasks together, every run, pairs."""
    found = [
        Section("verdict", "Verdict", paragraphs(sentences(scores), class_="verdict")),
        Section("table", "Table", _table(scores)),
    ]
    if len(scores.tasks) > 1 and scores.normalised is not None:
        found.append(Section("together", "All tasks together", _together(scores)))
    found.append(Section("runs", "Every run", _runs(scores)))
    if len(scores.agents) > 1:
        found.append(Section("pairs", "Each against each", _pairs(scores)))
    return found


def drawn_agents(scores: Scores) -> tuple[str, ...]:
    """Return the agents that pictures show: those that are first by the mean of their ranks over the tasks."""
    if len(scores.agents) <= MOST_DRAWN:
        return scores.agents
    ranks: dict[str, list[int]] = {agent: [] for agent in scores.agents}
    for task in scores.tasks:
        there = [agent for agent in scores.agents if (agent, task) in scores.cells]
        for place, agent in enumerate(sorted(there, key=lambda agent: -scores.mean(agent, task).mean)):
            ranks[agent].append(place)
    best = sorted(scores.agents, key=lambda agent: sum(ranks[agent]) / max(1, len(ranks[agent])))[:MOST_DRAWN]
    return tuple(agent for agent in scores.agents if agent in best)


def _heading(scores: Scores) -> str:
    if len(scores.tasks) == 1:
        return f"{scores.tasks[0] or 'Results'}: {len(scores.agents)} agents"
    return f"{len(scores.agents)} agents on {len(scores.tasks)} environments"


def _under(scores: Scores) -> str:
    return f"{sum(len(cell.values) for cell in scores.cells.values()):,} independent runs. Score: {scores.metric}."


def _table(scores: Scores) -> Html:
    normal, rows = scores.normalised, []
    for task in scores.tasks:
        for agent in scores.agents:
            if (agent, task) in scores.cells:
                mean, cell = scores.mean(agent, task), scores.cells[agent, task]
                share = "" if normal is None or task not in normal.tasks else percent(normal.mean(agent, task).mean)
                bounds = joined([number(mean.mean), element("small", interval(mean.interval))])
                rows.append((agent, named(task), mean.n, bounds, number(mean.sd), int(cell.failed.sum()), share))
    head = ("agent", "environment", "runs", f"{scores.metric}, mean and 95% interval", "sd", "failed", "of the way")
    words = "Of the way: (mean − control) / (optimum − control), where both are known: 0% is acting at random."
    return joined([table("One row for each agent and environment", head, rows), element("p", words)])


def _less(whole: int, some: int, what: str) -> Html | None:
    if whole == some:
        return None
    return element("p", f"Of {whole} {what} {some} are drawn; table and data hold all.")


def _together(scores: Scores) -> Html:
    from qlearn.reports.profiles import profiles_across

    normal = scores.normalised
    assert normal is not None
    agents = drawn_agents(normal)
    parts: list[Any] = [_less(len(normal.agents), len(agents), "agents")]
    found = scores.across.interquartile_means
    if found is not None:
        rows = [(agent, number(one.value), interval(one.interval)) for agent, one in found.items()]
        head = ("agent", "interquartile mean", "95% interval")
        parts.append(table("Normalised scores over all environments (stratified bootstrap)", head, rows))
    curves = {agent: one for agent, one in (scores.across.profiles() or {}).items() if agent in agents}
    figure = profiles_across(curves, "(score − control) / (optimum − control): 0 is the control, 1 the optimum")
    words = "For each normalised score the share of runs above it, every environment counting the same"
    caption = f"{words}, with a 95% band at each score by itself."
    parts.append(picture(figure, "profiles", f"Profiles. {words}.", caption))
    return joined(parts)


def _runs(scores: Scores) -> Html:
    agents, tasks = drawn_agents(scores), scores.tasks[:MOST_TASKS]
    told = []
    for task in tasks:
        means = [f"{a} {number(scores.mean(a, task).mean)}" for a in agents if (a, task) in scores.cells]
        told.append(f"{task}: mean of {', '.join(means)}")
    words = f"Every run's {scores.metric}, a panel for each environment. {'; '.join(told)}."
    figure = score_runs(scores, agents, tasks)
    caption = "Each mark is one run; dashed lines are the optimum and the control, where they are known."
    less = (_less(len(scores.agents), len(agents), "agents"), _less(len(scores.tasks), len(tasks), "environments"))
    return joined([*less, picture(figure, "every-run", words, caption)])


def _pairs(scores: Scores) -> Html:
    parts: list[Any] = []
    agents = drawn_agents(scores)
    found = {key: one for key, one in scores.across.improvements.items() if set(key) <= set(agents)}
    if found:
        rows = [
            (f"{one} beats {other}", f"{chance.probability:.2f}", interval(chance.interval, lambda x: f"{x:.2f}"))
            for (one, other), chance in found.items()
        ]
        chances = ("", "probability", "95% interval")
        parts.append(
            table("Probability that a run of one beats a run of the other, ties ½, all environments", chances, rows)
        )
    pairs = [pair for pair in scores.pairs if {pair.first, pair.second} <= set(agents)]
    rows_ = [
        (
            f"{pair.first} − {pair.second}",
            named(pair.task),
            number(pair.difference.difference),
            interval(pair.difference.interval),
            probability(pair.p_value).removeprefix("= "),
            number(pair.difference.detectable),
        )
        for pair in pairs[:MOST_PAIRS]
    ]
    head = ("pair", "environment", "difference of means", "95% interval", "p (Holm)", "detectable")
    how = "seed by seed" if scores.paired else "unpaired"
    words = f"Differences are taken {how}; p-values are corrected for all {len(scores.pairs)} of them. "
    words += "“Detectable” is the difference that would have been found with probability 0.8."
    if len(rows_) < len(scores.pairs):
        words += f" {len(rows_)} of {len(scores.pairs)} are shown here; the data hold all."
    return joined([*parts, table("Differences", head, rows_), element("p", words)])
