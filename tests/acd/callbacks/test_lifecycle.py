"""A promise is tried until it is kept, or until it is said why not; time ends what nobody kept."""

from __future__ import annotations

import pytest

from acd import events as ev
from acd.callbacks import events as cb
from acd.callbacks import registry
from acd.callbacks.commands import PlaceCall, PromiseChanged, StopCalling
from acd.callbacks.engine import Callbacks
from acd.callbacks.policy import CallbackPolicy, CallbackRules, Delays

HOUR = 3600.0
DAY = 24 * HOUR


def placed(commands):
    return [each.promise for each in commands if isinstance(each, PlaceCall)]


def stopped(commands):
    return [(each.promise, each.call) for each in commands if isinstance(each, StopCalling)]


def changes(commands):
    return [each.promise for each in commands if isinstance(each, PromiseChanged)]


# Trying


DELAYS = {
    "busy": 60.0,
    "no_answer": 600.0,
    "rejected": 600.0,
    "machine": 3600.0,
    "failed": 60.0,
    "agent_gone": 0.0,
    "hung_up": 60.0,
    "short": 600.0,
    "stopped": 0.0,
    "lost": 60.0,
}


@pytest.mark.parametrize(("outcome", "delay"), DELAYS.items())
def test_how_an_attempt_ended_says_when_the_next_one_comes(office, outcome, delay):
    office.asked()
    office.wait(10)
    office.dialled(1)
    assert (office.state(1), office.view(1).attempts) == ("dialling", 1)
    office.wait(20)
    commands = office.ended(1, outcome)
    assert office.state(1) == "pending"
    assert office.view(1).due_at == office.now + delay
    assert placed(commands + office.wait(delay)) == [1]
    assert office.view(1).attempts == (0 if outcome in ("failed", "stopped") else 1)


def test_every_outcome_but_one_has_a_delay():
    assert set(DELAYS) | {"unreachable"} == set(cb.AttemptOutcome)


def test_after_the_last_attempt_the_promise_is_broken_and_says_why(office):
    office.asked()
    for _ in range(3):
        office.wait(HOUR)
        office.dialled(1)
        office.ended(1, "no_answer")
    assert (office.state(1), office.view(1).reason) == ("broken", "3 attempts, the last one: no answer")
    assert placed(office.wait(DAY)) == []
    assert office.callbacks.live("13800138000") is None


def test_a_number_that_does_not_exist_is_tried_once(office):
    office.asked()
    office.dialled(1)
    office.ended(1, "unreachable")
    assert (office.state(1), office.view(1).reason) == ("broken", "there is no such number")


def test_attempts_that_rang_nobody_use_none_up(office):
    office.asked()
    for _ in range(10):
        office.wait(60)
        office.dialled(1)
        office.ended(1, "failed")
    assert (office.state(1), office.view(1).attempts) == ("pending", 0)


def test_an_attempt_that_is_told_twice_counts_once(office):
    office.asked()
    call = office.dialled(1)
    office.play(cb.AttemptStarted(call, 1, 1, 1, "1001", 40.0))
    assert office.view(1).attempts == 1
    office.play(cb.AttemptEnded(call, 1, 1, cb.AttemptOutcome.BUSY))
    office.play(cb.AttemptEnded(call, 1, 1, cb.AttemptOutcome.NO_ANSWER))
    assert (office.view(1).attempts, office.view(1).reason) == (1, "busy")
    office.play(ev.CallEnded(call, "unreached"))
    office.play(ev.CallEnded(call, "unreached"))
    assert office.view(1).due_at == office.now + 60


def test_a_call_that_ends_without_a_word_of_its_attempt_was_lost(office):
    office.asked()
    call = office.dialled(1)
    office.play(ev.CallEnded(call, "lost"))
    assert (office.state(1), office.view(1).attempts, office.view(1).reason) == (
        "pending",
        1,
        "the line was lost (lost)",
    )
    office.play(cb.AttemptEnded(call, 1, 1, cb.AttemptOutcome.BUSY))
    assert office.view(1).reason == "the line was lost (lost)", "too late"


def test_a_customer_who_answered_and_was_gone_was_abandoned_by_us(office):
    office.asked()
    call = office.dialled(1)
    office.play(cb.AttemptAnswered(call, 1, 1, "c", "u"))
    assert office.view(1).reason == "attempt 1: the customer is on the line"
    office.play(ev.CallEnded(call, "caller_hung_up"))
    assert office.view(1).reason == "hung up before an agent spoke (caller_hung_up)"


def test_a_call_that_ends_in_line_is_placed_again_after_a_while(office):
    office.asked()
    call = office.placed(1)
    assert placed(office.play(ev.CallEnded(call, "lost"))) == []
    assert placed(office.wait(60)) == [1]
    assert office.view(1).attempts == 0


def test_new_rules_hold_for_what_was_promised_before(office):
    office.asked()
    rules = CallbackRules(attempts=1, expires=HOUR)
    office.play(cb.CallbackPolicySet(CallbackPolicy(rules)))
    assert office.view(1).expires_at == office.now + HOUR
    office.dialled(1)
    office.ended(1, "busy")
    assert office.state(1) == "broken"


# Keeping


def test_a_promise_is_kept_when_they_have_spoken(office):
    office.asked()
    call = office.dialled(1)
    office.play(cb.AttemptAnswered(call, 1, 1, "c", "u"))
    office.play(ev.Joined(call, "1001"))
    assert (office.state(1), office.view(1).reason) == ("connected", "speaks with agent 1001")
    office.play(ev.ConversationEnded(call, "1001", "agent", 60.0))
    assert (office.state(1), office.view(1).reason) == ("kept", "agent 1001 spoke with the customer")
    office.play(ev.CallEnded(call, "caller_hung_up"))
    assert office.state(1) == "kept"


@pytest.mark.parametrize("kind", ["transferred", "ended"])
def test_however_the_conversation_goes_on_it_was_kept(office, kind):
    office.asked()
    call = office.dialled(1)
    office.play(ev.Joined(call, "1001"))
    office.wait(10)
    office.play(
        ev.Transferred(call, "1001", "queue", "inquiry") if kind == "transferred" else ev.CallEnded(call, "lost")
    )
    assert office.state(1) == "kept"


def test_an_outcome_heard_too_late_takes_no_conversation_back(office):
    office.asked()
    call = office.dialled(1)
    office.play(ev.Joined(call, "1001"))
    office.play(cb.AttemptEnded(call, 1, 1, cb.AttemptOutcome.LOST))
    assert office.state(1) == "connected"
    office.wait(10)
    office.play(ev.CallEnded(call, "caller_hung_up"))
    assert office.state(1) == "kept"


def test_talk_of_a_moment_keeps_nothing_and_the_customer_is_called_again(office):
    office.asked()
    call = office.dialled(1)
    office.play(ev.Joined(call, "1001"))
    assert office.view(1).connected_at == office.now
    office.wait(9)
    office.play(ev.ConversationEnded(call, "1001", "caller", 9.0))
    assert (office.state(1), office.view(1).reason) == ("connected", "agent 1001 spoke with the customer for 9 s")
    office.play(ev.CallEnded(call, "caller_hung_up"))
    view = office.view(1)
    assert (view.state, view.reason) == ("pending", "spoke too briefly to be served (9 s)")
    assert (view.attempts, view.last, view.connected_at) == (1, "short", None)
    assert placed(office.wait(600)) == [1]
    office.dialled(1)
    office.spoken(1)
    assert (office.state(1), office.view(1).connected_at) == ("kept", office.now)


def test_what_several_agents_spoke_counts_together(office):
    office.asked()
    call = office.dialled(1)
    for agent, seconds in (("1001", 6.0), ("1002", 4.0)):
        office.play(ev.Joined(call, agent))
        office.wait(seconds)
        office.play(ev.Transferred(call, agent, "agent", "1002", talked=seconds))
    assert (office.state(1), office.view(1).reason) == ("kept", "agent 1002 spoke with the customer")


def test_a_customer_who_asks_for_another_callback_was_spoken_with_however_briefly(office):
    office.asked()
    call = office.dialled(1)
    office.play(ev.Joined(call, "1001"))
    office.asked(after=office.now + 100)
    office.play(ev.CallEnded(call, "caller_hung_up"))
    assert (office.state(1), office.state(2)) == ("kept", "pending")


def test_a_queue_may_keep_its_promises_by_any_conversation(make_office):
    office = make_office(kept_after=0.0)
    office.asked()
    call = office.dialled(1)
    office.play(ev.Joined(call, "1001"))
    office.play(ev.ConversationEnded(call, "1001", "agent"))
    assert office.state(1) == "kept"


def test_an_agent_who_hears_a_machine_ends_the_attempt_as_one(office):
    office.asked()
    call = office.dialled(1)
    office.play(ev.Joined(call, "1001"))
    office.wait(30)
    office.play(cb.NobodyThere(call, 1, "1001", "1001"))
    view = office.view(1)
    assert (view.state, view.reason) == ("pending", "a machine answered: agent 1001 heard it")
    assert (view.last, view.due_at, view.connected_at) == ("machine", office.now + HOUR, None)
    office.play(ev.ConversationEnded(call, "1001", "agent", 30.0))
    office.play(ev.CallEnded(call, "unreached"))
    assert (office.view(1).state, office.view(1).due_at) == ("pending", office.now + HOUR)
    for _ in range(2):
        office.wait(HOUR)
        call = office.dialled(1)
        office.play(ev.Joined(call, "1001"))
        office.play(cb.NobodyThere(call, 1, "1001", "1001"))
        office.play(ev.CallEnded(call, "unreached"))
    assert office.state(1) == "broken"
    assert office.view(1).reason.startswith("3 attempts, the last one: a machine answered")


# One customer, two matters


def test_a_customers_phone_is_rung_for_one_matter_at_a_time(office):
    office.asked(category="attitude")
    assert placed(office.asked(category="usage")) == []
    assert office.view(2).reason == "waits for callback 1, which calls the same number first"
    assert placed(office.asked("13800138001", category="usage")) == [3], "another number waits for nobody"
    office.dialled(1)
    office.spoken(1)
    assert (office.state(1), [each.id for each in office.callbacks.due()]) == ("kept", [2, 3])
    office.dialled(2)
    office.spoken(2)
    assert office.state(2) == "kept"


def test_a_phone_that_was_just_tried_is_not_tried_at_once_for_the_other_matter(office):
    office.asked(category="attitude")
    office.asked(category="usage")
    office.dialled(1)
    commands = office.ended(1, "no_answer")
    assert placed(commands) == []
    assert office.view(2).reason == "callback 1 to the same number came first"
    assert placed(office.wait(599)) == []
    assert placed(office.wait(1)) == [1]
    for _ in range(2):
        office.dialled(1)
        office.ended(1, "no_answer")
        office.wait(600)
    assert office.state(1) == "broken"
    assert [each.id for each in office.callbacks.due()] == [2]


@pytest.mark.parametrize("event", [cb.PromiseCancelled(1), cb.PromisePostponed(1, 1e12)])
def test_a_promise_that_gives_way_lets_the_other_one_go_first(office, event):
    office.asked(category="attitude")
    office.asked(category="usage")
    assert placed(office.play(event)) == [2]
    assert stopped(office.play(cb.CallPlaced(900, 1, "13800138000"))) == [(1, 900)]


def test_a_promise_that_waits_for_another_may_be_cancelled_and_expires(make_office):
    office = make_office(expires=300.0, delays=Delays(no_answer=0.0))
    for category in ("attitude", "usage", "process"):
        office.asked(category=category)
    call = office.placed(1)
    assert stopped(office.play(cb.CallPlaced(900, 2, "13800138000"))) == [(2, 900)], "not while the first stands"
    office.play(cb.PromiseCancelled(2))
    assert office.state(2) == "cancelled"
    office.wait(300)
    assert [office.state(each) for each in (1, 3)] == ["expired", "expired"]
    office.play(ev.CallEnded(call, "stopped"))


def test_an_agents_leg_without_a_customer_keeps_nothing(office):
    office.asked()
    call = office.dialled(1)
    office.play(ev.ConversationEnded(call, "1001", "agent"))
    assert office.state(1) == "dialling"


# Time


def test_a_promise_that_nobody_kept_in_time_becomes_a_task(office):
    office.asked()
    call = office.placed(1)
    commands = office.wait(DAY)
    assert stopped(commands) == [(1, call)]
    view = office.view(1)
    assert (view.state, view.task, view.reason) == ("expired", True, "its time was over before anybody was dialled")
    assert [each.id for each in office.callbacks.promises()] == [1]
    office.wait(30 * DAY)
    assert office.view(1).task, "a task is not forgotten"
    office.play(cb.PromiseSettled(1, "1001", "wrote a letter"))
    assert (office.view(1).task, office.view(1).reason) == (False, "wrote a letter, by 1001")
    assert office.callbacks.promises() == []


def test_a_phone_that_rings_when_the_time_is_over_may_be_answered(make_office):
    office = make_office(expires=100.0)
    office.asked()
    office.wait(90)
    office.dialled(1, wait_for=30.0)
    office.wait(20)
    assert office.state(1) == "dialling"
    office.spoken(1)
    assert office.state(1) == "kept"


def test_a_phone_that_rang_in_vain_when_the_time_was_over_leaves_a_task(make_office):
    office = make_office(expires=100.0)
    office.asked()
    office.wait(90)
    office.dialled(1, wait_for=30.0)
    office.wait(20)
    office.ended(1, "no_answer")
    assert (office.state(1), office.view(1).reason) == ("expired", "its time was over after 1 attempts")


def test_an_attempt_of_which_nothing_is_heard_does_not_outlive_its_promise(make_office):
    office = make_office(expires=100.0)
    office.asked()
    office.wait(90)
    call = office.dialled(1, wait_for=30.0)
    assert stopped(office.wait(30)) == [(1, call)]
    assert office.state(1) == "expired"


def test_no_clock_ends_a_call_whose_customer_is_on_the_line(make_office):
    office = make_office(expires=100.0)
    office.asked()
    office.wait(90)
    call = office.dialled(1, wait_for=30.0)
    office.play(cb.AttemptAnswered(call, 1, 1, "c", "u"))
    office.wait(DAY)
    assert office.state(1) == "dialling"
    office.play(ev.Joined(call, "1001"))
    office.wait(DAY)
    office.play(ev.CallEnded(call, "agent_hung_up"))
    assert office.state(1) == "kept"


def test_what_is_settled_is_remembered_for_a_day(office):
    office.asked()
    office.play(cb.PromiseCancelled(1))
    office.wait(DAY - 1)
    office.play(ev.Tick())
    assert office.state(1) == "cancelled"
    office.wait(1)
    office.play(ev.Tick())
    assert office.callbacks.promise(1) is None


def test_no_more_than_so_many_settled_ones_are_remembered(monkeypatch):
    monkeypatch.setattr(registry, "MOST_SETTLED", 100)
    callbacks = Callbacks()
    callbacks.receive(cb.CallbackPolicySet(CallbackPolicy(per_day=0)), 0.0)
    for number in range(1, 111):
        callbacks.receive(cb.PromiseAsked(str(number), "complaint"), 0.0)
        callbacks.receive(cb.PromiseCancelled(number), 0.0)
    assert callbacks.promise(10) is None
    assert callbacks.promise(11) is not None


# Numbers that nobody confirmed

WHY = "hung up before they confirmed the number"


def unconfirmed(office, **more):
    return office.asked(source="hung_up", unconfirmed=WHY, **more)


def test_a_number_that_nobody_confirmed_is_a_task_and_never_dialled(office):
    commands = unconfirmed(office)
    commands += office.wait(2 * DAY)
    assert placed(commands) == []
    view = office.view(1)
    assert (view.state, view.task, view.live, view.reason) == ("unconfirmed", True, False, WHY)
    assert office.callbacks.promises() == [view]
    assert office.callbacks.live("13800138000") is None
    office.play(cb.PromiseSettled(1, "9001", "rang them"))
    assert office.callbacks.promises() == []


def test_a_number_begun_again_is_one_task(office):
    unconfirmed(office)
    unconfirmed(office)
    unconfirmed(office, category="attitude")
    assert [(each.id, each.asked) for each in office.callbacks.promises()] == [(1, 2), (2, 1)]


def test_a_number_that_is_called_back_anyway_is_no_task(office):
    office.asked()
    unconfirmed(office)
    assert [(each.id, each.state) for each in office.callbacks.promises()] == [(1, "pending")]
    office.dialled(1)
    office.play(cb.AttemptAnswered(office.view(1).call, 1, 1, "c", "u"))
    office.play(ev.Joined(office.view(1).call, "1001"))
    unconfirmed(office)
    assert [(each.id, each.state) for each in office.callbacks.promises()] == [(1, "connected")]


def test_the_task_is_settled_when_the_number_is_confirmed_after_all(office):
    unconfirmed(office)
    assert placed(office.asked(source="flow")) == [2]
    assert [each.id for each in office.callbacks.promises()] == [2]
    assert office.view(1).reason == "asked for again, and confirmed: callback 2"
    unconfirmed(office)
    assert office.state(1) == "unconfirmed"
    assert not office.view(1).task


def test_numbers_that_nobody_confirmed_obey_the_limits_unless_it_was_said_to_the_person(office):
    office.play(cb.CallbackPolicySet(CallbackPolicy(per_day=1)))
    unconfirmed(office)
    unconfirmed(office, number="13800138001")
    assert [each.number for each in office.callbacks.promises()] == ["13800138000"]
    office.asked("4008001234", source="fallback", unconfirmed="is not called back")
    assert [each.number for each in office.callbacks.promises()] == ["13800138000", "4008001234"]
