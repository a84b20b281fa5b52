"""Acts on the half-typed form of a ticket: those who may work on the ticket may read and write it."""

from __future__ import annotations

from collections.abc import Mapping

from server.storage.drafts import Draft
from server.usecases.errors import NotFound
from server.usecases.principal import Principal
from server.usecases.server import Acts, Server
from server.usecases.tickets import TicketActs


class TicketDraftActs(Acts):
    """`tickets` says whose a ticket is. Acts raise Forbidden, NotFound, and Conflict for a ticket that is closed."""

    def __init__(self, server: Server, tickets: TicketActs) -> None:
        super().__init__(server)
        self._tickets = tickets

    async def show(self, who: Principal, ticket: int) -> Draft:
        """The form as it was typed last. Raises NotFound when nobody has typed."""
        await self._tickets.require_work(who, ticket)
        draft = await self._server.drafts.get(ticket)
        if draft is None:
            raise NotFound(f"nobody has typed into ticket {ticket} since it was written last")
        return draft

    async def keep(self, who: Principal, ticket: int, form: Mapping[str, str]) -> Draft:
        """Keep the form as it is now."""
        await self._tickets.require_work(who, ticket)
        return await self._server.drafts.put(ticket, form, who.name)

    async def drop(self, who: Principal, ticket: int) -> None:
        """The form was handed in, or is not wanted any more."""
        await self._tickets.require_work(who, ticket)
        await self._server.drafts.remove(ticket)
