"""Runs: what training returns.  Every array has the seed axis first."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

import jax
import numpy as np

from qlearn.agents.learner import Knowledge
from qlearn.engine.worlds import spec_of
from qlearn.errors import InputError
from qlearn.files import save_arrays
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

    def greedy_policies(self, legal: Any = None) -> Numbers:
        """What each run would do without exploring: probabilities (n, S, A) float64, the agent's own ties and all.

        Args:
            legal: which actions are legal in which state, (S, A) bool, where neither the model nor the runs know:
                agents with a network on an environment that tells its masks while it is played.

        Raises:
            InputError: where states cannot be counted, or masks are neither known nor given.
        """
        return self._policies(self.q_table, legal)

    def snapshot_policies(self, legal: Any = None) -> Numbers:
        """The same for every snapshot, (n, k, S, A) float64.

        Raises:
            InputError: where no snapshots were taken, or as for ``greedy_policies``.
        """
        if self.snapshots is None:
            raise InputError(
                "These runs have no snapshots; expected a training with snapshots. Pass `snapshots=50` to `ql.train`."
            )
        return self._policies(self.snapshots.q_tables, legal)

    def _policies(self, tables: Numbers, given: Any) -> Numbers:
        from qlearn.training.policies import greedy_policies, legal_actions

        refuse_prediction(self.agent)
        legal = legal_actions(self.environment, self.extras, given)
        if legal is not None and legal.ndim < tables.ndim and legal.ndim == 3:  # of each run, for all its snapshots
            legal = legal[:, None]
        return greedy_policies(self.agent.exploration, tables, legal)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything into one file, atomically and with a checksum.

        Raises:
            StoreError: where it cannot be written.
        """
        arrays = {name: getattr(self, name) for name in ARRAYS} | _leaves("knowledge", self.knowledge)
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
            environment: what ``ql.train`` takes, where it is your own: a function or class that makes it, a model, …

        Raises:
            StoreError: where the file is missing or damaged.
            InputError: where the agent or environment is none of qlearn's and was not passed, or does not fit.
        """
        from qlearn.training.saved import read_runs

        return read_runs(path, agent, environment)


ARRAYS = ("seeds", "returns", "lengths", "num_episodes", "num_steps", "diverged")


def _few(seeds: Numbers) -> str:
    shown = ", ".join(str(seed) for seed in seeds[:8])
    return shown + (", …" if seeds.size > 8 else "")


def _leaves(name: str, tree: Knowledge | None) -> dict[str, Numbers]:
    return {f"{name}_{i:03d}": np.asarray(leaf) for i, leaf in enumerate(jax.tree.leaves(tree))}
