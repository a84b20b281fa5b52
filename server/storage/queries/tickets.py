"""Questions about tickets: lists by state, department, owner and more, one ticket whole, and what others need of them.

Other parts ask here for what they must know of tickets: QA for the accused agents of calls, reports for rounds.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Engine, Select, or_, select
from sqlalchemy.orm import Session

from server.storage.queries.paging import Page, QueryError, iso, page_of
from server.storage.schema.tables import Call, Ticket
from server.storage.schema.ticket_tables import TicketRound
from tickets.severity import Grade, Level
from tickets.states import TicketState


@dataclass(frozen=True, slots=True)
class TicketFilter:
    """Which tickets; None: all. `overdue` needs `now`. `category` is the confirmed one where there is one.

    `of` are the agents, and `department` the department, whose tickets may be seen.
    """

    state: str | None = None
    department: str | None = None
    overdue: bool | None = None
    owner: str | None = None
    type: str | None = None
    grade: str | None = None
    level: str | None = None
    category: str | None = None
    caller: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def filter_of(given: Mapping[str, str | None]) -> TicketFilter:
    """The filter that a request names. Raises QueryError for a filter or value that does not exist."""
    values: dict[str, Any] = {name: value for name, value in given.items() if value}
    if unknown := sorted(set(values) - set(TicketFilter.__slots__)):
        raise QueryError(f"tickets are not listed by {', '.join(unknown)}: by {', '.join(TicketFilter.__slots__)}")
    if "overdue" in values:
        known = {"true": True, "false": False}.get(values["overdue"].lower())
        if known is None:
            raise QueryError(f"overdue is true or false, not {values['overdue']!r}")
        values["overdue"] = known
    for name in ("since", "until"):
        if name in values:
            values[name] = datetime.fromisoformat(values[name])
    return TicketFilter(**values)


def wanted_tickets(which: TicketFilter, now: datetime) -> Select[Any]:
    """The statement. Raises QueryError for an unknown state, grade or level."""
    for kind, value, known in (
        ("state", which.state, TicketState),
        ("grade", which.grade, Grade),
        ("level", which.level, Level),
    ):
        names = [each.value for each in known]
        if value is not None and value not in names:
            raise QueryError(f"{value!r} is not a {kind}; the {kind}s are {', '.join(names)}")
    wanted = select(Ticket)
    columns: tuple[tuple[Any, str | None], ...] = (
        (Ticket.state, which.state),
        (Ticket.department, which.department),
        (Ticket.owner, which.owner),
        (Ticket.type, which.type),
        (Ticket.grade, which.grade),
        (Ticket.level, which.level),
        (Ticket.caller, which.caller),
    )
    for column, value in columns:
        wanted = wanted if value is None else wanted.where(column == value)
    if which.category is not None:
        unconfirmed = (Ticket.confirmed == "") & (Ticket.category == which.category)
        wanted = wanted.where(or_(Ticket.confirmed == which.category, unconfirmed))
    if which.overdue is not None:
        late: ColumnElement[bool] = Ticket.due_at < now
        wanted = wanted.where(late if which.overdue else or_(Ticket.due_at.is_(None), ~late))
    if which.since is not None:
        wanted = wanted.where(Ticket.opened_at >= which.since)
    if which.until is not None:
        wanted = wanted.where(Ticket.opened_at < which.until)
    return wanted


def ticket_page(engine: Engine, wanted: Select[Any], now: datetime, limit: int, after: str | None) -> Page:
    """One page of these tickets, newest first. Raises QueryError for a bad limit or cursor."""
    with Session(engine) as session:
        tickets, following = page_of(session, wanted, Ticket.id, "ticket", limit, after)
        return Page([row_of(ticket, now) for ticket in tickets], following)


def row_of(ticket: Ticket, now: datetime) -> dict[str, Any]:
    """A ticket as lists show it. What has no value yet is null."""
    return {
        "id": ticket.id,
        "call": ticket.call,
        "category": ticket.category or None,
        "grade": ticket.grade,
        "state": ticket.state,
        "opened_at": iso(ticket.opened_at),
        "type": ticket.type or None,
        "confirmed": ticket.confirmed or None,
        "department": ticket.department or None,
        "round": ticket.round,
        "level": ticket.level,
        "owner": ticket.owner or None,
        "accused": ticket.accused or None,
        "contacts": ticket.contacts,
        "promised_for": iso(ticket.promised_for),
        "respond_by": iso(ticket.respond_by),
        "resolve_by": iso(ticket.resolve_by),
        "responded_at": iso(ticket.responded_at),
        "resolved_at": iso(ticket.resolved_at),
        "due_at": iso(ticket.due_at),
        "overdue": ticket.due_at is not None and ticket.due_at < now,
        "warnings": ticket.warnings.split(),
        "version": ticket.version,
    }


def detail_of(session: Session, ticket: Ticket) -> dict[str, Any]:
    """What one ticket shows beyond its row, but for calls, recordings and history."""
    rounds = session.scalars(select(TicketRound).where(TicketRound.ticket == ticket.id).order_by(TicketRound.round))
    return {
        "business": ticket.business,
        "fields": ticket.fields or {},
        "dispatched_at": iso(ticket.dispatched_at),
        "dispatches": ticket.dispatches,
        "wrong_dispatches": ticket.wrong_dispatches,
        "promises_missed": ticket.dates_missed,
        "closed_at": iso(ticket.closed_at),
        "rounds": [_round(each) for each in rounds],
    }


def _round(each: TicketRound) -> dict[str, Any]:
    return {
        "round": each.round,
        "grade": each.grade,
        "department": each.department or None,
        "began_at": iso(each.began_at),
        "dispatches": each.dispatches,
        "wrong_dispatches": each.wrong_dispatches,
        "respond_by": iso(each.respond_by),
        "responded_at": iso(each.responded_at),
        "resolve_by": iso(each.resolve_by),
        "resolved_at": iso(each.resolved_at),
        "ended_at": iso(each.ended_at),
        "satisfied": each.satisfied,
        "answers": [{name: answer[name] for name in ("question", "answer", "call")} for answer in each.answers or ()],
    }


def accused_of(session: Session, calls: Collection[int]) -> dict[int, str]:
    """Call → the agent whom its ticket accuses: that agent never reviews the call. Calls without one are left out."""
    if not calls:
        return {}
    wanted = select(Call.id, Ticket.accused).join(Ticket, Ticket.id == Call.ticket)
    found = session.execute(wanted.where(Call.id.in_(sorted(calls)), Ticket.accused != ""))
    return {row.id: row.accused for row in found}
