"""Which published results can be reproduced: one file each, loaded when it is asked for."""

from __future__ import annotations

import importlib
from typing import NamedTuple

from qlearn.errors import InputError, nearest
from qlearn.published.claim import Reproduction


class Entry(NamedTuple):
    """A line of the list."""

    module: str
    title: str
    source: str


PUBLISHED: dict[str, Entry] = {
    "sb-2.2": Entry("bandit_epsilon", "Greedy and ε-greedy choices on the ten-armed test bed", "S&B, figure 2.2"),
    "sb-2.3": Entry("bandit_optimistic", "Optimistic first values on the ten-armed test bed", "S&B, figure 2.3"),
    "sb-2.4": Entry("bandit_confidence", "Upper confidence bounds on the ten-armed test bed", "S&B, figure 2.4"),
    "sb-2.5": Entry("bandit_gradient", "Gradient bandits with and without a baseline", "S&B, figure 2.5"),
    "sb-3.5": Entry(
        "grid_values", "Values of the uniform policy and optimal values on a grid", "S&B, figures 3.2 and 3.5"
    ),
    "sb-4.1": Entry("grid_sweeps", "Sweeps of policy evaluation on a small grid", "S&B, figure 4.1"),
    "sb-4.2": Entry("jacks_cars", "Policy iteration on Jack's car rental", "S&B, figure 4.2"),
    "sb-4.3": Entry("gamblers_stakes", "Value iteration on the gambler's problem", "S&B, figure 4.3"),
    "sb-5-racetrack": Entry("race_track", "Off-policy Monte Carlo on the race track", "S&B, exercise 5.12"),
    "sb-5.1": Entry("blackjack_prediction", "Monte Carlo prediction plays blackjack", "S&B, figure 5.1"),
    "sb-5.2": Entry("blackjack_control", "Monte Carlo with exploring starts solves blackjack", "S&B, figure 5.2"),
    "sb-5.3": Entry(
        "blackjack_importance", "Ordinary and weighted importance sampling in blackjack", "S&B, figure 5.3"
    ),
    "sb-6.2": Entry("five_state_walk", "TD and Monte Carlo on a walk of five states", "S&B, example 6.2"),
    "sb-6.3": Entry(
        "expected_sarsa",
        "Interim and asymptotic performance over the step size",
        "S&B, figure 6.3; van Seijen et al. 2009",
    ),
    "sb-6-windy": Entry("windy_grid", "Sarsa on the windy grid", "S&B, example 6.5"),
    "sb-6.4": Entry("cliff_walking", "Sarsa, Q-learning and Expected Sarsa beside the cliff", "S&B, example 6.6"),
    "sb-6.5": Entry("maximisation_bias", "Maximisation bias: Q-learning and Double Q-learning", "S&B, figure 6.5"),
    "sb-7.2": Entry("n_step_walk", "n-step TD on a walk of 19 states", "S&B, figure 7.2"),
    "sb-8.2": Entry("dyna_maze", "Planning steps in the Dyna maze", "S&B, figure 8.2"),
    "sb-8.4": Entry("blocking_maze", "Dyna-Q and Dyna-Q+ when the way is blocked", "S&B, figure 8.4"),
    "sb-8.5": Entry("shortcut_maze", "Dyna-Q and Dyna-Q+ when a shortcut opens", "S&B, figure 8.5"),
    "sb-8-sweeping": Entry("swept_mazes", "Prioritised sweeping against Dyna-Q, maze by maze", "S&B, example 8.4"),
    "sb-9.1": Entry("state_aggregation_walk", "Gradient Monte Carlo with state aggregation", "S&B, figure 9.1"),
    "sb-9.2": Entry("bootstrapping_walk", "Bootstrapping with state aggregation", "S&B, figure 9.2"),
    "sb-10.1": Entry("mountain_car_values", "The cost to go of mountain car while Sarsa learns", "S&B, figure 10.1"),
    "sb-10.2": Entry("mountain_car_curves", "Tile-coded Sarsa on mountain car, three step sizes", "S&B, figure 10.2"),
    "sb-10.3": Entry("mountain_car_steps", "One-step and eight-step Sarsa on mountain car", "S&B, figure 10.3"),
    "sb-10.4": Entry("mountain_car_n", "Step size and n on mountain car", "S&B, figure 10.4"),
    "sb-10.5": Entry("admitted_customers", "Differential Sarsa at the queue", "S&B, figure 10.5"),
    "sb-12.3": Entry(
        "lambda_walk_offline", "The off-line λ-return algorithm on a walk of 19 states", "S&B, figure 12.3"
    ),
    "sb-12.6": Entry("lambda_walk_td", "TD(λ) on a walk of 19 states", "S&B, figure 12.6"),
    "sb-12.8": Entry("lambda_walk_online", "True online TD(λ) on a walk of 19 states", "S&B, figure 12.8"),
    "sb-12.10": Entry("mountain_car_traces", "Step size and λ on mountain car", "S&B, figure 12.10"),
    "gymnasium-blackjack": Entry("tutorial_blackjack", "Q-learning plays blackjack", "Gymnasium's tutorial"),
    "gymnasium-frozenlake": Entry(
        "tutorial_frozen_lake", "Q-learning on frozen lakes of four sizes", "Gymnasium's tutorial"
    ),
    "hasselt-2010": Entry("hasselt_grid", "Double Q-learning on the noisy 3 × 3 grid", "van Hasselt 2010, figure 3"),
    "osband-2013": Entry("swum_river", "Regret of PSRL and UCRL2 on RiverSwim", "Osband et al. 2013, table 1"),
    "osband-deepsea": Entry("deep_sea", "Exploration in the deep sea: exponential or not", "Osband et al. 2019"),
    "strens-2000": Entry("bayesian_chain", "Posterior sampling on the chain", "Strens 2000, table 1"),
}
"""By name, in the order of the list; S&B is Sutton and Barto, 2nd edition, 2018."""


def reproduction(name: str) -> Reproduction:
    """Return a published result by its name.

    Raises:
        InputError: for an unknown name, with the nearest known one.

    >>> reproduction("sb-6.4").seeds > 1
    True
    """
    if name not in PUBLISHED:
        raise InputError(
            f"There is no published result {name!r}{nearest(name, PUBLISHED) or '.'} `qlearn reproduce` lists them."
        )
    found: Reproduction = importlib.import_module(f"qlearn.published.{PUBLISHED[name].module}").REPRODUCTION
    return found
