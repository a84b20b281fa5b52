"""Public holidays: announced years, statutory days of years to come, an operator's own table."""

from __future__ import annotations

from datetime import date

import pytest
from holidays import China

from ivr.holidays import Holidays, chinese_holidays, statutory_days, with_own_years
from tables.errors import TableError


@pytest.mark.parametrize("year", range(2027, 2037))
def test_the_statutory_days_are_those_of_another_calendar(year: int) -> None:
    theirs = China(years=year)
    days = {day for day in theirs if any("(observed)" not in name for name in theirs.get_list(day))}
    assert statutory_days(year) == days


def test_a_year_that_is_not_announced_keeps_its_statutory_days_and_is_not_known() -> None:
    found = chinese_holidays()
    year = max(found.years) + 1
    assert date(year, 10, 1) in found.days
    assert year not in found.years
    assert not any(day.year == year for day in found.makeup_days)


def test_a_table_of_ones_own_stands_in_place_of_what_was_known_of_its_year() -> None:
    table = {"days": ["2027-01-01", "2027-02-05/2027-02-07"], "makeup_days": [date(2027, 2, 20)], "source": "notice"}
    found = with_own_years(chinese_holidays(), {"2027": table})
    assert [day for day in sorted(found.days) if day.year == 2027] == [
        *(date(2027, 1, 1), date(2027, 2, 5), date(2027, 2, 6), date(2027, 2, 7))
    ]
    assert date(2027, 2, 20) in found.makeup_days
    assert 2027 in found.years
    assert date(2026, 10, 1) in found.days


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"next": {}}, "no year"),
        ({"2027": {"days": []}}, "is empty"),
        ({"2027": {"days": ["tomorrow"]}}, "is no day"),
        ({"2027": {"days": ["2028-01-01"]}}, "is not in 2027"),
        ({"2027": {"days": ["2027-02-07/2027-02-05"]}}, "does not end after"),
        ({"2027": {"days": ["2027-01-01/2027-12-31"]}}, "longer than a month"),
        ({"2027": {"days": ["2027-01-02"], "makeup_days": ["2027-01-02"]}}, "among the holidays"),
        ({"2027": {"days": ["2027-01-01"], "makeup_days": ["2027-01-04"]}}, "no Saturday or Sunday"),
        ({"2027": {"days": ["2027-01-01"], "makeupdays": []}}, "makeup_days"),
    ],
)
def test_a_wrong_table_says_what_would_be_right(data: dict[str, object], sentence: str) -> None:
    with pytest.raises(TableError, match=sentence):
        with_own_years(Holidays(), data)
