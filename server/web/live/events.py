"""The shapes of what a stream is told: all rows that there are for it, then new ones and the keys that are gone."""

from __future__ import annotations

from msgspec import field

from server.web.live.personal_rows import BulletinRow, MeRow
from server.web.live.rows import (
    AgentRow,
    AlarmRow,
    CallbackRow,
    CallRow,
    FiguresRow,
    Instant,
    ModeRow,
    QueueRow,
    Row,
    TicketRow,
)


class StreamRows(Row, frozen=True, kw_only=True, omit_defaults=True):
    """Rows by kind; a kind without anything to tell is left out."""

    agents: tuple[AgentRow, ...] = ()
    calls: tuple[CallRow, ...] = ()
    queues: tuple[QueueRow, ...] = ()
    modes: tuple[ModeRow, ...] = ()
    figures: tuple[FiguresRow, ...] = ()
    callbacks: tuple[CallbackRow, ...] = ()
    tickets: tuple[TicketRow, ...] = ()
    me: tuple[MeRow, ...] = ()
    bulletins: tuple[BulletinRow, ...] = ()
    alarms: tuple[AlarmRow, ...] = ()


class StreamGone(Row, frozen=True, kw_only=True, omit_defaults=True):
    """Keys of rows that are no more, by kind."""

    agents: tuple[str, ...] = ()
    calls: tuple[int, ...] = ()
    queues: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()
    figures: tuple[str, ...] = ()
    callbacks: tuple[int, ...] = ()
    tickets: tuple[int, ...] = ()
    bulletins: tuple[int, ...] = ()
    alarms: tuple[str, ...] = ()


class StreamSnapshot(Row, frozen=True, kw_only=True):
    """The data of an event `snapshot`: all rows that there are for this stream."""

    at: Instant
    rows: StreamRows


class StreamChanges(Row, frozen=True, kw_only=True, omit_defaults=True):
    """The data of an event `rows`: rows that are new or changed, and keys that are gone."""

    at: Instant
    rows: StreamRows = field(default_factory=StreamRows)
    gone: StreamGone = field(default_factory=StreamGone)


KINDS = ("agents", "calls", "queues", "modes", "figures", "callbacks", "tickets", "me", "bulletins", "alarms")
KEYS = {"queues": "name", "modes": "scope", "figures": "scope", "me": "key"}
"""The key of a kind's rows; `id` for the others."""
