"""Many chains at once, each with a random stream of its own: chain i is an `NChainEnv`, bit for bit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium.error import InvalidAction, ResetNeeded
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from qlearn.environments.nchain import BACKWARD, NChainEnv
from qlearn.environments.registration import MAX_EPISODE_STEPS
from qlearn.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Step = tuple["NDArray[Any]", "NDArray[Any]", "NDArray[Any]", "NDArray[Any]", dict[str, Any]]


class NChainVectorEnv(VectorEnv[Any, Any, Any]):
    """The chain, ``num_envs`` times, stepped as arrays.

    Args:
        num_envs: how many chains.
        max_episode_steps: the time limit; None or -1 for none.
        autoreset_mode: what happens after a truncated step, in Gymnasium's words: ``NEXT_STEP`` (the next
            call resets that chain, whatever its action), ``SAME_STEP`` (reset at once, the last observation
            is in ``info["final_obs"]``) or ``DISABLED`` (the caller resets, by ``reset_mask``).
        render_mode: "ansi", "rgb_array" or None; `render` gives one frame for each chain.
        **arguments: n, slip, small, large; see `NChainEnv`.

    >>> import gymnasium as gym
    >>> envs = gym.make_vec("NChain-v0", num_envs=3, slip=0.0)
    >>> _ = envs.reset(seed=1)
    >>> envs.step(np.array([0, 1, 0]))[:2]
    (array([1, 0, 1]), array([0., 2., 0.]))
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 (declared so by Gymnasium)
        "render_modes": ["ansi", "rgb_array"],
        "render_fps": 4,
        "autoreset_mode": AutoresetMode.NEXT_STEP,
    }

    def __init__(
        self,
        num_envs: int = 1,
        *,
        max_episode_steps: int | None = MAX_EPISODE_STEPS,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        render_mode: str | None = None,
        **arguments: Any,
    ) -> None:
        super().__init__()
        self.num_envs = num_envs
        self.autoreset_mode = AutoresetMode(autoreset_mode)
        self.metadata = {**type(self).metadata, "autoreset_mode": self.autoreset_mode}
        self.render_mode = render_mode
        self.max_episode_steps = None if max_episode_steps == -1 else max_episode_steps
        self._chains = [NChainEnv(render_mode=render_mode, **arguments) for _ in range(num_envs)]  # they only draw
        self._chain = self._chains[0]
        self.single_observation_space = self._chain.observation_space
        self.single_action_space = self._chain.action_space
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._streams: list[np.random.Generator | None] = [None] * num_envs
        self._seeds: list[int] = [-1] * num_envs
        self._state: NDArray[np.int64] | None = None
        self._elapsed = np.zeros(num_envs, dtype=np.int64)
        self._over = np.zeros(num_envs, dtype=np.bool_)
        self._last = (np.full(num_envs, -1), np.zeros(num_envs, dtype=np.bool_), np.zeros(num_envs))

    @property  # type: ignore[misc]
    def np_random(self) -> Any:
        """The random streams, one for each chain."""
        return tuple(self._stream(i) for i in range(self.num_envs))

    @property
    def np_random_seed(self) -> Any:
        """The seeds of the random streams, one for each chain; -1 where unknown."""
        return tuple(self._seeds)

    def _stream(self, i: int) -> np.random.Generator:
        stream = self._streams[i]
        if stream is None:
            stream, self._seeds[i] = seeding.np_random()
            self._streams[i] = stream
        return stream

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Any, dict[str, Any]]:
        """Go to state 0, everywhere or where ``options["reset_mask"]`` says; chain i takes ``seed + i``."""
        seeds = _seeds(seed, self.num_envs)
        if len(seeds) != self.num_envs:
            raise InputError(f"`seed` has {len(seeds)} entries; there are {self.num_envs} chains. Give one for each.")
        mask = np.ones(self.num_envs, dtype=np.bool_)
        if options and "reset_mask" in options:
            mask = np.asarray(options["reset_mask"])
            if mask.shape != (self.num_envs,) or mask.dtype != np.bool_ or not mask.any():
                raise InputError(f"`reset_mask` must be {self.num_envs} booleans, at least one of them True.")
        for i in np.flatnonzero(mask):
            if seeds[i] is not None:
                self._streams[i], self._seeds[i] = seeding.np_random(seeds[i])
        if self._state is None:
            self._state = np.zeros(self.num_envs, dtype=np.int64)
        self._restart(mask)
        return self._state.copy(), _info(np.zeros(self.num_envs, dtype=np.bool_), mask)

    def _restart(self, mask: NDArray[np.bool_]) -> None:
        assert self._state is not None
        self._state[mask] = 0
        self._elapsed[mask] = 0
        self._over[mask] = False
        for array, start in zip(self._last, (-1, False, 0.0), strict=True):
            array[mask] = start

    def step(self, actions: ArrayLike) -> Step:
        """Take one step in every chain."""
        if self._state is None:
            raise ResetNeeded("NChain was stepped before it was reset; an episode starts with `envs.reset()`.")
        resting = self._over.copy()
        if resting.any() and self.autoreset_mode == AutoresetMode.DISABLED:
            raise ResetNeeded("A chain was stepped after its episode ended; reset it with `options={'reset_mask': …}`.")
        self._restart(resting)
        moving = ~resting
        slipped = self._advance(np.asarray(actions), moving)
        rewards = np.where(moving, self._last[2], 0.0)
        truncated = np.zeros(self.num_envs, dtype=np.bool_)
        if self.max_episode_steps is not None:
            truncated = moving & (self._elapsed >= self.max_episode_steps)
        infos = {}
        shown = slipped.copy()
        if self.autoreset_mode == AutoresetMode.SAME_STEP:
            if truncated.any():
                infos = self._final(truncated, slipped)
                shown[truncated] = False
                self._restart(truncated)
        else:
            self._over = truncated.copy()
        infos |= _info(shown, np.ones(self.num_envs, dtype=np.bool_))
        return self._state.copy(), rewards, np.zeros(self.num_envs, dtype=np.bool_), truncated, infos

    def _advance(self, actions: NDArray[Any], moving: NDArray[np.bool_]) -> NDArray[np.bool_]:
        assert self._state is not None
        if actions.shape != (self.num_envs,) or actions.dtype.kind not in "iub":
            raise InvalidAction(
                f"{actions!r} are no actions for {self.num_envs} chains; give one whole number for each."
            )
        chosen = actions.astype(np.int64)
        wrong = moving & (chosen != 0) & (chosen != 1)
        if wrong.any():
            raise InvalidAction(f"{chosen[wrong][0]} is no action of NChain; it must be 0 (forward) or 1 (backward).")
        uniform = np.ones(self.num_envs)
        for i in np.flatnonzero(moving):
            uniform[i] = self._stream(int(i)).random()
        slipped = moving & (uniform < self._chain.slip)
        carried_out = np.where(slipped, 1 - chosen, chosen)
        last = self._chain.n - 1
        forward = np.minimum(self._state + 1, last)
        paid = np.where(self._state == last, self._chain.large, 0.0)
        back = carried_out == BACKWARD
        reward = np.where(back, self._chain.small, paid)
        self._state = np.where(moving, np.where(back, 0, forward), self._state)
        self._elapsed[moving] += 1
        self._last = (np.where(moving, chosen, -1), slipped, np.where(moving, reward, 0.0))
        return slipped

    def _final(self, ended: NDArray[np.bool_], slipped: NDArray[np.bool_]) -> dict[str, Any]:
        assert self._state is not None
        observations = np.full(self.num_envs, None, dtype=object)
        for i in np.flatnonzero(ended):
            observations[i] = int(self._state[i])
        return {
            "final_obs": observations,
            "_final_obs": ended.copy(),
            "final_info": _info(slipped & ended, ended.copy()),
            "_final_info": ended.copy(),
        }

    def render(self) -> tuple[Any, ...]:
        """Return one frame for each chain."""
        if self._state is None:
            raise ResetNeeded("NChain was drawn before it was reset; an episode starts with `envs.reset()`.")
        for i, chain in enumerate(self._chains):
            action, slipped, reward = (array[i] for array in self._last)
            chain.state, chain.last_action = int(self._state[i]), None if action < 0 else int(action)
            chain.slipped, chain.last_reward = bool(slipped), float(reward)
        return tuple(chain.render() for chain in self._chains)


def _seeds(seed: Any, num_envs: int) -> list[int | None]:
    if seed is None:
        return [None] * num_envs
    if isinstance(seed, int | np.integer):
        return [int(seed) + i for i in range(num_envs)]
    return list(seed)


def _info(slipped: NDArray[np.bool_], known: NDArray[np.bool_]) -> dict[str, Any]:
    return {"slipped": slipped, "_slipped": known}
