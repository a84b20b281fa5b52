"""What counts against an agent, how often in a row, and what becomes of a caller whose conversation broke off."""

from __future__ import annotations

import pytest

from acd import events as ev
from acd.commands import AgentChanged, Tell


def broken(hotline, the_offer, commands, outcome="dropped", **again):
    """The agent picks up the offered call, and the conversation breaks off; the caller waits again."""
    offer = the_offer(commands)
    hotline.answered(offer)
    asked = hotline.floor.asked(offer.call)
    ended = hotline.play(ev.ConversationEnded(offer.call, offer.agent, "agent", 1.0, broken=ev.Outcome(outcome)))
    return ended + hotline.play(ev.CallQueued(offer.call, asked.queue, asked.requirement, asked.queued_at, **again))


def test_a_redirected_call_counts_as_one_that_was_not_answered(hotline, the_offer, the):
    hotline.agent("1001")
    hotline.failed(the_offer(hotline.call()), "redirected")
    commands = hotline.failed(the_offer(hotline.wait(10)), "no_answer")
    assert the(Tell, commands).what == "break"
    assert (hotline.status_of("1001"), hotline.floor.agent("1001").reason) == ("break", "no_answer")


def test_an_agent_who_drops_callers_is_on_a_break_after_as_many_and_never_in_wrap_up(hotline, the_offer, offers):
    hotline.agent("1001")
    commands = broken(hotline, the_offer, hotline.call())
    assert hotline.state("1001") == "idle"
    assert offers(commands) == []
    broken(hotline, the_offer, hotline.wait(5))
    assert (hotline.status_of("1001"), hotline.floor.agent("1001").reason) == ("break", "no_answer")
    assert hotline.state("1001") == "idle"


def test_a_dropped_caller_is_at_the_old_place(hotline, the_offer, offers):
    hotline.agent("1001")
    first = hotline.call()
    hotline.wait(5)
    hotline.call()
    broken(hotline, the_offer, first)
    assert [each.call for each in hotline.floor.waiting()] == [1, 2]
    assert offers(hotline.agent("1002")) == [(1, "1002")]


def test_a_dropped_call_is_no_recent_one_and_teaches_no_handling_time(hotline, the_offer):
    hotline.agent("1001")
    before = hotline.floor.state.estimates["complaint"].handling
    broken(hotline, the_offer, hotline.call())
    agent = hotline.floor.state.agents["1001"]
    assert agent.recent_calls(hotline.now) == 0
    assert hotline.floor.state.estimates["complaint"].handling == before


def test_picking_up_does_not_end_the_count_but_a_conversation_does(hotline, the_offer):
    hotline.agent("1001")
    hotline.failed(the_offer(hotline.call()))
    hotline.answered(the_offer(hotline.wait(10)))
    assert hotline.floor.state.agents["1001"].misses == 1
    hotline.hangs_up("1001")
    assert hotline.floor.state.agents["1001"].misses == 0


def test_choosing_available_while_available_does_not_end_the_count(hotline, the_offer):
    hotline.agent("1001")
    hotline.failed(the_offer(hotline.call()))
    hotline.status("1001", "available")
    assert hotline.floor.state.agents["1001"].misses == 1


@pytest.mark.parametrize("outcome", ["declined", "busy", "unregistered"])
def test_each_kind_of_refusal_has_a_limit_of_its_own(make_hotline, the_offer, outcome):
    hotline = make_hotline(break_after={"declined": 2, "busy": 2, "unregistered": 2})
    hotline.agent("1001")
    hotline.failed(the_offer(hotline.call()), outcome)
    other = next(each for each in ("declined", "busy", "unregistered") if each != outcome)
    hotline.failed(the_offer(hotline.wait(30)), other)
    assert hotline.status_of("1001") == "available"
    commands = hotline.failed(the_offer(hotline.wait(30)), outcome)
    assert "break" in [each.what for each in commands if isinstance(each, Tell)]
    changed = [each for each in commands if isinstance(each, AgentChanged)][-1]
    assert (changed.status, changed.reason) == ("break", outcome)


def test_no_limit_means_no_break(make_hotline, the_offer):
    hotline = make_hotline(break_after={"declined": 0})
    hotline.agent("1001")
    hotline.failed(the_offer(hotline.call()), "declined")
    for _ in range(20):
        hotline.failed(the_offer(hotline.wait(10)), "declined")
    assert hotline.status_of("1001") == "available"


def test_an_agent_who_chose_a_break_during_a_call_that_is_dropped_has_it(hotline, the_offer):
    hotline.agent("1001")
    offer = the_offer(hotline.call())
    hotline.answered(offer)
    hotline.status("1001", "break", "meal")
    hotline.play(ev.ConversationEnded(1, "1001", "agent", broken=ev.Outcome.DROPPED))
    assert (hotline.status_of("1001"), hotline.floor.agent("1001").reason) == ("break", "meal")


# The phone was lost


def lost(hotline, the_offer, commands):
    offer = the_offer(commands)
    hotline.play(ev.OfferAnswered(offer.offer))
    hotline.wait(60)
    hotline.play(ev.PhoneSeen("1001", False))
    asked = hotline.floor.asked(1)
    ended = hotline.play(ev.ConversationEnded(1, "1001", "lost", 60.0, broken=ev.Outcome.LOST))
    again = ev.CallQueued(1, asked.queue, asked.requirement, asked.queued_at, first=True)
    return ended + hotline.play(again)


def test_a_caller_who_was_cut_off_is_before_all_others(hotline, the_offer, offers):
    hotline.agent("1001")
    commands = hotline.call()
    hotline.call("inquiry", priority=90, queued_at=hotline.now - 5000)
    lost(hotline, the_offer, commands)
    hotline.agent("1002", "complaint:1", "inquiry:1", status=None)
    assert offers(hotline.status("1002", "available")) == [(1, "1002")]


def test_an_agent_whose_phone_was_lost_is_unreachable_and_not_in_wrap_up(hotline, the_offer):
    hotline.agent("1001")
    lost(hotline, the_offer, hotline.call())
    view = hotline.floor.agent("1001")
    assert (view.state, view.status, view.phone) == ("idle", "available", False)
    assert hotline.floor.state.agents["1001"].misses == 0


def test_a_phone_that_is_back_in_time_gets_the_same_caller_back(hotline, the_offer, offers):
    hotline.agent("1001")
    lost(hotline, the_offer, hotline.call())
    hotline.wait(19)
    assert offers(hotline.play(ev.PhoneSeen("1001", True))) == [(1, "1001")]


def test_nothing_is_kept_for_an_agent_who_is_on_a_break_when_the_phone_is_back(hotline, the_offer, offers):
    hotline.agent("1001")
    lost(hotline, the_offer, hotline.call())
    hotline.status("1001", "break")
    hotline.play(ev.PhoneSeen("1001", True))
    assert hotline.floor.waiting()[0].agent == ""
    assert offers(hotline.agent("1002")) == [(1, "1002")]


def test_a_colleague_who_is_free_meanwhile_takes_the_caller(hotline, the_offer, offers):
    hotline.agent("1001")
    lost(hotline, the_offer, hotline.call())
    assert offers(hotline.agent("1002")) == [(1, "1002")]
    hotline.play(ev.PhoneSeen("1001", True))
    assert hotline.state("1001") == "idle"
