r"""Puddle World: walk to the corner of a square, around two puddles, with noisy steps.

The square is [0, 1]².  An action moves the point by ``step`` up, down, right or left; noise of standard deviation
``noise`` is added along both dimensions, and walls hold it.  The episode ends where :math:`x + y \ge 1.9`.  With d the
distance to the line in a puddle's middle, every step pays

.. math:: -1 - 400 \sum_{\text{puddles}} \max(0,\; 0.1 - d)

at the point where it arrives; the lines lead from (0.1, 0.75) to (0.45, 0.75) and from (0.45, 0.4) to (0.45, 0.8).
Episodes begin uniformly anywhere but in the goal.

Source: R. S. Sutton, *Generalization in reinforcement learning: successful examples using sparse coarse coding*,
NIPS 8 (1996), whose conventions these are (after Boyan and Moore, 1995).  Where the puddles overlap, the paper does
not say whether both count: here they do.  Others differ: Degris, White and Sutton (2012) start every episode at
(0.2, 0.4) and have other puddles; some libraries let the nearer puddle count alone.
"""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from qlearn.environments.jax_environment import JaxEnvironment, check_settings, device_environment

Array = jax.Array
_GOAL = 1.9
_RADIUS = 0.1
_LINES = (((0.1, 0.75), (0.45, 0.75)), ((0.45, 0.4), (0.45, 0.8)))


class Point(NamedTuple):
    """Scalars of float32 in [0, 1]."""

    x: Array
    y: Array


@device_environment
class PuddleWorld(JaxEnvironment):
    """Puddle World; actions are up (0), down (1), right (2) and left (3).

    Args:
        move: how far an action moves > 0.
        noise: standard deviation of what is added to x and to y ≥ 0.
        depth_cost: what a step costs for each unit of length that it ends within a puddle.
        time_limit: steps after which an episode is truncated; ``max_episode_steps`` in an id.

    >>> PuddleWorld(noise=0.02).name
    'PuddleWorld-v0(noise=0.02)'
    """

    identity: ClassVar[str] = "PuddleWorld-v0"
    num_actions: ClassVar[int] = 4
    observation_shape: ClassVar[tuple[int, ...] | None] = (2,)

    move: float = 0.05
    noise: float = 0.01
    depth_cost: float = 400.0
    time_limit: int | None = 1000

    def __post_init__(self) -> None:
        check_settings(self, ("move",), finite=("noise", "depth_cost"))

    def reset(self, noise: Any) -> Point:
        """Uniform over the square without the goal.

        A point in the goal is drawn once more; of 40,000 starts one falls into it again, and is mirrored out of it.
        """
        first, second = (Point(noise.uniform(i), noise.uniform(i + 1)) for i in (0, 2))
        within = _in_goal(first.x, first.y)
        x, y = (jnp.where(within, b, a) for a, b in zip(first, second, strict=True))
        again = _in_goal(x, y)
        return Point(jnp.where(again, 1.0 - x, x), jnp.where(again, 1.0 - y, y))

    def observe(self, state: Point) -> Array:
        """x and y, (2,)."""
        return jnp.stack(state)

    def step(self, state: Point, action: Array, noise: Any, total: Array) -> tuple[Point, Array, Array]:
        """Move up (0), down (1), right (2) or left (3)."""
        ahead = self.move * jnp.where((action == 0) | (action == 2), 1.0, -1.0)
        upwards = action < 2
        x = state.x + jnp.where(upwards, 0.0, ahead) + self.noise * noise.normal(0)
        y = state.y + jnp.where(upwards, ahead, 0.0) + self.noise * noise.normal(1)
        after = Point(jnp.clip(x, 0.0, 1.0), jnp.clip(y, 0.0, 1.0))
        return after, self.reward(after), _in_goal(after.x, after.y)

    def reward(self, point: Point) -> Array:
        """−1, and what the puddles cost where a step arrives."""
        wet = jnp.float32(0.0)
        for begin, end in _LINES:
            wet = wet + jnp.maximum(0.0, _RADIUS - _distance(point, begin, end))
        return -1.0 - self.depth_cost * wet


def _in_goal(x: Array, y: Array) -> Array:
    return x + y >= _GOAL


def _distance(point: Point, begin: tuple[float, float], end: tuple[float, float]) -> Array:
    """From a point to the nearest point of a line along one of the axes."""
    aside = point.x - jnp.clip(point.x, begin[0], end[0])
    above = point.y - jnp.clip(point.y, begin[1], end[1])
    return jnp.sqrt(aside * aside + above * above)


def puddle_world(move: float = 0.05, noise: float = 0.01, depth_cost: float = 400.0) -> PuddleWorld:
    """Return Puddle World: two numbers to observe, four actions, no model.

    Args:
        move: how far an action moves > 0, in sides of the square.
        noise: standard deviation of what is added to x and to y ≥ 0.
        depth_cost: what a step costs for each unit of length that it ends within a puddle.

    Its optimum has no closed form.  Without noise and puddles the nearest way from (x, y) takes about
    (1.9 − x − y) / 0.05 steps.

    Raises:
        InputError: where a number is out of range.

    >>> puddle_world().observation_shape
    (2,)
    """
    return PuddleWorld(move=move, noise=noise, depth_cost=depth_cost)
