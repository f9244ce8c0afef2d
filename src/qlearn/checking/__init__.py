"""``check``: which promises a thing keeps, and which it breaks."""

from qlearn.checking.check import check
from qlearn.checking.outcome import Checked, Promise

__all__ = ["Checked", "Promise", "check"]
