"""The rows behind one cell of a report: those that add to the counts of which its figure is made, and no others.

Which counts a figure reads is asked of the figure itself, and what a row adds to them of the functions by which the
counts are kept: so the rows of a cell always make its value.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import Engine, Select, and_, or_, select
from sqlalchemy.orm import Session

from acd.callbacks.events import AttemptOutcome
from acd.callbacks.states import PromiseState
from acd.events import SoundStopped
from server.storage.figures.catalogue import FIGURES, Figure, Of, Terms
from server.storage.figures.counts import Counts, Sums, merge, slot_of
from server.storage.projections.contributions import (
    ALARM,
    DUE,
    FOLLOW_UP_WITHIN,
    Contribution,
    Key,
    of_call,
    of_dispatch,
    of_interval,
    of_promise,
    of_recording,
    of_review,
    of_round,
    of_ticket,
    spent,
)
from server.storage.queries import serialise
from server.storage.queries.callback_report import ACCEPTED
from server.storage.queries.figures_report import KINDS, NAMED_BY, OF_AGENTS, Groups, teams_of
from server.storage.queries.paging import QueryError, iso
from server.storage.schema.callback_tables import Attempt, CallbackOffer, Promise
from server.storage.schema.quality_tables import QaReview
from server.storage.schema.report_tables import TicketTimes
from server.storage.schema.tables import AgentInterval, Call, LogEntry, Recording, Segment, Ticket, asked_for
from server.storage.schema.ticket_tables import TicketDispatch, TicketRound

MOST = 1000
"""Rows that an answer shows at most; all of them are counted."""
WHOLE = frozenset({"total", "interval"})
_ENDED = ("kept", "broken", "expired", "cancelled")
PROMISES: dict[str, Callable[[Any], bool]] = {
    "promised": lambda each: each.state != PromiseState.UNCONFIRMED,
    "accepted": lambda each: each.source in ACCEPTED,
    "connected": lambda each: each.connected_at is not None,
    "open": lambda each: each.state not in (*_ENDED, PromiseState.UNCONFIRMED),
    **{name: lambda each, name=name: each.state == name for name in (*_ENDED, "unconfirmed")},  # type: ignore[misc]
}
"""Columns of the report of callback mode that count promises → which."""
ATTEMPTS: dict[str, Callable[[Any], bool]] = {
    "attempts": lambda each: True,
    "abandoned_by_us": lambda each: each.outcome == AttemptOutcome.HUNG_UP,
}
"""Those that count attempts."""
OFFERED = "offered"
_AT_ONCE = 1000
_FIGURES = {figure.id: figure for figure in FIGURES}


@dataclass(frozen=True, slots=True)
class CellAsked:
    """`figure` in [since, until), of the whole (`total`, `interval`) or of the queue, category (`whole`: with its
    parts), agent, team, department or dispatcher `name`; in a report of one `queue` alone, if that is given.
    `promise.kept` and the like are columns of the report of callback mode."""

    figure: str
    of: str
    name: str
    since: datetime
    until: datetime
    queue: str | None = None


def rows_of(
    engine: Engine,
    asked: CellAsked,
    *,
    now: datetime,
    terms: Terms,
    mask: bool = False,
    agents: frozenset[str] | None = None,
    wholes: Groups | None = None,
) -> dict[str, Any]:
    """The value, and the rows that make it, oldest first, each with its call. Rows of others than `agents` are counted
    alone. Raises QueryError for a figure or a list that does not exist."""
    figure, names = _wanted(asked.figure)
    if asked.of not in WHOLE | KINDS.keys():
        raise QueryError(f"there is no list by {asked.of[:40]}: there are {', '.join(sorted(WHOLE | KINDS.keys()))}")
    with Session(engine) as session:
        groups = {"team": teams_of(session.connection()), "whole": wholes or {}}.get(asked.of)
        return _rows_of(session, asked, figure, names, now, terms, mask, agents, groups)


def _rows_of(
    session: Session,
    asked: CellAsked,
    figure: Figure | None,
    names: frozenset[str],
    now: datetime,
    terms: Terms,
    mask: bool,
    agents: frozenset[str] | None,
    groups: Groups | None,
) -> dict[str, Any]:
    sums, found, count, unseen = dict[str, int](), list[tuple[str, Any]](), 0, 0
    candidates = _candidates(session, asked, figure.of, now) if figure else _of_callbacks(session, asked)
    for kind, row, contribution in candidates:
        counts = _counted(contribution, asked, now, groups)
        if not names & _names(counts):
            continue
        merge(sums, counts)
        count += 1
        if agents is not None and getattr(row, "agent", "") not in agents:
            unseen += 1
        elif len(found) < MOST:
            found.append((kind, row))
    value = figure.value(Sums(sums), terms) if figure else sum(sums.get(name, 0) for name in names)
    found.sort(key=lambda each: (iso(_at(each[1])) or "", each[0]))
    return {
        "figure": asked.figure,
        "value": value,
        "count": count,
        "unseen": unseen,
        "whole": len(found) + unseen == count,
        "items": _shown(session, found, mask),
    }


def _wanted(name: str) -> tuple[Figure | None, frozenset[str]]:
    kind, dot, column = name.partition(".")
    if dot and kind == "promise" and column in (OFFERED, *PROMISES, *ATTEMPTS):
        return None, frozenset({column})
    if (figure := _FIGURES.get(name)) is None:
        raise QueryError(f"there is no figure {name[:60]}")
    return figure, counts_of(name)


@cache
def counts_of(figure: str) -> frozenset[str]:
    """The names of the counts that a figure reads; of counts by steps the part before the colon."""
    spy = _Spy()
    _FIGURES[figure].value(spy, Terms())
    return frozenset(spy.read)


class _Spy(Sums):
    """Notes what is read of it, and says numbers of which no sum or difference is 0."""

    def __init__(self) -> None:
        self.read: list[str] = []
        super().__init__({})
        self.ordered = _Steps(self._number)  # type: ignore[assignment]

    def _number(self, name: str) -> int:
        self.read.append(name)
        return int(3 ** len(self.read))

    def get(self, name: str, otherwise: Any = None) -> int:
        return self._number(name)

    @property
    def met(self) -> list[tuple[int, int, int]]:
        return [(1, 1, self._number("contact"))]

    @met.setter
    def met(self, value: object) -> None:
        pass


class _Steps:
    def __init__(self, number: Callable[[str], int]) -> None:
        self._number = number

    def get(self, name: str, otherwise: object = None) -> list[tuple[int, int]]:
        return [(1, self._number(name))]


def _names(counts: Mapping[str, int]) -> set[str]:
    return {name.partition(":")[0] for name in counts}


def _counted(contribution: Contribution, asked: CellAsked, now: datetime, groups: Groups | None) -> Counts:
    """What of this belongs to the cell."""
    first, last, present = (slot_of(each.timestamp()) for each in (asked.since, asked.until, now))
    found: Counts = {}
    for key, counts in contribution.items():
        if not first <= key.slot < last or (key.kind == DUE and key.slot >= present):
            continue
        if asked.queue is not None and key.queue != asked.queue:
            continue
        if asked.of in WHOLE:
            here = key.kind not in OF_AGENTS
        else:
            name = getattr(key, NAMED_BY.get(asked.of, "agent"))
            within = (name,) if groups is None else groups.get(name, ())
            here = key.kind in KINDS[asked.of][2] and asked.name in within
        if here:
            merge(found, counts)
    return found


# Where rows come from


def _candidates(session: Session, asked: CellAsked, of: Of, now: datetime) -> Iterator[tuple[str, Any, Contribution]]:
    for kind in _SOURCES[of]:
        yield from _READERS[kind](session, asked, now)


def _between(asked: CellAsked, *columns: Any) -> Any:
    return or_(*(and_(column >= asked.since, column < asked.until) for column in columns))


def _all(session: Session, wanted: Select[Any]) -> Iterator[Any]:
    for rows in session.scalars(wanted.execution_options(yield_per=_AT_ONCE)).partitions():
        yield from rows
        for row in rows:
            session.expunge(row)


def _calls(session: Session, asked: CellAsked, now: datetime) -> Iterator[tuple[str, Any, Contribution]]:
    wanted = select(Call).where(_between(asked, Call.offered_at)).order_by(Call.id)
    for rows in session.scalars(wanted.execution_options(yield_per=_AT_ONCE)).partitions():
        legs: defaultdict[int | None, list[Segment]] = defaultdict(list)
        for leg in session.scalars(select(Segment).where(Segment.call.in_([row.id for row in rows]))):
            legs[leg.call].append(leg)
            session.expunge(leg)
        for row in rows:
            yield "call", row, of_call(row, legs[row.id])
            session.expunge(row)


def _times(session: Session, asked: CellAsked, now: datetime) -> Iterator[tuple[str, Any, Contribution]]:
    ended = or_(AgentInterval.ended_at.is_(None), AgentInterval.ended_at > asked.since)
    for row in _all(session, select(AgentInterval).where(AgentInterval.began_at < asked.until, ended)):
        if row.ended_at is not None:
            yield "time", row, of_interval(row)
        elif asked.queue is None:
            yield "time", row, spent(row, max(now, row.began_at))


def _plain(kind: str, table: Any, of: Callable[[Any], Contribution], *columns: Any) -> Any:
    def read(session: Session, asked: CellAsked, now: datetime) -> Iterator[tuple[str, Any, Contribution]]:
        for row in _all(session, select(table).where(_between(asked, *columns))):
            yield kind, row, of(row)

    return read


def _rounds(session: Session, asked: CellAsked, now: datetime) -> Iterator[tuple[str, Any, Contribution]]:
    """Rounds with a limit or an end in this time, and those whose follow-up may lie in it or be due in it."""
    table = TicketRound
    due = table.resolved_at >= asked.since - timedelta(seconds=FOLLOW_UP_WITHIN)
    asking = or_(table.followed_up_at.is_(None), table.followed_up_at >= asked.since, due)
    within = _between(asked, table.resolve_by, table.respond_by, table.resolved_at)
    for row in _all(session, select(table).where(or_(within, and_(table.resolved_at < asked.until, asking)))):
        yield "round", row, of_round(row)


@dataclass(frozen=True, slots=True)
class Sound:
    """When the sound of a call went one way only; the archived log alone has it."""

    id: int
    at: datetime
    agent: str
    side: str
    call: int


def _sounds(session: Session, asked: CellAsked, now: datetime) -> Iterator[tuple[str, Any, Contribution]]:
    within = (LogEntry.at >= asked.since.timestamp(), LogEntry.at < asked.until.timestamp())
    wanted = select(LogEntry.at, LogEntry.data).where(asked_for(SoundStopped.__name__), *within)
    for at, data in session.execute(wanted.order_by(LogEntry.ms, LogEntry.seq)):
        event = msgspec.json.decode(data, type=SoundStopped)
        row = Sound(event.call, datetime.fromtimestamp(at, UTC), event.agent, event.side, event.call)
        yield "sound", row, {Key(slot_of(at), ALARM, agent=event.agent): {"one_way_sound": 1}}


def _of_callbacks(session: Session, asked: CellAsked) -> Iterator[tuple[str, Any, Contribution]]:
    """Rows of a column of the report of callback mode, each where that report counts it."""
    column = asked.figure.partition(".")[2]
    if column == OFFERED:
        for row in _all(session, select(CallbackOffer).where(_between(asked, CallbackOffer.at))):
            yield "offer", row, {Key(slot_of(row.at.timestamp()), "promise", row.queue): {column: 1}}
        return
    made = _between(asked, Promise.promised_at)
    if column in ATTEMPTS:
        tried = select(Attempt, Promise).join(Promise, Promise.id == Attempt.promise).where(made)
        rows: Any = (("attempt", row, promise) for row, promise in session.execute(tried) if ATTEMPTS[column](row))
    else:
        rows = (("promise", row, row) for row in _all(session, select(Promise).where(made)) if PROMISES[column](row))
    for kind, row, promise in rows:
        place = Key(slot_of(promise.promised_at.timestamp()), "promise", promise.queue, promise.category)
        yield kind, row, {place: {column: 1}}


_READERS: dict[str, Callable[..., Iterator[tuple[str, Any, Contribution]]]] = {
    "call": _calls,
    "time": _times,
    "ticket": _plain("ticket", TicketTimes, of_ticket, TicketTimes.opened_at, TicketTimes.dispatched_at),
    "round": _rounds,
    "dispatch": _plain("dispatch", TicketDispatch, of_dispatch, TicketDispatch.at),
    "recording": _plain("recording", Recording, of_recording, Recording.started_at),
    "promise": _plain("promise", Promise, of_promise, Promise.promised_at),
    "score": _plain("score", QaReview, of_review, QaReview.scored_at),
    "sound": _sounds,
}
_OF_TICKETS = frozenset({"ticket", "round", "dispatch"})
_SOURCES = {
    Of.CALLS: ("call", "promise"),
    Of.LEGS: ("call", "score"),
    Of.AGENTS: ("time", "recording"),
    Of.TICKETS: ("ticket", "round", "dispatch", "call"),
    Of.SORTING: ("dispatch",),
    Of.ANSWERS: ("round",),
    Of.HOUSE: ("recording", "call", "sound"),
}


# How rows are shown


def _at(row: Any) -> datetime | None:
    for name in ("offered_at", "began_at", "opened_at", "at", "started_at", "promised_at", "scored_at"):
        if (value := getattr(row, name, None)) is not None:
            return value  # type: ignore[no-any-return]
    return None


def _shown(session: Session, rows: Sequence[tuple[str, Any]], mask: bool) -> list[dict[str, Any]]:
    tickets = {row.ticket for kind, row in rows if kind in _OF_TICKETS}
    calls_of = _by_id(session, Ticket, tickets)
    about = [_call_of(kind, row, calls_of) for kind, row in rows]
    calls = {row.id: row for kind, row in rows if kind == "call"}
    calls |= _by_id(session, Call, {each for each in about if each is not None} - calls.keys())
    recordings = _recordings(session, calls)
    return [
        {
            "kind": kind,
            "id": _id(kind, row),
            "at": iso(_at(row)),
            "until": iso(getattr(row, "ended_at", None)) if kind == "time" else None,
            "agent": getattr(row, "agent", "") or getattr(row, "by", "") or None,
            "state": _state(kind, row),
            "call": None if call not in calls else serialise.call(calls[call], recordings[calls[call].id], mask),
        }
        for (kind, row), call in zip(rows, about, strict=True)
    ]


def _id(kind: str, row: Any) -> int | None:
    if kind in ("time", "offer"):
        return None
    return int(row.ticket if kind in _OF_TICKETS else row.promise if kind == "attempt" else row.id)


def _state(kind: str, row: Any) -> str | None:
    if kind == "time":
        return str(row.state if row.state != "idle" else row.status)
    if kind == "attempt":
        return row.outcome  # type: ignore[no-any-return]
    if kind == "sound":
        return str(row.side)
    return str(row.state) if kind in ("recording", "promise") else None


def _call_of(kind: str, row: Any, tickets: Mapping[int, Any]) -> int | None:
    """The call that this row is about."""
    if kind == "call":
        return int(row.id)
    if kind in _OF_TICKETS:
        return tickets[row.ticket].call if row.ticket in tickets else None
    if kind == "promise":
        return row.origin or row.call  # type: ignore[no-any-return]
    if kind == "time":
        return row.call or row.after_call  # type: ignore[no-any-return]
    return row.call or None


def _by_id(session: Session, table: Any, ids: Any) -> dict[int, Any]:
    wanted, found = sorted(ids), dict[int, Any]()
    for start in range(0, len(wanted), _AT_ONCE):
        for row in session.scalars(select(table).where(table.id.in_(wanted[start : start + _AT_ONCE]))):
            found[row.id] = row
    return found


def _recordings(session: Session, calls: Mapping[int, Any]) -> dict[int, list[int]]:
    found: defaultdict[int, list[int]] = defaultdict(list)
    wanted = sorted(calls)
    for start in range(0, len(wanted), _AT_ONCE):
        part = wanted[start : start + _AT_ONCE]
        closed = select(Recording.call, Recording.id).where(Recording.call.in_(part), Recording.state == "closed")
        for call, recording in session.execute(closed.order_by(Recording.id)):
            if call is not None:
                found[call].append(recording)
    return found
