"""An offer: who gets it, how it ends, and what the caller and the agent notice of that."""

from __future__ import annotations

import pytest

from acd import events as ev
from acd.commands import AgentChanged, Tell, Withdraw


def test_a_call_goes_to_a_ready_agent_with_the_skill(house, offers):
    house.agent("1001", "inquiry:5")
    house.agent("1002", "complaint:2")
    assert offers(house.call("complaint")) == [(1, "1002")]


def test_a_call_waits_when_nobody_is_ready_and_goes_to_who_becomes_ready(house, offers):
    house.agent("1001", status=ev.Status.BREAK)
    assert offers(house.call()) == []
    assert offers(house.status("1001", "available")) == [(1, "1001")]


def test_an_agent_is_offered_one_call_at_a_time(house, offers):
    house.agent("1001")
    assert offers(house.call()) == [(1, "1001")]
    assert offers(house.call()) == []


def test_the_state_follows_the_offer(house, the_offer, the):
    house.agent("1001")
    commands = house.call()
    assert the(AgentChanged, commands).state == "reserved"
    offer = the_offer(commands)
    assert the(AgentChanged, house.play(ev.OfferRinging(offer.offer))).state == "ringing"
    changed = the(AgentChanged, house.play(ev.OfferAnswered(offer.offer)))
    assert (changed.state, changed.call) == ("on_call", 1)
    assert the(AgentChanged, house.hangs_up("1001")).state == "wrap_up"
    assert the(AgentChanged, house.wait(30)).state == "idle"


def test_a_caller_keeps_the_place_when_an_agent_does_not_answer(house, offers, the_offer):
    house.agent("1001")
    offer = the_offer(house.call())
    house.wait(5)
    house.call()
    house.wait(15)
    house.failed(offer)
    house.agent("1002")
    assert house.state("1002") == "reserved"
    assert house.floor.waiting()[0].call == 1
    assert house.floor.waiting()[0].agent == "1002"


def test_an_agent_who_did_not_answer_is_left_out_while_others_can_take_the_call(house, offers, the_offer):
    house.agent("1001", "complaint:9")
    house.agent("1002", "complaint:5")
    house.agent("1003", "complaint:1")
    first = the_offer(house.call())
    assert first.agent == "1001"
    second = the_offer(house.failed(first))
    assert second.agent == "1002"
    house.wait(20)
    third = the_offer(house.failed(second))
    assert third.agent == "1003", "1001 rested and is ready, but 1003 had no turn yet"
    house.wait(20)
    fourth = the_offer(house.failed(third))
    assert fourth.agent == "1001", "everybody had their turn: a new round"


def test_a_call_comes_back_to_its_only_agent_after_a_pause(house, offers, the_offer):
    house.agent("1001")
    offer = the_offer(house.call())
    assert offers(house.failed(offer)) == []
    assert offers(house.wait(9)) == []
    assert offers(house.wait(1)) == [(1, "1001")]


def test_being_left_out_for_one_call_does_not_keep_an_agent_from_another(house, offers, the_offer):
    house.agent("1001", "complaint:9")
    house.agent("1002", "complaint:5")
    first = the_offer(house.call())
    house.failed(first)
    house.wait(5)
    assert offers(house.call()) == [(2, "1001")]


def test_after_two_calls_in_a_row_that_were_not_answered_the_agent_goes_on_a_break_and_is_told(house, the_offer, the):
    house.agent("1001")
    house.failed(the_offer(house.call()))
    again = the_offer(house.wait(10))
    commands = house.failed(again)
    assert (the(Tell, commands).agent, the(Tell, commands).what) == ("1001", "break")
    changed = [each for each in commands if isinstance(each, AgentChanged)][-1]
    assert (changed.status, changed.reason, changed.state) == ("break", "no_answer", "idle")


def test_an_answered_call_in_between_starts_the_count_anew(house, the_offer):
    house.agent("1001")
    house.failed(the_offer(house.call()))
    house.answered(the_offer(house.wait(10)))
    house.hangs_up("1001")
    house.wait(30)
    house.failed(the_offer(house.call()))
    assert house.status_of("1001") == "available"


@pytest.mark.parametrize("outcome", ["declined", "busy", "unregistered", "lost"])
def test_only_calls_not_answered_count_towards_the_break(house, the_offer, outcome):
    house.agent("1001")
    house.failed(the_offer(house.call()), outcome)
    house.failed(the_offer(house.wait(30)), outcome)
    house.failed(the_offer(house.wait(30)), outcome)
    assert house.status_of("1001") == "available"


@pytest.mark.parametrize(("outcome", "rest"), [("no_answer", 5), ("declined", 5), ("busy", 10), ("unregistered", 30)])
def test_an_agent_rests_after_an_offer_that_was_not_taken(house, offers, the_offer, outcome, rest):
    house.agent("1001")
    house.failed(the_offer(house.call()), outcome)
    house.ends(1)
    assert offers(house.call()) == []
    assert offers(house.wait(rest - 0.5)) == []
    assert offers(house.wait(0.5)) == [(2, "1001")]


def test_the_offer_is_withdrawn_when_the_caller_hangs_up(house, the_offer, the):
    house.agent("1001")
    offer = the_offer(house.call())
    house.play(ev.OfferRinging(offer.offer))
    commands = house.ends(1)
    assert the(Withdraw, commands).offer == offer.offer
    assert house.state("1001") == "idle"


def test_an_agent_freed_by_a_caller_who_hung_up_takes_the_next_call_at_once(house, offers):
    house.agent("1001")
    house.call()
    house.call()
    assert offers(house.ends(1)) == [(2, "1001")]


def test_an_offer_of_which_nothing_is_heard_is_withdrawn_without_blame(house, the):
    house.agent("1001")
    house.call()
    commands = house.wait(25)
    assert the(Withdraw, commands).agent == "1001"
    assert house.floor.state.agents["1001"].misses == 0


def test_an_offer_that_rang_and_of_which_nothing_more_is_heard_was_not_answered(house, the_offer, the):
    house.agent("1001")
    house.play(ev.OfferRinging(the_offer(house.call()).offer))
    the(Withdraw, house.wait(25))
    assert house.floor.state.agents["1001"].misses == 1


def test_a_late_answer_to_a_withdrawn_offer_changes_nothing(house, the_offer):
    house.agent("1001")
    offer = the_offer(house.call())
    house.ends(1)
    assert house.play(ev.OfferAnswered(offer.offer)) == []
    assert house.state("1001") == "idle"


def test_a_detached_call_keeps_its_place_and_is_offered_to_nobody(house, offers):
    house.agent("1001", status=None)
    house.call()
    house.wait(5)
    house.call()
    house.play(ev.CallDetached(1))
    assert offers(house.status("1001", "available")) == [(2, "1001")]
    house.agent("1002")
    assert house.state("1002") == "idle"
    assert offers(house.play(ev.CallAttached(1))) == [(1, "1002")]


def test_an_offer_outstanding_when_the_caller_is_detached_is_lost_without_blame(house, the_offer, offers):
    house.agent("1001")
    offer = the_offer(house.call())
    house.play(ev.OfferRinging(offer.offer))
    house.play(ev.CallDetached(1))
    assert house.state("1001") == "idle"
    assert house.floor.state.agents["1001"].misses == 0
    house.agent("1002")
    assert offers(house.play(ev.CallAttached(1))) == [(1, "1002")]


def test_a_call_queued_again_after_its_server_died_keeps_its_place(house, offers, need):
    house.agent("1001", status=None)
    house.call()
    house.wait(5)
    house.call()
    house.play(ev.CallDetached(1))
    house.wait(5)
    house.play(ev.CallQueued(1, "complaint", need("complaint"), queued_at=house.now - 10))
    assert offers(house.status("1001", "available")) == [(1, "1001")]


def test_events_about_unknown_agents_calls_and_offers_change_nothing(house):
    before = house.floor.snapshot()
    for event in (
        ev.AgentRemoved("x"), ev.StatusSet("x", ev.Status.AVAILABLE), ev.PhoneSeen("x", True), ev.WrapUpEnded("x"),
        ev.WrapUpExtended("x", 5), ev.AgentOccupied("x"), ev.AgentFreed("x"), ev.CallDetached(9), ev.CallAttached(9),
        ev.CallLeftQueue(9, ""), ev.PrioritySet(9, 1), ev.CallPulled(9, "x"), ev.OfferRinging(9), ev.OfferAnswered(9),
        ev.OfferFailed(9, ev.Outcome.LOST), ev.Joined(9, "x"), ev.ConversationEnded(9, "x", "agent"),
        ev.HoldStarted(9, "x"), ev.HoldEnded(9, "x"), ev.ConsultStarted(9, "x", "y"), ev.ConsultEnded(9, "x", "y"),
        ev.Transferred(9, "x", "agent", "y"), ev.Tick(),
    ):  # fmt: skip
        assert house.play(event) == []
    assert house.floor.snapshot() == before


def test_a_call_queued_after_its_end_does_not_haunt_the_floor(house, need):
    house.call()
    house.ends(1)
    house.play(ev.CallQueued(1, "complaint", need("complaint"), queued_at=house.now))
    assert house.floor.waiting() == []


def test_the_end_of_a_call_frees_its_agent_even_if_the_end_of_the_conversation_was_not_seen(house, the_offer):
    house.agent("1001")
    house.answered(the_offer(house.call()))
    house.ends(1, "lost")
    assert house.state("1001") == "wrap_up"
    assert house.play(ev.ConversationEnded(1, "1001", "lost")) == []
