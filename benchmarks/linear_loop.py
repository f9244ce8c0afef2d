"""The yardsticks: tile-coded Sarsa on mountain car in plain Python loops, as reproductions of the book write it.

One finds its tiles the way of the book's software: floors in Python, a tuple of coordinates for each tiling and action,
and a dictionary that gives places out. The other is leaner: NumPy computes the places of all tilings at once, and one
table has a column for each action.
"""

import math

import numpy as np

TILINGS, TILES, ALPHA = 8, 8, 0.5 / 8
LOW, HIGH, SIZE = (-1.2, -0.07), (0.5, 0.07), 4096


class Places:
    """Places given out to tiles as they are met."""

    def __init__(self):
        self.of = {}

    def __call__(self, coordinates):
        if coordinates not in self.of:
            self.of[coordinates] = len(self.of) % SIZE
        return self.of[coordinates]


def tiles_of(places, position, velocity, action):
    """The places of the active tiles, one for each tiling."""
    scaled = (TILES * position / (HIGH[0] - LOW[0]), TILES * velocity / (HIGH[1] - LOW[1]))
    fine = [math.floor(x * TILINGS) for x in scaled]
    found = []
    for tiling in range(TILINGS):
        coordinates, shift = [tiling], tiling
        for x in fine:
            coordinates.append((x + shift) // TILINGS)
            shift += 2 * tiling
        coordinates.append(action)
        found.append(places(tuple(coordinates)))
    return found


def drive(position, velocity, action):
    """One step of the car."""
    velocity = min(max(velocity + 0.001 * action - 0.0025 * math.cos(3 * position), -0.07), 0.07)
    position = min(max(position + velocity, -1.2), 0.5)
    return position, 0.0 if position == -1.2 else velocity


def learn_with_hashes(steps, seed):
    """The book's way: a value is a sum of the weights of a state's and an action's tiles."""
    rng, places, weights = np.random.default_rng(seed), Places(), np.zeros(SIZE)

    def value(position, velocity, action):
        return 0.0 if position == 0.5 else np.sum(weights[tiles_of(places, position, velocity, action)])

    def choose(position, velocity):
        values = [value(position, velocity, action) for action in (-1, 0, 1)]
        return rng.choice([i for i, x in enumerate(values) if x == np.max(values)]) - 1

    position, velocity = rng.uniform(-0.6, -0.4), 0.0
    action = choose(position, velocity)
    for _ in range(steps):
        then = drive(position, velocity, action)
        following = choose(*then)
        error = -1.0 + value(*then, following) - value(position, velocity, action)
        weights[tiles_of(places, position, velocity, action)] += ALPHA * error
        (position, velocity), action = then, following
        if position == 0.5:
            position, velocity = rng.uniform(-0.6, -0.4), 0.0
            action = choose(position, velocity)
    return weights


SHIFT = np.array([[t * (1 + 2 * j) % TILINGS for t in range(TILINGS)] for j in range(2)])
FIRST = np.arange(TILINGS) * (TILES + 1) ** 2


def tiles_at_once(position, velocity):
    """The places of the active tiles of all tilings, without the action."""
    a = (int(TILES * TILINGS * (position - LOW[0]) / (HIGH[0] - LOW[0])) + SHIFT[0]) // TILINGS
    b = (int(TILES * TILINGS * (velocity - LOW[1]) / (HIGH[1] - LOW[1])) + SHIFT[1]) // TILINGS
    return FIRST + a * (TILES + 1) + b


def learn_leanly(steps, seed, decay=None):
    """Rows of all actions from one table; with ``decay`` (λ) replacing traces over the whole table."""
    rng, weights = np.random.default_rng(seed), np.zeros((TILINGS * (TILES + 1) ** 2, 3))
    trace = np.zeros_like(weights)

    def row(places):
        return weights[places].sum(axis=0)

    def choose(values):
        return rng.choice(np.flatnonzero(values == values.max()))

    def begin():
        position = rng.uniform(-0.6, -0.4)
        places = tiles_at_once(position, 0.0)
        return position, 0.0, places, choose(row(places))

    position, velocity, places, action = begin()
    for _ in range(steps):
        position, velocity = drive(position, velocity, action - 1)
        old = weights[places, action].sum()
        if position == 0.5:
            error = -1.0 - old
        else:
            then = tiles_at_once(position, velocity)
            values = row(then)
            following = choose(values)
            error = -1.0 + values[following] - old
        if decay is None:
            weights[places, action] += ALPHA * error
        else:
            trace *= decay
            trace[places, action] = 1.0
            weights += ALPHA * error * trace
        if position == 0.5:
            position, velocity, places, action = begin()
            trace[:] = 0.0
        else:
            places, action = then, following
    return weights
