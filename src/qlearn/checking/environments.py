"""What environments promise: games that follow the model, seeds that repeat, values that can be learnt from."""

from __future__ import annotations

import dataclasses
import re
import warnings
from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.utils.env_checker import check_env
from scipy import stats

from qlearn.checking.outcome import Promise, Verdict
from qlearn.environments import FiniteMDP, HostEnvironment
from qlearn.environments.adapters import MDPEnv
from qlearn.planning import solve

Numbers = np.ndarray[Any, Any]
_STEPS, _LONG = 4000, 20_000
_UNLIKELY = 1e-7
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def promises_of_model(mdp: FiniteMDP) -> tuple[Promise, ...]:
    """Of a finite model, and of the games that it is played as."""
    maker = mdp.make_env or (lambda: MDPEnv(mdp))
    return (
        _promise("optimum", "It can be solved to 1e-6.", lambda: _solved(mdp)),
        _promise("games follow the model", "Games go as the model says.", lambda: _followed(mdp, maker)),
        _promise("clock", "Episodes are cut off at the time limit, and not before.", lambda: _clock(mdp, maker)),
        _promise("seeds repeat", "A seed gives the same game again.", lambda: _repeats(maker)),
    )


def promises_of_game(environment: HostEnvironment) -> tuple[Promise, ...]:
    """Of an environment that is ordinary Python."""
    maker = environment.make_env
    return (
        _promise("Gymnasium's check", "Gymnasium's own checker finds nothing wrong.", lambda: _by_gymnasium(maker)),
        _promise("seeds repeat", "A seed gives the same game again.", lambda: _repeats(maker)),
        _promise("copies apart", "Two copies do not disturb each other.", lambda: _apart(maker)),
        _promise("spaces", "Observations lie in their space, rewards are finite.", lambda: _within(environment)),
        _promise("episodes end", f"Random actions end an episode within {_LONG:,} steps.", lambda: _ends(maker)),
    )


def _promise(name: str, says: str, look: Callable[[], tuple[Verdict, str]]) -> Promise:
    try:
        verdict, words = look()
    except Exception as error:  # a user's environment may raise anything, and that breaks the promise
        verdict, words = "broken", f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    return Promise(name, says, verdict, words)


def _told(fine: Any, words: str) -> tuple[Verdict, str]:
    return ("kept" if bool(fine) else "broken"), words


def _solved(mdp: FiniteMDP) -> tuple[Verdict, str]:
    models = [dataclasses.replace(mdp, changes=()), *(model for _, model in mdp.changes)]
    found = [solve(model, discount=0.95) for model in models]
    fine = all(one.converged and one.error_bound <= 1e-6 for one in found)
    values, error = ", then ".join(f"{one.value:.6g}" for one in found), max(one.error_bound for one in found)
    return _told(fine, f"value {values} at discount 0.95, error {error:.1g}")


def _actions(info: dict[str, Any], count: int, start: int, rng: np.random.Generator) -> int:
    mask = info.get("action_mask")
    return start + int(rng.choice(np.flatnonzero(mask)) if mask is not None else rng.integers(count))


def _walk(env: Any, seed: int, steps: int) -> list[tuple[Any, int, Any, float, bool, bool]]:
    """So many steps of random legal actions: (observation, action, next, reward, terminated, truncated)."""
    rng = np.random.default_rng(seed)
    start, count = int(getattr(env.action_space, "start", 0)), int(getattr(env.action_space, "n", 1))
    seen, info = env.reset(seed=seed)
    walked = []
    for _ in range(steps):
        action = _actions(info, count, start, rng)
        following, reward, terminated, truncated, info = env.step(action)
        walked.append((seen, action, following, float(reward), bool(terminated), bool(truncated)))
        seen = following
        if terminated or truncated:
            seen, info = env.reset()
    return walked


def _followed(mdp: FiniteMDP, maker: Callable[[], Any]) -> tuple[Verdict, str]:
    if mdp.changes:
        return "does not apply", "the model changes while it is learnt on"
    counts = np.zeros(mdp.probability.size)
    env = maker()
    for seen, action, following, reward, terminated, _ in _walk(env, 1, _STEPS):
        if env.observation_space.__class__ is not gym.spaces.Discrete:
            return "does not apply", "the game's observations are not the model's states"
        row = int(seen) * mdp.num_actions + int(action)
        here = np.arange(mdp.offsets[row], mdp.offsets[row + 1])
        fits = (mdp.next_state[here] == int(following)) & (mdp.terminated[here] == terminated)
        if mdp.reward_std is None or not mdp.reward_std[here].any():
            fits &= np.isclose(mdp.reward[here], reward, atol=1e-6)
        if not fits.any():
            words = f"state {int(seen)}, action {int(action)} led to {int(following)} with reward {reward:g}"
            return "broken", f"{words}{' and ended' if terminated else ''}, which the model does not list"
        counts[here[fits]] += mdp.probability[here[fits]] / mdp.probability[here[fits]].sum()
    return _likely(mdp, counts)


def _likely(mdp: FiniteMDP, counts: Numbers) -> tuple[Verdict, str]:
    """Pearson's test over all rows that were visited often; outcomes alike share their counts."""
    row = np.repeat(np.arange(mdp.num_states * mdp.num_actions), np.diff(mdp.offsets))
    visits = np.bincount(row, counts, mdp.num_states * mdp.num_actions)
    expected = mdp.probability * visits[row]
    used = expected >= 5
    statistic = float((((counts - expected) ** 2)[used] / expected[used]).sum())
    freedom = int(used.sum() - np.unique(row[used]).size)
    chance = float(stats.chi2.sf(statistic, freedom)) if freedom > 0 else 1.0
    return _told(chance > _UNLIKELY, f"{_STEPS:,} random steps: χ² {statistic:.1f} with {freedom} degrees of freedom")


def _clock(mdp: FiniteMDP, maker: Callable[[], Any]) -> tuple[Verdict, str]:
    steps = min(_LONG, 3 * (mdp.time_limit or 500))
    length, cut = 0, []
    for *_, terminated, truncated in _walk(maker(), 2, steps):
        length += 1
        cut += [length] if truncated else []
        length = 0 if terminated or truncated else length
    fine = all(at == mdp.time_limit for at in cut) and length <= (mdp.time_limit or steps)
    return _told(fine, f"{len(cut)} episodes cut off, time limit {mdp.time_limit}")


def _same(one: Any, other: Any) -> bool:
    return all(
        all(np.array_equal(np.asarray(a), np.asarray(b), equal_nan=True) for a, b in zip(x, y, strict=True))
        for x, y in zip(one, other, strict=True)
    )


def _repeats(maker: Callable[[], Any]) -> tuple[Verdict, str]:
    env = maker()
    one, other, third = _walk(env, 5, 200), _walk(env, 5, 200), _walk(maker(), 5, 200)
    return _told(_same(one, other) and _same(one, third), "200 steps of one seed, three times, in two copies")


def _apart(maker: Callable[[], Any]) -> tuple[Verdict, str]:
    alone = _walk(maker(), 7, 100)
    one, two = maker(), maker()
    _walk(two, 8, 50)
    beside = _walk(one, 7, 100)
    return _told(_same(alone, beside), "100 steps alone and after those of another copy")


def _within(environment: HostEnvironment) -> tuple[Verdict, str]:
    env, outside, infinite = environment.make_env(), 0, 0
    for _, _, following, reward, _, _ in _walk(env, 9, 1000):
        environment.encode(following, np.ones(environment.num_actions), over=True)
        outside += not env.observation_space.contains(following)
        infinite += not np.isfinite(reward)
    return _told(outside + infinite == 0, f"of 1,000 steps {outside} left the space, {infinite} paid no finite reward")


def _ends(maker: Callable[[], Any]) -> tuple[Verdict, str]:
    for number, (*_, terminated, truncated) in enumerate(_walk(maker(), 11, _LONG), 1):
        if terminated or truncated:
            return "kept", f"the first one after {number:,} steps"
    return "broken", "none did: give it a time limit, as with gymnasium.wrappers.TimeLimit"


def _by_gymnasium(maker: Callable[[], Any]) -> tuple[Verdict, str]:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        check_env(maker().unwrapped, skip_render_check=True)
    words = sorted({_COLOUR.sub("", str(w.message)).splitlines()[0] for w in told})
    return "kept", "nothing to say" if not words else f"it remarks: {words[0][:150]}"
