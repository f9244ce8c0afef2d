"""``check``: which promises a thing keeps, and which it breaks."""

from qlearn.checking.asked import check
from qlearn.checking.outcome import Checked, Promise

__all__ = ["Checked", "Promise", "check"]
