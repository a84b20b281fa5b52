"""A period is a whole day, ISO week or month of the hotline's calendar, and its name says which.

`2027-01-15`, `2027-W02`, `2027-01`: a name stands for the same days for ever.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from quality.errors import QualityError

_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)
_WEEK = re.compile(r"(\d{4})-W(\d{2})", re.ASCII)
_MONTH = re.compile(r"(\d{4})-(\d{2})", re.ASCII)
_YEARS = range(2000, 2101)


class PeriodKind(StrEnum):
    """How long a period is."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Period:
    """The days from `first` to `last`, both included, in the hotline's zone."""

    kind: PeriodKind
    name: str
    first: date
    last: date

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


def period(name: str) -> Period:
    """The period of that name. Raises QualityError for a name that is none, and outside the years 2000 to 2100."""
    try:
        if found := _DAY.fullmatch(name):
            day = date(int(found[1]), int(found[2]), int(found[3]))
            made = Period(PeriodKind.DAY, name, day, day)
        elif found := _WEEK.fullmatch(name):
            monday = date.fromisocalendar(int(found[1]), int(found[2]), 1)
            made = Period(PeriodKind.WEEK, name, monday, monday + timedelta(days=6))
        elif found := _MONTH.fullmatch(name):
            year, month = int(found[1]), int(found[2])
            made = Period(PeriodKind.MONTH, name, date(year, month, 1), date(year, month, monthrange(year, month)[1]))
        else:
            raise ValueError
        if int(found[1]) not in _YEARS:
            raise ValueError
    except ValueError:
        raise QualityError(
            f"{name!r} is not a period: write a day 2027-01-15, a week 2027-W02 or a month 2027-01, from 2000 to 2100"
        ) from None
    return made


def period_of(day: date, kind: PeriodKind) -> Period:
    """The period of this kind that the day is in."""
    if kind is PeriodKind.DAY:
        return period(day.isoformat())
    if kind is PeriodKind.MONTH:
        return period(f"{day:%Y-%m}")
    year, week, _ = day.isocalendar()
    return period(f"{year:04d}-W{week:02d}")


def before(this: Period) -> Period:
    """The period of the same kind that ends the day before this one begins. Raises QualityError before 2000."""
    return period_of(this.first - timedelta(days=1), this.kind)
