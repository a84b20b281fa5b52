"""Hold, consult, help, transfer: the call goes on elsewhere and nobody is lost on the way."""

from __future__ import annotations

import pytest

from acd import events as ev
from acd.commands import Divert, HandedOver, Record


@pytest.fixture
def talking(hotline, the_offer):
    hotline.agent("1001")
    hotline.answered(the_offer(hotline.call()))
    hotline.wait(60)
    return hotline


def to(kind, target, **more):
    return ev.Transferred(1, "1001", kind, target, **more)


def test_hold_is_seen_on_the_floor(talking):
    talking.play(ev.HoldStarted(1, "1001", "help"))
    assert talking.floor.agent("1001").held
    talking.play(ev.HoldEnded(1, "1001"))
    assert not talking.floor.agent("1001").held


def test_a_colleague_who_is_asked_is_offered_nothing_meanwhile(talking, offers):
    talking.agent("1002")
    talking.play(ev.ConsultStarted(1, "1001", "1002", "help"))
    assert talking.floor.agent("1002").reason == "help with 1001"
    assert offers(talking.call()) == []
    assert offers(talking.play(ev.ConsultEnded(1, "1001", "1002"))) == [(2, "1002")]


def test_after_an_attended_transfer_the_colleague_talks_and_the_first_agent_writes_up(talking, offers):
    talking.agent("1002")
    talking.play(ev.ConsultStarted(1, "1001", "1002"))
    talking.play(to("agent", "1002", attended=True))
    assert (talking.state("1001"), talking.state("1002")) == ("wrap_up", "on_call")
    talking.play(ev.ConsultEnded(1, "1001", "1002"))
    assert talking.state("1002") == "on_call"
    talking.hangs_up("1002")
    assert talking.state("1002") == "wrap_up"


def test_a_transfer_to_a_queue_waits_at_the_original_place(talking, offers):
    talking.agent("1003", "inquiry:1", status=ev.Status.BREAK)
    talking.call("inquiry")
    talking.play(to("queue", "inquiry"))
    assert [each.call for each in talking.floor.waiting() if each.queue == "inquiry"] == [1, 2]
    assert offers(talking.status("1003", "available")) == [(1, "1003")]


def test_a_blind_transfer_rings_that_agent_whatever_the_skills(talking, offers):
    talking.agent("1002", "inquiry:1")
    assert offers(talking.play(to("agent", "1002"))) == [(1, "1002")]


def test_a_blind_transfer_that_is_not_answered_returns_to_the_agent(talking, offers, the_offer):
    talking.agent("1002", "inquiry:1")
    talking.agent("1003", "complaint:9")
    offer = the_offer(talking.play(to("agent", "1002")))
    assert talking.state("1001") == "wrap_up"
    commands = talking.failed(offer)
    assert [each.decision.kind for each in commands if isinstance(each, Record)] == ["transfer_failed"]
    assert offers(commands) == [(1, "1001")], "its own call comes back even in wrap-up, and to nobody else"


def test_a_blind_transfer_to_somebody_busy_returns_after_the_ringing_time(talking, offers):
    talking.agent("1002", "inquiry:1")
    talking.play(ev.AgentOccupied("1002"))
    assert offers(talking.play(to("agent", "1002"))) == []
    assert offers(talking.wait(20)) == [(1, "1001")]


def test_not_even_a_forced_wrap_up_keeps_a_failed_transfer_from_coming_back(make_hotline, offers, the_offer):
    wrap = {"mode": "forced", "seconds": 60}
    hotline = make_hotline(queues={"complaint": {"skill": "complaint", "wrap_up": wrap}})
    hotline.agent("1001")
    hotline.answered(the_offer(hotline.call()))
    assert offers(hotline.play(to("agent", "1099"))) == [(1, "1001")]


def test_when_nobody_takes_it_back_the_matter_is_recorded(talking, offers, the_offer, the):
    talking.agent("1002", "inquiry:1")
    back = the_offer(talking.failed(the_offer(talking.play(to("agent", "1002")))))
    divert = the(Divert, talking.failed(back))
    assert (divert.call, divert.to) == (1, "message")


def test_a_blind_transfer_to_somebody_who_is_not_there_returns_at_once(talking, offers):
    talking.agent("1002", status=ev.Status.BREAK)
    assert offers(talking.play(to("agent", "1002"))) == [(1, "1001")]


def test_a_blind_transfer_whose_agents_are_both_away_is_recorded_at_once(talking, the):
    talking.status("1001", "signed_out")
    assert the(Divert, talking.play(to("agent", "1099"))).to == "message"


def test_a_call_transferred_outside_can_be_queued_again(talking, offers, need):
    talking.play(to("outside", "010-12345678"))
    assert talking.state("1001") == "wrap_up"
    talking.play(ev.CallQueued(1, "complaint", need("complaint"), talking.now - 90))
    assert offers(talking.wait(30)) == [(1, "1001")]


def test_a_transfer_of_a_call_that_somebody_else_talks_to_changes_nothing(talking):
    talking.agent("1002")
    before = talking.floor.snapshot()
    assert talking.play(ev.Transferred(1, "1002", "queue", "inquiry")) == []
    assert talking.floor.snapshot() == before


def test_a_leg_that_began_without_an_offer_is_numbered_as_offers_are(talking, the, the_offer):
    talking.agent("1002")
    talking.play(ev.ConsultStarted(1, "1001", "1002"))
    given = the(HandedOver, talking.play(to("agent", "1002", attended=True)))
    assert (given.call, given.agent, given.answered, given.by) == (1, "1002", True, "1001")
    assert given.decision.offer == given.offer == 2
    talking.agent("1003")
    assert the_offer(talking.call()).offer == 3


def test_a_leg_to_the_outside_is_numbered_and_not_answered_yet(talking, the):
    given = the(HandedOver, talking.play(to("outside", "01012345678")))
    assert (given.agent, given.answered) == ("01012345678", False)


def calling(kind=ev.InternalCallStarted):
    return kind("1001", "1002", "u7")


def test_agents_who_call_each_other_are_offered_nothing_meanwhile(hotline, offers):
    hotline.agent("1001")
    hotline.agent("1002")
    hotline.play(calling())
    assert (hotline.state("1001"), hotline.state("1002")) == ("occupied", "occupied")
    assert hotline.floor.agent("1002").reason == "in a call with 1001"
    assert offers(hotline.call()) == []
    assert len(offers(hotline.play(calling(ev.InternalCallEnded)))) == 1


def test_an_agent_whose_own_call_outlasts_the_conversation_is_offered_nothing_till_it_is_over(talking, offers):
    talking.agent("1002", "inquiry:1")
    talking.play(calling())
    assert talking.state("1001") == "on_call"
    talking.hangs_up("1001")
    talking.wait(60)
    assert talking.state("1001") == "occupied"
    assert offers(talking.call()) == []
    assert offers(talking.play(calling(ev.InternalCallEnded))) == [(2, "1001")]


def test_a_colleague_who_was_called_has_the_call_after_an_attended_transfer(talking):
    talking.agent("1002", "inquiry:1")
    talking.play(calling())
    talking.play(to("agent", "1002", attended=True))
    talking.play(calling(ev.InternalCallEnded))
    assert (talking.state("1001"), talking.state("1002")) == ("wrap_up", "on_call")


def test_an_offer_to_an_agent_who_is_called_goes_to_another(hotline, offers, the_offer):
    hotline.agent("1002")
    the_offer(hotline.call())
    hotline.agent("1003")
    assert offers(hotline.play(calling())) == [(1, "1003")]
