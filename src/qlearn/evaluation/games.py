"""One sampled greedy game for every run, all at once: what a tournament plays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from qlearn.engine.games import play
from qlearn.environments import FiniteMDP, HostEnvironment
from qlearn.environments.finite_mdp import FloatArray, IntArray
from qlearn.evaluation.rollouts import rollouts
from qlearn.planning import horizon_of

if TYPE_CHECKING:
    from qlearn.training import Runs

_GAME = 0x6A3E  # sets these streams apart from all others that start from a run's seed
_DRAWS = 16_000_000  # random numbers held at once: 128 MB


def play_games(
    world: FiniteMDP,
    policies: Sequence[FloatArray],
    seeds: IntArray,
    horizon: int | None = None,
) -> FloatArray:
    """Return the undiscounted return of one sampled episode of each policy, (agents, n).

    Every round and agent has random numbers of its own, made from the round's seed and the agent's place alone.  They
    are not shared between agents: equal policies would then tie in every game, and who stands first would win.

    Args:
        world: the model.
        policies: for each agent (n, S, A) probabilities.
        seeds: (n,) one for each round.
        horizon: in steps; None for the time limit, or 1,000 where there is none.

    >>> from qlearn.environments import make
    >>> chain, forward = make("NChain-v0"), np.tile([1.0, 0.0], (2, 5, 1))
    >>> play_games(chain, [forward, forward], np.array([0, 1])).shape
    (2, 2)
    """
    steps = horizon_of(world, horizon)
    size = max(1, _DRAWS // (len(policies) * (3 * steps + 1)))
    parts = [slice(i, i + size) for i in range(0, len(seeds), size)]
    table = _Outcomes(world)
    return np.concatenate(
        [_play(table, [some[part] for some in policies], seeds[part], steps) for part in parts], axis=1
    )


def one_game(runs: Runs, place: int, horizon: int | None = None) -> FloatArray:
    """Return the undiscounted return of one greedy episode of each run where no model is known, (n,).

    Args:
        runs: what `train` returned.
        place: of the agent among others, which all meet random numbers of their own.
        horizon: in steps; None for the time limit, or 1,000 where there is none.
    """
    steps = horizon if horizon is not None else runs.environment.time_limit
    own = runs.seeds ^ ((place + 1) << 20)  # seeds that no other agent of the comparison plays with
    if runs.knowledge is None:
        policies = runs.greedy_policies()
        if isinstance(runs.environment, HostEnvironment):
            return rollouts(runs.environment, policies, runs.seeds, steps, games=1, place=place)[:, 0]
        table = policies.astype(np.float32)
        return play(None, runs.environment, own, table, games=1, horizon=steps)[:, 0]
    return play(runs.agent, runs.environment, own, runs.knowledge, games=1, horizon=steps)[:, 0]


class _Outcomes:
    """A model made ready to be sampled: one rising array in which a row's outcomes are found by halving."""

    def __init__(self, mdp: FiniteMDP) -> None:
        self.mdp = mdp
        rows = len(mdp.offsets) - 1
        self.row = np.repeat(np.arange(rows), np.diff(mdp.offsets))
        running = np.concatenate([[0.0], np.cumsum(mdp.probability)])
        within = running[1:] - running[mdp.offsets[self.row]]
        self.rising = self.row + np.clip(within, 0.0, 1.0)
        self.last = mdp.offsets[1:] - 1
        self.start = np.cumsum(mdp.initial)

    def draw(self, row: IntArray, uniform: FloatArray) -> IntArray:
        """The first outcome of each row whose cumulative probability exceeds the uniform number."""
        place = np.searchsorted(self.rising, row + uniform, side="right")
        # Rounding may lead out of the row at either end of [0, 1).
        return np.clip(place, self.mdp.offsets[row], self.last[row])

    def first_state(self, uniform: FloatArray) -> IntArray:
        """The start of each game."""
        last = int(np.flatnonzero(self.mdp.initial > 0)[-1])
        return np.minimum(np.searchsorted(self.start, uniform, side="right"), last)


def _play(table: _Outcomes, policies: Sequence[FloatArray], seeds: IntArray, horizon: int) -> FloatArray:
    agents, n, mdp = len(policies), len(seeds), table.mdp
    cumulative = np.cumsum(np.concatenate(policies), axis=2)
    cumulative[..., -1] = 2.0  # rounding must not lead past the last action that has weight
    cumulative = np.where(cumulative >= 1 - 1e-12, 2.0, cumulative)
    start, draws, normals = _noise(mdp, agents, seeds, horizon)
    lane = np.arange(agents * n)
    state = table.first_state(start)
    total, playing = np.zeros(agents * n), np.ones(agents * n, dtype=np.bool_)
    for t in range(horizon):
        chance = draws[t]
        action = (cumulative[lane, state] <= chance[0][:, None]).sum(axis=1)
        found = table.draw(state * mdp.num_actions + action, chance[1])
        reward = mdp.reward[found]
        if normals is not None and mdp.reward_std is not None:
            reward = reward + mdp.reward_std[found] * normals[t]
        total += np.where(playing, reward, 0.0)
        playing &= ~mdp.terminated[found]
        state = mdp.next_state[found]
        if t % 16 == 0 and not playing.any():
            break
    return total.reshape(agents, n)


def _noise(
    mdp: FiniteMDP, agents: int, seeds: IntArray, horizon: int
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Return, for agents · n games: starts, uniform numbers (horizon, 2, games), normal ones if needed."""
    games = [(int(seed), agent) for agent in range(agents) for seed in seeds]
    start, draws = np.empty(len(games)), np.empty((horizon, 2, len(games)))
    normals = None if mdp.reward_std is None else np.empty((horizon, len(games)))
    for i, game in enumerate(games):
        random = np.random.default_rng([*game, _GAME])
        start[i] = random.random()
        draws[:, :, i] = random.random((horizon, 2))
        if normals is not None:
            normals[:, i] = random.standard_normal(horizon)
    return start, draws, normals
