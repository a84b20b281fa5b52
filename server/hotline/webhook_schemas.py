"""The JSON Schema (2020-12) of each event that webhooks send: what a receiver may rely on. Fields may be added."""

from __future__ import annotations

from typing import Any

from server.hotline.webhooks import TYPES

PING = "webhook.ping"
_TEXT: dict[str, Any] = {"type": "string"}
_MAYBE: dict[str, Any] = {"type": ["string", "null"]}
_COUNT: dict[str, Any] = {"type": "integer"}
_NUMBER: dict[str, Any] = {"type": ["integer", "null"]}
_SECONDS: dict[str, Any] = {"type": "number"}
_INSTANT: dict[str, Any] = {"type": "string", "format": "date-time"}
_WHEN: dict[str, Any] = {"type": ["string", "null"], "format": "date-time"}

_CALL = {
    "id": _COUNT,
    "caller": _TEXT,
    "called": _TEXT,
    "queue": _MAYBE,
    "category": _MAYBE,
    "agent": _MAYBE,
    "ticket": _NUMBER,
    "direction": {"enum": ["inbound", "outbound"]},
    "offered_at": _WHEN,
    "answered_at": _WHEN,
    "queued_at": _WHEN,
    "connected_at": _WHEN,
    "ended_at": _WHEN,
    "talked": _SECONDS,
    "held": _SECONDS,
    "outcome": _MAYBE,
    "satisfaction": {"type": ["integer", "null"], "minimum": 1, "maximum": 5},
}
_PROMISE = {
    "id": _COUNT,
    "number": _TEXT,
    "queue": _TEXT,
    "category": _MAYBE,
    "state": _TEXT,
    "attempts": _COUNT,
    "promised_at": _INSTANT,
    "due_at": _INSTANT,
    "call": _NUMBER,
    "ticket": _NUMBER,
    "reason": _MAYBE,
}
_TICKET = {
    "id": _COUNT,
    "call": _NUMBER,
    "caller": _TEXT,
    "business": _MAYBE,
    "category": _MAYBE,
    "grade": _TEXT,
    "state": _TEXT,
    "round": _COUNT,
    "owner": _MAYBE,
    "opened_at": _WHEN,
    "respond_by": _WHEN,
    "resolve_by": _WHEN,
    "closed_at": _WHEN,
    "change": _TEXT,
}
_RECORDING = {
    "id": _COUNT,
    "call": _NUMBER,
    "agent": _MAYBE,
    "ticket": _NUMBER,
    "sha256": _MAYBE,
    "problem": _MAYBE,
    "seconds": {"type": ["number", "null"]},
    "channels": _NUMBER,
}
_DATA: dict[str, dict[str, Any]] = {
    "call.queued": _CALL,
    "call.ended": _CALL,
    "conversation.ended": dict(
        **{"call": _COUNT, "agent": _TEXT, "caller": _TEXT, "queue": _MAYBE, "ticket": _NUMBER, "by": _TEXT},
        **{"talked": _SECONDS, "held": _SECONDS, "ended_at": _INSTANT},
    ),
    "agent.status": {
        "id": _TEXT,
        "status": _TEXT,
        "state": _TEXT,
        "reason": _MAYBE,
        "call": _NUMBER,
        "since": _INSTANT,
    },
    "callback.promised": _PROMISE,
    "callback.kept": _PROMISE,
    "callback.broken": _PROMISE,
    "ticket.opened": _TICKET,
    "ticket.changed": _TICKET,
    "recording.joined": _RECORDING,
    "recording.missing": {**_RECORDING, "why": _TEXT},
    PING: {"webhook": _COUNT, "by": _MAYBE},
}
SAID = {**TYPES, PING: "somebody asked for it, to see whether the receiver is there; every webhook gets its own"}


def schema(kind: str) -> dict[str, Any]:
    """The schema of the whole body of a message of this type. Raises KeyError."""
    data = _DATA[kind]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": kind,
        "description": SAID[kind],
        "type": "object",
        "required": ["type", "timestamp", "data"],
        "properties": {
            "type": {"const": kind},
            "timestamp": _INSTANT,
            "data": {"type": "object", "required": sorted(data), "properties": data},
        },
    }


def events() -> list[dict[str, Any]]:
    """Every type of event, what it says, and the schema of its message."""
    return [{"type": kind, "says": says, "schema": schema(kind)} for kind, says in SAID.items()]
