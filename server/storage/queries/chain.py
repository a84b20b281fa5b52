"""The end of one day's chain of recordings: what a hand-over book and a report show, so that it is kept elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from recordings.chain import FIRST
from server.storage.schema.recording_tables import Tombstone
from server.storage.schema.tables import Recording


@dataclass(frozen=True, slots=True)
class ChainEnd:
    """One day's chain: how many recordings were closed and deleted on it, and its last link."""

    day: str
    recordings: int
    deleted: int
    last: str


def chain_end(engine: Engine, day: date) -> ChainEnd:
    """The chain of that day of the hotline as it is now; without any recording its last link is `FIRST`."""
    with Session(engine) as session:
        return end_of_chain(session, day)


def end_of_chain(session: Session, day: date) -> ChainEnd:
    """As `chain_end`, in a session."""
    name = f"{day:%Y-%m-%d}"
    ends: list[tuple[int, str]] = [(0, FIRST)]
    counts = []
    for table in (Recording, Tombstone):
        counts.append(session.scalar(select(func.count()).select_from(table).where(table.day == name)) or 0)
        last = select(table.place, table.link).where(table.day == name).order_by(table.place.desc()).limit(1)
        if (found := session.execute(last).first()) is not None:
            ends.append((found[0] or 0, found[1]))
    return ChainEnd(name, counts[0], counts[1], max(ends)[1])
