"""The frame around every command: finding it, and turning what goes wrong into few words and an exit code."""

from __future__ import annotations

import errno
import os
import sys
from typing import TYPE_CHECKING

from cyclopts import App, CycloptsError

from qlearn.cli.plain import keep_readable
from qlearn.cli.terminal import shell
from qlearn.errors import QlearnError, nearest

if TYPE_CHECKING:
    from cyclopts.exceptions import UnknownCommandError

INTERRUPTED = 130
KEEPING = {"compare", "sweep"}  # what they finish with --store or --out is kept
MOST_LINES = 3

COMMANDS = {
    "tutorial": "Walk through the tutorial: its numbers beside ours and beside the truth.",
    "compare": "Train several agents on many seeds and say which is better, and by how much.",
    "sweep": "Try a method under many settings, and the best again on fresh seeds.",
    "report": "Write results as one page that can be sent to a colleague.",
    "train": "Train one agent on many seeds and hold what it learnt against the truth.",
    "resume": "Go on with a training that was interrupted, or further than it was to go.",
    "runs": "List, resume, export, verify, merge or delete runs that --store kept.",
    "solve": "Compute the exact optimum of an environment whose model is known.",
    "check": "Look at everything that an agent or an environment promises.",
    "reproduce": "Run published results again and hold them against what their sources state.",
    "evaluate": "Say what the greedy policies that a folder keeps are worth.",
    "export": "Write what a folder keeps as a Keras, ONNX or StableHLO model, with a page beside it.",
    "play": "Play an environment yourself, or watch what a folder keeps play it.",
    "envs": "List the environments that come with a model.",
    "agents": "List the agents and their settings.",
    "bench": "Measure how fast this machine learns.",
}
EXAMPLES = """\
Start here:
  qlearn tutorial
  qlearn compare NChain-v0 --out results
  qlearn play NChain-v0
"""


def _version() -> str:
    from qlearn import __version__

    return f"qlearn {__version__}"


app = App(
    name="qlearn",
    help="From Q table to Q network: train on many seeds at once, and know the exact optimum.",
    help_epilogue=EXAMPLES,
    help_format="plaintext",
    version=_version,
    version_flags=["--version"],
    help_flags=["--help", "-h"],
    suppress_keyboard_interrupt=False,
    result_action="return_value",
)
for _name, _help in COMMANDS.items():
    app.command(f"qlearn.cli.{_name}:app", name=_name, help=_help, sort_key=list(COMMANDS).index(_name))


def guarded(arguments: list[str]) -> int:
    """Run a command; whatever goes wrong becomes a message on standard error and an exit code."""
    keep_readable()
    try:
        code = _reported(arguments)
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # the reader has seen enough, for example `| head -1`
        _close_stdout()
        return 0
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EIO, errno.EDQUOT):
            raise
        _close_stdout()
        return complain(
            f"Standard output cannot be written ({error.strerror}). Free some space, or pipe it elsewhere.", 4
        )


def _reported(arguments: list[str]) -> int:
    try:
        result = app(arguments, exit_on_error=False, print_error=False)
        return int(result or 0)
    except CycloptsError as error:
        return complain(_in_words(error), 2, _help_of(arguments))
    except QlearnError as error:
        return complain(str(error), error.exit_code)
    except KeyboardInterrupt:
        again = shell("qlearn", *arguments)
        if set(arguments[:1]) <= KEEPING and any(word.startswith(("--store", "--out")) for word in arguments):
            return complain("Interrupted. What had finished by then is kept.", INTERRUPTED, f"To go on: {again}")
        return complain("Interrupted before there were results.", INTERRUPTED, f"To start again: {again}")
    except MemoryError:
        return complain("There is not enough memory for this; ask for fewer seeds or a smaller problem.", 2)
    except SystemExit as error:  # rich leaves so where a pipe breaks
        if isinstance(error.__context__, BrokenPipeError):
            raise BrokenPipeError from None
        raise


def complain(message: str, code: int, hint: str = "") -> int:
    """Print a message of at most three lines on standard error; return the exit code."""
    lines = [line.strip() for line in [*message.splitlines(), hint] if line.strip()]
    print("\n".join(lines[:MOST_LINES]), file=sys.stderr)
    return code


def _help_of(arguments: list[str]) -> str:
    named = [word for word in arguments[:1] if word in COMMANDS]
    return f"`{' '.join(['qlearn', *named, '--help'])}` shows what it takes."


def _in_words(error: CycloptsError) -> str:
    from cyclopts import exceptions

    error.verbose = False
    if isinstance(error, exceptions.UnknownCommandError):
        return _unknown_command(error)
    if isinstance(error, exceptions.MissingArgumentError) and error.argument is not None:
        name = error.argument.name
        return f"{name} needs a value." if name.startswith("--") else f"{name} is missing."
    if isinstance(error, exceptions.UnusedCliTokensError):
        extra = error.unused_tokens or ["?"]
        return f"{extra[0]!r} is one word too many. Quote names with spaces or parentheses."
    return " ".join(str(error).split()).replace('"', "'")


def _unknown_command(error: UnknownCommandError) -> str:
    word, known = (error.unused_tokens or ["?"])[0], list(COMMANDS)
    if error.command_chain and error.app is not None:  # a command of a command
        known = [name for name in error.app if not name.startswith("-")]
    return f"There is no command {word!r}{nearest(word, known) or '.'} There are {', '.join(known)}."


def _close_stdout() -> None:
    """Send what is still to be written nowhere, so that the interpreter does not complain when it ends."""
    try:
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, sys.stdout.fileno())
        os.close(devnull)
    except (OSError, ValueError):  # not a real stream: a test's
        pass
