"""The read side: what the command line and the API show of the records, under the names that others rely on.

Lists come newest first (agents by number), page by page. Instants are ISO 8601 in UTC with milliseconds. With
`mask`, telephone numbers show their first three and last four digits only.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, Select, select
from sqlalchemy.orm import Session

from server.storage.queries import serialise
from server.storage.queries.lists.asking import of_connection, of_engine
from server.storage.queries.lists.calls import CallFilter, recordings_of
from server.storage.queries.lists.lists import Lists
from server.storage.queries.lists.tickets import row_of
from server.storage.queries.paging import Page, iso, page_of
from server.storage.queries.recording_steps import is_held, pauses, recording_steps, serialise_step
from server.storage.queries.ticket_links import ticket_links
from server.storage.queries.tickets import accused_of, detail_of
from server.storage.schema.access_tables import AuditEntry
from server.storage.schema.tables import (
    AgentInterval,
    Call,
    Decision,
    LogEntry,
    Message,
    NumberTaken,
    Recording,
    Segment,
    Ticket,
    TicketHistory,
    unread,
)

if TYPE_CHECKING:
    from server.storage.queries.callbacks import PromiseQueries
    from server.storage.queries.quality import QualityQueries


class Queries:
    """Answers over one database. Every method opens and closes its own transaction; use from any thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lists = Lists(of_engine(engine))

    # What only some questions need is imported when one of them is asked: a list is there at once.

    @cached_property
    def callbacks(self) -> PromiseQueries:
        """The questions about promises."""
        from server.storage.queries.callbacks import PromiseQueries

        return PromiseQueries(self._engine)

    @cached_property
    def quality(self) -> QualityQueries:
        """The questions about quality assurance."""
        from server.storage.queries.quality import QualityQueries

        return QualityQueries(self._engine)

    def call_list(
        self, which: CallFilter | None = None, *, limit: int = 100, after: str | None = None, mask: bool = False
    ) -> Page:
        """Calls, newest first. Raises QueryError for an unknown outcome, a bad limit or cursor."""
        return self._lists.calls(which, limit=limit, after=after, mask=mask)

    def call_show(self, number: int, *, mask: bool = False) -> dict[str, Any] | None:
        """One call with its legs and the decisions taken for it, in order; None when there is no such call."""
        with Session(self._engine) as session:
            call = session.get(Call, number)
            if call is None:
                return None
            legs = session.scalars(_in_order(Segment).where(Segment.call == number))
            decisions = session.scalars(_in_order(Decision).where(Decision.call == number))
            messages = session.scalars(_in_order(Message).where(Message.call == number))
            numbers = session.scalars(_in_order(NumberTaken).where(NumberTaken.call == number))
            return serialise.call(call, _recordings(session, [number])[number], mask) | {
                "business": call.business or None,
                "language": call.language or None,
                "priority": call.priority,
                "talked": call.talked,
                "held": call.held,
                "left_queue_at": iso(call.left_queue_at),
                "left_queue_why": call.left_queue_why or None,
                "end_cause": call.end_cause or None,
                "direction": call.direction,
                "promise": call.promise,
                "attempts": [] if call.promise is None else self.callbacks.attempts(call.promise),
                "segments": [serialise.segment(leg) for leg in legs],
                "decisions": [{**decision.data, "at": iso(decision.at)} for decision in decisions],
                "one_way_sound": _one_way_sound(session, call),
                "messages": [{"at": iso(each.at), "path": each.path, "seconds": each.seconds} for each in messages],
                "numbers": [serialise.number(each, mask) for each in numbers],
                "verified": _verified(session, [number]),
            }

    def recording_list(
        self,
        *,
        call: int | None = None,
        agent: str | None = None,
        agents: frozenset[str] | None = None,
        limit: int = 100,
        after: str | None = None,
    ) -> Page:
        """Closed recordings, newest first; only those of `agents` where given."""
        return self._lists.recordings(call=call, agent=agent, agents=agents, limit=limit, after=after)

    def recording_show(self, number: int) -> dict[str, Any] | None:
        """One recording in any state, with its key in the store (`path`), levels and problem."""
        with Session(self._engine) as session:
            recording = session.get(Recording, number)
            if recording is None:
                return None
            ticket = session.scalar(select(Call.ticket).where(Call.id == recording.call))
            steps = recording_steps(session, number)
            return serialise.recording(recording, ticket) | {
                "state": recording.state,
                "path": recording.path or None,
                "started_at": iso(recording.started_at),
                "closed_at": iso(recording.closed_at),
                "caller_level": recording.caller_level,
                "agent_level": recording.agent_level,
                "talk_over": recording.talk_over,
                "problem": recording.problem or None,
                "day": recording.day,
                "place": recording.place,
                "link": recording.link or None,
                "held": is_held(steps),
                "pauses": pauses(steps, recording.started_at),
                "history": [serialise_step(step) for step in steps],
            }

    def ticket_list(
        self,
        *,
        agents: frozenset[str] | None = None,
        limit: int = 100,
        after: str | None = None,
        **which: str | None,
    ) -> Page:
        """Tickets, newest first; only those that one of `agents` owns, or has answered a call of, where given.

        `which` are fields of `TicketFilter`. Raises QueryError for one that does not exist, for a value that none has,
        and for a bad limit or cursor.
        """
        return self._lists.tickets(agents=agents, limit=limit, after=after, **which)

    def ticket_show(self, number: int, *, mask: bool = False) -> dict[str, Any] | None:
        """One ticket with its calls, their recordings and its history, in order."""
        with Session(self._engine) as session:
            ticket = session.get(Ticket, number)
            if ticket is None:
                return None
            calls = list(session.scalars(select(Call.id).where(Call.ticket == number).order_by(Call.id)))
            history = session.scalars(_in_order(TicketHistory).where(TicketHistory.ticket == number))
            recordings = _recordings(session, calls)
            return row_of(ticket, datetime.now(UTC)) | {
                "caller": serialise.caller_of(ticket.caller, mask),
                **detail_of(session, ticket),
                "calls": calls,
                "recordings": [number for call in calls for number in recordings[call]],
                "verified": _verified(session, calls),
                "history": [serialise.history(line) for line in history],
                "links": ticket_links(session, number),
            }

    def ticket_accused(self, calls: Collection[int]) -> dict[int, str]:
        """Call → the agent whom its ticket accuses, for the calls that have one."""
        with Session(self._engine) as session:
            return accused_of(session, calls)

    def concerns(self, kind: str, number: int, agents: frozenset[str]) -> bool:
        """Whether this call, ticket or recording (`kind` in the plural) is one of these agents'."""
        return self._lists.concerns(kind, number, agents)

    def audit_list(
        self, *, by: str | None = None, act: str | None = None, limit: int = 100, after: str | None = None
    ) -> Page:
        """Entries of the audit, newest first; of one person or one act where given."""
        wanted = select(AuditEntry)
        for column, value in ((AuditEntry.by, by), (AuditEntry.act, act)):
            wanted = wanted if value is None else wanted.where(column == value)
        with Session(self._engine) as session:
            entries, following = page_of(session, wanted, AuditEntry.id, "audit", limit, after)
            return Page([serialise.audit_entry(each) for each in entries], following)

    def agent_list(self, *, removed: bool = False) -> list[dict[str, Any]]:
        """All agents by number, as they are according to the records; removed ones only when asked for."""
        return self._lists.agents(removed=removed)

    def agent_intervals(
        self, agent: str, since: datetime | None = None, until: datetime | None = None, *, newest: int | None = None
    ) -> list[dict[str, Any]]:
        """How the agent's time was spent, oldest first: every interval that touches [since, until), or the newest."""
        wanted = select(AgentInterval).where(AgentInterval.agent == agent)
        if since is not None:
            wanted = wanted.where(AgentInterval.ended_at.is_(None) | (AgentInterval.ended_at > since))
        if until is not None:
            wanted = wanted.where(AgentInterval.began_at < until)
        order = (AgentInterval.began_at.desc(), AgentInterval.ms.desc(), AgentInterval.seq.desc())
        with Session(self._engine) as session:
            found = session.scalars(wanted.order_by(*order).limit(newest)).all()
            return [serialise.interval(each) for each in reversed(found)]

    def problems(self, limit: int = 100) -> list[dict[str, Any]]:
        """Log entries that could not be put into the records, newest first, each with its reason."""
        wanted = select(LogEntry).where(unread())
        newest = wanted.order_by(LogEntry.ms.desc(), LogEntry.seq.desc()).limit(limit)
        with Session(self._engine) as session:
            return [
                {"entry": f"{each.ms}-{each.seq}", "type": each.type, "data": each.data, "problem": each.problem}
                for each in session.scalars(newest)
            ]


def _in_order(table: Any) -> Select[Any]:
    return select(table).order_by(table.ms, table.seq)


def _recordings(session: Session, calls: Sequence[int]) -> dict[int, list[int]]:
    return recordings_of(of_connection(session.connection()), calls)


def _verified(session: Session, calls: Sequence[int]) -> bool | None:
    from server.storage.queries.customers import verified

    return verified(session, calls)


def _one_way_sound(session: Session, call: Call) -> list[dict[str, Any]]:
    from server.storage.queries.one_way_sound import one_way_sound

    return one_way_sound(session, call)
