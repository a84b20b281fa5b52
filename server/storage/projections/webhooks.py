"""From a log entry to the messages that other systems are to be told: the outbox of webhooks.

A message is made in the transaction that writes the entry's rows, once for each subscription that wants its type, so
none is lost or made twice whatever crashes. It says what the records say after the entry. `BEFORE` runs before the
rules of callbacks, which overwrite what a promise was.
"""

from __future__ import annotations

from typing import Any

import acd.events as acd
import recordings.events as rec
import tickets.events as tickets
from acd.callbacks.states import LIVE, PromiseState
from server.eventlog.derived_events import AgentNoted, PromiseNoted
from server.eventlog.log import Entry
from server.eventlog.webhook_events import WebhookAdded, WebhookPinged, WebhookRemoved
from server.hotline.webhook_schemas import PING
from server.hotline.webhooks import wanted
from server.storage.notation import iso, masked
from server.storage.projections.outcome import outcome_of
from server.storage.projections.rows import Rows, entry_key, utc
from server.storage.projections.rules import Rules
from server.storage.schema.tables import Call, Ticket, TicketHistory
from server.storage.schema.webhook_tables import WebhookMessage

BEFORE = Rules()
RULES = Rules()
_NUMBERS = ("caller", "number")
"""Fields that hold a telephone number."""


@RULES.on(WebhookAdded)
def _(event: WebhookAdded, entry: Entry, rows: Rows) -> None:
    webhook = rows.webhooks[event.webhook]
    webhook.types, webhook.whole_numbers = " ".join(event.types), event.whole_numbers


@RULES.on(WebhookRemoved)
def _(event: WebhookRemoved, entry: Entry, rows: Rows) -> None:
    rows.webhooks[event.webhook].removed = True


@RULES.on(WebhookPinged)
def _(event: WebhookPinged, entry: Entry, rows: Rows) -> None:
    if not rows.webhooks[event.webhook].removed:
        ms, seq = entry_key(entry.id)
        data = {"webhook": event.webhook, "by": event.by or None}
        rows.add(WebhookMessage(webhook=event.webhook, ms=ms, seq=seq, type=PING, at=utc(entry.at), data=data))


@RULES.on(acd.CallQueued)
def _(event: acd.CallQueued, entry: Entry, rows: Rows) -> None:
    _tell(rows, entry, "call.queued", lambda: _call(rows.calls[event.call]))


@RULES.on(acd.CallEnded)
def _(event: acd.CallEnded, entry: Entry, rows: Rows) -> None:
    _tell(rows, entry, "call.ended", lambda: _call(rows.calls[event.call]))


@RULES.on(acd.ConversationEnded)
def _(event: acd.ConversationEnded, entry: Entry, rows: Rows) -> None:
    def data() -> dict[str, Any]:
        call = rows.calls[event.call]
        ended_at = utc(entry.at if event.ended_at is None else event.ended_at)
        return {
            "call": event.call,
            "agent": event.agent,
            "caller": call.caller,
            "queue": call.queue or None,
            "ticket": call.ticket,
            "by": event.by,
            "talked": event.talked,
            "held": event.held,
            "ended_at": iso(ended_at),
        }

    _tell(rows, entry, "conversation.ended", data)


@RULES.on(AgentNoted)
def _(event: AgentNoted, entry: Entry, rows: Rows) -> None:
    data = {"id": event.agent, "status": event.status, "state": event.state, "reason": event.reason or None}
    _tell(rows, entry, "agent.status", lambda: {**data, "call": event.call, "since": iso(rows.instant(entry))})


@BEFORE.on(PromiseNoted)
def _(event: PromiseNoted, entry: Entry, rows: Rows) -> None:
    view, row = event.promise, rows.promises[event.promise.id]
    before = row.state if row.promised_at is not None else ""
    if not before and view.state in (*LIVE, PromiseState.UNCONFIRMED):
        kind = "callback.promised" if view.state in LIVE else "callback.broken"
    elif before in LIVE and view.state is PromiseState.KEPT:
        kind = "callback.kept"
    elif before in LIVE and view.state not in LIVE:
        kind = "callback.broken"
    else:
        return
    data = {
        "id": view.id,
        "number": view.number,
        "queue": view.queue,
        "category": view.category or None,
        "state": str(view.state),
        "attempts": view.attempts,
        "promised_at": iso(utc(view.promised_at)),
        "due_at": iso(utc(view.due_at)),
        "call": view.call,
        "ticket": view.ticket,
        "reason": view.reason or None,
    }
    _tell(rows, entry, kind, lambda: data)


@RULES.on(rec.RecordingClosed)
def _(event: rec.RecordingClosed, entry: Entry, rows: Rows) -> None:
    _tell(rows, entry, "recording.joined", lambda: _recording(rows, event.recording))


@RULES.on(rec.RecordingMissing)
def _(event: rec.RecordingMissing, entry: Entry, rows: Rows) -> None:
    _tell(rows, entry, "recording.missing", lambda: _recording(rows, event.recording) | {"why": event.why})


def _on_ticket(event: tickets.Event, entry: Entry, rows: Rows) -> None:
    kind = "ticket.opened" if isinstance(event, tickets.TicketOpened) else "ticket.changed"
    _tell(rows, entry, kind, lambda: _ticket(rows.tickets[event.ticket]) | {"change": type(event).__name__})


for _kind in tickets.Event.__subclasses__():
    if _kind is not tickets.TicketLinked:
        RULES.on(_kind)(_on_ticket)


@RULES.on(tickets.TicketLinked)
def _(event: tickets.TicketLinked, entry: Entry, rows: Rows) -> None:
    link = rows.ticket_link(event.ticket, event.system)
    before = link.reference
    link.reference, link.url, link.by, link.at = event.reference, event.url, event.by, utc(entry.at)
    link.owns = " ".join(event.owns)
    ms, seq = entry_key(entry.id)
    rows.plain.add(
        TicketHistory,
        ms=ms,
        seq=seq,
        ticket=event.ticket,
        at=utc(entry.at),
        kind="link",
        before=before,
        after=event.reference,
        by=event.by,
        why="; ".join(filter(None, (event.system, f"owns {', '.join(event.owns)}" if event.owns else ""))),
    )
    _on_ticket(event, entry, rows)


def _tell(rows: Rows, entry: Entry, kind: str, data: Any) -> None:
    """Make a message for each subscription that wants this type. `data()` gives what it says."""
    told: dict[str, Any] | None = None
    ms, seq = entry_key(entry.id)
    for webhook in rows.webhooks:
        if webhook.removed or not wanted(tuple(webhook.types.split()), kind):
            continue
        told = data() if told is None else told
        shown = {
            name: masked(value) if name in _NUMBERS and value and not webhook.whole_numbers else value
            for name, value in told.items()
        }
        rows.add(WebhookMessage(webhook=webhook.id, ms=ms, seq=seq, type=kind, at=rows.instant(entry), data=shown))


def _call(call: Call) -> dict[str, Any]:
    return {
        "id": call.id,
        "caller": call.caller,
        "called": call.called,
        "queue": call.queue or None,
        "category": call.category or None,
        "agent": call.agent or None,
        "ticket": call.ticket,
        "direction": call.direction,
        "offered_at": iso(call.offered_at),
        "answered_at": iso(call.answered_at),
        "queued_at": iso(call.queued_at),
        "connected_at": iso(call.connected_at),
        "ended_at": iso(call.ended_at),
        "talked": call.talked,
        "held": call.held,
        "outcome": outcome_of(call),
        "satisfaction": call.satisfaction,
    }


def _ticket(ticket: Ticket) -> dict[str, Any]:
    return {
        "id": ticket.id,
        "call": ticket.call,
        "caller": ticket.caller,
        "business": ticket.business or None,
        "category": ticket.confirmed or ticket.category or None,
        "grade": ticket.grade,
        "state": ticket.state,
        "round": ticket.round,
        "owner": ticket.owner or None,
        "opened_at": iso(ticket.opened_at),
        "respond_by": iso(ticket.respond_by),
        "resolve_by": iso(ticket.resolve_by),
        "closed_at": iso(ticket.closed_at),
    }


def _recording(rows: Rows, number: int) -> dict[str, Any]:
    recording = rows.recordings[number]
    ticket = rows.calls[recording.call].ticket if recording.call else None
    return {
        "id": number,
        "call": recording.call,
        "agent": recording.agent or None,
        "ticket": ticket,
        "seconds": recording.seconds,
        "channels": recording.channels,
        "sha256": recording.sha256 or None,
        "problem": recording.problem or None,
    }
