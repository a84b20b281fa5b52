"""The agent's two axes, the wrap-up, and calls that were not routed."""

from __future__ import annotations

import pytest

from acd import events as ev
from acd.commands import AgentChanged, Tell, Withdraw
from acd.floor.agents import STATUS_TAKES_EFFECT, TRANSITIONS, Agent, AgentState


def house_of(make_house, mode, **more):
    wrap = {"mode": mode, "seconds": 30, "longest": 100}
    queues = {"complaint": {"skill": "complaint", "wrap_up": wrap, **more}, "inquiry": {"skill": "inquiry"}}
    return make_house(queues=queues)


def talking(make_house, the_offer, mode="timed"):
    house = house_of(make_house, mode)
    house.agent("1001", "complaint:5", "inquiry:5")
    house.answered(the_offer(house.call()))
    house.wait(60)
    return house


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


def test_a_break_chosen_during_a_call_begins_after_it(make_house, the_offer, the):
    house = talking(make_house, the_offer)
    commands = house.status("1001", "break", "lunch")
    assert the(Tell, commands).detail == "break when the call is over"
    assert the(AgentChanged, commands).pending == "break"
    assert house.status_of("1001") == "available"
    house.hangs_up("1001")
    assert (house.status_of("1001"), house.state("1001")) == ("break", "wrap_up")
    house.wait(30)
    assert house.state("1001") == "idle"


def test_sign_out_waits_for_the_call_and_ends_the_wrap_up(make_house, the_offer):
    house = talking(make_house, the_offer)
    house.status("1001", "signed_out")
    assert house.state("1001") == "on_call"
    house.hangs_up("1001")
    assert (house.status_of("1001"), house.state("1001")) == ("signed_out", "idle")


def test_choosing_to_stay_after_all_takes_back_the_break(make_house, the_offer):
    house = talking(make_house, the_offer)
    house.status("1001", "break")
    house.status("1001", "available")
    house.hangs_up("1001")
    assert house.status_of("1001") == "available"


def test_a_break_chosen_while_the_phone_rings_lets_the_caller_go_to_somebody_else(house, offers, the):
    house.agent("1001", "complaint:9")
    house.call()
    house.agent("1002", "complaint:1")
    commands = house.status("1001", "break")
    assert the(Withdraw, commands).agent == "1001"
    assert offers(commands) == [(1, "1002")]
    assert house.floor.state.agents["1001"].misses == 0


def test_timed_wrap_up_ends_by_itself_or_earlier_by_the_agent(make_house, the_offer, offers):
    house = talking(make_house, the_offer)
    house.hangs_up("1001")
    assert offers(house.call()) == []
    house.wait(29)
    assert house.state("1001") == "wrap_up"
    assert offers(house.wait(1)) == [(2, "1001")]
    house = talking(make_house, the_offer)
    house.hangs_up("1001")
    house.call()
    assert offers(house.play(ev.WrapUpEnded("1001"))) == [(2, "1001")]


def test_forced_wrap_up_takes_its_full_time_and_says_so(make_house, the_offer, the):
    house = talking(make_house, the_offer, "forced")
    house.hangs_up("1001")
    house.wait(10)
    assert the(Tell, house.play(ev.WrapUpEnded("1001"))).detail == "20 s are left"
    house.status("1001", "available")
    assert house.state("1001") == "wrap_up"
    house.wait(20)
    assert house.state("1001") == "idle"


def test_wrap_up_until_done_ends_only_when_the_agent_says_so(make_house, the_offer):
    house = talking(make_house, the_offer, "until_done")
    house.hangs_up("1001")
    house.wait(7200)
    assert house.state("1001") == "wrap_up"
    house.play(ev.WrapUpEnded("1001"))
    assert house.state("1001") == "idle"


@pytest.mark.parametrize("mode", ["none", "optional"])
def test_without_wrap_up_the_agent_is_free_at_once(make_house, the_offer, mode):
    house = talking(make_house, the_offer, mode)
    house.hangs_up("1001")
    assert house.state("1001") == "idle"


def test_optional_wrap_up_is_there_for_who_asks_during_the_call_or_after(make_house, the_offer):
    house = talking(make_house, the_offer, "optional")
    house.play(ev.WrapUpExtended("1001", 20))
    house.hangs_up("1001")
    assert house.state("1001") == "wrap_up"
    house.wait(20)
    assert house.state("1001") == "idle"
    house.play(ev.WrapUpExtended("1001", 15))
    assert house.state("1001") == "wrap_up"
    house.wait(15)
    assert house.state("1001") == "idle"


def test_wrap_up_can_be_extended_but_not_beyond_its_longest(make_house, the_offer):
    house = talking(make_house, the_offer)
    house.hangs_up("1001")
    house.wait(20)
    house.play(ev.WrapUpExtended("1001", 40))
    house.wait(49)
    assert house.state("1001") == "wrap_up"
    house.play(ev.WrapUpExtended("1001", 4000))
    house.wait(31)
    assert house.state("1001") == "idle"


def test_wrap_up_is_never_cut_short_by_another_queues_call(make_house, the_offer, offers):
    house = talking(make_house, the_offer)
    house.hangs_up("1001")
    assert offers(house.call("inquiry", priority=90)) == []
    assert house.state("1001") == "wrap_up"


def test_wrap_up_counts_from_the_real_end_when_that_was_noticed_late(make_house, the_offer):
    house = talking(make_house, the_offer)
    house.play(ev.ConversationEnded(1, "1001", "caller", ended_at=house.now - 20))
    assert house.state("1001") == "wrap_up"
    house.wait(10)
    assert house.state("1001") == "idle"


def test_an_agent_on_an_outbound_call_is_offered_nothing(house, offers):
    house.agent("1001")
    house.play(ev.AgentOccupied("1001"))
    assert offers(house.call()) == []
    assert offers(house.play(ev.AgentFreed("1001"))) == [(1, "1001")]


def test_an_outbound_call_during_wrap_up_does_not_shorten_it(make_house, the_offer):
    house = talking(make_house, the_offer)
    house.hangs_up("1001")
    house.wait(10)
    house.play(ev.AgentOccupied("1001"))
    house.wait(10)
    house.play(ev.AgentFreed("1001"))
    assert house.state("1001") == "wrap_up"
    house.wait(10)
    assert house.state("1001") == "idle"


def test_an_agent_whose_phone_is_gone_is_offered_nothing_until_it_is_back(house, offers):
    house.agent("1001")
    house.play(ev.PhoneSeen("1001", False))
    assert offers(house.call()) == []
    assert offers(house.play(ev.PhoneSeen("1001", True))) == [(1, "1001")]


def test_new_skills_count_at_once(house, offers):
    house.agent("1001", "inquiry:5")
    assert offers(house.call()) == []
    assert offers(house.agent("1001", "complaint:1", status=None)) == [(1, "1001")]
    assert house.status_of("1001") == "available"


def test_an_agent_removed_during_a_call_goes_after_it(make_house, the_offer):
    house = talking(make_house, the_offer)
    house.play(ev.AgentRemoved("1001"))
    assert house.floor.agent("1001") is None
    assert house.state("1001") == "on_call"
    house.status("1001", "available")
    house.hangs_up("1001")
    assert "1001" not in house.floor.state.agents
