"""A waiting caller is offered one callback; a caller who gave up after a long wait may be called back, once."""

from __future__ import annotations

from acd import events as ev
from acd.callbacks import events as cb
from acd.callbacks.commands import CallBackAbandoned, OfferCallback
from acd.commands import Moved
from acd.decisions import Decision
from acd.policy.definitions import Requirement


def told(commands):
    return [each.call for each in commands if isinstance(each, OfferCallback)]


def abandoned(commands):
    return [each for each in commands if isinstance(each, CallBackAbandoned)]


def queued(office, call, queue="complaint", **more):
    more.setdefault("queued_at", office.now)
    more.setdefault("caller", f"1380013800{call}")
    return office.play(ev.CallQueued(call, queue, Requirement(), **more))


def turn_on(office, queue="complaint"):
    return office.play(cb.ModeSet(queue, cb.Mode.ON))


# Offers


def test_every_waiting_caller_gets_an_offer_when_the_mode_turns_on(office):
    office.busy()
    queued(office, 1)
    queued(office, 2)
    queued(office, 3, "inquiry")
    assert told(turn_on(office)) == [1, 2]
    office.play(cb.ModeSet("complaint", cb.Mode.OFF))
    assert told(turn_on(office)) == [], "once"


def test_they_are_told_by_which_rule(office):
    office.busy(waiting=1, staff=0, wait=None)
    queued(office, 1)
    (offer,) = [each for each in office.wait(30) if isinstance(each, OfferCallback)]
    assert offer.rule == "1 waiting and nobody is there"


def test_a_caller_of_an_active_mode_was_asked_on_entry_and_gets_one_more_offer_later(office):
    office.busy()
    turn_on(office)
    assert told(queued(office, 1)) == []
    assert told(office.wait(119)) == []
    assert told(office.wait(1)) == [1]
    assert told(office.wait(1000)) == []


def test_a_caller_who_no_longer_waits_gets_no_offer(office):
    office.busy()
    for call in (1, 2, 3, 4):
        queued(office, call)
    office.play(ev.Joined(1, "1001"))
    office.play(ev.CallLeftQueue(2, "message"))
    office.play(ev.CallEnded(3, "caller_hung_up"))
    assert told(turn_on(office)) == [4]


def test_a_call_of_the_hotlines_own_making_is_told_nothing(office):
    office.busy()
    office.asked()
    call = office.placed(1)
    queued(office, call, promised=True)
    assert told(turn_on(office)) == []


def test_a_moved_call_hears_the_announcements_of_its_new_queue(office):
    office.busy()
    queued(office, 1)
    queued(office, 2)
    office.play(ev.CallMoved(1, "inquiry", Requirement()))
    office.play(Moved(2, "inquiry", Decision(2, "overflow", "waited 60 s: to inquiry", office.now)))
    assert told(turn_on(office)) == []
    assert told(turn_on(office, "inquiry")) == [1, 2]


def test_a_caller_who_waits_again_after_an_agent_may_get_an_offer(office):
    office.busy()
    queued(office, 1)
    office.play(ev.Joined(1, "1001"))
    office.play(ev.Transferred(1, "1001", "queue", "inquiry"))
    assert told(turn_on(office, "inquiry")) == [1]


def test_while_the_list_is_full_nobody_is_told_and_then_everybody_is(make_office):
    office = make_office()
    office.busy(waiting=9, staff=1, wait=900.0, handling=3600.0)
    office.asked("13800138099")
    queued(office, 1)
    assert told(office.wait(30)) == []
    assert office.callbacks.mode("complaint").active
    assert told(office.play(cb.PromiseCancelled(1))) == [1]


# Given up


def test_a_caller_who_gave_up_after_a_long_wait_is_called_back_at_the_place_of_the_call(make_office):
    office = make_office(abandoned_after=60.0)
    queued(office, 7, category="attitude", language="en", priority=4, vip=True)
    office.wait(60)
    (command,) = abandoned(office.play(ev.CallEnded(7, "caller_hung_up")))
    assert command == CallBackAbandoned(
        7, "13800138007", "complaint", "attitude", "en", office.now - 60, priority=4, vip=True
    )
    assert abandoned(office.play(ev.CallEnded(7, "caller_hung_up"))) == [], "once"
    assert office.callbacks.given_up() == [command], "until the server came to it"
    office.asked(command.number, source="abandoned", call=7)
    assert office.callbacks.given_up() == []


def test_a_number_that_may_not_be_called_is_not_looked_at_for_ever(make_office):
    office = make_office(abandoned_after=60.0)
    queued(office, 7)
    office.wait(60)
    office.play(ev.CallEnded(7, "caller_hung_up"))
    office.wait(600)
    office.play(ev.CallEnded(8, "caller_hung_up"))
    assert office.callbacks.given_up() == []


def test_a_caller_who_gave_up_is_called_back_only_where_the_rules_say_so(office):
    queued(office, 7)
    office.wait(3600)
    assert office.play(ev.CallEnded(7, "caller_hung_up")) == []


def test_a_short_wait_is_not_given_up(make_office):
    office = make_office(abandoned_after=60.0)
    queued(office, 7)
    office.wait(80)
    assert office.play(ev.CallEnded(7, "caller_hung_up", ended_at=office.now - 30)) == []


def test_what_was_not_given_up_is_not_called_back(make_office):
    office = make_office(abandoned_after=60.0)
    for call in range(1, 7):
        queued(office, call)
    queued(office, 8, caller="")
    office.wait(100)
    office.play(ev.Joined(1, "1001"))
    office.play(ev.CallLeftQueue(2, "message"))
    office.asked("13800138003", call=3, source="queue")
    office.play(ev.Joined(4, "1001"))
    office.play(ev.Transferred(4, "1001", "queue", "inquiry"))
    office.wait(100)
    for call in (1, 2, 3, 4, 8):
        assert abandoned(office.play(ev.CallEnded(call, "caller_hung_up"))) == [], call
    assert abandoned(office.play(ev.CallEnded(5, "lost"))) == []
    assert len(abandoned(office.play(ev.CallEnded(6, "caller_hung_up")))) == 1


def test_a_customer_who_hangs_up_when_called_back_is_the_promises_matter(make_office):
    office = make_office(abandoned_after=60.0)
    office.asked()
    call = office.placed(1)
    queued(office, call, promised=True, queued_at=office.now - 500)
    office.dialled(1)
    office.play(cb.AttemptAnswered(call, 1, 1, "c", "u"))
    office.wait(100)
    assert abandoned(office.play(ev.CallEnded(call, "caller_hung_up"))) == []
    assert office.state(1) == "pending"
