"""TensorBoard's event files: one for each seed, records of (length, checksum, event, checksum).

They are appended to like the CSV file, and read back when a training goes on: records of episodes that will be made
again are taken away, records that were lost are written again.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from qlearn.errors import InputError, StoreError
from qlearn.files import atomic_write
from qlearn.training.log_rows import Row

Numbers = np.ndarray[Any, Any]
_FRAME = 8 + 4 + 4  # bytes of a record besides the event


class EventFiles:
    """The event files of a log.

    Args:
        folder: of the log; every seed has a folder in it.

    Raises:
        InputError: where tensorboardX is not installed.
    """

    def __init__(self, folder: Path) -> None:
        try:
            from tensorboardX.proto import event_pb2, summary_pb2
            from tensorboardX.record_writer import masked_crc32c
        except ImportError as error:
            raise InputError(
                f"TensorBoard's files need tensorboardX, which cannot be imported ({error}). "
                'Install it: pip install "qlearn[tensorboard]", or log without `tensorboard:`.'
            ) from error
        self._folder, self._crc = folder, masked_crc32c
        self._event, self._summary = event_pb2.Event, summary_pb2.Summary

    def begin(self, seed: int, rows: list[Row]) -> None:
        """Bring a seed's file to these episodes; what is there of them stays as it is."""
        file = self._file(seed, "episodes")
        there, wanted = self._read(file), {self._content(row): row for row in rows}
        found = {self._content_of(event): record for event, record in there}
        now = time.time()
        records = [found.get(content) or self._record(row, now) for content, row in wanted.items()]
        with atomic_write(file) as stream:
            stream.write(self._framed(self._event(wall_time=now, file_version="brain.Event:2")) + b"".join(records))

    def add(self, seed: int, rows: list[Row]) -> None:
        """More episodes of a seed.

        Raises:
            StoreError: where they cannot be written.
        """
        file, now = self._file(seed, "episodes"), time.time()
        try:
            with file.open("ab", buffering=0) as stream:
                stream.write(b"".join(self._record(row, now) for row in rows))
        except OSError as error:
            raise StoreError(f"Could not write {file}: {error.strerror or error}. Free some space.") from error

    def evaluation(self, runs: Any, columns: Sequence[tuple[Numbers, Numbers]], *, by_steps: bool) -> None:
        """Values of the greedy policies; columns: positions (n,) and values (n,); they are written whole."""
        now = time.time()
        for place, seed in enumerate(runs.seeds.tolist()):
            steps = np.concatenate([[0], np.cumsum(runs.lengths[place])])
            events = [self._framed(self._event(wall_time=now, file_version="brain.Event:2"))]
            for positions, values in columns:
                at = int(positions[place]) if by_steps else int(steps[min(int(positions[place]), steps.size - 1)])
                events.append(self._scalars(at, now, evaluation=float(values[place])))
            with atomic_write(self._file(seed, "evaluation")) as stream:
                stream.write(b"".join(events))

    def _file(self, seed: int, what: str) -> Path:
        return self._folder / f"seed-{seed}" / f"events.out.tfevents.{what}"

    def _record(self, row: Row, now: float) -> bytes:
        return self._scalars(row.steps, now, **{"return": row.value, "length": float(row.length)})

    def _scalars(self, step: int, now: float, **values: float) -> bytes:
        summary = self._summary(value=[self._summary.Value(tag=tag, simple_value=v) for tag, v in values.items()])
        return self._framed(self._event(wall_time=now, step=step, summary=summary))

    def _framed(self, event: Any) -> bytes:
        data = event.SerializeToString()
        head = struct.pack("<Q", len(data))
        return head + struct.pack("<I", self._crc(head)) + data + struct.pack("<I", self._crc(data))

    def _content(self, row: Row) -> tuple[int, float, float]:
        return row.steps, float(np.float32(row.value)), float(np.float32(row.length))

    def _content_of(self, event: Any) -> tuple[float, ...]:
        return (event.step, *(value.simple_value for value in event.summary.value))

    def _read(self, file: Path) -> Iterator[tuple[Any, bytes]]:
        """Events and their records, up to the first that is broken."""
        try:
            data = file.read_bytes()
        except OSError:
            return
        place = 0
        while place + _FRAME <= len(data):
            length = int.from_bytes(data[place : place + 8], "little")
            record = data[place : place + _FRAME + length]
            place += len(record)
            if len(record) < _FRAME + length or self._framed_again(record) is None:
                return
            event = self._framed_again(record)
            if event.summary.value:
                yield event, record

    def _framed_again(self, record: bytes) -> Any:
        """The event of a record; None where it is damaged."""
        head, body = record[:8], record[12:-4]
        sums = struct.unpack("<I", record[8:12])[0], struct.unpack("<I", record[-4:])[0]
        if sums != (self._crc(head), self._crc(body)):
            return None
        return self._event.FromString(body)
