"""When the hotline is open: hours, holidays, make-up workdays, exceptions, and time counted in open hours."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.calendar import Calendar
from ivr.holidays import chinese_holidays
from tables.errors import TableError

SHANGHAI = ZoneInfo("Asia/Shanghai")
OFFICE = {
    "hours": {"weekdays": ["09:00-12:00", "13:00-18:00"], "saturday": ["10:00-16:00"], "holidays": ["10:00-12:00"]},
    "exceptions": [
        {"date": "2026-03-02", "hours": [], "name": "stocktaking"},
        {"date": date(2026, 10, 1), "to": date(2026, 10, 2), "hours": ["08:00-20:00"]},
    ],
}


def at(text: str, zone: ZoneInfo = SHANGHAI) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


@pytest.fixture(scope="module")
def office() -> Calendar:
    return Calendar.from_dict(OFFICE, chinese_holidays())


@pytest.mark.parametrize(
    ("hours", "always"),
    [
        ({}, True),
        ({"every_day": ["00:00-24:00"], "holidays": ["00:00-24:00"]}, True),
        ({"every_day": ["00:00-24:00"]}, False),  # closed on holidays
        ({"every_day": ["00:00-24:00"], "holidays": ["00:00-24:00"], "makeup_days": ["09:00-10:00"]}, False),
        ({"every_day": ["00:00-23:59"]}, False),
    ],
)
def test_hours_that_never_close_are_known(hours, always):
    assert Calendar.from_dict({"hours": hours} if hours else {}, chinese_holidays()).always() is always
    if always:
        closed = (
            {"hours": hours, "exceptions": [{"date": "2026-03-02"}]}
            if hours
            else {"exceptions": [{"date": "2026-03-02"}]}
        )
        assert not Calendar.from_dict(closed, chinese_holidays()).always()


def test_the_days_whose_hours_are_not_their_weekdays_are_listed_from_a_day_on(office):
    days = office.unusual_days(date(2026, 3, 1))
    assert days[date(2026, 3, 2)] == ()
    assert date(2026, 2, 17) not in days
    assert date(2026, 10, 1) in days
    every = [date(2026, 1, 1) + timedelta(days=ahead) for ahead in range(365)]
    unusual = office.unusual_days(date(2026, 1, 1))
    assert all(office.hours_of(day) == unusual.get(day, office.weekly[day.weekday()]) for day in every)


@pytest.mark.parametrize(
    ("when", "is_open"),
    [
        ("2026-03-03T08:59:59", False),
        ("2026-03-03T09:00", True),
        ("2026-03-03T12:00", False),
        ("2026-03-03T17:59:59", True),
        ("2026-03-03T18:00", False),
        ("2026-03-07T11:00", True),  # a Saturday
        ("2026-03-08T11:00", False),  # a Sunday
        ("2026-03-02T11:00", False),  # an exception
        ("2026-02-17T11:00", True),  # Spring Festival, a Tuesday: holiday hours
        ("2026-02-17T15:00", False),
        ("2026-02-14T17:00", True),  # a Saturday that is worked for Spring Festival: Monday's hours
        ("2026-02-28T17:00", True),
        ("2026-10-01T19:00", True),  # National Day, but an exception goes before
        ("2026-10-03T19:00", False),
        ("2031-10-01T15:00", False),  # not announced yet, but a statutory day
        ("2041-10-01T15:00", True),  # beyond what is known of the moon: a Tuesday like any other
    ],
)
def test_the_hours_of_a_day_are_its_exception_then_the_holiday_then_the_make_up_day_then_the_weekday(
    office, when, is_open
):
    assert office.open_at(at(when)) is is_open


def test_a_hotline_is_open_day_and_night_unless_told_otherwise():
    for calendar in (Calendar.always_open(), Calendar.from_dict({}, chinese_holidays())):
        assert calendar.open_at(at("2026-10-01T03:00"))
        assert calendar.next_open(5.0) == 5.0


def test_hours_may_run_past_midnight():
    calendar = Calendar.from_dict({"hours": {"friday": ["20:00-02:00"]}})
    assert calendar.open_at(at("2026-03-06T23:00"))
    assert calendar.open_at(at("2026-03-07T01:59"))
    assert not calendar.open_at(at("2026-03-07T02:00"))
    assert not calendar.open_at(at("2026-03-06T01:00"))


def test_the_next_opening_is_found_across_holidays(office):
    assert office.next_open(at("2026-03-03T12:30")) == at("2026-03-03T13:00")
    assert office.next_open(at("2026-02-28T18:00")) == at("2026-03-03T09:00"), "Sunday and the exception are skipped"
    assert office.next_open(at("2026-03-03T10:00")) == at("2026-03-03T10:00")
    assert Calendar.from_dict({"hours": {"monday": []}}).next_open(0) is None


def test_working_time_stands_still_while_closed(office):
    friday = at("2026-03-06T17:00")
    assert office.add_working(friday, 3600) == at("2026-03-06T18:00")
    assert office.add_working(friday, 2 * 3600) == at("2026-03-07T11:00")
    assert office.add_working(friday, 8 * 3600) == at("2026-03-09T10:00")
    assert office.add_working(at("2026-03-06T02:00"), 0) == at("2026-03-06T02:00")
    assert Calendar.from_dict({"hours": {"monday": []}}).add_working(0, 1) is None


def test_hours_are_wall_clock_where_clocks_are_set_forward_and_back():
    berlin = ZoneInfo("Europe/Berlin")
    calendar = Calendar.from_dict({"zone": "Europe/Berlin", "holidays": False, "hours": {"every_day": ["00:00-24:00"]}})
    start = at("2026-03-28T12:00", berlin)
    assert calendar.add_working(start, 24 * 3600) == start + 24 * 3600
    night = Calendar.from_dict({"zone": "Europe/Berlin", "hours": {"every_day": ["01:00-04:00"]}})
    assert night.add_working(at("2026-03-29T01:00", berlin), 2 * 3600) == at("2026-03-29T04:00", berlin)


@given(
    st.integers(0, 400 * 24 * 60).map(lambda minute: at("2026-01-01T00:00") + minute * 60),
    st.floats(1, 200 * 3600),
    st.floats(1, 200 * 3600),
)
def test_working_time_adds_up_and_never_ends_while_closed(office, now, first, second):
    one = office.add_working(now, first)
    assert one >= now + first
    assert office.open_at(one - 0.001) or office.open_at(one)
    assert office.add_working(one, second) == pytest.approx(office.add_working(now, first + second), abs=0.01)


@given(st.integers(0, 400 * 24 * 60))
def test_the_next_opening_is_open_and_nothing_before_it_is(office, minute):
    now = at("2026-01-01T00:00") + minute * 60
    opening = office.next_open(now)
    assert office.open_at(opening)
    if opening > now:
        assert not any(office.open_at(now + step) for step in range(0, int(opening - now), 1800))
        assert not office.open_at(opening - 1)


def test_make_up_days_are_the_weekends_that_china_works():
    holidays = chinese_holidays()
    assert holidays.makeup_days
    assert all(day.weekday() >= 5 for day in holidays.makeup_days)
    assert not holidays.days & holidays.makeup_days
    assert max(holidays.years) - min(holidays.years) == len(holidays.years) - 1


@pytest.mark.parametrize(
    ("data", "key", "sentence"),
    [
        ({"zone": "Asia/Shangai"}, ("zone",), "no time zone"),
        ({"zone": "America"}, ("zone",), "no time zone"),
        ({"zone": "x" * 300}, ("zone",), "no time zone"),
        ({"zone": "a." * 2000}, ("zone",), "no time zone"),
        ({"zone": "a/" * 2000 + "a"}, ("zone",), "no time zone"),
        ({"hours": {"mondays": []}}, ("hours", "mondays"), 'did you mean "monday"'),
        ({"hours": {"monday": ["9-18"]}}, ("hours", "monday", 0), '"09:00-18:00"'),
        ({"hours": {"monday": "09:00-18:00"}}, ("hours", "monday"), "a list in"),
        ({"hours": {"monday": ["09:00-13:00", "12:00-18:00"]}}, ("hours", "monday"), "overlap"),
        ({"hours": {"monday": ["09:00-24:30"]}}, ("hours", "monday", 0), "beyond the day"),
        ({"exceptions": [{"hours": []}]}, ("exceptions", 0), '"date" is missing'),
        ({"exceptions": [{"date": "2026-13-01"}]}, ("exceptions", 0, "date"), "such as 2026-10-01"),
        ({"exceptions": [{"date": "2026-10-02", "to": "2026-10-01"}]}, ("exceptions", 0, "to"), "to a later one"),
        ({"holiday": True}, ("holiday",), 'did you mean "holidays"'),
    ],
)
def test_hours_that_cannot_be_used_are_refused_with_their_key(data, key, sentence):
    with pytest.raises(TableError) as error:
        Calendar.from_dict(data)
    assert error.value.key == key
    assert sentence in error.value.sentence


def test_a_day_has_one_answer_for_each_of_its_minutes(office):
    start = datetime(2026, 2, 9, tzinfo=SHANGHAI)
    for minute in range(0, 20 * 24 * 60, 7):
        moment = start + timedelta(minutes=minute)
        of_day = moment.hour * 60 + moment.minute
        expected = any(span.start <= of_day < span.end for span in office.hours_of(moment.date()))
        assert office.open_at(moment.timestamp()) is expected
