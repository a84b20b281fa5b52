"""What the clock does to a case."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickets import acts
from tickets.events import (
    AccusedSet,
    DateMissed,
    DatePromised,
    Escalated,
    Event,
    GradeRaised,
    LimitPassed,
    LimitsRecomputed,
    LimitWarned,
    RoundStarted,
    StateChanged,
)
from tickets.register import Register
from tickets.rules import HOUR, Limit, Rules
from tickets.severity import Grade, Level, Trigger
from tickets.states import NEXT, TicketError, TicketState

NOW = 1_800_000_000.0
RULES = Rules(general=Limit(10 * HOUR, 100 * HOUR), manager_after=5 * HOUR)


def opened(rules: Rules = RULES, **more: object) -> Register:
    register = Register()
    register.follow(rules, **more)  # type: ignore[arg-type]
    for event in register.contact(1, "138", "complaint", "attitude", NOW, 1):
        register.receive(event, NOW)
    return register


def until(register: Register, end: float) -> list[tuple[float, Event]]:
    """The clock goes on to `end`: what is told, and when."""
    told: list[tuple[float, Event]] = []
    while (at := register.next_timer()) is not None and at <= end:
        for event in register.due(at):
            register.receive(event, at)
            told.append(((at - NOW) / HOUR, event))
    return told


def do(register: Register, events: list[Event], now: float = NOW) -> None:
    for event in events:
        register.receive(event, now)


def test_a_limit_is_warned_of_at_80_percent_and_escalates_by_itself_when_it_is_over():
    told = until(opened(), NOW + 200 * HOUR)
    assert told == [
        (8, LimitWarned(1, "respond", NOW + 10 * HOUR)),
        (10, LimitPassed(1, "respond", NOW + 10 * HOUR)),
        (10, Escalated(1, Level.LEADER, "respond", why="the limit to respond is over")),
        (15, Escalated(1, Level.MANAGER, "respond", why="the limit to respond is still not met")),
        (80, LimitWarned(1, "resolve", NOW + 100 * HOUR)),
        (100, LimitPassed(1, "resolve", NOW + 100 * HOUR)),
    ]


def test_an_answer_in_time_stops_the_response_limit_and_a_solution_both():
    register = opened()
    do(register, register.advance(1, "in_progress"), NOW + HOUR)
    assert [type(event) for _, event in until(register, NOW + 90 * HOUR)] == [LimitWarned]
    do(register, register.advance(1, "resolved"), NOW + 91 * HOUR)
    assert register.next_timer() is None


def test_a_server_that_was_away_tells_what_is_over_and_warns_of_nothing_that_is():
    register = opened()
    assert [type(event) for event in register.due(NOW + 101 * HOUR)] == [LimitPassed, Escalated, LimitPassed, Escalated]


def test_a_promised_date_that_goes_by_raises_the_grade_once():
    register = opened()
    do(register, acts.promise(register.case(1), NOW + 5 * HOUR, NOW, "1001"))
    assert until(register, NOW + 6 * HOUR) == [
        (5, DateMissed(1, NOW + 5 * HOUR)),
        (5, GradeRaised(1, Grade.SERIOUS, Trigger.BROKEN_PROMISE, NOW + 9 * HOUR, NOW + 53 * HOUR)),
    ]
    assert register.case(1).promised_for is None


def test_a_date_that_was_kept_or_taken_back_raises_nothing():
    for kept in (True, False):
        register = opened()
        do(register, [DatePromised(1, NOW + 5 * HOUR)])
        if kept:
            do(register, register.advance(1, "resolved"))
        else:
            with pytest.raises(TicketError, match="say why it changes"):
                acts.promise(register.case(1), None, NOW)
            do(register, acts.promise(register.case(1), None, NOW, "1001", "the customer agrees"))
        assert not any(isinstance(event, DateMissed) for _, event in until(register, NOW + 7 * HOUR))


def test_other_hours_reckon_limits_again_and_say_why():
    register = opened()
    register.follow(RULES, lambda start, seconds: start + 3 * seconds)
    (changed,) = register.hours_changed("the business hours have changed")
    assert changed == LimitsRecomputed(1, NOW + 30 * HOUR, NOW + 300 * HOUR, "the business hours have changed")
    do(register, [changed])
    register.rearm()
    assert register.hours_changed("again") == []
    assert until(register, NOW + 25 * HOUR) == [(24, LimitWarned(1, "respond", NOW + 30 * HOUR))]


def test_a_limit_that_is_over_stays_over_whatever_the_hours_are():
    register = opened()
    until(register, NOW + 11 * HOUR)
    register.follow(RULES, lambda start, seconds: start + 3 * seconds)
    (changed,) = register.hours_changed("other hours")
    assert (changed.respond_by, changed.resolve_by) == (NOW + 10 * HOUR, NOW + 300 * HOUR)


def test_timers_of_a_snapshot_are_those_that_were_kept():
    register = opened()
    restored = Register.restore(json.loads(json.dumps(register.snapshot())))
    restored.follow(RULES)
    assert until(restored, NOW + 200 * HOUR) == until(register, NOW + 200 * HOUR)


def test_a_snapshot_of_an_earlier_release_has_its_timers_too():
    saved = opened().snapshot()["matters"][0]
    old = ("ticket", "caller", "business", "category", "grade", "opened_at", "last_contact_at", "calls", "state")
    more = ("round", "owner", "confirmed", "respond_by", "resolve_by")
    restored = Register.restore({"matters": [{name: saved[name] for name in (*old, *more)}]})
    assert restored.next_timer() == NOW + 8 * HOUR


steps = st.tuples(
    st.sampled_from(["state", "grade", "follow_up", "promise", "wait", "hours", "accuse", "note", "escalate", "raw"]),
    st.sampled_from(list(TicketState)),
    st.integers(1, 30),
)


@given(st.lists(steps, max_size=30))
def test_no_step_leads_back_and_limits_only_tighten_but_for_logged_corrections(played: list[tuple[str, str, int]]):
    register, now = opened(), NOW
    history: list[Event] = []
    for kind, state, hours in played:
        if 1 not in register:
            break
        case = register.case(1)
        before = (case.round, list(TicketState).index(case.state), case.grade.rank, case.level.rank, case.version)
        limits = (case.respond_by, case.resolve_by)
        now += HOUR / 7
        told: list[Event] = []
        try:
            match kind:
                case "state":
                    told = register.advance(1, state, "1001", "because", "logistics")
                case "raw":  # what the rules forbid may stand in the log: of two acts at once the second one does
                    told = [StateChanged(1, state), GradeRaised(1, "general", "", NOW + 9e9, NOW + 9e9)]
                case "grade":
                    told = acts.trigger(case, RULES, register.working, "compensation", now)
                case "follow_up":
                    told = register.follow_up(1, hours > 20, now)
                case "promise":
                    told = acts.promise(case, now + hours * HOUR, now, why="asked")
                case "wait":
                    now += hours * HOUR
                    told = register.due(now)
                case "accuse":
                    told = acts.accuse(case, f"{hours % 3}")
                case "note":
                    told = acts.note(case, "x")
                case "escalate":
                    told = acts.escalate(case)
                case "hours":
                    register.follow(RULES, lambda start, seconds, slow=1 + hours: start + slow * seconds)
                    told = register.hours_changed("hours")
        except TicketError:
            continue
        for event in told:
            was = case.state
            register.receive(event, now)
            if isinstance(event, StateChanged) and 1 in register and case.state is not was:
                assert case.state in NEXT[was]
        history += told
        after = (case.round, list(TicketState).index(case.state), case.grade.rank, case.level.rank, case.version)
        assert all(new >= old for new, old in zip(after[2:], before[2:], strict=True))
        assert after[0] > before[0] or after[1] >= before[1]
        if not any(isinstance(event, LimitsRecomputed | RoundStarted) for event in told):
            now_limits = (case.respond_by, case.resolve_by)
            assert all(new <= old for new, old in zip(now_limits, limits, strict=True))
    assert sum(isinstance(event, AccusedSet) for event in history) <= len(played)


@given(st.lists(steps, max_size=20), st.integers(0, 20))
def test_what_was_told_is_never_told_otherwise_by_a_register_that_was_restored(
    played: list[tuple[str, str, int]], cut: int
):
    kept, other, now = opened(), opened(), NOW
    for place, (kind, state, hours) in enumerate(played):
        now += hours * HOUR
        if place == cut:
            other = Register.restore(json.loads(json.dumps(other.snapshot())))
            other.follow(RULES)
        told = []
        for register in (kept, other):
            events = register.due(now)
            with suppress(TicketError):
                events += register.advance(1, state, department="it") if kind == "state" else []
            do(register, events, now)
            told.append(events)
        assert told[0] == told[1]
    assert kept.snapshot() == other.snapshot()
