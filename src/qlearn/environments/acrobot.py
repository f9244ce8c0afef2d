"""Acrobot-v1 in JAX: swing two linked rods, driven at the joint between them, until their tip is high enough.

θ₁ is the first rod's angle from hanging down, θ₂ the second's angle relative to the first, τ ∈ {−1, 0, 1} the torque
at the joint.  With masses m, lengths l, centres of mass c and moments of inertia I::

    d₁ = m₁ c₁² + m₂ (l₁² + c₂² + 2 l₁ c₂ cos θ₂) + I₁ + I₂
    d₂ = m₂ (c₂² + l₁ c₂ cos θ₂) + I₂
    φ₂ = m₂ c₂ g sin(θ₁ + θ₂)
    φ₁ = −m₂ l₁ c₂ θ̇₂ (θ̇₂ + 2 θ̇₁) sin θ₂ + (m₁ c₁ + m₂ l₁) g sin θ₁ + φ₂
    θ̈₂ = (τ + φ₁ d₂ / d₁ − m₂ l₁ c₂ θ̇₁² sin θ₂ − φ₂) / (m₂ c₂² + I₂ − d₂² / d₁)
    θ̈₁ = −(d₂ θ̈₂ + φ₁) / d₁

(the book's equations), one step of the Runge-Kutta method of fourth order over 0.2 s.  The episode ends where the tip
is one length above the base: −cos θ₁ − cos(θ₁ + θ₂) > 1.

Source: Sutton & Barto, Reinforcement Learning, 1st edition, section 11.3; the numbers are Gymnasium's.
"""

from __future__ import annotations

import math
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from qlearn.environments.jax_environment import Draws, JaxEnvironment, check_settings, device_environment

Array = jax.Array


class AcrobotState(NamedTuple):
    """Scalars of float32: radians in [−π, π], radians a second."""

    angle_1: Array
    angle_2: Array
    spin_1: Array
    spin_2: Array


@device_environment
class Acrobot(JaxEnvironment):
    """Acrobot-v1; reward −1 for every step but one that ends the episode, which pays 0.

    Args:
        gravity: m/s².
        mass_1: of the first rod, in kg; likewise ``mass_2``.
        mass_2: see there.
        length_1: of the first rod, in m; that of the second one does not enter.
        centre_1: metres from the upper end of the first rod to its centre of mass; likewise ``centre_2``.
        centre_2: see there.
        inertia: moment of inertia of either rod, in kg m².
        torque: the most that the joint gives, in N m.
        dt: seconds between two steps.
        max_spin_1: radians a second that the first rod does not exceed; likewise ``max_spin_2``.
        max_spin_2: see there.
        start: the four numbers of a start state are uniform in [−start, start).
        time_limit: steps after which an episode is truncated; ``max_episode_steps`` in an id.

    >>> Acrobot().observation_shape
    (6,)
    """

    identity: ClassVar[str] = "Acrobot-v1"
    num_actions: ClassVar[int] = 3
    observation_shape: ClassVar[tuple[int, ...] | None] = (6,)

    gravity: float = 9.8
    mass_1: float = 1.0
    mass_2: float = 1.0
    length_1: float = 1.0
    centre_1: float = 0.5
    centre_2: float = 0.5
    inertia: float = 1.0
    torque: float = 1.0
    dt: float = 0.2
    max_spin_1: float = 4 * math.pi
    max_spin_2: float = 9 * math.pi
    start: float = 0.1
    time_limit: int | None = 500

    def __post_init__(self) -> None:
        positive = ("mass_1", "mass_2", "length_1", "centre_1", "centre_2", "inertia", "torque", "dt")
        check_settings(self, (*positive, "max_spin_1", "max_spin_2", "start"), finite=("gravity",))

    def reset(self, noise: Draws) -> AcrobotState:
        """All four numbers uniform in [−start, start)."""
        return AcrobotState(*(self.start * (2.0 * noise.uniform(i) - 1.0) for i in range(4)))

    def observe(self, state: AcrobotState) -> Array:
        """cos θ₁, sin θ₁, cos θ₂, sin θ₂ and the two speeds, (6,)."""
        one, two = state.angle_1, state.angle_2
        return jnp.stack([jnp.cos(one), jnp.sin(one), jnp.cos(two), jnp.sin(two), state.spin_1, state.spin_2])

    def step(self, state: AcrobotState, action: Array, noise: Draws, total: Array) -> tuple[AcrobotState, Array, Array]:
        """Apply the torque −1 (0), 0 (1) or 1 (2)."""
        torque = self.torque * (action - 1).astype(jnp.float32)
        half, whole = 0.5 * self.dt, self.dt
        k1 = self._slope(state, torque)
        k2 = self._slope(_ahead(state, k1, half), torque)
        k3 = self._slope(_ahead(state, k2, half), torque)
        k4 = self._slope(_ahead(state, k3, whole), torque)
        mean = AcrobotState(*(a + 2.0 * b + 2.0 * c + d for a, b, c, d in zip(k1, k2, k3, k4, strict=True)))
        moved = _ahead(state, mean, whole / 6.0)
        after = AcrobotState(
            _wrapped(moved.angle_1),
            _wrapped(moved.angle_2),
            jnp.clip(moved.spin_1, -self.max_spin_1, self.max_spin_1),
            jnp.clip(moved.spin_2, -self.max_spin_2, self.max_spin_2),
        )
        terminated = -jnp.cos(after.angle_1) - jnp.cos(after.angle_1 + after.angle_2) > 1.0
        return after, jnp.where(terminated, jnp.float32(0.0), jnp.float32(-1.0)), terminated

    def _slope(self, state: AcrobotState, torque: Array) -> AcrobotState:
        """The state's derivative by time."""
        lever = self.mass_2 * self.length_1 * self.centre_2
        own = self.mass_2 * self.centre_2**2 + self.inertia  # of the second rod about its joint
        fixed = self.mass_1 * self.centre_1**2 + self.mass_2 * self.length_1**2 + self.inertia + own
        bend = lever * jnp.cos(state.angle_2)
        twist = lever * jnp.sin(state.angle_2)
        d1, d2 = fixed + 2.0 * bend, own + bend
        phi2 = self.mass_2 * self.centre_2 * self.gravity * jnp.sin(state.angle_1 + state.angle_2)
        weight = (self.mass_1 * self.centre_1 + self.mass_2 * self.length_1) * self.gravity
        phi1 = weight * jnp.sin(state.angle_1) + phi2 - twist * state.spin_2 * (state.spin_2 + 2.0 * state.spin_1)
        share = d2 / d1
        turn_2 = (torque + share * phi1 - twist * state.spin_1 * state.spin_1 - phi2) / (own - share * d2)
        turn_1 = -share * turn_2 - phi1 / d1
        return AcrobotState(state.spin_1, state.spin_2, turn_1, turn_2)


def _ahead(state: AcrobotState, slope: AcrobotState, time: float | Array) -> AcrobotState:
    return AcrobotState(*(x + time * rate for x, rate in zip(state, slope, strict=True)))


def _wrapped(angle: Array) -> Array:
    """The same angle in [−π, π]."""
    return angle - 2.0 * math.pi * jnp.round(angle * (0.5 / math.pi))
