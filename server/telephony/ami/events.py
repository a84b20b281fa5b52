"""From the AMI stream to those who subscribed.

The law: every event reaches each of its subscribers once, in order of arrival, even if another subscriber fails.
Nothing is ever dropped: when subscribers fall behind, reading stops until they have caught up.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

import structlog

from server.telephony.ami.wire import AmiEvent

EventCallback = Callable[[AmiEvent], None]

_log = structlog.get_logger("ami")


class Events:
    """A bounded queue and a dict of subscribers by event name.

    Above `most` waiting events `hold(True)` is called (stop reading), below a quarter of it `hold(False)`. At most
    `batch` events are delivered before the loop has its turn.
    """

    def __init__(self, hold: Callable[[bool], None], *, most: int = 2_000, batch: int = 100) -> None:
        self._hold = hold
        self._most = most
        self._batch = batch
        self._queue: deque[AmiEvent] = deque()
        self._subscribers: dict[str, tuple[EventCallback, ...]] = {}
        self._turn: asyncio.Handle | None = None
        self.held = False
        self.failures = 0
        """How often a subscriber has raised."""

    def __len__(self) -> int:
        return len(self._queue)

    def subscribe(self, name: str, callback: EventCallback) -> Callable[[], None]:
        """Call `callback(event)` on the loop for every event `name` ("*": for all); the function that ends it."""
        key = name.lower()
        self._subscribers[key] = (*self._subscribers.get(key, ()), callback)

        def unsubscribe() -> None:
            left = list(self._subscribers.get(key, ()))
            if callback in left:
                left.remove(callback)
            self._subscribers[key] = tuple(left)

        return unsubscribe

    def put(self, event: AmiEvent) -> None:
        """One event came."""
        self._queue.append(event)
        if self._turn is None:
            self._turn = asyncio.get_running_loop().call_soon(self._deliver)
        if not self.held and len(self._queue) > self._most:
            self.held = True
            self._hold(True)

    def flush(self) -> None:
        """Deliver everything that came, now: what happened before the link went down is told before that is."""
        while self._queue:
            self._tell(self._queue.popleft())
        self._caught_up()

    def _deliver(self) -> None:
        self._turn = None
        for _ in range(min(self._batch, len(self._queue))):
            if not self._queue:
                break  # a subscriber flushed
            self._tell(self._queue.popleft())
        if self._queue and self._turn is None:
            self._turn = asyncio.get_running_loop().call_soon(self._deliver)
        self._caught_up()

    def _caught_up(self) -> None:
        if self.held and len(self._queue) <= self._most // 4:
            self.held = False
            self._hold(False)

    def _tell(self, event: AmiEvent) -> None:
        for callback in (*self._subscribers.get(event.name.lower(), ()), *self._subscribers.get("*", ())):
            try:
                callback(event)
            except Exception:
                self.failures += 1
                _log.exception("a subscriber failed; the others go on", ami_event=event.name)
