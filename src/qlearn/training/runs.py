"""Runs: what training returns.  Every array has the seed axis first."""

from __future__ import annotations

import dataclasses
import os
from typing import Any, Literal

import numpy as np

from qlearn.errors import InputError, StoreError
from qlearn.files import load_arrays, save_arrays

Numbers = np.ndarray[Any, Any]


@dataclasses.dataclass(frozen=True)
class Snapshots:
    """Tables along the way.

    Args:
        positions: (k,) int64, episodes or steps of each seed; 0 is before the first.
        unit: what they count.
        q_tables: (n, k, S, A) float32.
    """

    positions: Numbers
    unit: Literal["episode", "step"]
    q_tables: Numbers


@dataclasses.dataclass(frozen=True, eq=False)
class Runs:
    """Independent runs of one agent on one environment, one for each seed.

    Args:
        agent: the description that was trained.
        environment: what it was trained on.
        seeds: (n,) int64.
        returns: (n, E) float64, the online return of every episode, in units of reward, undiscounted; NaN beyond a
            seed's episodes.
        lengths: (n, E) int64, steps of every episode; 0 beyond.
        num_episodes: (n,) int64, episodes completed.
        num_steps: (n,) int64, steps made.
        q_table: (n, S, A) float32, the values that each run ended with.
        visits: (n, S, A) int64, how often each action was taken in each state.
        diverged: (n,) bool, whether a value is no finite number.
        snapshots: tables along the way, or None.
        settings: agent, environment, budget and lane in words and numbers.
        versions: of qlearn, its parts and Python.
        wall_time: seconds, compilation included.
        complete: whether every seed reached the budget; False only in what ``Interrupted`` carries.
    """

    agent: Any
    environment: Any
    seeds: Numbers
    returns: Numbers
    lengths: Numbers
    num_episodes: Numbers
    num_steps: Numbers
    q_table: Numbers
    visits: Numbers
    diverged: Numbers
    snapshots: Snapshots | None
    settings: dict[str, Any]
    versions: dict[str, str]
    wall_time: float
    complete: bool = True

    @property
    def label(self) -> str:
        """The agent's label."""
        return str(self.agent.label)

    def online_returns(self, last: float = 1.0) -> Numbers:
        """Each seed's mean return over its completed episodes, or over the ``last`` share of them, (n,) float64.

        NaN where a seed completed none.
        """
        counts = self.num_episodes[:, None]
        place = np.arange(self.returns.shape[1])[None]
        taken = (place < counts) & (place >= (counts * (1 - last)).astype(int))
        totals = np.where(taken, self.returns, 0.0).sum(axis=1)
        return np.where(taken.any(axis=1), totals / np.maximum(taken.sum(axis=1), 1), np.nan)

    def greedy_policies(self) -> Numbers:
        """What each run would do without exploring: probabilities (n, S, A) float64, the agent's own ties and all."""
        return self._policies(self.q_table)

    def snapshot_policies(self) -> Numbers:
        """The same for every snapshot, (n, k, S, A) float64.

        Raises:
            InputError: where no snapshots were taken.
        """
        if self.snapshots is None:
            raise InputError(
                "These runs have no snapshots; expected a training with snapshots. Pass `snapshots=50` to `ql.train`."
            )
        return self._policies(self.snapshots.q_tables)

    def _policies(self, tables: Numbers) -> Numbers:
        from qlearn.training.policies import greedy_policies

        legal = getattr(self.environment, "legal", None)
        return greedy_policies(self.agent.exploration, tables, legal)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything into one file, atomically and with a checksum.

        Raises:
            StoreError: where it cannot be written.
        """
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        unit = None
        if self.snapshots is not None:
            unit = self.snapshots.unit
            arrays |= {"positions": self.snapshots.positions, "snapshot_tables": self.snapshots.q_tables}
        description = {
            "settings": self.settings,
            "versions": self.versions,
            "wall_time": self.wall_time,
            "complete": self.complete,
            "unit": unit,
        }
        save_arrays(path, arrays, description)

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, agent: Any = None, environment: Any = None) -> Runs:
        """Read runs that ``save`` wrote.

        Args:
            path: the file.
            agent: the description, where it is your own: code is never loaded from a file.
            environment: the environment, where it is your own.

        Raises:
            StoreError: where the file is missing or damaged.
            InputError: where the agent or environment is none of qlearn's and was not passed.
        """
        from qlearn.environments import make
        from qlearn.training.names import parse_agent

        arrays, told = load_arrays(path)
        missing = [name for name in _ARRAYS if name not in arrays]
        if missing:
            raise StoreError(f"{path} lacks {', '.join(missing)}; expected a file written by `runs.save`.")
        settings = told["settings"]
        snapshots = None
        if told["unit"] is not None:
            snapshots = Snapshots(arrays.pop("positions"), told["unit"], arrays.pop("snapshot_tables"))
        if agent is None:
            if settings["agent_written"] is None:
                raise InputError(f"{path} holds runs of your own agent {settings['agent']!r}. Pass it: `agent=…`.")
            agent = parse_agent(settings["agent_written"])
        if environment is None:
            if not settings["environment_by_name"]:
                raise InputError(
                    f"{path} holds runs on your own environment {settings['environment']!r}. Pass it: `environment=…`."
                )
            environment = make(settings["environment"])
        found = getattr(environment, "digest", None)
        if settings["model"] is not None and found is not None and found != settings["model"]:
            raise InputError(
                f"{settings['environment']!r} has another model now than when {path} was written. "
                "Pass the environment that it was trained on: `environment=…`."
            )
        return cls(
            agent=agent,
            environment=environment,
            snapshots=snapshots,
            settings=settings,
            versions=told["versions"],
            wall_time=told["wall_time"],
            complete=told["complete"],
            **{name: arrays[name] for name in _ARRAYS},
        )


_ARRAYS = ("seeds", "returns", "lengths", "num_episodes", "num_steps", "q_table", "visits", "diverged")
