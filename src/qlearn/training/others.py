"""When an environment fails under one seed, the other seeds are trained to the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from qlearn.engine.vector_run import lane_width
from qlearn.engine.worlds import spec_of
from qlearn.errors import EnvironmentFault

if TYPE_CHECKING:
    from qlearn.training.plan import Plan
    from qlearn.training.runs import Runs


def finish_others(plan: Plan, fault: EnvironmentFault, carry_out: Callable[[Plan], list[Runs]]) -> None:
    """Train the seeds that did not fail, and hang their runs on the fault; one that fails now is left out too.

    A seed's numbers do not depend on those beside it, so that beginning again without the one that failed gives the
    others what they would have had.

    Args:
        plan: of one agent.
        fault: what was raised; its ``runs`` is set, and a note says how many they are.
        carry_out: trains a plan.
    """
    learner = plan.agents[0].learner(spec_of(plan.world))
    tabular = learner.knowledge is None
    left = replace(plan, width=None if tabular else plan.width or lane_width(learner, plan.seeds.size))
    failed, found = fault, None
    lost: list[int] = []
    while found is None:
        if failed.seed is None:
            return
        lost.append(failed.seed)
        seeds = left.seeds[left.seeds != failed.seed]
        if seeds.size in (0, left.seeds.size):
            break
        left = replace(left, seeds=seeds)
        try:
            found = carry_out(left)[0]
        except EnvironmentFault as another:
            failed = another
    fault.runs = found
    told = "No other seed finished."
    if found is not None:
        told = f"The other {len(found.seeds)} finished: `.runs` of this error."
    also = f" Seeds {', '.join(map(str, lost[1:]))} failed too." if lost[1:] else ""
    fault.add_note(told + also)
