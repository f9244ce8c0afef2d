"""Compute what a store lacks: take a lane's units, run them, commit, and only then say so."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait

import numpy as np

from qlearn.engine.frozen import Frozen
from qlearn.engine.outcome import Outcome
from qlearn.engine.schedule import cores, run
from qlearn.errors import EnvironmentFault
from qlearn.store.database import Database
from qlearn.store.identity import canonical
from qlearn.store.keeping import LaneKeeper, commit, drop_files, loaded, packed_states, same_stage
from qlearn.store.owners import me
from qlearn.store.pending import Batch, Pending, free, note_fault, release
from qlearn.store.records import write_states
from qlearn.store.seedwise import packed_results
from qlearn.training.gathered import versions
from qlearn.training.progress import Meter

_POLL = 0.2  # seconds between two looks at what others hold


@dataclasses.dataclass
class Computing:
    """A process at work on a store.

    Args:
        database: the store.
        pending: what is missing.
        meter: is told what is made and what is kept.
        every: seconds between two states of a lane.
        worker: one lane at a time; where an environment fails is said in the store.
    """

    database: Database
    pending: Pending
    meter: Meter
    every: float = 30.0
    worker: bool = False
    kept: int = 0
    faults: list[EnvironmentFault] = dataclasses.field(default_factory=list)
    _origin: tuple[int, str] = (0, "")
    _lock: threading.Lock = dataclasses.field(default_factory=threading.Lock)

    def all(self, stop: threading.Event) -> None:
        """Compute until nothing is missing, or until ``stop``; what others hold is waited for.

        Raises:
            StoreError: where something could not be kept; what was committed before is there.
        """
        self._origin = self._origin_row()
        workers = 1 if self.worker else max(1, min(cores(), self.pending.left))
        with ThreadPoolExecutor(workers, thread_name_prefix="qlearn-store") as pool:
            futures = [pool.submit(self._work, stop) for _ in range(workers)]
            try:
                _wait(futures)
            except BaseException:
                stop.set()
                raise

    def _work(self, stop: threading.Event) -> None:
        while not stop.is_set():
            batch, holder = self.pending.take()
            if batch is None and holder is None:
                return
            if batch is None:
                self.meter.note(f"{self._words()}, waiting for {holder}")
                stop.wait(_POLL)
                continue
            try:
                self._batch(batch, stop)
            except BaseException:
                free(self.database, batch.units)
                raise
            if stop.is_set():
                free(self.database, batch.units)

    def _batch(self, batch: Batch, stop: threading.Event) -> None:
        for stage, members in same_stage(batch, loaded(self.database, batch)):
            part = Batch(batch.subject, tuple(unit for unit, _ in members))
            states = None if stage is None else [state for _, state in members]
            try:
                self._lane(part, states, stop)
            except EnvironmentFault as fault:
                self._one_by_one(part, fault, stop)

    def _one_by_one(self, batch: Batch, fault: EnvironmentFault, stop: threading.Event) -> None:
        """After a fault of the environment each seed by itself, so that the others finish."""
        if len(batch.units) == 1:
            with self._lock:
                self.faults.append(fault)
            if self.worker:
                note_fault(self.database, batch.units, fault)
            free(self.database, batch.units)
            return
        for unit in batch.units:
            if stop.is_set():
                return
            alone = Batch(batch.subject, (unit,))
            try:
                self._lane(alone, None, stop)
            except EnvironmentFault as its:
                self._one_by_one(alone, its, stop)

    def _lane(self, batch: Batch, states: list[Frozen] | None, stop: threading.Event) -> None:
        began = time.perf_counter()
        job = batch.subject.of(np.array([unit.seed for unit in batch.units]))
        keeper = LaneKeeper(self.database, batch, self.every, states)
        try:
            outcome = run([job], stop, self.meter.add, keeper)[0]
        except ValueError as error:
            if states is None or isinstance(error, EnvironmentFault):
                raise
            self._lane(batch, None, stop)  # what was kept does not fit: from the beginning
            return
        if outcome.complete.all():
            self._commit(batch, outcome, keeper.last, time.perf_counter() - began)
        elif keeper.last is not None:
            packed = packed_states(self.database, batch.subject, job, keeper.last, final=False)
            with self.database.writing():
                old = write_states(self.database, batch.units, packed)
                release(self.database, batch.units, me())
            drop_files(self.database, old)

    def _commit(self, batch: Batch, outcome: Outcome, last: Frozen | None, took: float) -> None:
        """Results, states and the end of the leases: all of them or none."""
        subject = batch.subject
        job = subject.of(np.array([unit.seed for unit in batch.units]))
        states = [] if last is None else packed_states(self.database, subject, job, last, final=True)
        results = packed_results(job, outcome, took)
        commit(self.database, batch, self._origin, results, states)
        with self._lock:
            self.kept += len(batch.units)
            self.pending.finished += len(batch.units)
        self.meter.note(self._words())
        self.meter.add(0, 0)

    def _origin_row(self) -> tuple[int, str]:
        """What results are made with, in this process; that it can be written shows that the store can be."""
        told = canonical(versions())
        with self.database.writing():
            self.database.run("INSERT INTO origins (told) VALUES (?) ON CONFLICT DO NOTHING", (told,))
            return int(self.database.rows("SELECT id FROM origins WHERE told = ?", (told,))[0][0]), told

    def _words(self) -> str:
        return f"{self.pending.finished:,} of {self.pending.whole:,} runs kept"


def _wait(futures: Sequence[Future[None]]) -> None:
    # In slices, so that a signal's handler runs on the main thread in between.
    while wait(futures, timeout=0.1, return_when=FIRST_EXCEPTION).not_done:
        for future in futures:
            if future.done():
                future.result()
    for future in futures:
        future.result()
