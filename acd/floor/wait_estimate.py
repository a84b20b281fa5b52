"""Estimates how long a caller will wait: an interval learned from past waits, which measures its own accuracy.

While a queue has waiting calls, agents take them at a pace: **work** is the agent-seconds between two departures from
the queue (staff × gap), a moving average. A caller at position n waits about `n × work / staff`. How far actual waits
differ from that is learned too: two factors follow the median and the 90th percentile of actual ÷ mean, a small step up
or down with each answered call. So half of the calls are answered before `low` and nine of ten before `high`.
"""

from __future__ import annotations

from typing import Any

WEIGHT = 0.1
"""Share of the newest gap in the moving averages."""
ENOUGH = 5
"""Departures after which the measured pace replaces the handling time."""
STEP = 0.05
"""How far a factor moves with one call."""


class Estimate:
    """The estimate of one queue. Durations are seconds, instants UTC epoch seconds."""

    __slots__ = ("departures", "factor_high", "factor_low", "handling", "inside_high", "inside_low", "judged", "last",
                 "work")  # fmt: skip

    def __init__(self, handling: float) -> None:
        self.handling = handling
        """Seconds of one call with its wrap-up."""
        self.work = handling
        self.departures = 0
        self.last: float | None = None
        """The latest departure, or when the queue stopped being empty; None: the queue is empty."""
        self.factor_low = 0.7
        self.factor_high = 1.8
        self.judged = 0
        self.inside_low = 0
        self.inside_high = 0

    def arrived(self, now: float) -> None:
        """A call entered the queue."""
        if self.last is None:
            self.last = now

    def departed(self, now: float, staff: int, left: int) -> None:
        """A call left the queue for any reason; `left` calls are still in it, `staff` agents are available for it."""
        if self.last is not None and staff and now > self.last:
            weight = max(WEIGHT, 1.0 / (self.departures + 1))
            self.work += weight * ((now - self.last) * staff - self.work)
            self.departures += 1
        self.last = now if left else None

    def handled(self, seconds: float) -> None:
        """An agent finished a call and its wrap-up after so many seconds."""
        self.handling += WEIGHT * (seconds - self.handling)

    def predict(self, position: int, staff: int) -> tuple[float, float, float] | None:
        """Mean, low (p50) and high (p90) seconds for the caller at this position (1 is next); None without staff."""
        if not staff:
            return None
        mean = position * (self.work if self.departures >= ENOUGH else self.handling) / staff
        return mean, mean * self.factor_low, mean * self.factor_high

    def judge(self, predicted: list[float], now: float) -> None:
        """A call was answered: compare its wait with the prediction for it (instant, mean, low, high)."""
        at, mean, low, high = predicted
        waited = now - at
        self.judged += 1
        self.inside_low += waited <= low
        self.inside_high += waited <= high
        ratio = waited / mean if mean > 0 else 1.0
        self.factor_low = max(0.05, self.factor_low + STEP * (0.5 if ratio > self.factor_low else -0.5))
        self.factor_high = max(self.factor_low, self.factor_high + STEP * (0.9 if ratio > self.factor_high else -0.1))

    def gave_up(self, predicted: list[float], now: float) -> None:
        """A caller gave up. That tells something only if the wait was longer than the high estimate."""
        if now - predicted[0] > predicted[3]:
            self.judged += 1
            self.factor_high += STEP * 0.9

    def accuracy(self) -> dict[str, float]:
        """How many estimates were judged, and the shares that came within p50 and p90 (ideally 0.5 and 0.9)."""
        judged = self.judged or 1
        return {"judged": self.judged, "within_p50": self.inside_low / judged, "within_p90": self.inside_high / judged}

    def snapshot(self) -> list[Any]:
        """All values, as JSON has them."""
        return [getattr(self, name) for name in self.__slots__]

    def restore(self, values: list[Any]) -> None:
        """Take over the values of a snapshot."""
        for name, value in zip(self.__slots__, values, strict=True):
            setattr(self, name, value)
