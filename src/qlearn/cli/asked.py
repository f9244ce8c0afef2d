"""What `qlearn compare` is asked: words of the command line, or a specification in a file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from qlearn.cli.options import EPISODES, Budget, Output, made, own_discount
from qlearn.cli.own import load_modules
from qlearn.cli.terminal import note
from qlearn.errors import InputError

if TYPE_CHECKING:
    from qlearn.comparison import Specification

TUTORIAL = ("tutorial-reward-sum", "tutorial-greedy", "tutorial-epsilon-greedy")
ENDING = ".toml"


@Parameter(name="*")
@dataclass(frozen=True)
class Keeping:
    """Where runs are kept, and which are computed here.

    Args:
        store: Folder or file in which every finished run is kept; OUT/store where --out is given. What is there is not
            computed again.
        shard: Compute only the i-th of n parts into the store, as 1/4; `qlearn runs merge` brings parts together.
        modules: A module of your own to import, whose environments may be named; may be given several times.
        workers: Processes for environments that are ordinary Python, with a store; 1 where it is not given.
    """

    store: Annotated[Path | None, Parameter(negative="")] = None
    shard: str | None = None
    modules: Annotated[tuple[str, ...], Parameter(name="--import", negative="")] = ()
    workers: int | None = None

    def place(self, output: Output) -> Path | None:
        """Return where runs are kept; None where they are not."""
        if self.store is not None:
            return self.store
        return None if output.out is None else output.out / "store"

    def words(self) -> list[object]:
        """Return the options that say all this again."""
        found: list[object] = [] if self.store is None else ["--store", self.store]
        found += [] if self.shard is None else ["--shard", self.shard]
        found += [] if self.workers is None else ["--workers", self.workers]
        return found + [word for module in self.modules for word in ("--import", module)]

    def part(self) -> tuple[int, int] | None:
        """Return the shard as two numbers; None for everything."""
        from qlearn.store import check_shard

        return None if self.shard is None else check_shard(self.shard)

    def load(self) -> None:
        """Import the user's modules; those of the present folder are found too."""
        load_modules(self.modules)


def is_specification(word: str) -> bool:
    """Return whether a word of the command line names a file rather than an environment."""
    return word.lower().endswith(ENDING)


def read_file(file: str, modules: tuple[str, ...]) -> Specification:
    """Read a specification; an `InputError` names the file."""
    from qlearn.comparison import Specification

    try:
        text = Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{file} cannot be read ({reason}). Name a specification, or an environment.") from error
    try:
        return Specification.from_toml(text, modules=modules, also=("sweep",))
    except InputError as error:
        raise InputError(f"{file}: {error}") from error


def from_file(
    file: str, agents: tuple[str, ...], budget: Budget, keeping: Keeping, judged: dict[str, Any]
) -> Specification:
    """Read a specification, and put over it what the command line says too.

    Args:
        file: its path.
        agents: of the command line; there must be none.
        budget: of the command line.
        keeping: for the modules.
        judged: discount, horizon and snapshots, where they were given.
    """
    if agents:
        raise InputError(f"{file} names the agents, and so does the command line ({agents[0]}). Leave these out.")
    asked = read_file(file, keeping.modules)
    given: dict[str, Any] = {key: value for key, value in judged.items() if value is not None}
    if budget.episodes is not None or budget.steps is not None:
        given |= {"episodes": budget.episodes, "steps": budget.steps}
    if budget.seeds is not None or budget.seed:
        count = budget.seeds or asked.num_seeds
        given["seeds"] = list(range(budget.seed, budget.seed + count))
    return replace(asked, **given)


def from_words(
    environment: str, agents: tuple[str, ...], budget: Budget, judged: dict[str, Any]
) -> tuple[Specification, Any]:
    """Return what the words of the command line ask for, and the environment."""
    world = made(environment)
    from qlearn.comparison import Specification
    from qlearn.training import parse_agent

    described = [parse_agent(text) for text in agents or TUTORIAL]
    discount = judged["discount"]
    if agents and (remark := own_discount(zip(agents, [a.discount for a in described], strict=True), discount)):
        note(remark)
    episodes = None if budget.steps is not None else budget.episodes or EPISODES
    given: dict[str, Any] = {key: value for key, value in judged.items() if value is not None}
    given |= {"episodes": episodes, "steps": budget.steps, "seeds": list(budget.seeds_for(world))}
    return Specification(described, environment, **given), world
