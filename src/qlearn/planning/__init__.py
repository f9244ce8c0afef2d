"""The exact truth: optimum, policy evaluation, finite horizon, average reward, return distribution."""

from qlearn.planning.average import AverageReward, average_reward, long_run
from qlearn.planning.distribution import ReturnDistribution, return_distribution
from qlearn.planning.evaluation import PolicyValue, evaluate_policies, evaluate_policy
from qlearn.planning.finite_horizon import FiniteHorizonSolution, finite_horizon, online_ceiling
from qlearn.planning.infinite import policy_value
from qlearn.planning.policies import DEFAULT_HORIZON, as_probabilities, horizon_of, uniform_policy
from qlearn.planning.soft import EpsilonSoft, epsilon_soft
from qlearn.planning.solution import Solution
from qlearn.planning.solve import is_optimal, optimum, solve

__all__ = [
    "DEFAULT_HORIZON",
    "AverageReward",
    "EpsilonSoft",
    "FiniteHorizonSolution",
    "PolicyValue",
    "ReturnDistribution",
    "Solution",
    "as_probabilities",
    "average_reward",
    "epsilon_soft",
    "evaluate_policies",
    "evaluate_policy",
    "finite_horizon",
    "horizon_of",
    "is_optimal",
    "long_run",
    "online_ceiling",
    "optimum",
    "policy_value",
    "return_distribution",
    "solve",
    "uniform_policy",
]
