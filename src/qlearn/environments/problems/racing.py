"""Two race tracks: fast enough to win, slow enough for the bend.

Source: Sutton & Barto, Reinforcement Learning, 2nd edition, 2018, exercise 5.12 and figure 5.5; after Barto, Bradtke &
Singh, Learning to act using real-time dynamic programming, 1995, and Gardner 1973.  The maps were read off the figure.
"""

from __future__ import annotations

import functools

import numpy as np

from qlearn.environments.finite_mdp import FiniteMDP
from qlearn.environments.problems.frame import number, problem
from qlearn.errors import InputError

TRACKS = {
    "left": """
###.............F
##..............F
##..............F
#...............F
................F
................F
..........#######
.........########
.........########
.........########
.........########
.........########
.........########
.........########
#........########
#........########
#........########
#........########
#........########
#........########
#........########
#........########
##.......########
##.......########
##.......########
##.......########
##.......########
##.......########
##.......########
###......########
###......########
###SSSSSS########
""",
    "right": """
################...............F
#############..................F
############...................F
###########....................F
###########....................F
###########....................F
###########....................F
############...................F
#############..................F
##############................##
##############.............#####
##############............######
##############..........########
##############.........#########
#############..........#########
############...........#########
###########............#########
##########.............#########
#########..............#########
########...............#########
#######................#########
######.................#########
#####..................#########
####...................#########
###....................#########
##.....................#########
#......................#########
.......................#########
.......................#########
SSSSSSSSSSSSSSSSSSSSSSS#########
""",
}
_FASTEST = 4
_CHANGES = [(up, right) for up in (-1, 0, 1) for right in (-1, 0, 1)]
Car = tuple[int, int, int, int]  # row, column, speed upwards, speed to the right
_FINISH: Car = (-1, -1, 0, 0)


@problem("RaceTrack-v0")
def race_track(track: str = "left", noise: float = 0.1) -> FiniteMDP:
    """Return a track; a state is where the car is and how fast, "(31, 3) speed (0, 0)".

    An action adds −1, 0 or 1 to the speed upwards and to that to the right ("+1, 0"); with probability ``noise`` both
    stay as they are.  Each is kept within 0 … 4, and both become 0 only on the start line: a change that would stop the
    car elsewhere is not carried out.  Then the car moves in a straight line.  If that crosses the finish line, the
    episode ends; if it leaves the track before, the car is put, without speed, on one of the cells of the start line,
    all equally likely.  Every step pays −1, the last one too.

    A line of m cells in its longer direction is followed through the m cells nearest to it, halves rounded up.

    **Exact optimum** at discount 1, from a start drawn evenly: −11.694577 (left), −8.895873 (right);
    without noise −10.4 and −8.5.  From the rightmost start on the left it is best to leave the track at once, since any
    other start is so much better.

    Only states that can be reached are in the model.

    Args:
        track: "left" or "right", as they are printed; or a map of your own: "#" off the track, "." on it, "S" start
            line, "F" finish line.
        noise: probability that the speed stays as it is, 0 to below 1.

    Raises:
        InputError: for a track that is not known, or a map that is none.

    >>> from qlearn.planning import solve
    >>> tiny = race_track(
    ...     '''
    ...     ..F
    ...     S##''',
    ...     noise=0,
    ... )
    >>> solve(tiny, discount=1).value
    -2.0
    """
    noise = number("noise", noise, 0.1, 0, 1)
    rows = _rows(track)
    starts: list[Car] = [(r, c, 0, 0) for r, row in enumerate(rows) for c, symbol in enumerate(row) if symbol == "S"]
    place: dict[Car, int] = {car: i for i, car in enumerate([*starts, _FINISH])}
    queue = list(place)
    P: list[list[list[tuple[float, int, float, bool]]]] = []
    drive = functools.cache(functools.partial(_driven, tuple(rows)))
    for car in queue:  # grows while it is gone through
        P.append([])
        for change in _CHANGES:
            outcomes: dict[Car, float] = {}
            for (up, right), chance in ((change, 1 - noise), ((0, 0), noise)):
                if chance == 0 or car == _FINISH:
                    continue
                to = drive(car, up, right)
                for one in starts if to is None else [to]:
                    outcomes[one] = outcomes.get(one, 0.0) + chance / (len(starts) if to is None else 1)
            for to in outcomes:
                if to not in place:
                    place[to] = len(place)
                    queue.append(to)
            here = [(chance, place[to], -1.0, to == _FINISH) for to, chance in outcomes.items()]
            P[-1].append(here or [(1.0, place[car], 0.0, True)])
    names = ["finish" if car == _FINISH else f"({car[0]}, {car[1]}) speed ({car[2]}, {car[3]})" for car in place]
    initial = np.zeros(len(place))
    initial[: len(starts)] = 1.0 / len(starts)
    actions = [f"{up:+d}, {right:+d}".replace("+0", "0") for up, right in _CHANGES]
    return FiniteMDP.from_gymnasium(P, initial=initial, name="race track", state_names=names, action_names=actions)


def _rows(track: str) -> list[str]:
    text = TRACKS.get(track, track)
    rows = [line.strip() for line in str(text).strip().splitlines()]
    known = set("".join(rows)) <= set("#.SF") and len({len(row) for row in rows}) == 1
    if not known or not {"S", "F"} <= set("".join(rows)):
        raise InputError(
            f"`track` is {track!r}; expected 'left', 'right', or a map: rows of one length of '#' (off the track), '.' "
            "(on it), 'S' (start line) and 'F' (finish line), the last two at least once. Correct it."
        )
    return rows


def _driven(rows: tuple[str, ...], car: Car, up: int, right: int) -> Car | None:
    """Return where the car is after a step; None where it leaves the track."""
    r, c, was_up, was_right = car
    faster = (min(max(was_up + up, 0), _FASTEST), min(max(was_right + right, 0), _FASTEST))
    if faster == (0, 0) and rows[r][c] != "S":
        faster = (was_up, was_right)
    longest = max(faster)
    for k in range(1, longest + 1):
        row = r - (2 * faster[0] * k + longest) // (2 * longest)
        column = c + (2 * faster[1] * k + longest) // (2 * longest)
        if not (0 <= row < len(rows) and column < len(rows[0])) or rows[row][column] == "#":
            return None
        if rows[row][column] == "F":
            return _FINISH
    if longest == 0:
        return (r, c, 0, 0)
    return (row, column, *faster)
