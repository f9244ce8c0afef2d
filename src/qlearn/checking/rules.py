"""What target policies and exploration policies promise: a row of values in, probabilities out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy import stats

from qlearn.agents.learner import Clock
from qlearn.checking.outcome import Promise, Verdict
from qlearn.engine import noise

Numbers = np.ndarray[Any, Any]
_ROW = np.array([0.5, -1.0, 2.0, 0.25, 1.5], np.float32)
_MASK = np.array([True, True, False, True, True])
_ORDER = np.array([3, 0, 4, 1, 2])
_DRAWS = 4096
_CLOCK = Clock(jnp.uint32(3), jnp.uint32(4), jnp.uint32(40))


def promises_of_rule(rule: Callable[..., Any]) -> tuple[Promise, ...]:
    """Of a target policy, ``(select, behaviour, next_action, mask) -> weights``."""

    def weights(row: Numbers, action: int, mask: Numbers | None) -> Numbers:
        legal = np.ones(row.size, bool) if mask is None else mask
        even = (legal / legal.sum()).astype(np.float32)
        shown = None if mask is None else jnp.asarray(mask)
        given = jnp.asarray(row), jnp.asarray(even), jnp.int32(action), shown
        return np.asarray(jax.jit(rule)(*given), np.float64)

    return _promises(lambda row, mask: weights(row, 0, mask), lambda row: weights(row, int(_ORDER.argmin()), None))


def promises_of_exploration(policy: Any) -> tuple[Promise, ...]:
    """Of an exploration policy: its probabilities, and that what it samples follows them."""
    visits = jnp.full(_ROW.size, 3, jnp.int32) if policy.counts_visits else None

    def chances(row: Numbers, mask: Numbers | None) -> Numbers:
        shown = None if mask is None else jnp.asarray(mask)
        return np.asarray(policy.probabilities(jnp.asarray(row), shown, _CLOCK, visits), np.float64)

    def sampled() -> tuple[Verdict, str]:
        def one(episode: jax.Array) -> jax.Array:
            place = noise.at(jnp.uint32(1), noise.BEHAVIOUR, episode, jnp.uint32(0))
            return jnp.asarray(policy.sample(jnp.asarray(_ROW), jnp.asarray(_MASK), place, _CLOCK, visits))

        drawn = np.asarray(jax.jit(jax.vmap(one))(jnp.arange(_DRAWS, dtype=jnp.uint32)))
        counts, expected = np.bincount(drawn, minlength=_ROW.size), chances(_ROW, _MASK) * _DRAWS
        possible = expected > 0
        fine = counts[~possible].sum() == 0
        if possible.sum() > 1:
            wanted = expected[possible] * (counts[possible].sum() / expected[possible].sum())
            fine &= float(stats.chisquare(counts[possible], wanted).pvalue) > 1e-6
        return ("kept" if fine else "broken"), f"{_DRAWS:,} draws: {', '.join(map(str, counts))}"

    greedy = np.asarray(policy.greedy(jnp.asarray(_ROW), jnp.asarray(_MASK)), np.float64)
    best = int(np.where(_MASK, _ROW, -np.inf).argmax())
    told = ("kept" if greedy[best] > 0.999 else "broken"), f"probability {greedy[best]:.3f} of the best legal action"
    return (
        *_promises(chances, lambda row: chances(row, None)),
        Promise("greedy", "Without exploring it takes a best legal action.", *told),  # type: ignore[arg-type]
        Promise("samples", "What it samples follows its probabilities.", *sampled()),
    )


def _promises(
    weigh: Callable[[Numbers, Numbers | None], Numbers], moved: Callable[[Numbers], Numbers]
) -> tuple[Promise, ...]:
    """Sums, masks and numbering; ``moved`` is given the row in another order, with the same action next."""
    plain, masked = weigh(_ROW, None), weigh(_ROW, _MASK)
    again = moved(_ROW[_ORDER])

    def told(fine: Any, words: str) -> tuple[Verdict, str]:
        return ("kept" if bool(fine) else "broken"), words

    total = f"sums of {plain.sum():.6f} and, masked, {masked.sum():.6f}"
    sums = all(w.shape == _ROW.shape and abs(w.sum() - 1) < 1e-5 and (w >= 0).all() for w in (plain, masked))
    apart = float(np.abs(again - plain[_ORDER]).max()) if again.shape == plain.shape else float("inf")
    return (
        Promise(
            "probabilities",
            "There is a weight for every action; they are not negative and sum to 1.",
            *told(sums, total),
        ),
        Promise(
            "mask",
            "Actions that are not legal have no weight.",
            *told(masked[~_MASK].sum() == 0, f"weight {masked[~_MASK].sum():.3g} on the action that is not legal"),
        ),
        Promise("relabelling", "Other numbers for actions change nothing.", *told(apart < 1e-5, f"off by {apart:.2g}")),
    )
