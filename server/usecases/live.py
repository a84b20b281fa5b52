"""Acts of live data: what the streams of live rows read, and by whose permission."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from zoneinfo import ZoneInfo

from server.hotline.definitions import Definitions
from server.hotline.dispatcher import NotLeading
from server.hotline.view import View
from server.storage.reader import Records
from server.usecases.server import Acts


class LiveActs(Acts):
    """The ground on which live rows are drawn. Streams ask `permissions` for each principal."""

    @property
    def view(self) -> View:
        """What the log says now."""
        return self._view

    @property
    def definitions(self) -> Definitions:
        """The operator's definitions in force."""
        return self._server.definitions

    @property
    def records(self) -> Records:
        """The records, for figures and histories."""
        return self._server.records

    @property
    def zone(self) -> ZoneInfo:
        """The hotline's zone, in which a day begins and ends."""
        return self._server.definitions.calendar.zone

    async def at_rest(self, longest: float) -> None:
        """Wait, for so many seconds at most, until this server has no event on its way into the log."""
        with suppress(NotLeading, TimeoutError):
            async with asyncio.timeout(longest):
                await self._server.dispatcher.at_rest()

    async def settled(self) -> None:
        """Wait, not for ever, until the records show what has happened up to now."""
        try:
            await self.shown()
        except NotLeading:
            await self._server.records.caught_up()
