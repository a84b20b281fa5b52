"""The floor as a whole: rules that change under load, snapshots, records that explain."""

from __future__ import annotations

import json

import pytest

from acd import events as ev
from acd.commands import Offer, Record
from acd.floor.engine import Floor


def test_new_rules_lose_no_waiting_call_and_count_at_once(make_house, offers):
    house = make_house()
    house.agent("1001", "complaint:5", "inquiry:5", status=ev.Status.BREAK)
    for queue in ("inquiry", "complaint", "inquiry"):
        house.call(queue)
        house.wait(1)
    house.rules(queues={"complaint": {"skill": "complaint", "priority": 50}, "inquiry": {"skill": "inquiry"}})
    assert [each.call for each in house.floor.waiting()] == [2, 1, 3]
    assert offers(house.status("1001", "available")) == [(2, "1001")]


def test_calls_of_a_queue_that_is_gone_are_still_served_by_its_rules(make_house, offers, the_offer):
    house = make_house(queues={"complaint": {"skill": "complaint", "wrap_up": {"mode": "none"}, "ring_for": 7}})
    house.agent("1001", status=ev.Status.BREAK)
    house.call()
    house.rules(queues={"inquiry": {"skill": "inquiry"}})
    assert the_offer(house.status("1001", "available")).ring_for == 7


def test_new_rules_do_not_disturb_a_ringing_phone_or_a_conversation(make_house, the_offer):
    house = make_house()
    house.agent("1001")
    house.agent("1002")
    house.answered(the_offer(house.call()))
    ringing = the_offer(house.call())
    house.rules(queues={"complaint": {"skill": "complaint", "strategy": "longest_idle"}})
    house.answered(ringing)
    assert {house.state("1001"), house.state("1002")} == {"on_call"}


def test_a_snapshot_is_json_and_the_restored_floor_goes_on_alike(make_house, the_offer):
    house = make_house()
    for number in range(5):
        house.agent(f"100{number}", f"complaint:{number + 1}", "attitude:2")
    house.answered(the_offer(house.call()))
    house.failed(the_offer(house.call()))
    for _ in range(6):
        house.call()
    saved = json.loads(json.dumps(house.floor.snapshot()))
    again = Floor.restore(saved)
    assert json.loads(json.dumps(again.snapshot())) == saved
    assert again.next_timer() == house.floor.next_timer()
    for _ in range(20):
        house.now = house.floor.next_timer() or house.now
        assert again.receive(ev.Tick(), house.now) == house.play(ev.Tick())


def test_a_floor_restored_after_calls_ripened_tells_the_same_places(make_house):
    house = make_house(queues={"complaint": {"skill": "complaint", "ageing": 1.0}}, ageing_limit=20)
    house.agent("1001", status=ev.Status.BREAK)
    house.call()
    house.wait(1)
    house.call(priority=15)
    house.now += 61
    house.play(ev.PhoneSeen("1001", False))
    again = Floor.restore(house.floor.snapshot())
    event = ev.PrioritySet(1, 2)
    assert again.receive(event, house.now) == house.play(event)


def test_a_snapshot_of_another_version_is_refused():
    with pytest.raises(ValueError, match="play the log instead"):
        Floor.restore({"version": 0})


def test_time_never_runs_backward(house):
    house.agent("1001")
    house.call()
    house.now -= 3600
    house.ends(1)
    house.call()
    assert house.floor.state.now > house.now


def test_a_decision_says_who_was_eligible_who_was_not_and_why(make_house, the_offer, need):
    house = make_house()
    house.agent("1001", "complaint:9", status=ev.Status.BREAK)
    house.status("1001", "break", "lunch")
    house.agent("1002", "complaint:8")
    house.play(ev.AgentOccupied("1002"))
    house.agent("1003", "complaint:1")
    house.agent("1004", "inquiry:9")
    house.agent("1005", "complaint:7", "attitude:1")
    house.agent("1006", "complaint:6")
    house.agent("1007", "complaint:6")
    house.play(ev.PhoneSeen("1007", False))
    house.agent("1008", status=None)
    house.wait(12)
    decision = the_offer(house.call(requirement=need("complaint:5", prefer=("attitude",)))).decision
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


def test_the_record_says_once_why_a_caller_waits(make_house, the):
    house = make_house()
    house.agent("1001", status=ev.Status.BREAK)
    decision = the(Record, house.call()).decision
    assert (decision.kind, decision.candidates[0].excluded) == ("wait", "on break")
    assert not [each for each in house.wait(300) if isinstance(each, Record)]


def test_an_owner_sent_on_a_break_for_missed_calls_lets_their_other_callers_go(make_house, offers, the_offer):
    house = make_house()
    house.agent("1001", "complaint:9")
    house.failed(the_offer(house.call()))
    offer = the_offer(house.wait(10))
    house.agent("1002", "complaint:1")
    assert offers(house.call(owner="1001")) == []
    assert sorted(offers(house.failed(offer))) == [(1, "1002")]
    house.agent("1003", "complaint:1")
    assert house.floor.waiting()[1].agent == "1003", "kept for nobody who is away"


def test_a_decision_on_a_big_floor_lists_the_first_and_counts_the_others(make_house, the_offer):
    house = make_house()
    for number in range(50):
        house.agent(f"2{number:03}", "complaint:5" if number % 2 else "inquiry:5")
    decision = the_offer(house.call()).decision
    assert len(decision.candidates) == 20
    assert decision.candidates_left_out == 30
    assert house.floor.explain(1)[0].excluded == "being offered another call" or house.floor.explain(1)


def test_explain_looks_at_everybody(make_house):
    house = make_house()
    for number in range(30):
        house.agent(f"2{number:03}", "inquiry:5")
    house.call()
    assert {each.excluded for each in house.floor.explain(1)} == {"lacks complaint"}
    assert len(house.floor.explain(1)) == 30
    assert house.floor.explain(99) == ()


def test_a_replay_answers_the_same_byte_for_byte(make_house, the_offer):
    house = make_house()
    for number in range(5):
        house.agent(f"100{number}", f"complaint:{number + 1}")
    for number in range(12):
        for each in house.call("complaint" if number % 3 else "inquiry", priority=number % 4):
            if isinstance(each, Offer):
                house.failed(each) if number % 2 else house.answered(each)
        house.wait(7)
    again = Floor()
    assert repr([again.receive(event, now) for event, now in house.log]) == repr(house.answers)
