"""China's public holidays and the weekend days that are worked for them (调休), as data.

Of a year that has not been announced only the statutory days are known (法定节假日): they are holidays, weekday rules
stand for all other days, and `ivr.check` says so. An operator's own table of a year stands in place of what is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from chinese_calendar import constants

from tables.errors import TableError
from tables.values import Table, items, text

LONGEST_HOLIDAY = 31
"""Days from the first to the last of one span in an operator's table."""


@dataclass(frozen=True, slots=True)
class Holidays:
    """`years` are those that are known completely; of others `days` holds the statutory ones at most."""

    days: frozenset[date] = frozenset()
    makeup_days: frozenset[date] = frozenset()
    years: frozenset[int] = frozenset()

    def with_year(self, year: int, days: frozenset[date], makeup_days: frozenset[date]) -> Holidays:
        """These holidays, with what is given for one year in place of what was known of it."""
        return Holidays(
            frozenset(day for day in self.days if day.year != year) | days,
            frozenset(day for day in self.makeup_days if day.year != year) | makeup_days,
            self.years | {year},
        )


NO_HOLIDAYS = Holidays()

_MOVABLE = {
    2027: ((2, 6), (4, 5), (6, 9), (9, 15)),
    2028: ((1, 26), (4, 4), (5, 28), (10, 3)),
    2029: ((2, 13), (4, 4), (6, 16), (9, 22)),
    2030: ((2, 3), (4, 5), (6, 5), (9, 12)),
    2031: ((1, 23), (4, 5), (6, 24), (10, 1)),
    2032: ((2, 11), (4, 4), (6, 12), (9, 19)),
    2033: ((1, 31), (4, 4), (6, 1), (9, 8)),
    2034: ((2, 19), (4, 5), (6, 20), (9, 27)),
    2035: ((2, 8), (4, 5), (6, 10), (9, 16)),
    2036: ((1, 28), (4, 4), (5, 30), (10, 4)),
}
"""Year → (month, day) of 春节 (the first day of the lunar year), 清明, 端午 and 中秋."""


def statutory_days(year: int) -> frozenset[date]:
    """The statutory holidays of a year, thirteen unless two meet, as the State Council set them from 2025 on.

    There are none where the lunar days of the year are not in the table.
    """
    if year not in _MOVABLE:
        return frozenset()
    spring, *others = (date(year, month, day) for month, day in _MOVABLE[year])
    fixed = ((1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3))
    around = (spring + timedelta(days=ahead) for ahead in (-1, 0, 1, 2))
    return frozenset((*(date(year, month, day) for month, day in fixed), *around, *others))


def chinese_holidays() -> Holidays:
    """What the State Council has announced, as far as the installed data goes, and later years' statutory days.

    Only tables are read, no clock.
    """
    announced = frozenset(constants.holidays)
    years = frozenset(day.year for day in announced)
    later = (statutory_days(year) for year in _MOVABLE if year not in years)
    return Holidays(announced.union(*later), frozenset(constants.workdays), years)


def with_own_years(known: Holidays, data: Mapping[str, object]) -> Holidays:
    """These holidays with the years of an operator's table, `[2027]` with `days` and `makeup_days`.

    A day is written 2027-02-05, a span 2027-02-05/2027-02-11. Raises TableError with the path of the key that is wrong.
    """
    top = Table(data, ())
    for name in top.data:
        if len(name) != 4 or not name.isdecimal() or not 2000 <= int(name) < 2100:
            raise TableError((name,), "is no year: a table is named after its year, such as [2027]")
        table = top.table(name)
        days = _days(table, "days", int(name))
        makeup_days = _days(table, "makeup_days", int(name))
        table.text("source", "")
        table.done()
        if not days:
            raise TableError((name, "days"), "is empty: name the public holidays of the year")
        if both := days & makeup_days:
            raise TableError((name, "makeup_days"), f"{min(both)} is among the holidays too")
        if working := [day for day in sorted(makeup_days) if day.weekday() < 5]:
            raise TableError((name, "makeup_days"), f"{working[0]} is no Saturday or Sunday")
        known = known.with_year(int(name), days, makeup_days)
    return known


def _days(table: Table, name: str, year: int) -> frozenset[date]:
    if not table.has(name):
        return frozenset()
    spans = items(table.data[name], table.at(name), lambda value, key: tuple(_span(value, key, year)))
    return frozenset(day for span in spans for day in span)


def _span(value: object, key: tuple[str | int, ...], year: int) -> Iterator[date]:
    written = value.isoformat() if isinstance(value, date) else text(value, key)
    first, _, last = written.partition("/")
    try:
        begins, ends = date.fromisoformat(first), date.fromisoformat(last or first)
    except ValueError:
        raise TableError(key, f'"{written[:40]}" is no day: write 2027-02-05, or 2027-02-05/2027-02-11') from None
    if begins.year != year or ends.year != year:
        raise TableError(key, f"{written} is not in {year}: a day belongs to the table of its year")
    if not 0 <= (ends - begins).days < LONGEST_HOLIDAY:
        raise TableError(key, f"{written} does not end after it begins, or lasts longer than a month")
    return (begins + timedelta(days=ahead) for ahead in range((ends - begins).days + 1))
