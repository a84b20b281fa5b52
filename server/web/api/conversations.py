"""Conversations over HTTP: hold, consult, help, transfer, and listening in. Each act is an event.

An act that cannot be done now is a problem 409 with the reason, and has changed nothing.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import AliasChoices, Field

from acd.events import Monitor
from server.usecases.conversations import ConversationActs
from server.usecases.targets import Target
from server.web.api.call_now import CallNow, call_now
from server.web.api.shapes import AGENT_ID, Body, Number, Who, Why, Word, router
from server.web.problems import answers


class MonitorIn(Body):
    """How a supervisor takes part in a conversation, and why."""

    phone: str = Field(
        "",
        pattern=f"{AGENT_ID}|^$",
        validation_alias=AliasChoices("phone", "by"),
        description="Work number whose phone rings; the token's own if left out.",
    )
    mode: Monitor = Monitor.LISTEN
    reason: Why


class AskIn(Body):
    """The colleague to consult while the caller is on hold."""

    to: Annotated[Word, Field(min_length=1, max_length=32, description="A work number or an outside number.")]


class TransferIn(Body):
    """The target of a transfer."""

    kind: Literal["agent", "queue", "outside"]
    to: Annotated[Word, Field(min_length=1, max_length=32)]


def conversation_routes(acts: ConversationActs) -> APIRouter:
    """The routes of conversations."""
    routes = router("conversations")
    acting: dict[str, Any] = {"response_model": CallNow, "responses": answers(409, 422, 503)}

    def now(number: int) -> CallNow:
        return call_now(number, acts.now(number))

    @routes.post("/calls/{number}/hold", **acting)
    async def hold_call(who: Who, number: Number) -> CallNow:
        """Put the caller on hold, with music."""
        await acts.hold(who, number)
        return now(number)

    @routes.post("/calls/{number}/resume", **acting)
    async def resume_call(who: Who, number: Number) -> CallNow:
        """End the hold; a consult ends, and the server hangs up on the colleague."""
        await acts.resume(who, number)
        return now(number)

    @routes.post("/calls/{number}/consult", **acting)
    async def consult(who: Who, number: Number, wanted: AskIn) -> CallNow:
        """Put the caller on hold, and consult an agent or an outside number."""
        await acts.consult(who, number, acts.target(wanted.to))
        return now(number)

    @routes.post("/calls/{number}/help", **acting)
    async def ask_for_help(who: Who, number: Number) -> CallNow:
        """求助: put the caller on hold, and call the leader of the agent's team."""
        await acts.help(who, number)
        return now(number)

    @routes.post("/calls/{number}/transfer", **acting)
    async def transfer_call(who: Who, number: Number, wanted: TransferIn) -> CallNow:
        """Transfer blind; a transfer that fails returns to the agent."""
        await acts.transfer(who, number, Target(wanted.kind, wanted.to))
        return now(number)

    @routes.post("/calls/{number}/hand-over", **acting)
    async def hand_over(who: Who, number: Number) -> CallNow:
        """Attended transfer: the colleague of the consult takes the call."""
        await acts.hand_over(who, number)
        return now(number)

    @routes.post("/calls/{number}/monitor", **acting)
    async def monitor_call(who: Who, number: Number, wanted: MonitorIn) -> CallNow:
        """Ring the supervisor, who then listens, whispers to the agent, or speaks with both; answers once heard."""
        await acts.monitor(who, number, wanted.mode, wanted.reason, wanted.phone)
        return now(number)

    return routes
