r"""Whether values come to where they should, within a bound that follows from the problem and the visits.

Behaving uniformly at random, with step sizes :math:`\alpha_n = n^{-0.7}` for the n-th visit of a state and action and
targets of standard deviation at most :math:`\sigma`, a cell after n visits is off by noise of variance about
:math:`\alpha_n \sigma^2 / (2 (1 - \gamma))` and by what is left of its first error,
:math:`e_0 \exp(-(1 - \gamma) \sum_k \alpha_k)`.  For :math:`\sigma` stands the standard deviation of whole discounted
returns, which no target of fewer steps exceeds by much; z = 6 covers all cells and seeds at once.  Agents without a
learning rate average, as with 1/n; to those that know no schedules a constant rate of 0.01 is given.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from qlearn.checking.altered import altered, fields_of
from qlearn.checking.outcome import Verdict
from qlearn.planning import policy_value, solve, uniform_policy
from qlearn.rules import EpsilonGreedy, per_visit

Numbers = np.ndarray[Any, Any]
DISCOUNT, EPISODES, POWER, RATE = 0.6, 20_000, 0.7, 0.01
_Z = 6.0


def bound(visits: Numbers, deviation: float, first: float, *, power: float = POWER, rate: float = 1.0) -> Numbers:
    """How far off a value may be, for numbers of visits (…), σ and the first error, with step sizes rate · n^−power.

    >>> bool(bound(np.array([10_000]), 1.0, 1.0)[0] < bound(np.array([100]), 1.0, 1.0)[0])
    True
    """
    n = np.maximum(visits, 1).astype(np.float64)
    noise = _Z * deviation * np.sqrt(rate * n**-power / (2.0 * (1.0 - DISCOUNT)))
    passed = rate * (n ** (1.0 - power) / (1.0 - power) if power < 1 else np.log(n) + 1.0)
    return noise + first * np.exp(-(1.0 - DISCOUNT) * passed)


def converges(seen: Any) -> tuple[Verdict, str]:
    """Train for 20,000 episodes of uniformly random behaviour and compare with both truths."""
    agent, problem = seen.agent, seen.problem
    names = fields_of(agent)
    if agent.discount is None or "discount" not in names:
        return "does not apply", "it has no discount, so that there is no value to come to"
    plain = isinstance(getattr(agent, "learning_rate", None), float)  # an agent that knows no schedules
    rate = RATE if plain else per_visit(power=POWER)
    described = altered(agent, discount=DISCOUNT, learning_rate=rate, exploration=EpsilonGreedy(1.0), policy=None)
    runs = seen.train(described, problem, episodes=EPISODES, seeds=8)
    optimum, own = solve(problem, discount=DISCOUNT).q, _behaviours(problem)
    first = float(np.abs(optimum).max() + abs(getattr(agent, "initial_value", 0.0)))
    power = 0.0 if plain else POWER if "learning_rate" in names else 1.0
    allowed = bound(runs.visits, _deviation(problem, own), first, power=power, rate=RATE if plain else 1.0)
    reached = runs.visits > 200
    truths = {"Q*": optimum, "its behaviour's values": own}
    if getattr(agent, "predicts", False):
        truths = {"the values of the policy": np.broadcast_to(own.mean(axis=1, keepdims=True), own.shape)}
    worst = {name: float((np.abs(runs.q_table - t) / allowed)[reached].max()) for name, t in truths.items()}
    nearest = min(worst, key=lambda name: worst[name])
    apart = np.abs(runs.q_table - truths[nearest])[reached]
    words = f"off {nearest} by {apart.max():.3f} at most and {apart.mean():.3f} on average after {EPISODES:,} episodes"
    return ("kept" if worst[nearest] < 1.0 else "broken"), f"{words}; {worst[nearest]:.0%} of what is allowed"


def _deviation(problem: Any, q: Numbers) -> float:
    """The largest standard deviation of a discounted return under the uniform policy: Sobel's equation, solved."""
    S, A = q.shape
    row = np.repeat(np.arange(S * A), np.diff(problem.offsets))
    goes_on = np.where(problem.terminated, 0.0, DISCOUNT)
    apart = problem.reward + goes_on * q.mean(axis=1)[problem.next_state] - q.ravel()[row]
    own = np.bincount(row, problem.probability * apart**2, S * A)
    spread = np.zeros(S)
    for _ in range(200):  # a contraction by 0.36; the variance of the action drawn in the next state comes along
        following = spread + q.var(axis=1)
        total = own + np.bincount(row, problem.probability * goes_on**2 * following[problem.next_state], S * A)
        spread = total.reshape(S, A).mean(axis=1)
    return float(np.sqrt(total.max()))


def _behaviours(problem: Any) -> Numbers:
    """The uniform policy's action values, (S, A)."""
    value = policy_value(problem, uniform_policy(problem), DISCOUNT)
    following = (problem.transition_matrix() @ value).reshape(problem.num_states, problem.num_actions)
    return np.asarray(problem.expected_reward + DISCOUNT * following)
