"""Tickets over HTTP."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from server.usecases.tickets import TicketActs
from server.web.api.shapes import Asked, Number, Page, Who, router
from server.web.problems import answers


class TicketsAsked(Asked):
    """Which tickets."""

    state: str | None = None
    category: str | None = None
    caller: str | None = None


class Ticket(BaseModel):
    """A ticket as the records have it."""

    id: int
    call: int | None
    category: str | None
    grade: str
    state: str
    opened_at: str | None


class TicketDetail(Ticket):
    """A ticket with its calls, their recordings and its history."""

    model_config = ConfigDict(extra="allow")

    calls: list[int]
    recordings: list[int]
    history: list[dict[str, Any]]


def ticket_routes(acts: TicketActs) -> APIRouter:
    """The routes of tickets."""
    routes = router("tickets")

    @routes.get("/tickets", response_model=Page[Ticket], responses=answers(400, 422))
    async def list_tickets(who: Who, asked: Annotated[TicketsAsked, Query()]) -> dict[str, Any]:
        """Tickets, newest first."""
        return await acts.page(who, asked.filters(), asked.limit, asked.cursor or None)

    @routes.get("/tickets/{number}", response_model=TicketDetail, responses=answers(404, 422))
    async def show_ticket(who: Who, number: Number) -> dict[str, Any]:
        """One ticket with its calls, recordings and history."""
        return await acts.show(who, number)

    return routes
