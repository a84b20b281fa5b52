"""Law: an event happened when Asterisk says so, told by this machine's clock, however late the server came to hear it.

Asterisk stamps its events by a clock of its own, which may be another machine's. How far the two are apart is the least
time that any event took lately: what is beyond it is delay.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from server.telephony.ami.wire import AmiEvent

LATELY = 300.0
"""Seconds for which the least delay counts, at least; clocks drift."""
LATEST = 60.0
"""Seconds by which an event can be late. Beyond it one of the clocks was set, and the event is taken to be of now."""


class EventInstants:
    """`heard` wants every event; `of` gives the instant of one, in UTC epoch seconds of `clock`."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._least = self._before = float("inf")
        """This clock less Asterisk's at the quickest event of this period, and of the one before."""
        self._since = float("-inf")

    def heard(self, event: AmiEvent) -> None:
        """An event came."""
        self.of(event)

    def of(self, event: AmiEvent) -> float:
        """When the event happened; now for one without a stamp."""
        now, stamp = self._clock(), _stamp(event)
        if stamp is None:
            return now
        apart = now - stamp
        if now - self._since > LATELY:
            self._before, self._least, self._since = self._least, apart, now
        self._least = min(self._least, apart)
        late = apart - min(self._least, self._before)
        if late > LATEST:
            self._least = self._before = apart
            return now
        return now - late


def _stamp(event: AmiEvent) -> float | None:
    try:
        stamp = float(event["Timestamp"])
    except (KeyError, ValueError):
        return None
    return stamp if math.isfinite(stamp) else None
