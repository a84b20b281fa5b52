"""A call of the hotline's own making: in the one order like any other, and nobody is on its line until they answer."""

from __future__ import annotations

import json

import pytest

from acd import events as ev
from acd.callbacks import events as cb
from acd.callbacks.states import Pressure
from acd.commands import AgentChanged, Announce, Divert, Record, Withdraw
from acd.floor.engine import Floor


def promised(hotline, ago=0.0, **more):
    """A call for a promise stands in line; `hotline.calls` is its number."""
    return hotline.call(promised=True, queued_at=hotline.now - ago, **more)


def started(hotline, offer, wait_for=40.0):
    return hotline.play(cb.AttemptStarted(offer.call, 1, 1, offer.offer, offer.agent, wait_for))


def picked_up(hotline, call):
    return hotline.play(cb.AttemptAnswered(call, 1, 1, "c", "u"))


def over(hotline, call, outcome="no_answer"):
    out = hotline.play(cb.AttemptEnded(call, 1, 1, cb.AttemptOutcome(outcome)))
    return out + hotline.play(ev.CallEnded(call, "unreached"))


def states(commands):
    return [each.state for each in commands if isinstance(each, AgentChanged)]


# In the line


def test_it_keeps_its_original_place_among_live_callers(hotline, offers):
    hotline.agent("1001", status=ev.Status.BREAK)
    hotline.wait(100)
    hotline.call(queued_at=hotline.now - 30)
    promised(hotline, ago=60)
    hotline.call(queued_at=hotline.now - 90)
    assert [view.call for view in hotline.floor.waiting()] == [3, 2, 1]
    assert [view.promised for view in hotline.floor.waiting()] == [False, True, False]
    assert offers(hotline.status("1001", "available")) == [(3, "1001")]


def test_nothing_is_announced_to_it_and_nothing_overflows(make_hotline):
    recipes = [{"hopeless": 0, "to": "callback"}, {"above": 0, "to": "inquiry"}, {"after": 20, "to": "goodbye"}]
    hotline = make_hotline(
        queues={
            "complaint": {"skill": "complaint", "announce_every": 10, "overflow": recipes, "max_wait": 60},
            "inquiry": {"skill": "inquiry"},
        }
    )
    commands = promised(hotline) + hotline.wait(4000)
    assert [each for each in commands if isinstance(each, (Announce, Divert))] == []
    assert [view.queue for view in hotline.floor.waiting()] == ["complaint"]
    hotline.agent("1001", status=ev.Status.BREAK)
    assert [each for each in hotline.wait(4000) if isinstance(each, (Announce, Divert))] == []


def test_it_relaxes_and_prefers_its_owner_as_any_call(make_hotline, offers, need):
    relax = [{"after": 30, "required": {"complaint": 1}}]
    hotline = make_hotline(queues={"complaint": {"skill": "complaint", "relax": relax, "owner_first": 10}})
    hotline.agent("1009", "complaint:9", status=ev.Status.BREAK)
    hotline.agent("1001", "complaint:1")
    assert offers(promised(hotline, requirement=need("complaint:5"))) == []
    assert offers(hotline.wait(30)) == [(1, "1001")]
    hotline.agent("1002", "complaint:1")
    hotline.agent("1003", "complaint:9")
    assert offers(promised(hotline, owner="1002")) == [(2, "1002")]


def test_no_server_need_hold_it(hotline, offers):
    hotline.agent("1001", status=ev.Status.BREAK)
    promised(hotline)
    hotline.play(ev.CallDetached(1))
    hotline.wait(5000)
    assert offers(hotline.status("1001", "available")) == [(1, "1001")]


def test_live_callers_count_it_among_those_before_them(hotline, the):
    hotline.agent("1001", status=ev.Status.BREAK)
    promised(hotline, ago=60)
    assert the(Announce, hotline.call()).position == 2


def test_an_agent_who_does_not_answer_leaves_it_in_line_for_the_next(hotline, offers, the_offer):
    hotline.agent("1001")
    offer = the_offer(promised(hotline, ago=60))
    hotline.agent("1002", "complaint:1")
    assert offers(hotline.failed(offer)) == [(1, "1002")]


def test_there_is_no_caller_who_could_be_gone(hotline, offers, the_offer):
    hotline.agent("1001")
    offer = the_offer(promised(hotline))
    hotline.agent("1002", "complaint:1")
    assert offers(hotline.failed(offer, "caller_gone")) == [(1, "1002")]


# Agent first


@pytest.mark.parametrize("dialled", [False, True])
def test_an_agent_who_hangs_up_while_nobody_is_there_rests_as_after_declining(hotline, the_offer, offers, dialled):
    hotline.agent("1001")
    offer = the_offer(promised(hotline))
    hotline.play(ev.OfferAnswered(offer.offer))
    if dialled:
        started(hotline, offer)
        over(hotline, offer.call, "agent_gone")
    else:
        hotline.play(ev.ConversationEnded(offer.call, "1001", "agent"))
    assert hotline.floor.agent("1001").state == "idle", "and has nothing to write up"
    assert offers(promised(hotline)) == []
    rest = hotline.floor.policy.rest_after.declined
    assert offers(hotline.wait(rest)) == [(2, "1001")]


def test_an_agent_whose_customer_does_not_answer_is_free_at_once(hotline, the_offer, offers):
    hotline.agent("1001")
    offer = the_offer(promised(hotline))
    hotline.answered(offer)
    started(hotline, offer)
    hotline.wait(30)
    assert hotline.state("1001") == "on_call"
    hotline.call()
    assert offers(over(hotline, 1)) == [(2, "1001")]


def test_an_attempt_in_vain_is_no_call_handled(make_hotline, the_offer):
    hotline = make_hotline(queues={"complaint": {"skill": "complaint", "strategy": "fewest_calls", "handling": 100}})
    hotline.agent("1001")
    offer = the_offer(promised(hotline))
    hotline.answered(offer)
    started(hotline, offer)
    hotline.wait(500)
    assert states(over(hotline, 1)) == ["idle"]
    agent = hotline.floor.state.agents["1001"]
    assert (agent.recent, agent.recent_at_ready, agent.talk_since) == ([], 0, 0.0)
    assert hotline.floor.state.estimates["complaint"].handling == 100


@pytest.mark.parametrize("resets", [True, False])
def test_whether_it_resets_the_idleness_is_the_rule_for_calls_out(make_hotline, the_offer, offers, resets):
    hotline = make_hotline(outbound_resets_idle=resets)
    hotline.agent("1001")
    hotline.wait(50)
    offer = the_offer(promised(hotline))
    hotline.agent("1002")
    hotline.answered(offer)
    hotline.wait(30)
    over(hotline, 1)
    hotline.wait(5)
    assert offers(hotline.call()) == [(2, "1002" if resets else "1001")]


def test_a_status_chosen_meanwhile_takes_effect(hotline, the_offer):
    hotline.agent("1001")
    hotline.answered(the_offer(promised(hotline)))
    hotline.status("1001", "break", "lunch")
    over(hotline, 1)
    assert (hotline.status_of("1001"), hotline.state("1001")) == ("break", "idle")


@pytest.mark.parametrize("first", ["leg", "call"])
def test_in_whatever_order_the_end_is_told_the_agent_is_free_at_once(hotline, the_offer, first):
    hotline.agent("1001")
    hotline.answered(the_offer(promised(hotline)))
    ends = [ev.ConversationEnded(1, "1001", "agent"), ev.CallEnded(1, "lost")]
    for event in ends if first == "leg" else reversed(ends):
        hotline.play(event)
        assert hotline.state("1001") == "idle"
    over(hotline, 1, "agent_gone")
    assert hotline.state("1001") == "idle"


def test_a_customer_who_answers_makes_it_a_conversation_with_a_wrap_up(hotline, the_offer):
    hotline.agent("1001")
    offer = the_offer(promised(hotline))
    hotline.answered(offer)
    started(hotline, offer)
    picked_up(hotline, 1)
    hotline.play(ev.Joined(1, "1001"))
    hotline.play(cb.AttemptEnded(1, 1, 1, cb.AttemptOutcome.LOST))
    assert hotline.state("1001") == "on_call", "they speak, whatever is still heard of the attempt"
    hotline.hangs_up("1001")
    assert hotline.state("1001") == "wrap_up"


def test_a_customer_who_was_reached_may_be_transferred_as_any_caller(hotline, the_offer, offers, need):
    hotline.agent("1001")
    hotline.answered(the_offer(promised(hotline, ago=100)))
    picked_up(hotline, 1)
    hotline.play(ev.Joined(1, "1001"))
    hotline.play(ev.Transferred(1, "1001", "queue", "inquiry", requirement=need("inquiry")))
    (view,) = hotline.floor.waiting()
    assert (view.queue, view.promised, view.queued_at) == ("inquiry", False, hotline.now - 100)
    assert [each.to for each in hotline.wait(30) if isinstance(each, Divert)] == ["message"]


def test_it_is_not_queued_a_second_time_while_an_agent_has_it(hotline, the_offer, offers):
    hotline.agent("1001")
    hotline.answered(the_offer(promised(hotline)))
    hotline.agent("1002", "complaint:1")
    hotline.calls = 0
    assert offers(promised(hotline)) == []
    assert hotline.floor.waiting() == []


# Customer first


def test_the_agent_stays_reserved_until_it_must_be_known_what_came_of_it(hotline, the_offer, the):
    hotline.agent("1001")
    offer = the_offer(promised(hotline))
    hotline.wait(3)
    started(hotline, offer, wait_for=45.0)
    assert [each for each in hotline.wait(49) if isinstance(each, Withdraw)] == []
    assert hotline.state("1001") == "reserved"
    assert the(Withdraw, hotline.wait(1)).offer == offer.offer


def test_a_short_attempt_never_shortens_an_offer(hotline, the_offer):
    hotline.agent("1001")
    offer = the_offer(promised(hotline))
    started(hotline, offer, wait_for=1.0)
    assert [each for each in hotline.wait(24) if isinstance(each, Withdraw)] == []


def test_after_the_customers_key_the_agents_phone_rings_its_full_time(hotline, the_offer, the):
    hotline.agent("1001")
    offer = the_offer(promised(hotline))
    started(hotline, offer, wait_for=40.0)
    hotline.wait(40)
    picked_up(hotline, 1)
    hotline.play(ev.OfferRinging(offer.offer))
    assert [each for each in hotline.wait(24) if isinstance(each, Withdraw)] == []
    assert the(Withdraw, hotline.wait(1)).offer == offer.offer


def test_an_agent_who_steps_in_while_it_rings_is_reserved_for_as_long(hotline, the_offer):
    hotline.agent("1001")
    offer = the_offer(promised(hotline))
    started(hotline, offer, wait_for=60.0)
    hotline.agent("1002", "complaint:1")
    second = the_offer(hotline.status("1001", "break"))
    assert second.agent == "1002"
    assert [each for each in hotline.wait(64) if isinstance(each, Withdraw)] == []


def test_a_customer_whom_the_agent_does_not_pick_up_waits_live_at_the_same_place(hotline, the_offer, offers):
    hotline.agent("1001")
    offer = the_offer(promised(hotline, ago=100))
    started(hotline, offer)
    hotline.wait(10)
    picked_up(hotline, 1)
    hotline.call()
    commands = hotline.failed(offer)
    assert [(each.call, each.position, each.first) for each in commands if isinstance(each, Announce)] == [(1, 1, True)]
    hotline.agent("1002")
    assert [view.call for view in hotline.floor.waiting() if view.state == "waiting"] == [2]
    assert hotline.floor.state.offers[hotline.floor.state.calls[1].offer].agent == "1002"


def test_overflow_begins_as_for_a_caller_who_entered_now(make_hotline, the_offer, the):
    hotline = make_hotline(queues={"complaint": {"skill": "complaint", "overflow": [{"after": 60, "to": "goodbye"}]}})
    hotline.agent("1001", status=ev.Status.BREAK)
    promised(hotline)
    hotline.wait(500)
    picked_up(hotline, 1)
    assert [each for each in hotline.wait(59) if isinstance(each, Divert)] == []
    assert the(Divert, hotline.wait(1)).to == "goodbye"


def test_an_attempt_in_vain_gives_the_reserved_agent_back(hotline, the_offer, the, offers):
    hotline.agent("1001")
    offer = the_offer(promised(hotline))
    started(hotline, offer)
    hotline.call()
    hotline.wait(20)
    commands = over(hotline, 1, "machine")
    assert the(Withdraw, commands).why == "the customer was not reached: machine"
    assert offers(commands) == [(2, "1001")]


def test_a_stopped_call_gives_the_reserved_agent_back(hotline, the_offer, the):
    hotline.agent("1001")
    the_offer(promised(hotline))
    assert the(Withdraw, hotline.play(ev.CallEnded(1, "stopped"))).agent == "1001"
    assert hotline.state("1001") == "idle"


# Estimates


def test_estimates_are_judged_by_callers_alone(hotline, the_offer):
    hotline.agent("1001", status=ev.Status.BREAK)
    promised(hotline)
    hotline.wait(400)
    hotline.answered(the_offer(hotline.status("1001", "available")))
    hotline.call(promised=True)
    hotline.wait(400)
    hotline.play(ev.CallEnded(2, "stopped"))
    assert hotline.floor.accuracy()["complaint"]["judged"] == 0


def test_it_is_recorded_that_nobody_was_ready(hotline):
    hotline.agent("1001", status=ev.Status.BREAK)
    assert [each.decision.kind for each in promised(hotline) if isinstance(each, Record)] == ["wait"]


# Pressure


def test_pressure_counts_calls_in_line_and_agents_available(make_hotline, the_offer):
    hotline = make_hotline(
        queues={"complaint": {"skill": "complaint", "handling": 100}, "inquiry": {"skill": "inquiry"}}
    )
    assert hotline.floor.pressures() == [
        Pressure("complaint", 0, 0, 100, None),
        Pressure("inquiry", 0, 0, 180.0, None),
    ]
    hotline.agent("1001")
    hotline.agent("1002", status=ev.Status.BREAK)
    assert hotline.floor.pressures()[0] == Pressure("complaint", 0, 1, 100, 0.0), "an agent is ready"
    hotline.answered(the_offer(hotline.call()))
    hotline.call()
    promised(hotline)
    found = hotline.floor.pressures()[0]
    assert (found.waiting, found.staff, found.wait) == (2, 1, pytest.approx(210.0))


def test_to_look_at_the_pressure_is_never_to_change(hotline):
    hotline.agent("1001")
    hotline.call()
    before = json.dumps(hotline.floor.snapshot())
    hotline.floor.pressures()
    assert json.dumps(hotline.floor.snapshot()) == before


# Snapshots


def test_a_snapshot_made_before_there_were_promises_can_be_read(hotline, the_offer):
    hotline.agent("1001")
    hotline.agent("1002")
    hotline.answered(the_offer(hotline.call()))
    hotline.call()
    hotline.call()
    saved = json.loads(json.dumps(hotline.floor.snapshot()))
    saved["version"] = 1
    for call in saved["calls"]:
        del call["dialled_until"], call["asked"]["promised"]
    saved["talks"] = [talk[:3] for talk in saved["talks"]]
    for talk in saved["talks"]:
        del talk[0]["promised"]
    assert Floor.restore(saved).snapshot() == hotline.floor.snapshot()
