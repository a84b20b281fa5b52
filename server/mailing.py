"""Law: each mail reaches the mail server at least once, however long that server is away, and is made once.

Mails are the night shift's report, and once a minute what became urgent of tickets.

A mail is in the outbox before it is sent, and sent by whichever server leads. After a crash between the two the same
mail, with the same Message-ID, may go out again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import Engine

from server.config import Settings
from server.hotline.ticket_mails import TicketMails
from server.storage.mail_outbox import MailOutbox
from server.storage.queries.day_mail import day_mail
from server.storage.queries.ticket_mail import READER, batch
from server.warned import warned

if TYPE_CHECKING:
    from server.storage.schema.report_tables import Mail

PACE = 15.0
LATE = timedelta(minutes=30)
"""How long a mail may wait before it is an alarm."""
TIMEOUT = 30.0
BATCH = timedelta(minutes=1)
"""How often mails about tickets are made: whatever happened meanwhile is in one mail to each recipient."""
KEPT = timedelta(days=90)
"""How long a mail that was sent is listed."""
_log = structlog.get_logger("mail")


class Mailing:
    """Makes the mail of each 24 hours at `report_at` of the hotline's zone, and those about tickets; sends them."""

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        zone: Callable[[], ZoneInfo],
        leads: Callable[[], bool],
        *,
        clock: Callable[[], float] = time.time,
        tickets: Callable[[], TicketMails] = TicketMails,
    ) -> None:
        self._settings, self._engine, self._zone, self._leads, self._clock = settings, engine, zone, leads, clock
        self._outbox = MailOutbox(engine)
        self._tickets, self._next_batch = tickets, datetime.min.replace(tzinfo=UTC)
        self._late: list[str] = []
        self._failing = ""

    async def run(self, pace: float = PACE) -> None:
        """Go on until cancelled; nothing to do where no mail server is configured."""
        while self._settings.smtp_url:
            if self._leads():
                try:
                    await self.step()
                except Exception as error:
                    self._tell(f"{type(error).__name__}: {error}")
            await asyncio.sleep(pace)

    async def step(self) -> int:
        """Make the mails that are due, and try those that wait; how many were sent."""
        now = self._now()
        if self._settings.report_to:
            await asyncio.to_thread(self._make, now)
        if now >= self._next_batch:
            self._next_batch = now + BATCH
            await asyncio.to_thread(self._make_of_tickets, now)
        sent = 0
        for mail in await asyncio.to_thread(self._outbox.due, now):
            try:
                await send(self._settings.smtp_url, self._settings.report_from, mail)
            except Exception as error:
                self._tell(f"{type(error).__name__}: {error}")
                await asyncio.to_thread(self._outbox.failed, mail.id, f"{type(error).__name__}: {error}", self._now())
            else:
                await asyncio.to_thread(self._outbox.sent, mail.id, self._now())
                sent, self._failing = sent + 1, ""
        waiting = await asyncio.to_thread(self._outbox.waiting)
        self._late = [
            warned(
                "mail",
                f"the mail {each['id']} waits since {each['made_at']}: {each['error'] or 'it was not tried yet'}",
                mail=each["id"],
                error=each["error"] or "",
            )
            for each in waiting
            if datetime.fromisoformat(each["made_at"]) < now - LATE
        ]
        return sent

    def warnings(self) -> list[str]:
        """A sentence for each mail that waits too long."""
        return list(self._late)

    def _make(self, now: datetime) -> None:
        until = last_end(now, self._settings.report_at, self._zone())
        name = f"24h-{until:%Y%m%dT%H%MZ}"
        if now - until > timedelta(hours=12) or self._outbox.known(name):
            return
        subject, body = day_mail(self._engine, until, self._zone(), now)
        self._outbox.put(name, ", ".join(self._settings.report_to), subject, body, now)

    def _make_of_tickets(self, now: datetime) -> None:
        mails = self._tickets()
        self._outbox.forget(now - KEPT)

        def recipients(department: str, teams: Sequence[str], level: str) -> Sequence[str]:
            return mails.recipients(department=department, teams=teams, level=level)

        while (found := batch(self._engine, mails.what, recipients, self._zone(), now)) is not None:
            self._outbox.put_batch(READER, found.place, found.mails, now)

    def _tell(self, sentence: str) -> None:
        if sentence != self._failing:
            _log.warning("a mail was left for later", error=sentence)
        self._failing = sentence

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)


def last_end(now: datetime, at: str, zone: ZoneInfo) -> datetime:
    """The last instant, in UTC, at which it was this time of day in the zone."""
    hour, minute = (int(each) for each in at.split(":"))
    end = now.astimezone(zone).replace(hour=hour, minute=minute, second=0, microsecond=0)
    end = end if end <= now else end - timedelta(days=1)
    return end.astimezone(UTC)


async def send(url: str, sender: str, mail: Mail) -> None:
    """Hand the mail to the server at smtp:// (STARTTLS where it is offered) or smtps://. Raises aiosmtplib's errors."""
    import aiosmtplib

    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, mail.recipients, mail.subject
    message["Date"] = mail.made_at
    message["Message-ID"] = f"<{mail.id}@{sender.partition('@')[2] or 'sansheng'}>"
    message.set_content(mail.body)
    where = urlsplit(url)
    await aiosmtplib.send(
        message,
        hostname=where.hostname,
        port=where.port or (465 if where.scheme == "smtps" else 25),
        username=unquote(where.username) if where.username else None,
        password=unquote(where.password) if where.password else None,
        use_tls=where.scheme == "smtps",
        timeout=TIMEOUT,
    )
