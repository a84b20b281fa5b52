"""The floor over HTTP: the queues, the calls that wait and the agents, as they are now."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from acd.callbacks.engine import Callbacks
from acd.callbacks.events import Mode
from acd.events import Status
from acd.floor.agents import AgentState
from acd.floor.engine import Floor as FloorEngine
from acd.floor.views import WaitingView
from server.storage.queries.serialise import caller_of
from server.usecases.calls import CallActs
from server.web.api.agents import AgentNow
from server.web.api.shapes import Page, Who, instant, router


class QueueMode(BaseModel):
    """Callback mode of a queue; `active`: the hotline takes numbers now."""

    mode: Mode
    active: bool


class Queue(BaseModel):
    """A queue now. Seconds; agents are those who have the queue's skill and are signed in.

    `waiting` are callers on the line; `promised` are customers with a promised callback.
    """

    name: str
    skill: str
    priority: int
    strategy: str
    waiting: int
    longest_wait: float
    agents: int
    available: int = Field(description="Signed-in agents who are not on a break.")
    ready: int = Field(description="Signed-in agents who can take a call now.")
    promised: int
    callback: QueueMode


class Waiting(BaseModel):
    """A waiting call, in the one order of all queues."""

    call: int
    queue: str
    caller: str
    category: str
    position: int = Field(description="Position in its queue; 1 is next.")
    points: float
    queued_at: str
    agent: str | None = Field(description="The agent whose phone rings for it.")
    promised: bool = Field(description="Nobody is on the line: the customer will be called back.")


class Floor(BaseModel):
    """Waiting calls and agents, at one instant."""

    at: str
    waiting: list[Waiting]
    agents: list[AgentNow]


def floor_routes(acts: CallActs) -> APIRouter:
    """The routes of the floor."""
    routes = router("now")

    @routes.get("/queues", response_model=Page[Queue])
    async def list_queues(who: Who) -> dict[str, Any]:
        """Every queue as it is now."""
        view, _ = acts.floor(who)
        return {"items": queues(view.floor, view.callbacks, time.time())}

    @routes.get("/floor", response_model=Floor)
    async def show_floor(who: Who) -> Floor:
        """Waiting calls in the order in which they will be taken, and every agent's status and state."""
        view, mask = acts.floor(who)
        return floor(view.floor, time.time(), mask)

    return routes


def queues(floor: FloorEngine, callbacks: Callbacks, now: float) -> list[Queue]:
    """Every queue of the definitions, and every other queue in which a call waits. `now` is UTC epoch seconds."""
    promised = Counter(promise.queue for promise in callbacks.promises() if promise.live)
    waiting: dict[str, list[WaitingView]] = {queue.name: [] for queue in floor.policy.queues}
    for call in floor.waiting(now):
        if not call.promised:
            waiting.setdefault(call.queue, []).append(call)
    for name in promised:
        waiting.setdefault(name, [])
    agents = [
        (agent, {skill.name: skill.level for skill in agent.skills})
        for agent in floor.agents()
        if agent.status is not Status.SIGNED_OUT
    ]
    rules = {queue.name: queue for queue in floor.policy.queues}
    found = []
    for name, calls in waiting.items():
        queue = rules.get(name)
        wanted = queue.own_requirement() if queue else None
        able = [agent for agent, skills in agents if wanted is None or wanted.met_by(skills)]
        mode = callbacks.mode(name)
        available = [agent for agent in able if agent.status is Status.AVAILABLE]
        found.append(
            Queue(
                name=name,
                skill=queue.skill if queue else "",
                priority=queue.priority if queue else 0,
                strategy=str(queue.strategy) if queue else "best_fit",
                waiting=len(calls),
                longest_wait=round(max((now - call.queued_at for call in calls), default=0.0), 1),
                agents=len(able),
                available=len(available),
                ready=sum(agent.state is AgentState.IDLE for agent in available),
                promised=promised[name],
                callback=QueueMode(mode=mode.mode, active=mode.active),
            )
        )
    return found


def floor(engine: FloorEngine, now: float, mask: bool = False) -> Floor:
    """Waiting calls in order, and every agent's two axes. `now` is UTC epoch seconds; `mask` hides callers' numbers."""
    return Floor(
        at=instant(now),
        waiting=[
            Waiting(
                call=each.call,
                queue=each.queue,
                caller=caller_of(each.caller, mask),
                category=each.category,
                position=each.position,
                points=round(each.points, 3),
                queued_at=instant(each.queued_at),
                agent=each.agent or None,
                promised=each.promised,
            )
            for each in engine.waiting(now)
        ],
        agents=[AgentNow(id=agent.id, status=str(agent.status), state=str(agent.state)) for agent in engine.agents()],
    )
