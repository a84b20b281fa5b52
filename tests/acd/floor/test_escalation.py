"""Time changes a waiting call: relaxation, overflow, and announcements to the caller."""

from __future__ import annotations

import pytest

from acd import events as ev
from acd.commands import Announce, Divert, Moved, Record


def rules(make_hotline, *, routing=None, **complaint):
    queue = {"skill": "complaint", "announce_every": 0, **complaint}
    inquiry = {"skill": "inquiry", "announce_every": 0, "overflow": [{"after": 100, "to": "goodbye"}]}
    return make_hotline(queues={"complaint": queue, "inquiry": inquiry}, **(routing or {}))


def kinds(commands):
    return [each.decision.kind for each in commands if isinstance(each, Record)]


RELAX = [{"after": 30, "required": {"complaint": 3}}, {"after": 60, "required": {"complaint": 1}}]

# Relaxation


def test_a_requirement_relaxes_by_time(make_hotline, offers, need):
    hotline = rules(make_hotline, relax=RELAX)
    hotline.agent("1009", "complaint:9", status=ev.Status.BREAK)
    hotline.agent("1003", "complaint:3")
    assert offers(hotline.call(requirement=need("complaint:5"))) == []
    assert offers(hotline.wait(29)) == []
    assert offers(hotline.wait(1)) == [(1, "1003")]


def test_it_relaxes_while_a_phone_rings_and_the_next_offer_is_by_the_new_requirement(
    make_hotline, offers, the_offer, need
):
    hotline = rules(make_hotline, relax=RELAX)
    hotline.agent("1005", "complaint:5")
    hotline.agent("1003", "complaint:3")
    hotline.agent("1009", "complaint:9", status=ev.Status.BREAK)
    hotline.play(ev.AgentOccupied("1005"))
    hotline.call(requirement=need("complaint:5"))
    hotline.wait(20)
    offer = the_offer(hotline.play(ev.AgentFreed("1005")))
    assert kinds(hotline.wait(15)) == ["relax"]
    assert offers(hotline.failed(offer)) == [(1, "1003")]


def test_a_step_that_nobody_signed_in_meets_is_skipped_at_once_and_recorded(make_hotline, offers, need):
    hotline = rules(make_hotline, relax=RELAX)
    hotline.agent("1002", "complaint:2")
    commands = hotline.call(requirement=need("complaint:5"))
    assert offers(commands) == [(1, "1002")]
    assert kinds(commands) == ["skip_relaxation", "skip_relaxation", "relax"]
    assert "nobody signed in meets complaint 5" in commands[0].decision.rule


def test_when_the_last_agent_who_meets_a_step_signs_out_it_is_skipped_then(make_hotline, offers, need):
    hotline = rules(make_hotline, relax=RELAX)
    hotline.agent("1009", "complaint:9", status=ev.Status.BREAK)
    hotline.agent("1001", "complaint:1")
    assert offers(hotline.call(requirement=need("complaint:5"))) == []
    assert offers(hotline.status("1009", "signed_out")) == [(1, "1001")]


def test_a_step_that_would_ask_for_more_than_the_call_does_is_left_out_and_recorded(make_hotline, offers, need):
    hotline = rules(make_hotline, relax=RELAX)
    hotline.agent("1002", "complaint:2", status=ev.Status.BREAK)
    commands = hotline.call(requirement=need("complaint:2"))
    assert kinds(commands) == ["skip_relaxation", "wait"]
    assert "is not looser" in commands[0].decision.rule


def test_what_was_preferred_stays_preferred_when_the_step_says_nothing_of_it(make_hotline, offers, need):
    hotline = rules(make_hotline, relax=[{"after": 10, "required": {"complaint": 1}}])
    hotline.agent("1009", "complaint:9", status=ev.Status.BREAK)
    hotline.agent("1001", "complaint:3")
    hotline.agent("1002", "complaint:1", "attitude:4")
    hotline.call(requirement=need("complaint:5", prefer=("attitude",)))
    assert offers(hotline.wait(10)) == [(1, "1002")]


# Overflow


def test_a_caller_who_waited_long_is_offered_a_callback_and_waits_on(make_hotline, offers, the):
    hotline = rules(make_hotline, overflow=[{"after": 60, "to": "callback"}])
    hotline.agent("1001", status=ev.Status.BREAK)
    hotline.call()
    divert = the(Divert, hotline.wait(60))
    assert (divert.to, divert.decision.rule) == ("callback", "waited 60 s: to callback")
    assert offers(hotline.status("1001", "available")) == [(1, "1001")]


def test_a_callback_is_offered_once(make_hotline):
    hotline = rules(make_hotline, overflow=[{"after": 60, "to": "callback"}], max_wait=500)
    hotline.agent("1001", status=ev.Status.BREAK)
    hotline.call()
    assert [each.to for each in hotline.wait(499) if isinstance(each, Divert)] == ["callback"]
    assert [each.to for each in hotline.wait(1000) if isinstance(each, Divert)] == ["message"]


def test_a_diverted_caller_is_offered_to_no_agent(make_hotline, offers, the):
    hotline = rules(make_hotline, overflow=[{"after": 60, "to": "message"}])
    hotline.agent("1001", status=ev.Status.BREAK)
    hotline.call()
    assert the(Divert, hotline.wait(60)).to == "message"
    assert offers(hotline.status("1001", "available")) == []
    hotline.play(ev.CallLeftQueue(1, "message"))
    assert hotline.floor.waiting() == []


def test_a_caller_who_was_being_diverted_when_the_server_died_is_diverted_by_the_next(make_hotline, the):
    hotline = rules(make_hotline, overflow=[{"after": 60, "to": "message"}])
    hotline.agent("1001", status=ev.Status.BREAK)
    hotline.call()
    hotline.wait(60)
    hotline.play(ev.CallDetached(1))
    assert the(Divert, hotline.play(ev.CallAttached(1))).to == "message"


def test_a_newcomer_to_a_long_line_overflows_and_those_before_it_stay(make_hotline, the):
    hotline = rules(make_hotline, overflow=[{"above": 2, "to": "inquiry"}])
    hotline.agent("1001", "complaint:1", "inquiry:1", status=ev.Status.BREAK)
    hotline.call()
    hotline.call()
    moved = the(Moved, hotline.call())
    assert (moved.call, moved.queue) == (3, "inquiry")
    hotline.ends(1)
    assert not [each for each in hotline.call() if isinstance(each, Moved)]


def test_a_newcomer_who_is_served_at_once_never_overflows(make_hotline, offers):
    hotline = rules(make_hotline, overflow=[{"above": 0, "to": "goodbye"}])
    hotline.agent("1001")
    commands = hotline.call()
    assert offers(commands) == [(1, "1001")]
    assert not [each for each in commands if isinstance(each, Divert)]


def test_a_call_nobody_could_serve_overflows_at_once(make_hotline, the):
    hotline = rules(make_hotline, overflow=[{"hopeless": 0, "to": "callback"}])
    hotline.agent("1001", "inquiry:5")
    commands = hotline.call()
    assert the(Divert, commands).decision.rule == "nobody signed in could serve it: to callback"
    assert kinds(commands) == ["no_agent"]


def test_hope_that_comes_back_in_time_stops_the_overflow(make_hotline, offers):
    hotline = rules(make_hotline, overflow=[{"hopeless": 10, "to": "message"}])
    hotline.agent("1001", status=ev.Status.SIGNED_OUT)
    hotline.call()
    hotline.wait(9)
    hotline.status("1001", "break")
    assert not [each for each in hotline.wait(60) if isinstance(each, Divert)]
    hotline.status("1001", "signed_out")
    assert [each.to for each in hotline.wait(10) if isinstance(each, Divert)] == ["message"]


def test_without_any_recipe_nobody_waits_for_ever(make_hotline):
    hotline = rules(make_hotline)
    hotline.call()
    assert [each.to for each in hotline.wait(30) if isinstance(each, Divert)] == ["message"]
    hotline = rules(make_hotline)
    hotline.agent("1001", status=ev.Status.BREAK)
    hotline.call()
    assert [each.to for each in hotline.wait(1800) if isinstance(each, Divert)] == ["message"]


def test_a_queue_that_no_rule_names_still_loses_nobody(hotline, need):
    hotline.call("mistyped", need("complaint"))
    assert [each.to for each in hotline.wait(30) if isinstance(each, Divert)] == ["message"]


def test_an_overflow_to_another_queue_asks_for_that_queues_skill_and_keeps_the_place(make_hotline, offers, the):
    hotline = rules(make_hotline, overflow=[{"after": 60, "to": "inquiry"}])
    hotline.agent("1009", status=ev.Status.BREAK)
    hotline.agent("1001", "inquiry:1", status=ev.Status.BREAK)
    hotline.call()
    hotline.wait(30)
    hotline.call("inquiry")
    assert the(Moved, hotline.wait(30)).decision.rule == "waited 60 s: to inquiry"
    assert offers(hotline.status("1001", "available")) == [(1, "1001")]


def test_overflow_waits_for_the_phone_that_rings(make_hotline, offers, the_offer, the):
    hotline = rules(make_hotline, overflow=[{"after": 60, "to": "goodbye"}])
    hotline.agent("1001", status=ev.Status.BREAK)
    hotline.call()
    hotline.wait(50)
    offer = the_offer(hotline.status("1001", "available"))
    assert not [each for each in hotline.wait(15) if isinstance(each, Divert)]
    assert the(Divert, hotline.failed(offer)).to == "goodbye"


def test_overflow_and_announcements_wait_for_a_server_to_hold_the_caller(make_hotline, the):
    hotline = rules(make_hotline, overflow=[{"after": 60, "to": "goodbye"}], announce_every=10)
    hotline.agent("1001", status=ev.Status.BREAK)
    hotline.call()
    hotline.play(ev.CallDetached(1))
    assert hotline.wait(100) == []
    assert the(Divert, hotline.play(ev.CallAttached(1))).to == "goodbye"


def test_a_caller_whom_nobody_takes_up_again_is_forgotten_in_the_end(make_hotline, the):
    hotline = rules(make_hotline, routing={"forget_detached": 120})
    hotline.agent("1001", status=ev.Status.BREAK)
    hotline.call()
    hotline.play(ev.CallDetached(1))
    assert the(Record, hotline.wait(120)).decision.kind == "forgotten"
    assert hotline.floor.waiting() == []


# What the caller is told


def test_position_and_wait_are_said_on_entry_and_then_every_so_often(make_hotline, the, the_offer):
    hotline = rules(make_hotline, announce_every=45, handling=100)
    hotline.agent("1001")
    hotline.answered(the_offer(hotline.call()))
    first = the(Announce, hotline.call())
    assert (first.call, first.position, first.first, first.why) == (2, 1, True, "")
    assert first.wait_low == pytest.approx(70)
    assert first.wait_high == pytest.approx(180)
    assert the(Announce, hotline.call()).position == 2
    again = [each for each in hotline.wait(45) if isinstance(each, Announce)]
    assert [(each.call, each.position, each.first) for each in again] == [(2, 1, False), (3, 2, False)]


def test_no_announcement_is_made_to_a_caller_who_is_offered_at_once(make_hotline):
    hotline = rules(make_hotline, announce_every=45)
    hotline.agent("1001")
    assert not [each for each in hotline.call() if isinstance(each, Announce)]


def test_no_wait_is_promised_when_nobody_is_there(make_hotline, the):
    hotline = rules(make_hotline, announce_every=45)
    hotline.agent("1001", status=ev.Status.BREAK)
    said = the(Announce, hotline.call())
    assert (said.position, said.wait_low, said.wait_high) == (1, None, None)


def test_the_position_never_goes_up_without_a_reason(make_hotline):
    hotline = rules(make_hotline, announce_every=45)
    hotline.agent("1001", status=ev.Status.BREAK)
    hotline.call()
    hotline.wait(1)
    hotline.call(priority=50)
    said = [each for each in hotline.wait(60) if isinstance(each, Announce) and each.call == 1]
    assert [(each.position, each.why) for each in said] == [(2, "overtaken")]


def test_the_wait_never_goes_up_without_a_reason(make_hotline, the_offer):
    hotline = rules(make_hotline, announce_every=45, handling=100)
    for name in ("1001", "1002"):
        hotline.agent(name)
        hotline.answered(the_offer(hotline.call()))
    hotline.call()
    hotline.status("1002", "break")
    hotline.hangs_up("1002")
    hotline.ends(3)
    hotline.call()
    hotline.call()
    hotline.agent("1003", status=ev.Status.AVAILABLE)
    before = {}
    for _ in range(8):
        for said in hotline.wait(45):
            if isinstance(said, Announce):
                high = said.wait_high
                if said.call in before and before[said.call] is not None and (high is None or high > before[said.call]):
                    assert said.why
                before[said.call] = high
        hotline.status("1003", "break" if hotline.status_of("1003") == "available" else "available")


def test_the_estimate_learns_from_the_pace_and_measures_itself(make_hotline, the_offer):
    hotline = rules(make_hotline, announce_every=45, handling=10, wrap_up={"mode": "none"}, max_wait=9e6)
    hotline.agent("1001")
    hotline.answered(the_offer(hotline.call()))
    for _ in range(4):
        hotline.call()
    said = {}
    for _ in range(150):
        for each in hotline.call():
            if isinstance(each, Announce):
                said[each.call] = (hotline.now, each.wait_low, each.wait_high)
        hotline.wait(100)
        offer = the_offer(hotline.hangs_up("1001"))
        hotline.answered(offer)
    _, low, high = said[140]
    assert low * 0.9 < 500 < high * 1.1, "four callers before it and its own turn, at 100 s each"
    accuracy = hotline.floor.accuracy()["complaint"]
    assert accuracy["judged"] > 100
    assert accuracy["within_p90"] > 0.7


def test_a_place_in_line_says_what_to_expect_and_nothing_without_agents(make_hotline):
    hotline = rules(make_hotline, handling=100)
    assert hotline.floor.expected("complaint", 1) is None
    assert hotline.floor.expected("nowhere", 1) is None
    hotline.agent("1001", "complaint:5")
    assert hotline.floor.expected("complaint", 1) == (0.0, 0.0)
    hotline.call()
    hotline.call()
    near, far = hotline.floor.expected("complaint", 2), hotline.floor.expected("complaint", 4)
    assert 0 < near[0] < near[1]
    assert far[0] == pytest.approx(2 * near[0])
