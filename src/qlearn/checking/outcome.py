"""What came of a check: promises, kept or broken."""

from __future__ import annotations

import dataclasses
from typing import Literal

Verdict = Literal["kept", "broken", "does not apply"]


@dataclasses.dataclass(frozen=True)
class Promise:
    """One promise and what was seen of it.

    Args:
        name: a few words, for example ``"termination ends"``.
        says: the promise in a sentence.
        verdict: ``"kept"``, ``"broken"`` or ``"does not apply"``.
        seen: what was seen, with numbers; why it does not apply.
    """

    name: str
    says: str
    verdict: Verdict
    seen: str


@dataclasses.dataclass(frozen=True)
class Checked:
    """All promises of one thing.

    Args:
        what: its label or name.
        kind: ``"agent"``, ``"environment"`` or ``"rule"``.
        promises: in the order in which they were looked at.

    >>> Checked("mine", "agent", (Promise("finite values", "…", "broken", "a value is NaN"),)).fine
    False
    """

    what: str
    kind: Literal["agent", "environment", "rule"]
    promises: tuple[Promise, ...]

    @property
    def fine(self) -> bool:
        """Whether no promise is broken."""
        return not self.broken

    @property
    def broken(self) -> tuple[str, ...]:
        """The names of the broken promises."""
        return tuple(promise.name for promise in self.promises if promise.verdict == "broken")

    def __str__(self) -> str:
        width = max((len(promise.name) for promise in self.promises), default=0)
        rows = [f"  {p.name:<{width}}  {p.verdict:<14}  {p.seen}" for p in self.promises]
        count = len(self.broken)
        told = "every promise that applies is kept" if count == 0 else f"{count} broken: {', '.join(self.broken)}"
        return "\n".join([f"{self.kind} {self.what}: {told}", *rows])
