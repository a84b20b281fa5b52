"""The floor as a whole: rules that change under load, snapshots, records that explain."""

from __future__ import annotations

import json

import pytest

from acd import events as ev
from acd.commands import Offer, Record
from acd.floor.engine import Floor


def test_new_rules_lose_no_waiting_call_and_count_at_once(make_hotline, offers):
    hotline = make_hotline()
    hotline.agent("1001", "complaint:5", "inquiry:5", status=ev.Status.BREAK)
    for queue in ("inquiry", "complaint", "inquiry"):
        hotline.call(queue)
        hotline.wait(1)
    hotline.rules(queues={"complaint": {"skill": "complaint", "priority": 50}, "inquiry": {"skill": "inquiry"}})
    assert [each.call for each in hotline.floor.waiting()] == [2, 1, 3]
    assert offers(hotline.status("1001", "available")) == [(2, "1001")]


def test_calls_of_a_queue_that_is_gone_are_still_served_by_its_rules(make_hotline, offers, the_offer):
    hotline = make_hotline(queues={"complaint": {"skill": "complaint", "wrap_up": {"mode": "none"}, "ring_for": 7}})
    hotline.agent("1001", status=ev.Status.BREAK)
    hotline.call()
    hotline.rules(queues={"inquiry": {"skill": "inquiry"}})
    assert the_offer(hotline.status("1001", "available")).ring_for == 7


def test_new_rules_do_not_disturb_a_ringing_phone_or_a_conversation(make_hotline, the_offer):
    hotline = make_hotline()
    hotline.agent("1001")
    hotline.agent("1002")
    hotline.answered(the_offer(hotline.call()))
    ringing = the_offer(hotline.call())
    hotline.rules(queues={"complaint": {"skill": "complaint", "strategy": "longest_idle"}})
    hotline.answered(ringing)
    assert {hotline.state("1001"), hotline.state("1002")} == {"on_call"}


def test_a_snapshot_is_json_and_the_restored_floor_goes_on_alike(make_hotline, the_offer):
    hotline = make_hotline()
    for number in range(5):
        hotline.agent(f"100{number}", f"complaint:{number + 1}", "attitude:2")
    hotline.answered(the_offer(hotline.call()))
    hotline.failed(the_offer(hotline.call()))
    for _ in range(6):
        hotline.call()
    saved = json.loads(json.dumps(hotline.floor.snapshot()))
    again = Floor.restore(saved)
    assert json.loads(json.dumps(again.snapshot())) == saved
    assert again.next_timer() == hotline.floor.next_timer()
    for _ in range(20):
        hotline.now = hotline.floor.next_timer() or hotline.now
        assert again.receive(ev.Tick(), hotline.now) == hotline.play(ev.Tick())


def test_a_floor_restored_after_calls_ripened_tells_the_same_places(make_hotline):
    hotline = make_hotline(queues={"complaint": {"skill": "complaint", "ageing": 1.0}}, ageing_limit=20)
    hotline.agent("1001", status=ev.Status.BREAK)
    hotline.call()
    hotline.wait(1)
    hotline.call(priority=15)
    hotline.now += 61
    hotline.play(ev.PhoneSeen("1001", False))
    again = Floor.restore(hotline.floor.snapshot())
    event = ev.PrioritySet(1, 2)
    assert again.receive(event, hotline.now) == hotline.play(event)


def test_a_snapshot_of_another_version_is_refused():
    with pytest.raises(ValueError, match="play the log instead"):
        Floor.restore({"version": 0})


def test_time_never_runs_backward(hotline):
    hotline.agent("1001")
    hotline.call()
    hotline.now -= 3600
    hotline.ends(1)
    hotline.call()
    assert hotline.floor.state.now > hotline.now


def test_a_decision_says_who_was_eligible_who_was_not_and_why(make_hotline, the_offer, need):
    hotline = make_hotline()
    hotline.agent("1001", "complaint:9", status=ev.Status.BREAK)
    hotline.status("1001", "break", "lunch")
    hotline.agent("1002", "complaint:8")
    hotline.play(ev.AgentOccupied("1002"))
    hotline.agent("1003", "complaint:1")
    hotline.agent("1004", "inquiry:9")
    hotline.agent("1005", "complaint:7", "attitude:1")
    hotline.agent("1006", "complaint:6")
    hotline.agent("1007", "complaint:6")
    hotline.play(ev.PhoneSeen("1007", False))
    hotline.agent("1008", status=None)
    hotline.wait(12)
    decision = the_offer(hotline.call(requirement=need("complaint:5", prefer=("attitude",)))).decision
    assert [(each.agent, each.excluded, each.score) for each in decision.candidates] == [
        ("1005", "", (-8.0, 12.0)),
        ("1006", "", (-6.0, 12.0)),
        ("1001", "on break: lunch", ()),
        ("1002", "occupied: outbound", ()),
        ("1007", "phone not reachable", ()),
        ("1003", "complaint 1 is below 5", ()),
        ("1004", "lacks complaint", ()),
    ]
    assert (decision.candidates_left_out, decision.position, decision.queue) == (0, 1, "complaint")
    assert decision.rule == "first call that 1005 can serve; best fit, idle 12 s"


def test_the_record_says_once_why_a_caller_waits(make_hotline, the):
    hotline = make_hotline()
    hotline.agent("1001", status=ev.Status.BREAK)
    decision = the(Record, hotline.call()).decision
    assert (decision.kind, decision.candidates[0].excluded) == ("wait", "on break")
    assert not [each for each in hotline.wait(300) if isinstance(each, Record)]


def test_an_owner_sent_on_a_break_for_missed_calls_lets_their_other_callers_go(make_hotline, offers, the_offer):
    hotline = make_hotline()
    hotline.agent("1001", "complaint:9")
    hotline.failed(the_offer(hotline.call()))
    offer = the_offer(hotline.wait(10))
    hotline.agent("1002", "complaint:1")
    assert offers(hotline.call(owner="1001")) == []
    assert sorted(offers(hotline.failed(offer))) == [(1, "1002")]
    hotline.agent("1003", "complaint:1")
    assert hotline.floor.waiting()[1].agent == "1003", "kept for nobody who is away"


def test_a_decision_on_a_big_floor_lists_the_first_and_counts_the_others(make_hotline, the_offer):
    hotline = make_hotline()
    for number in range(50):
        hotline.agent(f"2{number:03}", "complaint:5" if number % 2 else "inquiry:5")
    decision = the_offer(hotline.call()).decision
    assert len(decision.candidates) == 20
    assert decision.candidates_left_out == 30
    assert hotline.floor.explain(1)[0].excluded == "being offered another call" or hotline.floor.explain(1)


def test_explain_looks_at_everybody(make_hotline):
    hotline = make_hotline()
    for number in range(30):
        hotline.agent(f"2{number:03}", "inquiry:5")
    hotline.call()
    assert {each.excluded for each in hotline.floor.explain(1)} == {"lacks complaint"}
    assert len(hotline.floor.explain(1)) == 30
    assert hotline.floor.explain(99) == ()


def test_a_replay_answers_the_same_byte_for_byte(make_hotline, the_offer):
    hotline = make_hotline()
    for number in range(5):
        hotline.agent(f"100{number}", f"complaint:{number + 1}")
    for number in range(12):
        for each in hotline.call("complaint" if number % 3 else "inquiry", priority=number % 4):
            if isinstance(each, Offer):
                hotline.failed(each) if number % 2 else hotline.answered(each)
        hotline.wait(7)
    again = Floor()
    assert repr([again.receive(event, now) for event, now in hotline.log]) == repr(hotline.answers)


def test_the_agent_whom_the_caller_complains_about_is_asked_last(make_hotline, offers, the_offer):
    hotline = make_hotline()
    hotline.agent("1001", "complaint:9")
    hotline.agent("1002", "complaint:1")
    first = the_offer(hotline.call(avoid=("1001",)))
    assert first.agent == "1002"
    hotline.answered(first)
    assert offers(hotline.call(avoid=("1001",))) == []
    assert not offers(hotline.wait(59))
    saved = json.loads(json.dumps(hotline.floor.snapshot()))
    again = Floor.restore(saved)
    hotline.now += 1
    assert offers(again.receive(ev.Tick(), hotline.now)) == offers(hotline.play(ev.Tick())) == [(2, "1001")]
