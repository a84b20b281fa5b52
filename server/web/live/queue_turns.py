"""Queues change with every call. Agents, who are many, are told of them more seldom, and some at each tick."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import islice

from server.web.live.telling import Stream

EVERY = 2.0
"""Seconds between two tellings of the queues to one agent."""


class QueueTurns:
    """The streams of agents that are told of the queues, in turn; `tick` is how many seconds a tick follows another."""

    def __init__(self, tick: float) -> None:
        self._part = 2 * tick / EVERY
        """Of the streams that are told in one tick at most: twice as many as have to be."""
        self._streams: dict[Stream, None] = {}
        """Who was told last stands last."""
        self._changed = 0
        """How often the queues have changed."""
        self.more = False
        """Whether there are more of them to be told than were in the last tick."""

    def join(self, stream: Stream) -> None:
        """A client has come, and is told of the queues as they are."""
        stream.queues_at, stream.queues_told = time.monotonic(), self._changed
        self._streams[stream] = None

    def part(self, stream: Stream) -> None:
        """It is gone."""
        self._streams.pop(stream, None)

    def changed(self) -> None:
        """The queues are not what they were."""
        self._changed += 1

    def take(self, now: float) -> Iterator[Stream]:
        """Those whose turn it is; each counts as told."""
        most = 1 + int(len(self._streams) * self._part)
        due = [
            stream
            for stream in islice(self._streams, most)
            if stream.queues_told != self._changed and now - stream.queues_at >= EVERY
        ]
        self.more = len(due) == most
        for stream in due:
            stream.queues_at, stream.queues_told = now, self._changed
            self._streams.pop(stream, None)
            self._streams[stream] = None
            yield stream
