"""The report of 24 hours by mail, against a real SMTP server that goes away and comes back."""

from __future__ import annotations

import asyncio
import socket
import tomllib
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from zoneinfo import ZoneInfo

import pytest
from aiosmtpd.smtp import SMTP
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

import acd.events as acd
import tickets.events as tickets
from server.config import Settings
from server.hotline.ticket_mails import TicketMails, read_ticket_mails
from server.mailing import Mailing, last_end
from server.storage.mail_outbox import MailOutbox
from server.storage.projector import Projector
from server.storage.queries.ticket_mail import READER, batch
from tables.errors import TableError
from tables.values import Table

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

    def again(self) -> Mailing:
        """A server that starts anew on the same records."""
        return Mailing(
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


MAILS = TicketMails(
    all=("all@example.com",),
    departments={"logistics": ("logistics@example.com",)},
    teams={"a": ("team-a@example.com",)},
    levels={"leader": ("leader@example.com",), "manager": ("manager@example.com",)},
)


class Matters:
    """Mails about the tickets of a story, at a clock that the test sets."""

    def __init__(self, database, mails: MailServer, story) -> None:
        self.database, self.story, self.rules = database, story, MAILS
        self.settings = Settings(smtp_url=f"smtp://127.0.0.1:{mails.port}", report_from="hotline@example.com")
        self.now = datetime.fromtimestamp(story.now, UTC)
        self.mail = self.again()

    def again(self) -> Mailing:
        clock = lambda: self.now.timestamp()  # noqa: E731
        zone, leads = (lambda: ZONE), (lambda: True)
        return Mailing(self.settings, self.database.write, zone, leads, clock=clock, tickets=lambda: self.rules)

    def tell(self, *events: object) -> None:
        self.story.tell(*events)
        Projector(self.database.write).apply(self.story.entries)

    async def a_minute_later(self, mail: Mailing | None = None) -> int:
        self.now += timedelta(minutes=1)
        return await (mail or self.mail).step()


@pytest.fixture
async def matters(database, mails, story) -> Matters:
    found = Matters(database, mails, story)
    story.tell(acd.AgentDefined("1001", "Li", (), ("a",)))
    story.arrive()
    found.tell(
        tickets.TicketOpened(1, 1, "13800138000", "complaint", "attitude", "general", story.now + 60, story.now + 90),
        tickets.OwnerSet(1, "1001"),
        tickets.LimitWarned(1, "respond", story.now + 60),
    )
    assert await found.mail.step() == 0  # what was before mails were made is told to nobody
    return found


def taken(mails) -> dict[str, str]:
    """Recipient → subject and text, of every mail that was taken."""
    found = {to: f"{message['Subject']}\n{message.get_content()}" for (to,), message in mails.taken}
    assert len(found) == len(mails.taken), "one mail a minute to each recipient"
    return found


async def test_what_became_urgent_in_a_minute_is_one_mail_to_each_who_is_concerned(matters, mails, story) -> None:
    await mails.come()
    until = story.now + 60
    matters.tell(
        tickets.StateChanged(1, "dispatched", "Li", "", "logistics"),
        tickets.LimitPassed(1, "respond", until),
        tickets.Escalated(1, "leader", "respond"),
        tickets.NoteAdded(1, "of no urgency", "Li"),
        tickets.AuthorityAsked(1, 1, "a refund", "Li"),
    )
    assert await matters.mail.step() == 0  # not before its minute
    assert await matters.a_minute_later() == 4
    told = taken(mails)
    assert set(told) == {"all@example.com", "logistics@example.com", "team-a@example.com", "leader@example.com"}
    text = told["logistics@example.com"]
    assert text.startswith("Sansheng 工单 ticket 1: 超时 overdue 1, 升级 escalated 1")
    assert "响应时限 limit to respond" in text
    assert "agent → leader" in text
    assert "部门 department logistics" in text
    assert not any(each in text for each in ("138", "of no urgency", "refund"))
    assert await matters.a_minute_later() == 0
    assert await matters.a_minute_later(matters.again()) == 0


async def test_a_mail_server_that_was_away_gets_every_mail_about_tickets_once(matters, mails, story) -> None:
    matters.rules = TicketMails(levels={"leader": ("leader@example.com",)})
    for number in range(2, 5):
        story.arrive(number)
        matters.tell(
            tickets.TicketOpened(number, number, "138", "complaint", "attitude"), tickets.Escalated(number, "leader")
        )
        mail = matters.again()  # a server that was killed in between
        assert await matters.a_minute_later(mail) == 0
    assert len(MailOutbox(matters.database.write).waiting()) == 3
    await mails.come()
    matters.now += timedelta(hours=1)
    assert await matters.again().step() == 3
    assert sorted(message["Subject"].split(":")[0] for _, message in mails.taken) == [
        f"Sansheng 工单 ticket {number}" for number in range(2, 5)
    ]
    assert len({message["Message-ID"] for _, message in mails.taken}) == 3


async def test_a_batch_that_another_server_has_made_is_made_once(matters, mails) -> None:
    matters.rules = TicketMails(all=("all@example.com",))
    matters.tell(tickets.Escalated(1, "leader"))
    outbox = MailOutbox(matters.database.write)
    found = batch(matters.database.write, ["escalated"], lambda *_: ("all@example.com",), ZONE, matters.now)
    assert [outbox.put_batch(READER, found.place, found.mails, matters.now) for _ in range(2)] == [1, 0]
    await mails.come()
    assert await matters.a_minute_later() == 1


async def test_mails_that_were_sent_long_ago_are_forgotten(matters, mails) -> None:
    await mails.come()
    matters.tell(tickets.Escalated(1, "manager"))
    assert await matters.a_minute_later() > 0
    outbox = MailOutbox(matters.database.write)
    assert outbox.newest(10)
    matters.now += timedelta(days=91)
    await matters.again().step()
    assert outbox.newest(10) == []


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ('what = ["closed"]', "closed"),
        ('all = ["nobody"]', "is no mail address"),
        ('departments = { logistic = ["a@example.com"] }', 'did you mean "logistics"'),
        ('levels = { boss = ["a@example.com"] }', "level"),
        ('teams = { b = ["a@example.com"] }', "team"),
        ('everybody = ["a@example.com"]', "means nothing here"),
    ],
)
def test_who_is_told_is_read_with_the_key_of_what_is_wrong(written, sentence) -> None:
    def read(text: str) -> TicketMails:
        return read_ticket_mails(Table(tomllib.loads(text), ("ticket_mails",)), ["logistics"], ["a"])

    assert not read("")
    found = read('teams = { a = ["a@example.com"] }\nall = ["b@example.com", "a@example.com"]')
    assert found.recipients(department="x", teams=["a"], level="agent") == ("b@example.com", "a@example.com")
    with pytest.raises(TableError) as error:
        read(written)
    assert sentence in error.value.sentence


async def test_nothing_runs_where_no_mail_server_is_named(database) -> None:
    await Mailing(Settings(), database.write, lambda: ZONE, lambda: True).run()


@pytest.mark.parametrize(
    ("now", "end"),
    [("2027-01-15T08:00", "2027-01-15T08:00"), ("2027-01-15T07:59", "2027-01-14T08:00"),
     ("2027-01-15T23:00", "2027-01-15T08:00")],
)  # fmt: skip
def test_the_24_hours_end_with_the_night_shift(now, end) -> None:
    at = datetime.fromisoformat(now).replace(tzinfo=ZONE)
    assert last_end(at.astimezone(UTC), "08:00", ZONE) == datetime.fromisoformat(end).replace(tzinfo=ZONE)
