"""A thread keeps the records up with the log. A database or a log that is away delays rows and loses none."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from server.eventlog.log import START, Entry
from server.storage.projections.rows import entry_key
from server.storage.projector import Projector

Read = Callable[[str, int], Sequence[Entry]]
"""`read(after, block_ms)`: the entries after this id, oldest first, waiting so long for the first one."""

_log = structlog.get_logger("records")
FIRST_DELAY, LONGEST_DELAY = 0.1, 5.0
ENOUGH = 500
"""Entries in a batch from which on the next one is read at once."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How the records stand. `lag` is the age in seconds of the oldest entry known to be missing, 0 when none is."""

    cursor: str = START
    lag: float = 0.0
    written: int = 0
    error: str = ""


class ProjectorLoop:
    """Reads the log from the projector's own cursor and applies it, until stopped.

    After an error it tries again, at longer and longer intervals up to 5 s, for as long as it takes. `pace` is the
    least time in seconds between two batches, unless it is far behind or somebody waits for an entry: a batch costs
    much the same whatever is in it, so that a busy floor costs the records no more processor time than a quiet one.
    """

    def __init__(
        self,
        projector: Projector,
        read: Read,
        *,
        block_ms: int = 500,
        pace: float = 0.5,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._projector, self._read, self._clock = projector, read, clock
        self._block_ms, self._pace = block_ms, pace
        self._stopping = threading.Event()
        self._changed = threading.Condition()
        self._awaited = 0
        self._cursor: str | None = None
        self._oldest_missing: float | None = None
        self._written = 0
        self._error = ""
        self._thread = threading.Thread(target=self._run, name="records", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: float = 10.0) -> bool:
        """End after the batch in hand; False when that took too long. The cursor tells the next one where to go on."""
        self._stopping.set()
        with self._changed:
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def progress(self) -> Progress:
        """How the records stand now; any thread may ask."""
        with self._changed:
            lag = 0.0 if self._oldest_missing is None else max(0.0, self._clock() - self._oldest_missing)
            return Progress(self._cursor or START, lag, self._written, self._error)

    def wait_for(self, entry_id: str, timeout: float) -> bool:
        """Wait until this entry is in the records; False when it is not after `timeout` seconds."""
        wanted = entry_key(entry_id)
        with self._changed:
            self._awaited += 1
            self._changed.notify_all()
            try:
                return (
                    self._changed.wait_for(
                        lambda: self._stopping.is_set() or entry_key(self._cursor or START) >= wanted, timeout
                    )
                    and entry_key(self._cursor or START) >= wanted
                )
            finally:
                self._awaited -= 1

    def _run(self) -> None:
        delay = FIRST_DELAY
        while not self._stopping.is_set():
            try:
                self._step()
            except Exception as error:
                self._failed(error)
                self._stopping.wait(delay)
                delay = min(delay * 2, LONGEST_DELAY)
            else:
                self._succeeded()
                delay = FIRST_DELAY

    def _step(self) -> None:
        if self._cursor is None:
            self._advance(self._projector.cursor(), 0)
        assert self._cursor is not None
        entries = self._read(self._cursor, self._block_ms)
        if not entries:
            return
        with self._changed:
            self._oldest_missing = entries[0].at
        written = self._projector.apply(entries)
        self._advance(entries[-1].id, written)
        if len(entries) < ENOUGH:
            with self._changed:
                self._changed.wait_for(lambda: self._stopping.is_set() or self._awaited > 0, self._pace)

    def _advance(self, cursor: str, written: int) -> None:
        with self._changed:
            self._cursor, self._oldest_missing = cursor, None
            self._written += written
            self._changed.notify_all()

    def _failed(self, error: Exception) -> None:
        sentence = f"{type(error).__name__}: {error}".splitlines()[0][:300]
        with self._changed:
            first, self._error = not self._error, sentence
        if first:
            _log.warning("the records fall behind the log, nothing is lost", error=sentence)

    def _succeeded(self) -> None:
        if not self._error:
            return
        with self._changed:
            self._error = ""
        _log.info("the records keep up with the log again")
