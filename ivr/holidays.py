"""China's public holidays and the weekend days that are worked for them (调休), as data. A year that has not been
announced has none: weekday rules stand, and `ivr.check` says so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from chinese_calendar import constants


@dataclass(frozen=True, slots=True)
class Holidays:
    """`years` are those that are known completely."""

    days: frozenset[date] = frozenset()
    makeup_days: frozenset[date] = frozenset()
    years: frozenset[int] = frozenset()


NO_HOLIDAYS = Holidays()


def chinese_holidays() -> Holidays:
    """What the State Council has announced, as far as the installed data goes. Only its tables are read, no clock."""
    days = frozenset(constants.holidays)
    return Holidays(days, frozenset(constants.workdays), frozenset(day.year for day in days))
