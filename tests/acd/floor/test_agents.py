"""The agent's two axes, the wrap-up, and calls that were not routed."""

from __future__ import annotations

import pytest

from acd import events as ev
from acd.commands import AgentChanged, Tell, Withdraw
from acd.floor.agents import STATUS_TAKES_EFFECT, TRANSITIONS, Agent, AgentState


def house_of(make_hotline, mode, **more):
    wrap = {"mode": mode, "seconds": 30, "longest": 100}
    queues = {"complaint": {"skill": "complaint", "wrap_up": wrap, **more}, "inquiry": {"skill": "inquiry"}}
    return make_hotline(queues=queues)


def talking(make_hotline, the_offer, mode="timed"):
    hotline = house_of(make_hotline, mode)
    hotline.agent("1001", "complaint:5", "inquiry:5")
    hotline.answered(the_offer(hotline.call()))
    hotline.wait(60)
    return hotline


def test_ready_needs_both_axes():
    agent = Agent("1001", 0.0)
    for status in ev.Status:
        for state in AgentState:
            agent.status, agent.state = status, state
            assert agent.is_ready(0.0) is (status is ev.Status.AVAILABLE and state is AgentState.IDLE)


def test_every_state_has_a_way_in_and_out_and_an_answer_to_a_new_status():
    assert {before for before, _ in TRANSITIONS} == set(AgentState)
    assert set(TRANSITIONS.values()) == set(AgentState)
    assert set(STATUS_TAKES_EFFECT) == set(AgentState)


def test_a_break_chosen_during_a_call_begins_after_it(make_hotline, the_offer, the):
    hotline = talking(make_hotline, the_offer)
    commands = hotline.status("1001", "break", "lunch")
    assert the(Tell, commands).detail == "break when the call is over"
    assert the(AgentChanged, commands).pending == "break"
    assert hotline.status_of("1001") == "available"
    hotline.hangs_up("1001")
    assert (hotline.status_of("1001"), hotline.state("1001")) == ("break", "wrap_up")
    hotline.wait(30)
    assert hotline.state("1001") == "idle"


def test_sign_out_waits_for_the_call_and_ends_the_wrap_up(make_hotline, the_offer):
    hotline = talking(make_hotline, the_offer)
    hotline.status("1001", "signed_out")
    assert hotline.state("1001") == "on_call"
    hotline.hangs_up("1001")
    assert (hotline.status_of("1001"), hotline.state("1001")) == ("signed_out", "idle")


def test_choosing_to_stay_after_all_takes_back_the_break(make_hotline, the_offer):
    hotline = talking(make_hotline, the_offer)
    hotline.status("1001", "break")
    hotline.status("1001", "available")
    hotline.hangs_up("1001")
    assert hotline.status_of("1001") == "available"


def test_a_break_chosen_while_the_phone_rings_lets_the_caller_go_to_somebody_else(hotline, offers, the):
    hotline.agent("1001", "complaint:9")
    hotline.call()
    hotline.agent("1002", "complaint:1")
    commands = hotline.status("1001", "break")
    assert the(Withdraw, commands).agent == "1001"
    assert offers(commands) == [(1, "1002")]
    assert hotline.floor.state.agents["1001"].misses == 0


def test_timed_wrap_up_ends_by_itself_or_earlier_by_the_agent(make_hotline, the_offer, offers):
    hotline = talking(make_hotline, the_offer)
    hotline.hangs_up("1001")
    assert offers(hotline.call()) == []
    hotline.wait(29)
    assert hotline.state("1001") == "wrap_up"
    assert offers(hotline.wait(1)) == [(2, "1001")]
    hotline = talking(make_hotline, the_offer)
    hotline.hangs_up("1001")
    hotline.call()
    assert offers(hotline.play(ev.WrapUpEnded("1001"))) == [(2, "1001")]


def test_forced_wrap_up_takes_its_full_time_and_says_so(make_hotline, the_offer, the):
    hotline = talking(make_hotline, the_offer, "forced")
    hotline.hangs_up("1001")
    hotline.wait(10)
    assert the(Tell, hotline.play(ev.WrapUpEnded("1001"))).detail == "20 s are left"
    hotline.status("1001", "available")
    assert hotline.state("1001") == "wrap_up"
    hotline.wait(20)
    assert hotline.state("1001") == "idle"


def test_wrap_up_until_done_ends_only_when_the_agent_says_so(make_hotline, the_offer):
    hotline = talking(make_hotline, the_offer, "until_done")
    hotline.hangs_up("1001")
    hotline.wait(7200)
    assert hotline.state("1001") == "wrap_up"
    hotline.play(ev.WrapUpEnded("1001"))
    assert hotline.state("1001") == "idle"


@pytest.mark.parametrize("mode", ["none", "optional"])
def test_without_wrap_up_the_agent_is_free_at_once(make_hotline, the_offer, mode):
    hotline = talking(make_hotline, the_offer, mode)
    hotline.hangs_up("1001")
    assert hotline.state("1001") == "idle"


def test_optional_wrap_up_is_there_for_an_agent_who_asks_during_the_call_or_after(make_hotline, the_offer):
    hotline = talking(make_hotline, the_offer, "optional")
    hotline.play(ev.WrapUpExtended("1001", 20))
    hotline.hangs_up("1001")
    assert hotline.state("1001") == "wrap_up"
    hotline.wait(20)
    assert hotline.state("1001") == "idle"
    hotline.play(ev.WrapUpExtended("1001", 15))
    assert hotline.state("1001") == "wrap_up"
    hotline.wait(15)
    assert hotline.state("1001") == "idle"


def test_wrap_up_can_be_extended_but_not_beyond_its_longest(make_hotline, the_offer):
    hotline = talking(make_hotline, the_offer)
    hotline.hangs_up("1001")
    hotline.wait(20)
    hotline.play(ev.WrapUpExtended("1001", 40))
    hotline.wait(49)
    assert hotline.state("1001") == "wrap_up"
    hotline.play(ev.WrapUpExtended("1001", 4000))
    hotline.wait(31)
    assert hotline.state("1001") == "idle"


def test_wrap_up_is_never_cut_short_by_another_queues_call(make_hotline, the_offer, offers):
    hotline = talking(make_hotline, the_offer)
    hotline.hangs_up("1001")
    assert offers(hotline.call("inquiry", priority=90)) == []
    assert hotline.state("1001") == "wrap_up"


def test_wrap_up_counts_from_the_real_end_when_that_was_noticed_late(make_hotline, the_offer):
    hotline = talking(make_hotline, the_offer)
    hotline.play(ev.ConversationEnded(1, "1001", "caller", ended_at=hotline.now - 20))
    assert hotline.state("1001") == "wrap_up"
    hotline.wait(10)
    assert hotline.state("1001") == "idle"


def test_an_agent_on_an_outbound_call_is_offered_nothing(hotline, offers):
    hotline.agent("1001")
    hotline.play(ev.AgentOccupied("1001"))
    assert offers(hotline.call()) == []
    assert offers(hotline.play(ev.AgentFreed("1001"))) == [(1, "1001")]


def test_an_outbound_call_during_wrap_up_does_not_shorten_it(make_hotline, the_offer):
    hotline = talking(make_hotline, the_offer)
    hotline.hangs_up("1001")
    hotline.wait(10)
    hotline.play(ev.AgentOccupied("1001"))
    hotline.wait(10)
    hotline.play(ev.AgentFreed("1001"))
    assert hotline.state("1001") == "wrap_up"
    hotline.wait(10)
    assert hotline.state("1001") == "idle"


def test_an_agent_whose_phone_is_gone_is_offered_nothing_until_it_is_back(hotline, offers):
    hotline.agent("1001")
    hotline.play(ev.PhoneSeen("1001", False))
    assert offers(hotline.call()) == []
    assert offers(hotline.play(ev.PhoneSeen("1001", True))) == [(1, "1001")]


def test_new_skills_count_at_once(hotline, offers):
    hotline.agent("1001", "inquiry:5")
    assert offers(hotline.call()) == []
    assert offers(hotline.agent("1001", "complaint:1", status=None)) == [(1, "1001")]
    assert hotline.status_of("1001") == "available"


def test_an_agent_removed_during_a_call_goes_after_it(make_hotline, the_offer):
    hotline = talking(make_hotline, the_offer)
    hotline.play(ev.AgentRemoved("1001"))
    assert hotline.floor.agent("1001") is None
    assert hotline.state("1001") == "on_call"
    hotline.status("1001", "available")
    hotline.hangs_up("1001")
    assert "1001" not in hotline.floor.state.agents
