"""Acts on webhooks: subscriptions of other systems to what happens, their secrets, and what was given up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from server.eventlog.webhook_events import WebhookAdded, WebhookPinged, WebhookRemoved, WebhookResumed
from server.hotline import webhook_secrets
from server.hotline.webhook_schemas import events
from server.hotline.webhook_targets import check_url
from server.hotline.webhooks import TYPES, Webhook, wanted
from server.usecases.errors import Invalid, NotFound
from server.usecases.permissions import Act
from server.usecases.principal import Principal
from server.usecases.server import Acts, Server

OVERLAP = 86_400.0
"""Seconds for which the secret before signs beside a new one."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A subscription and what it has not received."""

    webhook: Webhook
    waiting: int = 0
    dead: int = 0
    problem: str = ""


class WebhookActs(Acts):
    """Every act raises Forbidden; those that change something raise NotLeading."""

    def __init__(self, server: Server, clock: Callable[[], float] | None = None) -> None:
        super().__init__(server, clock) if clock else super().__init__(server)
        self._adding = asyncio.Lock()

    async def list(self, who: Principal) -> Sequence[Seen]:
        """Every subscription that holds, by number."""
        self.permissions.require(who, Act.MANAGE_WEBHOOKS)
        backlog = {each.webhook: each for each in await asyncio.to_thread(self._server.outbox.backlog)}
        found = []
        for webhook in sorted(self._view.webhooks, key=lambda each: each.id):
            late = backlog.get(webhook.id)
            found.append(Seen(webhook, late.waiting, late.dead, late.problem) if late else Seen(webhook))
        return found

    async def show(self, who: Principal, number: int) -> Seen:
        """One subscription. Raises NotFound."""
        found = [each for each in await self.list(who) if each.webhook.id == number]
        return found[0] if found else Seen(self._known(number))

    async def add(
        self, who: Principal, name: str, url: str, types: Sequence[str], *, whole_numbers: bool = False
    ) -> tuple[Webhook, str]:
        """(the subscription, its secret, which is shown only here). Raises Invalid."""
        self.permissions.require(who, Act.MANAGE_WEBHOOKS)
        try:
            check_url(url)
        except ValueError as error:
            raise Invalid("url", str(error)) from None
        types = tuple(dict.fromkeys(types))
        for each in types:
            if not any(wanted((each,), kind) for kind in TYPES):
                raise Invalid("type", f"there is no type {each}: there are {', '.join(TYPES)}, GROUP.* and *")
        if not types:
            raise Invalid("type", f"name the types of events: {', '.join(TYPES)}, GROUP.* or *")
        leader = self._server.dispatcher
        async with self._adding:
            number = self._view.webhooks.last + 1
            secret = await asyncio.to_thread(webhook_secrets.rotate, self._server.home, number, self._clock(), 0.0)
            added = WebhookAdded(number, name, url, types, whole_numbers, who.name)
            await self._record(who, Act.MANAGE_WEBHOOKS, added, subject=f"webhook {number} {name}: added for {url}")
        assert leader is not None
        return self._known(number), secret

    async def remove(self, who: Principal, number: int, reason: str = "") -> None:
        """End the subscription; what was not sent yet is dropped. Raises NotFound."""
        self.permissions.require(who, Act.MANAGE_WEBHOOKS)
        known = self._known(number)
        subject = f"webhook {number} {known.added.name}: removed"
        removed = WebhookRemoved(number, who.name, reason)
        await self._record(who, Act.MANAGE_WEBHOOKS, removed, subject=subject, reason=reason)
        await asyncio.to_thread(webhook_secrets.forget, self._server.home, number)

    async def rotate(self, who: Principal, number: int, overlap: float = OVERLAP) -> str:
        """A new secret, which is shown only here; the one before signs beside it for `overlap` seconds."""
        self.permissions.require(who, Act.MANAGE_WEBHOOKS)
        known = self._known(number)
        await self._record(
            who,
            Act.MANAGE_WEBHOOKS,
            subject=f"webhook {number} {known.added.name}: a new secret, overlap {overlap:g} s",
        )
        return await asyncio.to_thread(webhook_secrets.rotate, self._server.home, number, self._clock(), overlap)

    async def resume(self, who: Principal, number: int) -> Webhook:
        """Send on at once, whatever went wrong before. Raises NotFound."""
        self.permissions.require(who, Act.MANAGE_WEBHOOKS)
        known = self._known(number)
        await asyncio.to_thread(self._server.outbox.hurry, number)
        subject = f"webhook {number} {known.added.name}: resumed"
        await self._record(who, Act.MANAGE_WEBHOOKS, WebhookResumed(number, who.name), subject=subject)
        return self._known(number)

    async def ping(self, who: Principal, number: int) -> None:
        """Let the subscription get a message of the type webhook.ping, behind what waits already. Raises NotFound."""
        self.permissions.require(who, Act.MANAGE_WEBHOOKS)
        subject = f"webhook {number} {self._known(number).added.name}: a ping"
        await self._record(who, Act.MANAGE_WEBHOOKS, WebhookPinged(number, who.name), subject=subject)

    def events(self, who: Principal) -> Sequence[dict[str, Any]]:
        """Every type of event with the schema of its message."""
        self.permissions.require(who, Act.MANAGE_WEBHOOKS)
        return events()

    async def dead(self, who: Principal, number: int, limit: int, cursor: str | None = None) -> dict[str, Any]:
        """One page of messages that were given up, newest first. Raises NotFound."""
        self.permissions.require(who, Act.MANAGE_WEBHOOKS)
        self._known(number)
        page = await asyncio.to_thread(self._server.outbox.dead, number, limit, cursor)
        return {"items": page.items, "next": page.next}

    async def resend(self, who: Principal, number: int, message: str = "") -> int:
        """Send messages that were given up again: one, or all; how many. Raises NotFound, QueryError."""
        self.permissions.require(who, Act.MANAGE_WEBHOOKS)
        known = self._known(number)
        count = await asyncio.to_thread(self._server.outbox.resend, number, message)
        if message and not count:
            raise NotFound(f"webhook {number} has no dead letter {message[:40]}: see `sansheng webhook dead {number}`")
        subject = f"webhook {number} {known.added.name}: {count} dead letters are sent again"
        await self._record(who, Act.MANAGE_WEBHOOKS, subject=subject)
        return count

    def _known(self, number: int) -> Webhook:
        found = self._view.webhooks.get(number)
        if found is None:
            raise NotFound(f"there is no webhook {number}: see `sansheng webhook list`")
        return found
