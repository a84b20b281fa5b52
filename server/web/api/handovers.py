"""The hand-over book over HTTP."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel

from server.storage.figures.handover import Side
from server.usecases.handovers import HandoverActs
from server.web.api.shapes import Body, Instant, Limit, Line, Reason, Who, Word, router
from server.web.problems import answers

Team = Annotated[str, Query(max_length=80, description="One team; left out, the whole house."), Line]


class Signature(Body):
    """Which shift, and who signs: the outgoing leader first, then the incoming one."""

    team: Word = ""
    since: Instant
    until: Instant
    side: Side
    note: Reason = ""


class BookRow(BaseModel):
    """A book and its signatures. `digest` is the SHA-256 of what was signed."""

    team: str
    since: str
    until: str
    state: str
    digest: str | None
    outgoing: str | None
    outgoing_at: str | None
    outgoing_note: str | None
    incoming: str | None
    incoming_at: str | None
    incoming_note: str | None


class Book(BookRow):
    """With what it holds: figures, open matters by name, promises, the ends of the recordings' chains, alarms."""

    content: dict[str, Any]


class Books(BaseModel):
    """The books that were signed, newest first."""

    items: list[BookRow]
    next: str | None = None


def handover_routes(acts: HandoverActs) -> APIRouter:
    """The routes of the hand-over book."""
    routes = router("handovers")

    @routes.get("/handovers", response_model=Books, responses=answers(400, 422))
    async def books(
        who: Who, team: Team | None = None, limit: Annotated[Limit, Query()] = 100, cursor: str | None = None
    ) -> dict[str, Any]:
        """The books that were signed, newest first."""
        return await acts.books(who, team, limit, cursor or None)

    @routes.get("/handovers/book", response_model=Book, responses=answers(400, 422))
    async def book(who: Who, since: Instant, until: Instant, team: Team = "") -> dict[str, Any]:
        """The book of a shift: as it was signed, or else as things are now."""
        return await acts.book(who, team, since, until)

    @routes.post("/handovers/signatures", response_model=Book, responses=answers(400, 409, 422, 503))
    async def sign(who: Who, signature: Signature) -> dict[str, Any]:
        """Sign the book of a shift."""
        return await acts.sign(who, signature.team, signature.since, signature.until, signature.side, signature.note)

    return routes
