"""Why did this call go there? Who was looked at, in which order, and the one reason why somebody was not eligible.

A record lists at most `LISTED` agents, the eligible first, and counts the others; on a floor with no more agents signed
in than that, everybody is in it. `Floor.explain` lists all of them, for a floor replayed to the instant in question.
"""

from __future__ import annotations

from collections.abc import Iterator

from acd.agents import Agent
from acd.calls import Call
from acd.decisions import Candidate
from acd.room import Room

LISTED = 20


def candidates(room: Room, call: Call, limit: int | None = LISTED) -> tuple[tuple[Candidate, ...], int]:
    """Agents as this call sees them now, and how many more are signed in. Scores are the strategy's key (least
    first) with the seconds of idleness at the end."""
    listed: list[Candidate] = []
    total = len(room.shapes.signed_in)
    everybody = limit is None or total <= limit
    for candidate in _in_order(room, call, everybody=everybody):
        if limit is not None and len(listed) >= limit:
            break
        listed.append(candidate)
    return tuple(listed), total - len(listed)


def _in_order(room: Room, call: Call, *, everybody: bool) -> Iterator[Candidate]:
    shape = room.shape(call)
    for key in shape.ready:
        agent = room.agents[str(key[-1])]
        if reason := why_not(room, call, agent):
            yield Candidate(agent.id, reason)
        else:
            score = (*shape.ready_score(key), room.now - agent.idle_since)
            yield Candidate(agent.id, "", score)
    for id_ in shape.staff:
        agent = room.agents[id_]
        if not agent.indexed:
            yield Candidate(id_, why_not(room, call, agent))
    if everybody:
        for id_ in sorted(room.shapes.signed_in):
            agent = room.agents[id_]
            if shape not in agent.serves:
                yield Candidate(id_, why_not(room, call, agent))


def why_not(room: Room, call: Call, agent: Agent) -> str:
    """The one reason why this agent may not get this call now; empty when they may."""
    if not (call.hold_direct and call.hold_for == agent.id):
        for skill in room.requirement(call).required:
            level = agent.skills.get(skill.name)
            if level is None:
                return f"lacks {skill.name}"
            if level < skill.level:
                return f"{skill.name} {level} is below {skill.level}"
    if reason := agent.why_not_ready(room.now):
        return reason
    if call.hold_for and call.hold_for != agent.id:
        return f"kept for {call.hold_for} for {max(0.0, call.hold_until - room.now):.0f} s more"
    if agent.id in call.left_out:
        return "left out this round: did not take it before"
    return ""
