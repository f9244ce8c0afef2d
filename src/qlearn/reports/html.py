"""HTML from pieces: whatever is not HTML already is escaped, so no name of any kind can become markup."""

from __future__ import annotations

import html
import re
from typing import Any

# Characters that HTML forbids, and those that turn the writing direction of what follows them (a name could make the
# words after it read backwards).  Letters of right-to-left scripts stay: they are isolated by <bdi>.
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\u202a-\u202e\u2066-\u2069]")
_VOID = {"meta", "link", "col", "br"}


class Html(str):
    """Text that is HTML: made by `element` and `joined` alone."""

    __slots__ = ()


def readable(text: Any) -> str:
    """Return text with what cannot be shown, or would turn the writing direction, as the replacement character.

    >>> readable("a" + chr(0x202E) + "b")
    'a�b'
    """
    return _UNSEEN.sub("\ufffd", str(text))


def escaped(content: Any) -> Html:
    """Return any text so that a browser shows it as it is; HTML stays HTML, and None is nothing.

    >>> escaped("<b>"), escaped(Html("<b>"))
    ('&lt;b&gt;', '<b>')
    """
    if isinstance(content, Html):
        return content
    return Html("" if content is None else html.escape(readable(content)))


def element(name: str, /, *content: Any, **attributes: Any) -> Html:
    """Return an element; attributes that are None are left out, ``class_`` is class and ``aria_label`` aria-label.

    >>> element("p", "1 < 2", class_="x")
    '<p class="x">1 &lt; 2</p>'
    """
    words = [name]
    for key, value in attributes.items():
        if value is not None:
            words.append(f'{key.rstrip("_").replace("_", "-")}="{html.escape(readable(value))}"')
    opening = f"<{' '.join(words)}>"
    return Html(opening if name in _VOID else f"{opening}{joined(content)}</{name}>")


def joined(parts: Any) -> Html:
    """Return pieces one after the other, each escaped where it is not HTML."""
    return Html("".join(escaped(part) for part in parts))


def named(name: Any) -> Html:
    """Return a name that was given by others: whatever script it is written in, the words around it stay in order."""
    return element("bdi", name)


def table(caption: Any, head: Any, rows: Any, *, numbers: bool = True) -> Html:
    """Return a table for eyes and screen readers, in a region of its own that scrolls where it is too wide.

    Args:
        caption: what it shows, in a few words.
        head: the columns' headings.
        rows: of cells; the first of each is the row's heading.
        numbers: whether the columns after the first are figures, set to the right.
    """
    top = element("tr", *(element("th", cell, scope="col") for cell in head))
    body = [
        element("tr", element("th", named(first), scope="row"), *(element("td", cell) for cell in rest))
        for first, *rest in rows
    ]
    parts = (element("caption", caption), element("thead", top), element("tbody", *body))
    whole = element("table", *parts, class_="numbers" if numbers else None)
    return element("div", whole, class_="wide", tabindex="0", role="region", aria_label=caption)
