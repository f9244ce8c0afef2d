"""MountainCar-v0 in JAX: a car too weak for the hill before it must swing back first.

With x the position, v the velocity and a ∈ {0, 1, 2}::

    v ← clip(v + (a − 1) force − gravity cos 3x, ±max_speed),    x ← clip(x + v, min_position, max_position)

and v = 0 where the car runs against the wall on the left.  The episode ends where x ≥ goal_position and
v ≥ goal_velocity.

Source: Moore, *Efficient memory-based learning for robot control* (1990), in the form of Sutton & Barto, example 10.1;
    the numbers are Gymnasium's.
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from qlearn.environments.jax_environment import Draws, JaxEnvironment, check_settings, device_environment
from qlearn.errors import InputError

Array = jax.Array


class MountainCarState(NamedTuple):
    """Scalars of float32."""

    position: Array
    velocity: Array


@device_environment
class MountainCar(JaxEnvironment):
    """MountainCar-v0; reward −1 for every step, the last one included.

    Args:
        force: what the motor adds to the velocity in a step.
        gravity: what the slope takes from it, at its steepest.
        min_position: where the wall on the left stands.
        max_position: where the road on the right ends.
        max_speed: the most that the velocity can be.
        goal_position: where the goal begins.
        goal_velocity: the least velocity at which the goal counts.
        start_low: start positions are uniform in [start_low, start_high).
        start_high: see there.
        time_limit: steps after which an episode is truncated; ``max_episode_steps`` in an id.

    >>> MountainCar(goal_velocity=0.02).name
    'MountainCar-v0(goal_velocity=0.02)'
    """

    identity: ClassVar[str] = "MountainCar-v0"
    num_actions: ClassVar[int] = 3
    observation_shape: ClassVar[tuple[int, ...] | None] = (2,)

    force: float = 0.001
    gravity: float = 0.0025
    min_position: float = -1.2
    max_position: float = 0.6
    max_speed: float = 0.07
    goal_position: float = 0.5
    goal_velocity: float = 0.0
    start_low: float = -0.6
    start_high: float = -0.4
    time_limit: int | None = 200

    def __post_init__(self) -> None:
        places = ("min_position", "start_low", "start_high", "max_position")
        check_settings(self, ("force", "max_speed"), finite=("gravity", *places, "goal_position", "goal_velocity"))
        if not self.min_position <= self.start_low <= self.start_high <= self.max_position:
            raise InputError(
                f"{self.identity}: {', '.join(f'{p}={getattr(self, p):g}' for p in places)} do not rise; a car starts "
                "between the ends of the road. Put them in this order."
            )

    def reset(self, noise: Draws) -> MountainCarState:
        """At rest, uniform in [start_low, start_high)."""
        position = self.start_low + (self.start_high - self.start_low) * noise.uniform(0)
        return MountainCarState(position, jnp.zeros_like(position))

    def observe(self, state: MountainCarState) -> Array:
        """Position and velocity, (2,)."""
        return jnp.stack(state)

    def step(
        self, state: MountainCarState, action: Array, noise: Draws, total: Array
    ) -> tuple[MountainCarState, Array, Array]:
        """Drive to the left (0), not at all (1), or to the right (2)."""
        motor = self.force * (action - 1).astype(jnp.float32)
        velocity = state.velocity + motor - self.gravity * jnp.cos(3.0 * state.position)
        velocity = jnp.clip(velocity, -self.max_speed, self.max_speed)
        position = jnp.clip(state.position + velocity, self.min_position, self.max_position)
        velocity = jnp.where((position <= self.min_position) & (velocity < 0.0), 0.0, velocity)
        terminated = (position >= self.goal_position) & (velocity >= self.goal_velocity)
        return MountainCarState(position, velocity), jnp.float32(-1.0), terminated
