"""The read side of callback mode: promises with their attempts, and what the mode was when.

A promise of the records and one of the memory of the server are shown alike, so that lists can hold both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from acd.callbacks.states import LIVE, PromiseView
from server.storage.queries.callback_report import callback_report
from server.storage.queries.lists.asking import of_engine
from server.storage.queries.lists.lists import Lists
from server.storage.queries.lists.promises import KIND, PromiseFilter, promise_row, written
from server.storage.queries.paging import Page, decode_cursor, encode_cursor, iso, masked, page_of_entries
from server.storage.schema.callback_tables import Attempt, CallbackMode, Promise


class PromiseQueries:
    """Answers over one database, as `Queries`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def promise_list(
        self, which: PromiseFilter | None = None, *, limit: int = 100, after: str | None = None, mask: bool = False
    ) -> Page:
        """Promises, newest first. Raises QueryError for an unknown state, a bad limit or cursor."""
        return Lists(of_engine(self._engine)).promises(which, limit=limit, after=after, mask=mask)

    def promise_show(self, number: int, *, mask: bool = False) -> dict[str, Any] | None:
        """One promise with its attempts, in order; None when there is no such promise."""
        with Session(self._engine) as session:
            promise = session.get(Promise, number)
            return None if promise is None else promise_detail(promise, _attempts(session, number), mask)

    def attempts(self, promise: int) -> list[dict[str, Any]]:
        """The attempts to fulfil the promise, in order."""
        with Session(self._engine) as session:
            return [attempt_row(each) for each in _attempts(session, promise)]

    def to_be_kept(self) -> int:
        """How many promises are open."""
        with Session(self._engine) as session:
            return session.scalar(select(func.count(Promise.id)).where(Promise.state.in_(sorted(LIVE)))) or 0

    def report(self, day: date, zone: ZoneInfo, *, interval: int = 1800, queue: str | None = None) -> dict[str, Any]:
        """See `callback_report`."""
        return callback_report(self._engine, day, zone, interval=interval, queue=queue)

    def mode_history(self, scope: str | None = None, *, limit: int = 100, after: str | None = None) -> Page:
        """What callback mode was, newest first; of one scope, or of all."""
        wanted = select(CallbackMode)
        wanted = wanted if scope is None else wanted.where(CallbackMode.scope == scope)
        with Session(self._engine) as session:
            rows, following = page_of_entries(session, wanted, CallbackMode, "mode", limit, after)
            return Page([{"at": iso(each.at), **mode_row(each)} for each in rows], following)


def merged(
    page: Page,
    which: PromiseFilter,
    known: Sequence[PromiseView],
    lookup: Callable[[int], PromiseView | None],
    *,
    limit: int,
    cursor: str | None = None,
    mask: bool = False,
) -> Page:
    """The page as the server knows it: what changed since is shown as it is now, what is new is there already.

    `known` are all promises that are live or tasks; `lookup` finds those that were settled lately too.
    """
    first = decode_cursor(KIND, cursor) if cursor else None
    last = decode_cursor(KIND, page.next) if page.next else 0
    rows = {view.id: view for view in known if last <= view.id and (first is None or view.id < first)}
    found: dict[int, dict[str, Any]] = {}
    for row in page.items:
        view = lookup(row["id"])
        if view is None:
            found[row["id"]] = row
        else:
            rows[view.id] = view
    found |= {view.id: promise_row(view, mask) for view in rows.values() if which.holds(view)}
    ordered = [found[number] for number in sorted(found, reverse=True)]
    if len(ordered) > limit:
        return Page(ordered[:limit], encode_cursor(KIND, ordered[limit - 1]["id"]))
    return Page(ordered, page.next)


def promise_detail(
    promise: Promise | PromiseView, attempts: Sequence[Attempt | dict[str, Any]] = (), mask: bool = False
) -> dict[str, Any]:
    """One promise, whole."""
    caller = promise.caller or None
    return promise_row(promise, mask) | {
        "expires_at": written(promise.expires_at),
        "priority": promise.priority,
        "language": promise.language or None,
        "origin": promise.origin or None,
        "by": promise.by or None,
        "caller": masked(caller) if caller and mask else caller,
        "vip": promise.vip,
        "owner": promise.owner or None,
        "ticket": promise.ticket,
        "asked": promise.asked,
        "task": promise.task,
        "history": [each if isinstance(each, dict) else attempt_row(each) for each in attempts],
    }


def attempt_row(attempt: Attempt) -> dict[str, Any]:
    """One time the customer was dialled."""
    return {
        "attempt": attempt.attempt,
        "call": attempt.call,
        "agent": attempt.agent or None,
        "started_at": iso(attempt.started_at),
        "answered_at": iso(attempt.answered_at),
        "ended_at": iso(attempt.ended_at),
        "outcome": attempt.outcome,
        "detail": attempt.detail or None,
    }


def mode_row(mode: CallbackMode) -> dict[str, Any]:
    """What callback mode was from one instant on."""
    return {
        "scope": mode.scope,
        "mode": str(mode.mode),
        "active": mode.active,
        "since": written(mode.since),
        "until": written(mode.until),
        "who": mode.who or None,
        "reason": mode.reason or None,
        "rule": mode.rule or None,
    }


def _attempts(session: Session, promise: int) -> list[Attempt]:
    wanted = select(Attempt).where(Attempt.promise == promise).order_by(Attempt.ms, Attempt.seq)
    return list(session.scalars(wanted))
