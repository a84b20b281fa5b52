"""A caller who hung up before the log had the arrival is gone all the same.

While Redis is away, and in the first milliseconds of a call, the arrival waits to be written when the channel is gone
already. Nobody knows the call then, so the hangup is remembered until the log does.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import acd.events as acd
from server.eventlog.log import Entry
from server.hotline.dispatcher import Dispatcher
from server.telephony.ami.link import Ami, AmiEvent

REMEMBERED = 5_000
"""Hangups of channels that no call is known for, agents' phones among them."""


class EarlyHangups:
    """Ends calls whose channels were gone when they came into the log."""

    def __init__(self, dispatcher: Dispatcher, ami: Ami, clock: Callable[[], float] = time.time) -> None:
        self._dispatcher, self._clock = dispatcher, clock
        self._gone: dict[str, float] = {}
        ami.subscribe("Hangup", self._hangup)
        dispatcher.listen(self._entry)

    def _hangup(self, event: AmiEvent) -> None:
        if self._dispatcher.state.calls.by_unique_id(event["Uniqueid"]) is None:
            self._gone[event["Uniqueid"]] = self._clock()
            while len(self._gone) > REMEMBERED:
                del self._gone[next(iter(self._gone))]

    def _entry(self, entry: Entry, _: object) -> None:
        if isinstance(entry.event, acd.CallArrived) and entry.event.unique_id in self._gone:
            ended_at = self._gone.pop(entry.event.unique_id)
            self._dispatcher.submit(acd.CallEnded(entry.event.call, "caller_hung_up", ended_at))
