"""The bandit test bed: every seed has a bandit of its own, whose arms' means are drawn before it begins.

The mean of each arm is drawn from N(mean, spread²), a reward of it from N(its mean, std²); every pull is an episode.
All agents meet the same bandit at the same seed.  With ten arms, mean 0 and spread 1, the best arm of a bandit pays
1.5388 on average (the expected largest of ten standard normal numbers).

Source: Sutton and Barto, 2nd edition, section 2.3.
"""

from __future__ import annotations

from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from qlearn.environments.jax_environment import JaxEnvironment, check_settings, device_environment
from qlearn.environments.problems.frame import whole

Array = jax.Array
_BEFORE = 0xFFFFFFFF  # an episode and a step that no run comes to: where the means are drawn
_STREAM = 0  # of the environment, whatever stream asks: a bandit is the same when it is judged


@device_environment
class BanditTestbed(JaxEnvironment):
    """A bandit for every seed.

    Args:
        arms: how many, at least 1.
        mean: what an arm pays, on average over bandits.
        spread: standard deviation of the arms' means > 0.
        std: standard deviation of a reward > 0.
        time_limit: of no effect, since every episode is one pull.

    >>> BanditTestbed(mean=4.0).name
    'BanditTestbed-v0(mean=4.0)'
    """

    identity: ClassVar[str] = "BanditTestbed-v0"
    num_states: ClassVar[int] = 1
    observation_shape: ClassVar[tuple[int, ...] | None] = None
    observation_dtype: ClassVar[str] = "int32"

    arms: int = 10
    mean: float = 0.0
    spread: float = 1.0
    std: float = 1.0
    time_limit: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "arms", whole("arms", self.arms, 1, 10))
        check_settings(self, ("spread", "std"), finite=("mean",))

    @property
    def num_actions(self) -> int:
        """As many as there are arms."""
        return self.arms

    def arm(self, noise: Any, action: Array | int) -> Array:
        """The mean of an arm of this seed's bandit, a float32."""
        place = jnp.uint32(_BEFORE)
        before = noise._replace(stream=jnp.uint32(_STREAM), episode=place, step=place, first=None)
        return jnp.asarray(self.mean + self.spread * before.normal(action), jnp.float32)

    def means(self, noise: Any) -> Array:
        """The means of all arms of this seed's bandit, (arms,) float32; ``noise`` is any noise of the seed."""
        return jnp.stack([self.arm(noise, a) for a in range(self.arms)])

    def reset(self, noise: Any) -> Array:
        """The only state, 0."""
        return jnp.int32(0)

    def observe(self, state: Array) -> Array:
        """The only state, 0."""
        return state

    def step(self, state: Array, action: Array, noise: Any, total: Array) -> tuple[Array, Array, Array]:
        """Pull an arm, which ends the episode."""
        return state, self.arm(noise, action) + self.std * noise.normal(1), jnp.bool_(True)


def bandit_testbed(arms: int = 10, *, mean: float = 0.0, spread: float = 1.0, std: float = 1.0) -> BanditTestbed:
    """Return the test bed: a bandit for every seed, arms' means from N(mean, spread²), rewards of deviation ``std``.

    Args:
        arms: how many, at least 1.
        mean: what an arm pays on average over bandits, in units of reward.
        spread: standard deviation of the arms' means > 0.
        std: standard deviation of a reward > 0.

    The best arm pays ``mean`` + 1.5388 ``spread`` on average with ten arms.

    Raises:
        InputError: where a number is out of range.

    >>> bandit_testbed(arms=5).num_actions
    5
    """
    return BanditTestbed(arms=arms, mean=mean, spread=spread, std=std)
