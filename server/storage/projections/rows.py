"""The rows that a batch of log entries is about: fetched together beforehand, made when missing, written together."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy import select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from acd.callbacks.events import AttemptAnswered, AttemptEnded, AttemptStarted
from acd.events import CallEnded, Joined
from recordings.chain import FIRST
from server.eventlog.derived_events import PromiseNoted
from server.eventlog.log import Entry
from server.storage.instants import utc
from server.storage.projections.plain_rows import PlainRows
from server.storage.schema.access_tables import AccessToken, User
from server.storage.schema.callback_tables import Attempt, CallbackOffer, Promise
from server.storage.schema.quality_tables import (
    QaCalibration,
    QaForm,
    QaFramePart,
    QaJob,
    QaPlan,
    QaResults,
    QaReview,
    QaTraining,
)
from server.storage.schema.recording_tables import Tombstone
from server.storage.schema.report_tables import Handover, TicketTimes
from server.storage.schema.tables import (
    Agent,
    AgentInterval,
    Base,
    Call,
    LogEntry,
    NumberTaken,
    Recording,
    Segment,
    Ticket,
)
from server.storage.schema.ticket_tables import TicketDispatch, TicketRound
from server.storage.schema.webhook_tables import TicketLink, Webhook

__all__ = ["Rows", "Shelf", "entry_key", "utc"]
_Row = TypeVar("_Row", bound=Base)
_OF_ATTEMPTS = (AttemptStarted, AttemptAnswered, AttemptEnded, Joined, CallEnded)
"""Events that say something of the latest attempt of their call."""


@lru_cache(maxsize=4096)
def entry_key(entry_id: str) -> tuple[int, int]:
    """A log id as (ms, seq), the key of rows and the order of the log."""
    ms, _, seq = entry_id.partition("-")
    return int(ms), int(seq or 0)


class Shelf(Generic[_Row]):
    """The rows of one table, by key. `wanted` is read at once; other keys when they are asked for."""

    def __init__(
        self,
        source: Source,
        table: type[_Row],
        key: InstrumentedAttribute[Any],
        wanted: Collection[Any] = (),
    ) -> None:
        self._source, self._table, self._column, self._key = source, table, key, key.key
        self._read = set(wanted)
        found = source.read(table, key.in_(sorted(wanted))) if wanted else ()
        self._rows: dict[Any, _Row] = {getattr(row, key.key): row for row in found}

    def __getitem__(self, key: Any) -> _Row:
        """The row; a new one when there is none."""
        return self.get(key)

    def get(self, key: Any, **values: Any) -> _Row:
        """The row; a new one with these values when there is none."""
        row = self._rows.get(key)
        if row is None:
            found = () if key in self._read else self._source.read(self._table, self._column == key)
            row = next(iter(found), None) or self._source.add(self._table, **{self._key: key}, **values)
            self._rows[key] = row
        return row

    def __iter__(self) -> Iterator[_Row]:
        return iter(self._rows.values())

    def put(self, rows: Iterable[_Row]) -> None:
        """Rows that were read in another way."""
        for row in rows:
            self._rows.setdefault(getattr(row, self._key), row)


class Source(Protocol):
    """Where rows of a table are read, and new ones are added."""

    def read(self, table: type[_Row], *which: Any) -> Sequence[_Row]: ...

    def add(self, table: type[_Row], **values: Any) -> _Row: ...


class MappedRows:
    """Rows of the tables that few entries touch, by the mapper's session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def read(self, table: type[_Row], *which: Any) -> Sequence[_Row]:
        return self._session.scalars(select(table).where(*which)).all()

    def add(self, table: type[_Row], **values: Any) -> _Row:
        row = table(**values)
        self._session.add(row)
        return row


class Rows:
    """What `entries` need of the database, read with one statement a table."""

    def __init__(self, session: Session, entries: Sequence[Entry]) -> None:
        self._session, mentioned = session, _Mentioned(entries)
        self.plain = plain = PlainRows(session.connection())
        mapped = MappedRows(session)
        calls, agents = mentioned["call"], mentioned["agent"]
        self._intervals = self._open_intervals(agents)
        calls |= {each.after_call for each in self._intervals.values() if each.after_call is not None}
        self.calls = Shelf(plain, Call, Call.id, calls)
        self.agents = Shelf(plain, Agent, Agent.id, agents)
        self.tickets = Shelf(plain, Ticket, Ticket.id, mentioned["ticket"])
        self.recordings = Shelf(plain, Recording, Recording.id, mentioned["recording"])
        self.promises = Shelf(plain, Promise, Promise.id, _promises(entries))
        self.offers = Shelf(mapped, CallbackOffer, CallbackOffer.call)
        self.access_tokens = Shelf(mapped, AccessToken, AccessToken.id)
        self.users = Shelf(mapped, User, User.name)
        self.qa_plans = Shelf(mapped, QaPlan, QaPlan.name)
        self.qa_frames = Shelf(mapped, QaFramePart, QaFramePart.key)
        self.qa_jobs = Shelf(mapped, QaJob, QaJob.id)
        self.qa_forms = Shelf(mapped, QaForm, QaForm.key)
        self.qa_reviews = Shelf(plain, QaReview, QaReview.id, mentioned["review"])
        self.qa_calibrations = Shelf(mapped, QaCalibration, QaCalibration.id)
        self.qa_trainings = Shelf(mapped, QaTraining, QaTraining.id)
        self.qa_results = Shelf(mapped, QaResults, QaResults.key)
        self.ticket_times = Shelf(plain, TicketTimes, TicketTimes.ticket, mentioned["ticket"])
        self.counted: list[tuple[tuple[int, str, str, str, str], dict[str, int]]] = []
        """What entries add to the counts of reports by themselves: key and counts."""
        self.handovers: dict[tuple[str, datetime], Handover] = {}
        self._contacts: dict[tuple[str, str], Call] = {}
        self._callers: set[str] = set()
        self.webhooks = Shelf(mapped, Webhook, Webhook.id)
        self.webhooks.put(session.scalars(select(Webhook).where(~Webhook.removed)))
        self._links: dict[tuple[int, str], TicketLink] = {}
        self._attempts = self._attempts_of(_calls(entries, _OF_ATTEMPTS) | _noted_calls(entries))
        self._offered = Shelf(plain, Segment, Segment.offer, mentioned["offer"])
        self._legs: dict[int, list[Segment]] = {}
        self._whole = set(calls)
        legs = plain.read(Segment, Segment.call.in_(sorted(calls))) if calls else []
        self._offered.put(leg for leg in legs if leg.offer is not None)
        for leg in sorted({*self._offered, *legs}, key=lambda each: (each.ms, each.seq)):
            if leg.call is not None:
                self._legs.setdefault(leg.call, []).append(leg)
        self._instants = self._instants_of(entries)
        self._spooled = self._spooled_of(mentioned["spool_id"])
        self._chains: dict[str, tuple[int, str]] = {}
        self._dispatches: dict[tuple[int, int], TicketDispatch] = {}
        self._rounds = self._rounds_of(mentioned["ticket"])

    def instant(self, entry: Entry) -> datetime:
        """When it happened: for a note, the instant of the entry that it follows from."""
        return utc(self._instants.get(entry.after, entry.at))

    def leg(self, offer: int, entry: Entry) -> Segment:
        """The leg of this offer; one that begins with `entry` when it was not heard of before."""
        ms, seq = entry_key(entry.id)
        return self._offered.get(offer, ms=ms, seq=seq)

    def begin_leg(self, entry: Entry) -> Segment:
        """A leg without an offer, to be bound to its call."""
        ms, seq = entry_key(entry.id)
        return self.plain.add(Segment, ms=ms, seq=seq)

    def number_leg(self, call: int, agent: str, offer: int) -> None:
        """The leg that this agent began without an offer is known by this number from now on."""
        for leg in self.legs(call):
            if leg.agent == agent and leg.offer is None:
                leg.offer = offer
                self._offered.put([leg])

    def bind_leg(self, leg: Segment, call: int) -> None:
        """The leg is one of this call's."""
        if leg.call is None:
            leg.call = call
            self._legs.setdefault(call, []).append(leg)

    def legs(self, call: int) -> list[Segment]:
        """The call's legs, in the order in which they began."""
        return self._legs.get(call, [])

    def whole_calls(self, numbers: Collection[int]) -> Iterator[tuple[Call, list[Segment]]]:
        """These calls, each with all its legs."""
        missing = sorted(set(numbers) - self._whole)
        if missing:
            self.calls.put(self.plain.read(Call, Call.id.in_(missing)))
            for leg in self.plain.read(Segment, Segment.call.in_(missing)):
                if leg.call is not None and leg not in self._legs.setdefault(leg.call, []):
                    self._legs[leg.call].append(leg)
            self._whole |= set(missing)
        for number in sorted(numbers):
            yield self.calls[number], self._legs.get(number, [])

    def handover(self, team: str, until: datetime) -> Handover | None:
        """The hand-over book of the shift that ended then, if it was signed."""
        found = self.handovers.get((team, until)) or self._session.get(Handover, (team, until))
        if found is not None:
            self.handovers[team, until] = found
        return found

    def take_contact(self, call: Call) -> Call | None:
        """The call before, of the same number about the same category, that an agent spoke in; this is the last now."""
        if call.caller not in self._callers:
            callers = {each.caller for each in self.calls if each.caller} - self._callers
            spoke = (Call.connected_at.is_not(None), Call.ended_at.is_not(None), Call.direction != "outbound")
            for each in self.plain.read(Call, Call.caller.in_(sorted(callers)), *spoke, order=(Call.id,)):
                if each is not call:
                    self._contacts[each.caller, each.category or each.business] = each
            self._callers |= callers
        key = call.caller, call.category or call.business
        before = self._contacts.get(key)
        self._contacts[key] = call
        return before if before is not call else None

    def attempt(self, call: int) -> Attempt | None:
        """The latest attempt of the call that is to keep a promise."""
        return self._attempts.get(call)

    def begin_attempt(self, call: int, **values: Any) -> None:
        self._attempts[call] = self.plain.add(Attempt, call=call, **values)

    def open_interval(self, agent: str) -> AgentInterval | None:
        return self._intervals.get(agent)

    def begin_interval(self, agent: str, began_at: datetime, **values: Any) -> None:
        """End the agent's open interval where this one begins."""
        self.end_interval(agent, began_at)
        self._intervals[agent] = self.plain.add(AgentInterval, agent=agent, began_at=began_at, **values)

    def end_interval(self, agent: str, at: datetime) -> None:
        current = self._intervals.pop(agent, None)
        if current is not None:
            current.ended_at = max(at, current.began_at)

    def take_spooled(self, spool_id: str) -> bool:
        """False when this entry of the fallback's spool was taken in before."""
        if spool_id in self._spooled:
            return False
        self._spooled.add(spool_id)
        return True

    def ticket_round(self, ticket: int, number: int) -> TicketRound:
        """This round of the ticket; a new row when there is none."""
        found = self._rounds.get((ticket, number))
        if found is None:
            found = self._rounds[ticket, number] = self.plain.add(TicketRound, ticket=ticket, round=number)
        return found

    def rounds(self, ticket: int) -> list[TicketRound]:
        """All rounds of a ticket that the entries are about."""
        return [found for (of, _), found in self._rounds.items() if of == ticket]

    def ticket_dispatch(self, ticket: int, number: int) -> TicketDispatch | None:
        """This dispatch of the ticket, if it is known."""
        key = ticket, number
        if key not in self._dispatches:
            which = (TicketDispatch.ticket == ticket, TicketDispatch.number == number)
            self._dispatches.update((key, each) for each in self.plain.read(TicketDispatch, *which))
        return self._dispatches.get(key)

    def add_dispatch(self, ticket: int, number: int, **values: Any) -> None:
        """Write a new dispatch with the batch."""
        self._dispatches[ticket, number] = self.plain.add(TicketDispatch, ticket=ticket, number=number, **values)

    def chain_end(self, day: str) -> tuple[int, str]:
        """(place, link) of the day's last closed recording or tombstone; (0, FIRST) before the first."""
        if day not in self._chains:
            ends = [(0, FIRST)]
            for table in (Recording, Tombstone):
                last = select(table.place, table.link).where(table.day == day)
                found = self._session.execute(last.order_by(table.place.desc()).limit(1)).first()
                ends.append((found[0] or 0, found[1]) if found else (0, FIRST))
            self._chains[day] = max(ends, key=lambda end: end[0])
        return self._chains[day]

    def lengthen_chain(self, day: str, place: int, link: str) -> None:
        self._chains[day] = (place, link)

    def ticket_link(self, ticket: int, system: str) -> TicketLink:
        """The link of this ticket to this system; a new one when there is none."""
        key = (ticket, system)
        if key not in self._links:
            found = self._session.get(TicketLink, key)
            if found is None:
                found = TicketLink(ticket=ticket, system=system)
                self.add(found)
            self._links[key] = found
        return self._links[key]

    @property
    def session(self) -> Session:
        """For rows that are found in a way of their own; flush before you ask."""
        return self._session

    def add(self, row: Base) -> None:
        """Write a new row with the batch, by the mapper; `plain` has those of the busiest tables."""
        self._session.add(row)

    def _attempts_of(self, calls: set[int]) -> dict[int, Attempt]:
        if not calls:
            return {}
        order = (Attempt.ms, Attempt.seq)
        return {each.call: each for each in self.plain.read(Attempt, Attempt.call.in_(sorted(calls)), order=order)}

    def _rounds_of(self, tickets: set[Any]) -> dict[tuple[int, int], TicketRound]:
        if not tickets:
            return {}
        found = self.plain.read(TicketRound, TicketRound.ticket.in_(sorted(tickets)))
        return {(each.ticket, each.round): each for each in found}

    def _open_intervals(self, agents: set[Any]) -> dict[str, AgentInterval]:
        if not agents:
            return {}
        which = (AgentInterval.agent.in_(sorted(agents)), AgentInterval.ended_at.is_(None))
        return {interval.agent: interval for interval in self.plain.read(AgentInterval, *which)}

    def _instants_of(self, entries: Sequence[Entry]) -> dict[str, float]:
        instants = {entry.id: entry.at for entry in entries}
        causes = {entry_key(entry.after) for entry in entries if entry.after and entry.after not in instants}
        if causes:
            key = tuple_(LogEntry.ms, LogEntry.seq)
            found = self._session.execute(select(LogEntry.ms, LogEntry.seq, LogEntry.at).where(key.in_(sorted(causes))))
            instants |= {f"{ms}-{seq}": at for ms, seq, at in found}
        return instants

    def _spooled_of(self, spool_ids: set[Any]) -> set[str]:
        if not spool_ids:
            return set()
        known = select(NumberTaken.spool_id).where(NumberTaken.spool_id.in_(sorted(spool_ids)))
        return {spool_id for spool_id in self._session.scalars(known) if spool_id}


def _calls(entries: Sequence[Entry], kinds: tuple[type[Any], ...]) -> set[int]:
    """The calls of events of these types."""
    return {entry.event.call for entry in entries if isinstance(entry.event, kinds)}


def _promises(entries: Sequence[Entry]) -> set[int]:
    """The promises that notes tell of."""
    return {entry.event.promise.id for entry in entries if isinstance(entry.event, PromiseNoted)}


def _noted_calls(entries: Sequence[Entry]) -> set[int]:
    """The calls of the promises that notes tell of."""
    return {entry.event.promise.call or 0 for entry in entries if isinstance(entry.event, PromiseNoted)}


class _Mentioned:
    """The numbers and names that entries give in these fields, or in their decision's."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._found: dict[str, set[Any]] = {name: set() for name in _FIELDS}
        for entry in entries:
            self._take(entry.event)
            if (decision := getattr(entry.event, "decision", None)) is not None:
                self._take(decision)

    def _take(self, event: object) -> None:
        kind = type(event)
        if (names := _FIELDS_OF.get(kind)) is None:
            names = _FIELDS_OF[kind] = tuple(name for name in _FIELDS if hasattr(event, name))
        for name in names:
            if value := getattr(event, name):
                self._found[name].add(value)

    def __getitem__(self, field: str) -> set[Any]:
        return self._found[field]


_FIELDS = ("call", "agent", "ticket", "recording", "review", "offer", "spool_id")
_FIELDS_OF: dict[type, tuple[str, ...]] = {}
"""Which of them events of a type have."""
