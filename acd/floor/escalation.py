"""What time does to a waiting call: its requirement relaxes, it hears where it stands, and in the end it leaves.

Relaxation goes on while a phone rings and while no server holds the caller; a step that nobody signed in meets is
skipped at once, and the record says so. Overflow and announcements wait until it is clear that nobody takes the call.
"""

from __future__ import annotations

from dataclasses import replace

from acd.commands import Announce, Divert, Moved, Record
from acd.decisions import Decision
from acd.events import Status
from acd.floor.agents import Agent, AgentState
from acd.floor.calls import Call, Place
from acd.floor.explain import candidates
from acd.floor.routing import next_step_at
from acd.floor.state import Room
from acd.policy.definitions import Overflow, Requirement
from acd.timers import CALL


def begin(room: Room, call: Call) -> None:
    """A call has been put in a line: prefer its owner, relax what nobody meets, let agents find it."""
    line = room.lines[call.queue]
    call.announce_at = first_announcement(room, call)
    for sentence in call.plan.refused:
        room.out.append(Record(room.decision(call, "skip_relaxation", sentence)))
    if call.asked.owner and not call.hold_for and line.queue.owner_first > 0:
        prefer_owner(room, call)
    resume(room, call)


def first_announcement(room: Room, call: Call) -> float | None:
    """When the caller is first told where they stand. Nothing is told to a line with nobody on it."""
    queue = room.lines[call.queue].queue
    return room.now + queue.announce_first if queue.announce_every > 0 and not call.promised else None


def prefer_owner(room: Room, call: Call) -> None:
    """Keep the call for its owner for a while, if the owner is there and has the skill."""
    owner = call.asked.owner
    if why := _why_not_kept(room, call, owner):
        room.out.append(Record(room.decision(call, "owner_skipped", f"{owner}: {why}", owner)))
    else:
        call.hold_for = owner
        call.hold_until = room.now + room.lines[call.queue].queue.owner_first


def _why_not_kept(room: Room, call: Call, name: str) -> str:
    """Why it is no use to keep a call for this agent; empty when they may yet take it."""
    agent = room.agents.get(name)
    if agent is None:
        return "unknown agent"
    if agent.status is not Status.AVAILABLE:
        return agent.why_not_ready(room.now)
    if agent.pending:
        return f"{agent.pending[0].value} when the call is over"
    if not call.hold_direct and not room.requirement(call).met_by(agent.skills):
        return f"does not meet {room.requirement(call)}"
    return ""


def release(room: Room, call: Call, why: str) -> None:
    """The call is kept for its agent no more. A failed blind transfer goes back, then to a message."""
    agent, call.hold_for = call.hold_for, ""
    if not call.hold_direct:
        room.out.append(Record(room.decision(call, "owner_skipped", f"{agent}: {why}", agent)))
    elif call.return_to:
        back = room.agents.get(call.return_to)
        call.return_to = ""
        if back is not None and back.status is Status.AVAILABLE:
            room.out.append(Record(room.decision(call, "transfer_failed", f"{agent}: {why}; back to {back.id}", agent)))
            call.left_out.clear()
            call.hold_for = back.id
            call.hold_until = room.now + room.lines[call.queue].queue.ring_for
            if back.state is AgentState.WRAP_UP:
                back.wrap_until = room.now  # its own call comes back: there is nothing to write up yet
                room.refresh(back)
    if call.hold_direct and not call.hold_for and call.place is Place.WAITING:
        _divert(room, call, "message", f"transfer to {agent} failed: {why}")
    room.rerow(call)


def let_go(room: Room, agent: Agent) -> None:
    """Calls kept for an agent who cannot take them any more go to others."""
    rows = room.own_rows.get(agent.id, {})
    for id_ in sorted(id_ for row in rows.values() for id_ in row.ids()):
        resume(room, room.calls[id_])
    if not any(len(row) for row in rows.values()):
        room.own_rows.pop(agent.id, None)


def resume(room: Room, call: Call) -> None:
    """Something about the call changed: look what time has done meanwhile, and let agents find it if they may."""
    relax(room, call)
    if call.hold_for and call.place is Place.WAITING:
        why = _why_not_kept(room, call, call.hold_for)
        if call.hold_until <= room.now:
            why = "not free in time"
        if why:
            release(room, call, why)
    if call.row is None:
        room.rerow(call)
    if room.can_be_taken(call):
        if call.left_out:
            room.dirty_calls[call.id] = None
        room.to_review[call.id] = None
    rearm(room, call)


def call_due(room: Room, call: Call) -> None:
    """An instant of this call has come."""
    if not call.attached and call.detached_at + room.policy.forget_detached <= room.now:
        room.out.append(Record(room.decision(call, "forgotten", "no server took the caller up again")))
        room.forget(call)
    else:
        resume(room, call)


def detach(room: Room, call: Call) -> None:
    """No server holds the caller: the place is kept, nothing is offered."""
    if call.attached:
        call.attached, call.detached_at = False, room.now
    room.unrow(call)
    rearm(room, call)


def relax(room: Room, call: Call) -> None:
    """Bring the step in force up to date. Steps only go forward."""
    steps = call.plan.steps
    target = call.step
    waited = room.now - call.entered
    while target + 1 < len(steps) and steps[target + 1][0] <= waited:
        target += 1
    skipped: list[int] = []
    if call.plan.is_hopeless:
        if call.hopeless_since is None:
            call.hopeless_since = room.now
            rule = f"nobody signed in meets {steps[-1][1].requirement}"
            room.out.append(Record(explained(room, call, "no_agent", rule)))
    else:
        call.hopeless_since = None
        while not steps[target][1].staff:
            skipped.append(target)
            target += 1
    if target == call.step:
        return
    for index in skipped:
        rule = f"step {index}: nobody signed in meets {steps[index][1].requirement}"
        room.out.append(Record(room.decision(call, "skip_relaxation", rule)))
    call.step = target
    rule = f"step {target} after {waited:.0f} s: {steps[target][1].requirement}"
    room.out.append(Record(room.decision(call, "relax", rule)))
    if call.row is not None and not call.hold_for:
        room.rerow(call)


def conclude(room: Room, call: Call) -> None:
    """Nobody takes the call at this instant: overflow what is due, then say where the caller stands."""
    if not room.can_be_taken(call):
        return
    if not call.hold_direct and not call.promised:
        for index, way in enumerate(room.lines[call.queue].recipes):
            if index in call.fired:
                continue
            applies = _applies(room, call, way)
            if applies or way.above is not None:
                call.fired.append(index)
            if applies and overflow(room, call, way):
                return
    if not call.recorded:
        call.recorded = True
        if not call.promised:
            _predict(room, call)
        if call.hopeless_since is None:
            room.out.append(Record(explained(room, call, "wait", "nobody who may take it is ready")))
    if call.announce_at is not None and call.announce_at <= room.now:
        announce(room, call)
    rearm(room, call)


def _applies(room: Room, call: Call, way: Overflow) -> bool:
    if way.after is not None:
        return call.entered + way.after <= room.now
    if way.above is not None:
        return room.lines[call.queue].row.index(call) >= way.above
    return call.hopeless_since is not None and call.hopeless_since + (way.hopeless or 0.0) <= room.now


def overflow(room: Room, call: Call, way: Overflow) -> bool:
    """Follow one recipe; whether the call left its line by it. Who is offered a callback waits on until they accept."""
    rule = f"{way.describe()}: to {way.to}"
    if way.to == "callback":
        room.out.append(Divert(call.id, "callback", explained(room, call, "overflow", rule)))
        return False
    if way.to in ("message", "goodbye"):
        _divert(room, call, way.to, rule)
    elif way.to in call.been or way.to not in room.lines:
        resort = room.lines[call.queue].queue.last_resort
        _divert(room, call, resort, f"{rule}, where it cannot go; so to {resort}")
    else:
        requirement = way.requirement or room.lines[way.to].queue.own_requirement()
        move(room, call, way.to, requirement, "overflow", rule)
    return True


def _divert(room: Room, call: Call, to: str, rule: str) -> None:
    call.place = Place.LEAVING
    call.left_to = to
    room.unrow(call)
    room.out.append(Divert(call.id, to, explained(room, call, "overflow", rule)))
    rearm(room, call)


def move(room: Room, call: Call, queue: str, requirement: Requirement, kind: str, rule: str, agent: str = "") -> None:
    """Put the call in another line. It keeps its queue time; steps, recipes and announcements begin anew."""
    preferred = requirement.preferred or call.asked.requirement.preferred
    room.leave(call)
    call.been.append(call.queue)
    call.asked = replace(call.asked, queue=queue, requirement=Requirement(requirement.required, preferred))
    call.begin_anew(room.now)
    room.enter(call)
    room.out.append(Moved(call.id, queue, room.decision(call, kind, rule, agent)))
    begin(room, call)


def rearm(room: Room, call: Call) -> None:
    """Set the one instant at which this call is looked at next. What is due by now is seen to within this event."""
    now = room.now
    dues: list[float] = []
    if not call.attached:
        dues.append(call.detached_at + room.policy.forget_detached)
    elif call.place is Place.WAITING:
        if call.hold_for:
            dues.append(call.hold_until)
        dues.extend(call.left_out.values())
        if call.announce_at is not None:
            dues.append(call.announce_at)
        if not call.hold_direct and not call.promised:
            for index, way in enumerate(room.lines[call.queue].recipes):
                if index in call.fired:
                    continue
                if way.after is not None:
                    dues.append(call.entered + way.after)
                elif way.hopeless is not None and call.hopeless_since is not None:
                    dues.append(call.hopeless_since + way.hopeless)
    due = min((due for due in dues if due > now), default=None)
    step = next_step_at(call)
    if step is not None and (due is None or step < due):
        due = step
    room.timers.arm(CALL, call.id, call, due)


def _predict(room: Room, call: Call) -> None:
    place = room.lines[call.queue].row.index(call) + 1
    interval = room.estimates[call.queue].predict(place, room.shape(call).manned)
    if interval is not None:
        call.predicted = [room.now, *interval]


def explained(room: Room, call: Call, kind: str, rule: str) -> Decision:
    """A decision record with the agents as they were looked at."""
    listed, left_out = candidates(room, call)
    return replace(room.decision(call, kind, rule), candidates=listed, candidates_left_out=left_out)


def announce(room: Room, call: Call) -> None:
    """Say place and expected wait. They never go up without the reason being said; a small rise is not said at all."""
    line = room.lines[call.queue]
    place, staff = line.row.index(call) + 1, room.shape(call).manned
    interval = room.estimates[call.queue].predict(place, staff)
    low, high = interval[1:] if interval else (None, None)
    why = ""
    first = not call.said
    if not first:
        before, low_before, high_before, staff_before = call.said
        if place > (before or 0):
            why = "overtaken"
        if high is not None and high_before is not None and low_before is not None and high > high_before:
            if why or high > high_before * 1.1 + 5.0:
                why = why or ("fewer_agents" if staff < (staff_before or 0) else "longer_calls")
            else:
                low, high = min(low or 0.0, low_before), high_before
        elif high is None and high_before is not None:
            why = why or "fewer_agents"
    call.said = [place, low, high, staff]
    call.announce_at = room.now + line.queue.announce_every
    room.out.append(Announce(call.id, place, low, high, first, why))
