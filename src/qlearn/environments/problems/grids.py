"""Grids from a map of text: what the symbols mean, and the model that comes of them.

A move goes to the next cell; where a wall or the edge is in the way it stays where it is.  Then the wind of the
column that it set out from pushes it, cell by cell, until something is in the way.  What counts is the cell in which it
comes to rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from qlearn.environments.finite_mdp import FiniteMDP
from qlearn.environments.problems.frame import number
from qlearn.errors import InputError

Cell = tuple[int, int]  # row and column, from the upper left corner

WALL, FLOOR, START, GOAL, PIT, CLIFF = "#.SGHC"
USUAL = {GOAL: 1.0, PIT: -1.0, CLIFF: -100.0} | {digit: float(digit) for digit in "0123456789"}
_ENDS = {GOAL, PIT, *"0123456789"}
_PLAIN: dict[str, Cell] = {"up": (-1, 0), "right": (0, 1), "down": (1, 0), "left": (0, -1)}
_KINGS: dict[str, Cell] = _PLAIN | {
    "up-right": (-1, 1),
    "down-right": (1, 1),
    "down-left": (1, -1),
    "up-left": (-1, -1),
}
MOVES: dict[str, dict[str, Cell]] = {
    "plain": _PLAIN,
    "kings": _KINGS,
    "kings and stay": {**_KINGS, "stay": (0, 0)},
}
SYMBOLS = (
    "'#' wall, '.' floor, 'S' start, 'G' goal, a digit (a goal that pays it), 'H' pit, 'C' cliff, and a letter such "
    "as 'A' that leads to its small one, 'a'"
)


@dataclass(frozen=True)
class Rules:
    """How one moves on a map.

    Args:
        rewards: by symbol, instead of the usual ones; "#" is what it costs to run into something.
        step_reward: for every other step.
        moves: a key of `MOVES`.
        slip: probability that a move goes to the left or right of where it should, half of it each.
        wind: for each column, how many cells it pushes upwards (below 0: downwards); empty for none.
        gusts: whether a wind that blows is one stronger or one weaker, each in one of three cases.
        everywhere: whether an episode starts in any cell that does not end it.
    """

    rewards: Mapping[str, float] = field(default_factory=dict)
    step_reward: float = 0.0
    moves: str = "plain"
    slip: float = 0.0
    wind: Sequence[int] = ()
    gusts: bool = False
    everywhere: bool = False


class Arrival(NamedTuple):
    """What an outcome leads to."""

    cell: Cell
    reward: float
    ends: bool


def rows_of(text: str) -> list[str]:
    """Return the rows of a map; raises InputError where they are ragged, or a symbol is not known."""
    rows = [line.strip() for line in str(text).strip().splitlines()]
    if not rows:
        raise InputError(f"The map is empty; expected rows of symbols: {SYMBOLS}. Draw one.")
    for r, row in enumerate(rows):
        if len(row) != len(rows[0]):
            raise InputError(
                f"Row {r} of the map, {row!r}, has {len(row)} cells and row 0 has {len(rows[0])}; expected rows of one "
                "length. Fill it up with '#' or '.'."
            )
        for c, symbol in enumerate(row):
            if not _known(symbol):
                raise InputError(f"The map has {symbol!r} in row {r}, column {c}; expected {SYMBOLS}. Replace it.")
    return rows


def _known(symbol: str) -> bool:
    plain = symbol in {WALL, FLOOR, START, CLIFF} | _ENDS
    return plain or _is_door(symbol) or (symbol.isascii() and symbol.islower() and _is_door(symbol.upper()))


def _is_door(symbol: str) -> bool:
    return symbol.isascii() and symbol.isupper() and symbol not in (START, GOAL, PIT, CLIFF)


def cells_of(rows: Sequence[str], symbols: str | None = None) -> list[Cell]:
    """Return the cells that hold one of the symbols; without them those in which one can be."""
    return [
        (r, c)
        for r, row in enumerate(rows)
        for c, symbol in enumerate(row)
        if (symbol in symbols if symbols is not None else symbol not in (WALL, CLIFF))
    ]


def grid_model(rows: Sequence[str], rules: Rules, states: Sequence[Cell] | None = None) -> FiniteMDP:
    """Return the model of a map.

    Args:
        rows: what `rows_of` returned.
        rules: how one moves.
        states: the cells that are states, in their order; None for all in which one can be.  A wall among them is
            left and never entered, which serves maps that change.

    Raises:
        InputError: naming what is wrong with the map or with the rules.
    """
    world = _Map(rows, rules, tuple(cells_of(rows)) if states is None else tuple(states))
    place = {cell: i for i, cell in enumerate(world.states)}
    P = [
        [
            [(chance, place[to.cell], to.reward, to.ends) for to, chance in world.outcomes(cell, name).items()]
            for name in world.moves
        ]
        for cell in world.states
    ]
    initial = np.zeros(len(place))
    initial[[place[cell] for cell in world.starts]] = 1.0 / len(world.starts)
    return FiniteMDP.from_gymnasium(
        P,
        initial=initial,
        name="grid",
        state_names=[f"({r}, {c})" for r, c in world.states],
        action_names=tuple(world.moves),
    )


class _Map:
    """A map with its rules, checked."""

    def __init__(self, rows: Sequence[str], rules: Rules, states: tuple[Cell, ...]) -> None:
        self.rows, self.rules, self.states = rows, rules, states
        if rules.moves not in MOVES:
            raise InputError(f"`moves` is {rules.moves!r}; expected one of {', '.join(map(repr, MOVES))}. Give one.")
        self.moves = MOVES[rules.moves]
        self.clockwise = list(_PLAIN) if rules.moves == "plain" else list(_around())
        number("slip", rules.slip, 0.2, 0.0, 1.0)
        number("step_reward", rules.step_reward, -1)
        self.wind = [int(w) for w in rules.wind] or [0] * len(rows[0])
        if len(self.wind) != len(rows[0]) or any(int(w) != w for w in rules.wind):
            raise InputError(
                f"`wind` is {list(rules.wind)!r} and the map has {len(rows[0])} columns; expected a whole number of "
                "cells for each column, 0 where it is calm. Correct it."
            )
        self.rewards = self._rewards()
        here = cells_of(rows, START)
        self.starts = [cell for cell in states if self._at(cell) not in _ENDS] if rules.everywhere else here
        if not self.starts:
            raise InputError("The map has no start; expected at least one 'S', where an episode begins. Put one in.")
        self.landings = {symbol: cells_of(rows, symbol.lower()) for symbol in sorted(set("".join(rows)))}
        for symbol, landing in self.landings.items():
            if _is_door(symbol) and not landing:
                raise InputError(
                    f"The map has {symbol!r}, which leads to {symbol.lower()!r}, and no {symbol.lower()!r}. Put one in."
                )

    def _rewards(self) -> dict[str, float]:
        present = {symbol for row in self.rows for symbol in row}
        for symbol, reward in self.rules.rewards.items():
            pays = symbol in USUAL or symbol == WALL or _is_door(symbol)
            if not pays or (symbol != WALL and symbol not in present):
                raise InputError(
                    f"`rewards` has {symbol!r}; expected a symbol of the map that pays: a goal, pit, cliff, a letter "
                    "that leads on, or '#' for running into something. Leave it out, or put it into the map."
                )
            number(f"rewards[{symbol!r}]", reward, 1)
        return {**USUAL, **self.rules.rewards}

    def _at(self, cell: Cell) -> str:
        return self.rows[cell[0]][cell[1]]

    def outcomes(self, cell: Cell, name: str) -> dict[Arrival, float]:
        """What a move leads to from a cell, with probabilities."""
        symbol = self._at(cell)
        found: dict[Arrival, float] = {}
        if symbol in _ENDS:
            return {Arrival(cell, 0.0, True): 1.0}
        if _is_door(symbol):
            landings, reward = self.landings[symbol], self.rewards.get(symbol, self.rules.step_reward)
            return {Arrival(to, float(reward), False): 1.0 / len(landings) for to in landings}
        for direction, carried in self._directions(name):
            for push, blown in self._pushes(cell[1]):
                for to, share in self._rest(cell, direction, push):
                    found[to] = found.get(to, 0.0) + carried * blown * share
        return found

    def _directions(self, name: str) -> Iterator[tuple[Cell, float]]:
        """Where a move may go, and how likely: straight on, or a quarter turn to either side."""
        slip = float(self.rules.slip) if name != "stay" else 0.0
        if slip < 1:
            yield self.moves[name], 1 - slip
        if slip > 0:
            quarter = len(self.clockwise) // 4
            here = self.clockwise.index(name)
            for turn in (-quarter, quarter):
                yield self.moves[self.clockwise[(here + turn) % len(self.clockwise)]], slip / 2

    def _pushes(self, column: int) -> Iterator[tuple[int, float]]:
        wind = self.wind[column]
        if not (wind and self.rules.gusts):
            yield wind, 1.0
            return
        for push in (wind - 1, wind, wind + 1):
            yield push, 1 / 3

    def _rest(self, cell: Cell, direction: Cell, push: int) -> Iterator[tuple[Arrival, float]]:
        to, blocked = self._moved(cell, direction)
        for _ in range(abs(push)):
            to, _ = self._moved(to, (-1 if push > 0 else 1, 0))
        symbol = self._at(to)
        if symbol == CLIFF:
            for start in self.starts:
                yield Arrival(start, float(self.rewards[CLIFF]), False), 1.0 / len(self.starts)
        elif symbol in _ENDS:
            yield Arrival(to, float(self.rewards[symbol]), True), 1.0
        else:
            step = float(self.rules.step_reward)
            yield Arrival(to, float(self.rewards.get(WALL, step)) if blocked else step, False), 1.0

    def _moved(self, cell: Cell, direction: Cell) -> tuple[Cell, bool]:
        r, c = cell[0] + direction[0], cell[1] + direction[1]
        inside = 0 <= r < len(self.rows) and 0 <= c < len(self.rows[0])
        return ((r, c), False) if inside and self.rows[r][c] != WALL else (cell, True)


def _around() -> Iterator[str]:
    """The king's moves clockwise."""
    for straight, between in zip(_PLAIN, list(_KINGS)[4:], strict=True):
        yield from (straight, between)
