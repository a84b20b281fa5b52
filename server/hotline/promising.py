"""The one builder of a promise to call back: what the caller did not say is taken from the call.

The part that takes a number gives what it knows. Queue, category, place, priority and language fall back here alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from acd.callbacks.events import PromiseAsked
from ivr.turn import language_of
from server.hotline.live_call import LiveCall


def usual_queue(category: str) -> str:
    """The queue of a matter that names none: a category is one of complaints."""
    return "complaint" if category else "inquiry"


def asked_back(
    number: str,
    source: str,
    *,
    call: int = 0,
    live: LiveCall | None = None,
    fields: Mapping[str, str] | None = None,
    queue: str = "",
    category: str = "",
    language: str = "",
    vip: bool = False,
    taken_at: float | None = None,
    **more: Any,
) -> PromiseAsked:
    """A number to be called back, at the place that its call has. `more` are further fields, as they are.

    `live` is that call; `fields` are what its flow has learned, if a session knows more than the log. A queue in which
    the caller waited comes before `queue`, and that before what the flow has learned.
    """
    fields = fields if fields is not None else live.fields if live is not None else {}
    category = category or fields.get("category", "")
    waited = live.asked if live is not None else None
    places = [each for each in (taken_at, waited.queued_at if waited else None) if each is not None]
    found: dict[str, Any] = {
        "caller": live.caller if live is not None else "",
        "language": language or language_of(fields),
        "queued_at": min(places, default=None),
        "priority": waited.priority if waited else 0,
        "vip": vip or (waited is not None and waited.vip),
        "owner": waited.owner if waited else "",
        "ticket": live.ticket if live is not None else None,
        "taken_at": taken_at,
    }
    wanted = (waited.queue if waited else "") or queue or fields.get("business", "") or usual_queue(category)
    return PromiseAsked(number, wanted, category, source, call, **found | more)
