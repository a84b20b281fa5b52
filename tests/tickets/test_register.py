"""One case, one ticket."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickets.events import (
    CategoryConfirmed,
    ContactAdded,
    GradeRaised,
    OwnerSet,
    RoundStarted,
    StateChanged,
    TicketOpened,
)
from tickets.register import Register
from tickets.rules import DAY, HOUR, Limit, Rules
from tickets.severity import Grade, Trigger
from tickets.states import NEXT, TicketError, TicketState

NOW = 1_800_000_000.0


class Log:
    """Plays what the register answers, as a leader does."""

    def __init__(self, register=None):
        self.register = register or Register()
        self.events = []

    def play(self, events, now=NOW):
        for event in events:
            self.register.receive(event, now)
        self.events += events
        return events

    def call(self, number, caller="138", category="attitude", business="complaint", now=NOW, vip=False):
        following = 1 + len(self.events)
        return self.play(self.register.contact(number, caller, business, category, now, following, vip=vip), now)


@pytest.fixture
def log():
    return Log()


def test_a_complaint_opens_a_ticket_with_the_limits_of_its_grade(log):
    (opened,) = log.call(1)
    assert opened == TicketOpened(1, 1, "138", "complaint", "attitude", "general", NOW + 24 * HOUR, NOW + 72 * HOUR)
    assert log.register.open_ticket("138") == 1
    assert log.register.ticket_of(1) == 1


def test_an_inquiry_opens_none_unless_the_hotline_wants_so():
    assert Register().contact(1, "138", "inquiry", "", NOW, 1) == []
    register = Register()
    register.follow(Rules(opens=("inquiry",)))
    assert register.contact(1, "138", "inquiry", "", NOW, 1)


def test_asking_changes_nothing(log):
    assert log.register.contact(1, "138", "complaint", "attitude", NOW, 1) == log.register.contact(
        1, "138", "complaint", "attitude", NOW, 1
    )
    assert log.register.open_ticket("138") is None


def test_a_repeat_call_on_the_same_matter_adds_a_contact_and_raises_the_grade(log):
    log.call(1)
    added, raised = log.call(2, now=NOW + 60)
    assert added == ContactAdded(1, 2)
    assert isinstance(raised, GradeRaised)
    assert raised.grade == "serious"
    assert raised.why == "repeat_contact: 2 calls on the same matter"
    assert raised.respond_by == NOW + 60 + 4 * HOUR
    assert log.call(3) == [ContactAdded(1, 3)]
    assert log.call(4)[1].grade == "critical"
    assert log.call(5) == [ContactAdded(1, 5)]


def test_a_raised_grade_never_loosens_a_limit(log):
    log.call(1)
    (raised,) = log.register.trigger(1, Trigger.COMPENSATION, NOW + 71 * HOUR)
    assert raised.respond_by == NOW + 24 * HOUR
    assert raised.resolve_by == NOW + 72 * HOUR


def test_the_same_call_is_one_contact_however_often_it_says_so(log):
    log.call(1)
    assert log.call(1) == []
    log.call(2)
    assert log.call(2) == []


@pytest.mark.parametrize("other", [{"caller": "139"}, {"category": "system"}, {"now": NOW + 7 * DAY}])
def test_another_caller_another_category_or_a_week_later_is_another_matter(log, other):
    log.call(1)
    assert isinstance(log.call(2, **other)[0], TicketOpened)


def test_the_category_that_the_agent_confirmed_is_the_matters(log):
    log.call(1, category="")
    log.play([CategoryConfirmed(1, "system", "1001")])
    assert log.call(2, category="system")[0] == ContactAdded(1, 2)
    assert isinstance(log.call(3, category="")[0], ContactAdded)


def test_callers_who_withhold_their_number_are_strangers_to_each_other(log):
    log.call(1, caller="")
    assert isinstance(log.call(2, caller="")[0], TicketOpened)
    assert log.register.open_ticket("") is None


def test_a_closed_matter_is_over(log):
    log.call(1)
    log.play([StateChanged(1, state) for state in ("resolved", "followed_up", "closed")])
    assert log.register.open_ticket("138") is None
    assert isinstance(log.call(2)[0], TicketOpened)
    assert log.register.snapshot()["matters"][0]["calls"] == [2]


def test_the_agent_who_speaks_with_the_caller_first_owns_the_matter(log):
    log.call(1)
    assert log.register.owner(1) == ""
    assert log.play(log.register.served(1, "1001")) == [OwnerSet(1, "1001", "1001", "first_conversation")]
    assert log.register.served(1, "1002") == []
    assert log.register.owner(1) == "1001"
    assert log.register.served(9, "1001") == []
    assert log.register.owner(9) == ""


def test_of_several_open_tickets_the_one_last_spoken_about_counts(log):
    log.call(1, category="attitude")
    second = log.call(2, category="system", now=NOW + 10)[0].ticket
    assert log.register.open_ticket("138") == second
    log.call(3, category="attitude", now=NOW + 20)
    assert log.register.open_ticket("138") == 1


def test_a_satisfied_customer_closes_the_ticket(log):
    log.call(1)
    log.play(log.register.advance(1, "resolved", "1001"))
    events = log.play(log.register.follow_up(1, True, NOW, "1002"))
    assert [event.state for event in events] == ["followed_up", "closed"]


def test_a_customer_who_is_not_satisfied_starts_the_next_round_one_grade_up(log):
    log.call(1)
    log.play(log.register.advance(1, "resolved", "1001"))
    _, again = log.play(log.register.follow_up(1, False, NOW + DAY, "1002", "still rude"))
    assert again == RoundStarted(1, 2, "serious", "1002", "still rude", NOW + DAY + 4 * HOUR, NOW + DAY + 48 * HOUR)
    assert log.register.case(1).state is TicketState.NEW
    assert log.register.case(1).round == 2


@pytest.mark.parametrize(
    ("trigger", "grade"),
    [
        (Trigger.REPORTER, Grade.CRITICAL),
        (Trigger.REGULATOR, Grade.SERIOUS),
        (Trigger.COMPENSATION, Grade.SERIOUS),
        (Trigger.KEY_CUSTOMER, Grade.SERIOUS),
        (Trigger.BROKEN_PROMISE, Grade.SERIOUS),
    ],
)
def test_each_trigger_raises_the_grade_as_the_rules_say(log, trigger, grade):
    log.call(1)
    (raised,) = log.play(log.register.trigger(1, trigger, NOW))
    assert (raised.grade, raised.why) == (grade, trigger)
    assert log.register.trigger(1, Trigger.COMPENSATION, NOW) == []


def test_a_step_that_is_not_in_the_table_is_refused_with_a_sentence(log):
    log.call(1)
    with pytest.raises(
        TicketError, match="ticket 1 is new and cannot become closed; next is dispatched or in_progress"
    ):
        log.register.advance(1, "closed")
    with pytest.raises(TicketError, match="'done' is not a state; the states are new, dispatched"):
        log.register.advance(1, "done")
    with pytest.raises(TicketError, match="ticket 9 is not open"):
        log.register.advance(9, "resolved")


def test_no_step_leads_back_and_every_state_leads_to_closed():
    order = list(TicketState)
    assert all(order.index(after) > order.index(before) for before in TicketState for after in NEXT[before])
    reaching = {TicketState.CLOSED}
    for state in reversed(order):
        if any(after in reaching for after in NEXT[state]):
            reaching.add(state)
    assert reaching == set(TicketState)


def test_limits_count_working_time_when_the_hotline_says_so():
    def weekdays(start, seconds):
        return start + 3 * seconds

    register = Register()
    register.follow(Rules(), weekdays)
    (opened,) = register.contact(1, "138", "complaint", "", NOW, 1)
    assert opened.respond_by == NOW + 72 * HOUR


SERIOUS, CRITICAL = Grade.SERIOUS, Grade.CRITICAL


@pytest.mark.parametrize(
    ("rules", "matter", "grade"),
    [
        (Rules(), {"vip": True}, "general"),
        (Rules(vip=SERIOUS), {"vip": True}, "serious"),
        (Rules(vip=SERIOUS), {"vip": False}, "general"),
        (Rules(categories=(("attitude", CRITICAL),)), {"category": "attitude"}, "critical"),
        (Rules(categories=(("attitude", CRITICAL),)), {"category": "system"}, "general"),
        (Rules(business=(("complaint", SERIOUS),)), {}, "serious"),
        (Rules(vip=CRITICAL, business=(("complaint", SERIOUS),)), {"vip": True}, "critical"),
    ],
)
def test_a_matter_begins_with_the_gravest_grade_that_a_rule_gives_it(log, rules, matter, grade):
    log.register.follow(rules)
    (opened,) = log.call(1, **matter)
    assert opened.grade == grade
    assert opened.resolve_by == NOW + rules.limit(Grade(grade)).resolve


def test_a_call_of_a_vip_raises_a_matter_that_others_began(log):
    log.register.follow(Rules(vip=CRITICAL, contacts=((2, SERIOUS),)))
    log.call(1)
    _, raised = log.call(2, vip=True)
    assert (raised.grade, raised.why) == ("critical", "vip")
    assert log.call(3, vip=True) == [ContactAdded(1, 3)]


def test_how_many_contacts_raise_a_grade_and_how_long_it_is_the_same_matter_are_the_operators(log):
    log.register.follow(Rules(contacts=((3, CRITICAL),), same_matter_for=HOUR, critical=Limit(60.0, 600.0)))
    log.call(1)
    assert log.call(2, now=NOW + 10) == [ContactAdded(1, 2)]
    _, raised = log.call(3, now=NOW + 20)
    assert (raised.grade, raised.respond_by, raised.resolve_by) == ("critical", NOW + 80, NOW + 620)
    assert isinstance(log.call(4, now=NOW + 20 + HOUR)[0], TicketOpened)


def test_rules_that_change_leave_open_matters_the_limits_that_they_have(log):
    log.call(1)
    log.register.follow(Rules(opens=("inquiry",), general=Limit(1.0, 2.0)))
    assert log.register.case(1).respond_by == NOW + 24 * HOUR
    assert log.call(2) == []
    assert log.call(3, business="inquiry")[0].respond_by == NOW + 1.0


def test_events_about_tickets_that_are_not_open_are_harmless(log):
    log.play([ContactAdded(9, 1), GradeRaised(9, "serious", ""), StateChanged(9, "closed"), OwnerSet(9, "1001")])
    assert log.register.snapshot() == {"matters": []}


calls = st.tuples(
    st.sampled_from(["call", "trigger", "advance", "follow_up", "served"]),
    st.integers(1, 6),
    st.sampled_from(["138", "139", ""]),
    st.sampled_from(["attitude", "system"]),
    st.sampled_from(list(TicketState)),
)


@given(st.lists(calls, max_size=25), st.integers(0, 25))
def test_a_restored_register_answers_as_the_one_that_was_kept(steps, cut):
    kept, restored = Log(), Log()
    for number, step in enumerate(steps):
        if number == cut:
            restored.register = Register.restore(json.loads(json.dumps(restored.register.snapshot())))
        assert do(restored, step, NOW + number) == do(kept, step, NOW + number)
    assert restored.register.snapshot() == kept.register.snapshot()


@given(st.lists(calls, max_size=25))
def test_playing_the_log_again_gives_the_same_register_and_grades_only_rise(steps):
    log, played = Log(), []
    for number, step in enumerate(steps):
        before = {each["ticket"]: Grade(each["grade"]).rank for each in log.register.snapshot()["matters"]}
        played += [(event, NOW + number) for event in do(log, step, NOW + number)]
        after = {each["ticket"]: Grade(each["grade"]).rank for each in log.register.snapshot()["matters"]}
        assert all(after[ticket] >= before[ticket] for ticket in before if ticket in after)
    again = Register()
    for event, now in played:
        again.receive(event, now)
    assert again.snapshot() == log.register.snapshot()


def do(log, step, now):
    kind, number, caller, category, state = step
    try:
        match kind:
            case "call":
                return log.call(number, caller, category, now=now)
            case "trigger":
                return log.play(log.register.trigger(number, Trigger.BROKEN_PROMISE, now), now)
            case "advance":
                return log.play(log.register.advance(number, state), now)
            case "follow_up":
                return log.play(log.register.follow_up(number, category == "system", now), now)
            case _:
                return log.play(log.register.served(number, "1001"), now)
    except TicketError:
        return []
