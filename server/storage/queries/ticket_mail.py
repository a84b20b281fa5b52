"""What of tickets is still to be told by mail: lines of their history, in the order of the log, a text a recipient."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, select, tuple_
from sqlalchemy.orm import Session

from server.storage.schema.tables import Agent, Cursor, Ticket, TicketHistory

READER = "ticket mails"
"""How far the history of tickets was told by mail; kept beside the readers of the log."""
OLDEST = timedelta(days=7)
"""What is older by the time it can be told is told no more."""
MOST = 500
"""Lines that one batch tells; the rest is told by the next."""
_SAID = {
    "warning": "预警 warning",
    "overdue": "超时 overdue",
    "escalated": "升级 escalated",
    "promise_missed": "承诺逾期 the promised date went by",
    "authority_asked": "申请授权 authority is asked for",
}
_LIMITS = {"respond": "响应时限 limit to respond", "resolve": "办结时限 limit to resolve"}
Recipients = Callable[[str, Sequence[str], str], Sequence[str]]
"""(department, the owner's teams, level) → addresses."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Mails, as (recipient, subject, text), and the place in the log up to which they tell."""

    place: str
    mails: tuple[tuple[str, str, str], ...]


def position(session: Session) -> tuple[int, int]:
    """Up to where the history was told. The first time it is its present end: what was before is told to nobody."""
    found = session.scalar(select(Cursor.entry).where(Cursor.reader == READER))
    if found is not None:
        ms, _, seq = found.partition("-")
        return int(ms), int(seq or 0)
    newest = select(TicketHistory.ms, TicketHistory.seq).order_by(TicketHistory.ms.desc(), TicketHistory.seq.desc())
    last = session.execute(newest.limit(1)).first()
    place = (last[0], last[1]) if last is not None else (0, 0)
    session.add(Cursor(reader=READER, entry=f"{place[0]}-{place[1]}"))
    return place


def batch(engine: Engine, kinds: Sequence[str], recipients: Recipients, zone: ZoneInfo, now: datetime) -> Batch | None:
    """What happened since the last batch; None when it is nothing. Nothing is changed but a first position."""
    with Session(engine) as session, session.begin():
        after = position(session)
        key = (TicketHistory.ms, TicketHistory.seq)
        wanted = select(TicketHistory, Ticket).join(Ticket, Ticket.id == TicketHistory.ticket)
        wanted = wanted.where(tuple_(*key) > tuple_(*after), TicketHistory.kind.in_(list(kinds)))
        found = session.execute(wanted.order_by(*key).limit(MOST)).all()
        if not found:
            return None
        owners = {ticket.owner for _, ticket in found if ticket.owner}
        of_owners = select(Agent.id, Agent.teams).where(Agent.id.in_(sorted(owners)))
        teams = {row.id: tuple(row.teams) for row in session.execute(of_owners)}
        told: dict[str, list[tuple[TicketHistory, Ticket]]] = {}
        for line, ticket in found:
            if line.at < now - OLDEST:
                continue
            level = line.after if line.kind == "escalated" else ticket.level
            for each in recipients(ticket.department, teams.get(ticket.owner, ()), level):
                told.setdefault(each, []).append((line, ticket))
        mails = tuple((each, _subject(lines), _text(lines, zone)) for each, lines in told.items())
        return Batch(f"{found[-1][0].ms}-{found[-1][0].seq}", mails)


def _subject(lines: Sequence[tuple[TicketHistory, Ticket]]) -> str:
    tickets = sorted({ticket.id for _, ticket in lines})
    counts = {kind: sum(line.kind == kind for line, _ in lines) for kind in _SAID}
    said = ", ".join(f"{_SAID[kind]} {count}" for kind, count in counts.items() if count)
    which = f"工单 ticket {tickets[0]}" if len(tickets) == 1 else f"{len(tickets)} 张工单 tickets"
    return f"Sansheng {which}: {said}"


def _text(lines: Sequence[tuple[TicketHistory, Ticket]], zone: ZoneInfo) -> str:
    return "\n".join(_line(line, ticket, zone) for line, ticket in lines) + "\n"


def _line(line: TicketHistory, ticket: Ticket, zone: ZoneInfo) -> str:
    what = {
        "warning": _LIMITS.get(line.after, line.after),
        "overdue": _LIMITS.get(line.after, line.after),
        "escalated": f"{line.before} → {line.after}",
    }.get(line.kind, line.after)
    facts: dict[str, Any] = {
        "类别 category": ticket.confirmed or ticket.category,
        "等级 grade": ticket.grade,
        "状态 state": ticket.state,
        "部门 department": ticket.department,
        "负责人 owner": ticket.owner,
    }
    shown = "; ".join(f"{name} {value}" for name, value in facts.items() if value)
    why = f" ({line.why})" if line.why else ""
    said = f"{_SAID[line.kind]}: {what}".removesuffix(": ")
    return f"{line.at.astimezone(zone):%Y-%m-%d %H:%M} #{ticket.id} {said}{why}\n    {shown}"
