"""Which agent: the owner first, then the queue's strategy, then the longest idle, then the lowest number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd import events as ev
from acd.commands import Record
from acd.policy.definitions import Strategy
from tests.acd.conftest import Hotline, need


def house_of(make_hotline, strategy, **more):
    queue = {"skill": "complaint", "strategy": strategy, "wrap_up": {"mode": "none"}, **more}
    return make_hotline(queues={"complaint": queue, "inquiry": {"skill": "inquiry"}})


def test_best_fit_takes_the_highest_level(make_hotline, offers):
    hotline = house_of(make_hotline, "best_fit")
    hotline.agent("1001", "complaint:3")
    hotline.agent("1002", "complaint:8")
    hotline.agent("1003", "complaint:5", "inquiry:10")
    assert offers(hotline.call()) == [(1, "1002")]


def test_preferred_skills_count_in_the_fit(make_hotline, offers, need):
    hotline = house_of(make_hotline, "best_fit")
    hotline.agent("1001", "complaint:5", "attitude:3")
    hotline.agent("1002", "complaint:7")
    assert offers(hotline.call(requirement=need("complaint", prefer=("attitude",)))) == [(1, "1001")]
    assert offers(hotline.call(requirement=need("complaint", prefer=("attitude",)))) == [(2, "1002")]


def test_a_preferred_skill_below_its_level_does_not_count(make_hotline, offers, need):
    hotline = house_of(make_hotline, "best_fit")
    hotline.agent("1001", "complaint:5", "attitude:3")
    hotline.agent("1002", "complaint:7")
    assert offers(hotline.call(requirement=need("complaint", prefer=("attitude:4",)))) == [(1, "1002")]


def test_least_skilled_keeps_the_specialists_free(make_hotline, offers):
    hotline = house_of(make_hotline, "least_skilled")
    hotline.agent("1001", "complaint:8")
    hotline.agent("1002", "complaint:3", "inquiry:9")
    hotline.agent("1003", "complaint:3")
    assert [offers(hotline.call())[0][1] for _ in range(3)] == ["1003", "1002", "1001"]


@pytest.mark.parametrize("strategy", Strategy)
@given(
    wanted=st.lists(st.sampled_from(["attitude", "system", "orders"]), min_size=1, unique=True),
    least=st.integers(1, 5),
    level=st.integers(1, 10),
    has=st.integers(5, 10),
    idle=st.floats(0, 5000),
    calls=st.integers(0, 3),
)
def test_no_strategy_passes_over_what_a_call_prefers(strategy, wanted, least, level, has, idle, calls):
    queue = {"skill": "complaint", "strategy": strategy.value, "wrap_up": {"mode": "none"}}
    hotline = Hotline(queues={"complaint": queue, "inquiry": {"skill": "inquiry"}})
    lacks = wanted[1:]
    hotline.agent("1001", f"complaint:{level}", *(f"{name}:{has}" for name in lacks))
    hotline.wait(idle)
    hotline.agent("1002", f"complaint:{level}", *(f"{name}:{has}" for name in wanted), status="signed_out")
    for _ in range(calls):  # 1002 alone takes these, and is ready last
        hotline.status("1001", "break")
        hotline.status("1002", "available")
        (offer,) = [each for each in hotline.call() if type(each).__name__ == "Offer"]
        hotline.answered(offer)
        hotline.hangs_up("1002")
        hotline.status("1001", "available")
    hotline.status("1002", "available")
    commands = hotline.call(requirement=need("complaint", prefer=tuple(f"{name}:{least}" for name in wanted)))
    assert [each.agent for each in commands if type(each).__name__ == "Offer"] == ["1002"]


def test_least_skilled_takes_the_least_skilled_agent_with_the_preferred_skill(make_hotline, offers, need):
    hotline = house_of(make_hotline, "least_skilled")
    hotline.agent("1001", "complaint:1")
    hotline.agent("1002", "complaint:9", "attitude:9")
    hotline.agent("1003", "complaint:9", "attitude:2")
    hotline.agent("1004", "complaint:2", "attitude:2", "inquiry:9")
    call = {"requirement": need("complaint", prefer=("attitude:2",))}
    assert [offers(hotline.call(**call))[0][1] for _ in range(4)] == ["1004", "1003", "1002", "1001"]


def test_longest_idle_counts_from_readiness(make_hotline, offers, the_offer):
    hotline = house_of(make_hotline, "longest_idle")
    hotline.agent("1001", "complaint:1")
    hotline.wait(10)
    hotline.agent("1002", "complaint:9")
    hotline.wait(10)
    first = the_offer(hotline.call())
    assert first.agent == "1001"
    hotline.answered(first)
    hotline.wait(10)
    hotline.hangs_up("1001")
    assert offers(hotline.call()) == [(2, "1002")]


def test_equals_go_by_number_so_that_a_replay_is_exact(make_hotline, offers):
    hotline = house_of(make_hotline, "best_fit")
    for name in ("1003", "1001", "1002"):
        hotline.agent(name, "complaint:5")
    assert [offers(hotline.call())[0][1] for _ in range(3)] == ["1001", "1002", "1003"]


def test_fewest_calls_of_the_last_hour(make_hotline, offers, the_offer):
    hotline = house_of(make_hotline, "fewest_calls")
    hotline.agent("1001", "complaint:5")
    hotline.answered(the_offer(hotline.call()))
    hotline.hangs_up("1001")
    hotline.wait(60)
    hotline.agent("1002", "complaint:5")
    assert offers(hotline.call()) == [(2, "1002")], "1001 is idle longer but took a call"


@pytest.mark.parametrize(("resets", "expected"), [(False, "1001"), (True, "1002")])
def test_whether_a_no_answer_resets_idleness_is_configured(make_hotline, offers, the_offer, resets, expected):
    queues = {"complaint": {"skill": "complaint", "strategy": "longest_idle"}}
    hotline = make_hotline(queues=queues, no_answer_resets_idle=resets)
    hotline.agent("1001")
    offer = the_offer(hotline.call())
    hotline.wait(1)
    hotline.agent("1002")
    hotline.wait(19)
    again = the_offer(hotline.failed(offer))
    hotline.ends(again.call)
    hotline.wait(5)
    assert offers(hotline.call()) == [(2, expected)]


@pytest.mark.parametrize(("resets", "expected"), [(True, "1002"), (False, "1001")])
def test_whether_an_outbound_call_resets_idleness_is_configured(make_hotline, offers, resets, expected):
    queues = {"complaint": {"skill": "complaint", "strategy": "longest_idle"}}
    hotline = make_hotline(queues=queues, outbound_resets_idle=resets)
    hotline.agent("1001")
    hotline.wait(1)
    hotline.agent("1002")
    hotline.play(ev.AgentOccupied("1001"))
    hotline.wait(1)
    hotline.play(ev.AgentFreed("1001"))
    assert offers(hotline.call()) == [(1, expected)]


# The owner


def test_the_owner_of_the_matter_comes_first(make_hotline, offers):
    hotline = house_of(make_hotline, "best_fit")
    hotline.agent("1001", "complaint:9")
    hotline.agent("1002", "complaint:1")
    assert offers(hotline.call(owner="1002")) == [(1, "1002")]


def test_a_call_waits_for_its_busy_owner_for_a_while_and_then_goes_to_others(make_hotline, offers, the):
    hotline = house_of(make_hotline, "best_fit")
    hotline.agent("1002", "complaint:1")
    hotline.call()
    hotline.agent("1001", "complaint:9")
    assert offers(hotline.call(owner="1002")) == []
    assert offers(hotline.wait(19)) == []
    commands = hotline.wait(1)
    assert offers(commands) == [(2, "1001")]
    assert the(Record, commands).decision.kind == "owner_skipped"


def test_the_owner_who_becomes_free_in_time_gets_the_call(make_hotline, offers):
    hotline = house_of(make_hotline, "best_fit")
    hotline.agent("1002", "complaint:1")
    hotline.call()
    hotline.agent("1001", "complaint:9")
    hotline.call(owner="1002")
    hotline.wait(10)
    assert offers(hotline.ends(1)) == [(2, "1002")]


@pytest.mark.parametrize("status", ["signed_out", "break"])
def test_an_owner_who_is_away_is_skipped_at_once(make_hotline, offers, the, status):
    hotline = house_of(make_hotline, "best_fit")
    hotline.agent("1002", status=ev.Status(status))
    hotline.agent("1001")
    commands = hotline.call(owner="1002")
    assert offers(commands) == [(1, "1001")]
    assert "1002" in the(Record, commands).decision.rule


def test_an_owner_who_goes_away_meanwhile_is_skipped_then(make_hotline, offers):
    hotline = house_of(make_hotline, "best_fit")
    hotline.agent("1002", "complaint:1")
    hotline.play(ev.AgentOccupied("1002"))
    hotline.agent("1001", "complaint:9")
    assert offers(hotline.call(owner="1002")) == []
    hotline.play(ev.AgentFreed("1002"))
    hotline.ends(1)
    hotline.play(ev.PhoneSeen("1002", False))
    assert offers(hotline.call(owner="1002")) == []
    assert offers(hotline.status("1002", "break")) == [(2, "1001")]


def test_an_owner_without_the_skill_is_skipped(make_hotline, offers):
    hotline = house_of(make_hotline, "best_fit")
    hotline.agent("1002", "inquiry:9")
    hotline.agent("1001", "complaint:1")
    assert offers(hotline.call(owner="1002")) == [(1, "1001")]


def test_an_owner_who_does_not_answer_is_skipped_and_the_caller_keeps_the_place(make_hotline, offers, the_offer):
    hotline = house_of(make_hotline, "best_fit")
    hotline.agent("1002", "complaint:1")
    offer = the_offer(hotline.call(owner="1002"))
    hotline.agent("1001", "complaint:9")
    assert offers(hotline.failed(offer)) == [(1, "1001")]


def test_an_owner_who_loses_the_skill_meanwhile_is_skipped_then(make_hotline, offers):
    hotline = house_of(make_hotline, "best_fit")
    hotline.agent("1002", "complaint:1")
    hotline.play(ev.AgentOccupied("1002"))
    hotline.agent("1001", "complaint:9")
    assert offers(hotline.call(owner="1002")) == []
    assert offers(hotline.agent("1002", "inquiry:5", status=None)) == [(1, "1001")]


def test_an_owner_who_goes_away_while_the_caller_is_detached_is_skipped_at_the_return(make_hotline, offers):
    hotline = house_of(make_hotline, "best_fit")
    hotline.agent("1002", "complaint:1")
    hotline.play(ev.AgentOccupied("1002"))
    hotline.agent("1001", "complaint:9")
    hotline.call(owner="1002")
    hotline.play(ev.CallDetached(1))
    hotline.play(ev.AgentFreed("1002"))
    hotline.status("1002", "signed_out")
    assert offers(hotline.play(ev.CallAttached(1))) == [(1, "1001")]


# By a person


def test_a_pulled_call_goes_out_of_turn_and_to_an_agent_without_the_skill(make_hotline, offers):
    hotline = house_of(make_hotline, "best_fit")
    hotline.agent("1001", status=None)
    hotline.call()
    hotline.wait(1)
    hotline.call()
    hotline.agent("1009", "inquiry:1")
    commands = hotline.play(ev.CallPulled(2, "1009", by="boss"))
    assert offers(commands) == [(2, "1009")]


def test_a_call_cannot_be_pulled_for_an_agent_who_is_not_ready(make_hotline, offers, the):
    hotline = house_of(make_hotline, "best_fit")
    hotline.agent("1001", status=ev.Status.BREAK)
    hotline.call()
    commands = hotline.play(ev.CallPulled(1, "1001", by="boss"))
    assert offers(commands) == []
    assert the(Record, commands).decision.rule == "1001: on break"


def test_pulling_an_offered_call_withdraws_it_from_the_first_agent(make_hotline, offers):
    hotline = house_of(make_hotline, "best_fit")
    hotline.agent("1001")
    hotline.call()
    hotline.agent("1002")
    assert offers(hotline.play(ev.CallPulled(1, "1002", by="boss"))) == [(1, "1002")]
    assert hotline.state("1001") == "idle"
