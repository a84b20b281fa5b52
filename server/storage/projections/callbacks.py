"""From a log entry to rows, for callback mode: promises, attempts, offers and modes."""

from __future__ import annotations

import acd.callbacks.events as callback
import acd.events as acd
import ivr.events as ivr
from acd.callbacks.states import LIVE, PromiseState, PromiseView
from server.eventlog.derived_events import ModeNoted, PromiseNoted
from server.eventlog.log import Entry
from server.hotline.trunks import LEGACY, trunk_of
from server.storage.projections.outcome import outcome_of
from server.storage.projections.rows import Rows, entry_key, utc
from server.storage.projections.rules import Rules
from server.storage.schema.callback_tables import CONNECTED, Attempt, CallbackMode, Promise

OFFERED = "callback_offered"
"""The field of a call that says where its caller was offered a callback."""
_COPIED = (
    "number", "queue", "category", "language", "attempts", "priority", "call", "reason", "source", "by", "caller",
    "vip", "owner", "ticket", "asked", "task",
)  # fmt: skip
_INSTANTS = ("promised_at", "queued_at", "due_at", "expires_at")
RULES = Rules()


@RULES.on(PromiseNoted)
def _(event: PromiseNoted, entry: Entry, rows: Rows) -> None:
    view = event.promise
    promise = rows.promises[view.id]
    _copy(view, promise)
    at = rows.instant(entry)
    if view.state is PromiseState.CONNECTED:
        promise.connected_at = promise.connected_at or at
    if view.last and view.state not in (PromiseState.CONNECTED, PromiseState.KEPT):
        _take_back(view, promise, rows)
    if view.state not in LIVE:
        promise.settled_at = promise.settled_at or at
    if view.origin:
        call = rows.calls[view.origin]
        call.promise = call.promise or view.id


def _take_back(view: PromiseView, promise: Promise, rows: Rows) -> None:
    """What looked like a conversation with the customer reached nobody, or was too short to keep the promise."""
    promise.connected_at = None
    attempt = rows.attempt(view.call or 0)
    if attempt is not None and attempt.promise == view.id and attempt.outcome == CONNECTED:
        attempt.outcome, attempt.detail = view.last, view.reason
        call = rows.calls[attempt.call]
        call.connected_at = None
        call.outcome = outcome_of(call)


def _copy(view: PromiseView, promise: Promise) -> None:
    promise.state, promise.origin = str(view.state), view.origin or None
    for name in _COPIED:
        setattr(promise, name, getattr(view, name))
    for name in _INSTANTS:
        setattr(promise, name, utc(getattr(view, name)))


@RULES.on(ModeNoted)
def _(event: ModeNoted, entry: Entry, rows: Rows) -> None:
    ms, seq = entry_key(entry.id)
    mode = event.mode
    rows.add(
        CallbackMode(
            ms=ms,
            seq=seq,
            scope=mode.scope,
            mode=str(mode.mode),
            active=mode.active,
            full=mode.full,
            since=utc(mode.since),
            until=None if mode.until is None else utc(mode.until),
            who=mode.who,
            reason=mode.reason,
            rule=mode.rule,
            at=rows.instant(entry),
        )
    )


@RULES.on(ivr.FieldSet)
def _(event: ivr.FieldSet, entry: Entry, rows: Rows) -> None:
    if event.field == OFFERED:
        call = rows.calls[event.call]
        queue = call.queue or call.business or "inquiry"
        rows.offers.get(event.call, queue=queue, place=event.value, at=utc(entry.at))


# The call that keeps it


@RULES.on(callback.CallPlaced)
def _(event: callback.CallPlaced, entry: Entry, rows: Rows) -> None:
    call = rows.calls[event.call]
    call.direction, call.promise, call.node = "outbound", event.promise, event.node
    call.caller, call.called = event.number, event.shown
    call.offered_at = call.offered_at or utc(entry.at)


@RULES.on(callback.AttemptStarted)
def _(event: callback.AttemptStarted, entry: Entry, rows: Rows) -> None:
    under_way = rows.attempt(event.call)
    if under_way is not None and under_way.attempt == event.attempt and under_way.outcome is None:
        return
    ms, seq = entry_key(entry.id)
    rows.begin_attempt(
        event.call,
        ms=ms,
        seq=seq,
        promise=event.promise,
        attempt=event.attempt,
        offer=event.offer,
        agent=event.agent,
        started_at=utc(entry.at),
    )


@RULES.on(callback.AttemptAnswered)
def _(event: callback.AttemptAnswered, entry: Entry, rows: Rows) -> None:
    call = rows.calls[event.call]
    call.channel, call.unique_id = event.channel, event.unique_id
    call.answered_at = call.answered_at or utc(entry.at)
    attempt = rows.attempt(event.call)
    if attempt is not None:
        attempt.answered_at = attempt.answered_at or utc(entry.at)
        if (trunk := trunk_of(event.channel)) not in ("", LEGACY):
            attempt.detail = f"by trunk {trunk}"


@RULES.on(callback.AttemptEnded)
def _(event: callback.AttemptEnded, entry: Entry, rows: Rows) -> None:
    _end(rows.attempt(event.call), str(event.outcome), event.detail, entry)


@RULES.on(acd.CallEnded)
def _(event: acd.CallEnded, entry: Entry, rows: Rows) -> None:
    attempt = rows.attempt(event.call)
    if attempt is not None:
        answered = callback.AttemptOutcome.LOST if attempt.answered_at is None else callback.AttemptOutcome.HUNG_UP
        outcome = callback.AttemptOutcome.STOPPED if event.cause == "stopped" else answered
        _end(attempt, str(outcome), event.cause, entry)


@RULES.on(acd.Joined)
def _(event: acd.Joined, entry: Entry, rows: Rows) -> None:
    _end(rows.attempt(event.call), CONNECTED, "", entry)


def _end(attempt: Attempt | None, outcome: str, detail: str, entry: Entry) -> None:
    """What is known first stays."""
    if attempt is not None and attempt.outcome is None:
        attempt.outcome, attempt.ended_at = outcome, utc(entry.at)
        attempt.detail = "; ".join(filter(None, (attempt.detail, detail)))
