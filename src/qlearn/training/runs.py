"""Runs: what training returns.  Every array has the seed axis first."""

from __future__ import annotations

import dataclasses
import os
import re
from typing import Any

import jax
import numpy as np

from qlearn.agents.learner import Knowledge
from qlearn.engine.tables import knowledge_shapes
from qlearn.engine.worlds import spec_of
from qlearn.errors import InputError, StoreError
from qlearn.files import load_arrays, save_arrays
from qlearn.training.prediction import refuse_prediction, state_values
from qlearn.training.snapshots import Snapshots, counted, visited
from qlearn.training.values import rows_of, values_of

Numbers = np.ndarray[Any, Any]


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
        table: (n, S, A) float32, the values that each run ended with (``q_table`` reads it); None where states cannot
            be counted.
        counts: (n, S, A) int64, how often each action was taken in each state (``visits`` reads it); None for agents
            with a network.
        diverged: (n,) bool, whether a value is no finite number, or was far above what rewards allow.
        diverged_at: (n,) int64, the steps after which that was seen, 0 where it was not; None for tables.
        knowledge: of agents with a network, the weights that each run ended with, (n, …); None for tables.
        extras: what an agent learns besides its table, such as the gain of one that learns average rewards: (n,)
            each, by name.
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
    table: Numbers | None
    counts: Numbers | None
    diverged: Numbers
    snapshots: Snapshots | None
    settings: dict[str, Any]
    versions: dict[str, str]
    wall_time: float
    complete: bool = True
    diverged_at: Numbers | None = None
    knowledge: Knowledge | None = dataclasses.field(default=None, repr=False)
    extras: dict[str, Numbers] = dataclasses.field(default_factory=dict)

    @property
    def label(self) -> str:
        """The agent's label."""
        return str(self.agent.label)

    @property
    def q_table(self) -> Numbers:
        """The values that each run ended with, (n, S, A) float32.

        Raises:
            InputError: where states cannot be counted.
        """
        return counted(self.table)

    @property
    def state_values(self) -> Numbers:
        """What agents that predict have learnt of their given policy: V of every state, (n, S) float32.

        Raises:
            InputError: for agents that control, whose values belong to states and actions.
        """
        return state_values(self.agent, self.q_table)

    @property
    def visits(self) -> Numbers:
        """How often each action was taken in each state, (n, S, A) int64.

        Raises:
            InputError: for agents with a network, which do not count.
        """
        return visited(self.counts)

    def q_network(self, seed: int) -> Any:
        """The network of one run, with the weights that it ended with: an ordinary ``keras.Model``.

        It takes a batch of observations, one-hot where they are states' numbers, and gives (batch, num_actions).
        A learner that scales its observations has a layer in front that does.

        Args:
            seed: one of ``seeds``.

        Raises:
            InputError: for agents with a table, and for seeds that were not trained.
        """
        if self.knowledge is None:
            raise InputError(f"{self.label} has a table and no network; `runs.q_table` holds its values.")
        learner = self.agent.learner(spec_of(self.environment))
        if learner.q_network is None:
            raise InputError(f"{self.label} has features and no network; `runs.q_function(seed)` gives its values.")
        place = self._place(seed)
        return learner.q_network(jax.tree.map(lambda x: x[place], self.knowledge))

    def q_function(self, seed: int) -> Any:
        """The values of one run, of any agent: a function of a batch of observations that gives (batch, num_actions).

        Args:
            seed: one of ``seeds``.

        Raises:
            InputError: for seeds that were not trained.
        """
        place = self._place(seed)
        if self.knowledge is None:
            return rows_of(self.q_table[place])
        return values_of(self.agent, self.environment, jax.tree.map(lambda x: x[place], self.knowledge))

    def _place(self, seed: int) -> int:
        found = np.flatnonzero(self.seeds == seed)
        if found.size == 0:
            raise InputError(f"seed {seed} was not trained; expected one of {_few(self.seeds)}.")
        return int(found[0])

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

        refuse_prediction(self.agent)
        found = self.extras if tables.ndim == 3 or self.snapshots is None else self.snapshots.extras
        legal = found.get("legal", getattr(self.environment, "legal", None))
        return greedy_policies(self.agent.exploration, tables, legal)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything into one file, atomically and with a checksum.

        Raises:
            StoreError: where it cannot be written.
        """
        arrays = {name: getattr(self, name) for name in _ARRAYS} | _leaves("knowledge", self.knowledge)
        arrays |= {name: x for name, x in self._optional().items() if x is not None}
        arrays |= {f"extra_{name}": x for name, x in self.extras.items()}
        unit = None
        if self.snapshots is not None:
            unit = self.snapshots.unit
            arrays |= {"positions": self.snapshots.positions} | _leaves("snapshot_knowledge", self.snapshots.knowledge)
            arrays |= {} if self.snapshots.tables is None else {"snapshot_tables": self.snapshots.tables}
            arrays |= {} if self.snapshots.counts is None else {"snapshot_visits": self.snapshots.counts}
            arrays |= {f"snapshot_extra_{name}": x for name, x in self.snapshots.extras.items()}
        description = {
            "settings": self.settings,
            "versions": self.versions,
            "wall_time": self.wall_time,
            "complete": self.complete,
            "unit": unit,
        }
        save_arrays(path, arrays, description)

    def _optional(self) -> dict[str, Numbers | None]:
        return {"q_table": self.table, "visits": self.counts, "diverged_at": self.diverged_at}

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
        knowledge, along = (_tree(agent, environment, arrays, name) for name in ("knowledge", "snapshot_knowledge"))
        snapshots = None
        if told["unit"] is not None:
            tables, counts = arrays.get("snapshot_tables"), arrays.get("snapshot_visits")
            snapshots = Snapshots(arrays["positions"], told["unit"], tables, along, counts)
            snapshots = dataclasses.replace(snapshots, extras=_named(arrays, "snapshot_extra_"))
        return cls(
            agent=agent,
            environment=environment,
            snapshots=snapshots,
            table=arrays.get("q_table"),
            counts=arrays.get("visits"),
            diverged_at=arrays.get("diverged_at"),
            knowledge=knowledge,
            extras=_named(arrays, "extra_"),
            settings=settings,
            versions=told["versions"],
            wall_time=told["wall_time"],
            complete=told["complete"],
            **{name: arrays[name] for name in _ARRAYS},
        )


_ARRAYS = ("seeds", "returns", "lengths", "num_episodes", "num_steps", "diverged")


def _named(arrays: dict[str, Numbers], prefix: str) -> dict[str, Numbers]:
    return {name.removeprefix(prefix): x for name, x in arrays.items() if name.startswith(prefix)}


def _few(seeds: Numbers) -> str:
    shown = ", ".join(str(seed) for seed in seeds[:8])
    return shown + (", …" if seeds.size > 8 else "")


def _leaves(name: str, tree: Knowledge | None) -> dict[str, Numbers]:
    return {f"{name}_{i:03d}": np.asarray(leaf) for i, leaf in enumerate(jax.tree.leaves(tree))}


def _tree(agent: Any, environment: Any, arrays: dict[str, Numbers], name: str) -> Knowledge | None:
    """The tree of an agent's knowledge, its leaves taken from a file."""
    leaves = [arrays[key] for key in sorted(key for key in arrays if re.fullmatch(name + r"_\d+", key))]
    if not leaves:
        return None
    spec = spec_of(environment)
    shapes = jax.tree.leaves(knowledge_shapes(agent, spec))
    lead = 1 if name == "knowledge" else 2
    if [x.shape[lead:] for x in leaves] != [x.shape for x in shapes]:
        raise InputError(
            f"The weights in the file have the shapes {[x.shape[lead:] for x in leaves]}; the agent's have "
            f"{[x.shape for x in shapes]}. Pass the agent that was trained: `agent=…`."
        )
    return jax.tree.unflatten(jax.tree.structure(knowledge_shapes(agent, spec)), leaves)
