"""Compare agents, hold a tournament, and say only what the evidence says."""

from qlearn.comparison.compare import compare
from qlearn.comparison.pairs import Pair
from qlearn.comparison.reading import from_frame
from qlearn.comparison.results import AgentResult, Comparison
from qlearn.comparison.scores import Cell, Scores
from qlearn.comparison.search import search
from qlearn.comparison.settings import Range
from qlearn.comparison.specification import Specification
from qlearn.comparison.suite import Suite
from qlearn.comparison.sweep import sweep
from qlearn.comparison.sweeps import Sweep
from qlearn.comparison.tournament import Entrant, Tournament, tournament
from qlearn.comparison.until_decided import Decided, compare_until_decided

__all__ = [
    "AgentResult",
    "Cell",
    "Comparison",
    "Decided",
    "Entrant",
    "Pair",
    "Range",
    "Scores",
    "Specification",
    "Suite",
    "Sweep",
    "Tournament",
    "compare",
    "compare_until_decided",
    "from_frame",
    "search",
    "sweep",
    "tournament",
]
