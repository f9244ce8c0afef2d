"""Numbers of the engine, made a second time in plain Python, and environments that are fed with them."""

import numpy as np
import pytest

from qlearn.engine import noise
from qlearn.engine.host_loop import episode_seed
from qlearn.environments import HostEnvironment

MASK = 0xFFFFFFFF


def threefry_in_python(key, counter, rounds=13):
    turns = ((13, 15, 26, 6), (17, 29, 16, 24))
    schedule = (key[0], key[1], key[0] ^ key[1] ^ 0x1BD11BDA)
    x, y = (counter[0] + schedule[0]) & MASK, (counter[1] + schedule[1]) & MASK
    for i in range(rounds):
        turn = turns[(i // 4) % 2][i % 4]
        x = (x + y) & MASK
        y = (((y << turn) | (y >> (32 - turn))) & MASK) ^ x
        if i % 4 == 3:
            j = i // 4 + 1
            x, y = (x + schedule[j % 3]) & MASK, (y + schedule[(j + 1) % 3] + j) & MASK
    return x, y


@pytest.fixture(scope="session")
def python_threefry():
    return threefry_in_python


class FedEnv:
    """A finite model, stepped in plain Python with the words that the device loop draws for (seed, episode, step)."""

    def __init__(self, mdp, places):
        self.mdp, self.places = mdp, places

    def _choose(self, begin, end, bits):
        total = 0.0
        for k in range(begin, end):
            total += self.mdp.probability[k]
            if bits < total * 2.0**32:
                return k
        return end - 1

    def reset(self, *, seed):
        self.seed, self.episode = self.places[seed]
        self.t = 0
        bits, _ = threefry_in_python((self.seed, noise.RESET), (self.episode, 0))
        begins = np.flatnonzero(self.mdp.initial)
        reached = np.searchsorted(np.cumsum(self.mdp.initial[begins]), bits / 2.0**32, side="right")
        self.state = int(begins[min(reached, begins.size - 1)])
        return self.state, {}

    def step(self, action):
        bits, _ = threefry_in_python((self.seed, noise.ENVIRONMENT), (self.episode, self.t))
        row = self.state * self.mdp.num_actions + action
        k = self._choose(self.mdp.offsets[row], self.mdp.offsets[row + 1], bits)
        self.state, self.t = int(self.mdp.next_state[k]), self.t + 1
        truncated = self.mdp.time_limit is not None and self.t >= self.mdp.time_limit
        return self.state, float(self.mdp.reward[k]), bool(self.mdp.terminated[k]), truncated, {}


@pytest.fixture(scope="session")
def fed():
    """A function that makes a HostEnvironment out of a finite model, on the device loop's own noise."""

    def make_host(mdp, seeds, episodes):
        places = {episode_seed(s, e): (s, e) for s in range(seeds) for e in range(episodes + 1)}
        return HostEnvironment(
            name=f"fed {mdp.name}",
            make_env=lambda: FedEnv(mdp, places),
            num_states=mdp.num_states,
            num_actions=mdp.num_actions,
            sizes=(mdp.num_states,),
            starts=(0,),
            time_limit=mdp.time_limit,
        )

    return make_host
