"""Explains a decision: the agents that were considered, in order, and the one reason why an agent was not eligible.

A record lists at most `LISTED` agents, the eligible ones first, and counts the others. `Floor.explain` lists all of
them, on a floor that was replayed to the instant in question.
"""

from __future__ import annotations

from itertools import islice

from acd.decisions import Candidate
from acd.floor.agents import Agent
from acd.floor.calls import Call
from acd.floor.state import FloorState

LISTED = 20
"""How many agents a record lists."""


def candidates(floor: FloorState, call: Call, limit: int | None = LISTED) -> tuple[tuple[Candidate, ...], int]:
    """Agents as this call sees them now, and how many more are signed in. Scores are the strategy's key (least
    first) with the seconds of idleness at the end."""
    signed_in = floor.profiles.signed_in
    total = len(signed_in)
    most = total if limit is None else min(limit, total)
    profile, agents, now = floor.profile(call), floor.agents, floor.now
    listed: list[Candidate] = []
    open_to_all = not call.left_out and not call.reserved_for
    for key in islice(profile.ready, most):
        agent = agents[str(key[-1])]
        reason = "" if open_to_all else why_not(floor, call, agent)
        score = () if reason else (*profile.ready_score(key), now - agent.idle_since)
        listed.append(Candidate(agent.id, reason, score))
    spare = most - len(listed)
    if spare and len(profile.staff) > len(profile.ready):
        busy = (agent for id_ in profile.staff if not (agent := agents[id_]).indexed)
        listed += [agent.as_unready(now) for agent in islice(busy, spare)]
    if most == total and len(listed) < total:
        for id_ in sorted(signed_in):
            if profile not in signed_in[id_].serves:
                listed.append(Candidate(id_, why_not(floor, call, signed_in[id_])))
    return tuple(listed), total - len(listed)


def why_not(floor: FloorState, call: Call, agent: Agent) -> str:
    """The one reason why this agent may not get this call now; empty when they may."""
    if not (call.direct and call.reserved_for == agent.id):
        for skill in floor.requirement(call).required:
            level = agent.skills.get(skill.name)
            if level is None:
                return f"lacks {skill.name}"
            if level < skill.level:
                return f"{skill.name} {level} is below {skill.level}"
    if reason := agent.why_not_ready(floor.now):
        return reason
    if call.reserved_for and call.reserved_for != agent.id:
        return f"kept for {call.reserved_for} for {max(0.0, call.reserved_until - floor.now):.0f} s more"
    if agent.id in call.left_out:
        if agent.id in call.asked.avoid:
            return "avoided: the caller complains about this agent"
        return "left out this round: did not take it before"
    return ""
