"""A finite model as ordinary Python that meets the very noise of the device loop.

So the two loops can be held to the same numbers.  The generator is written a second time here, in plain integers.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from qlearn.engine import noise
from qlearn.engine.host_loop import episode_seed
from qlearn.environments import FiniteMDP, HostEnvironment

_WORD = 0xFFFFFFFF
_TURNS = ((13, 15, 26, 6), (17, 29, 16, 24))


def first_word(seed: int, stream: int, episode: int, step: int) -> int:
    """The first word of a place: Threefry-2x32 with 13 rounds.

    >>> first_word(0, 0, 0, 0)
    2635882182
    """
    schedule = (seed, stream, seed ^ stream ^ 0x1BD11BDA)
    x, y = (episode + schedule[0]) & _WORD, (step + schedule[1]) & _WORD
    for i in range(noise.ROUNDS):
        turn = _TURNS[(i // 4) % 2][i % 4]
        x = (x + y) & _WORD
        y = (((y << turn) | (y >> (32 - turn))) & _WORD) ^ x
        if i % 4 == 3:
            j = i // 4 + 1
            x, y = (x + schedule[j % 3]) & _WORD, (y + schedule[(j + 1) % 3] + j) & _WORD
    return x


class _Fed:
    """One environment; ``places`` says which seed and episode a reset's seed stands for."""

    def __init__(self, mdp: FiniteMDP, places: dict[int, tuple[int, int]]) -> None:
        self.mdp, self.places = mdp, places
        self.seed = self.episode = self.steps = self.state = 0

    def reset(self, *, seed: int) -> tuple[int, dict[str, Any]]:
        self.seed, self.episode = self.places[seed]
        self.steps, self.state = 0, int(np.argmax(self.mdp.initial))
        return self.state, {}

    def step(self, action: int) -> tuple[int, float, bool, bool, dict[str, Any]]:
        mdp, row = self.mdp, self.state * self.mdp.num_actions + action
        begin, end = int(mdp.offsets[row]), int(mdp.offsets[row + 1])
        word = first_word(self.seed, noise.ENVIRONMENT, self.episode, self.steps)
        cumulative = np.cumsum(mdp.probability[begin:end])
        k = begin + min(int(np.searchsorted(cumulative, word / 2.0**32, side="right")), end - begin - 1)
        self.state, self.steps = int(mdp.next_state[k]), self.steps + 1
        truncated = mdp.time_limit is not None and self.steps >= mdp.time_limit
        return self.state, float(mdp.reward[k]), bool(mdp.terminated[k]), truncated, {}


def fed(mdp: FiniteMDP, seeds: int, episodes: int) -> HostEnvironment:
    """A host environment that gives seeds 0 … seeds − 1 what the device loop gives them, for so many episodes."""
    places = {episode_seed(s, e): (s, e) for s in range(seeds) for e in range(episodes + 1)}
    return HostEnvironment(
        name=f"fed {mdp.name}",
        make_env=lambda: _Fed(mdp, places),  # type: ignore[arg-type,return-value]
        num_states=mdp.num_states,
        num_actions=mdp.num_actions,
        sizes=(mdp.num_states,),
        starts=(0,),
        time_limit=mdp.time_limit,
    )
