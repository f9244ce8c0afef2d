"""`Specification`: a comparison as data, in Python or in a TOML file, which mean the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from qlearn.comparison.judging import as_list, check_judging
from qlearn.comparison.names import distinct_names
from qlearn.errors import InputError
from qlearn.training.plan import budget_of, seeds_of

Metric = Literal["final", "online"]
METRICS: tuple[Metric, ...] = ("final", "online")
EPISODES = 500


@dataclass(frozen=True)
class Specification:
    """What is compared, and how: fixed before anything is run.

    Args:
        agents: descriptions by name; a sequence is given the names that a comparison would.
        environments: what `ql.make` takes, each once; one alone need not be in a list.
        episodes: how many episodes each seed makes; or
        steps: how many steps each seed makes.  500 episodes where neither is given.
        seeds: a number n for the seeds 0 … n − 1, or the seeds themselves.
        discount: γ by which agents without a discount of their own are judged, as in `compare`.
        horizon: in steps, as in `compare`.
        snapshots: how often tables are kept along the way, at most.
        metric: what a run scores where environments are brought together: "final" is the value of the policy that it
            ended with, "online" its mean return while it learnt.
        margin: the largest difference that does not matter, in units of that; None where none was chosen.

    Raises:
        InputError: naming what is wrong.

    >>> import qlearn as ql
    >>> asked = ql.Specification({"mine": ql.QLearning()}, "NChain-v0", episodes=50, seeds=10)
    >>> ql.Specification.from_toml(asked.to_toml()) == asked
    True
    >>> print(asked.to_toml())
    environments = [
        "NChain-v0",
    ]
    episodes = 50
    seeds = 10
    <BLANKLINE>
    [agents]
    mine = "q-learning"
    <BLANKLINE>
    """

    agents: Any
    environments: Any
    episodes: int | None = None
    steps: int | None = None
    seeds: int | Sequence[int] = 100
    discount: float | None = None
    horizon: int | None = None
    snapshots: int = 50
    metric: Metric = "final"
    margin: float | None = None

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "agents", _named(self.agents))
        put(self, "environments", _listed(self.environments))
        if self.episodes is None and self.steps is None:
            put(self, "episodes", EPISODES)
        budget_of(self.episodes, self.steps)
        numbers = seeds_of(self.seeds)
        plain = np.array_equal(numbers, np.arange(numbers.size))
        put(self, "seeds", int(numbers.size) if plain else tuple(numbers.tolist()))
        check_judging(self.discount, self.horizon)
        _check_rest(self)

    @property
    def num_seeds(self) -> int:
        """How many runs each agent makes on each environment."""
        return self.seeds if isinstance(self.seeds, int) else len(self.seeds)

    def to_toml(self) -> str:
        """Return it as TOML, from which `from_toml` makes the same again.

        Raises:
            InputError: where an agent or an environment is your own, which no text names.
        """
        from qlearn.comparison.specification_toml import written

        return written(self)

    @classmethod
    def from_toml(cls, text: str, *, modules: Iterable[str] = (), also: Iterable[str] = ()) -> Specification:
        r"""Read TOML; nothing in it is executed, and it can name no code to import.

        Args:
            text: what the file holds.
            modules: modules that the caller has imported, whose environments the text may name.
            also: keys that belong to somebody else and are passed over.

        Raises:
            InputError: where it is no TOML, or says something that no comparison has, with the nearest known key.

        >>> Specification.from_toml('environments = ["NChain-v0"]\n[agents]\na = "sarsa"\n[evaluation]\nhorizn = 9')
        Traceback (most recent call last):
        qlearn.errors.InputError: [evaluation] has no key 'horizn', did you mean 'horizon'? ...
        """
        from qlearn.comparison.specification_toml import read

        return cls(**read(text, tuple(modules), tuple(also)))


def _named(agents: Any) -> dict[str, Any]:
    if not isinstance(agents, Mapping):
        found = as_list(agents)
        return dict(zip(distinct_names(found), found, strict=True))
    if not agents:
        raise InputError('There is no agent to compare; expected at least one. Pass {"mine": ql.QLearning()}.')
    for name in agents:
        if not isinstance(name, str) or not name.strip():
            raise InputError(f"{name!r} is no name for an agent; expected a text that is not empty.")
    return dict(agents)


def _listed(environments: Any) -> tuple[Any, ...]:
    several = isinstance(environments, (list, tuple))
    found = tuple(environments) if several else (environments,)
    if not found:
        raise InputError('There is no environment to compare on; expected at least one. Pass "NChain-v0".')
    names = [one for one in found if isinstance(one, str)]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{name!r} is there twice; expected each environment once.")
    return found


def _check_rest(asked: Specification) -> None:
    snapshots: Any = asked.snapshots
    if isinstance(snapshots, bool) or not isinstance(snapshots, int) or snapshots < 0:
        raise InputError(f"snapshots={snapshots!r} is not usable; expected a whole number from 0 on.")
    if asked.metric not in METRICS:
        raise InputError(f"metric={asked.metric!r} is unknown; expected one of {', '.join(map(repr, METRICS))}.")
    margin = asked.margin
    number = isinstance(margin, (int, float)) and not isinstance(margin, bool)
    if margin is not None and not (number and 0 < margin < float("inf")):
        raise InputError(f"margin={margin!r} is not usable; expected a number above 0, in units of the score.")
