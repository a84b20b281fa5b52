"""The archived log is trimmed of what calls left in it before an instant; what goes on from there is never lost.

Before anything is deleted, the state at that instant is kept as a snapshot, so that every later day can be replayed.
What belongs to no call stays for ever: definitions, tickets, recordings, promises, access, and what could not be read.
Rows of calls, legs and tickets stay too; of the calls before the instant `call show` has no decisions any more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, delete, func, select, tuple_
from sqlalchemy.orm import Session

import acd.callbacks.events as callback
import acd.events as acd
import ivr.events as ivr
import recordings.events as rec
from server.eventlog.derived_events import AgentNoted, Decided, PromiseNoted
from server.eventlog.log import Entry
from server.hotline.state import HotlineState
from server.storage.archive import archived_after
from server.storage.schema.archive_tables import ArchiveStart
from server.storage.schema.tables import Decision, LogEntry

_STAY = (
    *(acd.SoundStopped, acd.SoundReturned, acd.PrioritySet, acd.CallMoved, acd.CallPulled),
    *(acd.MonitorStarted, acd.MonitorChanged, acd.MonitorEnded, callback.PromiseAsked, callback.PromiseCancelled),
    *(callback.PromisePostponed, callback.PromisePrioritised, callback.PromiseSettled),
)
"""What people did stays, and what `call show` needs for ever."""
_ALSO = (acd.Tick, acd.WrapUpEnded, acd.WrapUpExtended, Decided, AgentNoted, PromiseNoted, rec.RecordingStarted)
_OF_CALLS = frozenset({"call", "offer", "promise"})
TRIMMED: frozenset[str] = frozenset(
    kind.__name__
    for module in (acd, ivr, callback)
    for kind in vars(module).values()
    if isinstance(kind, type) and kind not in _STAY and _OF_CALLS & set(getattr(kind, "__dataclass_fields__", ()))
) | {kind.__name__ for kind in _ALSO}
"""Types of entries that are trimmed."""
_AT_ONCE = 5000


@dataclass(frozen=True, slots=True)
class Trimmed:
    """What was deleted."""

    entries: int
    decisions: int


def trim(engine: Engine, until: float, on_progress: Callable[[int], None] = lambda count: None) -> Trimmed:
    """Delete what calls left in the archived log before `until` (UTC epoch seconds).

    It may be stopped at any point and begun again. Every transaction is short: writers wait for none of them long.
    """
    start = _advance(engine, until)
    if start is None:
        return Trimmed(0, 0)
    events = _delete(engine, LogEntry, start, on_progress)
    return Trimmed(events, _delete(engine, Decision, start, on_progress))


def slices(engine: Engine, until: float, zone: ZoneInfo) -> Iterator[float]:
    """Midnights of the zone, oldest first, up to `until`: trimmed one after the other, each costs one day's entries."""
    with Session(engine) as session:
        begun = session.scalar(select(func.max(ArchiveStart.at)))
        if begun is None:
            begun = session.scalar(select(LogEntry.at).order_by(LogEntry.ms, LogEntry.seq).limit(1))
    if begun is None:
        return
    day = datetime.fromtimestamp(begun, zone).date()
    while True:
        day += timedelta(days=1)
        midnight = datetime.combine(day, time(), zone).timestamp()
        if midnight >= until:
            if begun < until:
                yield until
            return
        yield midnight


def start_before(engine: Engine, at: float) -> tuple[HotlineState, float] | None:
    """(the state from which the archive can be played, its instant), the newest up to `at`.

    None when the archive is whole. Raises LookupError when it is not, and what is left begins after `at`.
    """
    with Session(engine) as session:
        found = session.scalars(
            select(ArchiveStart).where(ArchiveStart.at <= at).order_by(ArchiveStart.ms.desc(), ArchiveStart.seq.desc())
        ).first()
        if found is not None:
            return HotlineState.restore(found.state.encode()), found.at
        first = session.scalar(select(func.min(ArchiveStart.at)))
    if first is not None:
        raise LookupError(first)
    return None


def _advance(engine: Engine, until: float) -> tuple[int, int] | None:
    """Keep the state at `until`; (ms, seq) of the last entry before it, None when there is none."""
    with Session(engine) as session:
        newest = (ArchiveStart.ms.desc(), ArchiveStart.seq.desc())
        last = session.scalars(select(ArchiveStart).order_by(*newest)).first()
    if last is not None and last.at >= until:
        return last.ms, last.seq
    state = HotlineState() if last is None else HotlineState.restore(last.state.encode())
    position = (0, 0) if last is None else (last.ms, last.seq)
    for entry in _until(archived_after(engine, position), until):
        state.play(entry)
        ms, _, seq = entry.id.partition("-")
        position = int(ms), int(seq)
    if position == (0, 0):
        return None
    with Session(engine) as session, session.begin():
        session.merge(ArchiveStart(ms=position[0], seq=position[1], at=until, state=state.snapshot().decode()))
        session.execute(delete(ArchiveStart).where(tuple_(ArchiveStart.ms, ArchiveStart.seq) < tuple_(*position)))
    return position


def _until(entries: Iterator[Entry], until: float) -> Iterator[Entry]:
    for entry in entries:
        if entry.at >= until:
            return
        yield entry


def _delete(
    engine: Engine, table: type[LogEntry] | type[Decision], upto: tuple[int, int], on_progress: Callable[[int], None]
) -> int:
    deleted, after = 0, (0, 0)
    while True:
        with Session(engine) as session, session.begin():
            key = (table.ms, table.seq)
            wanted = select(*key).where(tuple_(*key) > tuple_(*after), tuple_(*key) <= tuple_(*upto))
            keys = session.execute(wanted.order_by(*key).offset(_AT_ONCE - 1).limit(1)).first()
            last = upto if keys is None else (keys[0], keys[1])
            gone = delete(table).where(tuple_(*key) > tuple_(*after), tuple_(*key) <= tuple_(*last))
            if table is LogEntry:
                gone = gone.where(LogEntry.type.in_(sorted(TRIMMED)), LogEntry.problem == "")
            deleted += int(session.execute(gone).rowcount)  # type: ignore[attr-defined]
        on_progress(deleted)
        if keys is None:
            return deleted
        after = last
