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
}
"""By id; add a line, and the function to ``__init__.py``."""

MODULE = __package__


def problem_of(spec: EnvSpec) -> Problem | None:
    """Return the problem that a registered id stands for, unless somebody has put another in its place."""
    own = str(spec.entry_point).startswith(f"{MODULE}.")
    return PROBLEMS.get(spec.id) if own else None
