"""Law: what is attached to a ticket is made ready for listening, and nothing waits for it.

A recording is attached when it is closed and its call has a ticket, or when its call joins one later.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import structlog

import recordings.events as rec
from acd.commands import Command
from server.eventlog.log import Entry
from server.tasks import BackgroundTasks
from tickets.events import ContactAdded, TicketOpened

_log = structlog.get_logger("attaching")


class Attaching:
    """`prepare(call)` has the copies made of this call's recordings, if it has a ticket. `follow` wants the entries of
    the log."""

    def __init__(self, prepare: Callable[[int], Awaitable[None]]) -> None:
        self._prepare = prepare
        self._tasks = BackgroundTasks(_log, "a ticket's recordings could not be prepared: they are when asked for")

    def follow(self, entry: Entry, _: Sequence[Command]) -> None:
        """A recording was closed, or a call has a ticket from now on."""
        if isinstance(entry.event, (rec.RecordingClosed, ContactAdded, TicketOpened)) and entry.event.call:
            self._tasks.start(self._prepared(entry.event.call))

    async def over(self) -> None:
        """Wait until nothing goes on."""
        await self._tasks.over()

    async def stop(self) -> None:
        """End what goes on."""
        await self._tasks.stop()

    async def _prepared(self, call: int) -> None:
        await self._prepare(call)
