"""`qlearn train`: one agent on many seeds, held against the truth."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from qlearn.cli.options import Budget, EnvironmentName, Output, at_least, check_discount, made, own_discount
from qlearn.cli.own import module_of
from qlearn.cli.terminal import note, shell
from qlearn.cli.told import DISCOUNT, Telling, after_fault, checkpoint_of, tell
from qlearn.errors import DivergenceWarning, EnvironmentFault, InexactResumeWarning, InputError, Interrupted

EXAMPLES = """\
Examples:
  qlearn train NChain-v0 q-learning
  qlearn train NChain-v0 "q-learning(learning_rate=0.01)" --seeds 1000
  qlearn train Taxi-v4 "expected-sarsa(learning_rate=0.5)" --steps 200000 --out taxi
  qlearn train CartPole-v1 "preset(pqn, CartPole-v1)" --steps 500000 --seeds 8
  qlearn train CartPole-v1 "dqn(mlp(64, 64), adam(0.0005), double=True)" --steps 100000

`qlearn agents` lists the agents and their settings. With --out everything is kept there on
the way, and `qlearn resume FOLDER` goes on after an interruption.
"""
app = App(name="train", help_epilogue=EXAMPLES, help_format="plaintext")


@app.default
def train(
    environment: EnvironmentName,
    agent: Annotated[str, Parameter(name="AGENT")],
    /,
    *,
    budget: Budget = Budget(),  # noqa: B008
    discount: float | None = None,
    snapshots: int = 0,
    log: str | None = None,
    output: Output = Output(),  # noqa: B008
) -> int:
    """Train one agent on many seeds and hold what it learnt against the truth.

    Args:
        environment: An id, with arguments or without; `qlearn envs` lists those with a model.
        agent: A name, with settings or without; `qlearn agents` lists them.
        budget: How much is trained.
        discount: What agents without a discount of their own are judged at; 0.95 where it is not given.
        snapshots: How many times on the way the tables are kept (in --out).
        log: Folder for a CSV line of every episode as it ends; tensorboard:FOLDER for TensorBoard's files too.
        output: Where results go.
    """
    budget.check()
    at_least("--snapshots", snapshots, 0)
    check_discount(discount)
    world = made(environment)
    from qlearn.cli.cache import keep_compiled
    from qlearn.training import parse_agent, resume
    from qlearn.training import train as train_runs
    from qlearn.training.checkpoint import read_manifest
    from qlearn.training.prediction import refuse_prediction

    described = parse_agent(agent)
    refuse_prediction(described)
    output.check()
    if remark := own_discount([(agent, described.discount)], discount):
        note(remark)
    discount = DISCOUNT if discount is None else discount
    keep_compiled()
    kept = ("--snapshots", snapshots) if snapshots else ()
    judged = ("--discount", discount) if described.discount is None else ()
    command = shell("qlearn", "train", environment, agent, *budget.words(world), *judged, *kept)
    for kind in (DivergenceWarning, InexactResumeWarning):  # said below, in the command's own words
        warnings.simplefilter("ignore", kind)
    seeds, kept_in = list(budget.seeds_for(world)), checkpoint_of(output)
    again = kept_in is not None and _is_the_same(kept_in, described, world, budget, snapshots)
    log = log or (read_manifest(kept_in).get("log") if again and kept_in is not None else None)
    how = Telling(discount, output, command, budget.in_words(world), log, module_of(environment))
    try:
        if again and kept_in is not None:
            runs = resume(kept_in, log=log)
        else:
            more: dict[str, Any] = {"checkpoint": kept_in, "log": log}
            runs = train_runs(described, world, seeds=seeds, snapshots=snapshots, **more, **budget.length())
    except Interrupted as stopped:
        runs = stopped.runs
    except EnvironmentFault as fault:
        return after_fault(fault, seeds, how)
    return tell(runs, how)


def _is_the_same(kept: Path, agent: Any, world: Any, budget: Budget, snapshots: int) -> bool:
    """Return whether a folder holds this very training, which the command then goes on with; False where it is empty.

    Raises:
        InputError: where it holds another one.
    """
    from qlearn.training import written_agent
    from qlearn.training.checkpoint import is_checkpoint, read_manifest

    if not is_checkpoint(kept):
        return False
    told, length = read_manifest(kept), budget.length()
    wanted = {
        "agent_written": written_agent(agent),
        "environment": world.name,
        "seeds": list(budget.seeds_for(world)),
        "budget": next(iter(length.values())),
        "unit": next(iter(length)).removesuffix("s"),
        "snapshots": snapshots,
    }
    if all(told.get(name) == value for name, value in wanted.items()):
        note(f"{kept.parent} holds this training; going on with it.")
        return True
    raise InputError(
        f"{kept.parent} holds another training ({told['agent_written'] or told['agent']} on {told['environment']}). "
        f"Go on with that one by `{shell('qlearn', 'resume', kept.parent)}`, or name another folder."
    )
