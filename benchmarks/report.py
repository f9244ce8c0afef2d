"""What the yardsticks found, as Markdown that also reads well in a terminal."""

HEAD = """# Speed and memory

Made by `python -m benchmarks`. A ratio is how many times as many steps per second as the yardstick in the
first row of its table; it is taken within a turn, contestants taking turns, and given as the median with
the lowest and the highest turn. Compiling is apart. Absolute figures are medians with their range, speeds
by process time, which also decides whether a target is met. How each is measured stands in
`benchmarks/measure.py`.
"""


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def spread(found, suffix=""):
    """Median with the range, such as 412 × (405–420)."""
    if found is None:
        return "–"
    text = f"{number(found['median'])}{suffix}"
    return text if found["n"] == 1 else f"{text} ({number(found['min'])}–{number(found['max'])})"


def row_cells(row):
    absolute, met = "not measured", "–"
    if row["absolute"] is not None:
        absolute = spread(row["absolute"], f" {row['absolute']['unit']}")
        met = {True: "met", False: "**not met**", None: "–"}[row["met"]]
    elif row.get("failed"):
        absolute += f" ({row['failed']})".replace("|", "/").replace("\n", " ")
    ratios = (spread(row[key], " ×") for key in ("ratio", "ratio_wall"))
    return [row["what"], *ratios, absolute, row["target"] or "–", met]


def table(rows):
    """Aligned columns; those of which no row says anything are left out."""
    head = ["what", "ratio, process time", "ratio, wall time", "absolute", "target", "met"]
    lines = [head, *map(row_cells, rows)]
    kept = [i for i in range(len(head)) if i in (0, 3) or any(line[i] != "–" for line in lines[1:])]
    lines = [[line[i] for i in kept] for line in lines]
    widths = [max(len(line[i]) for line in lines) for i in range(len(kept))]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    )


def compile_times(measured):
    """What qlearn's first calls took longer than the later ones, in words."""
    times = [
        f"{name} {sample['compile_wall']:.2f} s"
        for name, sample in measured.get("samples", {}).items()
        if name.startswith("qlearn") and "compile_wall" in sample
    ]
    return [f"First call, with imports and compiling, beyond the later ones: {'; '.join(times)}."] if times else []


def section(measured):
    """One table with its title, notes and conditions."""
    where = dict(measured["conditions"])
    pinned = "pinned to one core" if where.pop("pinned_to_one_core", False) else "not pinned"
    names = {key: where.pop(key, "–") for key in ("date", "cpu", "cores", "system")}
    versions = ", ".join(f"{key} {value}" for key, value in where.items())
    place = "{date}; {cpu}, {cores} cores, {system}; ".format(**names) + pinned
    title = measured["title"].rstrip(".")
    small = ["A quick run: too small for its figures to count."] * bool(measured.get("quick"))
    held = f"Conditions: {place}; {versions}."
    notes = [*measured.get("notes", []), *compile_times(measured), *small, held]
    return "\n".join([f"## {title}", "", table(measured["rows"]), "", *(f"- {note}" for note in notes), ""])


def markdown(sections):
    """The whole page."""
    return "\n".join([HEAD, *map(section, sections.values())])
