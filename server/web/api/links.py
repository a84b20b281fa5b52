"""Links over HTTP: a ticket's reference in another system, and a signed link to a recording."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from server.usecases.links import HOUR, LONGEST, LinkActs
from server.usecases.ticket_links import TicketLinkActs
from server.web.api.shapes import Body, Line, Number, Who, Why, Word, instant, router
from server.web.problems import answers

System = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9_.-]{0,31}$", description="The other system's name: crm.")]


class RecordingLinkIn(Body):
    """A link that holds for `seconds`."""

    purpose: Why = Field(description="What the recording is wanted for; it is kept in the audit.")
    seconds: float = Field(HOUR, ge=1, le=LONGEST)


class RecordingLink(BaseModel):
    """A path with a query: whoever has it may fetch the sound without a token, until it expires."""

    url: str
    expires_at: str


class TicketLinkIn(Body):
    """The ticket's reference in the other system, and its page there."""

    reference: Annotated[Word, Field(min_length=1)]
    url: Annotated[str, Field(max_length=2000), Line] = ""
    owns: list[Word] = Field(
        default_factory=list, max_length=20, description="What only that system may change: state, fields, owner …"
    )


class TicketLink(BaseModel):
    """The ticket in another system."""

    system: str
    reference: str
    url: str | None
    owns: list[str]
    by: str | None
    at: str


def link_routes(recordings: LinkActs, tickets: TicketLinkActs) -> APIRouter:
    """The routes of links."""
    routes = router("links")

    @routes.post(
        "/recordings/{number}/link", status_code=201, response_model=RecordingLink, responses=answers(404, 422, 503)
    )
    async def link_recording(who: Who, number: Number, wanted: RecordingLinkIn) -> dict[str, Any]:
        """Make a link to a recording's sound, for a system that has no token."""
        made = await recordings.recording(who, number, wanted.purpose, wanted.seconds)
        return {"url": made.url, "expires_at": instant(made.expires_at)}

    @routes.put("/tickets/{number}/links/{system}", response_model=TicketLink, responses=answers(404, 409, 422, 503))
    async def link_ticket(who: Who, number: Number, system: System, wanted: TicketLinkIn) -> dict[str, Any]:
        """Keep the ticket's reference in another system; the ticket shows it."""
        return await tickets.link(who, number, system, wanted.reference, wanted.url, wanted.owns)

    return routes
