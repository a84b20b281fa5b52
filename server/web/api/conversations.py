"""Conversations over HTTP: hold, consult, help, transfer, and listening in. Each act is an event.

An act that cannot be done now is a problem 409 with the reason, and has changed nothing.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import AliasChoices, BaseModel, Field

from acd.events import Monitor
from server.usecases.conversations import HEARS, ConversationActs
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


class SwitchIn(Body):
    """Another way to take part in a conversation."""

    phone: str = Field("", pattern=f"{AGENT_ID}|^$", description="Work number whose phone it is; the own if left out.")
    mode: Monitor


class EndIn(Body):
    """The phone that is to take part no more."""

    phone: str = Field("", pattern=f"{AGENT_ID}|^$", description="Work number whose phone it is; the own if left out.")


class Hears(BaseModel):
    """Who hears the supervisor."""

    caller: bool
    agent: bool
    zh_cn: str = Field(alias="zh-CN")
    en: str


class MonitorNow(CallNow):
    """The call, and how the supervisor takes part in it; null when the supervisor does no more."""

    mode: Monitor | None
    hears: Hears | None


_TOLD = {
    Monitor.LISTEN: ("只听：来电人和坐席都听不到您", "listening: neither the caller nor the agent hears you"),
    Monitor.WHISPER: ("耳语：只有坐席听得到您", "whispering: only the agent hears you"),
    Monitor.BARGE: ("强插：来电人和坐席都听得到您", "barged in: the caller and the agent both hear you"),
}


def hears(mode: Monitor) -> Hears:
    """Who hears a supervisor who takes part like this."""
    (caller, agent), (zh, en) = HEARS[mode], _TOLD[mode]
    return Hears.model_validate({"caller": caller, "agent": agent, "zh-CN": zh, "en": en})


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

    monitoring: dict[str, Any] = {"response_model": MonitorNow, "responses": answers(409, 422, 503)}

    def monitored(number: int, mode: Monitor | None) -> MonitorNow:
        return MonitorNow(**now(number).model_dump(), mode=mode, hears=hears(mode) if mode is not None else None)

    @routes.post("/calls/{number}/monitor", **monitoring)
    async def monitor_call(who: Who, number: Number, wanted: MonitorIn) -> MonitorNow:
        """Ring the supervisor, who then listens, whispers to the agent, or speaks with both; answers once heard.

        `hears` says whether the people hear the supervisor.
        """
        await acts.monitor(who, number, wanted.mode, wanted.reason, wanted.phone)
        return monitored(number, wanted.mode)

    @routes.post("/calls/{number}/monitor/mode", **monitoring)
    async def switch_monitor(who: Who, number: Number, wanted: SwitchIn) -> MonitorNow:
        """Listen, whisper or speak with both from now on; the phone does not ring again."""
        await acts.switch_monitor(who, number, wanted.mode, wanted.phone)
        return monitored(number, wanted.mode)

    @routes.post("/calls/{number}/monitor/end", **monitoring)
    async def end_monitor(who: Who, number: Number, wanted: EndIn) -> MonitorNow:
        """Take part no more: the server hangs up on the supervisor's phone."""
        await acts.end_monitor(who, number, wanted.phone)
        return monitored(number, None)

    return routes
