"""One order over all queues: points, then arrival; bounded, so that nobody starves."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from acd import events as ev
from acd.floor.calls import Call
from acd.floor.queue_order import WaitingQueue
from acd.policy.definitions import Queue, Requirement


def served(hotline, the_offer, agent="1001"):
    """The calls in the order in which one agent gets them, each answered and hung up at once."""
    got = []
    commands = hotline.status(agent, "available")
    while any(type(each).__name__ == "Offer" for each in commands):
        offer = the_offer(commands)
        got.append(offer.call)
        hotline.answered(offer)
        commands = hotline.hangs_up(agent)
    return got


def staffed(make_hotline, **policy):
    """A hotline whose one agent is on a break: everybody waits."""
    hotline = make_hotline(**{"queues": QUEUES, **policy})
    hotline.agent("1001", "complaint:9", "inquiry:9", status=ev.Status.BREAK)
    return hotline


QUEUES = {
    "complaint": {"skill": "complaint", "priority": 10, "ageing": 0.1, "wrap_up": {"mode": "none"}},
    "inquiry": {"skill": "inquiry", "ageing": 0.1, "wrap_up": {"mode": "none"}},
}


def test_calls_of_one_queue_go_by_arrival(make_hotline, the_offer):
    hotline = staffed(make_hotline)
    for _ in range(4):
        hotline.call("inquiry")
        hotline.wait(1)
    assert served(hotline, the_offer) == [1, 2, 3, 4]


def test_priority_is_worth_as_much_waiting_as_it_has_points(make_hotline, the_offer):
    hotline = staffed(make_hotline)
    hotline.call("inquiry")
    hotline.wait(99)
    hotline.call("complaint")
    hotline.wait(2)
    hotline.call("inquiry")
    assert served(hotline, the_offer) == [2, 1, 3], "10 points at 0.1 a second are 100 seconds"
    hotline = staffed(make_hotline)
    hotline.call("inquiry")
    hotline.wait(101)
    hotline.call("complaint")
    assert served(hotline, the_offer) == [1, 2]


def test_queues_that_age_faster_catch_up_while_they_wait(make_hotline, the_offer):
    queues = {**QUEUES, "inquiry": {**QUEUES["inquiry"], "ageing": 1.0}}
    hotline = staffed(make_hotline, queues=queues)
    hotline.call("complaint")
    hotline.call("inquiry")
    hotline.wait(11)
    assert [each.call for each in hotline.floor.waiting(hotline.now)] == [1, 2]
    hotline.wait(1)
    assert [each.call for each in hotline.floor.waiting(hotline.now)] == [2, 1]
    assert served(hotline, the_offer) == [2, 1]


def test_a_vip_has_a_finite_head_start(make_hotline, the_offer):
    hotline = staffed(make_hotline, queues={"inquiry": {**QUEUES["inquiry"], "vip_head_start": 60}})
    hotline.call("inquiry")
    hotline.wait(30)
    hotline.call("inquiry")
    hotline.wait(31)
    hotline.call("inquiry", vip=True)
    assert served(hotline, the_offer) == [1, 3, 2]


def test_at_the_limit_calls_go_by_arrival_whatever_their_priority(make_hotline, the_offer):
    hotline = staffed(make_hotline, ageing_limit=20)
    hotline.call("inquiry")
    hotline.wait(1)
    hotline.call("inquiry", priority=19)
    hotline.wait(1)
    hotline.call("complaint")
    hotline.wait(500)
    assert served(hotline, the_offer) == [1, 2, 3]


def test_a_supervisor_may_change_a_priority_and_the_place_changes_with_it(make_hotline, the_offer):
    hotline = staffed(make_hotline)
    for _ in range(3):
        hotline.call("inquiry")
        hotline.wait(1)
    hotline.play(ev.PrioritySet(3, 5, by="boss", reason="third time today"))
    assert [(each.call, each.position) for each in hotline.floor.waiting()] == [(3, 1), (1, 2), (2, 3)]
    assert served(hotline, the_offer) == [3, 1, 2]


def test_a_moved_call_keeps_its_queue_time(make_hotline, the_offer, need):
    hotline = staffed(make_hotline)
    hotline.call("inquiry")
    hotline.wait(5)
    hotline.call("complaint")
    hotline.wait(5)
    hotline.play(ev.CallMoved(1, "complaint", need("complaint"), by="boss"))
    assert [each.call for each in hotline.floor.waiting()] == [1, 2]


def test_under_a_stream_of_urgent_calls_that_never_ends_the_bound_holds(make_hotline, the_offer):
    """One agent, 10 s a call, an urgent call every 5 s: twice what can be served."""
    hotline = make_hotline(queues=QUEUES, ageing_limit=30)
    hotline.agent("1001", "complaint:9", "inquiry:9")
    hotline.answered(the_offer(hotline.call("complaint")))
    began = hotline.now
    hotline.call("inquiry")
    patient = hotline.calls
    bound = (30 - 0) / 0.1
    while hotline.now - began <= bound + 10:
        hotline.call("complaint", priority=15)
        hotline.wait(5)
        hotline.call("complaint", priority=15)
        hotline.wait(5)
        offer = the_offer(hotline.hangs_up("1001"))
        if offer.call == patient:
            assert hotline.now - began >= bound - 10
            return
        hotline.answered(offer)
    raise AssertionError("the patient caller starved")


prices = st.integers(0, 100)
instants = st.integers(0, 4000).map(float)


@given(st.floats(0.01, 10), st.floats(0.01, 10), prices, prices, instants, instants, st.integers(0, 100_000).map(float))
def test_no_later_arrival_is_taken_before_a_ripe_call(rate, other_rate, priority, other, at, later, more):
    limit = 100.0
    mine, theirs = WaitingQueue(Queue("a", ageing=rate), limit), WaitingQueue(Queue("b", ageing=other_rate), limit)
    now = at + (limit - priority) / rate + more + 1e-6  # the instant itself is a matter of rounding
    patient, rival = a_call(1, mine, at, priority, now), a_call(2, theirs, at + 1.0 + later, other, now)
    assert mine.rank(patient, now) < theirs.rank(rival, now)


@given(st.lists(st.tuples(instants, prices), min_size=1, max_size=30), instants, st.sampled_from([0.05, 0.1, 2.0]))
def test_the_row_is_in_the_order_of_points_and_arrival(calls, more, rate):
    queue = WaitingQueue(Queue("a", ageing=rate), 50.0)
    now = max(at for at, _ in calls) + more
    found = {n: a_call(n, queue, at, priority, now) for n, (at, priority) in enumerate(calls, start=1)}
    for call in found.values():
        queue.calls.add(call)
    ranks = [queue.rank(found[n], now) for n in queue.calls.ids()]
    assert all(before <= after for before, after in pairwise(ranks))
    assert [queue.calls.index(found[n]) for n in queue.calls.ids()] == list(range(len(calls)))


def a_call(number, queue, at, priority, now):
    call = Call(ev.CallQueued(number, queue.rules.name, Requirement(), at), now)
    call.arrival = at
    call.virtual = queue.virtual_arrival(at, priority)
    call.ripe = call.virtual + queue.limit / queue.rules.ageing <= now
    return call
