"""Sutton and Barto, exercise 5.12 and section 5.7: off-policy Monte Carlo control on the left race track.

Conditions: discount 1, ε-greedy behaviour with ε = 0.1, noise 0.1, episodes cut after 200 steps.  The book prints no
number; it says where the method is slow, asks for trajectories without noise, and the exact optimum judges the rest.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from qlearn.agents import OffPolicyMonteCarlo
from qlearn.environments import FiniteMDP, make
from qlearn.environments.problems import race_track
from qlearn.environments.problems.racing import TRACKS
from qlearn.planning import solve
from qlearn.published.claim import Progress, Reproduced, Reproduction, exact, statement
from qlearn.reports.style import look, new_figure, style
from qlearn.rules import EpsilonGreedy
from qlearn.training import train

_LIMIT, _EPISODES, _START = 200, 4_000, -50.0


def run(seeds: Sequence[int], progress: Progress) -> Reproduced:
    """Train; what the learnt policies lose near the finish and far from it, and how they drive."""
    track = make("RaceTrack-v0", max_episode_steps=_LIMIT)
    assert isinstance(track, FiniteMDP)
    agent = OffPolicyMonteCarlo(discount=1.0, exploration=EpsilonGreedy(0.1), initial_value=_START)
    runs = train(agent, track, episodes=_EPISODES, seeds=seeds, progress=progress)
    truth = solve(track, discount=1.0)
    policies = runs.greedy_policies()
    lost = np.stack([truth.v - _values(track, policy) for policy in policies])
    seen = (runs.visits.sum(axis=2) > 0) & ~track.terminal_states
    near, far = truth.v >= -2.5, truth.v <= -8
    regret = [float(np.median(lost[seen & where])) for where in (near, far)]
    starts = track.initial > 0
    best = int(np.argmin(lost[:, starts].mean(axis=1)))
    laps = {"optimal": _laps(truth.policy), "learnt, the best seed": _laps(policies[best].argmax(axis=1))}
    done = sum(path[-1][0] < 0 for path in laps["learnt, the best seed"])
    fastest = min(len(path) for path in laps["optimal"]) - 1
    told = f"median loss {regret[0]:.2f} steps within 2.5 steps of the finish, {regret[1]:.1f} beyond 8"
    claims = (
        statement("where it learns", "from the tails of episodes; slowly in their early parts", told,
                  regret[0] < 0.25 * regret[1], "section 5.7"),
        statement("trajectories of the best seed, noise off", "finish, from every start", f"{done} of 6", done == 6,
                  "exercise 5.12 asks for them",
                  why="" if done == 6 else "4,000 episodes do not reach every start: it learns from tails only"),
        exact("steps of the best policy, with noise", 11.694577, -truth.value, "solved exactly", tolerance=1e-6),
        exact("steps of its fastest lap, noise off", 10, fastest, "a search forwards", tolerance=0),
    )  # fmt: skip
    data = {name: _padded(paths) for name, paths in laps.items()}
    return Reproduced(claims, {**data, "lost": lost[:, starts].mean(axis=1)})


def _values(track: FiniteMDP, policy: Any) -> Any:
    """What a policy expects from every state within the limit."""
    transition, v = track.transition_matrix(), np.zeros(track.num_states)
    for _ in range(_LIMIT):
        v = (policy * (track.expected_reward + (transition @ v).reshape(policy.shape))).sum(axis=1)
    return v


def _laps(policy: Any) -> list[list[tuple[float, float]]]:
    """Where a policy drives from each start without noise; (−1, −1) is beyond the finish, NaN off the track."""
    noisy, free = race_track(), race_track(noise=0.0)
    assert noisy.state_names is not None
    assert free.state_names is not None
    number, states = dict(zip(noisy.state_names, range(noisy.num_states), strict=True)), free.num_states
    paths = []
    for s in range(states):
        if free.initial[s] == 0:
            continue
        path, here = [_cell(free.state_names[s])], s
        while not path[-1][0] < 0 and len(path) <= _LIMIT:
            row = here * free.num_actions + int(policy[number[free.state_names[here]]])
            if free.offsets[row + 1] > free.offsets[row] + 1:
                path.append((np.nan, np.nan))  # off the track: it goes on from the first of the starts
            here = int(free.next_state[free.offsets[row]])
            path.append(_cell(free.state_names[here]))
        paths.append(path)
    return paths


def _padded(paths: list[list[tuple[float, float]]]) -> Any:
    longest = max(map(len, paths))
    return np.array([[*path, *[path[-1]] * (longest - len(path))] for path in paths])


def _cell(name: str) -> tuple[float, float]:
    found = re.match(r"\((\d+), (\d+)\)", name)
    return (float(found[1]), float(found[2])) if found else (-1.0, -1.0)


def draw(result: Reproduced) -> Figure:
    """The track with the paths of the best policy and of a learnt one, without noise."""
    rows = TRACKS["left"].split()
    ground = np.array([["#.SF".index(symbol) for symbol in row] for row in rows])
    with style():
        figure = new_figure(7.2, 6.4)
        names = ("optimal", "learnt, the best seed")
        for axes, name in zip(figure.subplots(1, 2), names, strict=True):
            colours = ListedColormap(["#4A4A4A", "white", "#D9D9D9", "#B9D7C8"])
            axes.imshow(ground, cmap=colours, vmin=0, vmax=3)
            for i, path in enumerate(result.data[name]):
                on = path[~(path[:, 0] < 0)]
                axes.plot(on[:, 1], on[:, 0], ".-", color=look(i).colour, linewidth=1, markersize=5)
            axes.set(title=name, xticks=[], yticks=[])
        figure.suptitle("Race track, noise off: a path from each start")
    return figure


REPRODUCTION = Reproduction("sb-5-racetrack", 8, run, draw)
