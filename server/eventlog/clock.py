"""The log's clock: the wall clock as long as that goes forward; never backward, and never standing still.

When the wall clock was set back, or a server with a faster clock led before, time goes on from where it was, a little
slower, until the wall clock has caught up. So what is due in a minute is due in about a minute, however the clock was
set.
"""

from __future__ import annotations

import time
from collections.abc import Callable

RATE = 0.9
"""Seconds that pass in a real one while the wall clock is behind."""


class Clock:
    """UTC epoch seconds. `after` is the last instant that is known to have been."""

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
        after: float = 0.0,
    ) -> None:
        self._wall, self._steady = wall, steady
        self._now, self._read_at = after, steady()
        self._behind = True

    def __call__(self) -> float:
        """The instant, never before the one given last."""
        steady, wall = self._steady(), self._wall()
        slowly = self._now + RATE * (steady - self._read_at)
        self._behind = wall < (slowly if self._behind else self._now)
        self._now = slowly if self._behind else wall
        self._read_at = steady
        return self._now

    def seconds_to(self, instant: float) -> float:
        """Real seconds until the clock shows this instant; 0 when it is past."""
        left = max(0.0, instant - self())
        return left / RATE if self._behind else left
