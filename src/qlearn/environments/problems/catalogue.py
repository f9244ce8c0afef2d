"""Which problems come with qlearn, by id; looking one up loads nothing, not even NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from gymnasium.envs.registration import EnvSpec


class Problem(NamedTuple):
    """A line of the catalogue; the sizes are those without arguments, so that a list need not make the models.

    Args:
        file: in this folder.
        function: what makes the problem, public as ``ql.problems.FUNCTION``.
        summary: what it is.
        num_states: without arguments; None where observations are arrays.
        num_actions: without arguments.
        time_limit: steps after which an episode is truncated; None for no limit.
        observation_shape: of an observation that is an array.
        device: whether it has no model and is a `JaxEnvironment`; then it is no environment of Gymnasium's.
    """

    file: str
    function: str
    summary: str
    num_states: int | None
    num_actions: int
    time_limit: int | None = None
    observation_shape: tuple[int, ...] | None = None
    device: bool = False


PROBLEMS: dict[str, Problem] = {
    "RandomWalk-v0": Problem(
        "walks", "random_walk", "A walk at random between two ends; its values are to be told", 7, 1
    ),
    "DynaMaze-v0": Problem("mazes", "dyna_maze", "A maze whose shortest way has 14 steps", 47, 4),
    "BlockingMaze-v0": Problem("mazes", "blocking_maze", "A maze whose short way closes after 1,000 steps", 47, 4),
    "ShortcutMaze-v0": Problem("mazes", "shortcut_maze", "A maze in which a short way opens after 3,000 steps", 47, 4),
    "Bandit-v0": Problem("bandits", "bandit", "One state and several arms; every pull is an episode", 1, 10),
    "BanditTestbed-v0": Problem(
        "testbed", "bandit_testbed", "A bandit for every seed, its arms' means drawn at random", 1, 10, device=True
    ),
    "MaximisationBias-v0": Problem("bias", "maximisation_bias", "Many noisy arms that only seem to pay", 2, 12),
    "VanHasseltGrid-v0": Problem("hasselt", "van_hasselt_grid", "A small grid with very noisy rewards", 9, 4),
    "AccessControl-v0": Problem("servers", "access_control", "Let customers in, or wait for better ones", 44, 2),
    "RiverSwim-v0": Problem("river", "river_swim", "A large reward upstream, a small one at hand", 6, 2, 20),
    "DeepSea-v0": Problem("sea", "deep_sea", "One treasure at the end of a way that costs a little", 55, 2),
    "GridWorld-v0": Problem("text_map", "grid_world", "A grid of your own, drawn as text", 11, 4),
    "WindyGrid-v0": Problem("windy", "windy_grid", "A grid in whose middle columns the wind blows upwards", 70, 4),
    "Grid35-v0": Problem("book_grids", "grid_3_5", "Two cells of a grid pay and lead away, for ever", 25, 4),
    "Grid41-v0": Problem("book_grids", "grid_4_1", "The shortest way to one of two corners", 16, 4),
    "Gambler-v0": Problem("gambling", "gambler", "Stake on a coin until there is enough, or nothing", 101, 50),
    "CarRental-v0": Problem("rental", "car_rental", "Move cars overnight between two places", 441, 11),
    "RaceTrack-v0": Problem("racing", "race_track", "Fast enough to win, slow enough for the bend", 2361, 9),
    "DoubleChain-v0": Problem("chains", "double_chain", "Two chains, the better of which begins with nothing", 9, 2),
    "PuddleWorld-v0": Problem(
        "puddles",
        "puddle_world",
        "To the corner of a square, around two puddles, with noisy steps",
        None,
        4,
        1000,
        (2,),
        device=True,
    ),
    "BairdStar-v0": Problem("star", "baird_star", "No reward, and linear functions diverge all the same", 7, 2),
    "Garnet-v0": Problem("random_problems", "garnet", "A random problem for every seed", 20, 4),
}
"""By id; add a line, and the function to ``__init__.py``."""

MODULE = __package__


def problem_of(spec: EnvSpec) -> Problem | None:
    """Return the problem that a registered id stands for, unless somebody has put another in its place."""
    own = str(spec.entry_point).startswith(f"{MODULE}.")
    return PROBLEMS.get(spec.id) if own else None
