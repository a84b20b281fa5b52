"""A draw is a calculation that anybody can do again."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.draw import Drawn, Stratum, allocate, draw, rank, redraw, select, stratify
from quality.errors import QualityError
from quality.periods import period
from quality.plans import Frame, FrameCall, Key, Plan, Risk

WEEK = period("2027-W02")
PLAN = Plan("weekly", "2027")


@st.composite
def frames(draw_):
    agents = draw_(st.integers(1, 4))
    rows = draw_(
        st.lists(
            st.tuples(
                st.integers(1, agents),
                st.sampled_from(["process", "system", "attitude", "usage"]),
                st.sampled_from(["0-180", "180-480", "480+"]),
                st.sampled_from([(), (), (), (Risk.REPEAT,)]),
            ),
            max_size=80,
        )
    )
    return Frame(FrameCall(n, f"100{a}", *rest) for n, (a, *rest) in enumerate(rows, 1))


PLANS = st.builds(
    Plan,
    st.just("weekly"),
    st.text(min_size=1, max_size=5),
    st.integers(1, 25),
    keys=st.sampled_from([(), (Key.CATEGORY,), (Key.LENGTH,), tuple(Key), (Key.LENGTH, Key.CATEGORY)]),
    risk_least=st.integers(0, 12),
)


@settings(max_examples=20)
@given(PLANS, frames())
def test_strata_are_disjoint_and_are_all_of_the_frame(plan, frame):
    parts = stratify(plan, frame)
    calls = [call for _, part in parts for call in part]
    assert sorted(calls) == [each.call for each in frame.calls]
    of = {each.call: each for each in frame.calls}
    for stratum, part in parts:
        assert stratum.size == len(part) > 0
        for each in (of[call] for call in part):
            assert each.agent == stratum.agent
            assert stratum.risk in (None, bool(each.risks))
            assert each.category in stratum.categories or not stratum.categories
            assert each.length in stratum.lengths or not stratum.lengths


@settings(max_examples=20)
@given(PLANS, frames())
def test_every_agent_has_the_quota_or_all_calls(plan, frame):
    job, _ = draw(1, plan, WEEK, frame)
    there = Counter(each.agent for each in frame.calls)
    drawn = Counter(job.strata[each.stratum].agent for each in job.calls)
    assert drawn == {agent: min(plan.per_agent, count) for agent, count in there.items()}
    assert len({each.call for each in job.calls}) == len(job.calls)


@settings(max_examples=20)
@given(PLANS.filter(lambda plan: plan.per_agent > 1), frames())
def test_no_stratum_is_without_a_call_nor_with_a_spread_unknown(plan, frame):
    for stratum, _ in stratify(plan, frame):
        assert min(2, stratum.size) <= stratum.drawn <= stratum.size


@settings(max_examples=20)
@given(PLANS.filter(lambda plan: plan.per_agent >= 4), frames())
def test_risky_calls_have_their_least(plan, frame):
    strata = [stratum for stratum, _ in stratify(plan, frame)]
    for agent in {each.agent for each in frame.calls}:
        risky = sum(each.agent == agent and each.risks != () for each in frame.calls)
        ordinary = sum(each.agent == agent and each.risks == () for each in frame.calls)
        drawn = sum(each.drawn for each in strata if each.agent == agent and each.risk)
        assert drawn >= min(plan.risk_least, risky, plan.per_agent - min(2, ordinary))


@settings(max_examples=20)
@given(PLANS, frames())
def test_a_redraw_gives_the_same_calls_in_the_same_order(plan, frame):
    job, left = draw(1, plan, WEEK, frame)
    assert redraw(job, Frame.parse(left.lines())) == job
    assert draw(1, plan, WEEK, Frame(reversed(frame.calls)))[0] == job


def test_a_redraw_keeps_to_the_strata_that_the_job_has():
    """As of a release that made other strata: a job of one stratum for each agent."""
    frame = Frame(FrameCall(n, f"100{n % 2}", "process", "0-180", (Risk.REPEAT,) * (n % 5 == 0)) for n in range(60))
    job, left = draw(1, PLAN, WEEK, frame)
    strata = tuple(Stratum(agent, (), (), None, 30, 10) for agent in ("1000", "1001"))
    parts = [(stratum, [each.call for each in left.calls if each.agent == stratum.agent]) for stratum in strata]
    earlier = replace(job, strata=strata, calls=select(PLAN.seed, parts))
    assert redraw(earlier, left) == earlier


@settings(max_examples=20)
@given(PLANS, frames())
def test_the_order_is_by_sha256_of_seed_and_call(plan, frame):
    job, _ = draw(1, plan, WEEK, frame)
    order = [hashlib.sha256(f"{plan.seed}|{each.call}".encode()).hexdigest() for each in job.calls]
    assert order == sorted(order)
    for place, (stratum, part) in enumerate(stratify(plan, frame)):
        first = sorted(part, key=lambda call: rank(plan.seed, call))[: stratum.drawn]
        assert [each.call for each in job.calls if each.stratum == place] == first


@settings(max_examples=20)
@given(PLANS, frames())
def test_what_an_earlier_job_drew_is_not_drawn_again(plan, frame):
    first, _ = draw(1, plan, WEEK, frame)
    earlier = {each.call for each in first.calls}
    second, left = draw(2, plan, WEEK, frame, earlier)
    assert not earlier & {each.call for each in second.calls}
    assert second.earlier == len(earlier)
    assert sum(stratum.size for stratum in second.strata) == len(left) == len(frame) - len(earlier)
    assert redraw(second, left) == second


def test_another_seed_gives_other_calls():
    frame = Frame(FrameCall(n, "1001", "process", "0-180") for n in range(1, 200))
    drawn = [{each.call for each in draw(1, replace(PLAN, seed=seed), WEEK, frame)[0].calls} for seed in "ab"]
    assert drawn[0] != drawn[1]


def test_a_job_is_not_redrawn_of_another_frame_nor_when_it_was_altered():
    frame = Frame(FrameCall(n, "1001", "process", "0-180") for n in range(1, 50))
    job, left = draw(7, PLAN, WEEK, frame)
    with pytest.raises(QualityError, match="job 7 was drawn of another frame"):
        redraw(job, left.without({1}))
    with pytest.raises(QualityError, match="job 7: its stored calls are not those"):
        redraw(replace(job, calls=(Drawn(1, 0), *job.calls[1:])), left)
    (stratum,) = job.strata
    for other in (replace(stratum, size=48), replace(stratum, categories=("system",)), replace(stratum, drawn=9)):
        with pytest.raises(QualityError, match="job 7: its stored calls are not those"):
            redraw(replace(job, strata=(other,)), left)
    with pytest.raises(QualityError, match="job 7: its stored calls are not those"):
        redraw(replace(job, strata=(stratum, stratum)), left)


def test_a_job_is_drawn_in_its_own_kind_of_period():
    with pytest.raises(QualityError, match="drawn by the week, and 2027-01 is a month"):
        draw(1, PLAN, period("2027-01"), Frame([]))


def test_ten_calls_are_parted_as_far_as_ten_calls_bear():
    """170 calls of one agent: 40 risky ones, and three categories of 80, 30 and 20 ordinary ones."""
    names = ["process"] * 80 + ["system"] * 30 + ["attitude"] * 20
    frame = Frame(
        [FrameCall(n, "1001", "process", "0-180", (Risk.REPEAT,)) for n in range(1000, 1040)]
        + [FrameCall(n, "1001", name, "0-180") for n, name in enumerate(names)]
    )
    found = [(each.risk, each.categories, each.size, each.drawn) for each, _ in stratify(PLAN, frame)]
    # Of the seven ordinary calls 20 would have 1.1: too few, so that the two small categories are one stratum.
    assert found == [
        (False, ("attitude", "system"), 50, 3),
        (False, ("process",), 80, 4),
        (True, ("process",), 40, 3),
    ]


def test_a_quota_of_three_is_too_small_to_part_calls():
    frame = Frame(FrameCall(n, "1001", "process", "0-180", (Risk.REPEAT,) * (n % 2)) for n in range(20))
    (found,) = stratify(replace(PLAN, per_agent=3), frame)
    assert (found[0].risk, found[0].size, found[0].drawn) == (None, 20, 3)


# Allocation

SIZES = st.dictionaries(
    st.text("abc", min_size=1, max_size=2).map(lambda name: (name,)), st.integers(1, 500), min_size=1, max_size=8
)


@settings(max_examples=30)
@given(SIZES, st.data())
def test_allocation_is_the_largest_remainder(sizes, data):
    everything = sum(sizes.values())
    total = data.draw(st.integers(0, everything))
    given_ = allocate(total, sizes, {})
    assert sum(given_.values()) == total
    shares = {name: Fraction(total * size, everything) for name, size in sizes.items()}
    rest = total - sum(int(share) for share in shares.values())
    more = sorted(shares, key=lambda name: (int(shares[name]) - shares[name], name))[:rest]
    assert given_ == {name: int(share) + (name in more) for name, share in shares.items()}


@settings(max_examples=30)
@given(SIZES, st.integers(0, 3), st.data())
def test_allocation_keeps_its_bounds(sizes, least, data):
    lowest = sum(min(least, size) for size in sizes.values())
    total = data.draw(st.integers(lowest, sum(sizes.values())))
    given_ = allocate(total, sizes, dict.fromkeys(sizes, least))
    assert sum(given_.values()) == total
    assert all(min(least, size) <= given_[name] <= size for name, size in sizes.items())


def test_an_allocation_that_is_not_possible_is_refused():
    with pytest.raises(QualityError, match="11 calls cannot be allocated"):
        allocate(11, {("a",): 10}, {})
    with pytest.raises(QualityError, match="1 calls cannot be allocated: 4 to 20 can"):
        allocate(1, {("a",): 10, ("b",): 10}, {("a",): 2, ("b",): 2})
