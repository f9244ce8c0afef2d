"""Published results, reproduced: one file each, with what the source states and how it is drawn there."""

from qlearn.published.claim import Claim, Reproduced, Reproduction, exact, measured, statement
from qlearn.published.listing import PUBLISHED, reproduction

__all__ = ["PUBLISHED", "Claim", "Reproduced", "Reproduction", "exact", "measured", "reproduction", "statement"]
