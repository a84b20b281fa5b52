"""The hand-over book of a shift: its figures, what is still open by name, the ends of the recordings' chains, alarms.

A book that is signed is shown as it was signed; before, as things are now.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session, defer

from acd.callbacks.states import LIVE
from recordings.chain import FIRST
from server import bounds
from server.storage.figures.handover import BookState
from server.storage.queries import figures_report
from server.storage.queries.chain import end_of_chain
from server.storage.queries.paging import check_limit, decode_place, encode_place, iso
from server.storage.schema.callback_tables import Promise
from server.storage.schema.report_tables import Handover
from server.storage.schema.tables import Agent, Recording, Ticket, faulty
from tickets.states import TicketState

_STILL_OPEN = tuple(state for state in TicketState if state is not TicketState.CLOSED)
MOST = 500
"""Open matters that a book names; their number is always given."""
_FIGURES = (
    *("calls", "asked", "answered", "abandoned", "connect_rate", "service_level", "aht", "satisfaction"),
    *("complaints_opened", "tickets_settled", "recordings", "recordings_missing", "alarms"),
)


def book(engine: Engine, team: str, since: datetime, until: datetime, zone: ZoneInfo, now: datetime) -> dict[str, Any]:
    """The book of a shift, as it was signed, or else as things are now. Raises QueryError for what is no shift."""
    period = figures_report.between(since, until, zone)
    found = signed_book(engine, team, until)
    if found is not None:
        return found
    return _shown(None, team, since, until) | {"content": _content(engine, team, period, now)}


def signed_book(engine: Engine, team: str, until: datetime) -> dict[str, Any] | None:
    """The book that was signed for this shift's end; None when nobody has."""
    with Session(engine) as session:
        row = session.get(Handover, (team, until))
        if row is None:
            return None
        return _shown(row, team, row.since, until) | {"content": json.loads(row.content)}


def books(engine: Engine, team: str | None, limit: int, after: str | None = None) -> dict[str, Any]:
    """A page of the books that were signed, newest first, without what they hold. Raises QueryError."""
    check_limit(limit)
    wanted = select(Handover).options(defer(Handover.content)).order_by(Handover.until.desc(), Handover.team)
    wanted = wanted if team is None else wanted.where(Handover.team == team)
    if after is not None:
        seconds, last = decode_place("handover", after, int, str)
        until = datetime.fromtimestamp(min(seconds, bounds.LATEST), UTC)
        wanted = wanted.where((Handover.until < until) | ((Handover.until == until) & (Handover.team > last)))
    with Session(engine) as session:
        found = list(session.scalars(wanted.limit(limit + 1)))
        more, found = len(found) > limit, found[:limit]
        following = encode_place("handover", int(found[-1].until.timestamp()), found[-1].team) if more else None
        return {"items": [_shown(row, row.team, row.since, row.until) for row in found], "next": following}


def _shown(row: Handover | None, team: str, since: datetime, until: datetime) -> dict[str, Any]:
    return {
        "team": team,
        "since": iso(since),
        "until": iso(until),
        "state": str(BookState.OPEN if row is None else row.state),
        "digest": row.digest if row is not None else None,
        "outgoing": (row.outgoing or None) if row is not None else None,
        "outgoing_at": iso(row.outgoing_at) if row is not None else None,
        "outgoing_note": (row.outgoing_note or None) if row is not None else None,
        "incoming": (row.incoming or None) if row is not None else None,
        "incoming_at": iso(row.incoming_at) if row is not None else None,
        "incoming_note": (row.incoming_note or None) if row is not None else None,
    }


def _content(engine: Engine, team: str, period: figures_report.Period, now: datetime) -> dict[str, Any]:
    report = figures_report.report(engine, period, now=now)
    total = report["total"]
    of_team = next((row for row in report["teams"] if row["team"] == team), None)
    with Session(engine) as session:
        members = [id_ for id_, teams in session.execute(select(Agent.id, Agent.teams)) if not team or team in teams]
        matters, count = _matters(session, team, members, now)
        return {
            "figures": {name: total[name] for name in _FIGURES},
            "team_figures": of_team,
            "matters": matters,
            "matters_open": count,
            "promises": _promises(session),
            "chains": chain_ends(session, period),
            "missing": _missing(session, period),
        }


def _matters(session: Session, team: str, members: list[str], now: datetime) -> tuple[list[dict[str, Any]], int]:
    still_open = [Ticket.state.in_(_STILL_OPEN), Ticket.closed_at.is_(None)]
    if team:
        still_open.append(Ticket.owner.in_(["", *members]))
    count = session.scalar(select(func.count()).select_from(Ticket).where(*still_open)) or 0
    first = select(Ticket).where(*still_open).order_by(Ticket.resolve_by.is_(None), Ticket.resolve_by, Ticket.id)
    return [
        {
            "ticket": ticket.id,
            "category": ticket.confirmed or ticket.category,
            "grade": ticket.grade,
            "state": ticket.state,
            "owner": ticket.owner or None,
            "opened_at": iso(ticket.opened_at),
            "resolve_by": iso(ticket.resolve_by),
            "overdue": ticket.resolve_by is not None and ticket.resolve_by < now,
        }
        for ticket in session.scalars(first.limit(MOST))
    ], count


def _promises(session: Session) -> list[dict[str, Any]]:
    live = select(Promise).where(Promise.state.in_(sorted(LIVE))).order_by(Promise.due_at, Promise.id).limit(MOST)
    return [
        {"callback": each.id, "queue": each.queue, "category": each.category, "state": each.state}
        | {"due_at": iso(each.due_at), "owner": each.owner or None}
        for each in session.scalars(live)
    ]


def chain_ends(session: Session, period: figures_report.Period) -> list[dict[str, Any]]:
    """The last link of each day's chain that the period touches, to be kept elsewhere."""
    first = period.since.astimezone(period.zone).date()
    last = (period.until - timedelta(microseconds=1)).astimezone(period.zone).date()
    days = (first + timedelta(days=each) for each in range((last - first).days + 1))
    ends = [end_of_chain(session, each) for each in days]
    return [{"day": end.day, "recordings": end.recordings, "last": end.last} for end in ends if end.last != FIRST]


def _missing(session: Session, period: figures_report.Period) -> list[dict[str, Any]]:
    within = (Recording.started_at >= period.since, Recording.started_at < period.until)
    wanted = select(Recording).where(*within, faulty())
    return [
        {"recording": row.id, "call": row.call, "agent": row.agent or None, "state": row.state, "why": row.problem}
        for row in session.scalars(wanted.order_by(Recording.id).limit(MOST))
    ]


def as_signed(content: dict[str, Any]) -> str:
    """What is signed: the same content gives the same text."""
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
