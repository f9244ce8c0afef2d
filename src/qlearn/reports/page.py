"""The HTML page: one file that needs nothing else, fetches nothing and runs nothing."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from qlearn.reports.html import Html, element, escaped, joined

# No script runs and nothing is fetched: a reader's browser refuses both, whatever a name may have smuggled in.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
_MOST_AT_ONCE = 12  # sentences of a verdict
_LONGEST = 1_500_000  # letters of a link: browsers refuse to save longer ones than about two million


@dataclass(frozen=True)
class Section:
    """A part of the page under a heading of its own.

    Args:
        name: of letters and dashes: where links lead to.
        title: the heading.
        content: what stands below it.
    """

    name: str
    title: str
    content: Html


def page(title: str, under: str, sections: list[Section], language: str = "en") -> str:
    """Return the whole page.

    Args:
        title: the first heading, and what the browser's tab says.
        under: a line below it.
        sections: in the order in which they are read.
        language: of its text.
    """
    style = Html(files("qlearn.reports").joinpath("page.css").read_text(encoding="utf-8"))
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="generator", content="qlearn"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", title),
        element("link", rel="icon", href="data:,"),
        element("style", style),
    )
    links = [element("li", element("a", some.title, href=f"#{some.name}")) for some in sections]
    body = element(
        "body",
        element("a", "Skip to the content", class_="skip", href="#content"),
        element("header", element("h1", title, dir="auto"), element("p", under, class_="under")),
        element("nav", element("ul", *links), aria_label="Sections"),
        element("main", *(_section(some) for some in sections), id="content"),
        element("footer", "Made by qlearn. This page is one file: it fetches nothing and runs no script."),
    )
    return f"<!doctype html>\n{element('html', head, body, lang=language)}\n"


def _section(some: Section) -> Html:
    heading = element("h2", some.title, id=f"{some.name}-title")
    return element("section", heading, some.content, id=some.name, aria_labelledby=f"{some.name}-title")


def paragraphs(texts: Sequence[str], **attributes: Any) -> Html:
    """Return texts as paragraphs; with many, those after the first dozen unfold at a click."""
    lines = [element("p", text) for text in texts]
    if len(lines) > _MOST_AT_ONCE + 2:
        more = element("summary", f"{len(lines) - _MOST_AT_ONCE} more sentences")
        lines = [*lines[:_MOST_AT_ONCE], element("details", more, *lines[_MOST_AT_ONCE:])]
    return element("div", *lines, **attributes) if attributes else joined(lines)


def download(name: str, text: str, kind: str = "text/plain") -> Html:
    """Return a link that saves a file which is inside the page; large ones are packed by gzip.

    Args:
        name: of the file.
        text: what it holds.
        kind: its media type.
    """
    data = text.encode("utf-8", "replace")
    words = f"{name} ({_size(len(data))})"
    if 4 * len(data) > 3 * _LONGEST:
        data, name, kind = gzip.compress(data, 9, mtime=0), f"{name}.gz", "application/gzip"
        words = f"{name} ({_size(len(data))}, packed)"
    if 4 * len(data) > 3 * _LONGEST:
        return escaped(f"{name}: with {_size(len(data))} too large for a link inside a page")
    link = f"data:{kind};charset=utf-8;base64,{base64.b64encode(data).decode()}"
    return element("a", words, href=link, download=name)


def _size(count: int) -> str:
    return f"{count:,} bytes" if count < 2000 else f"{count / 1000:,.0f} kB"
