"""An estimate weighs strata by their share of the frame, and says how sure it is."""

from __future__ import annotations

import math
import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.draw import draw
from quality.errors import QualityError
from quality.estimates import Sampled, compare, mean, rate, sampled
from quality.intervals import t_quantile, wilson
from quality.periods import period
from quality.plans import Frame, FrameCall, Plan, Risk

STRATA = [Sampled(40, (60.0, 70.0, 65.0)), Sampled(80, (90.0, 96.0, 84.0, 90.0)), Sampled(2, (50.0, 60.0))]


def test_the_mean_is_the_hand_computed_one():
    found = mean(STRATA)
    assert found.value == pytest.approx((40 * 65 + 80 * 90 + 2 * 55) / 122)
    variance = (40 / 122) ** 2 * (1 - 3 / 40) * 25 / 3 + (80 / 122) ** 2 * (1 - 4 / 80) * 24 / 4
    half = t_quantile(0.975, 5) * math.sqrt(variance)
    assert (found.low, found.high) == pytest.approx((found.value - half, found.value + half))
    assert (found.n, found.size, found.degrees, found.covered) == (9, 122, 5, 1.0)


def test_the_pooled_mean_is_another():
    scores = [score for each in STRATA for score in each.scores]
    assert statistics.fmean(scores) - mean(STRATA).value == pytest.approx(-7.34, abs=0.01)


def test_one_stratum_is_the_t_interval_of_every_textbook():
    scores = (81.0, 92.0, 77.0, 88.0, 95.0, 70.0, 84.0, 90.0, 86.0, 79.0)
    found = mean([Sampled(10**9, scores)])
    half = t_quantile(0.975, 9) * statistics.stdev(scores) / math.sqrt(10)
    assert (found.low, found.high) == pytest.approx((84.2 - half, 84.2 + half))


def test_a_frame_that_was_scored_whole_leaves_nothing_open():
    found = mean([Sampled(2, (50.0, 60.0)), Sampled(1, (90.0,))])
    assert found.value == found.low == found.high == pytest.approx(200 / 3)


def test_a_single_score_borrows_the_spread_of_the_other_strata():
    found = mean([Sampled(40, (60.0, 70.0, 65.0)), Sampled(80, (90.0,))])
    variance = (1 / 3) ** 2 * (1 - 3 / 40) * 25 / 3 + (2 / 3) ** 2 * (1 - 1 / 80) * 25
    assert (
        found.high - found.low == pytest.approx(2 * t_quantile(0.975, 2) * math.sqrt(variance), rel=1e-6)
        or found.high == 100
    )


@pytest.mark.parametrize("strata", [[Sampled(40, (60.0,))], [Sampled(40, (100.0,) * 10)]])
def test_no_spread_seen_is_no_interval(strata):
    found = mean(strata)
    assert found.value == strata[0].scores[0]
    assert found.low is found.high is None


def test_nothing_scored_is_no_figure():
    assert (mean([]).value, rate([Sampled(40, ())]).value) == (None, None)


def test_a_stratum_without_a_score_is_named_as_not_covered():
    found = mean([*STRATA, Sampled(78, ())])
    assert (found.value, found.covered, found.size) == (mean(STRATA).value, 122 / 200, 200)


def test_more_scores_than_calls_are_refused():
    with pytest.raises(QualityError, match="a stratum of 1 calls cannot have 2 scores"):
        mean([Sampled(1, (1.0, 2.0))])


def test_a_rate_is_wilsons_on_the_effective_n():
    found = rate([Sampled(40, (1.0, 0.0, 0.0)), Sampled(130, (0.0,) * 7)])
    value = 40 / 170 / 3
    effective = 1 / ((40 / 170) ** 2 * (1 - 3 / 40) / 3 + (130 / 170) ** 2 * (1 - 7 / 130) / 7)
    assert found.value == pytest.approx(value)
    assert found.effective == pytest.approx(effective)
    assert (found.low, found.high) == pytest.approx(wilson(value, effective))


def test_no_fatal_in_ten_calls_is_not_a_rate_of_zero():
    found = rate([Sampled(170, (0.0,) * 10)])
    assert (found.value, found.low) == (0.0, 0.0)
    assert found.high == pytest.approx(0.265, abs=0.005)


@st.composite
def strata(draw_):
    found = []
    for _ in range(draw_(st.integers(1, 6))):
        scores = draw_(st.lists(st.integers(0, 100).map(float), max_size=5))
        found.append(Sampled(len(scores) + draw_(st.integers(0, 50)), tuple(scores)))
    return found


@settings(max_examples=25)
@given(strata())
def test_an_interval_holds_its_figure_and_stays_within_the_scale(found):
    for each in (mean(found), rate([Sampled(s.size, tuple(float(x > 50) for x in s.scores)) for s in found])):
        if each.low is not None:
            assert each.low <= each.value <= each.high
            assert each.low >= 0
            assert each.high <= 100
        assert each.size == sum(s.size for s in found)
        assert 0 <= each.covered <= 1


# Of a job

FRAME = Frame(
    FrameCall(n, f"100{n % 2 + 1}", "process", "0-180", (Risk.REPEAT,) if n % 10 < 2 else ()) for n in range(200)
)


def test_only_drawn_calls_enter_and_each_in_its_own_stratum():
    job, _ = draw(1, Plan("weekly", "seed"), period("2027-W02"), FRAME)
    scores = {each.call: float(each.call) for each in job.calls}
    picked = next(each.call for each in FRAME.calls if each.call not in scores)
    found = sampled(job, scores | {picked: 0.0})
    assert [each.size for each in found] == [stratum.size for stratum in job.strata]
    assert sum(len(each.scores) for each in found) == len(job.calls) == 20
    for place, each in enumerate(found):
        assert sorted(each.scores) == sorted(float(d.call) for d in job.calls if d.stratum == place)
    assert len(sampled(job, scores, ["1001"])) < len(found)
    assert mean(sampled(job, scores, ["1001"])).size == 100


def test_agents_are_not_ranked_where_their_intervals_overlap():
    def agent(*scores):
        return mean([Sampled(170, scores)])

    found = compare(
        {
            "1001": agent(95.0, 96.0, 97.0, 96.0),
            "1002": agent(80.0, 84.0, 82.0, 83.0),
            "1003": agent(81.0, 85.0, 83.0, 84.0),
            "1004": agent(40.0, 44.0, 42.0, 43.0),
        }
    )
    assert [(each.agent, each.best, each.worst, each.rank) for each in found] == [
        ("1001", 1, 1, 1),
        ("1002", 2, 3, None),
        ("1003", 2, 3, None),
        ("1004", 4, 4, 4),
    ]


def test_an_agent_without_an_interval_may_have_any_rank():
    found = compare({"1001": mean([Sampled(9, (100.0,) * 5)]), "1002": mean([Sampled(99, (40.0, 41.0, 42.0))])})
    assert [(each.best, each.worst) for each in found] == [(1, 2), (1, 2)]
