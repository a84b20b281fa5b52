"""Mails wait in SQL until a mail server has taken them. Each is made once, by its id, whichever server makes it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from server.storage.queries.paging import iso
from server.storage.schema.report_tables import Mail

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
        with Session(self._engine) as session:
            return [_shown(mail) for mail in session.scalars(select(Mail).order_by(Mail.made_at.desc()).limit(limit))]


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
