"""A draft is saved as it is made, and the log holds one entry of it every few seconds, not one for each key.

The first save is logged at once. What follows within `EVERY` seconds waits for the end of that time; the latest counts.
A server that is killed meanwhile loses those seconds, never a score.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from quality.events import Event, MarksSaved
from server.hotline.dispatcher import Dispatcher, NotLeading

EVERY = 5.0
"""Seconds between two entries of one reviewer's draft."""


class Drafts:
    """The drafts that are not in the log yet. `clock` is monotonic seconds."""

    def __init__(
        self, dispatcher: Callable[[], Dispatcher], every: float = EVERY, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._dispatcher, self._every, self._clock = dispatcher, every, clock
        self._saved: dict[tuple[int, str], float] = {}
        self._pending: dict[tuple[int, str], MarksSaved] = {}
        self._timers: dict[tuple[int, str], asyncio.TimerHandle] = {}

    def pending(self, review: int, reviewer: str) -> MarksSaved | None:
        """The draft that waits to be logged."""
        return self._pending.get((review, reviewer))

    async def save(self, events: Sequence[Event]) -> None:
        """Log the draft now, or together with those that follow soon. Raises NotLeading."""
        dispatcher = self._dispatcher()
        for event in events:
            if not isinstance(event, MarksSaved):
                continue
            key, now = (event.review, event.reviewer), self._clock()
            for old in [each for each, at in self._saved.items() if now - at > self._every and each != key]:
                if old not in self._pending:
                    del self._saved[old]
            rest = self._saved.get(key, float("-inf")) + self._every - now
            if rest <= 0 and key not in self._pending:
                self._saved[key] = now
                await dispatcher.record(event)
            else:
                self._pending[key] = event
                if key not in self._timers:
                    self._timers[key] = asyncio.get_running_loop().call_later(max(rest, 0.0), self._flush, key)

    def forget(self, review: int, reviewer: str) -> None:
        """The score was given: its draft is of no use any more."""
        key = (review, reviewer)
        self._pending.pop(key, None)
        self._saved.pop(key, None)
        if timer := self._timers.pop(key, None):
            timer.cancel()

    def _flush(self, key: tuple[int, str]) -> None:
        self._timers.pop(key, None)
        event = self._pending.pop(key, None)
        if event is not None:
            self._saved[key] = self._clock()
            with suppress(NotLeading):
                self._dispatcher().submit(event)
