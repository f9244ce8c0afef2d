"""`qlearn play`: the tutorial's playground, action by action; or what a folder keeps, watched while it plays."""

from __future__ import annotations

import contextlib
import secrets
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from qlearn.cli.options import EnvironmentName, Output, Whole, at_least, check_seed, made_on_the_host
from qlearn.cli.own import Own
from qlearn.cli.terminal import figure, note, print_json, say, say_command, shell
from qlearn.errors import InputError, nearest

if TYPE_CHECKING:
    from qlearn.cli.game import Game, Move
    from qlearn.environments import FiniteMDP, HostEnvironment

EXAMPLES = """\
Examples:
  qlearn play NChain-v0
  qlearn play "FrozenLake-v1(is_slippery=False)" --seed 3
  printf 'forward\\n1\\nwhy\\nq\\n' | qlearn play NChain-v0 --seed 1

Watch what `qlearn train … --out pqn` learnt, with the values of the actions beside it:
  qlearn play pqn
  qlearn play pqn --out game.gif
  qlearn play pqn --run 3 --window

While you play: an action's number or name (several numbers in a line are played one
after another), `why` shows what could have happened and what did, `new` starts another
episode, `help` says all this, `q` leaves.
"""
MOST_STATES = 5_000
INTERRUPTED = 130
app = App(name="play", help_epilogue=EXAMPLES, help_format="plaintext")


@Parameter(name="*")
@dataclass(frozen=True)
class Watch:
    """How a folder's game is shown.

    Args:
        run: Of a folder, which seed's run plays; the first that did not diverge where it is not given, never the best.
        steps: Of a folder's game, at most so many; the time limit where it is not given, or 1,000 without one.
        window: Show a folder's game in a window.
        speed: Of window and animation, in steps a second.
    """

    run: Annotated[Whole | None, Parameter(name="--run")] = None
    steps: Whole | None = None
    window: Annotated[bool, Parameter(negative="", show_default=False)] = False
    speed: float = 10.0

    def start(self, folder: Path, seed: int | None, output: Output, own: Own) -> int:
        """Watch what a folder keeps."""
        if seed is not None:
            check_seed(seed)
        if self.steps is not None:
            at_least("--steps", self.steps, 1)
        if not 0 < self.speed <= 100:
            raise InputError(f"--speed is {self.speed:g}; it must be steps a second, above 0 and at most 100.")
        from qlearn.cli.cache import keep_compiled
        from qlearn.cli.watch import Wanted, watch

        keep_compiled()
        return watch(Wanted(folder, seed, self.run, output.out, self.window, self.steps, self.speed, output.json, own))

    def refuse(self) -> None:
        """Raise an `InputError` where an option of a folder's game came without a folder."""
        given = [("--run", self.run), ("--steps", self.steps), ("--window", self.window or None)]
        for name, value in given:
            if value is not None:
                raise InputError(f"{name} is for folders that `qlearn train … --out FOLDER` wrote. Leave it out.")


@app.default
def play(
    environment: EnvironmentName,
    /,
    *,
    seed: Annotated[int | None, Parameter(name="--seed")] = None,
    watched: Watch = Watch(),
    own: Own = Own(),  # noqa: B008
    output: Output = Output(),  # noqa: B008
) -> int:
    """Play an environment yourself, action by action, or watch what a folder keeps play it.

    Args:
        environment: An id, with arguments or without; `qlearn envs` lists those with a model. Or a folder that
            `qlearn train --out FOLDER` wrote: its greedy policy then plays one episode.
        seed: Of the game's luck; a new one each time where it is not given, 0 for a folder.
        watched: How a folder's game is shown.
        own: Code of your own that the environment needs.
        output: Where results go: a folder; for a folder's game the picture's name, .gif (animated) or .png (a strip).
    """
    own.load()
    if Path(environment).is_dir():
        return watched.start(Path(environment), seed, output, own)
    watched.refuse()
    seed = secrets.randbelow(10_000) if seed is None else seed
    check_seed(seed)
    world = made_on_the_host(environment)
    output.check()
    from qlearn.cli.game import game

    playground = Playground(game(world, seed), note if output.json else say)
    code = 0
    try:
        playground.play(environment)
    except KeyboardInterrupt:
        playground.tell("")
        code = INTERRUPTED
    command = shell("qlearn", "play", environment, "--seed", seed, *own.words())
    result = {"environment": world.name, "seed": seed, **playground.as_data(world), "command": command}
    output.save_json("play.json", result)
    if output.json:
        print_json(result)
    else:
        _summary(playground, result)
        say_command("The same luck again:", command)
    return code


@dataclass
class Playground:
    """A game and what was typed.

    Args:
        game: what is played.
        tell: prints a line for the player.
    """

    game: Game
    tell: Callable[[str], None]
    episodes: list[list[Move]] = field(default_factory=list)
    over: bool = False

    def play(self, name: str) -> None:
        """Read words until the player leaves or the input ends."""
        choices = ", ".join(f"{k} {word}" if word != str(k) else word for k, word in enumerate(self.game.names))
        self.tell(f"{name}: the actions are {choices}. `help` says what else you can type.")
        self._new()
        while (line := self._read()) is not None:
            words = line.strip().lower()
            if words in ("q", "quit", "exit"):
                return
            if words:
                self._obey(words)

    def _read(self) -> str | None:
        if sys.stdin and sys.stdin.isatty():
            with contextlib.suppress(ImportError):
                import readline  # noqa: F401 (the arrow keys work once it is imported)
            try:
                return input("> ")
            except EOFError:
                self.tell("")
                return None
        line = sys.stdin.readline() if sys.stdin else ""
        if not line:
            return None
        self.tell(f"> {line.strip()}")
        return line

    def _obey(self, words: str) -> None:
        if words == "new":
            self._new()
        elif words in ("why", "why?"):
            self._explain()
        elif words in ("help", "?", "h"):
            self._help()
        elif (action := self._action(words)) is not None:
            self._act(action)
        elif len(several := words.replace(",", " ").split()) > 1 and all(map(self._is_number, several)):
            for word in several:
                if self.over or not self._act(int(word)):
                    break
        else:
            known = [*self.game.names, "why", "new", "help", "quit"]
            self.tell(f"{words!r} is no action{nearest(words, known) or '.'} `help` says what you can type.")

    def _is_number(self, word: str) -> bool:
        return word.isdecimal() and int(word) < len(self.game.names)

    def _action(self, words: str) -> int | None:
        if self._is_number(words):
            return int(words)
        names = [name.lower() for name in self.game.names]
        if words in names:
            return names.index(words)
        begun = [k for k, name in enumerate(names) if name.startswith(words)]
        return begun[0] if len(begun) == 1 and words.isalpha() else None

    def _act(self, action: int) -> bool:
        if self.over:
            self.tell("The episode is over. `new` starts another, `q` leaves.")
            return False
        if action not in self.game.legal():
            here = ", ".join(self.game.names[a] for a in self.game.legal())
            self.tell(f"{self.game.names[action]} is not possible here; possible are {here}.")
            return False
        move = self.game.act(action)
        self.episodes[-1].append(move)
        total = sum(m.reward for m in self.episodes[-1])
        chosen, number = self.game.names[action], len(self.episodes[-1])
        after = self.game.describe(move.next_state)
        self.tell(f"step {number}: {chosen} -> {after}, reward {move.reward:g} (so far {total:g})")
        self._draw()
        if move.terminated or move.truncated:
            self.over = True
            how = "The episode has ended" if move.terminated else "The time is up: the episode was cut off"
            self.tell(f"{how} after {number} steps with a return of {total:g}. `new` starts another, `q` leaves.")
        return True

    def _new(self) -> None:
        if self.episodes and not self.episodes[-1]:
            self.episodes.pop()
        self.episodes.append([])
        self.over = False
        self.tell(f"You start in {self.game.start()}.")
        self._draw()

    def _draw(self) -> None:
        if picture := self.game.picture():
            self.tell(picture)

    def _explain(self) -> None:
        if not self.episodes[-1]:
            self.tell("Nothing has happened yet in this episode; take an action first.")
            return
        move = self.episodes[-1][-1]
        chosen = self.game.names[move.action]
        if move.slipped is not None:
            other = self.game.names[1 - move.action]
            done = f"it slipped: {other} was carried out" if move.slipped else f"no slip: {chosen} was carried out"
            self.tell(f"You chose {chosen}; {done}.")
        self.tell(f"What {chosen} could lead to from {self.game.describe(move.state)}:")
        for line in move.why:
            self.tell(f"  {line}")

    def _help(self) -> None:
        for number, name in enumerate(self.game.names):
            self.tell(f"  {number}" + (f" or {name}" if name != str(number) else ""))
        self.tell("  0 0 1   several numbers: played one after another")
        self.tell("  why     what could have happened in the last step, and what did")
        self.tell("  new     another episode")
        self.tell("  q       leave")

    def as_data(self, world: FiniteMDP | HostEnvironment) -> dict[str, Any]:
        """Return what the JSON object holds."""
        played = [episode for episode in self.episodes if episode]
        totals = [sum(move.reward for move in episode) for episode in played]
        best, uniform = _expected(world, [len(episode) for episode in played])
        return {
            "episodes": [
                {"return": total, "steps": [move.as_data() for move in episode]}
                for total, episode in zip(totals, played, strict=True)
            ],
            "num_steps": sum(map(len, played)),
            "total_return": sum(totals),
            "best_expects": best,
            "uniform_expects": uniform,
        }


def _expected(world: FiniteMDP | HostEnvironment, lengths: list[int]) -> tuple[float | None, float | None]:
    """Return what the best play and chance expect in episodes of at most these lengths."""
    from qlearn.environments import FiniteMDP
    from qlearn.planning import evaluate_policy, finite_horizon, uniform_policy

    if not isinstance(world, FiniteMDP) or world.changes or world.num_states > MOST_STATES or not lengths:
        return None, None
    chance = uniform_policy(world)
    return (
        sum(finite_horizon(world, n).value for n in lengths),
        sum(evaluate_policy(world, chance, n).mean for n in lengths),
    )


def _summary(playground: Playground, result: dict[str, Any]) -> None:
    steps, total, number = result["num_steps"], result["total_return"], len(result["episodes"])
    if not steps:
        playground.tell("You took no step.")
        return
    episodes = "" if number == 1 else f" in {number} episodes"
    playground.tell(f"You took {steps:,} step{'s' * (steps > 1)}{episodes} for a return of {total:g}.")
    if result["best_expects"] is not None:
        within = "as many steps" if number == 1 else "episodes of these lengths"
        playground.tell(
            f"In {within} the best play expects {figure(result['best_expects'])}, "
            f"choosing at random {figure(result['uniform_expects'])}."
        )
