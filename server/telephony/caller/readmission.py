"""After a change of leader the callers come back in any order, and are let in by their places in the queue.

Without it, an agent who became free meanwhile would get the caller who happened to ask first. A caller who is not back
within the patience is not waited for. Callers hear music all the while.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

import acd.events as acd
from server.eventlog.log import Entry

_log = structlog.get_logger("readmission")

PATIENCE = 2.5
"""Seconds; the dialplan asks again every second."""


class Readmission:
    """Lets callers in who were in the queue before. `patience`: seconds for which the others wait for the missing."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self._order: dict[int, int] = {}
        self._missing: set[int] = set()
        self._back: dict[int, asyncio.Future[None]] = {}
        self._patience = patience
        self._timer: asyncio.TimerHandle | None = None

    def expect(self, calls: Sequence[int]) -> None:
        """These calls wait, in the order in which they are let in."""
        self._order = {call: place for place, call in enumerate(calls)}
        self._missing = set(calls)

    def begin(self) -> None:
        """Callers can come back from now on: the patience begins."""
        if self._missing:
            self._timer = asyncio.get_running_loop().call_later(self._patience, self._let_in)

    async def answer(self, call: int) -> None:
        """The caller is here: return when it is their turn."""
        if call not in self._missing:
            return
        self._missing.discard(call)
        self._back[call] = turn = asyncio.get_running_loop().create_future()
        self._let_in_if_complete()
        await turn

    def follow(self, entry: Entry, _: object) -> None:
        """A caller who has hung up does not come back."""
        if isinstance(entry.event, acd.CallEnded):
            self.gone(entry.event.call)

    def gone(self, call: int) -> None:
        """This caller does not come any more."""
        self._missing.discard(call)
        self._let_in_if_complete()

    def _let_in_if_complete(self) -> None:
        if not self._missing:
            # Not at once: the last caller to come would pass those who have waited here.
            asyncio.get_running_loop().call_soon(self._let_in)

    def _let_in(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._missing:
            _log.info("some callers are not back yet: the others are let in", missing=sorted(self._missing))
        self._missing.clear()
        back, self._back = self._back, {}
        for call in sorted(back, key=self._order.__getitem__):
            # Tasks go on in the order in which their futures were resolved.
            if not back[call].done():
                back[call].set_result(None)
