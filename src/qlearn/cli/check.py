"""`qlearn check`: which promises an agent or an environment keeps."""

from __future__ import annotations

import dataclasses
from typing import Annotated

from cyclopts import App, Parameter

from qlearn.cli.options import Output, SeedOption, check_seed
from qlearn.cli.terminal import print_json, print_table, say, say_command, shell, title

EXAMPLES = """\
Examples:
  qlearn check sarsa
  qlearn check "q-learning(learning_rate=0.3)" NChain-v0
  qlearn check "faulty(no-terminal-mask, q-learning)"

The exit code is 1 where a promise is broken. Things of your own are checked in Python:
  ql.check(MyAgent()), ql.check(my_problem), ql.check(lambda: MyEnv())
"""
app = App(name="check", help_epilogue=EXAMPLES, help_format="plaintext")


@app.default
def check(
    names: Annotated[tuple[str, ...], Parameter(name="NAME", negative="")],
    /,
    *,
    output: Output = Output(),  # noqa: B008
    seed: SeedOption = 0,
) -> int:
    """Look at everything that an agent or an environment promises.

    Args:
        names: Agents, as `qlearn agents` lists them, and ids of environments.
        output: Where results go.
        seed: Accepted for scripts; the seeds of a check are its own.
    """
    check_seed(seed)
    output.check()
    from qlearn.checking import check as look

    results = [look(name) for name in names]
    command = shell("qlearn", "check", *names)
    told = {"checked": [dataclasses.asdict(one) | {"broken": one.broken} for one in results], "command": command}
    file = output.save_json("checked.json", told)
    if output.json:
        print_json(told)
    else:
        for one in results:
            title(f"{one.kind} {one.what}")
            rows = [[p.name, p.says, p.verdict, p.seen] for p in one.promises]
            print_table(["promise", "in words", "verdict", "what was seen"], rows, left=(0, 1, 2, 3))
            say("Every promise that applies is kept." if one.fine else f"Broken: {', '.join(one.broken)}.")
        if file is not None:
            say(f"Everything is in {file}.")
        say_command("To reproduce:", command)
    return 0 if all(one.fine for one in results) else 1
