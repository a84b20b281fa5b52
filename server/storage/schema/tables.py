"""What the records hold: one class a table. Rows are made from the log alone, so they can always be made again.

Numbers of calls, tickets, recordings and offers come from the log, never from the database. A row that tells of one
log entry has that entry's id, (ms, seq), as its key: the same entry can never be written twice.
"""

from __future__ import annotations

import base64
import zlib
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    DateTime,
    Double,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    and_,
    text,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, mapped_column

from server.storage.notation import text_of_instant, words


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime; comes back in UTC from SQLite too, which knows no zones. A naive one is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value.isoformat()} has no time zone: instants are stored in UTC")
        if value.tzinfo is not UTC:
            value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def bind_processor(self, dialect: Any) -> Any:
        return _text_of_instant if dialect.name == "sqlite" else super().bind_processor(dialect)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _text_of_instant(value: datetime | None) -> str | None:
    """As SQLAlchemy writes an instant for SQLite, without the layers of a decorator."""
    if value is None:
        return None
    if value.tzinfo is None:
        raise ValueError(f"{value.isoformat()} has no time zone: instants are stored in UTC")
    return text_of_instant(value)


class Words(TypeDecorator[str]):
    """Text from outside. A NUL, which PostgreSQL cannot hold, becomes the replacement character."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:
        return words(value) if value else value

    def bind_processor(self, dialect: Any) -> Any:
        return _words  # without the layers of a decorator: it is asked for every text of every row


def _words(value: str | None) -> str | None:
    return words(value) if value else value


class Packed(TypeDecorator[str]):
    """A long text, compressed. One that was written before such texts were comes back as it is."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:
        return value if value is None else _PACKED + base64.b64encode(zlib.compress(value.encode())).decode()

    def process_result_value(self, value: str | None, dialect: Any) -> str | None:
        if value is None or not value.startswith(_PACKED):
            return value
        return zlib.decompress(base64.b64decode(value[len(_PACKED) :])).decode()


_PACKED = "zlib:"
Number = BigInteger().with_variant(Integer, "sqlite")
Structure = JSON().with_variant(postgresql.JSONB(), "postgresql")

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(MappedAsDataclass, DeclarativeBase, kw_only=True, eq=False):
    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {  # noqa: RUF012
        int: Number,
        float: Double(),
        str: Words(),
        datetime: UtcDateTime(),
    }


class OfEntry(MappedAsDataclass, kw_only=True, eq=False):
    """The key of a row that tells of one log entry."""

    ms: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class Call(Base):
    """One caller's call, from the INVITE to the end. Columns without a value yet are null."""

    __tablename__ = "calls"
    __table_args__ = (
        Index(None, "offered_at"),
        Index(None, "outcome", "id"),
        Index(None, "queue", "id"),
        Index(None, "caller"),
        Index(None, "ticket"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    caller: Mapped[str] = mapped_column(default="")
    called: Mapped[str] = mapped_column(default="")
    node: Mapped[str] = mapped_column(default="")
    channel: Mapped[str] = mapped_column(default="")
    unique_id: Mapped[str] = mapped_column(default="")
    language: Mapped[str] = mapped_column(default="")
    business: Mapped[str] = mapped_column(default="")
    category: Mapped[str] = mapped_column(default="")
    queue: Mapped[str] = mapped_column(default="")
    priority: Mapped[int] = mapped_column(default=0)
    flow_node: Mapped[str] = mapped_column(default="")
    agent: Mapped[str] = mapped_column(default="")
    ticket: Mapped[int | None] = mapped_column(default=None)
    satisfaction: Mapped[int | None] = mapped_column(default=None)
    offered_at: Mapped[datetime | None] = mapped_column(default=None)
    answered_at: Mapped[datetime | None] = mapped_column(default=None)
    queued_at: Mapped[datetime | None] = mapped_column(default=None)
    left_queue_at: Mapped[datetime | None] = mapped_column(default=None)
    left_queue_why: Mapped[str] = mapped_column(default="")
    connected_at: Mapped[datetime | None] = mapped_column(default=None)
    ended_at: Mapped[datetime | None] = mapped_column(default=None)
    end_cause: Mapped[str] = mapped_column(default="")
    talked: Mapped[float] = mapped_column(default=0.0)
    held: Mapped[float] = mapped_column(default=0.0)
    promised: Mapped[bool] = mapped_column(default=False)
    message_left: Mapped[bool] = mapped_column(default=False)
    outcome: Mapped[str | None] = mapped_column(default=None)
    direction: Mapped[str] = mapped_column(default="inbound", server_default="inbound")
    """inbound, or outbound for a call of the hotline's own that is to keep a promise."""
    promise: Mapped[int | None] = mapped_column(default=None)
    """The promise that was made in it, or that it is to keep."""
    opened_ticket: Mapped[bool] = mapped_column(default=False, server_default="0")
    """A ticket was opened in it; `ticket` may also be one that it joined."""
    since_contact: Mapped[float | None] = mapped_column(default=None)
    """Seconds since the same number called last about the same category and spoke with an agent; null: never."""
    until_contact: Mapped[float | None] = mapped_column(default=None)
    """Seconds until it called again about it and spoke with an agent."""


class Segment(OfEntry, Base):
    """One agent's leg of a call, from its first entry on. `outcome` is answered, or how the offer failed.

    A leg that began without an offer, by an attended transfer, has no offer number.
    """

    __tablename__ = "segments"
    __table_args__ = (
        Index(None, "call"),
        Index(
            "ix_segments_answered",
            "agent",
            "call",
            sqlite_where=text("answered_at IS NOT NULL"),
            postgresql_where=text("answered_at IS NOT NULL"),
        ),
    )

    offer: Mapped[int | None] = mapped_column(unique=True, default=None)
    call: Mapped[int | None] = mapped_column(default=None)
    agent: Mapped[str] = mapped_column(default="")
    queue: Mapped[str] = mapped_column(default="")
    offered_at: Mapped[datetime | None] = mapped_column(default=None)
    rang_at: Mapped[datetime | None] = mapped_column(default=None)
    answered_at: Mapped[datetime | None] = mapped_column(default=None)
    joined_at: Mapped[datetime | None] = mapped_column(default=None)
    ended_at: Mapped[datetime | None] = mapped_column(default=None)
    outcome: Mapped[str | None] = mapped_column(default=None)
    detail: Mapped[str] = mapped_column(default="")
    ended_by: Mapped[str] = mapped_column(default="")
    talked: Mapped[float] = mapped_column(default=0.0)
    held: Mapped[float] = mapped_column(default=0.0)
    wrapped: Mapped[float] = mapped_column(default=0.0, server_default="0")
    """Seconds of the agent's wrap-up after it."""


class Agent(Base):
    """An agent as defined, and as they are now. Removed agents stay, for the calls they took."""

    __tablename__ = "agents"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(default="")
    skills: Mapped[dict[str, int]] = mapped_column(Structure, default_factory=dict)
    teams: Mapped[list[str]] = mapped_column(Structure, default_factory=list)
    contact: Mapped[str] = mapped_column(default="")
    status: Mapped[str] = mapped_column(default="signed_out")
    state: Mapped[str] = mapped_column(default="idle")
    reason: Mapped[str] = mapped_column(default="")
    since: Mapped[datetime | None] = mapped_column(default=None)
    reachable: Mapped[bool | None] = mapped_column(default=None)
    removed_at: Mapped[datetime | None] = mapped_column(default=None)


class AgentInterval(OfEntry, Base):
    """An agent's status and state over one stretch of time; the last one is open. The key is the note it began with."""

    __tablename__ = "agent_intervals"
    __table_args__ = (
        Index(None, "agent", "began_at"),
        Index(
            "ix_agent_intervals_open",
            "agent",
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    agent: Mapped[str]
    status: Mapped[str]
    state: Mapped[str]
    reason: Mapped[str]
    call: Mapped[int | None]
    began_at: Mapped[datetime]
    after_call: Mapped[int | None] = mapped_column(default=None)
    """Of a wrap-up: the call that it belongs to."""
    ended_at: Mapped[datetime | None] = mapped_column(default=None)


class Ticket(Base):
    """One matter. `category` is the caller's choice, `confirmed` the agent's."""

    __tablename__ = "tickets"
    __table_args__ = (
        Index(None, "caller"),
        Index(None, "state", "id"),
        Index(None, "department", "state"),
        Index(None, "owner"),
        Index(None, "due_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    call: Mapped[int | None] = mapped_column(default=None)
    caller: Mapped[str] = mapped_column(default="")
    business: Mapped[str] = mapped_column(default="")
    category: Mapped[str] = mapped_column(default="")
    confirmed: Mapped[str] = mapped_column(default="")
    grade: Mapped[str] = mapped_column(default="general")
    state: Mapped[str] = mapped_column(default="new")
    round: Mapped[int] = mapped_column(default=1)
    owner: Mapped[str] = mapped_column(default="")
    contacts: Mapped[int] = mapped_column(default=0)
    opened_at: Mapped[datetime | None] = mapped_column(default=None)
    respond_by: Mapped[datetime | None] = mapped_column(default=None)
    resolve_by: Mapped[datetime | None] = mapped_column(default=None)
    closed_at: Mapped[datetime | None] = mapped_column(default=None)
    type: Mapped[str] = mapped_column(default="", server_default="")
    department: Mapped[str] = mapped_column(default="", server_default="")
    accused: Mapped[str] = mapped_column(default="", server_default="")
    level: Mapped[str] = mapped_column(default="agent", server_default="agent")
    """Whose matter it is: agent, leader or manager."""
    promised_for: Mapped[datetime | None] = mapped_column(default=None)
    fields: Mapped[dict[str, str] | None] = mapped_column(Structure, default=None)
    dispatches: Mapped[int] = mapped_column(default=0, server_default="0")
    wrong_dispatches: Mapped[int] = mapped_column(default=0, server_default="0")
    dates_missed: Mapped[int] = mapped_column(default=0, server_default="0")
    dispatched_at: Mapped[datetime | None] = mapped_column(default=None)
    responded_at: Mapped[datetime | None] = mapped_column(default=None)
    resolved_at: Mapped[datetime | None] = mapped_column(default=None)
    """Of the present round, as `dispatched_at` and `responded_at` are."""
    due_at: Mapped[datetime | None] = mapped_column(default=None)
    """The limit that runs: `respond_by` until somebody responds, then `resolve_by` until it is resolved."""
    warnings: Mapped[str] = mapped_column(default="", server_default="")
    """The limits of the present round that were warned of, with a space between."""
    version: Mapped[int] = mapped_column(default=0, server_default="0")
    """How many events of the log are about it."""


class TicketHistory(OfEntry, Base):
    """What happened to a ticket: who, when, from, to, why. Never changed."""

    __tablename__ = "ticket_history"
    __table_args__ = (Index(None, "ticket"),)

    ticket: Mapped[int]
    at: Mapped[datetime]
    kind: Mapped[str]
    before: Mapped[str]
    after: Mapped[str]
    by: Mapped[str]
    why: Mapped[str]
    call: Mapped[int | None]


FAULTY = "state = 'missing' OR problem <> ''"


class Recording(Base):
    """One recorded leg. `state` is started, closed or missing; `link` chains those closed on one day."""

    __tablename__ = "recordings"
    __table_args__ = (
        Index(None, "call"),
        Index(None, "agent", "id"),
        Index("ix_recordings_faulty", "started_at", sqlite_where=text(FAULTY), postgresql_where=text(FAULTY)),
        UniqueConstraint("day", "place"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    call: Mapped[int | None] = mapped_column(default=None)
    agent: Mapped[str] = mapped_column(default="")
    state: Mapped[str] = mapped_column(default="started")
    caller_file: Mapped[str] = mapped_column(default="")
    agent_file: Mapped[str] = mapped_column(default="")
    started_at: Mapped[datetime | None] = mapped_column(default=None)
    closed_at: Mapped[datetime | None] = mapped_column(default=None)
    path: Mapped[str] = mapped_column(default="")
    seconds: Mapped[float | None] = mapped_column(default=None)
    channels: Mapped[int | None] = mapped_column(default=None)
    sha256: Mapped[str] = mapped_column(default="")
    caller_level: Mapped[float | None] = mapped_column(default=None)
    agent_level: Mapped[float | None] = mapped_column(default=None)
    problem: Mapped[str] = mapped_column(default="")
    day: Mapped[str | None] = mapped_column(default=None)
    place: Mapped[int | None] = mapped_column(default=None)
    link: Mapped[str] = mapped_column(default="")
    talk_over: Mapped[float] = mapped_column(default=0.0, server_default="0")
    """Seconds in which caller and agent spoke at once."""


class Decision(OfEntry, Base):
    """Why a call went where it went. `data` is the whole decision."""

    __tablename__ = "decisions"
    __table_args__ = (Index(None, "call"),)

    call: Mapped[int]
    at: Mapped[datetime]
    kind: Mapped[str]
    queue: Mapped[str]
    agent: Mapped[str]
    offer: Mapped[int]
    data: Mapped[dict[str, Any]] = mapped_column(Structure)


class Message(OfEntry, Base):
    """A message that a caller left."""

    __tablename__ = "messages"

    call: Mapped[int]
    at: Mapped[datetime]
    path: Mapped[str]
    seconds: Mapped[float]


class NumberTaken(OfEntry, Base):
    """A number that a caller asked to be called back at."""

    __tablename__ = "numbers_taken"

    call: Mapped[int | None]
    number: Mapped[str]
    category: Mapped[str]
    source: Mapped[str]
    taken_at: Mapped[datetime]
    spool_id: Mapped[str | None] = mapped_column(unique=True)


ASKED_FOR = "type IN ('RecordingClosed', 'RecordingDeleted', 'SoundReturned', 'SoundStopped')"
"""The types of archived events that are asked for by type. A query by type says this too (`asked_for`), or a database
does not know that the index has all that is wanted."""

UNREAD = "problem <> ''"


class LogEntry(OfEntry, Base):
    """Every entry of the log, word for word: what a replay of a past day plays.

    `at` is the log's own float, so that the replay is exact. `problem` tells why an entry could not be put into
    the other tables; empty when all is well. Only the types in `ASKED_FOR` are indexed: an index of all types would be
    as large as a tenth of the records, and those few are all that anything asks for by type.
    """

    __tablename__ = "events"
    __table_args__ = (
        Index("ix_events_asked_for", "type", "at", sqlite_where=text(ASKED_FOR), postgresql_where=text(ASKED_FOR)),
        Index("ix_events_unread", "ms", "seq", sqlite_where=text(UNREAD), postgresql_where=text(UNREAD)),
    )

    at: Mapped[float]
    type: Mapped[str]
    data: Mapped[str] = mapped_column(Text)
    after: Mapped[str]
    problem: Mapped[str] = mapped_column(default="")


def faulty() -> ColumnElement[bool]:
    """Recordings that are missing, or of which something is wrong: a query says it so, to go along their index."""
    return and_(text(f"({FAULTY})"))


def asked_for(*types: str) -> ColumnElement[bool]:
    """Archived events of these types that could be read; each must be one of `ASKED_FOR`."""
    return and_(text(ASKED_FOR), LogEntry.type.in_(types), LogEntry.problem == "")


def unread() -> ColumnElement[bool]:
    """Archived events that could not be put into the other tables."""
    return and_(text(UNREAD))


class Cursor(Base):
    """How far into the log a reader is; moved in the transaction that writes the rows."""

    __tablename__ = "cursors"

    reader: Mapped[str] = mapped_column(primary_key=True)
    entry: Mapped[str]
