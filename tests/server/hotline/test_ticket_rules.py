"""The operator's rules for tickets: read with file, line and key, kept in the log, and played the same by everybody."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

import acd.events as acd
from acd.policy.definitions import Policy, Queue, Requirement, Skill
from ivr.calendar import Calendar
from ivr.holidays import chinese_holidays
from server.eventlog.log import Entry, decode, encode
from server.hotline import definitions
from server.hotline.definitions import DEFAULTS, load
from server.hotline.examination import examine
from server.hotline.state import HotlineState
from server.hotline.ticket_rules import hours_of, working_time
from server.hotline.ticket_types import read_types
from tables.errors import TableError
from tables.toml import DefinitionFault
from tickets.events import TicketOpened, TicketRulesSet
from tickets.rules import DAY, HOUR, Hours, Limit, Rules
from tickets.severity import Grade

SHANGHAI = ZoneInfo("Asia/Shanghai")
NEEDED = Requirement((Skill("complaint"),))
POLICY = Policy(skills=("complaint",), queues=(Queue("complaint", "complaint"), Queue("inquiry", "complaint")))
OFFICE = {"hours": {"weekdays": ["09:00-12:00", "13:00-18:00"], "saturday": ["10:00-16:00"]}}
FRIDAY = "2026-09-25T17:00"


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).timestamp()


def office() -> Calendar:
    return Calendar.from_dict(OFFICE, chinese_holidays())


def written(home: Path, text: str) -> Path:
    (home / "hotline.toml").write_text(DEFAULTS.read_text(encoding="utf-8") + text, encoding="utf-8")
    return home


# The file


def test_the_file_that_comes_with_the_product_writes_down_what_goes_without_it(tmp_path: Path) -> None:
    found = load(tmp_path).tickets
    assert replace(found, types=()) == Rules()
    assert [each.name for each in found.types if each.opens_for] == ["complaint"]
    assert load(tmp_path).tickets_in_hours
    (tmp_path / "hotline.toml").write_text("", encoding="utf-8")
    bare = load(tmp_path)
    assert (bare.tickets, bare.tickets_in_hours) == (Rules(), True)


def own(home: Path, table: str) -> definitions.Definitions:
    (home / "hotline.toml").write_text(SMALL + table, encoding="utf-8")
    return load(home)


SMALL = """skills = ["complaint", "inquiry", "attitude"]
[queues.complaint]
[queues.inquiry]
"""


def test_every_rule_is_read(tmp_path: Path) -> None:
    rules = own(
        tmp_path,
        """
[tickets]
opens = ["complaint", "inquiry"]
same_matter_for = 86400
business_hours = false
[tickets.raise]
contacts = { 5 = "critical", 3 = "serious" }
vip = "serious"
business = { inquiry = "serious" }
categories = { attitude = "critical" }
[tickets.limits]
general = { respond = 7200, resolve = 10000 }
serious = { respond = 7200, resolve = 9000 }
critical = { respond = 60, resolve = 600 }
""",
    )
    assert not rules.tickets_in_hours
    assert rules.tickets == Rules(
        opens=("complaint", "inquiry"),
        same_matter_for=DAY,
        contacts=((3, Grade.SERIOUS), (5, Grade.CRITICAL)),
        vip=Grade.SERIOUS,
        business=(("inquiry", Grade.SERIOUS),),
        categories=(("attitude", Grade.CRITICAL),),
        general=Limit(7200.0, 10000.0),
        serious=Limit(7200.0, 9000.0),
        critical=Limit(60.0, 600.0),
    )


FAULTS = {
    "a business type that is none": ('opens = ["complain"]', 5, "tickets.opens[0]", 'did you mean "complaint"?'),
    "a list that is none": ("opens = 3", 5, "tickets.opens", "a list"),
    "an unknown key": ("same_matter = 3", 5, "tickets.same_matter", "same_matter_for"),
    "a time that is none": ('same_matter_for = "7d"', 5, "tickets.same_matter_for", "a number of seconds"),
    "more than a year": ("same_matter_for = 99999999", 5, "tickets.same_matter_for", "up to 3.16224e+07"),
    "neither true nor false": ("business_hours = 1", 5, "tickets.business_hours", "true or false"),
    "a grade that is none": ('raise.vip = "seriuos"', 5, "tickets.raise.vip", 'did you mean "serious"?'),
    "an unknown thing that raises": ('raise.age = "serious"', 5, "tickets.raise.age", "means nothing here"),
    "a category that is none": (
        'raise.categories = { attitud = "serious" }',
        5,
        "tickets.raise.categories.attitud",
        'did you mean "attitude"?',
    ),
    "a queue that is none": ('raise.business = { vip = "serious" }', 5, "tickets.raise.business.vip", "business type"),
    "calls that are no number": (
        'raise.contacts = { two = "serious" }',
        5,
        "tickets.raise.contacts.two",
        "from 2 to 1000",
    ),
    "one call": ('raise.contacts = { 1 = "serious" }', 5, "tickets.raise.contacts.1", "from 2 to 1000"),
    "contacts that are no table": ("raise.contacts = 2", 5, "tickets.raise.contacts", "must be a table"),
    "an unknown grade": ("limits.grave = { respond = 1 }", 5, "tickets.limits.grave", "means nothing here"),
    "an unknown limit": ("limits.serious = { answer = 1 }", 5, "tickets.limits.serious.answer", "means nothing here"),
    "a limit of nothing": ("limits.serious = { respond = 0 }", 5, "tickets.limits.serious.respond", "above 0"),
    "a response after the resolution": (
        "limits.critical = { resolve = 60 }",
        5,
        "tickets.limits.critical.resolve",
        "respond (3600 s) must not be longer than resolve (60 s)",
    ),
    "more time for a graver matter": (
        "limits.critical = { respond = 20000 }",
        5,
        "tickets.limits.critical.respond",
        "critical (20000 s) must not have longer than serious (14400 s)",
    ),
    "less time for a lighter matter": (
        "limits.general = { respond = 60 }",
        5,
        "tickets.limits.general.respond",
        "serious (14400 s) must not have longer than general (60 s)",
    ),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_a_rule_that_cannot_stand_is_named_with_line_and_key(tmp_path: Path, fault: tuple[str, int, str, str]) -> None:
    text, line, key, hint = fault
    with pytest.raises(DefinitionFault) as refused:
        own(tmp_path, f"[tickets]\n{text}\n")
    assert str(refused.value).startswith(f"{tmp_path / 'hotline.toml'}:{line}: {key}: ")
    assert hint in str(refused.value)


def test_limits_that_the_hours_never_reach_are_a_warning(tmp_path: Path) -> None:
    text = "[calendar.hours]\nweekdays = []\n[tickets.limits]\ncritical = { resolve = 80000 }\n"
    (tmp_path / "hotline.toml").write_text(SMALL + text, encoding="utf-8")
    found = [each for each in examine(tmp_path, at(FRIDAY)) if each.key.startswith("tickets")]
    assert [(each.severity, each.key) for each in found] == [
        ("warning", f"tickets.limits.{grade}.resolve") for grade in ("general", "serious", "critical")
    ]
    assert found[2].line == 7
    text += "[tickets]\nbusiness_hours = false\n"
    (tmp_path / "hotline.toml").write_text(SMALL + text, encoding="utf-8")
    assert not [each for each in examine(tmp_path, at(FRIDAY)) if each.key.startswith("tickets")]


# Working time


def test_a_limit_runs_in_business_hours_over_weekends_and_holidays() -> None:
    working = working_time(hours_of(office(), at(FRIDAY)))
    # Friday 25 September 2026 is a holiday (Mid-Autumn), so are 1 to 7 October; the 20th of September is worked.
    assert working(at("2026-09-24T17:00"), 1 * HOUR) == at("2026-09-24T18:00")
    assert working(at("2026-09-24T17:00"), 2 * HOUR) == at("2026-09-28T10:00")
    assert working(at("2026-09-30T17:30"), 1 * HOUR) == at("2026-10-08T09:30")


def test_without_hours_and_with_hours_that_never_close_a_limit_runs_by_the_clock() -> None:
    assert hours_of(Calendar.from_dict({}, chinese_holidays()), at(FRIDAY)) is None
    assert working_time(None)(at(FRIDAY), 24 * HOUR) == at(FRIDAY) + 24 * HOUR


def test_years_that_nobody_announced_have_the_statutory_holidays_and_their_weekdays_hours() -> None:
    working = working_time(hours_of(office(), at("2030-09-30T00:00")))
    assert working(at("2030-09-30T17:00"), 2 * HOUR) == at("2030-10-04T10:00")
    working = working_time(hours_of(office(), at("2041-10-01T00:00")))
    assert working(at("2041-10-01T17:00"), 2 * HOUR) == at("2041-10-02T10:00")


@pytest.mark.parametrize("hours", [(), ((540, 541),)])
def test_hours_that_do_not_reach_a_limit_within_years_neither_fail_nor_go_on_for_ever(hours: Any) -> None:
    working = working_time(Hours("Asia/Shanghai", (hours, *[()] * 6)))
    assert working(at(FRIDAY), 72 * HOUR) == at(FRIDAY) + 72 * HOUR


@given(st.floats(at("2026-01-01T00:00"), at("2028-01-01T00:00")), st.floats(1, 40 * HOUR))
def test_the_hours_in_the_log_are_those_of_the_calendar(start: float, seconds: float) -> None:
    calendar = office()
    assert working_time(hours_of(calendar, start))(start, seconds) == calendar.add_working(start, seconds)


# The log


def play(*events: Any, state: HotlineState | None = None, now: float | None = None) -> HotlineState:
    """Play the events as the log would give them back."""
    state = state or HotlineState()
    for event in events:
        number = int(state.position.partition("-")[0]) + 1
        state.play(Entry(f"{number}-0", now or at(FRIDAY), decode(*encode(event))))
    return state


def call(number: int, queue: str = "complaint", vip: bool = False) -> tuple[Any, ...]:
    caller = f"1380000000{number}"
    return (
        acd.CallArrived(number, caller, "400", f"PJSIP/t-{number}", f"u{number}", 1.0),
        acd.CallQueued(number, queue, NEEDED, 1.0, caller=caller, category="attitude", vip=vip),
    )


def opened(state: HotlineState) -> list[TicketOpened]:
    return [each.note for each in state.unwritten if isinstance(each.note, TicketOpened)]


def test_a_log_without_rules_gives_the_state_that_it_gave_before() -> None:
    state = play(acd.PolicySet(POLICY), *call(1), *call(2, "inquiry"), *call(3, vip=True))
    first, second = opened(state)
    now = at(FRIDAY)
    expected = ("13800000001", "complaint", "attitude", "general", now + 24 * HOUR, now + 72 * HOUR)
    assert first == TicketOpened(1, 1, *expected)
    assert (second.call, second.grade) == (3, "general")
    assert state.ticket_rules is None


def test_the_rules_of_the_log_decide_which_calls_open_a_ticket_with_which_grade_and_limits() -> None:
    rules = Rules(opens=("inquiry",), vip=Grade.SERIOUS)
    wanted = TicketRulesSet(rules, hours_of(office(), at(FRIDAY)), "hotline.toml")
    state = play(acd.PolicySet(POLICY), *call(1), wanted, *call(2), *call(3, "inquiry", vip=True))
    first, second = opened(state)
    assert (first.call, first.respond_by) == (1, at(FRIDAY) + 24 * HOUR)
    assert (second.call, second.grade) == (3, "serious")
    assert second.respond_by == office().add_working(at(FRIDAY), 4 * HOUR)
    assert state.ticket_rules == wanted


def test_a_restored_state_goes_by_the_same_rules() -> None:
    wanted = TicketRulesSet(Rules(opens=("inquiry",)), hours_of(office(), at(FRIDAY)))
    whole = play(acd.PolicySet(POLICY), wanted, *call(1, "inquiry"))
    restored = HotlineState.restore(whole.snapshot())
    assert restored.ticket_rules == wanted
    assert restored.snapshot() == whole.snapshot()
    for state in (whole, restored):
        play(*call(2, "inquiry"), state=state)
    assert opened(restored) == opened(whole)
    assert len(opened(whole)) == 2


def test_the_definitions_say_what_the_log_is_to_keep(tmp_path: Path) -> None:
    hours = '[calendar.hours]\nweekdays = ["09:00-12:00", "13:00-18:00"]\nsaturday = ["10:00-16:00"]\n'
    wanted = own(tmp_path, hours).ticket_rules(at(FRIDAY))
    assert wanted == own(tmp_path, hours).ticket_rules(at(FRIDAY) + 60 * DAY), "the same rules on every day of the year"
    assert wanted.hours == hours_of(office(), at(FRIDAY))
    assert own(tmp_path, f"{hours}[tickets]\nbusiness_hours = false\n").ticket_rules(at(FRIDAY)).hours is None


TYPES = """
[ticket_types.refusal]
opens_for = ["orders"]
departments = ["logistics"]
checklist = ["reason"]
[ticket_types.refusal.fields]
reason = { kind = "choice", choices = ["damaged", "late"] }
[ticket_types.refusal.limits]
general = { respond = 7200, resolve = 86400 }
"""


def test_a_type_has_its_fields_checklist_departments_and_limits() -> None:
    (refusal,) = read_types(tomllib.loads(TYPES)["ticket_types"], Rules(), ["orders"])
    assert (refusal.opens_for, refusal.departments, refusal.checklist) == (("orders",), ("logistics",), ("reason",))
    rules = Rules(types=(refusal,))
    assert rules.limit(Grade.GENERAL, "refusal").respond == 7200
    assert rules.limit(Grade.SERIOUS, "refusal") == Limit(7200, 86400)
    assert rules.limit(Grade.CRITICAL, "refusal") == rules.critical
    assert rules.limit(Grade.SERIOUS) == rules.serious
    assert rules.opens_for("orders")


@pytest.mark.parametrize(
    ("wrong", "key", "sentence"),
    [
        ('opens_for = ["nowhere"]', "refusal.opens_for", "no business type"),
        ('checklist = ["nothing"]', "refusal.checklist", "no field"),
        ('departments = ["moon"]', "refusal.departments", "no department"),
        ('fields.reason = { kind = "colour" }', "refusal.fields.reason.kind", "'colour' is none of text, number"),
        ('fields.reason = { kind = "choice" }', "refusal.fields.reason", "choices"),
        ('fields.reason = { choices = ["a"] }', "refusal.fields.reason.choices", "choices"),
        ("fields.reason = { most = 3 }", "refusal.fields.reason.most", "number"),
        ('fields.reason = { kind = "number", least = 3, most = 2 }', "refusal.fields.reason.most", "less than least"),
        ("fields.Reason = {}", "refusal.fields.Reason", "small letters"),
        ("limits.general = { respond = 60, resolve = 30 }", "refusal.limits.general", "must not be longer"),
        ("limits.critical = { respond = 20000, resolve = 86400 }", "refusal.limits.critical", "must not have longer"),
        ("colour = 3", "refusal.colour", "means nothing here"),
    ],
)
def test_a_type_that_cannot_be_used_is_refused_with_its_key(wrong: str, key: str, sentence: str) -> None:
    rules = Rules(departments=("logistics",))
    with pytest.raises(TableError) as refused:
        read_types(tomllib.loads(f"[refusal]\n{wrong}"), rules, ["orders"])
    assert ".".join(map(str, refused.value.key)).startswith(f"ticket_types.{key}")
    assert sentence in str(refused.value)


def test_calls_of_one_business_type_open_tickets_of_one_type() -> None:
    data = {"a": {"opens_for": ["orders"]}, "b": {"opens_for": ["orders"]}}
    with pytest.raises(TableError, match="open tickets of type a already"):
        read_types(data, Rules(), ["orders"])
