"""A picture of one step: what the environment shows, and beside it what the agent thinks each action is worth."""

from __future__ import annotations

import functools
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

HEIGHT, WIDTH = 320, 300  # of the part with the values
WIDEST = 480  # of the environment's own picture
INK, FAINT, CHOSEN, OTHER, PAPER = (34, 34, 34), (154, 154, 154), (213, 94, 0), (0, 114, 178), (255, 255, 255)
_MOST_BYTES = 64  # shades of one picture in an animation: small files, and drawings need no more


def scene(image: Any, text: str, head: str, rows: Sequence[tuple[str, float, float | None, bool]]) -> Any:
    """One picture, a ``PIL.Image``.

    Args:
        image: (rows, columns, 3) uint8, or None where there is only text.
        text: a map in letters, drawn where there is no image.
        head: a line above the values.
        rows: of each action its name, its value, its value under Q* where that is known, and whether it was chosen.
    """
    from PIL import Image

    left = _from_text(text) if image is None else _sized(Image.fromarray(np.asarray(image)))
    whole = Image.new("RGB", (left.width + WIDTH, HEIGHT), PAPER)
    whole.paste(left, (0, (HEIGHT - left.height) // 2))
    _values(whole, left.width + 12, head, rows)
    return whole


def _sized(picture: Any) -> Any:
    """As high as the values: small ones in whole steps, so that their squares stay square."""
    from PIL import Image

    grown = max(1, HEIGHT // picture.height)
    if grown > 1 and picture.width * grown <= WIDEST:
        return picture.resize((picture.width * grown, picture.height * grown), Image.Resampling.NEAREST)
    shrunk = min(HEIGHT / picture.height, WIDEST / picture.width)
    size = max(1, round(picture.width * shrunk)), max(1, round(picture.height * shrunk))
    return picture.resize(size, Image.Resampling.LANCZOS)


def _from_text(text: str) -> Any:
    from PIL import Image, ImageDraw

    lines = text.splitlines() or [""]
    longest = max(map(len, lines))
    size = int(np.clip(min(600 / (0.61 * max(longest, 1)), (HEIGHT - 20) / (1.25 * len(lines))), 7, 26))
    font = _font("DejaVuSansMono.ttf", size)
    width = int(font.getlength("x" * longest)) + 24
    picture = Image.new("RGB", (width, HEIGHT), PAPER)
    top = (HEIGHT - int(1.25 * size * len(lines))) // 2
    draw = ImageDraw.Draw(picture)
    for k, line in enumerate(lines):
        draw.text((12, top + int(1.25 * size * k)), line, font=font, fill=INK)
    return picture


def _values(whole: Any, left: int, head: str, rows: Sequence[tuple[str, float, float | None, bool]]) -> None:
    from PIL import ImageDraw

    draw, small = ImageDraw.Draw(whole), _font("DejaVuSans.ttf", 12)
    draw.text((left, 10), head, font=_font("DejaVuSans.ttf", 13), fill=INK)
    known = any(best is not None for _, _, best, _ in rows)
    draw.text((left, 30), "Q of each action" + (", Q* as a black line" if known else ""), font=small, fill=FAINT)
    numbers = [x for _, value, best, _ in rows for x in (value, best) if x is not None and np.isfinite(x)]
    low, high = min([0.0, *numbers]), max([0.0, *numbers])
    span = (high - low) or 1.0
    each = min(46, (HEIGHT - 58) // max(1, len(rows)))
    thick = max(3, min(14, each - 16))
    start, room = left, WIDTH - 30

    def at(value: float) -> int:
        return start + int((value - low) / span * room)

    for k, (name, value, best, chosen) in enumerate(rows):
        top = 54 + k * each
        words = f"{name}  {_number(value)}" + ("" if best is None else f"   Q* {_number(best)}")
        if each >= 26:
            draw.text((left, top), words, font=small, fill=CHOSEN if chosen else INK)
        bar = top + (16 if each >= 26 else 0)
        if np.isfinite(value):
            ends = sorted((at(0.0), at(value)))
            draw.rectangle((ends[0], bar, ends[1], bar + thick), fill=CHOSEN if chosen else OTHER)
        if best is not None and np.isfinite(best):
            draw.line((at(best), bar - 2, at(best), bar + thick + 2), fill=(0, 0, 0), width=2)
        if each < 26:
            draw.text((left + 2, bar - 3), words, font=_font("DejaVuSans.ttf", max(8, each - 3)), fill=INK)


def _number(value: float) -> str:
    return "–" if not np.isfinite(value) else f"{value:,.4g}".replace("-", "−")


@functools.cache
def _font(name: str, size: int) -> Any:
    """A font that Matplotlib brings, so that pictures are the same everywhere."""
    import matplotlib as mpl
    from PIL import ImageFont

    return ImageFont.truetype(Path(mpl.get_data_path()) / "fonts" / "ttf" / name, size)


def animation(pictures: Sequence[Any], milliseconds: int) -> bytes:
    """Pictures of one height as an animated GIF; the last one stays for two seconds."""
    from PIL import Image

    width = max(picture.width for picture in pictures)
    even = []
    for picture in pictures:
        page = Image.new("RGB", (width, picture.height), PAPER)
        page.paste(picture, (0, 0))
        even.append(page.quantize(_MOST_BYTES))
    file, times = io.BytesIO(), [milliseconds] * (len(even) - 1) + [2000]
    even[0].save(file, "GIF", save_all=True, append_images=even[1:], duration=times, loop=0)
    return file.getvalue()


def strip(pictures: Sequence[Any], most: int) -> bytes:
    """At most so many of the pictures, evenly chosen, the first and the last among them, below each other as a PNG."""
    from PIL import Image

    chosen = sorted(set(np.linspace(0, len(pictures) - 1, min(most, len(pictures))).round().astype(int).tolist()))
    some = [pictures[k] for k in chosen]
    columns = 1 if len(some) <= 2 else 2
    wide, high = max(p.width for p in some) + 8, HEIGHT + 8
    whole = Image.new("RGB", (columns * wide, -(-len(some) // columns) * high), PAPER)
    for k, picture in enumerate(some):
        whole.paste(picture, ((k % columns) * wide, (k // columns) * high))
    file = io.BytesIO()
    whole.save(file, "PNG")
    return file.getvalue()
