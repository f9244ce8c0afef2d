"""Published results, reproduced: one file each, with what the source states and how it is drawn there.

No copy of the books and papers was at hand: what a claim's ``source`` calls printed, a caption or read off a figure
stands here from memory.  What it calls exact or independent was computed or simulated apart from qlearn's agents.
"""

from qlearn.published.claim import Claim, Reproduced, Reproduction, exact, measured, statement
from qlearn.published.listing import PUBLISHED, reproduction

__all__ = ["PUBLISHED", "Claim", "Reproduced", "Reproduction", "exact", "measured", "reproduction", "statement"]
