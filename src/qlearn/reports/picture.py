"""A figure inside a page: SVG that takes the page's colours, with a text for those who do not see it."""

from __future__ import annotations

import io
import re
import warnings
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

from qlearn.reports.html import Html, element, readable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SVG, _LINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}href"
_THEME = {
    "#222222": "var(--ink)",
    "#000000": "var(--ink)",
    "#9a9a9a": "var(--faint)",
    "#dddddd": "var(--line)",
    "#ffffff": "var(--page)",
    "#0072b2": "var(--blue)",
    "#d55e00": "var(--red)",
    "#009e73": "var(--green)",
    "#cc79a7": "var(--pink)",
    "#56b4e9": "var(--sky)",
    "#e69f00": "var(--gold)",
}
_COLOUR = re.compile("|".join(_THEME))
_LOOSE = re.compile(r"(\.\d)\d+")  # a tenth of a point is less than a screen shows, and glyphs are scaled down
_GAPS = re.compile(r"\s+")
_REFERENCE = re.compile(r"#([\w-]+)")


def picture(figure: Figure, name: str, words: str, caption: str = "", *, themed: bool = True) -> Html:
    """Return a ``<figure>`` with a Matplotlib figure as inline SVG; equal figures give equal text.

    Args:
        figure: any figure; what was made rasterized stays a small PNG inside.
        name: of letters and dashes, unlike any other on the page: the SVG's identifiers begin with it.
        words: what is to be seen, for those who do not see it.
        caption: below it, for everyone.
        themed: whether its ink and its lines take the page's colours; else it lies on white paper, as a figure does
            whose cells are colours with a meaning.
    """
    root = _drawn(figure)
    width, height = (float(part) for part in root.attrib["viewBox"].split()[2:])
    _tidied(root, f"{name}-", themed)
    root.attrib = {
        "viewBox": f"0 0 {width:g} {height:g}",
        "role": "img",
        "aria-label": readable(words),
        "style": f"min-width:{0.95 * width:.0f}px",
        "fill": "var(--ink)" if themed else "#000000",  # of what Matplotlib leaves black
        "stroke-linejoin": "round",
        "stroke-linecap": "butt",
    }
    svg = Html(ET.tostring(root, encoding="unicode"))
    kind, most = "wide" if themed else "wide paper", f"max-width:{1.45 * width:.0f}px"
    box = element("div", svg, class_=kind, style=most, tabindex="0", role="group", aria_label=name)
    below = element("figcaption", caption) if caption else None
    return element("figure", box, below, id=name)


def _drawn(figure: Figure) -> ET.Element:
    from qlearn.reports.style import style

    image = io.BytesIO()
    with style(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # drawn as a box; the page's own text has it
        warnings.filterwarnings("ignore", message=".*(Hebrew|Arabic|Matplotlib currently does not support)")
        figure.savefig(image, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return ET.fromstring(image.getvalue())


def _tidied(root: ET.Element, prefix: str, themed: bool) -> None:
    """Without what a page does not need, with identifiers of its own, in the page's colours."""
    for parent in root.iter():
        for child in list(parent):
            if child.tag in (_SVG + "metadata", _SVG + "style") or not isinstance(child.tag, str):
                parent.remove(child)
    used = {name for part in root.iter() for value in part.attrib.values() for name in _REFERENCE.findall(value[:200])}
    for part in root.iter():
        part.tag, part.tail = part.tag.removeprefix(_SVG), None
        if not (part.text or "").strip():
            part.text = None
        if part.attrib.get("id") not in used:
            part.attrib.pop("id", None)
        part.attrib = dict(_attribute(key, value, prefix, themed) for key, value in part.attrib.items())


def _attribute(key: str, value: str, prefix: str, themed: bool) -> tuple[str, str]:
    if key == "id":
        return key, prefix + value
    if key == _LINK:
        return "href", f"#{prefix}{value[1:]}" if value.startswith("#") else value.replace("base64, ", "base64,")
    if "url(#" in value:
        return key, value.replace("url(#", f"url(#{prefix}")
    if key == "style" and themed:
        return key, _COLOUR.sub(lambda found: _THEME[found[0]], value)
    return key, _GAPS.sub(" ", _LOOSE.sub(r"\1", value)).strip() if key == "d" else value
