"""An environment's own vector form, whichever of Gymnasium's three autoreset modes it follows.

==========  ==========================================  ================================================
mode        after a step that ends an episode           what is handed on
==========  ==========================================  ================================================
NEXT_STEP   the next call resets that copy only         that call is no step: ``valid`` is False there
SAME_STEP   it is reset at once                         the final observation is taken from ``info``
DISABLED    it waits for a reset with ``reset_mask``    it gets one
==========  ==========================================  ================================================

Such a form may share one random stream among its copies (Gymnasium's CartPole does), so every seed has a vector
environment of its own; its stream goes on from episode to episode.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import iterate

from qlearn.environments.faults import LARGEST, Fault, unpacked
from qlearn.environments.host import HostEnvironment
from qlearn.environments.parts import MASK
from qlearn.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Moved(NamedTuple):
    """A step of every copy, and what to act on next."""

    observation: NDArray[Any]
    reward: NDArray[np.float64]
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    valid: NDArray[np.bool_]
    seen: NDArray[Any]


def autoreset_mode(envs: Any, name: str) -> AutoresetMode:
    """Return the mode that a vector environment declares; raises InputError where it declares none."""
    declared = envs.metadata.get("autoreset_mode")
    try:
        return AutoresetMode(declared)
    except ValueError as error:
        raise InputError(
            f"{name}: its vector form says metadata['autoreset_mode'] = {declared!r}; expected one of "
            f"{', '.join(map(str, AutoresetMode))}. Set it to what the form does, or pass vectorization='sync'."
        ) from error


def _vector(thing: Any) -> Any:
    return thing if isinstance(thing, VectorEnv) else None


class OwnForm:
    """The vector environment of one seed.

    Args:
        environment: what to make and how to read it.
        count: how many copies.

    Raises:
        InputError: where it is no vector environment of so many copies.
    """

    def __init__(self, environment: HostEnvironment, count: int) -> None:
        assert environment.make_vector is not None
        self._environment, self._count = environment, count
        self._envs = envs = _vector(environment.make_vector(count))
        if envs is None or envs.num_envs != count:
            found = "something else" if envs is None else f"one of {envs.num_envs}"
            raise InputError(
                f"{environment.name} made {found}; expected a gymnasium.vector.VectorEnv of {count} copies. "
                "Let it obey `num_envs`."
            )
        self.mode = autoreset_mode(self._envs, environment.name)
        self._resting = np.zeros(count, np.bool_)

    def reset(self, seed: int) -> NDArray[Any]:
        """Start all copies."""
        observations, info = unpacked(self._envs.reset(seed=seed), 2, "reset")
        self._resting[:] = False
        return self._encoded(observations, info, np.zeros(self._count, np.bool_))

    def step(self, actions: NDArray[Any]) -> Moved:
        """Take one step, of the copies that are not being reset by it."""
        given = self._envs.step(actions.astype(np.int64) + self._environment.action_start)
        observations, rewards, terminated, truncated, info = unpacked(given, 5, "step")
        valid = ~self._resting
        reward = np.where(valid, self._rewards(rewards), 0.0)
        over = self._flags(terminated, "terminated") & valid, self._flags(truncated, "truncated") & valid
        ended = over[0] | over[1]
        arrived = seen = self._encoded(observations, info, over[0])
        if self.mode == AutoresetMode.NEXT_STEP:
            self._resting = ended
        elif ended.any() and self.mode == AutoresetMode.SAME_STEP:
            arrived = self._final(arrived, ended, over[0], info)
        elif ended.any():
            again, info = unpacked(self._envs.reset(options={"reset_mask": ended.copy()}), 2, "reset")
            fresh = self._encoded(again, info, ~ended)
            seen = np.where(ended.reshape(-1, *[1] * (arrived.ndim - 1)), fresh, arrived)
        return Moved(arrived, reward, *over, valid, seen)

    def close(self) -> None:
        """Close it."""
        self._envs.close()

    def _encoded(self, observations: Any, info: Any, over: NDArray[np.bool_]) -> NDArray[Any]:
        """What agents see of all copies; ``over`` marks those in which nobody acts any more."""
        if self._environment.parts:
            each = zip(iterate(self._envs.observation_space, observations), self._masks(info), over, strict=True)
            encoded = np.stack([self._environment.encode(one, mask, over=bool(x)) for one, mask, x in each])
        else:  # a form may write its next observations into the same array
            encoded = np.array(self._environment.encode_batch(observations))
        if len(encoded) != self._count:
            raise Fault(f" gave {len(encoded)} observations for {self._count} copies. Mend its vector form.")
        return encoded

    def _masks(self, info: Any) -> Any:
        """What ``info`` says is legal in each copy."""
        if self._environment.mask_from is None:
            return [None] * self._count
        if MASK not in info or len(info[MASK]) != self._count:
            raise Fault(f" gave no info[{MASK!r}] for {self._count} copies. Mend its vector form.")
        return info[MASK]

    def _final(
        self, arrived: NDArray[Any], ended: NDArray[np.bool_], over: NDArray[np.bool_], info: dict[str, Any]
    ) -> NDArray[Any]:
        if "final_obs" not in info:
            raise Fault(
                " resets in the same step, but info['final_obs'] is missing; expected the last observation of each "
                "episode that ended. Mend its vector form, or pass vectorization='sync'."
            )
        arrived = arrived.copy()
        masks = None if self._environment.mask_from is None else info.get("final_info", {}).get(MASK)
        for i in np.flatnonzero(ended):
            mask = None if masks is None else masks[i]
            arrived[i] = self._environment.encode(info["final_obs"][i], mask, over=bool(over[i]))
        return arrived

    def _rewards(self, rewards: Any) -> NDArray[np.float64]:
        given = np.asarray(rewards)
        if given.shape != (self._count,) or given.dtype.kind not in "fiub":
            raise Fault(f" gave the rewards {rewards!r}; expected {self._count} numbers. Mend its step().")
        wrong = ~(np.abs(given.astype(np.float64)) <= LARGEST) & ~self._resting
        if wrong.any():
            i = int(np.flatnonzero(wrong)[0])
            raise Fault(f" gave copy {i} the reward {given[i]}; expected a finite number of float32. Mend its step().")
        return given.astype(np.float64)

    def _flags(self, flags: Any, name: str) -> NDArray[np.bool_]:
        given = np.asarray(flags)
        if given.shape != (self._count,) or given.dtype != np.bool_:
            raise Fault(f" gave {name}={flags!r}; expected {self._count} times True or False. Mend its step().")
        return given
