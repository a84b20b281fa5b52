"""What a call asks the floor for: made once from the definitions, kept in the live call, and queued again as it is.

So a call that waits again keeps what was given to it meanwhile: another queue, a priority, its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import structlog

from acd.callbacks.states import PromiseView
from acd.events import CallQueued
from server.hotline.definitions import Definitions
from server.hotline.live_call import LiveCall

_log = structlog.get_logger("queueing")


def first(
    definitions: Definitions,
    call: int,
    queue: str,
    queued_at: float,
    *,
    category: str = "",
    extra: Mapping[str, object] | None = None,
    **more: Any,
) -> CallQueued:
    """A call that comes to a queue. `extra` is what the flow asks for on top; `more` are further fields."""
    requirement = definitions.requirement(queue, category, extra or {})
    return CallQueued(call, queue, requirement, queued_at, category=category, **more)


def for_promise(definitions: Definitions, call: int, promise: PromiseView, avoid: Iterable[str] = ()) -> CallQueued:
    """The call that is to keep a promise, at its place. A queue that is gone gives way to the first.

    `avoid` are agents whom the customer complains about.
    """
    avoided = tuple(sorted(avoid))
    names = [queue.name for queue in definitions.policy.queues]
    queue = promise.queue if promise.queue in names else names[0]
    if queue != promise.queue:
        _log.warning("a promise's queue is gone: the first one calls", promise=promise.id, gone=promise.queue)
    known = {*definitions.policy.skills, *definitions.categories.names}
    return first(
        definitions,
        call,
        queue,
        promise.queued_at,
        category=promise.category if promise.category in known else "",
        priority=promise.priority,
        caller=promise.number,
        language=promise.language,
        owner=promise.owner if promise.owner not in avoided else "",
        vip=promise.vip,
        promised=True,
        avoid=avoided,
    )


def in_place_of(asked: CallQueued, promise: PromiseView, agent: str) -> CallQueued:
    """A caller who takes the place of a promise, if that is better than their own; `agent` is kept for it, or ""."""
    return replace(
        asked,
        queued_at=min(asked.queued_at, promise.queued_at),
        priority=max(asked.priority, promise.priority),
        owner=agent or asked.owner,
        vip=asked.vip or promise.vip,
    )


def again(live: LiveCall, *, owner: str = "") -> tuple[CallQueued, ...]:
    """A call that waits again, with all that was asked for it by now, before all others for `owner` if one is given.

    Empty when it never waited.
    """
    if live.asked is None:
        return ()
    return (replace(live.asked, owner=owner or live.asked.owner),)
