"""Trunks over HTTP: their state, which of them a number goes by, a call that tries one, a trace."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from server.usecases.trunks import LONGEST_TRACE, TrunkActs
from server.web.api.shapes import Body, Line, Who, router
from server.web.problems import answers

Called = Annotated[str, Field(min_length=1, max_length=40), Line]


class Trunk(BaseModel):
    """A trunk now. `registered` is null for one that does not register; `max_calls` 0 is no limit."""

    name: str
    up: bool
    registered: bool | None
    calls: int
    max_calls: int
    problem: str


class Trunks(BaseModel):
    """The trunks, in the order in which outgoing calls try them."""

    items: list[Trunk]


class Route(BaseModel):
    """One trunk, asked for a number: the number as it dials it, and why it does not take it (empty: it does)."""

    trunk: str
    dialled: str
    why_not: str


class Routes(BaseModel):
    """A call goes by the first trunk without a reason against it."""

    items: list[Route]


class TestIn(Body):
    """The number to be called for a moment."""

    number: Called


class Tested(BaseModel):
    """The carrier's answer: its SIP status (0: none came), the trunk, and what every trunk that was tried said."""

    answered: bool
    sip: int
    trunk: str
    detail: str


class TraceIn(Body):
    """How long messages are written."""

    seconds: float = Field(10.0, gt=0, le=LONGEST_TRACE)


class Traced(BaseModel):
    """The masked messages, as text."""

    text: str


def trunk_routes(acts: TrunkActs) -> APIRouter:
    """The routes of trunks."""
    routes = router("trunks")

    @routes.get("/trunks", response_model=Trunks, responses=answers(503))
    async def trunks(who: Who) -> dict[str, Any]:
        """The trunks, their health and their calls."""
        return {"items": await acts.state(who)}

    @routes.get("/trunks/route", response_model=Routes, responses=answers(422, 503))
    async def route(who: Who, number: Annotated[Called, Query()]) -> dict[str, Any]:
        """Which trunk a call to this number would go by, and why the others would not take it."""
        return {"items": await acts.routes(who, number)}

    @routes.post("/trunks/test", response_model=Tested, responses=answers(409, 422, 503))
    async def test(who: Who, body: TestIn) -> dict[str, Any]:
        """Call the number for a second at most; the answer takes as long as the call rings."""
        return await acts.test(who, body.number)

    @routes.post("/trunks/trace", response_model=Traced, responses=answers(409, 422, 503))
    async def trace(who: Who, body: TraceIn) -> dict[str, Any]:
        """Write SIP messages for a while; numbers are masked, secrets left out. The answer comes afterwards."""
        return {"text": await acts.trace(who, body.seconds)}

    return routes
