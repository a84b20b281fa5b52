"""A snapshot holds what was said and decided; whatever follows from it is built again.

`Floor.restore(floor.snapshot())` answers every later event exactly as the floor itself: nothing that could change a
decision is left out, and nothing in the indexes could.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec

from acd.events import CallQueued, Status
from acd.floor.agents import Agent, AgentState
from acd.floor.calls import Call, Place, Ring
from acd.floor.queue_order import Line
from acd.floor.state import Room
from acd.policy.definitions import Policy, Queue, WrapUpMode
from acd.timers import AGENT, CALL, OFFER

VERSION = 2
READS = (1, VERSION)
"""What version 1 did not know yet (calls of the hotline's own making), no snapshot of it holds."""


def save(room: Room) -> dict[str, Any]:
    """The room as JSON has it."""
    named = {queue.name for queue in room.policy.queues}
    plain = msgspec.to_builtins
    data = {
        "version": VERSION,
        "now": room.now,
        "policy": plain(room.policy),
        "other_queues": [plain(line.queue) for name, line in room.lines.items() if name not in named],
        "estimates": {name: estimate.snapshot() for name, estimate in room.estimates.items()},
        "next_offer": room.next_offer,
        "ended": list(room.ended.items()),
        "agents": [_save_agent(agent) for agent in room.agents.values()],
        "calls": [_save_call(call) for call in room.calls.values()],
        "rings": [[*(getattr(ring, name) for name in Ring.SAVED), ring.due] for ring in room.rings.values()],
        "talks": [[plain(talk.asked), list(talk.agents), talk.outside, talk.spoke] for talk in room.talks.values()],
    }
    return data


def _save_agent(agent: Agent) -> dict[str, Any]:
    saved = {name: _copy(getattr(agent, name)) for name in Agent.SAVED}
    saved |= {"skills": dict(agent.skills), "status": agent.status.value, "state": agent.state.value, "due": agent.due}
    saved["pending"] = [agent.pending[0].value, agent.pending[1]] if agent.pending else None
    saved["wrap_mode"] = agent.wrap_mode.value
    return saved


def _save_call(call: Call) -> dict[str, Any]:
    saved = {name: _copy(getattr(call, name)) for name in Call.SAVED}
    saved |= {"asked": msgspec.to_builtins(call.asked), "place": call.place.value, "due": call.due}
    return saved


def _copy(value: Any) -> Any:
    return list(value) if isinstance(value, (list, tuple)) else dict(value) if isinstance(value, dict) else value


def restore(data: dict[str, Any]) -> Room:
    """The room of a snapshot. Raises ValueError when another version of the floor wrote it."""
    if data.get("version") not in READS:
        raise ValueError(
            f"the snapshot has version {data.get('version')}, this floor reads {VERSION}: play the log instead"
        )
    room = Room()
    room.now = data["now"]
    room.policy = msgspec.convert(data["policy"], Policy)
    others = (msgspec.convert(queue, Queue) for queue in data["other_queues"])
    for queue in (*room.policy.queues, *others):
        room.lines[queue.name] = Line(queue, room.policy.ageing_limit)
    room.set_estimates()
    room.next_offer = data["next_offer"]
    room.ended = dict(data["ended"])
    for saved in data["agents"]:
        _restore_agent(room, saved)
    for saved in data["calls"]:
        _restore_call(room, saved)
    for *values, due in data["rings"]:
        ring = Ring(*values[:-1])
        ring.rang = values[-1]
        room.rings[ring.id] = ring
        room.timers.arm(OFFER, ring.id, ring, due)
    for asked, agents, outside, *spoke in data["talks"]:
        talk = room.talk(msgspec.convert(asked, CallQueued))
        talk.agents, talk.outside, talk.spoke = list(agents), outside, bool(spoke and spoke[0])
    for name, values in data["estimates"].items():
        room.estimates[name].restore(values)
    room.dirty_calls.clear()
    room.dirty_agents.clear()
    room.shapes.flipped.clear()
    return room


def _restore_agent(room: Room, saved: dict[str, Any]) -> None:
    agent = Agent(saved["id"], room.now)
    for name in Agent.SAVED:
        setattr(agent, name, _copy(saved[name]))
    agent.teams = tuple(agent.teams)
    agent.skills = dict(saved["skills"])
    agent.level_sum = sum(agent.skills.values())
    agent.status, agent.state = Status(saved["status"]), AgentState(saved["state"])
    agent.pending = (Status(saved["pending"][0]), saved["pending"][1]) if saved["pending"] else None
    agent.wrap_mode = WrapUpMode(saved["wrap_mode"])
    room.agents[agent.id] = agent
    if agent.status is not Status.SIGNED_OUT:
        room.shapes.sign_in(agent)
        room.shapes.set_manned(agent, agent.status is Status.AVAILABLE)
        if agent.is_ready(room.now):
            room.shapes.place(agent)
    room.timers.arm(AGENT, agent.id, agent, saved["due"])


def _restore_call(room: Room, saved: dict[str, Any]) -> None:
    asked = msgspec.convert(saved["asked"], CallQueued)
    call = Call(replace(asked, priority=saved.get("priority", asked.priority)), room.now)
    for name in Call.SAVED:
        setattr(call, name, _copy(saved.get(name, getattr(call, name))))
    call.place = Place(saved["place"])
    room.calls[call.id] = call
    room.enter(call)
    room.rerow(call)
    room.timers.arm(CALL, call.id, call, saved["due"])
