"""Numbers in, numbers out: intervals, differences and shares of independent runs.

The independent run is the unit.  This room imports no other, so it serves results from anywhere.
"""

from qlearn.statistics.aggregates import Estimate, aggregate_interval, interquartile_mean
from qlearn.statistics.caution import FEW_RUNS, MOST_WITHOUT_SIGNIFICANCE, cautions
from qlearn.statistics.corrections import holm
from qlearn.statistics.differences import Difference, paired_difference, welch_difference
from qlearn.statistics.equivalence import Equivalence, equivalence
from qlearn.statistics.humps import two_humped
from qlearn.statistics.improvement import Improvement, improvement_across, probability_of_improvement
from qlearn.statistics.intervals import Interval, Mean, mean_interval, quartiles
from qlearn.statistics.permutations import permutation_test
from qlearn.statistics.profiles import Profile, performance_profile
from qlearn.statistics.sequential import Sequential, compare_in_batches
from qlearn.statistics.shares import wilson_interval
from qlearn.statistics.sizes import Pilot, detectable_difference, pilot, power_of, runs_needed
from qlearn.statistics.step_down import step_down

__all__ = [
    "FEW_RUNS",
    "MOST_WITHOUT_SIGNIFICANCE",
    "Difference",
    "Equivalence",
    "Estimate",
    "Improvement",
    "Interval",
    "Mean",
    "Pilot",
    "Profile",
    "Sequential",
    "aggregate_interval",
    "cautions",
    "compare_in_batches",
    "detectable_difference",
    "equivalence",
    "holm",
    "improvement_across",
    "interquartile_mean",
    "mean_interval",
    "paired_difference",
    "performance_profile",
    "permutation_test",
    "pilot",
    "power_of",
    "probability_of_improvement",
    "quartiles",
    "runs_needed",
    "step_down",
    "two_humped",
    "welch_difference",
    "wilson_interval",
]
