"""A snapshot holds what the events said and what was decided; the indexes follow from that and are built again.

`Floor.restore(floor.snapshot())` answers every later event exactly as the floor itself: nothing that could change a
decision is left out.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec

from acd.events import CallQueued, Status
from acd.floor.agents import Agent, AgentState
from acd.floor.calls import Call, CallState, StandingOffer
from acd.floor.state import FloorState
from acd.policy.definitions import Policy, Queue, WrapUpMode
from acd.timers import AGENT, CALL, OFFER

VERSION = 2
READS = (1, VERSION)
"""A snapshot of version 1 has no callbacks, which came with version 2."""
_KEYS = {"reserved_for": "hold_for", "reserved_until": "hold_until", "direct": "hold_direct", "announced": "said"}
"""Attributes of a call that a snapshot has under another name."""


def save(floor: FloorState) -> dict[str, Any]:
    """The floor's state as JSON has it."""
    named = {queue.name for queue in floor.policy.queues}
    plain = msgspec.to_builtins
    return {
        "version": VERSION,
        "now": floor.now,
        "policy": plain(floor.policy),
        "other_queues": [plain(queue.rules) for name, queue in floor.queues.items() if name not in named],
        "estimates": {name: estimate.snapshot() for name, estimate in floor.estimates.items()},
        "next_offer": floor.next_offer,
        "ended": list(floor.ended.items()),
        "agents": [_save_agent(agent) for agent in floor.agents.values()],
        "calls": [_save_call(call) for call in floor.calls.values()],
        "rings": [[*(getattr(each, name) for name in StandingOffer.SAVED), each.due] for each in floor.offers.values()],
        "talks": [
            [plain(each.asked), list(each.agents), each.outside, each.spoke] for each in floor.conversations.values()
        ],
    }


def _save_agent(agent: Agent) -> dict[str, Any]:
    saved = {name: _copy(getattr(agent, name)) for name in Agent.SAVED}
    saved |= {"skills": dict(agent.skills), "status": agent.status.value, "state": agent.state.value, "due": agent.due}
    saved["pending"] = [agent.pending[0].value, agent.pending[1]] if agent.pending else None
    saved["wrap_mode"] = agent.wrap_mode.value
    return saved


def _save_call(call: Call) -> dict[str, Any]:
    saved = {_KEYS.get(name, name): _copy(getattr(call, name)) for name in Call.SAVED}
    saved |= {"asked": msgspec.to_builtins(call.asked), "place": call.state.value, "due": call.due}
    return saved


def _copy(value: Any) -> Any:
    return list(value) if isinstance(value, (list, tuple)) else dict(value) if isinstance(value, dict) else value


def restore(data: dict[str, Any]) -> FloorState:
    """The floor's state of a snapshot. Raises ValueError when another version of the floor wrote it."""
    if data.get("version") not in READS:
        raise ValueError(
            f"the snapshot has version {data.get('version')}, this floor reads {VERSION}: play the log instead"
        )
    floor = FloorState()
    floor.now = data["now"]
    floor.policy = msgspec.convert(data["policy"], Policy)
    others = (msgspec.convert(queue, Queue) for queue in data["other_queues"])
    for queue in (*floor.policy.queues, *others):
        floor.add_queue(queue)
    floor.set_estimates()
    floor.next_offer = data["next_offer"]
    floor.ended = dict(data["ended"])
    for saved in data["agents"]:
        _restore_agent(floor, saved)
    for saved in data["calls"]:
        _restore_call(floor, saved)
    for *values, due in data["rings"]:
        standing = StandingOffer(*values[:-1])
        standing.rang = values[-1]
        floor.offers[standing.id] = standing
        floor.timers.arm(OFFER, standing.id, standing, due)
    for asked, agents, outside, *spoke in data["talks"]:
        conversation = floor.conversation(msgspec.convert(asked, CallQueued))
        conversation.agents, conversation.outside, conversation.spoke = list(agents), outside, bool(spoke and spoke[0])
    for name, values in data["estimates"].items():
        floor.estimates[name].restore(values)
    floor.dirty_calls.clear()
    floor.dirty_agents.clear()
    floor.profiles.flipped.clear()
    return floor


def _restore_agent(floor: FloorState, saved: dict[str, Any]) -> None:
    agent = Agent(saved["id"], floor.now)
    for name in Agent.SAVED:
        setattr(agent, name, _copy(saved.get(name, getattr(agent, name))))
    agent.teams = tuple(agent.teams)
    agent.skills = dict(saved["skills"])
    agent.level_sum = sum(agent.skills.values())
    agent.status, agent.state = Status(saved["status"]), AgentState(saved["state"])
    agent.pending = (Status(saved["pending"][0]), saved["pending"][1]) if saved["pending"] else None
    agent.wrap_mode = WrapUpMode(saved["wrap_mode"])
    floor.agents[agent.id] = agent
    if agent.status is not Status.SIGNED_OUT:
        floor.profiles.sign_in(agent)
        floor.profiles.set_manned(agent, agent.status is Status.AVAILABLE)
        if agent.is_ready(floor.now):
            floor.profiles.add_ready(agent)
    floor.timers.arm(AGENT, agent.id, agent, saved["due"])


def _restore_call(floor: FloorState, saved: dict[str, Any]) -> None:
    asked = msgspec.convert(saved["asked"], CallQueued)
    call = Call(replace(asked, priority=saved.get("priority", asked.priority)), floor.now)
    for name in Call.SAVED:
        setattr(call, name, _copy(saved.get(_KEYS.get(name, name), getattr(call, name))))
    call.state = CallState(saved["place"])
    floor.enter(call)
    floor.make_available(call)
    floor.timers.arm(CALL, call.id, call, saved["due"])
