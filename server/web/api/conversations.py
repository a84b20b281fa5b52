"""What people do to calls over HTTP: agents to their conversation, supervisors to the floor. Each act is an event.

An act that cannot be done now is a problem 409 with the reason, and has changed nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Annotated, Any, Literal, Protocol

from fastapi import FastAPI, Path
from pydantic import BaseModel, ConfigDict, Field

from acd.events import Monitor
from server.hotline.dispatcher import Dispatcher
from server.usecases.errors import CannotDo, ConversationActs, SupervisorActs, Target
from server.web.api.shapes import AGENT_ID, By, Reason, Why, Word
from server.web.problems import Problem, answers

Number = Annotated[int, Path(ge=1, le=2**53)]


class House(Protocol):
    """What these routes stand on."""

    @property
    def dispatcher(self) -> Dispatcher: ...
    @property
    def conversations(self) -> ConversationActs: ...
    @property
    def supervisors(self) -> SupervisorActs: ...


class Act(BaseModel):
    """Base of what is asked: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class MoveIn(Act):
    """A waiting call is to wait in another queue."""

    queue: Word
    reason: Reason = ""
    by: By = "api"


class PullIn(Act):
    """A waiting call is for this agent, out of turn."""

    agent: str = Field(pattern=AGENT_ID)
    reason: Reason = ""
    by: By = "api"


class PriorityIn(Act):
    """Other points to begin with."""

    priority: int = Field(ge=-1000, le=1000)
    reason: Reason = ""
    by: By = "api"


class MonitorIn(Act):
    """Who listens to a conversation, and why."""

    by: str = Field(pattern=AGENT_ID, description="Work number of the supervisor, whose phone rings.")
    mode: Monitor = Monitor.LISTEN
    reason: Why


class AskIn(Act):
    """Whom to ask while the caller is on hold."""

    to: Annotated[Word, Field(min_length=1, max_length=32, description="A work number or an outside number.")]


class TransferIn(Act):
    """Where a conversation goes."""

    kind: Literal["agent", "queue", "outside"]
    to: Annotated[Word, Field(min_length=1, max_length=32)]


class CallNow(BaseModel):
    """The call after the act. `hold` says why the caller is on hold, `asked` who is asked meanwhile."""

    id: int
    stage: str
    queue: str
    agent: str | None
    hold: str
    asked: str


def add_floor(api: FastAPI, house: House, guarded: dict[str, Any]) -> None:
    """Add the routes; `guarded` is what every one of them asks of the request."""
    _supervise(api, house, guarded)
    _converse(api, house, guarded)


def _supervise(api: FastAPI, house: House, guarded: dict[str, Any]) -> None:
    acting = _acting(guarded, "supervision")

    @api.post("/api/v1/calls/{number}/move", **acting)
    async def move_call(number: Number, wanted: MoveIn) -> CallNow:
        """Let a waiting call wait in another queue; it keeps the time of its arrival."""
        return await _done(
            house, number, house.supervisors.move(number, wanted.queue, by=wanted.by, reason=wanted.reason)
        )

    @api.post("/api/v1/calls/{number}/pull", **acting)
    async def pull_call(number: Number, wanted: PullIn) -> CallNow:
        """Ring this agent for a waiting call, out of turn and whatever the skills."""
        return await _done(
            house, number, house.supervisors.pull(number, wanted.agent, by=wanted.by, reason=wanted.reason)
        )

    @api.post("/api/v1/calls/{number}/priority", **acting)
    async def set_priority(number: Number, wanted: PriorityIn) -> CallNow:
        """Change the points a waiting call began with; the order follows at once."""
        return await _done(
            house, number, house.supervisors.prioritise(number, wanted.priority, by=wanted.by, reason=wanted.reason)
        )

    @api.post("/api/v1/calls/{number}/monitor", **acting)
    async def monitor_call(number: Number, wanted: MonitorIn) -> CallNow:
        """Ring the supervisor, who then listens, whispers to the agent, or speaks with both; answers once heard."""
        return await _done(
            house, number, house.supervisors.monitor(number, wanted.mode, by=wanted.by, reason=wanted.reason)
        )


def _converse(api: FastAPI, house: House, guarded: dict[str, Any]) -> None:
    acting = _acting(guarded, "conversation")

    @api.post("/api/v1/calls/{number}/hold", **acting)
    async def hold_call(number: Number) -> CallNow:
        """Put the caller on hold, with music."""
        return await _done(house, number, house.conversations.hold(number))

    @api.post("/api/v1/calls/{number}/resume", **acting)
    async def resume_call(number: Number) -> CallNow:
        """Back to the caller; whoever is asked is let go."""
        return await _done(house, number, house.conversations.resume(number))

    @api.post("/api/v1/calls/{number}/consult", **acting)
    async def consult(number: Number, wanted: AskIn) -> CallNow:
        """Put the caller on hold, and ask an agent or an outside number."""
        target = house.conversations.target(wanted.to)
        return await _done(house, number, house.conversations.consult(number, target))

    @api.post("/api/v1/calls/{number}/help", **acting)
    async def ask_for_help(number: Number) -> CallNow:
        """求助: put the caller on hold, and call the leader of the agent's team."""
        return await _done(house, number, house.conversations.help(number))

    @api.post("/api/v1/calls/{number}/transfer", **acting)
    async def transfer_call(number: Number, wanted: TransferIn) -> CallNow:
        """Transfer blind; a transfer that fails returns to the agent."""
        target = Target(wanted.kind, wanted.to)
        return await _done(house, number, house.conversations.transfer(number, target))

    @api.post("/api/v1/calls/{number}/hand-over", **acting)
    async def hand_over(number: Number) -> CallNow:
        """Attended transfer: whoever is asked takes the call."""
        return await _done(house, number, house.conversations.complete(number))


def _acting(guarded: dict[str, Any], tag: str) -> dict[str, Any]:
    return {**guarded, "response_model": CallNow, "responses": answers(401, 409, 422, 503), "tags": [tag]}


async def _done(house: House, number: int, act: Awaitable[object]) -> CallNow:
    try:
        await act
    except CannotDo as error:
        raise Problem(409, "Cannot be done now", str(error)) from None
    live = house.dispatcher.state.calls.get(number)
    if live is None:
        return CallNow(id=number, stage="over", queue="", agent=None, hold="", asked="")
    leg = live.leg
    return CallNow(
        id=number,
        stage=live.stage.value,
        queue=live.queue,
        agent=leg.agent if leg else None,
        hold=leg.hold if leg else "",
        asked=leg.asked if leg else "",
    )
