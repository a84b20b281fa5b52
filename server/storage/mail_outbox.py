"""Mails wait in SQL until a mail server has taken them. Each is made once, by its id, whichever server makes it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, defer

from server.storage.queries.paging import check_limit, decode_place, encode_place, iso
from server.storage.schema.report_tables import Mail
from server.storage.schema.tables import Cursor

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = 4_102_444_800_000_000
FIRST_DELAY, LONGEST_DELAY = timedelta(minutes=1), timedelta(hours=1)


class MailOutbox:
    """The mails of one database. Every method is a transaction of its own; use from any thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._insert = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert

    def put(self, id: str, recipients: str, subject: str, body: str, now: datetime) -> bool:
        """Keep a mail until it is sent; False when there is one with this id already."""
        values = {"id": id, "recipients": recipients, "subject": subject, "body": body, "made_at": now, "try_at": now}
        statement = self._insert(Mail).values(**values, tries=0, error="").on_conflict_do_nothing()
        with Session(self._engine) as session, session.begin():
            return bool(session.execute(statement.returning(Mail.id)).first())

    def put_batch(self, reader: str, place: str, mails: Sequence[tuple[str, str, str]], now: datetime) -> int:
        """Keep a mail for each (recipient, subject, body), and with them the place in the log up to which they tell.

        Returns how many were new: a batch that another server has made is made once.
        """
        with Session(self._engine) as session, session.begin():
            cursor = session.scalars(select(Cursor).where(Cursor.reader == reader).with_for_update()).one()
            if _order(cursor.entry) >= _order(place):
                return 0
            cursor.entry = place
            for recipient, subject, body in mails:
                id = f"{reader.replace(' ', '-')}-{place}-{hashlib.sha256(recipient.encode()).hexdigest()[:12]}"
                times = {"made_at": now, "try_at": now}
                values = {"id": id, "recipients": recipient, "subject": subject, "body": body, "tries": 0, "error": ""}
                session.execute(self._insert(Mail).values(**values, **times).on_conflict_do_nothing())
        return len(mails)

    def forget(self, before: datetime) -> None:
        """Mails that were sent before this instant are listed no more."""
        with Session(self._engine) as session, session.begin():
            session.execute(delete(Mail).where(Mail.sent_at < before))

    def known(self, id: str) -> bool:
        """Whether a mail of this id was made."""
        with Session(self._engine) as session:
            return session.get(Mail, id) is not None

    def due(self, now: datetime) -> list[Mail]:
        """Mails to be tried now, oldest first; they are no more than values."""
        waiting = select(Mail).where(Mail.sent_at.is_(None), Mail.try_at <= now).order_by(Mail.made_at, Mail.id)
        with Session(self._engine, expire_on_commit=False) as session:
            return list(session.scalars(waiting))

    def sent(self, id: str, now: datetime) -> None:
        """A mail server has taken it."""
        with Session(self._engine) as session, session.begin():
            mail = session.get_one(Mail, id)
            mail.sent_at, mail.tries, mail.error = now, mail.tries + 1, ""

    def failed(self, id: str, error: str, now: datetime) -> None:
        """It was not taken: the next try is later each time, an hour at most."""
        with Session(self._engine) as session, session.begin():
            mail = session.get_one(Mail, id)
            mail.tries, mail.error = mail.tries + 1, error[:300]
            mail.try_at = now + min(LONGEST_DELAY, FIRST_DELAY * 2 ** min(mail.tries - 1, 10))

    def waiting(self) -> list[dict[str, Any]]:
        """Mails that were not sent yet, oldest first."""
        with Session(self._engine) as session:
            found = session.scalars(select(Mail).where(Mail.sent_at.is_(None)).order_by(Mail.made_at, Mail.id))
            return [_shown(mail) for mail in found]

    def newest(self, limit: int) -> list[dict[str, Any]]:
        """Mails, newest first."""
        return list(self.page(limit)["items"])

    def page(self, limit: int, after: str | None = None) -> dict[str, Any]:
        """One page of mails, newest first: {"items", "next"}. Raises QueryError for a bad limit or cursor."""
        check_limit(limit)
        wanted = select(Mail).options(defer(Mail.body)).order_by(Mail.made_at.desc(), Mail.id.desc())
        if after is not None:
            us, id = decode_place("mail", after, int, str)
            at = _EPOCH + timedelta(microseconds=min(us, _LATEST))
            wanted = wanted.where((Mail.made_at < at) | ((Mail.made_at == at) & (Mail.id < id)))
        with Session(self._engine) as session:
            found = list(session.scalars(wanted.limit(limit + 1)))
            more, found = len(found) > limit, found[:limit]
            items = [_shown(mail) for mail in found]
            last = found[-1] if more else None
            place = None if last is None else ((last.made_at - _EPOCH) // timedelta(microseconds=1), last.id)
            return {"items": items, "next": None if place is None else encode_place("mail", *place)}


def _order(place: str) -> tuple[int, int]:
    ms, _, seq = place.partition("-")
    return int(ms), int(seq or 0)


def _shown(mail: Mail) -> dict[str, Any]:
    return {
        "id": mail.id,
        "recipients": mail.recipients,
        "subject": mail.subject,
        "made_at": iso(mail.made_at),
        "tries": mail.tries,
        "error": mail.error or None,
        "try_at": None if mail.sent_at else iso(mail.try_at),
        "sent_at": iso(mail.sent_at),
    }
