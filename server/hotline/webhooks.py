"""Webhooks as the log has them: who is told of what, at which address."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from server.eventlog.webhook_events import WebhookAdded, WebhookRemoved, WebhookResumed, WebhookSuspended

TYPES = {
    "call.queued": "a caller waits in a queue",
    "call.ended": "the call is over, with its final agent and its true end",
    "conversation.ended": "an agent's part of a call is over",
    "agent.status": "an agent's status or state has changed",
    "callback.promised": "a callback was promised",
    "callback.kept": "the promise was kept by a conversation",
    "callback.broken": "the promise ends without a conversation: broken, expired, cancelled or unconfirmed",
    "ticket.opened": "a matter has a ticket",
    "ticket.changed": "a ticket has changed: `change` names the event",
    "recording.joined": "a recording is complete",
    "recording.missing": "of a conversation nothing usable was recorded",
}
"""Every type of event that is sent, and what it says."""


def wanted(types: tuple[str, ...], kind: str) -> bool:
    """Whether these types of a subscription hold this one."""
    return any(each in ("*", kind) or (each.endswith(".*") and kind.startswith(each[:-1])) for each in types)


@dataclass(frozen=True, slots=True)
class Webhook:
    """One subscription. `suspended` says why nothing is sent; empty: it is."""

    added: WebhookAdded
    added_at: float
    suspended: str = ""

    @property
    def id(self) -> int:
        """The subscription's number."""
        return self.added.webhook


class Webhooks:
    """All subscriptions that hold, by number."""

    def __init__(self) -> None:
        self._by_id: dict[int, Webhook] = {}
        self.last = 0
        """The number of the last subscription that was ever added."""

    def __iter__(self) -> Iterator[Webhook]:
        return iter(self._by_id.values())

    def get(self, number: int) -> Webhook | None:
        """The subscription of this number, if it holds."""
        return self._by_id.get(number)

    def receive(self, event: object, at: float) -> None:
        """Take in an event of the log; events of other kinds change nothing."""
        if isinstance(event, WebhookAdded):
            self._by_id[event.webhook] = Webhook(event, at)
            self.last = max(self.last, event.webhook)
        elif isinstance(event, WebhookRemoved):
            self._by_id.pop(event.webhook, None)
        elif isinstance(event, WebhookSuspended | WebhookResumed) and (known := self.get(event.webhook)):
            why = event.why if isinstance(event, WebhookSuspended) else ""
            self._by_id[event.webhook] = replace(known, suspended=why)

    def snapshot(self) -> dict[str, Any]:
        """Everything, as `restore` takes it after JSON."""
        return {"last": self.last, "webhooks": list(self)}

    @classmethod
    def restore(cls, values: dict[str, Any] | None) -> Webhooks:
        """The inverse of `snapshot`, from decoded JSON; None for a snapshot of before there were webhooks."""
        made = cls()
        for each in (values or {}).get("webhooks", ()):
            known = msgspec.convert(each, Webhook)
            made._by_id[known.id] = known
        made.last = (values or {}).get("last", 0)
        return made
