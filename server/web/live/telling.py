"""What one client is told: rows and keys become one event, written once for all who are told the same.

Telling waits for nobody. A client that takes what it is told gets it from within the tick, without a task being woken;
for one that does not, it is kept up to a limit.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from server.usecases.principal import Principal
from server.web.live.audiences import Listener
from server.web.live.board import Key

MOST_WAITING, MOST_BYTES = 256, 4_000_000
"""Events, and bytes, that may wait for one client."""
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Event:
    """A server-sent event as text, and as a chunk of an answer in HTTP/1.1."""

    text: bytes
    chunk: bytes


def event_of(text: bytes) -> Event:
    """The event with this text, which is not empty."""
    return Event(text, b"%x\r\n%b\r\n" % (len(text), text))


def server_event(standing_by: str) -> Event:
    """Whether the server that tells leads: the sentence says which one does, and is empty when this one does."""
    return event_of(b"event: server\ndata: %s\n\n" % _encode({"standing_by": standing_by or None}))


NOTHING_CHANGED = event_of(b": nothing changed\n\n")


@dataclass(slots=True)
class Told:
    """Rows and keys, to become one event."""

    rows: dict[str, list[bytes]] = field(default_factory=dict)
    gone: dict[str, list[Key]] = field(default_factory=dict)

    def put(self, kind: str, row: bytes) -> None:
        """A row that is new or has changed."""
        self.rows.setdefault(kind, []).append(row)

    def take_away(self, kind: str, key: Key) -> None:
        """A row is gone."""
        self.gone.setdefault(kind, []).append(key)

    def __bool__(self) -> bool:
        return bool(self.rows or self.gone)

    def event(self, name: str, position: str, at: str) -> Event:
        """As server-sent events are written."""
        rows = b",".join(b'"%s":[%s]' % (kind.encode(), b",".join(each)) for kind, each in self.rows.items())
        gone = b',"gone":' + _encode(self.gone) if self.gone else b""
        data = b'{"at":"%s","rows":{%s}%s}' % (at.encode(), rows, gone)
        return event_of(b"id: %s\nevent: %s\ndata: %s\n\n" % (position.encode(), name.encode(), data))


class Stream:
    """One client, who is told what `heard` says, of these kinds alone if any are given."""

    def __init__(self, who: Principal, heard: Listener, only: tuple[str, ...]) -> None:
        self.who, self.heard, self.only = who, heard, only
        self.told_at = time.monotonic()
        self.queues_at, self.queues_told = float("-inf"), 0
        """When it was told of the queues, and as of which of their changes."""
        self.cut_off = False
        """Whether it was closed because the client did not take what it was told."""
        self.write: Callable[[bytes], bool] | None = None
        """Writes a chunk to the client at once; False if the client does not take it now."""
        self._events: deque[bytes] = deque()
        self._bytes = 0
        self._closed = self._taken = False
        self._wake = asyncio.Event()

    def tell(self, event: Event) -> None:
        """Let the client have this. Never waits."""
        if self._closed:
            return
        self.told_at = time.monotonic()
        if self._taken and not self._events and self.write is not None and self.write(event.chunk):
            return
        self._events.append(event.text)
        self._bytes += len(event.text)
        if len(self._events) > MOST_WAITING or self._bytes > MOST_BYTES:
            self.cut_off = True
            self._events.clear()
            self.close()
        self._wake.set()

    def close(self) -> None:
        """What was told is still sent, nothing more."""
        self._closed = True
        self._wake.set()

    @property
    def closed(self) -> bool:
        """Whether it ends."""
        return self._closed

    async def next(self) -> bytes | None:
        """What is to be sent next; None when the stream is over. Who asks has sent everything that came before."""
        while not self._events:
            if self._closed:
                return None
            self._wake.clear()
            self._taken = True
            try:
                await self._wake.wait()
            finally:
                self._taken = False
        told = b"".join(self._events)
        self._events.clear()
        self._bytes = 0
        return told
