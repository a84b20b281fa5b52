"""Questions about tickets beside their list: one ticket whole, and what others need of them.

Other parts ask here for what they must know of tickets: QA for the accused agents of calls, reports for rounds.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from server.storage.queries.paging import iso
from server.storage.schema.tables import Call, Ticket
from server.storage.schema.ticket_tables import TicketRound


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
