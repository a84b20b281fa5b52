"""What the records know of calls before anybody listens: the facts of a frame, and who is heard in a call.

What a record does not have yet (no survey, no ticket) is no risk.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from quality.periods import Period
from quality.plans import CallFacts, Plan
from server.storage.schema.tables import Call, Recording, Segment, Ticket, TicketHistory

_ESCALATIONS = ("grade", "escalated", "escalation")
"""Kinds of steps in a ticket's history after which it is graver, or with somebody higher."""
_REPEATED = "repeat_contact"


@dataclass(frozen=True, slots=True)
class People:
    """Who may not review a call: `agent` is judged by it, `heard` spoke in it too, `accused` is named by its ticket."""

    agent: str
    heard: tuple[str, ...]
    accused: str

    @property
    def barred(self) -> frozenset[str]:
        """All of them."""
        return frozenset({self.agent, self.accused, *self.heard}) - {""}


def days(period: Period, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The instants from which and before which a call of the period came in."""
    return _midnight(period.first, zone), _midnight(period.last + timedelta(days=1), zone)


def facts(session: Session, plan: Plan, period: Period, zone: ZoneInfo) -> list[CallFacts]:
    """Every call of the period that an agent answered and that is over."""
    since, until = days(period, zone)
    wanted = (Call.offered_at >= since, Call.offered_at < until, Call.connected_at.is_not(None))
    over = (*wanted, Call.ended_at.is_not(None), Call.agent != "")
    columns = select(
        Call.id,
        Call.agent,
        Call.offered_at,
        Call.business,
        Call.queue,
        Call.category,
        Call.talked,
        Call.held,
        Call.satisfaction,
        Call.direction,
        Call.ticket,
        Ticket.business.label("of_ticket"),
        Ticket.confirmed,
    ).outerjoin(Ticket, Ticket.id == Call.ticket)
    transferred = _transferred(session, *over)
    spoken_at_once = _spoken_at_once(session, *over)
    escalated, repeated, words = _history(session, *over, words=bool(plan.risk.keywords))
    return [
        CallFacts(
            row.id,
            row.agent,
            row.offered_at.astimezone(zone).date(),
            row.of_ticket or row.business or row.queue,
            row.confirmed or row.category,
            row.talked,
            row.satisfaction,
            escalated=row.ticket in escalated,
            repeat=row.id in repeated and row.direction == "inbound",
            held=row.held,
            transferred=row.id in transferred,
            talk_over=spoken_at_once.get(row.id, 0.0),
            words=words.get(row.ticket, ""),
        )
        for row in session.execute(columns.where(*over).order_by(Call.id))
    ]


def people(session: Session, call: int) -> People | None:
    """None when there is no such call, or no agent answered it."""
    found = session.get(Call, call)
    if found is None or not found.agent:
        return None
    heard = select(Segment.agent).where(Segment.call == call, Segment.joined_at.is_not(None)).distinct()
    ticket = None if found.ticket is None else session.get(Ticket, found.ticket)
    accused = ticket.accused if ticket is not None else ""
    return People(found.agent, tuple(sorted(set(session.scalars(heard)) - {found.agent, ""})), accused)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)


def _transferred(session: Session, *over: object) -> frozenset[int]:
    """Calls that were sent on, or in which several agents spoke."""
    joined = select(Segment.call).join(Call, Call.id == Segment.call).where(*over, Segment.joined_at.is_not(None))  # type: ignore[arg-type]
    several = joined.group_by(Segment.call).having(func.count(Segment.agent.distinct()) > 1)
    sent_on = joined.where(Segment.ended_by == "transfer")
    return frozenset({*session.scalars(several), *session.scalars(sent_on)} - {None})


def _spoken_at_once(session: Session, *over: object) -> dict[int, float]:
    """Call → seconds in which caller and agent spoke at once, in all its recordings, for calls that have any.

    The seconds were measured when the recording was closed, so that they stay when it is deleted.
    """
    seconds = select(Recording.call, func.sum(Recording.talk_over)).join(Call, Call.id == Recording.call)
    found = session.execute(seconds.where(*over, Recording.talk_over > 0).group_by(Recording.call))  # type: ignore[arg-type]
    return {call: round(sum_, 2) for call, sum_ in found if call is not None}


def _history(
    session: Session, *over: object, words: bool
) -> tuple[Collection[int], Collection[int], dict[int | None, str]]:
    """(tickets that became graver for another reason than repeated calls, calls that were repeated, words of each
    ticket's history)."""
    tickets = select(Call.ticket).where(*over, Call.ticket.is_not(None))  # type: ignore[arg-type]
    kinds = () if words else (TicketHistory.kind.in_(("contact", *_ESCALATIONS)),)
    step_of = TicketHistory
    found = select(step_of.ticket, step_of.kind, step_of.call, step_of.why, step_of.after)
    found = found.where(step_of.ticket.in_(tickets), *kinds)
    escalated, repeated = set(), set()
    said: defaultdict[int | None, list[str]] = defaultdict(list)
    for step in session.execute(found.order_by(step_of.ms, step_of.seq)):
        if step.kind in _ESCALATIONS and not step.why.startswith(_REPEATED):
            escalated.add(step.ticket)
        elif step.kind == "contact" and step.call is not None:
            repeated.add(step.call)
        said[step.ticket] += [step.why, step.after] if words and step.kind == "note" else [step.why] if words else []
    return escalated, repeated, {ticket: "\n".join(filter(None, texts)) for ticket, texts in said.items()}
