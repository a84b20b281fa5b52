"""What the log keeps comes back as it was, and no event is called as another."""

from __future__ import annotations

import msgspec
import pytest

import quality.events as events
from quality.draw import draw
from quality.periods import period
from quality.plans import Frame, FrameCall, Plan, Risk
from quality.scores import Mark, score
from server.eventlog.entries import EVENTS
from tests.quality.conftest import best

KINDS = {
    name: kind
    for name, kind in vars(events).items()
    if isinstance(kind, type) and issubclass(kind, events.Event) and kind is not events.Event
}


def examples(form):
    job, _ = draw(
        1,
        Plan("weekly", "seed"),
        period("2027-W02"),
        Frame(FrameCall(n, "1001", "process", "480+", (Risk.REPEAT,) * (n % 2)) for n in range(30)),
    )
    marks = (*best(form, hold=None, privacy=0)[1:], Mark("greeting", 0, (1.5,), "没有报工号"))
    found = score(form, marks)
    return [
        events.SamplingPlanSet(job.plan, "qa"),
        events.SamplingPlanEnded("weekly", "qa"),
        events.FrameKept(job.frame, 1, 1, "eJw="),
        events.SampleDrawn(job, "qa"),
        events.CallPicked(17, "1001", "leader", "新员工"),
        events.FormAdded(form, "qa"),
        events.ReviewOpened(1, 17, "1001", "complaint", 1, "qa", ("1001",), 1),
        events.MarksSaved(1, "qa", marks[:2]),
        events.ScoreSubmitted(1, "qa", marks, found),
        events.SecondScoreAsked(1, "qa2", "leader"),
        events.SecondScoreSubmitted(1, "qa2", marks, found),
        events.AppealMade(1, "1001", "why", ("greeting",)),
        events.AppealDecided(1, "qa3", marks, found, "why"),
        events.CalibrationOpened(1, (17, 18), "complaint", 1, ("qa", "qa2")),
        events.CalibrationScored(1, 17, "qa", marks, found),
        events.CalibrationClosed(1, "qa"),
        events.ResultsPassedOn("A", "2027-W02", "leader_sums_up", "leader"),
        events.TrainingNeeded(1, "1001", "complaint", "greeting", (1, 2, 3), "complaint"),
        events.TrainingMoved(1, "give", "trainer"),
    ]


def test_every_event_comes_back_from_the_log_as_it_was(form):
    tried = examples(form)
    assert {type(each).__name__ for each in tried} == set(KINDS)
    for each in tried:
        assert msgspec.json.decode(msgspec.json.encode(each), type=type(each)) == each


@pytest.mark.parametrize("name", sorted(KINDS))
def test_an_event_has_a_name_of_its_own(name):
    assert EVENTS.get(name) in (None, KINDS[name])
