"""The floor as the API shows it: looked at, never changed."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

from acd.callbacks.engine import Callbacks
from acd.events import Status
from acd.floor.agents import AgentState
from acd.floor.engine import Floor as House
from acd.floor.views import WaitingView
from server.web.api import shapes


def queues(floor: House, callbacks: Callbacks, now: float) -> list[shapes.Queue]:
    """Every queue of the definitions, and every other one in which somebody waits. `now` is UTC epoch seconds."""
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
            shapes.Queue(
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
                callback=shapes.QueueMode(mode=mode.mode, active=mode.active),
            )
        )
    return found


def floor(house: House, now: float) -> shapes.Floor:
    """Who waits, in order, and every agent's two axes. `now` is UTC epoch seconds."""
    return shapes.Floor(
        at=instant(now),
        waiting=[
            shapes.Waiting(
                call=each.call,
                queue=each.queue,
                caller=each.caller,
                category=each.category,
                position=each.position,
                points=round(each.points, 3),
                queued_at=instant(each.queued_at),
                agent=each.agent or None,
                promised=each.promised,
            )
            for each in house.waiting(now)
        ],
        agents=[
            shapes.AgentNow(id=agent.id, status=str(agent.status), state=str(agent.state)) for agent in house.agents()
        ],
    )


def instant(seconds: float) -> str:
    """UTC epoch seconds as ISO 8601 in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
