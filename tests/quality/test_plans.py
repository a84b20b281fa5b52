"""What a sample is drawn from is said beforehand, and a risk is a fact about the call."""

from __future__ import annotations

import tomllib
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.errors import QualityError
from quality.periods import PeriodKind, period, period_of
from quality.plans import CallFacts, Frame, FrameCall, Key, Plan, Risk, RiskRules, frame, read_plan, risks
from tables.errors import TableError
from tables.values import Table

DAY = date(2027, 1, 12)
WEEK = period("2027-W02")


def call(number: int = 1, **facts: object) -> CallFacts:
    usual = {"agent": "1001", "day": DAY, "business": "complaint", "category": "process", "seconds": 200.0}
    return CallFacts(number, **(usual | facts))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("facts", "risk"),
    [
        ({"satisfaction": 2}, Risk.LOW_SATISFACTION),
        ({"escalated": True}, Risk.ESCALATED),
        ({"repeat": True}, Risk.REPEAT),
        ({"held": 120.0}, Risk.LONG_HOLD),
        ({"transferred": True}, Risk.TRANSFERRED),
        ({"talk_over": 15.0}, Risk.TALK_OVER),
        ({"words": "客户称将向 Media 曝光"}, Risk.KEYWORD),
    ],
)
def test_each_risk_is_found_and_can_be_switched_off(facts, risk):
    assert risks(call(**facts), RiskRules(keywords=("media",))) == (risk,)
    off = RiskRules(satisfaction=0, hold=0.0, talk_over=0.0, escalated=False, repeat=False, transferred=False)
    assert risks(call(**facts), off) == ()


def test_an_ordinary_call_has_no_risk():
    assert (
        risks(call(satisfaction=3, held=119.0, talk_over=14.0, words="一切正常"), RiskRules(keywords=("媒体",))) == ()
    )
    assert risks(call(satisfaction=None), RiskRules()) == ()


def test_the_frame_has_the_calls_of_the_period_that_the_plan_names():
    plan = Plan("weekly", "seed", businesses=("complaint",), shortest=15.0)
    calls = [
        call(1),
        call(2, business="inquiry"),
        call(3, day=date(2027, 1, 18)),
        call(4, seconds=14.9),
        call(5, agent=""),
        call(6, repeat=True, seconds=500.0),
    ]
    made = frame(plan, WEEK, calls)
    assert made.calls == (
        FrameCall(1, "1001", "process", "180-480"),
        FrameCall(6, "1001", "process", "480+", (Risk.REPEAT,)),
    )


def test_no_call_is_too_short_for_a_plan_that_does_not_say_so():
    assert [each.call for each in frame(Plan("weekly", "seed"), WEEK, [call(1, seconds=0.4)]).calls] == [1]


def test_a_call_is_one_agents():
    with pytest.raises(QualityError, match="call 1 stands twice"):
        frame(Plan("weekly", "seed"), WEEK, [call(1), call(1, agent="1002")])


def test_a_plan_is_drawn_by_its_own_kind_of_period():
    with pytest.raises(QualityError, match="plan weekly is drawn by the week, and 2027-01 is a month"):
        frame(Plan("weekly", "seed"), period("2027-01"), [])


FRAME_CALLS = st.lists(
    st.builds(
        FrameCall,
        st.integers(1, 10**9),
        st.text(min_size=1, max_size=4),
        st.text(max_size=4),
        st.sampled_from(["0-180", "180+"]),
        st.sets(st.sampled_from(Risk)).map(lambda found: tuple(sorted(found))),
    ),
    unique_by=lambda each: each.call,
    max_size=8,
)


@settings(max_examples=25)
@given(FRAME_CALLS, st.randoms())
def test_a_stored_frame_comes_back_whatever_its_order_was(calls, shuffle):
    made = Frame(calls)
    shuffle.shuffle(calls)
    assert Frame(calls).digest == made.digest
    assert Frame.parse(made.lines()).calls == made.calls


@settings(max_examples=25)
@given(FRAME_CALLS.filter(bool))
def test_another_frame_has_another_digest(calls):
    assert Frame(calls[1:]).digest != Frame(calls).digest


@pytest.mark.parametrize(
    "line", ["", "[]", '["1","a","b","c",[]]', '[1,2,"b","c",[]]', '[1,"a","b","c",["nonsense"]]', "x"]
)
def test_a_stored_frame_that_was_damaged_is_refused(line):
    with pytest.raises(QualityError, match="line 1 of the stored frame"):
        Frame.parse(line + "\n")


def test_lengths_are_bands():
    plan = Plan("weekly", "seed", lengths=(180.0, 480.0))
    assert [plan.band(seconds) for seconds in (15.0, 179.9, 180.0, 480.0)] == ["0-180", "0-180", "180-480", "480+"]
    assert Plan("weekly", "seed", lengths=()).band(50.0) == "0+"


# Periods


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("2027-01-15", date(2027, 1, 15), date(2027, 1, 15)),
        ("2026-W53", date(2026, 12, 28), date(2027, 1, 3)),
        ("2028-02", date(2028, 2, 1), date(2028, 2, 29)),
    ],
)
def test_a_periods_name_says_which_days(name, first, last):
    assert (period(name).first, period(name).last) == (first, last)
    assert first in period(name)
    assert last in period(name)


@pytest.mark.parametrize(
    "name", ["", "2027", "2027-W54", "2027-W00", "2027-13", "2027-02-30", "1999-01", "2101-W01", "２０２７-01"]
)
def test_a_name_that_is_no_period_is_refused(name):
    with pytest.raises(QualityError, match="is not a period"):
        period(name)


@settings(max_examples=25)
@given(st.dates(date(2001, 1, 1), date(2099, 12, 31)), st.sampled_from(PeriodKind))
def test_every_day_is_in_one_period_of_each_kind(day, kind):
    found = period_of(day, kind)
    assert day in found
    assert found.kind is kind
    assert period_of(found.first, kind) == period_of(found.last, kind) == found


# Reading


def table(text: str) -> Table:
    return Table(tomllib.loads(text))


def test_a_plan_needs_a_seed_alone():
    assert read_plan("weekly", table('seed = "a"')) == Plan("weekly", "a")


def test_a_plan_says_everything():
    plan = read_plan(
        "monthly",
        table("""
        seed = "a"
        per_agent = 20
        period = "month"
        businesses = ["complaint"]
        shortest = 30
        keys = ["length"]
        lengths = [60, 300]
        risk_least = 5
        [risk]
        satisfaction = 1
        hold = 60
        talk_over = 0
        escalated = false
        keywords = ["12315"]
        """),
    )
    rules = RiskRules(satisfaction=1, hold=60.0, talk_over=0.0, escalated=False, keywords=("12315",))
    assert plan == Plan(
        "monthly", "a", 20, PeriodKind.MONTH, ("complaint",), 30.0, (Key.LENGTH,), (60.0, 300.0), 5, rules
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", '"seed" is missing'),
        ('seed = ""', "at least one character"),
        ('seed = "a"\nper_agent = 0', "per_agent: this must be a whole number from 1 to 1000"),
        ('seed = "a"\nperiod = "year"', "'year' is none of day, week, month"),
        ('seed = "a"\nkeys = ["length", "length"]', r"keys\[1\]: 'length': keys are category and length, each once"),
        ('seed = "a"\nlengths = [300, 180]', "the seconds between bands rise"),
        ('seed = "a"\nlengths = [180.4, 180.44]', r"lengths\[0\]: this must be a whole number from 1 to 36000"),
        ('seed = "a"\nquota = 5', '"quota" means nothing here'),
        ('seed = "a"\nrisk = { keywords = [" "] }', "an empty keyword is in every write-up"),
        ('seed = "a"\nrisk = { hold = nan }', "hold: this must be a number"),
        ('seed = "a"\nrisk = { long_hold = 3 }', '"long_hold" means nothing here'),
    ],
)
def test_a_plan_that_cannot_be_used_is_refused_with_its_key(text, sentence):
    with pytest.raises(TableError, match=sentence):
        read_plan("weekly", table(text))
