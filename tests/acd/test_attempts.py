"""A call of the hotline's own making: in the one order like any other, and nobody is on its line until they answer."""

from __future__ import annotations

import json

import pytest

from acd import events as ev
from acd.callbacks import events as cb
from acd.callbacks.states import Pressure
from acd.commands import AgentChanged, Announce, Divert, Record, Withdraw
from acd.floor.engine import Floor


def promised(house, ago=0.0, **more):
    """A call for a promise stands in line; `house.calls` is its number."""
    return house.call(promised=True, queued_at=house.now - ago, **more)


def started(house, offer, wait_for=40.0):
    return house.play(cb.AttemptStarted(offer.call, 1, 1, offer.offer, offer.agent, wait_for))


def picked_up(house, call):
    return house.play(cb.AttemptAnswered(call, 1, 1, "c", "u"))


def over(house, call, outcome="no_answer"):
    out = house.play(cb.AttemptEnded(call, 1, 1, cb.AttemptOutcome(outcome)))
    return out + house.play(ev.CallEnded(call, "unreached"))


def states(commands):
    return [each.state for each in commands if isinstance(each, AgentChanged)]


# In the line


def test_it_keeps_its_original_place_among_live_callers(house, offers):
    house.agent("1001", status=ev.Status.BREAK)
    house.wait(100)
    house.call(queued_at=house.now - 30)
    promised(house, ago=60)
    house.call(queued_at=house.now - 90)
    assert [view.call for view in house.floor.waiting()] == [3, 2, 1]
    assert [view.promised for view in house.floor.waiting()] == [False, True, False]
    assert offers(house.status("1001", "available")) == [(3, "1001")]


def test_nothing_is_announced_to_it_and_nothing_overflows(make_house):
    recipes = [{"hopeless": 0, "to": "callback"}, {"above": 0, "to": "inquiry"}, {"after": 20, "to": "goodbye"}]
    house = make_house(
        queues={
            "complaint": {"skill": "complaint", "announce_every": 10, "overflow": recipes, "max_wait": 60},
            "inquiry": {"skill": "inquiry"},
        }
    )
    commands = promised(house) + house.wait(4000)
    assert [each for each in commands if isinstance(each, (Announce, Divert))] == []
    assert [view.queue for view in house.floor.waiting()] == ["complaint"]
    house.agent("1001", status=ev.Status.BREAK)
    assert [each for each in house.wait(4000) if isinstance(each, (Announce, Divert))] == []


def test_it_relaxes_and_prefers_its_owner_as_any_call(make_house, offers, need):
    relax = [{"after": 30, "required": {"complaint": 1}}]
    house = make_house(queues={"complaint": {"skill": "complaint", "relax": relax, "owner_first": 10}})
    house.agent("1009", "complaint:9", status=ev.Status.BREAK)
    house.agent("1001", "complaint:1")
    assert offers(promised(house, requirement=need("complaint:5"))) == []
    assert offers(house.wait(30)) == [(1, "1001")]
    house.agent("1002", "complaint:1")
    house.agent("1003", "complaint:9")
    assert offers(promised(house, owner="1002")) == [(2, "1002")]


def test_no_server_need_hold_it(house, offers):
    house.agent("1001", status=ev.Status.BREAK)
    promised(house)
    house.play(ev.CallDetached(1))
    house.wait(5000)
    assert offers(house.status("1001", "available")) == [(1, "1001")]


def test_live_callers_count_it_among_those_before_them(house, the):
    house.agent("1001", status=ev.Status.BREAK)
    promised(house, ago=60)
    assert the(Announce, house.call()).position == 2


def test_an_agent_who_does_not_answer_leaves_it_in_line_for_the_next(house, offers, the_offer):
    house.agent("1001")
    offer = the_offer(promised(house, ago=60))
    house.agent("1002", "complaint:1")
    assert offers(house.failed(offer)) == [(1, "1002")]


def test_there_is_no_caller_who_could_be_gone(house, offers, the_offer):
    house.agent("1001")
    offer = the_offer(promised(house))
    house.agent("1002", "complaint:1")
    assert offers(house.failed(offer, "caller_gone")) == [(1, "1002")]


# Agent first


@pytest.mark.parametrize("dialled", [False, True])
def test_an_agent_who_hangs_up_while_nobody_is_there_rests_as_after_declining(house, the_offer, offers, dialled):
    house.agent("1001")
    offer = the_offer(promised(house))
    house.play(ev.OfferAnswered(offer.offer))
    if dialled:
        started(house, offer)
        over(house, offer.call, "agent_gone")
    else:
        house.play(ev.ConversationEnded(offer.call, "1001", "agent"))
    assert house.floor.agent("1001").state == "idle", "and has nothing to write up"
    assert offers(promised(house)) == []
    rest = house.floor.policy.rest_after.declined
    assert offers(house.wait(rest)) == [(2, "1001")]


def test_an_agent_whose_customer_does_not_answer_is_free_at_once(house, the_offer, offers):
    house.agent("1001")
    offer = the_offer(promised(house))
    house.answered(offer)
    started(house, offer)
    house.wait(30)
    assert house.state("1001") == "on_call"
    house.call()
    assert offers(over(house, 1)) == [(2, "1001")]


def test_an_attempt_in_vain_is_no_call_handled(make_house, the_offer):
    house = make_house(queues={"complaint": {"skill": "complaint", "strategy": "fewest_calls", "handling": 100}})
    house.agent("1001")
    offer = the_offer(promised(house))
    house.answered(offer)
    started(house, offer)
    house.wait(500)
    assert states(over(house, 1)) == ["idle"]
    agent = house.floor.state.agents["1001"]
    assert (agent.recent, agent.recent_at_ready, agent.talk_since) == ([], 0, 0.0)
    assert house.floor.state.estimates["complaint"].handling == 100


@pytest.mark.parametrize("resets", [True, False])
def test_whether_it_resets_the_idleness_is_the_rule_for_calls_out(make_house, the_offer, offers, resets):
    house = make_house(outbound_resets_idle=resets)
    house.agent("1001")
    house.wait(50)
    offer = the_offer(promised(house))
    house.agent("1002")
    house.answered(offer)
    house.wait(30)
    over(house, 1)
    house.wait(5)
    assert offers(house.call()) == [(2, "1002" if resets else "1001")]


def test_a_status_chosen_meanwhile_takes_effect(house, the_offer):
    house.agent("1001")
    house.answered(the_offer(promised(house)))
    house.status("1001", "break", "lunch")
    over(house, 1)
    assert (house.status_of("1001"), house.state("1001")) == ("break", "idle")


@pytest.mark.parametrize("first", ["leg", "call"])
def test_in_whatever_order_the_end_is_told_the_agent_is_free_at_once(house, the_offer, first):
    house.agent("1001")
    house.answered(the_offer(promised(house)))
    ends = [ev.ConversationEnded(1, "1001", "agent"), ev.CallEnded(1, "lost")]
    for event in ends if first == "leg" else reversed(ends):
        house.play(event)
        assert house.state("1001") == "idle"
    over(house, 1, "agent_gone")
    assert house.state("1001") == "idle"


def test_a_customer_who_answers_makes_it_a_conversation_with_a_wrap_up(house, the_offer):
    house.agent("1001")
    offer = the_offer(promised(house))
    house.answered(offer)
    started(house, offer)
    picked_up(house, 1)
    house.play(ev.Joined(1, "1001"))
    house.play(cb.AttemptEnded(1, 1, 1, cb.AttemptOutcome.LOST))
    assert house.state("1001") == "on_call", "they speak, whatever is still heard of the attempt"
    house.hangs_up("1001")
    assert house.state("1001") == "wrap_up"


def test_a_customer_who_was_reached_may_be_transferred_as_any_caller(house, the_offer, offers, need):
    house.agent("1001")
    house.answered(the_offer(promised(house, ago=100)))
    picked_up(house, 1)
    house.play(ev.Joined(1, "1001"))
    house.play(ev.Transferred(1, "1001", "queue", "inquiry", requirement=need("inquiry")))
    (view,) = house.floor.waiting()
    assert (view.queue, view.promised, view.queued_at) == ("inquiry", False, house.now - 100)
    assert [each.to for each in house.wait(30) if isinstance(each, Divert)] == ["message"]


def test_it_is_not_queued_a_second_time_while_an_agent_has_it(house, the_offer, offers):
    house.agent("1001")
    house.answered(the_offer(promised(house)))
    house.agent("1002", "complaint:1")
    house.calls = 0
    assert offers(promised(house)) == []
    assert house.floor.waiting() == []


# Customer first


def test_the_agent_stays_reserved_until_it_must_be_known_what_came_of_it(house, the_offer, the):
    house.agent("1001")
    offer = the_offer(promised(house))
    house.wait(3)
    started(house, offer, wait_for=45.0)
    assert [each for each in house.wait(49) if isinstance(each, Withdraw)] == []
    assert house.state("1001") == "reserved"
    assert the(Withdraw, house.wait(1)).offer == offer.offer


def test_a_short_attempt_never_shortens_an_offer(house, the_offer):
    house.agent("1001")
    offer = the_offer(promised(house))
    started(house, offer, wait_for=1.0)
    assert [each for each in house.wait(24) if isinstance(each, Withdraw)] == []


def test_after_the_customers_key_the_agents_phone_rings_its_full_time(house, the_offer, the):
    house.agent("1001")
    offer = the_offer(promised(house))
    started(house, offer, wait_for=40.0)
    house.wait(40)
    picked_up(house, 1)
    house.play(ev.OfferRinging(offer.offer))
    assert [each for each in house.wait(24) if isinstance(each, Withdraw)] == []
    assert the(Withdraw, house.wait(1)).offer == offer.offer


def test_an_agent_who_steps_in_while_it_rings_is_reserved_for_as_long(house, the_offer):
    house.agent("1001")
    offer = the_offer(promised(house))
    started(house, offer, wait_for=60.0)
    house.agent("1002", "complaint:1")
    second = the_offer(house.status("1001", "break"))
    assert second.agent == "1002"
    assert [each for each in house.wait(64) if isinstance(each, Withdraw)] == []


def test_a_customer_whom_the_agent_does_not_pick_up_waits_live_at_the_same_place(house, the_offer, offers):
    house.agent("1001")
    offer = the_offer(promised(house, ago=100))
    started(house, offer)
    house.wait(10)
    picked_up(house, 1)
    house.call()
    commands = house.failed(offer)
    assert [(each.call, each.position, each.first) for each in commands if isinstance(each, Announce)] == [(1, 1, True)]
    house.agent("1002")
    assert [view.call for view in house.floor.waiting() if view.state == "waiting"] == [2]
    assert house.floor.state.offers[house.floor.state.calls[1].offer].agent == "1002"


def test_overflow_begins_as_for_one_who_entered_now(make_house, the_offer, the):
    house = make_house(queues={"complaint": {"skill": "complaint", "overflow": [{"after": 60, "to": "goodbye"}]}})
    house.agent("1001", status=ev.Status.BREAK)
    promised(house)
    house.wait(500)
    picked_up(house, 1)
    assert [each for each in house.wait(59) if isinstance(each, Divert)] == []
    assert the(Divert, house.wait(1)).to == "goodbye"


def test_an_attempt_in_vain_gives_the_reserved_agent_back(house, the_offer, the, offers):
    house.agent("1001")
    offer = the_offer(promised(house))
    started(house, offer)
    house.call()
    house.wait(20)
    commands = over(house, 1, "machine")
    assert the(Withdraw, commands).why == "the customer was not reached: machine"
    assert offers(commands) == [(2, "1001")]


def test_a_stopped_call_gives_the_reserved_agent_back(house, the_offer, the):
    house.agent("1001")
    the_offer(promised(house))
    assert the(Withdraw, house.play(ev.CallEnded(1, "stopped"))).agent == "1001"
    assert house.state("1001") == "idle"


# Estimates


def test_estimates_are_judged_by_callers_alone(house, the_offer):
    house.agent("1001", status=ev.Status.BREAK)
    promised(house)
    house.wait(400)
    house.answered(the_offer(house.status("1001", "available")))
    house.call(promised=True)
    house.wait(400)
    house.play(ev.CallEnded(2, "stopped"))
    assert house.floor.accuracy()["complaint"]["judged"] == 0


def test_it_is_recorded_that_nobody_was_ready(house):
    house.agent("1001", status=ev.Status.BREAK)
    assert [each.decision.kind for each in promised(house) if isinstance(each, Record)] == ["wait"]


# Pressure


def test_pressure_counts_calls_in_line_and_agents_available(make_house, the_offer):
    house = make_house(queues={"complaint": {"skill": "complaint", "handling": 100}, "inquiry": {"skill": "inquiry"}})
    assert house.floor.pressures() == [
        Pressure("complaint", 0, 0, 100, None),
        Pressure("inquiry", 0, 0, 180.0, None),
    ]
    house.agent("1001")
    house.agent("1002", status=ev.Status.BREAK)
    assert house.floor.pressures()[0] == Pressure("complaint", 0, 1, 100, 0.0), "an agent is ready"
    house.answered(the_offer(house.call()))
    house.call()
    promised(house)
    found = house.floor.pressures()[0]
    assert (found.waiting, found.staff, found.wait) == (2, 1, pytest.approx(210.0))


def test_to_look_at_the_pressure_is_never_to_change(house):
    house.agent("1001")
    house.call()
    before = json.dumps(house.floor.snapshot())
    house.floor.pressures()
    assert json.dumps(house.floor.snapshot()) == before


# Snapshots


def test_a_snapshot_made_before_there_were_promises_can_be_read(house, the_offer):
    house.agent("1001")
    house.agent("1002")
    house.answered(the_offer(house.call()))
    house.call()
    house.call()
    saved = json.loads(json.dumps(house.floor.snapshot()))
    saved["version"] = 1
    for call in saved["calls"]:
        del call["dialled_until"], call["asked"]["promised"]
    saved["talks"] = [talk[:3] for talk in saved["talks"]]
    for talk in saved["talks"]:
        del talk[0]["promised"]
    assert Floor.restore(saved).snapshot() == house.floor.snapshot()
