"""How rows are shown: the names and shapes that others rely on. What has no value yet is null, never an empty text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from server.storage.notation import iso, masked

if TYPE_CHECKING:
    from server.storage.schema.access_tables import AuditEntry
    from server.storage.schema.tables import (
        Agent,
        AgentInterval,
        Call,
        NumberTaken,
        Recording,
        Segment,
        TicketHistory,
    )


def caller_of(number: str, mask: bool) -> str:
    """A telephone number, its middle hidden if wanted."""
    return masked(number) if mask else number


def call(call: Call, recordings: list[int], mask: bool) -> dict[str, Any]:
    return {
        "id": call.id,
        "caller": caller_of(call.caller, mask),
        "called": call.called,
        "queue": call.queue or None,
        "category": call.category or None,
        "agent": call.agent or None,
        "ticket": call.ticket,
        "recordings": recordings,
        "offered_at": iso(call.offered_at),
        "answered_at": iso(call.answered_at),
        "queued_at": iso(call.queued_at),
        "connected_at": iso(call.connected_at),
        "ended_at": iso(call.ended_at),
        "outcome": call.outcome,
        "satisfaction": call.satisfaction,
        "withheld": not call.caller,
    }


def segment(leg: Segment) -> dict[str, Any]:
    return {
        "offer": leg.offer,
        "agent": leg.agent or None,
        "queue": leg.queue or None,
        "outcome": leg.outcome,
        "detail": leg.detail or None,
        "offered_at": iso(leg.offered_at),
        "rang_at": iso(leg.rang_at),
        "answered_at": iso(leg.answered_at),
        "joined_at": iso(leg.joined_at),
        "ended_at": iso(leg.ended_at),
        "ended_by": leg.ended_by or None,
        "talked": leg.talked,
        "held": leg.held,
    }


def number(taken: NumberTaken, mask: bool) -> dict[str, Any]:
    return {
        "number": caller_of(taken.number, mask),
        "category": taken.category or None,
        "source": taken.source,
        "taken_at": iso(taken.taken_at),
    }


def recording(recording: Recording, ticket: int | None) -> dict[str, Any]:
    return {
        "id": recording.id,
        "call": recording.call,
        "agent": recording.agent or None,
        "ticket": ticket,
        "seconds": recording.seconds,
        "channels": recording.channels,
        "sha256": recording.sha256 or None,
    }


def history(line: TicketHistory) -> dict[str, Any]:
    said = {"kind": line.kind, "from": line.before, "to": line.after, "by": line.by, "why": line.why}
    return {"at": iso(line.at), **{name: value or None for name, value in said.items()}, "call": line.call}


def audit_entry(entry: AuditEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "at": iso(entry.at),
        "act": entry.act,
        "by": entry.by,
        "role": entry.role,
        "origin": entry.origin,
        "subject": entry.subject or None,
        "reason": entry.reason or None,
    }


def agent(agent: Agent) -> dict[str, Any]:
    phone = {True: "reachable", False: "unreachable", None: "unknown"}[agent.reachable]
    return {
        "id": agent.id,
        "name": agent.name,
        "skills": agent.skills,
        "teams": agent.teams,
        "status": agent.status,
        "state": agent.state,
        "reason": agent.reason or None,
        "since": iso(agent.since),
        "phone": phone,
        "contact": agent.contact or None,
    }


def interval(each: AgentInterval) -> dict[str, Any]:
    return {
        "agent": each.agent,
        "status": each.status,
        "state": each.state,
        "reason": each.reason or None,
        "call": each.call,
        "from": iso(each.began_at),
        "to": iso(each.ended_at),
    }
