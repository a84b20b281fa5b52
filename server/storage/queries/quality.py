"""The read side of quality assurance: the values of the core as the records have them, page by page where there are
many."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import ColumnElement, Engine, Select, or_, select
from sqlalchemy.orm import Session

from quality.calibration import Calibration
from quality.draw import Job
from quality.periods import Period
from quality.plans import CallFacts, Frame, Plan
from quality.reviews import Review, ReviewState
from quality.rollup import RollUp, RollUpState, Training
from server.storage.frames import unpack
from server.storage.queries import quality_figures, quality_frame
from server.storage.queries.paging import QueryError, iso, page_of
from server.storage.queries.quality_frame import People
from server.storage.schema.quality_tables import (
    QaCalibration,
    QaCall,
    QaFramePart,
    QaJob,
    QaPick,
    QaResults,
    QaReview,
    QaTraining,
)

T = TypeVar("T")
Found = tuple[list[T], str | None]
"""A page, and the cursor of the page after it."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A job as the records have it; `at` is ISO 8601."""

    job: Job
    at: str | None
    by: str


@dataclass(frozen=True, slots=True)
class ReviewFilter:
    """Which reviews; `agents`: of calls of one of these, and only those that have a score if `scored`."""

    job: int | None = None
    call: int | None = None
    agent: str | None = None
    reviewer: str | None = None
    state: str | None = None
    agents: frozenset[str] | None = None
    scored: bool = False
    appealed: bool = False
    reader: str = ""
    """Only what was drawn for this reviewer or picked, what the reviewer has scored or is asked to score, and open
    appeals, which another reviewer decides."""


class QualityQueries:
    """Answers over one database; use from any thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # Samples

    def facts(self, plan: Plan, period: Period, zone: ZoneInfo) -> list[CallFacts]:
        """See `quality_frame.facts`."""
        with Session(self._engine) as session:
            return quality_frame.facts(session, plan, period, zone)

    def people(self, call: int) -> People | None:
        """See `quality_frame.people`."""
        with Session(self._engine) as session:
            return quality_frame.people(session, call)

    def drawn_before(self, period: Period) -> frozenset[int]:
        """The calls that jobs drew whose days are some of this period's."""
        of_period = select(QaJob.id).where(QaJob.first <= period.last, QaJob.last >= period.first)
        with Session(self._engine) as session:
            return frozenset(session.scalars(select(QaCall.call).where(QaCall.job.in_(of_period))))

    def job(self, number: int) -> Drawn | None:
        """One job; None when there is none of this number."""
        with Session(self._engine) as session:
            row = session.get(QaJob, number)
            return None if row is None else _drawn(row)

    def jobs(self, plan: str | None, period: str | None, limit: int, after: str | None) -> Found[Drawn]:
        """Jobs, newest first."""
        wanted = select(QaJob)
        wanted = wanted if plan is None else wanted.where(QaJob.plan == plan)
        wanted = wanted if period is None else wanted.where(QaJob.period == period)
        return self._page(wanted, QaJob, "job", limit, after, _drawn)

    def frame(self, digest: str) -> Frame | None:
        """The stored frame; None when it is not there. Raises ValueError when it cannot be read."""
        parts = select(QaFramePart.packed).where(QaFramePart.digest == digest).order_by(QaFramePart.part)
        with Session(self._engine) as session:
            packed = session.scalars(parts).all()
        return Frame.parse(unpack(packed)) if packed else None

    def job_of(self, call: int) -> Job | None:
        """The latest job that drew this call."""
        latest = select(QaCall.job).where(QaCall.call == call).order_by(QaCall.job.desc()).limit(1)
        with Session(self._engine) as session:
            number = session.scalar(latest)
            row = None if number is None else session.get(QaJob, number)
            return None if row is None else msgspec.convert(row.data, Job)

    def is_picked(self, call: int) -> bool:
        """Whether somebody chose this call by hand."""
        with Session(self._engine) as session:
            return session.scalar(select(QaPick.call).where(QaPick.call == call).limit(1)) is not None

    def is_drawn_for(self, call: int, reviewer: str) -> bool:
        """Whether a job drew this call for this reviewer, or somebody picked it: the reviewer may hear it."""
        jobs = select(QaJob).join(QaCall, QaCall.job == QaJob.id).where(QaCall.call == call)
        with Session(self._engine) as session:
            plans = [msgspec.convert(row.data, Job).plan for row in session.scalars(jobs)]
        return any(not plan.reviewers or reviewer in plan.reviewers for plan in plans) or self.is_picked(call)

    # Reviews

    def review(self, number: int) -> Review | None:
        """One review; None when there is none of this number."""
        with Session(self._engine) as session:
            row = session.get(QaReview, number)
            return None if row is None else _review(row)

    def reviews_of(self, calls: Collection[int]) -> list[Review]:
        """All reviews of these calls, oldest first."""
        with Session(self._engine) as session:
            found = select(QaReview).where(QaReview.call.in_(sorted(calls))).order_by(QaReview.id)
            return [_review(row) for row in session.scalars(found)]

    def reviews(self, which: ReviewFilter, limit: int, after: str | None) -> Found[Review]:
        """Reviews, newest first. Raises QueryError for an unknown state."""
        if which.state is not None and which.state not in set(ReviewState):
            raise QueryError(f"{which.state!r} is not a state; the states are {', '.join(ReviewState)}")
        wanted = select(QaReview)
        columns = (QaReview.job, QaReview.call, QaReview.agent, QaReview.reviewer, QaReview.state)
        given = (which.job, which.call, which.agent, which.reviewer, which.state)
        for column, value in zip(columns, given, strict=True):
            wanted = wanted if value is None else wanted.where(column == value)
        wanted = wanted if which.agents is None else wanted.where(QaReview.agent.in_(sorted(which.agents)))
        wanted = wanted.where(QaReview.scored_at.is_not(None)) if which.scored else wanted
        wanted = wanted.where(QaReview.appealed_at.is_not(None)) if which.appealed else wanted
        wanted = wanted.where(self._readable(which.reader)) if which.reader else wanted
        return self._page(wanted, QaReview, "review", limit, after, _review)

    def _readable(self, reader: str) -> ColumnElement[bool]:
        with Session(self._engine) as session:
            jobs = session.execute(select(QaJob.id, QaJob.data["plan"]["reviewers"]))
            mine = [job for job, reviewers in jobs if not reviewers or reader in reviewers]
        return or_(
            QaReview.reviewer == reader,
            QaReview.second_reviewer == reader,
            QaReview.state == ReviewState.APPEALED,
            QaReview.call.in_(select(QaCall.call).where(QaCall.job.in_(mine))),
            QaReview.call.in_(select(QaPick.call)),
        )

    # Calibration, results, training

    def calibration(self, number: int) -> Calibration | None:
        """One round; None when there is none of this number."""
        with Session(self._engine) as session:
            row = session.get(QaCalibration, number)
            return None if row is None else msgspec.convert(row.data, Calibration)

    def calibrations(self, limit: int, after: str | None) -> Found[Calibration]:
        """Rounds, newest first."""
        return self._page(
            select(QaCalibration), QaCalibration, "calibration", limit, after,
            lambda row: msgspec.convert(row.data, Calibration),
        )  # fmt: skip

    def training(self, number: int) -> Training | None:
        """One training; None when there is none of this number."""
        with Session(self._engine) as session:
            row = session.get(QaTraining, number)
            return None if row is None else msgspec.convert(row.data, Training)

    def trainings(
        self, agent: str | None, state: str | None, agents: frozenset[str] | None, limit: int, after: str | None
    ) -> Found[Training]:
        """Trainings, newest first."""
        wanted = select(QaTraining)
        wanted = wanted if agent is None else wanted.where(QaTraining.agent == agent)
        wanted = wanted if state is None else wanted.where(QaTraining.state == state)
        wanted = wanted if agents is None else wanted.where(QaTraining.agent.in_(sorted(agents)))
        return self._page(wanted, QaTraining, "training", limit, after, lambda row: msgspec.convert(row.data, Training))

    def results(self, team: str, period: str) -> RollUp:
        """Where the results are; with the leader when nobody passed them on."""
        with Session(self._engine) as session:
            row = session.get(QaResults, f"{period}/{team}")
            return RollUp(team, period, RollUpState(row.state) if row else RollUpState.WITH_LEADER)

    def all_results(self, period: str | None) -> list[dict[str, Any]]:
        """Results that somebody passed on, with their steps, by period and team."""
        wanted = select(QaResults).order_by(QaResults.key.desc()).limit(1000)
        wanted = wanted if period is None else wanted.where(QaResults.period == period)
        with Session(self._engine) as session:
            return [
                {"team": row.team, "period": row.period, "state": row.state, "steps": row.steps}
                for row in session.scalars(wanted)
            ]

    def scored_in(self, period: Period, zone: ZoneInfo, agents: frozenset[str]) -> list[Review]:
        """The reviews with a score of these agents' calls of the period, oldest first."""
        with Session(self._engine) as session:
            found = quality_figures.reviews_in(session, period, zone, agents)
        return [each for each in found if each.counts is not None]

    # Figures

    def report(
        self, period: Period, zone: ZoneInfo, *, plan: str | None = None, agents: frozenset[str] | None = None
    ) -> dict[str, Any]:
        """See `quality_figures.report`."""
        with Session(self._engine) as session:
            return quality_figures.report(session, period, zone, plan=plan, agents=agents)

    def _page(
        self, wanted: Select[Any], table: Any, kind: str, limit: int, after: str | None, read: Any
    ) -> tuple[list[Any], str | None]:
        with Session(self._engine) as session:
            rows: Sequence[Any]
            rows, following = page_of(session, wanted, table.id, kind, limit, after)
            return [read(row) for row in rows], following


def _drawn(row: QaJob) -> Drawn:
    return Drawn(msgspec.convert(row.data, Job), iso(row.drawn_at), row.drawn_by)


def _review(row: QaReview) -> Review:
    return msgspec.convert(row.data, Review)
