"""CartPole-v1 in JAX: keep a pole upright on a cart by pushing the cart to the left or to the right.

With x the cart's position and θ the pole's angle from upright, F = ±``force`` the push, m and M the masses of pole
and cart, l half the pole's length::

    t = (F + m l θ̇² sin θ) / (m + M)
    θ̈ = (g sin θ − t cos θ) / (l (4/3 − m cos² θ / (m + M)))
    ẍ = t − m l θ̈ cos θ / (m + M)

and one step of Euler's method, positions before velocities.  The episode ends where |x| > 2.4 or |θ| > 12°.

Source: Barto, Sutton and Anderson, *Neuronlike adaptive elements that can solve difficult learning control problems*,
    IEEE Transactions on Systems, Man, and Cybernetics 13 (1983); the numbers are Gymnasium's.
"""

from __future__ import annotations

import math
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from qlearn.environments.jax_environment import Draws, JaxEnvironment, check_settings, device_environment
from qlearn.errors import InputError

Array = jax.Array


class CartPoleState(NamedTuple):
    """Scalars of float32: metres, metres a second, radians, radians a second."""

    position: Array
    velocity: Array
    angle: Array
    spin: Array


@device_environment
class CartPole(JaxEnvironment):
    """CartPole-v1; reward 1 for every step, the last one included.

    Args:
        gravity: m/s².
        cart_mass: kg.
        pole_mass: kg.
        half_length: of the pole, in m.
        force: of a push, in N.
        tau: seconds between two steps.
        max_angle: radians beyond which the episode ends.
        max_position: metres beyond which the episode ends.
        start: the four numbers of a start state are uniform in [−start, start).
        sutton_barto_reward: 0 for every step and −1 for the last one instead.
        time_limit: steps after which an episode is truncated; ``max_episode_steps`` in an id.

    >>> CartPole(gravity=1.62).name
    'CartPole-v1(gravity=1.62)'
    """

    identity: ClassVar[str] = "CartPole-v1"
    num_actions: ClassVar[int] = 2
    observation_shape: ClassVar[tuple[int, ...] | None] = (4,)

    gravity: float = 9.8
    cart_mass: float = 1.0
    pole_mass: float = 0.1
    half_length: float = 0.5
    force: float = 10.0
    tau: float = 0.02
    max_angle: float = 12 * 2 * math.pi / 360
    max_position: float = 2.4
    start: float = 0.05
    sutton_barto_reward: bool = False
    time_limit: int | None = 500

    def __post_init__(self) -> None:
        positive = ("cart_mass", "pole_mass", "half_length", "force", "tau", "max_angle", "max_position", "start")
        check_settings(self, positive, finite=("gravity",))
        if not isinstance(self.sutton_barto_reward, bool):
            raise InputError(
                f"{self.identity}: sutton_barto_reward={self.sutton_barto_reward!r}; expected True or False. Pass one."
            )

    def reset(self, noise: Draws) -> CartPoleState:
        """All four numbers uniform in [−start, start)."""
        return CartPoleState(*(self.start * (2.0 * noise.uniform(i) - 1.0) for i in range(4)))

    def observe(self, state: CartPoleState) -> Array:
        """The four numbers, (4,)."""
        return jnp.stack(state)

    def step(
        self, state: CartPoleState, action: Array, noise: Draws, total: Array
    ) -> tuple[CartPoleState, Array, Array]:
        """Push to the left (0) or to the right (1)."""
        share = 1.0 / (self.cart_mass + self.pole_mass)  # the same for all steps: one division left in each
        moment = self.pole_mass * self.half_length
        sine, cosine = jnp.sin(state.angle), jnp.cos(state.angle)
        push = jnp.where(action == 1, self.force, -self.force)
        drive = (push + moment * state.spin * state.spin * sine) * share
        turn = (self.gravity * sine - cosine * drive) / (
            self.half_length * (4.0 / 3.0 - self.pole_mass * share * cosine * cosine)
        )
        gain = drive - moment * share * turn * cosine
        after = CartPoleState(
            state.position + self.tau * state.velocity,
            state.velocity + self.tau * gain,
            state.angle + self.tau * state.spin,
            state.spin + self.tau * turn,
        )
        terminated = (jnp.abs(after.position) > self.max_position) | (jnp.abs(after.angle) > self.max_angle)
        last = jnp.float32(-1.0 if self.sutton_barto_reward else 1.0)
        usual = jnp.float32(0.0 if self.sutton_barto_reward else 1.0)
        return after, jnp.where(terminated, last, usual), terminated
