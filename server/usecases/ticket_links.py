"""A ticket that another system owns: its reference there is kept on the ticket."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from server.hotline.webhook_targets import check_url
from server.storage.notation import iso
from server.storage.projections.rows import utc
from server.usecases.errors import Conflict, Invalid, NotFound
from server.usecases.permissions import Act
from server.usecases.principal import Principal
from server.usecases.server import Acts
from tickets import owned
from tickets.events import TicketLinked
from tickets.states import TicketError


class TicketLinkActs(Acts):
    """Acts raise Forbidden, NotFound, Invalid, and NotLeading where they change something."""

    async def link(
        self, who: Principal, number: int, system: str, reference: str, url: str = "", owns: Sequence[str] = ()
    ) -> dict[str, Any]:
        """Keep the ticket's reference in this system, in place of one that was there, and what it owns of the ticket.

        Only a system itself (a token of its name) changes what it owns, until another link gives it up. Raises Conflict
        for a part that another system owns, and for parts of a closed ticket.
        """
        self.permissions.require(who, Act.LINK_TICKET)
        await self._known(number)
        if url:
            try:
                check_url(url)
            except ValueError as error:
                raise Invalid("url", str(error)) from None
        register = self._view.tickets
        if number in register:
            try:
                owns = owned.claim(register.case(number), system, owns)
            except TicketError as error:
                raise Conflict(str(error)) from None
        elif owns:
            raise Conflict(f"ticket {number} is closed: nothing of it is left to be owned")
        linked = TicketLinked(number, system, reference, url, who.name, tuple(owns))
        at = await self._lead.record(linked)
        await self.shown()
        for each in await asyncio.to_thread(self._server.outbox.ticket_links, number):
            if each["system"] == system:
                return each
        shown = {"system": system, "reference": reference, "url": url or None, "owns": list(owns)}
        return shown | {"by": who.name, "at": iso(utc(at))}

    async def _known(self, number: int) -> None:
        if await self._server.records.one("tickets", number) is None:
            raise NotFound(f"there is no ticket {number}")
