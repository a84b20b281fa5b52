"""A promise is made once for a number and matter, and a person's word about it counts at once."""

from __future__ import annotations

import json

import pytest

from acd import events as ev
from acd.callbacks import events as cb
from acd.callbacks.commands import PlaceCall, PromiseChanged, StopCalling
from acd.callbacks.engine import Callbacks
from acd.policy.definitions import Requirement

HOUR = 3600.0
DAY = 24 * HOUR


def placed(commands):
    return [each.promise for each in commands if isinstance(each, PlaceCall)]


def stopped(commands):
    return [(each.promise, each.call) for each in commands if isinstance(each, StopCalling)]


def changes(commands):
    return [each.promise for each in commands if isinstance(each, PromiseChanged)]


# Making


def test_a_promise_is_to_be_placed_at_once_and_keeps_the_place_of_the_wait(office):
    commands = office.asked(category="attitude", queued_at=office.now - 300, priority=5, call=17, source="queue")
    assert placed(commands) == [1]
    (view,) = changes(commands)
    assert (view.state, view.queued_at, view.priority, view.origin) == ("pending", office.now - 300, 5, 17)
    assert (view.due_at, view.expires_at) == (office.now, office.now + DAY)
    assert placed(office.wait(HOUR)) == [], "it is said once"
    assert [each.id for each in office.callbacks.due()] == [1]


def test_a_call_that_stands_in_line_answers_it(office):
    office.asked()
    call = office.placed(1)
    assert office.callbacks.due() == []
    assert (office.state(1), office.view(1).call, office.view(1).reason) == ("pending", call, "in line for an agent")
    assert office.callbacks.of_call(call).id == 1


def test_a_caller_who_asks_for_a_later_call_is_called_later(office):
    assert placed(office.asked(after=office.now + 2 * HOUR)) == []
    assert office.view(1).expires_at == office.now + 2 * HOUR + DAY, "time runs from when it may be kept"
    assert placed(office.wait(2 * HOUR - 1)) == []
    assert placed(office.wait(1)) == [1]


def test_promises_that_are_due_together_are_placed_by_their_place(office):
    opening = office.now + HOUR
    office.asked("13800138001", queued_at=office.now - 10, after=opening)
    office.asked("13800138002", queued_at=office.now - 20, after=opening)
    office.asked("13800138003", queued_at=office.now, after=opening, priority=1)
    assert placed(office.wait(HOUR)) == [3, 2, 1]
    assert [each.id for each in office.callbacks.due()] == [3, 2, 1]


def test_a_second_wish_joins_the_live_promise_and_never_makes_its_place_worse(office):
    office.asked(category="attitude", queued_at=office.now - 100, after=office.now + HOUR)
    office.wait(60)
    (view,) = changes(office.asked(category="attitude", queued_at=office.now, vip=True, priority=3, owner="1001"))
    assert (view.id, view.asked, view.vip, view.priority, view.owner) == (1, 2, True, 3, "1001")
    assert view.queued_at == office.now - 160
    assert view.due_at == office.now, "asked for now, it is no more for later"
    assert view.reason == "asked for again, 2 times in all"
    assert len(office.callbacks.promises()) == 1


def test_asking_again_does_not_call_a_busy_number_at_once(office):
    office.asked()
    office.dialled(1)
    office.ended(1, "busy")
    assert placed(office.asked()) == []
    assert placed(office.wait(60)) == [1]


def test_one_number_may_have_promises_for_several_categories(office):
    office.asked(category="attitude")
    office.asked(category="usage")
    assert [each.id for each in office.callbacks.promises()] == [1, 2]
    assert office.callbacks.live("13800138000").id == 1
    assert office.callbacks.live("13800138000", "usage").id == 2
    assert office.callbacks.live("13800138000", "process") is None
    assert office.callbacks.live("10086") is None


def test_what_is_asked_for_in_the_conversation_is_a_promise_of_its_own(office):
    office.asked()
    call = office.dialled(1)
    office.play(cb.AttemptAnswered(call, 1, 1, "c", "u"))
    office.play(ev.Joined(call, "1001"))
    assert office.callbacks.why_not("13800138000", "complaint", office.now) == ""
    later = office.now + 3 * HOUR
    office.asked(source="agent", after=later)
    assert office.callbacks.live("13800138000").id == 2, "the one that waits comes first"
    office.play(ev.ConversationEnded(call, "1001", "agent"))
    assert [(each.id, each.due_at) for each in office.callbacks.promises()] == [(2, later)]
    assert office.view(1).state == "kept"
    assert office.callbacks.live("13800138000", "complaint").id == 2


def test_without_a_category_the_queue_tells_matters_apart(office):
    office.asked(queue="inquiry")
    office.asked(queue="orders")
    office.asked(queue="orders")
    assert [(each.id, each.queue, each.asked) for each in office.callbacks.promises()] == [
        (1, "inquiry", 1),
        (2, "orders", 2),
    ]
    assert office.callbacks.live("13800138000", "orders").id == 2


def test_after_a_settled_promise_a_new_one_can_be_made(office):
    office.asked()
    office.play(cb.PromiseCancelled(1))
    office.asked()
    assert [(each.id, each.state) for each in office.callbacks.promises()] == [(2, "pending")]


@pytest.mark.parametrize("source", ["api", "agent", "abandoned"])
def test_beyond_its_limit_a_number_is_refused_where_limits_are_asked_first(make_office, source):
    office = make_office(per_number_per_day=2)
    for _ in range(2):
        office.asked(source=source)
        office.play(cb.PromiseCancelled(office.callbacks.live("13800138000").id))
    why = office.callbacks.why_not("13800138000", "", office.now)
    assert why == "13800138000 was promised 2 calls in 24 hours: no more than 2 are made"
    assert office.asked(source=source) == []
    assert office.callbacks.why_not("13900139000", "", office.now) == ""
    office.wait(DAY)
    assert office.callbacks.why_not("13800138000", "", office.now) == ""
    assert changes(office.asked(source=source))


@pytest.mark.parametrize("source", ["flow", "queue", "fallback", "shutdown"])
def test_what_was_said_to_a_person_is_promised_beyond_every_limit(make_office, source):
    office = make_office(per_number_per_day=1, per_day=1)
    office.asked("13800138001")
    office.play(cb.PromiseCancelled(1))
    assert changes(office.asked("13800138001", source=source))


def test_there_is_a_limit_for_all_together(make_office):
    office = make_office(per_day=2)
    office.asked("13800138001")
    office.wait(HOUR)
    office.asked("13800138002")
    why = office.callbacks.why_not("13800138003", "", office.now)
    assert why == "2 calls were promised in 24 hours: no more than 2 are made in all"
    assert office.callbacks.why_not("13800138001", "complaint", office.now) == "", (
        "it is promised one already: it joins"
    )
    assert office.callbacks.why_not("13800138003", "", office.now + 23 * HOUR) == ""


def test_nobody_is_promised_a_call_to_no_number(office):
    assert office.asked("") == []


# A person's word


def test_a_cancelled_promise_is_not_called(office):
    office.asked(after=office.now + HOUR)
    commands = office.play(cb.PromiseCancelled(1, "9001", "solved by mail"))
    assert (office.state(1), office.view(1).reason, stopped(commands)) == ("cancelled", "solved by mail, by 9001", [])
    assert office.wait(DAY - 1) == []


def test_cancelling_ends_the_call_that_stands_for_it(office):
    office.asked()
    call = office.placed(1)
    assert stopped(office.play(cb.PromiseCancelled(1, waits_in=99))) == [(1, call)]
    assert office.view(1).reason == "waits in call 99"
    assert [(each.promise, each.call) for each in office.callbacks.stopping()] == [(1, call)]
    office.play(ev.CallEnded(call, "stopped"))
    assert office.callbacks.stopping() == []
    assert (office.state(1), office.callbacks.due()) == ("cancelled", [])


def test_cancelled_while_it_rings_the_attempt_does_not_count(office):
    office.asked()
    call = office.dialled(1)
    assert stopped(office.play(cb.PromiseCancelled(1))) == [(1, call)]
    office.ended(1, "stopped", "stopped")
    assert (office.state(1), office.view(1).attempts) == ("cancelled", 0)


def test_a_customer_who_speaks_already_is_not_cut_off(office):
    office.asked()
    call = office.dialled(1)
    office.play(ev.Joined(call, "1001"))
    assert office.play(cb.PromiseCancelled(1)) == []
    assert office.play(cb.PromisePostponed(1, office.now + HOUR)) == []
    assert office.state(1) == "connected"


def test_postponed_in_line_it_leaves_the_line_and_comes_back_at_its_place(office):
    office.asked(queued_at=office.now - 500)
    call = office.placed(1)
    assert stopped(office.play(cb.PromisePostponed(1, office.now + HOUR, "1001", "after six"))) == [(1, call)]
    assert (office.view(1).due_at, office.view(1).reason) == (office.now + HOUR, "after six, by 1001")
    office.play(ev.CallEnded(call, "stopped"))
    assert office.view(1).due_at == office.now + HOUR
    assert placed(office.wait(HOUR - 1)) == []
    assert placed(office.wait(1)) == [1]
    assert office.view(1).queued_at == office.now - HOUR - 500


def test_postponed_while_it_rings_it_is_pending_again_when_that_is_over(office):
    office.asked()
    call = office.dialled(1)
    assert stopped(office.play(cb.PromisePostponed(1, office.now + HOUR))) == [(1, call)]
    assert office.state(1) == "dialling"
    office.ended(1, "stopped", "stopped")
    view = office.view(1)
    assert (view.state, view.due_at, view.attempts, view.reason) == ("pending", office.now + HOUR, 0, "postponed")


def test_a_customer_who_spoke_in_spite_of_a_cancellation_was_dialled_once(office):
    office.asked()
    office.placed(1)
    office.play(cb.PromiseCancelled(1))
    call = office.view(1).call
    office.play(cb.AttemptStarted(call, 1, 1, 1, "1001", 40.0))
    office.spoken(1)
    assert (office.state(1), office.view(1).attempts) == ("cancelled", 1)


def test_a_customer_who_answers_the_last_attempt_and_says_later_is_called_later(make_office):
    office = make_office(attempts=1)
    office.asked()
    call = office.dialled(1)
    office.play(cb.AttemptAnswered(call, 1, 1, "c", "u"))
    office.play(cb.PromisePostponed(1, office.now + HOUR, "customer", "later"))
    office.ended(1, "hung_up", "caller_hung_up")
    view = office.view(1)
    assert (view.state, view.due_at, view.attempts) == ("pending", office.now + HOUR, 0)
    assert view.reason == "later, by customer"


def test_postponed_because_the_window_is_closed_its_time_runs_from_the_opening(office):
    office.asked()
    office.play(cb.PromisePostponed(1, office.now + 60 * HOUR, "hotline", "no calls before 09:00"))
    assert office.callbacks.due() == []
    assert placed(office.wait(60 * HOUR)) == [1]
    assert office.view(1).expires_at == office.now + DAY


def test_a_person_may_call_earlier_than_the_delay_says(office):
    office.asked()
    office.dialled(1)
    office.ended(1, "machine")
    assert placed(office.play(cb.PromisePostponed(1, office.now))) == [1]


def test_a_new_priority_is_for_the_next_call(office):
    office.asked()
    (view,) = changes(office.play(cb.PromisePrioritised(1, 30, "9001", "the press")))
    assert (view.priority, view.reason) == (30, "the press, by 9001")


def test_a_promise_follows_its_call_to_another_queue(office):
    office.asked()
    call = office.placed(1)
    office.play(ev.CallMoved(call, "inquiry", Requirement()))
    assert office.view(1).queue == "inquiry"


# Races


def test_a_call_placed_for_a_promise_that_was_cancelled_meanwhile_is_stopped(office):
    office.asked()
    office.play(cb.PromiseCancelled(1))
    assert stopped(office.play(cb.CallPlaced(7, 1, "13800138000"))) == [(1, 7)]
    assert stopped(office.play(cb.AttemptStarted(7, 1, 1, 1, "1001", 40.0))) == [(1, 7)]
    office.play(ev.CallEnded(7, "stopped"))
    assert (office.state(1), office.view(1).attempts, office.callbacks.stopping()) == ("cancelled", 0, [])


def test_a_call_placed_for_a_promise_that_was_postponed_meanwhile_is_stopped(office):
    office.asked()
    office.play(cb.PromisePostponed(1, office.now + HOUR))
    assert stopped(office.play(cb.CallPlaced(7, 1, "13800138000"))) == [(1, 7)]
    office.play(ev.CallEnded(7, "stopped"))
    assert placed(office.wait(HOUR)) == [1]


def test_a_second_call_for_one_promise_is_stopped(office):
    office.asked()
    first = office.placed(1)
    assert stopped(office.play(cb.CallPlaced(7, 1, "13800138000"))) == [(1, 7)]
    assert office.play(cb.CallPlaced(first, 1, "13800138000")) == [], "told twice"
    office.play(ev.CallEnded(7, "stopped"))
    assert (office.view(1).call, office.state(1)) == (first, "pending")


def test_a_call_for_no_promise_is_stopped(office):
    assert stopped(office.play(cb.CallPlaced(7, 99, "13800138000"))) == [(99, 7)]
    assert stopped(office.play(cb.AttemptStarted(8, 99, 1, 1, "1001", 40.0))) == [(99, 8)]


def test_dialled_in_spite_of_a_postponement_it_counts_what_really_happened(office):
    office.asked()
    call = office.placed(1)
    office.play(cb.PromisePostponed(1, office.now + HOUR))
    assert stopped(office.play(cb.AttemptStarted(call, 1, 1, 1, "1001", 40.0))) == [(1, call)]
    office.spoken(1)
    assert (office.state(1), office.view(1).attempts) == ("kept", 1)


def test_a_snapshot_of_another_version_is_refused(office):
    saved = json.loads(json.dumps(office.callbacks.snapshot()))
    with pytest.raises(ValueError, match="the promises' snapshot has version 99"):
        Callbacks.restore(saved | {"version": 99})
