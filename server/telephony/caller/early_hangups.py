"""Callers who hang up before their arrival is in the log: their calls are ended when the arrival is written.

While Redis is away, and in the first milliseconds of a call, the channel may be gone while the arrival still waits to
be written. The log does not know the call then, so the hangup is remembered here until it does.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import acd.events as acd
from server.eventlog.log import Entry
from server.hotline.dispatcher import Dispatcher
from server.hotline.view import View
from server.telephony.ami.link import AmiEvent

REMEMBERED = 5_000
"""Hangups of channels that no call is known for, agents' phones among them."""


class EarlyHangups:
    """Ends calls whose channels were gone when they came into the log."""

    def __init__(self, dispatcher: Dispatcher, view: View, clock: Callable[[], float] = time.time) -> None:
        self._dispatcher, self._view, self._clock = dispatcher, view, clock
        self._gone: dict[str, float] = {}

    def hung_up(self, event: AmiEvent) -> None:
        """Remember a channel that is gone, if no call is known for it yet."""
        if self._view.calls.by_unique_id(event["Uniqueid"]) is None:
            self._gone[event["Uniqueid"]] = self._clock()
            while len(self._gone) > REMEMBERED:
                del self._gone[next(iter(self._gone))]

    def follow(self, entry: Entry, _: object) -> None:
        """End a call that comes into the log when its channel is gone."""
        if isinstance(entry.event, acd.CallArrived) and entry.event.unique_id in self._gone:
            ended_at = self._gone.pop(entry.event.unique_id)
            self._dispatcher.submit(acd.CallEnded(entry.event.call, "caller_hung_up", ended_at))
