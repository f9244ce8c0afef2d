"""What is asked of a store: agents on one environment, over seeds, to a budget, looked at on the way."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from qlearn.engine.schedule import Job
from qlearn.engine.vector_run import lane_width
from qlearn.engine.worlds import spec_of
from qlearn.environments import HostEnvironment
from qlearn.store.identity import canonical, subject_of
from qlearn.training.gathered import settings_of
from qlearn.training.plan import Plan

Numbers = np.ndarray[Any, Any]


def nested(budget: int, most: int) -> tuple[int, ...]:
    """Where runs are read: at the end, and at multiples of the smallest power of two of which at most ``most`` fit.

    The positions of a larger budget, up to a smaller one, are among the smaller one's.

    >>> nested(10, 0), nested(10, 5), nested(40, 5)
    ((10,), (2, 4, 6, 8, 10), (8, 16, 24, 32, 40))
    """
    if most == 0:
        return (budget,)
    spacing = 1
    while budget // spacing > most:
        spacing *= 2
    return tuple(sorted({*range(spacing, budget + 1, spacing), budget}))


@dataclasses.dataclass(frozen=True)
class Subject:
    """One agent on one environment to one budget: all but the seed.

    Args:
        job: for all seeds that are asked for; ``dataclasses.replace`` gives one for some of them.
        told: what determines the numbers, as canonical JSON.
        settings: what runs say of themselves.
        detail: snapshots asked for, at most.
        batch: seeds that are computed together.
    """

    job: Job
    told: str
    settings: dict[str, Any]
    detail: int
    batch: int

    @property
    def budget(self) -> int:
        """Episodes or steps of each seed."""
        return self.job.positions[-1]

    def of(self, seeds: Numbers) -> Job:
        """The job of some seeds."""
        return dataclasses.replace(self.job, seeds=seeds.astype(np.uint32))


def subjects_of(plan: Plan, *, workers: int = 1, lane: int | None = None) -> list[Subject]:
    """The subjects of a plan, one for each agent.

    Args:
        plan: what is asked.
        workers: that share the work on environments which are ordinary Python.
        lane: of networks, where it is known already; None for what the number of seeds makes usual.
    """
    detail = plan.snapshots
    positions = nested(plan.budget, detail)
    found = []
    for agent in plan.agents:
        learner = agent.learner(spec_of(plan.world))
        vector = learner.num_environments is not None
        width = (lane or lane_width(learner, plan.seeds.size)) if vector else None
        job = Job(agent, plan.world, plan.seeds.astype(np.uint32), positions, plan.unit, width)
        settings = settings_of(job, plan.budget)
        told = canonical(subject_of(agent, plan.world, plan.unit, settings["lane"]))
        batch = int(width or learner.lane)
        if isinstance(plan.world, HostEnvironment) and workers > 1:
            batch = max(1, min(batch, -(-plan.seeds.size // workers)))
        found.append(Subject(job, told, settings, detail, batch))
    return found
