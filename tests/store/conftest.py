"""What several files of tests about stores use."""

import jax
import numpy as np
import pytest

import qlearn as ql
from qlearn.training.plan import Plan

WORLD = "FrozenLake-v1"


def _plan(agents, seeds, budget, unit="episode", *, world=WORLD, snapshots=4):
    return Plan(agents, ql.make(world), np.array(seeds), budget, unit, snapshots)


def _same(one, other):
    for name in ("seeds", "returns", "lengths", "num_episodes", "num_steps", "diverged"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    for name in ("table", "counts", "knowledge", "extras"):
        pairs = zip(jax.tree.leaves(getattr(one, name)), jax.tree.leaves(getattr(other, name)), strict=True)
        assert all(np.array_equal(a, b, equal_nan=True) and a.dtype == b.dtype for a, b in pairs), name


@pytest.fixture
def plan():
    """A function that makes a plan on a small lake."""
    return _plan


@pytest.fixture
def same():
    """A function that holds runs against others, to the bit."""
    return _same


@pytest.fixture
def lanes(monkeypatch):
    """Budget and seeds of every lane that is run from here on."""
    from qlearn.store import compute

    found, whole = [], compute.run

    def run(jobs, *rest):
        found.append((jobs[0].positions[-1], sorted(jobs[0].seeds.tolist())))
        return whole(jobs, *rest)

    monkeypatch.setattr(compute, "run", run)
    return found


@pytest.fixture
def small(tmp_path):
    """A store with a few runs, closed."""
    with ql.Store(tmp_path / "small") as store:
        store.runs([_plan([ql.QLearning()], range(3), 6)])
    return tmp_path / "small"
