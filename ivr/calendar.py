"""When the hotline is open. A day's hours are, in this order: its exception, the public holiday's, the make-up
workday's, the weekday's. Hours are wall-clock time in the hotline's zone; instants are UTC epoch seconds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ivr.holidays import NO_HOLIDAYS, Holidays
from tables.errors import Key, TableError
from tables.values import Table, items, text

DAY_MINUTES = 24 * 60
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
LOOK_AHEAD_DAYS = 3 * 366
"""A hotline that opens on no day of three years is taken for closed for good."""

ZONE = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+){0,2}")
HOURS = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)-([01]?\d|2[0-4]):([0-5]\d)")


@dataclass(frozen=True, slots=True)
class Span:
    """From one minute of the day to another; an end beyond 24:00 is in the following day."""

    start: int
    end: int


Spans = tuple[Span, ...]
ALL_DAY: Spans = (Span(0, DAY_MINUTES),)


@dataclass(frozen=True, slots=True)
class Calendar:
    """`weekly` begins with Monday. `on_holidays` and `on_makeup_days` are None where the weekday's hours stand
    (for make-up days: Monday's); `exceptions` are days with hours of their own, none meaning closed."""

    zone: ZoneInfo
    weekly: tuple[Spans, ...] = (ALL_DAY,) * 7
    exceptions: Mapping[date, Spans] = field(default_factory=dict)
    holidays: Holidays = NO_HOLIDAYS
    on_holidays: Spans | None = ()
    on_makeup_days: Spans | None = None

    @classmethod
    def always_open(cls, zone: str = "Asia/Shanghai") -> Calendar:
        """Open day and night, holidays too."""
        return cls(zone=ZoneInfo(zone), on_holidays=None)

    @classmethod
    def from_dict(cls, data: Mapping[str, object], holidays: Holidays = NO_HOLIDAYS, key: Key = ()) -> Calendar:
        """The calendar that the hotline's `[calendar]` table describes (docs/flows.md has an example).

        `key` is the path to the table. Raises TableError with the path of the key that is wrong.
        """
        table = Table(data, key)
        zone = _zone(table)
        hours = table.table("hours")
        weekly: tuple[Spans, ...] = (ALL_DAY,) * 7
        on_holidays: Spans | None = None
        on_makeup_days: Spans | None = None
        if hours.data:
            every_day = _spans(hours, "every_day") or ()
            weekdays = _spans(hours, "weekdays")
            common = (weekdays if weekdays is not None else every_day,) * 5 + (every_day,) * 2
            own = tuple(_spans(hours, day) for day in WEEKDAYS)
            weekly = tuple(given if given is not None else usual for given, usual in zip(own, common, strict=True))
            on_holidays = _spans(hours, "holidays") or ()
            on_makeup_days = _spans(hours, "makeup_days")
            hours.done()
        observed = table.flag("holidays", True)
        exceptions = _exceptions(table)
        table.done()
        return cls(zone, weekly, exceptions, holidays if observed else NO_HOLIDAYS, on_holidays, on_makeup_days)

    def always(self) -> bool:
        """Whether these hours never close."""
        holidays = self.on_holidays is None or not self.holidays.days
        makeup_days = self.on_makeup_days is None or not self.holidays.makeup_days
        given = [*self.weekly, *self.exceptions.values()]
        given += [] if holidays else [self.on_holidays or ()]
        given += [] if makeup_days else [self.on_makeup_days or ()]
        return all(spans == ALL_DAY for spans in given)

    def unusual_days(self, since: date) -> dict[date, Spans]:
        """The days from `since` on, as far as they are known, whose hours are not their weekday's."""
        days = {*self.exceptions, *self.holidays.days, *self.holidays.makeup_days}
        ahead = ((day, self.hours_of(day)) for day in sorted(days) if day >= since)
        return {day: spans for day, spans in ahead if spans != self.weekly[day.weekday()]}

    def hours_of(self, day: date) -> Spans:
        """The hours of one day of the hotline's zone."""
        if day in self.exceptions:
            return self.exceptions[day]
        if day in self.holidays.days:
            return self.weekly[day.weekday()] if self.on_holidays is None else self.on_holidays
        if day in self.holidays.makeup_days:
            if self.on_makeup_days is not None:
                return self.on_makeup_days
            return self.weekly[0] or self.weekly[day.weekday()]
        return self.weekly[day.weekday()]

    def open_at(self, now: float) -> bool:
        """Whether the hotline is open at this instant."""
        return any(start <= now < end for start, end in self._around(now))

    def next_open(self, now: float) -> float | None:
        """The first open instant from `now` on, which may be `now`; None if it never opens again."""
        for start, end in self._from(now):
            if end > now:
                return max(start, now)
        return None

    def add_working(self, now: float, seconds: float) -> float | None:
        """The instant at which `seconds` of open time have gone by since `now`; None if that never comes."""
        if seconds <= 0:
            return now
        reached, left = now, seconds
        for start, end in self._from(now):
            begin = max(start, reached)
            if end - begin >= left:
                return begin + left
            if end > begin:
                reached, left = end, left - (end - begin)
        return None

    def _day(self, now: float) -> date:
        return datetime.fromtimestamp(now, self.zone).date()

    def _around(self, now: float) -> Iterator[tuple[float, float]]:
        day = self._day(now)
        for one in (day - timedelta(days=1), day):
            yield from self._instants(one)

    def _from(self, now: float) -> Iterator[tuple[float, float]]:
        """Open spans in order, from the day before `now` on."""
        day = self._day(now) - timedelta(days=1)
        for ahead in range(LOOK_AHEAD_DAYS):
            yield from self._instants(day + timedelta(days=ahead))

    def _instants(self, day: date) -> Iterator[tuple[float, float]]:
        for span in self.hours_of(day):
            yield _instant(self.zone, day, span.start), _instant(self.zone, day, span.end)


@lru_cache(maxsize=8192)
def _instant(zone: ZoneInfo, day: date, minute: int) -> float:
    """That minute of the day, kept: other hours reckon the limits of thousands of tickets again."""
    days, minute = divmod(minute, DAY_MINUTES)
    on = day + timedelta(days=days)
    return datetime(on.year, on.month, on.day, minute // 60, minute % 60, tzinfo=zone).timestamp()


def _zone(table: Table) -> ZoneInfo:
    name = table.text("zone", "Asia/Shanghai")
    try:
        if not ZONE.fullmatch(name):
            raise ValueError(name)
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a folder of zones, or a name too long for a file
        raise TableError(
            table.at("zone"), f'there is no time zone "{name}": it is a name such as Asia/Shanghai'
        ) from None


def _spans(table: Table, name: str) -> Spans | None:
    """The hours under this name; None if it is not there."""
    if not table.has(name):
        return None
    return _read_spans(table.data[name], table.at(name))


def _read_spans(value: object, key: Key) -> Spans:
    spans = sorted(items(value, key, _read_span), key=lambda span: span.start)
    for earlier, later in pairwise(spans):
        if later.start < earlier.end:
            raise TableError(key, "two of these hours overlap")
    return tuple(spans)


def _read_span(value: object, key: Key) -> Span:
    written = text(value, key)
    found = HOURS.fullmatch(written)
    if not found:
        raise TableError(
            key, f'"{written}" is not a span of hours: write it as "09:00-18:00", or "00:00-24:00" for all day'
        )
    start, end = int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])
    if start >= DAY_MINUTES or end > DAY_MINUTES:
        raise TableError(
            key, f'"{written}" goes beyond the day: a day has 00:00 to 24:00, "22:00-06:00" ends in the morning'
        )
    return Span(start, end if end > start else end + DAY_MINUTES)


def _exceptions(table: Table) -> dict[date, Spans]:
    found: dict[date, Spans] = {}
    for each in table.tables("exceptions"):
        first, last = _read_date(each, "date"), _read_date(each, "to")
        each.text("name", "")
        spans = _spans(each, "hours") or ()
        each.done()
        if first is None:
            raise TableError(each.key, '"date" is missing here')
        last = first if last is None else last
        if not first <= last <= first + timedelta(days=366):
            raise TableError(each.at("to"), "an exception lasts from its date to a later one, within a year")
        for ahead in range((last - first).days + 1):
            found[first + timedelta(days=ahead)] = spans
    return found


def _read_date(table: Table, name: str) -> date | None:
    if not table.has(name):
        return None
    value = table.data[name]
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            value = None
    if not isinstance(value, date) or isinstance(value, datetime):
        raise TableError(table.at(name), "this must be a day, such as 2026-10-01")
    return value
