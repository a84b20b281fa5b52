"""From a log entry to rows, for quality assurance. What an event makes of a value is what the core plays."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

import quality.events as qa
from quality import calibration, reviews, rollup
from quality.calibration import Calibration
from quality.periods import period
from quality.reviews import Given, Review
from quality.rollup import RollUp, RollUpState, Training
from server.eventlog.log import Entry
from server.storage.projections.rows import Rows, entry_key, utc
from server.storage.projections.rules import Rules
from server.storage.schema.quality_tables import QaCalibration, QaCall, QaFramePart, QaPick, QaReview, QaTraining

RULES = Rules()


# Samples


@RULES.on(qa.SamplingPlanSet)
def _(event: qa.SamplingPlanSet, entry: Entry, rows: Rows) -> None:
    plan = rows.qa_plans[event.plan.name]
    plan.data, plan.set_at, plan.set_by, plan.ended_at = _plain(event.plan), utc(entry.at), event.by, None


@RULES.on(qa.SamplingPlanEnded)
def _(event: qa.SamplingPlanEnded, entry: Entry, rows: Rows) -> None:
    rows.qa_plans[event.plan].ended_at = utc(entry.at)


@RULES.on(qa.FrameKept)
def _(event: qa.FrameKept, entry: Entry, rows: Rows) -> None:
    part: QaFramePart = rows.qa_frames[f"{event.digest}/{event.part}"]
    part.digest, part.part, part.packed = event.digest, event.part, event.packed


@RULES.on(qa.SampleDrawn)
def _(event: qa.SampleDrawn, entry: Entry, rows: Rows) -> None:
    job, days = event.job, period(event.job.period)
    row = rows.qa_jobs[job.job]
    if row.drawn_at is not None:
        return
    row.plan, row.period, row.first, row.last = job.plan.name, job.period, days.first, days.last
    row.frame, row.size = job.frame, sum(each.size for each in job.strata)
    row.drawn_at, row.drawn_by, row.data = utc(entry.at), event.by, _plain(job)
    for place, drawn in enumerate(job.calls):
        agent = job.strata[drawn.stratum].agent
        rows.add(QaCall(job=job.job, call=drawn.call, place=place, agent=agent))


@RULES.on(qa.CallPicked)
def _(event: qa.CallPicked, entry: Entry, rows: Rows) -> None:
    ms, seq = entry_key(entry.id)
    rows.add(QaPick(ms=ms, seq=seq, call=event.call, agent=event.agent, at=utc(entry.at), by=event.by, why=event.why))


@RULES.on(qa.FormAdded)
def _(event: qa.FormAdded, entry: Entry, rows: Rows) -> None:
    form = event.form
    row = rows.qa_forms[f"{form.name}/{form.version}"]
    if row.added_at is None:
        row.name, row.version, row.digest, row.data = form.name, form.version, form.digest, _plain(form)
        row.added_at, row.added_by = utc(entry.at), event.by


# Reviews


@RULES.on(qa.ReviewOpened)
def _(event: qa.ReviewOpened, entry: Entry, rows: Rows) -> None:
    row = rows.qa_reviews[event.review]
    if row.opened_at is None:
        row.opened_at = utc(entry.at)
        _keep(row, reviews.opened(event))


def _reviewed(event: Any, entry: Entry, rows: Rows) -> None:
    row = rows.qa_reviews[event.review]
    if row.opened_at is not None:
        _keep(row, reviews.play(msgspec.convert(row.data, Review), event, entry.at))


_OF_A_REVIEW: tuple[type, ...] = (
    qa.MarksSaved,
    qa.ScoreSubmitted,
    qa.SecondScoreAsked,
    qa.SecondScoreSubmitted,
    qa.AppealMade,
    qa.AppealDecided,
)
for _kind in _OF_A_REVIEW:
    RULES.on(_kind)(_reviewed)


def _keep(row: QaReview, review: Review) -> None:
    row.data = _plain(review)
    row.call, row.agent, row.job, row.state = review.call, review.agent, review.job, review.state
    row.form, row.version = review.form, review.version
    row.reviewer, row.second_reviewer = review.reviewer, review.second_reviewer
    row.scored_at, row.decided_at = _at(review.first), _at(review.decision)
    row.appealed_at = None if review.appeal is None else utc(review.appeal.at)
    if (counts := review.counts) is not None:
        found = counts.score
        row.score, row.points, row.passed, row.fatal = found.score, found.points, found.passed, found.fatal


def _at(given: Given | None) -> datetime | None:
    return None if given is None else utc(given.at)


# Calibration


@RULES.on(qa.CalibrationOpened)
def _(event: qa.CalibrationOpened, entry: Entry, rows: Rows) -> None:
    row = rows.qa_calibrations[event.calibration]
    if row.opened_at is None:
        row.opened_at, row.opened_by = utc(entry.at), event.by
        row.form, row.version, row.data = event.form, event.version, _plain(calibration.opened(event))


def _calibrated(event: Any, entry: Entry, rows: Rows) -> None:
    row: QaCalibration = rows.qa_calibrations[event.calibration]
    if row.opened_at is not None:
        after = calibration.play(msgspec.convert(row.data, Calibration), event)
        row.data, row.closed = _plain(after), after.closed


RULES.on(qa.CalibrationScored)(_calibrated)
RULES.on(qa.CalibrationClosed)(_calibrated)


# Results and training


@RULES.on(qa.ResultsPassedOn)
def _(event: qa.ResultsPassedOn, entry: Entry, rows: Rows) -> None:
    row = rows.qa_results[f"{event.period}/{event.team}"]
    row.team, row.period = event.team, event.period
    after = rollup.play_results(RollUp(event.team, event.period, RollUpState(row.state)), event)
    if after.state != row.state:
        row.state = after.state
        row.steps = [*row.steps, {"step": event.step, "by": event.by, "at": entry.at, "note": event.note}]


@RULES.on(qa.TrainingNeeded)
def _(event: qa.TrainingNeeded, entry: Entry, rows: Rows) -> None:
    row = rows.qa_trainings[event.training]
    if row.needed_at is None:
        row.needed_at = utc(entry.at)
        _train(row, rollup.needed(event))


@RULES.on(qa.TrainingMoved)
def _(event: qa.TrainingMoved, entry: Entry, rows: Rows) -> None:
    row = rows.qa_trainings[event.training]
    if row.needed_at is not None:
        _train(row, rollup.play_training(msgspec.convert(row.data, Training), event))
        row.moved_at, row.moved_by, row.note = utc(entry.at), event.by, event.note


def _train(row: QaTraining, training: Training) -> None:
    row.agent, row.state, row.data = training.agent, training.state, _plain(training)


def _plain(value: object) -> Any:
    return msgspec.to_builtins(value)
