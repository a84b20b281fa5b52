"""Quality assurance in the records, on both databases: the frame's facts, a sample drawn again after a restart."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

import acd.events as acd
import ivr.events as ivr
import quality.events as qa
import recordings.events as rec
import tickets.events as tickets
from quality.draw import draw, redraw
from quality.periods import period
from quality.plans import Plan, Risk, RiskRules, frame, risks
from quality.reviews import ReviewState
from quality.scores import Mark, score
from server.hotline.quality_rules import product_form
from server.storage.database import open_database
from server.storage.frames import PART, pack, unpack
from server.storage.projector import Projector
from server.storage.queries import figures_report
from server.storage.queries.paging import QueryError
from server.storage.queries.quality import QualityQueries, ReviewFilter

ZONE = ZoneInfo("Asia/Shanghai")
WEEK = period("2027-W02")
"""Of the story, which begins on Friday, 15 January 2027, at 16:00 in this zone."""
FORM = product_form()
PLAN = Plan("weekly", "spring", per_agent=4, risk=RiskRules(keywords=("12315",)))


def conversation(story, call: int, agent: str, *, talked=60.0, held=0.0, satisfaction=None, end="caller") -> None:
    story.tell(acd.CallArrived(call, f"138001380{call:02d}", "4001", f"PJSIP/{call}", f"u{call}", story.now, "one"))
    story.tell(ivr.FieldSet(call, "business", "complaint"))
    story.serve(call, call, agent)
    story.tell(ivr.FieldSet(call, "category", "process" if call % 2 else "attitude"))
    if end == "transfer":
        story.tell(acd.Transferred(call, agent, "agent", "1009", True, talked=5.0))
        agent = "1009"
    story.tell(acd.ConversationEnded(call, agent, "caller", talked, held))
    if satisfaction is not None:
        story.tell(ivr.SatisfactionGiven(call, satisfaction))
    story.tell(acd.CallEnded(call, "caller_hung_up"))


@pytest.fixture
def told(database, story):
    """Twenty calls of two agents; the risks of some are facts of calls and tickets."""
    for call in range(1, 21):
        conversation(story, call, "1001" if call % 2 else "1002", talked=10.0 + 30 * call)
    conversation(story, 21, "1001", satisfaction=1, held=200.0)
    conversation(story, 22, "1001", end="transfer")
    story.tell(tickets.TicketOpened(1, 3, "13800138003", "complaint", "process"))
    story.tell(tickets.ContactAdded(1, 5))
    story.tell(tickets.CategoryConfirmed(1, "system", "1001"))
    story.tell(tickets.GradeRaised(1, "serious", "repeat_contact: 2 calls on the same matter"))
    story.tell(tickets.StateChanged(1, "dispatched", "1001", "客户要打 12315"))
    story.tell(tickets.NoteAdded(1, "客户提到媒体", by="1001"), tickets.AccusedSet(1, "1002", "1009"))
    story.tell(tickets.TicketOpened(2, 4, "13800138004", "complaint", "attitude"))
    story.tell(tickets.GradeRaised(2, "critical", "regulator"))
    for number, (call, seconds) in enumerate(((6, 9.5), (6, 7.0), (7, 3.0)), 1):
        spoke = rec.RecordingClosed(number, f"{number}.wav", 60.0, 2, f"{number:064x}", -20.0, -20.0, call=call)
        story.tell(replace(spoke, agent="1002", started_at=story.now, chain=2, talk_over=seconds))
    story.tell(rec.RecordingDeleted(1, "its time was over", "nobody", "2027-01-15"))
    story.tell(acd.CallArrived(30, "13800138030", "4001", "PJSIP/30", "u30", story.now, "one"))
    story.tell(acd.Joined(30, "1001"))
    Projector(database.write).apply(story.entries)
    return QualityQueries(database.read)


def test_a_frame_has_every_call_that_an_agent_answered_and_that_is_over_with_its_risks(told):
    facts = {each.call: each for each in told.facts(PLAN, WEEK, ZONE)}
    assert set(facts) == set(range(1, 23))
    assert facts[1].day == date(2027, 1, 15)
    assert (facts[3].business, facts[3].category, facts[1].category) == ("complaint", "system", "process")
    assert (facts[21].satisfaction, facts[21].held, facts[21].transferred) == (1, 200.0, False)
    assert (facts[22].agent, facts[22].transferred) == ("1009", True)
    assert ([each.repeat for each in (facts[3], facts[5])], facts[3].escalated) == ([False, True], False)
    assert (facts[4].escalated, facts[4].words, "12315" in facts[3].words) == (True, "regulator", True)
    assert (facts[6].talk_over, facts[7].talk_over, facts[8].talk_over) == (16.5, 3.0, 0.0)
    assert [Risk.TALK_OVER in risks(facts[call], PLAN.risk) for call in (6, 7, 8)] == [True, False, False]
    assert told.facts(PLAN, period("2027-W03"), ZONE) == []
    assert "媒体" in facts[3].words
    assert told.people(3).barred == {"1001", "1002"}
    people = told.people(22)
    assert (people.agent, people.heard, people.accused) == ("1009", ("1001",), "")
    assert told.people(99) is None


def test_a_stored_job_is_drawn_again_byte_for_byte_after_a_restart(told, database, story):
    job, kept = draw(1, PLAN, WEEK, frame(PLAN, WEEK, told.facts(PLAN, WEEK, ZONE)))
    parts = pack(kept.lines())
    story.tell(qa.SamplingPlanSet(PLAN, "qa"))
    for number, part in enumerate(parts, 1):
        story.tell(qa.FrameKept(job.frame, number, len(parts), part))
    story.tell(qa.SampleDrawn(job, "qa"))
    Projector(database.write).apply(story.entries)
    Projector(database.write).apply(story.entries)
    again = open_database(database.read.url.render_as_string(hide_password=False))
    stored = QualityQueries(again.read)
    found = stored.job(1)
    assert found.job == job
    assert stored.frame(job.frame).lines() == kept.lines()
    assert redraw(found.job, stored.frame(job.frame)).calls == job.calls
    assert stored.drawn_before(WEEK) == stored.drawn_before(period("2027-01")) == {each.call for each in job.calls}
    assert stored.drawn_before(period("2027-W03")) == frozenset()
    assert stored.job_of(job.calls[0].call) == job
    assert stored.is_drawn_for(job.calls[0].call, "anybody")
    assert not stored.is_drawn_for(99, "anybody")
    again.dispose()


@pytest.mark.thorough
def test_a_large_frame_is_kept_in_parts():
    lines = "".join(
        f"{json.dumps([n, str(1000 + n % 97), str(n * 7919 % 10007), '0-180', []])}\n" for n in range(200_000)
    )
    parts = pack(lines)
    assert len(parts) > 1
    assert max(map(len, parts)) <= PART
    assert unpack(parts) == lines
    with pytest.raises(ValueError, match="cannot be unpacked"):
        unpack([parts[1]])


def test_a_review_is_in_the_records_as_the_core_plays_it(told, database, story):
    marks = tuple(Mark(each.id, each.levels) for each in FORM.questions)
    failed = tuple(Mark(each.id, 0 if each.id == "privacy" else each.levels) for each in FORM.questions)
    story.tell(qa.FormAdded(FORM))
    story.tell(qa.ReviewOpened(1, 3, "1001", FORM.name, 1, "wang", ("1001",)))
    story.tell(qa.MarksSaved(1, "wang", marks[:2]))
    story.tell(qa.ScoreSubmitted(1, "wang", failed, score(FORM, failed)))
    story.tell(qa.AppealMade(1, "1001", "why"))
    story.tell(qa.ReviewOpened(2, 4, "1002", FORM.name, 1, "wang", ("1002",)))
    Projector(database.write).apply(story.entries)
    story.tell(qa.AppealDecided(1, "qian", marks, score(FORM, marks), "right"))
    Projector(database.write).apply(story.entries)
    review = told.review(1)
    assert (review.state, review.first.score.score, review.counts.score.score) == (ReviewState.DECIDED, 0.0, 100.0)
    assert [each.review for each in told.reviews(ReviewFilter(), 10, None)[0]] == [2, 1]
    for which, found in (
        (ReviewFilter(state="decided"), [1]),
        (ReviewFilter(agents=frozenset({"1002"})), [2]),
        (ReviewFilter(agents=frozenset({"1002"}), scored=True), []),
        (ReviewFilter(appealed=True), [1]),
        (ReviewFilter(call=4), [2]),
    ):
        assert [each.review for each in told.reviews(which, 10, None)[0]] == found
    with pytest.raises(QueryError, match="'open' is not a state"):
        told.reviews(ReviewFilter(state="open"), 10, None)
    now = datetime.fromtimestamp(story.now + 1, UTC)
    figures = figures_report.report(database.read, figures_report.days(date(2027, 1, 15), ZONE), now=now)
    (agent,) = [each for each in figures["agents"] if each["agent"] == "1001"]
    for each in (figures["total"], agent):
        assert (each["scored"], each["pass_rate"], each["fatal_rate"]) == (1, 0.0, 1.0)
    report = told.report(WEEK, ZONE)
    assert (report["plan"], report["picked"], report["appeals"], report["mean"]["value"]) == (None, 1, 1, None)


def test_rounds_results_and_trainings_are_in_the_records(told, database, story):
    marks = tuple(Mark(each.id, each.levels) for each in FORM.questions)
    story.tell(qa.FormAdded(FORM))
    story.tell(qa.CalibrationOpened(1, (3,), FORM.name, 1, ("wang", "zhao"), "sun"))
    story.tell(qa.CalibrationScored(1, 3, "wang", marks, score(FORM, marks)))
    story.tell(qa.CalibrationClosed(1, "sun"))
    story.tell(qa.ResultsPassedOn("A", "2027-W02", "leader_sums_up", "1009", "x"))
    story.tell(qa.ResultsPassedOn("A", "2027-W02", "leader_sums_up", "1009", "again"))
    story.tell(qa.TrainingNeeded(1, "1001", FORM.name, "asks", (3, 5, 7), version=1))
    story.tell(qa.TrainingMoved(1, "give", "wang"))
    story.tell(qa.CallPicked(3, "1001", "1009", "new"))
    Projector(database.write).apply(story.entries)
    assert told.calibration(1).closed
    assert told.calibration(1).given(3, "wang").score.score == 100.0
    assert told.results("A", "2027-W02").state == "with_training"
    (row,) = told.all_results("2027-W02")
    assert [each["note"] for each in row["steps"]] == ["x"]
    (training,) = told.trainings("1001", "given", None, 10, None)[0]
    assert (training.calls, training.version) == ((3, 5, 7), 1)
    assert told.is_picked(3)
    assert told.is_drawn_for(3, "anybody")
