"""Which tickets a list has, and how a ticket's row is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from server.storage.queries.lists.asking import Wanted
from server.storage.queries.lists.calls import ANSWERED
from server.storage.queries.paging import QueryError, iso
from tickets.severity import Grade, Level
from tickets.states import TicketState

if TYPE_CHECKING:
    from server.storage.schema.tables import Ticket

OF_AGENTS = (
    f"owner IN ({{0}}) OR EXISTS (SELECT 1 FROM calls WHERE calls.ticket = tickets.id AND calls.id IN ({ANSWERED}))"
)
"""Of a ticket: one of some agents owns it, or answered one of its calls."""


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


def wanted_tickets(which: TicketFilter, now: datetime, agents: frozenset[str] | None = None) -> Wanted:
    """The statement; only tickets of `agents` where given. Raises QueryError for an unknown state, grade or level."""
    for kind, value, known in (
        ("state", which.state, TicketState),
        ("grade", which.grade, Grade),
        ("level", which.level, Level),
    ):
        names = [each.value for each in known]
        if value is not None and value not in names:
            raise QueryError(f"{value!r} is not a {kind}; the {kind}s are {', '.join(names)}")
    wanted = Wanted("SELECT * FROM tickets")
    for name in ("state", "department", "owner", "type", "grade", "level", "caller"):
        wanted.equal(**{name: getattr(which, name)})
    if which.category is not None:
        wanted.where("confirmed = :category OR (confirmed = '' AND category = :category)", category=which.category)
    if which.overdue is not None:
        wanted.where("due_at < :now" if which.overdue else "due_at IS NULL OR due_at >= :now", now=now)
    wanted.between("opened_at", which.since, which.until)
    if agents is not None:
        wanted.among(OF_AGENTS, agents, "of")
    return wanted


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
