"""The register: the same log gives the same register, from a snapshot too, and what is over is let go."""

from __future__ import annotations

import msgspec
import pytest

import quality.events as events
from quality.appeals import DAY, AppealRules
from quality.draw import draw
from quality.errors import QualityError
from quality.periods import before, period
from quality.plans import Frame, FrameCall, Plan
from quality.register import Register
from quality.reviews import ReviewState
from quality.rollup import TrainingRules
from quality.scores import score
from tests.quality.conftest import best

PLAN = Plan("weekly", "spring")


def log(form) -> list[tuple[float, events.Event]]:
    """One of each event, in an order in which it can happen, with their instants."""
    job, _ = draw(1, PLAN, period("2027-W02"), Frame(FrameCall(n, "1001", "process", "480+") for n in range(30)))
    marks = best(form)
    found = score(form, marks)
    told: list[events.Event] = [
        events.SamplingPlanSet(PLAN, "qa"),
        events.SamplingPlanSet(Plan("old", "x")),
        events.SamplingPlanEnded("old"),
        events.FrameKept(job.frame, 1, 1, "x"),
        events.SampleDrawn(job, "qa"),
        events.CallPicked(3, "1001", "leader"),
        events.FormAdded(form),
        events.ReviewOpened(1, 4, "1001", form.name, form.version, "wang", ("1001",), 1),
        events.MarksSaved(1, "wang", marks[:3]),
        events.SecondScoreAsked(1, "zhao"),
        events.ScoreSubmitted(1, "wang", marks, found),
        events.SecondScoreSubmitted(1, "zhao", marks, found),
        events.AppealMade(1, "1001", "why"),
        events.ReviewOpened(2, 5, "1001", form.name, form.version, "wang"),
        events.ReviewOpened(3, 6, "1001", form.name, form.version, "wang"),
        events.ScoreSubmitted(3, "wang", marks, found),
        events.CalibrationOpened(1, (4,), form.name, form.version, ("wang", "zhao")),
        events.CalibrationScored(1, 4, "wang", marks, found),
        events.ResultsPassedOn("A", "2027-W02", "leader_sums_up", "1009"),
        events.TrainingNeeded(1, "1001", form.name, "empathy", (4, 5), "attitude", 3),
        events.TrainingNeeded(2, "1001", form.name, "asks", (4, 5)),
        events.TrainingMoved(1, "give", "wang"),
    ]
    return [(1_800_000_000.0 + place, event) for place, event in enumerate(told)]


def played(told) -> Register:
    register = Register()
    for at, event in told:
        register.receive(event, at)
    return register


def test_a_snapshot_at_any_point_goes_on_as_the_whole_log_does(form):
    told = log(form)
    whole = played(told).snapshot()
    for place in range(len(told) + 1):
        saved = msgspec.json.decode(msgspec.json.encode(played(told[:place]).snapshot()))
        restored = Register.restore(saved)
        for at, event in told[place:]:
            restored.receive(event, at)
        assert restored.snapshot() == whole


def test_it_knows_what_goes_on(form):
    register = played(log(form))
    (standing,) = register.plans()
    assert (standing.plan, standing.drawn) == (PLAN, ("2027-W02",))
    assert (register.last_job, register.last_review, register.last_calibration, register.last_training) == (1, 3, 1, 2)
    assert [each.state for each in register.reviews()] == ["appealed", "draft", "submitted"]
    assert register.gated("1001") == {"attitude": 1}
    assert register.results("A", "2027-W02").state == "with_training"
    with pytest.raises(QualityError, match="no sampling plan old; there are weekly"):
        register.plan("old")


def test_what_is_over_is_let_go(form):
    register, marks = played(log(form)), best(form)
    found = score(form, marks)
    late = 1_800_000_000.0 + 5 * DAY + 100
    register.receive(events.AppealDecided(1, "qian", marks, found, "why"), late)
    assert [(each.review, each.state) for each in register.reviews()] == [(2, ReviewState.DRAFT)]
    register.receive(events.CalibrationClosed(1), late)
    register.receive(events.TrainingMoved(1, "pass", "wang"), late)
    for step in ("training_plans", "manager_signs"):
        register.receive(events.ResultsPassedOn("A", "2027-W02", step, "sun"), late)
    assert (register.calibrations(), register.results("A", "2027-W02"), register.gated("1001")) == ([], None, {})
    assert [each.training for each in register.trainings()] == [2]
    assert (register.last_review, register.last_training) == (3, 2)


def test_the_memory_does_not_grow_with_the_years(form):
    register, marks = played(log(form)[:7]), best(form)
    found = score(form, marks)
    sizes = []
    for number in range(1, 3001):
        at = 1_800_000_000.0 + number * DAY / 60
        register.receive(events.ReviewOpened(number, number, "1001", form.name, form.version, "wang"), at)
        register.receive(events.ScoreSubmitted(number, "wang", marks, found), at)
        sizes.append(sum(1 for _ in register.reviews()))
    assert max(sizes) == sizes[-1] <= 5 * 60 + 2


def test_an_appeal_that_waits_is_kept_however_long(form):
    register = played(log(form))
    register.receive(events.ReviewOpened(9, 9, "1001", form.name, form.version, "wang"), 1_900_000_000.0)
    assert register.review(1).state is ReviewState.APPEALED


def test_the_operators_days_hold(form):
    register = Register()
    register.follow(AppealRules(within_days=1.0), TrainingRules())
    for at, event in log(form):
        register.receive(event, at)
    register.receive(events.ReviewOpened(9, 9, "1001", form.name, form.version, "wang"), 1_800_000_100.0 + DAY)
    assert register.review(3) is None


@pytest.mark.parametrize(
    ("name", "previous"),
    [("2027-01-01", "2026-12-31"), ("2027-W01", "2026-W53"), ("2027-01", "2026-12"), ("2027-W02", "2027-W01")],
)
def test_the_period_before(name, previous):
    assert before(period(name)).name == previous
