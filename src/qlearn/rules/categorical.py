r"""The categorical backup: a distribution of returns on fixed atoms, moved by one outcome and put back on the atoms.

.. math::
    z_i = v_{\min} + i \Delta, \quad \Delta = \frac{v_{\max} - v_{\min}}{m - 1}, \qquad
    p'_i = \sum_a w(a) \sum_j p_j(s', a)
           \left[ 1 - \frac{| [\, R + \gamma (z_j + e_a)]_{v_{\min}}^{v_{\max}} - z_i |}{\Delta} \right]_0^1

with γ = 0 where the episode terminated; w are the weights of the target policy, and e is 0 but for rules that add
something of each action's own, such as Munchausen's.

Source: M. G. Bellemare, W. Dabney and R. Munos, *A distributional perspective on reinforcement learning*, ICML 2017,
equation 7 and algorithm 1.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from qlearn.rules.targets import Outcome, expect

Array = jax.Array


def support(low: float | Array, high: float | Array, atoms: int) -> Array:
    """The values z of the atoms, evenly from ``low`` to ``high``; (atoms,) float32, in units of return.

    >>> support(-1.0, 1.0, 5).tolist()
    [-1.0, -0.5, 0.0, 0.5, 1.0]
    """
    share = jnp.arange(atoms, dtype=jnp.float32) / jnp.float32(atoms - 1)
    return jnp.asarray(low * (1.0 - share) + high * share, jnp.float32)


def project(values: Array, masses: Array, atoms: Array) -> Array:
    """Masses that lie anywhere, each shared by its two neighbouring atoms as it is near to them.

    What lies beyond the ends goes to the last atom there.  Means within the ends are kept.

    Args:
        values: where the masses lie, (m,).
        masses: (m,), at least 0.
        atoms: evenly spaced, rising, (k,).

    Returns:
        (k,), with the sum of the masses.

    >>> project(jnp.array([0.25, 9.0]), jnp.array([0.5, 0.5]), support(-1.0, 1.0, 5)).tolist()
    [0.0, 0.0, 0.25, 0.25, 0.5]
    """
    ends = jnp.clip(values, atoms[0], atoms[-1])
    gap = (atoms[-1] - atoms[0]) / (atoms.shape[0] - 1)
    shares = jnp.clip(1.0 - jnp.abs(ends[:, None] - atoms[None, :]) / gap, 0.0, 1.0)
    return jnp.sum(masses[:, None] * shares, axis=0)  # no scatter: the few wasted products are cheaper


def categorical_target(
    outcome: Outcome, weights: Array, evaluate: Array, atoms: Array, discount: float | Array, extra: Array | None = None
) -> Array:
    """The distribution that an outcome and what follows it come to, on the atoms.

    Args:
        outcome: reward and terminated, of one step or of several.
        weights: of the target policy over the next actions, (A,).
        evaluate: the probabilities of the atoms for each of them, (A, k).
        atoms: their values, (k,).
        discount: γ, or γᵏ after several steps.
        extra: what is added to the value of each next action, (A,); None for nothing.

    Returns:
        (k,) float32 that sums to 1 as ``evaluate`` does.
    """
    if extra is None:
        values, masses = atoms, jax.vmap(expect, in_axes=(None, 1))(weights, evaluate)
    else:
        added = jnp.where(weights > 0, extra, 0.0)[:, None]
        values = (atoms[None, :] + added).reshape(-1)
        masses = jnp.where(weights[:, None] > 0, weights[:, None] * evaluate, 0.0).reshape(-1)
    future = jnp.where(outcome.terminated, 0.0, discount * values)
    return project(outcome.reward + future, masses, atoms)


def cross_entropy(logits: Array, target: Array) -> Array:
    """−Σ p' log p of predicted logits (k,) and a target distribution (k,): the Kullback-Leibler loss but a constant."""
    return -jnp.sum(target * jax.nn.log_softmax(logits))


def divergence(logits: Array, target: Array) -> Array:
    """Kullback and Leibler's divergence of the prediction from the target, Σ p' log (p' / p), at least 0.

    >>> float(divergence(jnp.zeros(2), jnp.array([0.5, 0.5])))
    0.0
    """
    own = jnp.sum(jnp.where(target > 0, target * jnp.log(jnp.maximum(target, 1e-30)), 0.0))
    return jnp.maximum(cross_entropy(logits, target) + own, 0.0)
