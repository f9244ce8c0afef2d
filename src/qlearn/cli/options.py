"""Options that commands share, and what is made from them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, TypedDict

from cyclopts import Parameter

from qlearn.errors import InputError, StoreError

if TYPE_CHECKING:
    from qlearn.environments import FiniteMDP, HostEnvironment, JaxEnvironment

EnvironmentName: TypeAlias = Annotated[str, Parameter(name="ENV", negative="")]
MODEL_SEEDS, HOST_SEEDS, EPISODES = 100, 10, 500


def _whole(type_: Any, tokens: Any) -> int:
    """A whole number as typed; the library would round 1.5."""
    try:
        return int(tokens[0].value)
    except ValueError:
        raise ValueError(f"{tokens[0].value!r} is not a whole number.") from None


Whole: TypeAlias = Annotated[int, Parameter(converter=_whole)]


class Length(TypedDict, total=False):
    """How long a training is: one of the two."""

    episodes: int
    steps: int


@Parameter(name="*")
@dataclass(frozen=True)
class Output:
    """Where results go.

    Args:
        json: Print one JSON object on standard output, and nothing else there.
        out: Folder for the results; it is made if it is not there.
    """

    json: Annotated[bool, Parameter(negative="", show_default=False)] = False
    out: Path | None = None

    def check(self) -> None:
        """Raise a `StoreError` now, before the work, where nothing could be written later."""
        if self.out is not None:
            check_writable(self.out)

    def save_json(self, name: str, value: Any) -> Path | None:
        """Write the JSON object into the folder, where one is wanted; return the file."""
        from qlearn.cli.terminal import json_text

        if self.out is None:
            return None
        return write_text(self.out / name, json_text(value) + "\n")


@Parameter(name="*")
@dataclass(frozen=True)
class Budget:
    """How much is trained.

    Args:
        episodes: Episodes of each seed; 500 where --steps is not given either.
        steps: Steps of each seed, instead of --episodes.
        seeds: Number of independent runs; 100, or 10 where the environment has no model.
        seed: The first seed; the others follow it.
    """

    episodes: Whole | None = None
    steps: Whole | None = None
    seeds: Whole | None = None
    seed: Whole = 0

    def check(self) -> None:
        """Raise an `InputError` that names the option which cannot be."""
        if self.episodes is not None and self.steps is not None:
            raise InputError("--episodes and --steps exclude each other; give one of them.")
        for name in ("episodes", "steps", "seeds"):
            at_least(f"--{name}", getattr(self, name), 1)
        check_seed(self.seed)

    def length(self) -> Length:
        """Return ``episodes=`` or ``steps=`` for `train`."""
        return {"steps": self.steps} if self.steps is not None else {"episodes": self.episodes or EPISODES}

    def _length(self) -> tuple[str, int]:
        return ("steps", self.steps) if self.steps is not None else ("episodes", self.episodes or EPISODES)

    def seeds_for(self, environment: Any) -> range:
        """Return the seeds, as many as this kind of environment gets by default."""
        from qlearn.environments import FiniteMDP

        default = MODEL_SEEDS
        if not isinstance(environment, FiniteMDP):
            default = 1 if getattr(environment, "single", False) else HOST_SEEDS
        return range(self.seed, self.seed + (self.seeds or default))

    def words(self, environment: Any) -> list[object]:
        """Return the options that say all this again."""
        name, number = self._length()
        seeds = self.seeds_for(environment)
        return [f"--{name}", number, "--seeds", len(seeds), "--seed", self.seed]

    def in_words(self, environment: Any) -> str:
        """Return the same for people: ``500 episodes, 100 seeds (0 to 99)``."""
        name, number = self._length()
        seeds = self.seeds_for(environment)
        which = f"seed {seeds[0]}" if len(seeds) == 1 else f"{len(seeds):,} seeds ({seeds[0]} to {seeds[-1]})"
        return f"{number:,} {name if number > 1 else name[:-1]}, {which}"


SeedOption: TypeAlias = Annotated[int, Parameter(name="--seed", converter=_whole)]


def check_seed(seed: int) -> None:
    """Raise an `InputError` where a seed is negative or too large."""
    if not 0 <= seed < 2**31:
        raise InputError(f"--seed is {seed}; it must be a whole number from 0 to 2147483647.")


def check_discount(discount: float | None) -> None:
    """Raise an `InputError` where a discount is outside [0, 1]."""
    if discount is not None and not 0 <= discount <= 1:
        raise InputError(f"--discount is {discount:g}; it must be a number from 0 to 1.")


def own_discount(agents: Iterable[tuple[str, float | None]], discount: float | None) -> str:
    """Return a remark where --discount would be taken for the agents' own, which it is not; empty where all is well."""
    found = [(name, own) for name, own in agents if own is not None and discount not in (None, own)]
    if not found:
        return ""
    name, own = found[0]
    word = name.partition("(")[0].strip()
    return f"Note: {word} keeps its own discount {own:g}; to change it write '{word}(discount={discount:g})'."


def at_least(option: str, value: int | None, low: int) -> None:
    """Raise an `InputError` where a number is too small."""
    if value is not None and value < low:
        raise InputError(f"{option} is {value}; it must be a whole number of at least {low}.")


def made(environment: str) -> FiniteMDP | HostEnvironment | JaxEnvironment:
    """Return the environment that the user named; its module may lie in the present folder."""
    from qlearn.cli.own import find_here, module_of
    from qlearn.environments import make

    if module_of(environment):
        find_here()
    return make(environment)


def made_on_the_host(environment: str) -> FiniteMDP | HostEnvironment:
    """Return the same as something that is stepped here, one action at a time."""
    from qlearn.environments import JaxEnvironment, make

    found = made(environment)
    if isinstance(found, JaxEnvironment):
        found = make(environment, loop="host")
        assert not isinstance(found, JaxEnvironment)
    return found


def with_model(environment: str, why: str) -> FiniteMDP:
    """Return the model of the environment that the user named; an `InputError` where it has none."""
    from qlearn.environments import FiniteMDP

    found = made(environment)
    if not isinstance(found, FiniteMDP):
        reason = getattr(found, "reason", "its states cannot be counted")
        raise InputError(f"{found.name} has no model ({reason}), so {why}. `qlearn envs` lists those that have one.")
    return found


def check_writable(folder: Path) -> None:
    """Raise a `StoreError` that names the folder where no file could be written; leaves nothing behind."""
    try:
        there = next(place for place in (folder.absolute(), *folder.absolute().parents) if os.path.lexists(place))
        if not there.is_dir():
            raise StoreError(f"--out {folder}: {there} is a file, not a folder. Name another folder.")
        with tempfile.TemporaryFile(dir=there):
            pass
    except StoreError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise StoreError(f"--out {folder} cannot be written ({reason}). Name another folder.") from error


def write_text(file: Path, text: str) -> Path:
    """Write a file whole or not at all; return it."""
    from qlearn.files import atomic_write

    with atomic_write(file) as stream:
        stream.write(text.encode())
    return file
