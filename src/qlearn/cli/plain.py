"""Terminals that know ASCII only get letters that they know, instead of an error."""

from __future__ import annotations

import codecs
import io
import os
import sys
from pathlib import Path

_ERRORS = "qlearn.plain"
_PLAIN = {
    "α": "alpha", "γ": "gamma", "ε": "e", "λ": "lambda", "π": "pi", "±": "+/-", "×": "x", "·": ".", "…": "...",
    "–": "-", "—": "-", "−": "-", "→": "->", "←": "<-", "↑": "^", "↓": "v", "≥": ">=", "≤": "<=", "≈": "~",
    "∞": "inf", "½": "1/2", "⅓": "1/3", "Σ": "sum", "‘": "'", "’": "'", "“": '"', "”": '"', "✓": "*", "\u202f": " ",
}  # fmt: skip


def _replace(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_PLAIN.get(letter, "?") for letter in error.object[error.start : error.end]), error.end


codecs.register_error(_ERRORS, _replace)


def keep_readable() -> None:
    """From now on both streams spell out what their encoding lacks: ``ε`` becomes ``e``, ``±`` becomes ``+/-``.

    A stream that was closed before the start takes everything and shows nothing.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 (open to the end)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_ERRORS)
