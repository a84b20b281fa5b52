"""Calls over HTTP: the records, and another place for a call that waits."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from server.usecases.calls import CallActs
from server.web.api.call_now import CallNow, call_now
from server.web.api.shapes import AGENT_ID, Asked, Body, Instant, Number, Page, Reason, Who, Word, router
from server.web.problems import answers


class CallsAsked(Asked):
    """Which calls."""

    since: Instant | None = Field(None, description="Offered then or later.")
    until: Instant | None = Field(None, description="Offered before then.")
    outcome: str | None = None
    agent: str | None = None
    queue: str | None = None
    caller: str | None = None
    direction: Literal["inbound", "outbound"] | None = Field(
        None, description="Callers' calls, or calls of the hotline."
    )


class Call(BaseModel):
    """A call as the records have it."""

    id: int
    caller: str = Field(description="As people of the region dial it; empty where the caller withheld the number.")
    called: str
    called_name: str | None = Field(description="The name of the called number in `[numbers]`.")
    queue: str | None
    category: str | None
    agent: str | None
    ticket: int | None
    recordings: list[int]
    offered_at: str | None
    answered_at: str | None
    queued_at: str | None
    connected_at: str | None
    ended_at: str | None
    outcome: str | None
    satisfaction: int | None
    withheld: bool


class CallDetail(Call):
    """A call with its legs (`segments`) and every decision taken for it."""

    model_config = ConfigDict(extra="allow")

    segments: list[dict[str, Any]]
    decisions: list[dict[str, Any]]


class MoveIn(Body):
    """Another queue for a waiting call."""

    queue: Word
    reason: Reason = ""


class PullIn(Body):
    """An agent for a waiting call, out of turn."""

    agent: str = Field(pattern=AGENT_ID)
    reason: Reason = ""


class PriorityIn(Body):
    """Other priority points."""

    priority: int = Field(ge=-1000, le=1000)
    reason: Reason = ""


def call_routes(acts: CallActs) -> APIRouter:
    """The routes of calls in the records, and of calls that wait."""
    routes = router("calls")
    acting: dict[str, Any] = {"response_model": CallNow, "responses": answers(409, 422, 503)}

    @routes.get("/calls", response_model=Page[Call], responses=answers(400, 422))
    async def list_calls(who: Who, asked: Annotated[CallsAsked, Query()]) -> dict[str, Any]:
        """Calls, newest first."""
        return await acts.page(who, asked.filters(), asked.limit, asked.cursor or None)

    @routes.get("/calls/{number}", response_model=CallDetail, responses=answers(404, 422))
    async def show_call(who: Who, number: Number) -> dict[str, Any]:
        """One call with its legs, and every decision with its reasons."""
        return await acts.show(who, number)

    @routes.post("/calls/{number}/move", **acting)
    async def move_call(who: Who, number: Number, wanted: MoveIn) -> CallNow:
        """Let a waiting call wait in another queue; it keeps the time of its arrival."""
        await acts.move(who, number, wanted.queue, wanted.reason)
        return call_now(number, acts.now(number))

    @routes.post("/calls/{number}/pull", **acting)
    async def pull_call(who: Who, number: Number, wanted: PullIn) -> CallNow:
        """Offer a waiting call to this agent, out of turn and whatever the skills."""
        await acts.pull(who, number, wanted.agent, wanted.reason)
        return call_now(number, acts.now(number))

    @routes.post("/calls/{number}/priority", **acting)
    async def set_priority(who: Who, number: Number, wanted: PriorityIn) -> CallNow:
        """Change the priority points of a waiting call; the order follows at once."""
        await acts.prioritise(who, number, wanted.priority, wanted.reason)
        return call_now(number, acts.now(number))

    return routes
