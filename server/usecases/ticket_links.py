"""A ticket that another system owns: its reference there is kept on the ticket."""

from __future__ import annotations

import asyncio
from typing import Any

from server.hotline.webhook_targets import check_url
from server.storage.notation import iso
from server.storage.projections.rows import utc
from server.usecases.errors import Invalid, NotFound
from server.usecases.permissions import Act
from server.usecases.principal import Principal
from server.usecases.server import Acts
from tickets.events import TicketLinked


class TicketLinkActs(Acts):
    """Acts raise Forbidden, NotFound, Invalid, and NotLeading where they change something."""

    async def link(self, who: Principal, number: int, system: str, reference: str, url: str = "") -> dict[str, Any]:
        """Keep the ticket's reference in this system, in place of one that was there."""
        self.permissions.require(who, Act.LINK_TICKET)
        await self._known(number)
        if url:
            try:
                check_url(url)
            except ValueError as error:
                raise Invalid("url", str(error)) from None
        linked = TicketLinked(number, system, reference, url, who.name)
        at = await self._server.dispatcher.record(linked)
        await self.shown()
        for each in await asyncio.to_thread(self._server.outbox.ticket_links, number):
            if each["system"] == system:
                return each
        return {"system": system, "reference": reference, "url": url or None, "by": who.name, "at": iso(utc(at))}

    async def _known(self, number: int) -> None:
        if await self._server.records.one("tickets", number) is None:
            raise NotFound(f"there is no ticket {number}")
