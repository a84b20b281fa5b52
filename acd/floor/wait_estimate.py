"""How long will it take? An interval learned from what happened, that measures its own accuracy.

While a queue has waiting calls, agents take them at a pace: **work** is the agent-seconds between two departures from
the line (staff × gap), a moving average. A caller at place n waits about `n × work / staff`. How far truth strays from
that is learned too: two factors follow the median and the 90th percentile of actual ÷ mean, a small step up or down
with each call answered, so that half of the calls come before `low` and nine of ten before `high`, on any floor.
"""

from __future__ import annotations

from typing import Any

WEIGHT = 0.1
"""Share of the newest gap in the moving averages."""
ENOUGH = 5
"""Departures after which the pace seen is trusted more than the handling time."""
STEP = 0.05
"""How far a factor moves with one call."""


class Estimate:
    """What one queue has learned."""

    __slots__ = ("departures", "factor_high", "factor_low", "handling", "inside_high", "inside_low", "judged", "last",
                 "work")  # fmt: skip

    def __init__(self, handling: float) -> None:
        self.handling = handling
        """Seconds of one call with its wrap-up."""
        self.work = handling
        self.departures = 0
        self.last: float | None = None
        """The latest departure, or when the line stopped being empty; None: the line is empty."""
        self.factor_low = 0.7
        self.factor_high = 1.8
        self.judged = 0
        self.inside_low = 0
        self.inside_high = 0

    def arrived(self, now: float) -> None:
        """A call joined the line."""
        if self.last is None:
            self.last = now

    def departed(self, now: float, staff: int, left: int) -> None:
        """A call left the line for whatever reason; `left` are still in it, `staff` agents are available for it."""
        if self.last is not None and staff and now > self.last:
            weight = max(WEIGHT, 1.0 / (self.departures + 1))
            self.work += weight * ((now - self.last) * staff - self.work)
            self.departures += 1
        self.last = now if left else None

    def handled(self, seconds: float) -> None:
        """An agent is through with a call and its wrap-up."""
        self.handling += WEIGHT * (seconds - self.handling)

    def predict(self, place: int, staff: int) -> tuple[float, float, float] | None:
        """Mean, low (p50) and high (p90) seconds for the caller at this place (1 is next); None without staff."""
        if not staff:
            return None
        mean = place * (self.work if self.departures >= ENOUGH else self.handling) / staff
        return mean, mean * self.factor_low, mean * self.factor_high

    def judge(self, predicted: list[float], now: float) -> None:
        """A call was answered: compare with what had been predicted for it (instant, mean, low, high)."""
        at, mean, low, high = predicted
        waited = now - at
        self.judged += 1
        self.inside_low += waited <= low
        self.inside_high += waited <= high
        ratio = waited / mean if mean > 0 else 1.0
        self.factor_low = max(0.05, self.factor_low + STEP * (0.5 if ratio > self.factor_low else -0.5))
        self.factor_high = max(self.factor_low, self.factor_high + STEP * (0.9 if ratio > self.factor_high else -0.1))

    def gave_up(self, predicted: list[float], now: float) -> None:
        """A caller left unanswered. That tells something only if they had waited longer than the high estimate."""
        if now - predicted[0] > predicted[3]:
            self.judged += 1
            self.factor_high += STEP * 0.9

    def accuracy(self) -> dict[str, float]:
        """How many estimates were judged, and the shares that came within p50 and p90 (ideally 0.5 and 0.9)."""
        judged = self.judged or 1
        return {"judged": self.judged, "within_p50": self.inside_low / judged, "within_p90": self.inside_high / judged}

    def snapshot(self) -> list[Any]:
        return [getattr(self, name) for name in self.__slots__]

    def restore(self, values: list[Any]) -> None:
        for name, value in zip(self.__slots__, values, strict=True):
            setattr(self, name, value)
