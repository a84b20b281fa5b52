"""Values from outside are finite, plausible and bounded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server import bounds

NOW = 1_790_000_000.0


@pytest.mark.parametrize("value", ["nan", "-inf", "1e999", nan, inf, 10**400, "", "x", "1,5", None, [], {}, "9" * 5000])
def test_what_is_no_finite_number_is_refused_in_a_short_sentence(value: object) -> None:
    for check in (bounds.number, bounds.planned, bounds.seconds, lambda each: bounds.happened(each, NOW)):
        with pytest.raises(ValueError, match="is not a") as refused:
            check(value)
        assert len(str(refused.value)) < 100


@pytest.mark.parametrize("value", [0, -1, "1e300", NOW + 2 * bounds.DAY, 946_684_799])
def test_a_fact_lies_between_2000_and_now(value: object) -> None:
    with pytest.raises(ValueError, match="2000 to now"):
        bounds.happened(value, NOW)


def test_the_clock_of_a_peer_may_be_ahead_by_a_day() -> None:
    assert bounds.happened(f"{NOW + 3600:.3f}", NOW) == NOW + 3600
    assert bounds.happened(NOW - 1e8, NOW) == NOW - 1e8


def test_a_plan_is_within_the_calendar() -> None:
    assert bounds.planned(NOW + 1e8) == NOW + 1e8
    for value in (-62_135_596_800.0, 253_402_300_799.0):
        with pytest.raises(ValueError, match="2000 to 2099"):
            bounds.planned(value)


def test_a_duration_is_neither_negative_nor_endless() -> None:
    assert bounds.seconds("12.5") == 12.5
    for value in (-0.001, 86_401, "1e18"):
        with pytest.raises(ValueError, match="0 to 86400 seconds"):
            bounds.seconds(value)


@pytest.mark.parametrize("value", ["-1", 2**53 + 1, inf, nan, "9" * 5000, "", None, "1.5"])
def test_a_whole_number_is_bounded(value: object) -> None:
    with pytest.raises(ValueError, match="is not a whole number"):
        bounds.whole(value)
    assert bounds.whole("17") == 17


@given(st.text(st.characters(codec=None)), st.integers(1, 50))
def test_a_line_is_printable_and_short_whatever_came(text: str, longest: int) -> None:
    found = bounds.line(text, longest)
    assert found.isprintable()
    assert len(found) <= longest
    assert bounds.line(found, longest) == found


def test_a_line_keeps_what_was_written() -> None:
    assert bounds.line("+86 138 0013 8000") == "+86 138 0013 8000"
    assert bounds.line("李明\u3000投诉\r\nX-Evil: 1\x00\ud800") == "李明 投诉 X-Evil: 1"


def test_a_text_with_wide_spaces_is_one_line_and_one_with_line_ends_is_not() -> None:
    assert bounds.is_line("李明\u3000投诉\u00a0")
    for text in ("a\nb", "a\x00", "a\u2028b", "\u202eb", "\ud800"):
        assert not bounds.is_line(text)


@pytest.mark.parametrize(
    "value",
    [
        *(20270101, 1.8e9, True, None, "20270101", "1800000000", "2027-W01", "2027-13-01", "0001-01-01T00:00:00+14:00"),
        *(
            "9999-12-31",
            "1999-12-31",
            "2100-01-01",
            "2027-01-01T25:00",
            "2027-01-01T00:00+99:99",
            "nan",
            "",
            "\uff12027-01-01",
        ),
    ],
)
def test_an_instant_is_written_in_iso_8601_and_lies_from_2000_to_2099(value: object) -> None:
    with pytest.raises(ValueError, match="write a day or an instant from 2000 to 2099"):
        bounds.instant(value)


def test_an_instant_without_a_zone_is_of_the_zone_that_is_given() -> None:
    china = timezone(timedelta(hours=8))
    expected = datetime(2027, 1, 15, 0, 30, tzinfo=UTC)
    for text in ("2027-01-15T08:30", "2027-01-15 08:30:00.000", "2027-01-15T08:30:00+08:00", "2027-01-15T00:30Z"):
        assert bounds.instant(text, china) == expected
    assert bounds.instant("2027-01-15") == datetime(2027, 1, 15, tzinfo=UTC)


@pytest.mark.parametrize("value", [20270101, "20270101", "9999-12-31", "1999-12-31", "2027-02-30", "", None])
def test_a_day_is_written_with_hyphens_and_lies_from_2000_to_2099(value: object) -> None:
    with pytest.raises(ValueError, match="write a day from 2000 to 2099"):
        bounds.day(value)
    assert bounds.day("2027-02-28").isoformat() == "2027-02-28"
