"""What agents with a network or with features promise; what depends on a network's settings is not looked at."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from qlearn.checking import worlds
from qlearn.checking.agents import PROMISES, Seen
from qlearn.checking.outcome import Promise, Verdict
from qlearn.training import Runs, train

_SHARED = ("description", "numbers are leaves")
_STEPS = 600
_MORE: dict[str, str] = {
    "finite values": "Values stay finite on a small random problem.",
    "repeatable": "The same seeds give the same numbers.",
    "seeds apart": "A seed's numbers do not depend on the seeds beside it.",
    "seeds differ": "Different seeds have different first weights or different noise.",
}


def promises_of_network(agent: Any) -> tuple[Promise, ...]:
    """Look at what holds whatever the network is."""
    problem, exempt = worlds.random_problem(), dict(getattr(agent, "exempt", {}))

    def trained(seeds: Any) -> Runs:
        return train(agent, problem, steps=_STEPS, seeds=seeds, progress=False)

    runs = trained(3)
    again, more = trained(3), trained([7, 2, 1, 0, 30])
    seen = Seen(agent, problem, runs)
    bad = int((~np.isfinite(runs.q_table)).sum())
    looked: dict[str, tuple[Verdict, str]] = {name: PROMISES[name][1](seen) for name in _SHARED}
    looked["finite values"] = _told(bad == 0, f"{bad} of {runs.q_table.size} values are no finite numbers")
    looked["repeatable"] = _same(runs, again, slice(None))
    looked["seeds apart"] = _same(runs, more, [3, 2, 1])
    apart = float(np.abs(runs.q_table[0] - runs.q_table[1]).max())
    looked["seeds differ"] = _told(apart > 0, f"values of two seeds differ by up to {apart:.3g}")
    says = {name: PROMISES[name][0] for name in _SHARED} | _MORE
    looked |= {name: ("does not apply", why) for name, why in exempt.items() if name in looked}
    return tuple(Promise(name, says[name], *told) for name, told in looked.items())


def _told(fine: Any, words: str) -> tuple[Verdict, str]:
    return ("kept" if bool(fine) else "broken"), words


def _same(one: Runs, other: Runs, rows: Any) -> tuple[Verdict, str]:
    pairs = zip(jax.tree.leaves(one.knowledge), jax.tree.leaves(other.knowledge), strict=True)
    same = all(np.array_equal(a, b[rows], equal_nan=True) for a, b in pairs)
    apart = float(np.abs(one.q_table - other.q_table[rows]).max())
    return _told(same, "the same to the bit" if same else f"values differ by up to {apart:.3g}")
