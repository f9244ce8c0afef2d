"""A store: runs on disk that are computed once."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from qlearn.errors import EnvironmentFault, InputError, Interrupted, StoreError
from qlearn.store.asked import Subject, subjects_of
from qlearn.store.compute import Computing
from qlearn.store.database import Database
from qlearn.store.identity import digest_of
from qlearn.store.overview import Group, units_in
from qlearn.store.pending import MOST_DEATHS, Pending, fault_of, units_of
from qlearn.store.records import Unit, read_results
from qlearn.store.seedwise import Result, outcome_of
from qlearn.training.gathered import runs_of
from qlearn.training.plan import Plan
from qlearn.training.progress import Meter, stop_on_interrupt
from qlearn.training.runs import Runs

Progress = Callable[[float, str], None] | bool | None


class Store:
    """Runs on disk: each (agent, environment, seed) is computed once, by whichever process takes it.

    ``ql.compare(…, store=path)`` and ``qlearn compare --store`` use it; by itself it says what it holds.

    Args:
        path: a folder, or a file whose name ends in ``.sqlite`` or ``.db``; it is made where it is not there.
        write: False only to look; what is not there is then an error, and nothing is ever written.
        every: seconds between two states of a lane that is on its way.
        worker: this process is one of several that another began: it computes one lane at a time, and says in the
            store at which runs an environment failed, so that nobody tries these again.

    Raises:
        StoreError: where it cannot be opened or made, is damaged, or was written by a newer version.

    >>> with Store("kept") as store:
    ...     store.file.name, len(store)
    ('store.sqlite', 0)
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        write: bool = True,
        every: float = 30.0,
        worker: bool = False,
    ) -> None:
        self.path = Path(path)
        self.database = Database(self.path, write=write)
        self.every, self.worker = every, worker

    @property
    def file(self) -> Path:
        """The database."""
        return self.database.file

    def __len__(self) -> int:
        """How many finished runs there are, each at each of its budgets."""
        return int(self.database.rows("SELECT count(*) FROM results")[0][0])

    def runs(self, plans: Sequence[Plan], *, progress: Progress = None) -> list[list[Runs]]:
        """Compute what is missing of some plans, and return the runs of each; one for each agent.

        Args:
            plans: agents on an environment, over seeds, to a budget.
            progress: as in ``ql.train``.

        Raises:
            Interrupted: on Ctrl-C or SIGTERM; everything is kept, and the same call goes on.
            StoreError: where something cannot be kept or read.
            EnvironmentFault: where an environment raised an error; the other seeds have finished.
        """
        asked = [subjects_of(plan) for plan in plans]
        flat = [subject for some in asked for subject in some]
        units = units_of(self.database, flat)
        self._complete(list(zip(flat, units, strict=True)), progress, (1, 1))
        found = iter([self._gathered(subject, some) for subject, some in zip(flat, units, strict=True)])
        return [[next(found) for _ in some] for some in asked]

    def complete(self, plans: Sequence[Plan], *, progress: Progress = None, shard: tuple[int, int] = (1, 1)) -> int:
        """Compute what is missing of the i-th of n parts of some plans, and return how many runs the part has.

        Args:
            plans: as for ``runs``.
            progress: as in ``ql.train``.
            shard: (i, n), i from 1.

        Raises:
            Interrupted, StoreError, EnvironmentFault: as ``runs``.
        """
        flat = [subject for plan in plans for subject in subjects_of(plan)]
        units = units_of(self.database, flat)
        return self._complete(list(zip(flat, units, strict=True)), progress, shard)

    def _complete(
        self, wanted: list[tuple[Subject, dict[int, Unit]]], progress: Progress, shard: tuple[int, int]
    ) -> int:
        pending, stop = Pending(self.database, wanted, shard, worker=self.worker), threading.Event()
        if pending.left == 0:
            _refuse_given_up(self.database, pending)
            return pending.whole
        whole = sum(subject.budget * len(units) for subject, units in wanted)
        words = f"{pending.finished:,} of {pending.whole:,} runs kept"
        with Meter(progress, whole, words) as meter, stop_on_interrupt(stop, also_on_termination=True):
            computing = Computing(self.database, pending, meter, self.every, self.worker)
            computing.all(stop)
        if computing.faults:
            several = f" ({len(computing.faults)} runs failed so; the others are kept)"
            first = computing.faults[0]
            raise type(first)(f"{first}{several if pending.whole > 1 else ''}")
        if stop.is_set():
            raise Interrupted(
                f"Interrupted: {pending.finished:,} of {pending.whole:,} runs are kept in {self.path}; the same "
                "call goes on."
            )
        _refuse_given_up(self.database, pending)
        return pending.whole

    def _gathered(self, subject: Subject, units: dict[int, Unit]) -> Runs:
        seeds = subject.job.seeds.astype(np.int64).tolist()
        found = read_results(self.database, [units[seed] for seed in seeds], subject.budget)
        whole = [one for one in found if one is not None]
        if len(whole) < len(seeds):
            raise StoreError(f"{self.file}: results of {len(seeds) - len(whole)} runs are gone. Repeat the command.")
        results, origins = [result for result, _ in whole], {origin for _, origin in whole}
        return _runs(subject, results, sorted(origins))

    def kept(self, agent: Any, world: Any, group: Group) -> Runs | None:
        """The runs of a group that ``groups`` told of; None where agent or environment is another one now.

        Args:
            agent: the description.
            world: the environment, made.
            group: which.

        Raises:
            StoreError: where one is damaged.
        """
        assert group.budget is not None
        plan = Plan([agent], world, np.array(group.seeds, np.int64), group.budget, group.unit, 0)
        subject = subjects_of(plan, lane=group.lane)[0]
        if digest_of(subject.told) != group.identity:
            return None
        units = {unit.seed: unit for unit, _ in units_in(self.database, group.number)}
        return self._gathered(subject, units)

    def facts(self, group: Group) -> list[dict[str, Any]]:
        """What is told of each run of a group, in the order of its seeds: returns, lengths, how it was made."""
        units = {unit.seed: unit for unit, _ in units_in(self.database, group.number)}
        found = []
        for told in read_results(self.database, [units[seed] for seed in group.seeds], int(group.budget or 0)):
            if told is None:
                raise StoreError(f"{self.file}: a result is gone. Repeat the command.")
            facts, made = told[0].facts, json.loads(told[1])
            versions = " ".join(f"{name} {made[name]}" for name in ("qlearn", "jaxlib") if name in made)
            found.append(
                {"online_return": facts["online"], "episodes": facts["episodes"], "steps": facts["steps"]}
                | {"failed": bool(facts["diverged"]), "made_with": f"{versions} {made.get('device', '')}".strip()}
            )
        return found

    def remember(self, specification: str) -> None:
        """Keep what was asked, so that ``qlearn runs resume`` can go on with it.

        Args:
            specification: as TOML.
        """
        digest = hashlib.sha256(specification.encode()).hexdigest()
        with self.database.writing():
            self.database.run("DELETE FROM specifications WHERE sha256 = ?", (digest,))
            self.database.run(
                "INSERT INTO specifications (sha256, content, asked) VALUES (?, ?, ?)",
                (digest, specification, time.time()),
            )

    def specifications(self) -> list[str]:
        """What was asked, as TOML, newest last.

        Raises:
            StoreError: where one is damaged.
        """
        found = []
        for digest, content in self.database.rows("SELECT sha256, content FROM specifications ORDER BY id"):
            if hashlib.sha256(str(content).encode()).hexdigest() != digest:
                raise StoreError(f"{self.file}: a specification is damaged. Name the file that it came from instead.")
            found.append(str(content))
        return found

    def close(self) -> None:
        """Close it; the last to do so puts everything into one file."""
        self.database.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Store {self.path}: {len(self):,} results>"


def _refuse_given_up(database: Database, pending: Pending) -> None:
    """Raise an EnvironmentFault where a run was left: it hung, or processes died at it so often."""
    if not pending.given_up:
        return
    subject, unit = pending.given_up[0]
    more = len(pending.given_up) - 1
    if found := fault_of(database, unit):
        words, *place = found
        many = f"({more} more runs were left too; the others are kept)" if more else "(the other runs are kept)"
        raise EnvironmentFault(f"{words} {many}", *place)
    several = f", and so at {more} more runs" if more else ""
    raise EnvironmentFault(
        f"{subject.job.environment.name}: the process that computed seed {unit.seed} of {subject.job.agent.label} died "
        f"{MOST_DEATHS} times{several}; all others have finished and are kept. Mend the environment and repeat the "
        "command."
    )


def _runs(subject: Subject, results: list[Result], origins: list[str]) -> Runs:
    seconds = sum(float(result.facts["seconds"]) for result in results)
    runs = runs_of(subject.job, outcome_of(subject.job, results), subject.detail, subject.budget, seconds)
    made = [json.loads(origin) for origin in origins]
    mixed = {name: sorted({one.get(name, "?") for one in made}) for name in made[0]}
    mixed = {name: found for name, found in mixed.items() if len(found) > 1}
    settings = {**runs.settings, **({"several_versions": mixed} if mixed else {})}
    return dataclasses.replace(runs, versions=made[-1], settings=settings)


def check_shard(text: str) -> tuple[int, int]:
    """Read ``i/n``; raises InputError.

    >>> check_shard("2/4")
    (2, 4)
    """
    first, _, second = text.partition("/")
    if first.isdecimal() and second.isdecimal() and 1 <= int(first) <= int(second) <= 1_000_000:
        return int(first), int(second)
    raise InputError(f"{text!r} is no shard; expected i/n with i from 1 to n, such as 1/4 for the first of four parts.")
