"""What the certificates say, as pages and pictures."""

import re

import numpy as np

# The bar of a seed, on its greedy return: near the most there is, what Gymnasium calls solved, or on MinAtar, where
# neither is known, ten times what the uniform policy gets; on Atari, after so few steps, twice.
BARS = {
    "CartPole-v1": 490.0,
    "Acrobot-v1": -100.0,
    "MountainCar-v0": -110.0,
    "LunarLander-v3": 200.0,
    "pgx:minatar-breakout": 4.0,
    "pgx:minatar-freeway": 5.0,
    "pgx:minatar-space_invaders": 41.0,
    "ALE/Breakout-v5": 3.0,
}
LIMITS = {"CartPole-v1": (0, 500), "Acrobot-v1": (-500, -60), "MountainCar-v0": (-200, -90)}
COLOURS = ("dqn", "online-q-network", "pqn", "stream-q", "rainbow")  # an agent looks the same in every picture
BEGIN, END = "<!-- made by python -m benchmarks.certificates -->", "<!-- end -->"


def compact(text):
    """JSON with its lists of numbers on one line each."""

    def flat(found):
        return re.sub(r"\s+", " ", found[0]).replace("[ ", "[").replace(" ]", "]")

    return re.sub(r"\[[^\[\]{}]*\]", flat, text)


def number(value, decimals=1):
    return f"{value:.{decimals}f}".replace("-", "−")


def with_interval(found, decimals=1):
    """A mean with its 95% interval."""
    mean, *ends = (None if found[key] is None else number(found[key], decimals) for key in ("mean", "low", "high"))
    return f"{mean} ({ends[0]} … {ends[1]})" if ends[0] is not None else mean


def passed(made):
    """How many seeds reached the bar of their environment."""
    return sum(value >= BARS[made["environment"]] for value in made["greedy"]["per_seed"])


def cells(made):
    many = len(made["seeds"])
    return [
        made["agent"],
        f"{made['steps']:,}",
        with_interval(made["training"]),
        with_interval(made["greedy"]),
        f"{passed(made)} of {many}",
        str(made["num_diverged"]),
        f"{made['wall_seconds']:.0f} s ({made['processor_seconds']:.0f} s)",
    ]


def line(made):
    return f"| {made['environment']} | " + " | ".join(cells(made)) + " |"


def head(environment):
    bar = number(BARS[environment], 0)
    names = ["agent", "steps", "training return, last 100 episodes", "greedy return, last weights", f"seeds ≥ {bar}"]
    names += ["diverged", "wall (processor) time, all seeds"]
    return [f"| {' | '.join(names)} |", "|" + "---|" * len(names)]


def of(held, environment):
    return [made for made in held["certificates"].values() if made["environment"] == environment]


def environments(held):
    """Those that have certificates, the usual order first."""
    return [name for name in BARS if of(held, name)]


def table(held, environment):
    """The table of one environment, the uniform policy last."""
    rows = ["| " + " | ".join(cells(made)) + " |" for made in of(held, environment)]
    control = held["controls"].get(environment)
    last = [f"| the uniform policy | | {with_interval(control)} | | | | |"] if control else []
    return [*head(environment), *rows, *last]


def reached(held, environment):
    """What exploration found: how many seeds ever reached the goal, when, and how often in the end."""
    rows = ["| agent | seeds that ever reached the goal | first time, median step | of the last 100 episodes |"]
    rows.append("|---|---|---|---|")
    for made in of(held, environment):
        goal = made["goal"]
        first = [step for step in goal["first_step"] if step is not None]
        when = f"{np.median(first):,.0f}" if first else "–"
        late = 100 * np.mean(goal["share_of_last_episodes"])
        rows.append(f"| {made['agent']} | {len(first)} of {len(made['seeds'])} | {when} | {late:.0f}% |")
    return rows


def conditions(made):
    told = made["conditions"]
    return "; ".join(f"{key} {value}" for key, value in told.items())


def claims(made, now):
    """What was claimed before the training; and what is claimed now, where that was changed after it."""
    later = "" if now in (None, made["claim"]) else f" Since changed, after these results, to: {now}."
    return f"claimed beforehand: {made['claim']}.{later}"


def judged(made):
    """Where the greedy return was measured, if not where the agent was trained."""
    where = made.get("judged", made["environment"])
    return [] if where == made["environment"] else [f"- greedy returns are those on `{where}`"]


def page(held, words, presets=()):
    """benchmarks/results/certificates.md."""
    now = {(preset.name, preset.environment): preset.claim for preset in presets}
    lines = ["# Certificates", "", *(part.strip() for part in words.split("\n\n", 1)), ""]
    for environment in environments(held):
        lines += [f"## {environment}", "", *table(held, environment), ""]
        if environment == "MountainCar-v0":
            lines += [*reached(held, environment), ""]
        for made in of(held, environment):
            told = claims(made, now.get((made["agent"], environment)))
            lines += [f"**{made['agent']}**, {made['source']}; {told}", "", "```", made["settings"], "```"]
            seeds = made["seeds"]
            lines += [
                "",
                *judged(made),
                f"- seeds {seeds[0]} … {seeds[-1]}; greedy return of each, mean of {made['greedy']['games']} games: "
                + ", ".join(map(number, made["greedy"]["per_seed"])),
                "- training return, last 100 episodes: " + ", ".join(map(number, made["training"]["per_seed"])),
                "- training return, episodes that ended in the last tenth of the steps: "
                + with_interval(made["training_last_tenth_of_steps"]),
                f"- {conditions(made)}",
                "",
            ]
    return "\n".join(lines)


def block(held):
    """The part of docs/certificates.md that is made."""
    lines = [BEGIN]
    for environment in environments(held):
        lines += [f"### {environment}", "", *table(held, environment), ""]
        if environment == "MountainCar-v0":
            lines += [*reached(held, environment), ""]
        stem = picture_name(environment)
        lines += [f"![Greedy return of every seed along the way on {environment}](pictures/{stem})", ""]
    machines = sorted(
        {f"{made['conditions']['cpu']}, {made['conditions']['cores']} cores" for made in held["certificates"].values()}
    )
    lines += [
        f"Machine: {'; '.join(machines)}, shared with other work, so that processor time says more than wall time.",
        "",
    ]
    return "\n".join([*lines, END])


def into_docs(path, held):
    """Put the tables between the marks of a page that has them."""
    if not path.exists():
        return
    before, rest = path.read_text().split(BEGIN)
    path.write_text(before + block(held) + rest.split(END, 1)[1])


def picture_name(environment):
    plain = re.sub(r"-v\d+$", "", environment).lower()
    return f"certificates-{re.sub('[^a-z0-9]+', '-', plain)}.png"


def limits(environment, many):
    """What the axis of returns shows: the problem's own limits, or what was met."""
    if environment in LIMITS:
        return LIMITS[environment]
    curves = np.concatenate([np.ravel(made["curve"]["greedy"]) for made in many])
    return min(0.0, float(np.quantile(curves, 0.01))), float(curves.max())


def pictures(folder, held):
    """One figure for each environment: the greedy return of every seed along the way, and their mean."""
    from qlearn.reports.style import style

    folder.mkdir(exist_ok=True)
    for environment in environments(held):
        with style():
            _figure(environment, of(held, environment), held["controls"].get(environment)).savefig(
                folder / picture_name(environment), dpi=110, metadata={"Software": None}
            )


def _figure(environment, many, control):
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    from qlearn.reports.style import FAINT, INK, look, new_figure
    from qlearn.statistics import mean_interval

    figure = new_figure(max(7.0, 1.0 + 2.9 * len(many)), 3.9)
    low, high = limits(environment, many)
    for i, (axes, made) in enumerate(
        zip(figure.subplots(1, len(many), sharey=True, squeeze=False)[0], many, strict=True)
    ):
        x, values = np.array(made["curve"]["steps"]) / 1000, np.array(made["curve"]["greedy"])
        colour = look(COLOURS.index(made["agent"])).colour
        for one in values:
            axes.plot(x, one, color=colour, alpha=0.45, linewidth=0.7)
        around = np.array([mean_interval(column).interval or (column[0],) * 2 for column in values.T])
        axes.fill_between(x, *np.clip(around, low, high).T, color=colour, alpha=0.25, linewidth=0)
        axes.plot(x, values.mean(axis=0), color=colour, linewidth=2.2)
        axes.axhline(BARS[environment], color=INK, linestyle=(0, (6, 2)), linewidth=1)
        if control:
            axes.axhline(control["mean"], color=FAINT, linestyle=(0, (1, 1.5)), linewidth=1.2)
        axes.set_title(
            f"{made['agent']}: {number(made['greedy']['mean'])}\n{passed(made)} of {len(values)} seeds at the bar"
        )
        axes.set_xlabel("thousand steps")
        axes.set_xlim(0, x[-1])
        axes.set_ylim(low - 0.03 * (high - low), high + 0.03 * (high - low))
        if i == 0:
            axes.set_ylabel("greedy return of an episode")
    handles = [
        Line2D([], [], color=INK, alpha=0.45, linewidth=0.7, label="one seed (mean of 20 games)"),
        Line2D([], [], color=INK, linewidth=2.2, label="mean of the seeds"),
        Patch(color=INK, alpha=0.25, linewidth=0, label="its 95% interval"),
        Line2D([], [], color=INK, linestyle=(0, (6, 2)), linewidth=1, label=f"bar: {number(BARS[environment], 0)}"),
        Line2D([], [], color=FAINT, linestyle=(0, (1, 1.5)), linewidth=1.2, label="uniform policy"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    figure.suptitle(f"{environment}: what the greedy policy of each seed is worth", x=0.01, ha="left", fontsize=12)
    return figure
