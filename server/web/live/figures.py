"""The figures of the day, made of the counts that reports are made of: a report of today says the same.

The records are read in a thread, once a second at most and from the latest quarters of an hour alone; drawing a row
reads what was kept. Earlier quarters are read again now and then, since a long call changes the one in which it began.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime
from datetime import time as time_of_day
from typing import Protocol
from zoneinfo import ZoneInfo

from server.storage.figures.catalogue import FIGURES, Terms
from server.storage.figures.counts import SLOT, Counts, add, slot_of, steps, within
from server.storage.projections.contributions import Key
from server.web.instants import instant
from server.web.live.rows import AgentDay, FiguresRow, Formula, Formulas, Line, Rates, Staff

ALL = "all"
RECENT = 2
"""Slots that are read each time."""
LATELY, LATELY_EVERY = 12, 60.0
"""Slots that are read again after so many seconds …"""
DAY_EVERY = 1800.0
"""… and seconds after which the whole day is."""
_FIGURES = {figure.id: figure for figure in FIGURES}
_NOBODY = AgentDay(handled=0, missed=0, talk=0, hold=0, wrap_up=0)
_OF_CALLS = ("abandoned", "short_abandoned", "callback", "message", "overflowed", "failed", "open")


class Counted(Protocol):
    """The records, as far as figures read them."""

    async def counts_since(self, slot: int) -> list[tuple[Key, Counts]]:
        """What was counted of calls and agents, from this slot on."""


class DayFigures:
    """Figures of the present day of `zone`. `within` gives the service level's seconds by queue, `all` included."""

    def __init__(
        self,
        records: Callable[[], Counted],
        zone: Callable[[], ZoneInfo],
        within: Callable[[str], int],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._records, self._zone, self._within, self._clock = records, zone, within, clock
        self._begin = 0
        """The day's first slot."""
        self._slots: dict[int, dict[tuple[str, str], Counts]] = {}
        """Slot → (kind, queue or agent) → counts."""
        self._totals: dict[tuple[str, str], Counts] = {}
        self._points: dict[int, dict[tuple[str, int], tuple[int, int, int, int]]] = {}
        """Slot → (queue, seconds of the service level) → the point of the day's line."""
        self._rates: dict[tuple[str, bool, int, int], Rates] = {}
        self._day_read = self._lately_read = float("-inf")
        self.version = 0
        """How often something changed."""
        self._agents: set[str] = set()
        """Agents whose figures have changed since they were last taken."""

    async def refresh(self) -> bool:
        """Read what is new; whether anything changed."""
        before = self.version
        now, monotonic = self._clock(), time.monotonic()
        begin, present = slot_of(self._midnight(now)), slot_of(now)
        if begin != self._begin:
            self._agents |= {name for kind, name in self._totals if kind == "agent"}
            self._begin, self._slots, self._totals, self._points = begin, {}, {}, {}
            self._day_read = float("-inf")
            self.version += 1
        since = max(begin, present - RECENT + 1)
        if monotonic - self._day_read > DAY_EVERY:
            since = begin
            self._day_read = self._lately_read = monotonic
        elif monotonic - self._lately_read > LATELY_EVERY:
            since = max(begin, present - LATELY)
            self._lately_read = monotonic
        self._take(since, await self._records().counts_since(since))
        if self.version != before:
            self._rates.clear()
        return self.version != before

    def _midnight(self, now: float) -> float:
        zone = self._zone()
        today = datetime.fromtimestamp(now, zone).date()
        return datetime.combine(today, time_of_day.min, zone).timestamp()

    def _take(self, since: int, counted: list[tuple[Key, Counts]]) -> None:
        fresh: defaultdict[int, dict[tuple[str, str], Counts]] = defaultdict(dict)
        for key, counts in counted:
            names = [("call", key.queue), ("call", ALL)] if key.kind == "call" else [("agent", key.agent)]
            for name in names:
                add(fresh[key.slot].setdefault(name, {}), counts)
        for slot in {*fresh, *(each for each in self._slots if each >= since)}:
            known, found = self._slots.get(slot, {}), fresh.get(slot, {})
            if known == found:
                continue
            self.version += 1
            for name in {*known, *found}:
                if name[0] == "agent" and known.get(name) != found.get(name):
                    self._agents.add(name[1])
                total = self._totals.setdefault(name, {})
                add(total, known.get(name, {}), -1)
                add(total, found.get(name, {}))
            self._slots[slot] = found
            self._points.pop(slot, None)

    # What can be seen

    def take_agents(self) -> set[str]:
        """The agents whose figures have changed since the last time."""
        changed, self._agents = self._agents, set()
        return changed

    def day(self, queue: str) -> Rates:
        """The day's shares of a queue, or of all."""
        return self._rated(queue, True)

    def now(self, queue: str) -> Rates:
        """The shares of this quarter of an hour and the one before."""
        return self._rated(queue, False)

    def _rated(self, queue: str, whole_day: bool) -> Rates:
        seconds = self._within(queue)
        present = 0 if whole_day else slot_of(self._clock())
        known = self._rates.get((queue, whole_day, present, seconds))
        if known is None:
            counts = self._totals.get(("call", queue), {})
            if not whole_day:
                counts = {}
                for slot in range(present - RECENT + 1, present + 1):
                    add(counts, self._slots.get(slot, {}).get(("call", queue), {}))
            known = self._rates[queue, whole_day, present, seconds] = rates_of(counts, Terms(within=seconds))
        return known

    def agent(self, agent: str) -> AgentDay:
        """What the agent has done today."""
        counts = self._totals.get(("agent", agent))
        if not counts:
            return _NOBODY
        return AgentDay(
            handled=counts.get("legs", 0),
            missed=counts.get("missed", 0),
            talk=counts.get("talk_ms", 0) // 1000,
            hold=counts.get("hold_ms", 0) // 1000,
            wrap_up=counts.get("wrap_ms", 0) // 1000,
        )

    def row(self, scope: str, oldest: float | None, staff: Staff | None) -> FiguresRow:
        """The day of a queue, or of all. `oldest` is since when the longest-waiting caller waits."""
        counts, seconds = self._totals.get(("call", scope), {}), self._within(scope)
        terms, rates = Terms(within=seconds), self.day(scope)
        waits = [upper for name in ("wait", "gave_up") for upper, _ in steps(counts, name)]
        asa = _FIGURES["asa"].value(counts, terms)
        return FiguresRow(
            scope=scope,
            day=datetime.fromtimestamp(self._clock(), self._zone()).date().isoformat(),
            calls=counts.get("calls", 0),
            offered=rates.offered,
            answered=rates.answered,
            **{name: counts.get(name, 0) for name in _OF_CALLS},
            in_ivr=counts.get("unasked_in_ivr", 0),
            connect_rate=rates.connect_rate,
            service_level=rates.service_level,
            within=seconds,
            abandon_rate=rates.abandon_rate,
            asa=float(asa) if asa is not None else None,
            longest_wait=max(waits, default=None),
            oldest=instant(oldest) if oldest is not None else None,
            formulas=_formulas(terms),
            line=self._line(scope, seconds),
            agents=staff,
        )

    def _line(self, scope: str, seconds: int) -> Line:
        begin = slot_of(self._midnight(self._clock()))
        points = [self._point(slot, scope, seconds) for slot in range(begin, slot_of(self._clock()) + 1)]
        offered, answered, abandoned, in_time = zip(*points, strict=True)
        return Line(
            begins=instant(begin * SLOT),
            step=SLOT,
            offered=offered,
            answered=answered,
            abandoned=abandoned,
            within=in_time,
        )

    def _point(self, slot: int, scope: str, seconds: int) -> tuple[int, int, int, int]:
        """Offered, answered, abandoned and answered in time, of one slot; counted once for each of its changes."""
        known = self._points.setdefault(slot, {})
        point = known.get((scope, seconds))
        if point is None:
            counts = self._slots.get(slot, {}).get(("call", scope), {})
            point = known[scope, seconds] = (
                counts.get("asked", 0),
                counts.get("answered", 0),
                counts.get("abandoned", 0),
                within(counts, "wait", seconds),
            )
        return point


def rates_of(counts: Mapping[str, int], terms: Terms) -> Rates:
    """Counts as shares, by the formulas of the reports."""

    def share(figure: str) -> float | None:
        value = _FIGURES[figure].value(counts, terms)
        return float(value) if value is not None else None

    return Rates(
        offered=counts.get("asked", 0),
        answered=counts.get("answered", 0),
        abandoned=counts.get("abandoned", 0),
        connect_rate=share("connect_rate"),
        service_level=share("service_level"),
        abandon_rate=share("abandon_rate"),
    )


def _formulas(terms: Terms) -> Formulas:
    def named(figure: str) -> Formula:
        described = _FIGURES[figure].described(terms)
        return Formula(zh=described["zh"], en=described["en"], formula=described["formula"])

    return Formulas(
        connect_rate=named("connect_rate"),
        service_level=named("service_level"),
        abandon_rate=named("abandon_rate"),
    )
