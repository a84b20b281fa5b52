"""Law: each event reaches each subscription at least once, in the order of the log, or is kept as a dead letter.

Messages wait in the outbox, in SQL. A message is gone from it only after its receiver has taken it, so a crash at any
point sends some again (with the same id), and loses none. One that fails is tried again at growing intervals, and holds
up those behind it until it is delivered or given up; other subscriptions go on meanwhile.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from server.eventlog.webhook_events import WebhookSuspended
from server.hotline import webhook_secrets
from server.hotline.dispatcher import Dispatcher, NotLeading
from server.hotline.view import View
from server.hotline.webhooks import Webhook
from server.storage.webhook_outbox import Backlog, Message, Outbox
from server.tasks import BackgroundTasks
from server.warned import warned
from server.webhooks.sender import Sender

SCHEDULE = (5.0, 30.0, 120.0, 600.0, 1800.0, 7200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0)
"""Seconds from one attempt to the next, up to a fifth more by chance; after the last the message is given up."""
JITTER = 0.2
AT_ONCE = 8
"""The most receivers that are spoken with at the same time."""
LATE = 600.0
"""Seconds after which a message that waits is worth a warning."""
PACE, PURGE = 0.5, 3600.0
_log = structlog.get_logger("webhooks")


class Deliveries(Collector):
    """Sends what is in the outbox while this server leads. `leading` is the way into the log, or raises NotLeading."""

    def __init__(
        self,
        outbox: Outbox,
        view: View,
        leading: Callable[[], Dispatcher],
        home: Path,
        sender: Sender,
        *,
        schedule: Sequence[float] = SCHEDULE,
        pace: float = PACE,
        late: float = LATE,
    ) -> None:
        self._outbox, self._view, self._leading, self._home, self._sender = outbox, view, leading, home, sender
        self._schedule, self._pace, self._late = schedule, pace, late
        self._busy: set[int] = set()
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._tasks = BackgroundTasks(_log, "a webhook's messages were left for later")
        self._backlog: Sequence[Backlog] = ()
        self._purged = float("-inf")

    async def run(self) -> None:
        """Until it is cancelled."""
        try:
            while True:
                await asyncio.sleep(self._pace)
                with suppress(NotLeading, SQLAlchemyError, OSError):
                    self._leading()
                    await self._look()
        finally:
            await self._tasks.stop()
            await self._sender.close()

    def collect(self) -> Iterable[Metric]:
        """What subscriptions have not received, as gauges."""
        waiting = GaugeMetricFamily("sansheng_webhook_waiting", "Messages that wait for a webhook.", labels=["webhook"])
        dead = GaugeMetricFamily("sansheng_webhook_dead", "Dead letters of a webhook.", labels=["webhook"])
        oldest = GaugeMetricFamily(
            "sansheng_webhook_oldest_seconds", "Age of the oldest message that waits.", labels=["webhook"]
        )
        backlog, now = {each.webhook: each for each in self._backlog}, datetime.now(UTC)
        for webhook in self._view.webhooks:
            name, late = [str(webhook.id)], backlog.get(webhook.id)
            waiting.add_metric(name, late.waiting if late else 0)
            dead.add_metric(name, late.dead if late else 0)
            since = late.since if late else None
            oldest.add_metric(name, (now - since).total_seconds() if since else 0.0)
        yield from (waiting, dead, oldest)

    def warnings(self) -> list[str]:
        """Sentences on subscriptions that do not receive what they should."""
        found = []
        known = {webhook.id: webhook for webhook in self._view.webhooks}
        now = datetime.now(UTC)
        for each in self._backlog:
            webhook = known.pop(each.webhook, None)
            if webhook is None:
                continue
            name = f"webhook {name_of(webhook)}"
            if webhook.suspended:
                found.append(_suspended(webhook))
            elif each.since is not None and (now - each.since).total_seconds() > self._late:
                why = f": {each.problem}" if each.problem else ""
                sentence = f"{name} has not received {each.waiting} events since {each.since:%Y-%m-%d %H:%M} UTC{why}"
                error = each.problem or ""
                found.append(
                    warned("webhook_late", sentence, webhook=name_of(webhook), count=each.waiting, error=error)
                )
            if each.dead:
                sentence = f"{name} has {each.dead} dead letters: see `sansheng webhook dead {webhook.id}`"
                found.append(warned("webhook_dead", sentence, webhook=name_of(webhook), count=each.dead))
        return found + [_suspended(each) for each in known.values() if each.suspended]

    async def _look(self) -> None:
        webhooks = {each.id: each for each in self._view.webhooks}
        if not webhooks and not self._backlog and self._purged > 0:
            return
        if time.monotonic() - self._purged > PURGE:
            await asyncio.to_thread(self._outbox.purge)
            self._purged = time.monotonic()
        self._backlog = await asyncio.to_thread(self._outbox.backlog)
        free = [number for number, each in webhooks.items() if number not in self._busy and not each.suspended]
        waiting = {each.webhook for each in self._backlog if each.waiting}
        for head in await asyncio.to_thread(self._outbox.heads, waiting & set(free)):
            if head.due_at is None or head.due_at <= datetime.now(UTC):
                self._busy.add(head.webhook)
                self._tasks.start(self._deliver(webhooks[head.webhook]))

    async def _deliver(self, webhook: Webhook) -> None:
        """Send what waits, in order, until one message is not taken."""
        try:
            async with self._slots:
                while messages := await asyncio.to_thread(self._outbox.next, webhook.id, 50):
                    for message in messages:
                        if not await self._try(webhook, message):
                            return
        finally:
            self._busy.discard(webhook.id)

    async def _try(self, webhook: Webhook, message: Message) -> bool:
        """Whether the next message may be sent now."""
        now = self._view.webhooks.get(webhook.id)
        if now is None or now.suspended or (message.due_at is not None and message.due_at > datetime.now(UTC)):
            return False
        self._leading()
        secrets = await asyncio.to_thread(webhook_secrets.holding, self._home, webhook.id, time.time())
        answer = await self._sender.send(message, now.added.url, secrets)
        if not answer.problem:
            await asyncio.to_thread(self._outbox.sent, message)
            return True
        _log.warning("a webhook's message was not taken", webhook=webhook.id, message=message.id, why=answer.problem)
        if answer.gone:
            await self._leading().record(WebhookSuspended(webhook.id, answer.problem))
            return False
        due = None
        if message.attempts < len(self._schedule):
            delay = self._schedule[message.attempts] * (1 + random.random() * JITTER)
            due = datetime.now(UTC) + timedelta(seconds=max(delay, answer.after))
        await asyncio.to_thread(self._outbox.failed, message, due, answer.problem)
        return due is None


def name_of(webhook: Webhook) -> str:
    """The subscription, by number and name."""
    return f"{webhook.id} {webhook.added.name}"


def _suspended(webhook: Webhook) -> str:
    sentence = f"webhook {name_of(webhook)} is suspended ({webhook.suspended}): resume or remove it"
    return warned("webhook_suspended", sentence, webhook=name_of(webhook), error=webhook.suspended)
