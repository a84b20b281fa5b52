"""The report of 24 hours by mail, against a real SMTP server that goes away and comes back."""

from __future__ import annotations

import asyncio
import socket
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from zoneinfo import ZoneInfo

import pytest
from aiosmtpd.smtp import SMTP
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from server.config import Settings
from server.mailing import NightMail, last_end
from server.storage.mail_outbox import MailOutbox
from server.storage.projector import Projector

ZONE = ZoneInfo("Asia/Shanghai")


class MailServer:
    """Takes mails on a port of its own, or refuses them."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.taken: list = []
        self.refuse = ""
        self._listening: asyncio.Server | None = None

    async def handle_DATA(self, server, session, envelope) -> str:
        if self.refuse:
            return self.refuse
        self.taken.append((envelope.rcpt_tos, message_from_bytes(envelope.content, policy=policy.default)))
        return "250 taken"

    async def come(self) -> None:
        loop = asyncio.get_running_loop()
        self._listening = await loop.create_server(lambda: SMTP(self, enable_SMTPUTF8=True), "127.0.0.1", self.port)

    async def go(self) -> None:
        if self._listening is not None:
            self._listening.close()
            await self._listening.wait_closed()
            self._listening = None


@pytest.fixture
async def mails():
    server = MailServer()
    yield server
    await server.go()


class Night:
    """The mail of a home with one call, at a clock that the test sets."""

    def __init__(self, database, mails: MailServer, story) -> None:
        story.whole_call()
        Projector(database.write).apply(story.entries)
        end = datetime.fromtimestamp(story.now, ZONE).replace(hour=8, minute=0, second=0, microsecond=0)
        self.now = end.astimezone(UTC) + timedelta(days=1, minutes=1)
        self.settings = Settings(
            smtp_url=f"smtp://127.0.0.1:{mails.port}",
            report_to=("leader@example.com", "manager@example.com"),
            report_from="hotline@example.com",
        )
        self.outbox = MailOutbox(database.write)
        self.database = database
        self.mail = self.again()

    def again(self) -> NightMail:
        """A server that starts anew on the same records."""
        return NightMail(
            self.settings, self.database.write, lambda: ZONE, lambda: True, clock=lambda: self.now.timestamp()
        )


@pytest.fixture
def night(database, mails, story) -> Night:
    return Night(database, mails, story)


async def test_the_report_of_the_24_hours_is_sent_once(night, mails) -> None:
    await mails.come()
    assert await night.mail.step() == 1
    night.now += timedelta(minutes=5)
    assert await night.mail.step() == 0
    assert await night.again().step() == 0
    ((recipients, message),) = mails.taken
    assert recipients == ["leader@example.com", "manager@example.com"]
    assert "24 h report 全日报表" in message["Subject"]
    body = message.get_content()
    assert "接通率 connect rate: 100.0%    = answered ÷ asked for an agent" in body
    with night.database.read.connect() as connection:
        ends = connection.execute(text("SELECT day, link FROM recordings WHERE day IS NOT NULL")).all()
    assert ends
    for day, link in ends:
        assert f"{day}: 1 recordings, last link {link}" in body
    (row,) = night.outbox.newest(10)
    assert row["sent_at"] is not None
    night.now += timedelta(days=1)
    assert await night.mail.step() == 1


async def test_a_mail_server_that_is_away_delays_the_mail_and_loses_none(night, mails) -> None:
    assert await night.mail.step() == 0
    (waiting,) = night.outbox.waiting()
    assert (waiting["tries"], bool(waiting["error"])) == (1, True)
    assert night.mail.warnings() == []
    await mails.come()
    assert await night.mail.step() == 0  # not before its time
    await mails.go()
    for _ in range(8):
        night.now += timedelta(hours=1)
        await night.again().step()
    waiting = night.outbox.waiting()[0]
    assert waiting["tries"] == 9
    restarted = night.again()
    await restarted.step()
    (warning,) = restarted.warnings()
    assert "waits since" in warning
    await mails.come()
    mails.refuse = "451 later"
    night.now += timedelta(hours=1)
    assert await restarted.step() == 0
    assert "451" in night.outbox.waiting()[0]["error"]
    mails.refuse = ""
    night.now += timedelta(hours=1)
    assert await restarted.step() == 1
    assert restarted.warnings() == []
    assert len(mails.taken) == 1


async def test_a_mail_that_went_out_before_a_crash_is_known_by_its_id(night, mails, monkeypatch) -> None:
    await mails.come()
    monkeypatch.setattr(MailOutbox, "sent", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        await night.mail.step()
    monkeypatch.undo()
    assert await night.again().step() == 1
    first, second = (message for _, message in mails.taken)
    assert first["Message-ID"] == second["Message-ID"]


async def test_a_database_that_is_away_delays_the_mail(night, mails) -> None:
    await mails.come()
    with night.database.write.begin() as connection:
        connection.execute(text("ALTER TABLE report_counts RENAME TO away"))
    with pytest.raises(SQLAlchemyError):
        await night.mail.step()
    with night.database.write.begin() as connection:
        connection.execute(text("ALTER TABLE away RENAME TO report_counts"))
    assert await night.again().step() == 1


async def test_nothing_runs_where_no_mail_server_is_named(database) -> None:
    await NightMail(Settings(), database.write, lambda: ZONE, lambda: True).run()


@pytest.mark.parametrize(
    ("now", "end"),
    [("2027-01-15T08:00", "2027-01-15T08:00"), ("2027-01-15T07:59", "2027-01-14T08:00"),
     ("2027-01-15T23:00", "2027-01-15T08:00")],
)  # fmt: skip
def test_the_24_hours_end_with_the_night_shift(now, end) -> None:
    at = datetime.fromisoformat(now).replace(tzinfo=ZONE)
    assert last_end(at.astimezone(UTC), "08:00", ZONE) == datetime.fromisoformat(end).replace(tzinfo=ZONE)
