"""Whether every recording is still what it was when it was closed.

Four tell of it: the archived log, the records, the chain of its day, and the SHA-256 of its file. Where two of them
differ something was removed, changed or added since. Days are the hotline's, on which recordings were closed; what was
closed before the log knew of them has its day in UTC.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from itertools import islice
from typing import BinaryIO, Protocol

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from recordings.chain import FIRST, SECOND, Covered, Fault, Kind, Link, verify
from recordings.events import RecordingClosed, RecordingDeleted
from server.eventlog.log import decode
from server.storage.recording_store import ObjectError, StoreAway, day_of, key_for, original_of
from server.storage.schema.recording_tables import Tombstone
from server.storage.schema.tables import LogEntry, Recording, asked_for

_BLOCK = 1 << 20
_DAY = 86_400.0
_KEYS = 500
"""Keys that are looked up at once."""


class Store(Protocol):
    """Where the recordings are kept."""

    def open(self, key: str) -> BinaryIO: ...
    def keys(self, under: str = "") -> Iterator[str]: ...


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it was. `recording` is its number, or None for a file that is nobody's."""

    kind: Kind
    day: str
    recording: int | None
    sentence: str


@dataclass(frozen=True, slots=True)
class Day:
    """One day's chain as it is now; `last` is its last link, which is worth keeping elsewhere."""

    day: str
    recordings: int
    last: str


@dataclass(frozen=True, slots=True)
class _Row:
    recording: int
    place: int
    sha256: str
    link: str
    path: str
    state: str
    covered: Covered
    seconds: float

    @property
    def second(self) -> bool:
        return self.link.startswith(SECOND)


class Integrity:
    """Compares the records of one database with the files of one store."""

    def __init__(self, engine: Engine, store: Store) -> None:
        self._engine, self._store = engine, store
        self.days: list[Day] = []
        """The days that were looked at."""

    def findings(self, day: date | None = None, last: str | None = None) -> Iterator[Finding]:
        """What was removed, changed or added, day by day; of one day only with `day`. Raises StoreAway.

        `last` is that day's last link as it was kept elsewhere. Files that no record tells of come at the end.
        """
        for each in [day] if day else self._all_days():
            yield from self._day(f"{each:%Y-%m-%d}", last)
        yield from self._strangers(f"{day:%Y/%m/%d}" if day else "")

    def _all_days(self) -> list[date]:
        with Session(self._engine) as session:
            chained = session.scalars(select(Recording.day).where(Recording.day.is_not(None)).distinct())
            days = {date.fromisoformat(each) for each in chained if each}
            days |= {date.fromisoformat(day) for day, _ in _told(session)}
            days |= {date.fromisoformat(each) for each in session.scalars(select(Tombstone.day).distinct())}
        return sorted(days)

    def _day(self, day: str, last: str | None) -> Iterator[Finding]:
        chained = select(Recording).where(Recording.day == day).order_by(Recording.place)
        with Session(self._engine) as session:
            rows = [_row(each) for each in session.scalars(chained)]
            stones = _tombstones(session, day)
            told = _closed(session, day)
            deleted = _deleted(session, {row.recording for row in rows if row.state == "deleted"})
            elsewhere = _still_closed(session, told.keys() - {row.recording for row in rows})
        links = [Link(row.place, row.recording, row.sha256, row.link, row.covered) for row in rows] + stones
        links.sort(key=lambda each: each.position)
        self.days.append(Day(day, len(rows), links[-1].link if links else FIRST))
        faults: list[Fault] = verify(day, links, last)
        for number in sorted(told.keys() - {row.recording for row in rows} - elsewhere):
            faults.append(Fault(Kind.REMOVED, number, "the log closed it, and the records do not have it"))
        for row in rows:
            event = told.get(row.recording)
            if event is None:
                faults.append(Fault(Kind.ADDED, row.recording, "the records have it, and the log never closed it"))
            elif _differs(event, row):
                faults.append(Fault(Kind.CHANGED, row.recording, "the records say of it what the log does not"))
            if row.state != "deleted":
                faults += self._file(row)
            elif row.recording not in deleted:
                faults.append(Fault(Kind.REMOVED, row.recording, "the records say deleted, and the log does not"))
        yield from _merged(day, faults)

    def _file(self, row: _Row) -> Iterator[Fault]:
        digest = hashlib.sha256()
        try:
            with self._store.open(row.path) as file:
                while block := file.read(_BLOCK):
                    digest.update(block)
        except ObjectError:
            yield Fault(Kind.REMOVED, row.recording, f"its file {row.path or '(none)'} is not in the store")
        except StoreAway:
            raise
        except OSError as error:
            why = error.strerror or error
            yield Fault(Kind.CHANGED, row.recording, f"its file {row.path} cannot be read: {why}")
        else:
            if digest.hexdigest() != row.sha256:
                yield Fault(
                    Kind.CHANGED, row.recording, f"its file {row.path} has another SHA-256: {digest.hexdigest()}"
                )

    def _strangers(self, under: str) -> Iterator[Finding]:
        keys = self._store.keys(under)
        while batch := list(islice(keys, _KEYS)):
            for key in self._unknown(batch):
                day = "-".join(key.split("/")[:3])
                yield Finding(Kind.ADDED, day, None, f"{key} is in the store, and no record tells of it")

    def _unknown(self, keys: Sequence[str]) -> list[str]:
        """The keys of no recording: neither of a closed one nor of one that is being joined."""
        with Session(self._engine) as session:
            bases = {key: original_of(key) for key in keys}
            known = set(session.scalars(select(Recording.path).where(Recording.path.in_(set(bases.values())))))
            names = (key.rpartition("/")[2].removesuffix(".wav") for key in bases.values())
            numbers = {int(name) for name in names if name.isdecimal()}
            started = select(Recording.id, Recording.started_at).where(
                Recording.id.in_(numbers), Recording.state == "started", Recording.started_at.is_not(None)
            )
            for row in session.execute(started):
                known |= {key_for(row.id, row.started_at.timestamp() + apart) for apart in (-_DAY, 0.0, _DAY)}
        return [key for key, base in bases.items() if base not in known]


def _row(found: Recording) -> _Row:
    started = found.started_at.timestamp() if found.started_at else 0.0
    seconds = found.seconds or 0.0
    covered = Covered(found.call or 0, found.agent, started, seconds)
    return _Row(found.id, found.place or 0, found.sha256, found.link, found.path, found.state, covered, seconds)


def _differs(event: RecordingClosed, row: _Row) -> bool:
    said: list[object] = [event.sha256, event.seconds, event.chain >= 2]
    found: list[object] = [row.sha256, row.seconds, row.second]
    if row.state != "deleted":
        said.append(event.path)
        found.append(row.path)
    return said != found


def _tombstones(session: Session, day: str) -> list[Link]:
    wanted = select(Tombstone, Recording).join(Recording, Recording.id == Tombstone.recording, isouter=True)
    links = []
    for stone, of in session.execute(wanted.where(Tombstone.day == day)):
        at = stone.deleted_at.timestamp() if stone.deleted_at else 0.0
        call, agent, sha256 = (of.call or 0, of.agent, of.sha256) if of else (0, "", "")
        covered = Covered(call, agent, at, 0.0, stone.why)
        links.append(Link(stone.place, stone.recording, sha256, stone.link, covered))
    return links


def _deleted(session: Session, numbers: set[int]) -> set[int]:
    """Those of the numbers that the log deleted."""
    if not numbers:
        return set()
    kind = RecordingDeleted.__name__
    wanted = select(LogEntry.data).where(asked_for(kind))
    return numbers & {decode(kind, data.encode()).recording for data in session.scalars(wanted)}


def _closed(session: Session, day: str) -> dict[int, RecordingClosed]:
    """What the log closed on that day, by number; of several entries about one recording the first."""
    midnight = datetime.combine(date.fromisoformat(day), time(), UTC).timestamp()
    found: dict[int, RecordingClosed] = {}
    for each, event in _told(session, midnight - _DAY, midnight + 2 * _DAY):
        if each == day:
            found.setdefault(event.recording, event)
    return found


def _told(
    session: Session, since: float = float("-inf"), until: float = float("inf")
) -> Iterator[tuple[str, RecordingClosed]]:
    """(day, event) of each recording that the log closed in that time, in order."""
    kind = RecordingClosed.__name__
    wanted = select(LogEntry.data, LogEntry.at).where(asked_for(kind))
    if since > 0:
        wanted = wanted.where(LogEntry.at >= since, LogEntry.at < until)
    for data, at in session.execute(wanted.order_by(LogEntry.ms, LogEntry.seq)):
        event: RecordingClosed = decode(kind, data.encode())
        yield event.day or day_of(at), event


def _still_closed(session: Session, numbers: set[int]) -> set[int]:
    """Those of the numbers that the records have as closed or deleted, on any day."""
    closed = select(Recording.id).where(Recording.state.in_(("closed", "deleted")), Recording.id.in_(numbers))
    return set(session.scalars(closed)) if numbers else set()


def _merged(day: str, faults: Sequence[Fault]) -> Iterator[Finding]:
    """One finding for all that was found of one kind about one recording."""
    told: dict[tuple[int, Kind], list[str]] = {}
    for fault in faults:
        told.setdefault((fault.recording, fault.kind), []).append(fault.sentence)
    for (recording, kind), sentences in told.items():
        subject = f"recording {recording}" if recording else "the chain"
        yield Finding(kind, day, recording or None, f"{subject}: {'; '.join(sentences)}")
