"""Which recordings' time is over, and which are a person's: what deletion begins with."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Engine, Select, and_, func, not_, or_, select
from sqlalchemy.orm import Session

from server.storage.schema.recording_tables import RecordingStep
from server.storage.schema.tables import Call, Recording


@dataclass(frozen=True, slots=True)
class Deletable:
    """A closed recording: its key in the store, and whether a legal hold keeps it."""

    recording: int
    key: str
    held: bool
    why: str = ""


def expired(
    engine: Engine,
    now: datetime,
    keep: Mapping[str, int],
    others: int,
    spared: Collection[int] = (),
    limit: int = 500,
) -> list[Deletable]:
    """Recordings whose time is over and that no legal hold keeps, oldest first.

    `keep` has the days for each business type, `others` those of all others; `spared` are recordings that something
    else needs still.
    """
    own = [
        and_(Call.business == business, Recording.closed_at < now - timedelta(days=days))
        for business, days in keep.items()
    ]
    rest = and_(
        or_(Call.business.is_(None), not_(Call.business.in_(sorted(keep)))),
        Recording.closed_at < now - timedelta(days=others),
    )
    over = _closed().where(or_(*own, rest), not_(_held()), Recording.id.not_in(sorted(spared)))
    wanted = over.order_by(Recording.closed_at).limit(limit)
    with Session(engine) as session:
        return [
            Deletable(row.id, row.path, False, f"the time of {row.business or 'other'} recordings is over")
            for row in session.execute(wanted)
        ]


def of_caller(engine: Engine, calls: list[int]) -> list[Deletable]:
    """The closed recordings of these calls."""
    with Session(engine) as session:
        held = _held().label("held")
        wanted = _closed().add_columns(held).where(Recording.call.in_(calls)).order_by(Recording.id)
        return [Deletable(row.id, row.path, bool(row.held)) for row in session.execute(wanted)]


def _closed() -> Select[*tuple[Any, ...]]:
    columns = select(Recording.id, Recording.path, Call.business).outerjoin(Call, Call.id == Recording.call)
    return columns.where(Recording.state == "closed", Recording.path != "")


def _held() -> ColumnElement[bool]:
    """Whether the recording was held more often than it was released."""

    def count(kind: str) -> ColumnElement[int]:
        steps = select(func.count()).select_from(RecordingStep)
        return steps.where(RecordingStep.recording == Recording.id, RecordingStep.kind == kind).scalar_subquery()

    return count("held") > count("released")
