"""Which promises a list has, and how a promise's row is shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from acd.callbacks.states import PromiseState
from server.storage.instants import utc
from server.storage.notation import iso, masked
from server.storage.queries.lists.asking import Wanted
from server.storage.queries.paging import QueryError

if TYPE_CHECKING:
    from acd.callbacks.states import PromiseView
    from server.storage.schema.callback_tables import Promise

KIND = "callback"
"""Of its cursors."""
_FIELDS = ("state", "number", "queue", "category", "owner", "task")
"""What a filter may name, as promises and their rows have it."""


@dataclass(frozen=True, slots=True)
class PromiseFilter:
    """Which promises: of this state, number, queue, category or owner, made in [since, until), or tasks only."""

    state: str | None = None
    number: str | None = None
    queue: str | None = None
    category: str | None = None
    owner: str | None = None
    task: bool | None = None
    since: datetime | None = None
    until: datetime | None = None

    def holds(self, view: PromiseView) -> bool:
        """Whether this promise is among them."""
        for name in _FIELDS:
            wanted = getattr(self, name)
            if wanted is not None and getattr(view, name) != wanted:
                return False
        made = utc(view.promised_at)
        return (self.since is None or made >= self.since) and (self.until is None or made < self.until)


def wanted_promises(which: PromiseFilter) -> Wanted:
    """The statement. Raises QueryError for an unknown state."""
    if which.state is not None and which.state not in set(PromiseState):
        raise QueryError(f"{which.state!r} is not a state; the states are {', '.join(PromiseState)}")
    wanted = Wanted("SELECT * FROM callbacks")
    wanted.equal(**{name: getattr(which, name) for name in _FIELDS})
    wanted.between("promised_at", which.since, which.until)
    return wanted


def promise_row(promise: Promise | PromiseView, mask: bool = False) -> dict[str, Any]:
    """The fields of a list."""
    return {
        "id": promise.id,
        "number": masked(promise.number) if mask else promise.number,
        "category": promise.category or None,
        "queue": promise.queue,
        "state": str(promise.state),
        "attempts": promise.attempts,
        "promised_at": written(promise.promised_at),
        "queued_at": written(promise.queued_at),
        "due_at": written(promise.due_at),
        "call": promise.call,
        "reason": promise.reason or None,
        "source": promise.source or None,
        "connected_at": written(promise.connected_at),
    }


def written(instant: datetime | float | None) -> str | None:
    """An instant of the log or of the records, as lists have it."""
    return iso(utc(instant) if isinstance(instant, float | int) else instant)
