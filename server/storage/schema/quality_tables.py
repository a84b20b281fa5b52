"""What the records hold of quality assurance: plans, frames, jobs, forms, reviews, calibrations, trainings, results.

`data` is the value of the core as a structure; the columns beside it are what lists and figures look for.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from server.storage.schema.tables import Base, OfEntry, Structure


class QaPlan(Base):
    """A sampling plan as it is now, or was when it ended."""

    __tablename__ = "qa_plans"

    name: Mapped[str] = mapped_column(primary_key=True)
    data: Mapped[dict[str, Any]] = mapped_column(Structure, default_factory=dict)
    set_at: Mapped[datetime | None] = mapped_column(default=None)
    set_by: Mapped[str] = mapped_column(default="")
    ended_at: Mapped[datetime | None] = mapped_column(default=None)


class QaFramePart(Base):
    """Part of a frame's lines, packed (see `storage.frames`); `digest` is SHA-256 over the lines of all parts."""

    __tablename__ = "qa_frames"

    key: Mapped[str] = mapped_column(primary_key=True)
    """`DIGEST/PART`."""
    digest: Mapped[str] = mapped_column(default="", index=True)
    part: Mapped[int] = mapped_column(default=0)
    packed: Mapped[str] = mapped_column(Text, default="")


class QaJob(Base):
    """A sample that was drawn. `first` and `last` are the days of its period."""

    __tablename__ = "qa_jobs"
    __table_args__ = (Index(None, "plan", "period"), Index(None, "first"))

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    plan: Mapped[str] = mapped_column(default="")
    period: Mapped[str] = mapped_column(default="")
    first: Mapped[date | None] = mapped_column(default=None)
    last: Mapped[date | None] = mapped_column(default=None)
    frame: Mapped[str] = mapped_column(default="")
    size: Mapped[int] = mapped_column(default=0)
    drawn_at: Mapped[datetime | None] = mapped_column(default=None)
    drawn_by: Mapped[str] = mapped_column(default="")
    data: Mapped[dict[str, Any]] = mapped_column(Structure, default_factory=dict)


class QaCall(Base):
    """A call that a job drew: `place` is its place in the order of drawing, from 0."""

    __tablename__ = "qa_calls"
    __table_args__ = (Index(None, "call"),)

    job: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    call: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    place: Mapped[int]
    agent: Mapped[str]


class QaPick(OfEntry, Base):
    """A call that somebody chose by hand."""

    __tablename__ = "qa_picks"
    __table_args__ = (Index(None, "call"),)

    call: Mapped[int]
    agent: Mapped[str]
    at: Mapped[datetime]
    by: Mapped[str]
    why: Mapped[str]


class QaForm(Base):
    """One version of a form."""

    __tablename__ = "qa_forms"

    key: Mapped[str] = mapped_column(primary_key=True)
    """`NAME/VERSION`."""
    name: Mapped[str] = mapped_column(default="")
    version: Mapped[int] = mapped_column(default=0)
    digest: Mapped[str] = mapped_column(default="")
    added_at: Mapped[datetime | None] = mapped_column(default=None)
    added_by: Mapped[str] = mapped_column(default="")
    data: Mapped[dict[str, Any]] = mapped_column(Structure, default_factory=dict)


class QaReview(Base):
    """A review with all that was said of it. `score`, `points`, `passed`, `fatal` are of the score that counts."""

    __tablename__ = "qa_reviews"
    __table_args__ = (Index(None, "call"), Index(None, "job"), Index(None, "agent", "scored_at"), Index(None, "state"))

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    call: Mapped[int] = mapped_column(default=0)
    agent: Mapped[str] = mapped_column(default="")
    job: Mapped[int | None] = mapped_column(default=None)
    form: Mapped[str] = mapped_column(default="")
    version: Mapped[int] = mapped_column(default=0)
    reviewer: Mapped[str] = mapped_column(default="")
    second_reviewer: Mapped[str] = mapped_column(default="")
    state: Mapped[str] = mapped_column(default="")
    opened_at: Mapped[datetime | None] = mapped_column(default=None)
    scored_at: Mapped[datetime | None] = mapped_column(default=None)
    appealed_at: Mapped[datetime | None] = mapped_column(default=None)
    decided_at: Mapped[datetime | None] = mapped_column(default=None)
    score: Mapped[float | None] = mapped_column(default=None)
    points: Mapped[float | None] = mapped_column(default=None)
    passed: Mapped[bool | None] = mapped_column(default=None)
    fatal: Mapped[bool | None] = mapped_column(default=None)
    data: Mapped[dict[str, Any]] = mapped_column(Structure, default_factory=dict)


class QaCalibration(Base):
    """A calibration round."""

    __tablename__ = "qa_calibrations"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    form: Mapped[str] = mapped_column(default="")
    version: Mapped[int] = mapped_column(default=0)
    closed: Mapped[bool] = mapped_column(default=False)
    opened_at: Mapped[datetime | None] = mapped_column(default=None)
    opened_by: Mapped[str] = mapped_column(default="")
    data: Mapped[dict[str, Any]] = mapped_column(Structure, default_factory=dict)


class QaTraining(Base):
    """A training item."""

    __tablename__ = "qa_trainings"
    __table_args__ = (Index(None, "agent"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    agent: Mapped[str] = mapped_column(default="")
    state: Mapped[str] = mapped_column(default="")
    needed_at: Mapped[datetime | None] = mapped_column(default=None)
    moved_at: Mapped[datetime | None] = mapped_column(default=None)
    moved_by: Mapped[str] = mapped_column(default="")
    note: Mapped[str] = mapped_column(default="")
    data: Mapped[dict[str, Any]] = mapped_column(Structure, default_factory=dict)


class QaResults(Base):
    """Where the results of a team and period are. `steps` were taken: each has `step`, `by`, `at`, `note`."""

    __tablename__ = "qa_results"

    key: Mapped[str] = mapped_column(primary_key=True)
    """`PERIOD/TEAM`."""
    team: Mapped[str] = mapped_column(default="")
    period: Mapped[str] = mapped_column(default="")
    state: Mapped[str] = mapped_column(default="with_leader")
    steps: Mapped[list[dict[str, Any]]] = mapped_column(Structure, default_factory=list)
