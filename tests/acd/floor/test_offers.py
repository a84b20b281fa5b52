"""An offer: who gets it, how it ends, and what the caller and the agent notice of that."""

from __future__ import annotations

import pytest

from acd import events as ev
from acd.commands import AgentChanged, Tell, Withdraw


def test_a_call_goes_to_a_ready_agent_with_the_skill(hotline, offers):
    hotline.agent("1001", "inquiry:5")
    hotline.agent("1002", "complaint:2")
    assert offers(hotline.call("complaint")) == [(1, "1002")]


def test_a_call_waits_when_no_agent_is_ready_and_goes_to_the_agent_who_becomes_ready(hotline, offers):
    hotline.agent("1001", status=ev.Status.BREAK)
    assert offers(hotline.call()) == []
    assert offers(hotline.status("1001", "available")) == [(1, "1001")]


def test_an_agent_is_offered_one_call_at_a_time(hotline, offers):
    hotline.agent("1001")
    assert offers(hotline.call()) == [(1, "1001")]
    assert offers(hotline.call()) == []


def test_the_state_follows_the_offer(hotline, the_offer, the):
    hotline.agent("1001")
    commands = hotline.call()
    assert the(AgentChanged, commands).state == "reserved"
    offer = the_offer(commands)
    assert the(AgentChanged, hotline.play(ev.OfferRinging(offer.offer))).state == "ringing"
    changed = the(AgentChanged, hotline.play(ev.OfferAnswered(offer.offer)))
    assert (changed.state, changed.call) == ("on_call", 1)
    assert the(AgentChanged, hotline.hangs_up("1001")).state == "wrap_up"
    assert the(AgentChanged, hotline.wait(30)).state == "idle"


def test_a_caller_keeps_the_place_when_an_agent_does_not_answer(hotline, offers, the_offer):
    hotline.agent("1001")
    offer = the_offer(hotline.call())
    hotline.wait(5)
    hotline.call()
    hotline.wait(15)
    hotline.failed(offer)
    hotline.agent("1002")
    assert hotline.state("1002") == "reserved"
    assert hotline.floor.waiting()[0].call == 1
    assert hotline.floor.waiting()[0].agent == "1002"


def test_an_agent_who_did_not_answer_is_left_out_while_others_can_take_the_call(hotline, offers, the_offer):
    hotline.agent("1001", "complaint:9")
    hotline.agent("1002", "complaint:5")
    hotline.agent("1003", "complaint:1")
    first = the_offer(hotline.call())
    assert first.agent == "1001"
    second = the_offer(hotline.failed(first))
    assert second.agent == "1002"
    hotline.wait(20)
    third = the_offer(hotline.failed(second))
    assert third.agent == "1003", "1001 rested and is ready, but 1003 had no turn yet"
    hotline.wait(20)
    fourth = the_offer(hotline.failed(third))
    assert fourth.agent == "1001", "everybody had their turn: a new round"


def test_a_call_comes_back_to_its_only_agent_after_a_pause(hotline, offers, the_offer):
    hotline.agent("1001")
    offer = the_offer(hotline.call())
    assert offers(hotline.failed(offer)) == []
    assert offers(hotline.wait(9)) == []
    assert offers(hotline.wait(1)) == [(1, "1001")]


def test_being_left_out_for_one_call_does_not_keep_an_agent_from_another(hotline, offers, the_offer):
    hotline.agent("1001", "complaint:9")
    hotline.agent("1002", "complaint:5")
    first = the_offer(hotline.call())
    hotline.failed(first)
    hotline.wait(5)
    assert offers(hotline.call()) == [(2, "1001")]


def test_after_two_calls_in_a_row_that_were_not_answered_the_agent_goes_on_a_break_and_is_told(hotline, the_offer, the):
    hotline.agent("1001")
    hotline.failed(the_offer(hotline.call()))
    again = the_offer(hotline.wait(10))
    commands = hotline.failed(again)
    assert (the(Tell, commands).agent, the(Tell, commands).what) == ("1001", "break")
    changed = [each for each in commands if isinstance(each, AgentChanged)][-1]
    assert (changed.status, changed.reason, changed.state) == ("break", "no_answer", "idle")


def test_an_answered_call_in_between_starts_the_count_anew(hotline, the_offer):
    hotline.agent("1001")
    hotline.failed(the_offer(hotline.call()))
    hotline.answered(the_offer(hotline.wait(10)))
    hotline.hangs_up("1001")
    hotline.wait(30)
    hotline.failed(the_offer(hotline.call()))
    assert hotline.status_of("1001") == "available"


@pytest.mark.parametrize("outcome", ["declined", "busy", "unregistered", "lost"])
def test_only_calls_not_answered_count_towards_the_break(hotline, the_offer, outcome):
    hotline.agent("1001")
    hotline.failed(the_offer(hotline.call()), outcome)
    hotline.failed(the_offer(hotline.wait(30)), outcome)
    hotline.failed(the_offer(hotline.wait(30)), outcome)
    assert hotline.status_of("1001") == "available"


@pytest.mark.parametrize(("outcome", "rest"), [("no_answer", 5), ("declined", 5), ("busy", 10), ("unregistered", 30)])
def test_an_agent_rests_after_an_offer_that_was_not_taken(hotline, offers, the_offer, outcome, rest):
    hotline.agent("1001")
    hotline.failed(the_offer(hotline.call()), outcome)
    hotline.ends(1)
    assert offers(hotline.call()) == []
    assert offers(hotline.wait(rest - 0.5)) == []
    assert offers(hotline.wait(0.5)) == [(2, "1001")]


def test_the_offer_is_withdrawn_when_the_caller_hangs_up(hotline, the_offer, the):
    hotline.agent("1001")
    offer = the_offer(hotline.call())
    hotline.play(ev.OfferRinging(offer.offer))
    commands = hotline.ends(1)
    assert the(Withdraw, commands).offer == offer.offer
    assert hotline.state("1001") == "idle"


def test_an_agent_freed_by_a_caller_who_hung_up_takes_the_next_call_at_once(hotline, offers):
    hotline.agent("1001")
    hotline.call()
    hotline.call()
    assert offers(hotline.ends(1)) == [(2, "1001")]


def test_an_offer_of_which_nothing_is_heard_is_withdrawn_without_blame(hotline, the):
    hotline.agent("1001")
    hotline.call()
    commands = hotline.wait(25)
    assert the(Withdraw, commands).agent == "1001"
    assert hotline.floor.state.agents["1001"].misses == 0


def test_an_offer_that_rang_and_of_which_nothing_more_is_heard_was_not_answered(hotline, the_offer, the):
    hotline.agent("1001")
    hotline.play(ev.OfferRinging(the_offer(hotline.call()).offer))
    the(Withdraw, hotline.wait(25))
    assert hotline.floor.state.agents["1001"].misses == 1


def test_a_late_answer_to_a_withdrawn_offer_changes_nothing(hotline, the_offer):
    hotline.agent("1001")
    offer = the_offer(hotline.call())
    hotline.ends(1)
    assert hotline.play(ev.OfferAnswered(offer.offer)) == []
    assert hotline.state("1001") == "idle"


def test_a_detached_call_keeps_its_place_and_is_offered_to_nobody(hotline, offers):
    hotline.agent("1001", status=None)
    hotline.call()
    hotline.wait(5)
    hotline.call()
    hotline.play(ev.CallDetached(1))
    assert offers(hotline.status("1001", "available")) == [(2, "1001")]
    hotline.agent("1002")
    assert hotline.state("1002") == "idle"
    assert offers(hotline.play(ev.CallAttached(1))) == [(1, "1002")]


def test_an_offer_outstanding_when_the_caller_is_detached_is_lost_without_blame(hotline, the_offer, offers):
    hotline.agent("1001")
    offer = the_offer(hotline.call())
    hotline.play(ev.OfferRinging(offer.offer))
    hotline.play(ev.CallDetached(1))
    assert hotline.state("1001") == "idle"
    assert hotline.floor.state.agents["1001"].misses == 0
    hotline.agent("1002")
    assert offers(hotline.play(ev.CallAttached(1))) == [(1, "1002")]


def test_a_call_queued_again_after_its_server_died_keeps_its_place(hotline, offers, need):
    hotline.agent("1001", status=None)
    hotline.call()
    hotline.wait(5)
    hotline.call()
    hotline.play(ev.CallDetached(1))
    hotline.wait(5)
    hotline.play(ev.CallQueued(1, "complaint", need("complaint"), queued_at=hotline.now - 10))
    assert offers(hotline.status("1001", "available")) == [(1, "1001")]


def test_events_about_unknown_agents_calls_and_offers_change_nothing(hotline):
    before = hotline.floor.snapshot()
    for event in (
        ev.AgentRemoved("x"), ev.StatusSet("x", ev.Status.AVAILABLE), ev.PhoneSeen("x", True), ev.WrapUpEnded("x"),
        ev.WrapUpExtended("x", 5), ev.AgentOccupied("x"), ev.AgentFreed("x"), ev.CallDetached(9), ev.CallAttached(9),
        ev.CallLeftQueue(9, ""), ev.PrioritySet(9, 1), ev.CallPulled(9, "x"), ev.OfferRinging(9), ev.OfferAnswered(9),
        ev.OfferFailed(9, ev.Outcome.LOST), ev.Joined(9, "x"), ev.ConversationEnded(9, "x", "agent"),
        ev.HoldStarted(9, "x"), ev.HoldEnded(9, "x"), ev.ConsultStarted(9, "x", "y"), ev.ConsultEnded(9, "x", "y"),
        ev.Transferred(9, "x", "agent", "y"), ev.Tick(),
    ):  # fmt: skip
        assert hotline.play(event) == []
    assert hotline.floor.snapshot() == before


def test_a_call_queued_after_its_end_does_not_haunt_the_floor(hotline, need):
    hotline.call()
    hotline.ends(1)
    hotline.play(ev.CallQueued(1, "complaint", need("complaint"), queued_at=hotline.now))
    assert hotline.floor.waiting() == []


def test_the_end_of_a_call_frees_its_agent_even_if_the_end_of_the_conversation_was_not_seen(hotline, the_offer):
    hotline.agent("1001")
    hotline.answered(the_offer(hotline.call()))
    hotline.ends(1, "lost")
    assert hotline.state("1001") == "wrap_up"
    assert hotline.play(ev.ConversationEnded(1, "1001", "lost")) == []


@pytest.mark.parametrize(
    ("act", "why"),
    [
        (ev.StatusSet("1001", ev.Status.BREAK), "agent 1001 chose break"),
        (ev.StatusSet("1001", ev.Status.SIGNED_OUT), "agent 1001 chose signed_out"),
        (ev.AgentRemoved("1001"), "agent 1001 was removed"),
        (ev.AgentDefined("1001", "Li", ()), "agent 1001 lacks the skill from now on"),
    ],
)
def test_an_offer_that_is_taken_back_says_why(hotline, the, act, why):
    hotline.agent("1001")
    hotline.call()
    withdrawn = the(Withdraw, hotline.play(act))
    assert (withdrawn.outcome, withdrawn.why) == (ev.Outcome.WITHDRAWN, why)


def test_a_call_that_was_pulled_for_an_agent_without_the_skill_stays_offered(hotline, the):
    hotline.agent("1001", "inquiry:1")
    hotline.call("complaint")
    hotline.play(ev.CallPulled(1, "1001", "boss"))
    hotline.agent("1001", "inquiry:2", status=None)
    assert hotline.state("1001") == "reserved"


def test_an_outside_number_that_picked_up_has_its_time_to_press_the_key(hotline, the_offer, the):
    hotline.agent("1001")
    offer = the_offer(hotline.call())
    hotline.play(ev.OfferRinging(offer.offer))
    hotline.wait(20)
    hotline.play(ev.OfferConfirming(offer.offer, 10.0))
    assert hotline.wait(14) == []
    assert the(Withdraw, hotline.wait(2)).offer == offer.offer
    hotline.play(ev.OfferConfirming(offer.offer, 10.0))  # too late: nothing stands
