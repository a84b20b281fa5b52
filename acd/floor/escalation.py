"""What time does to a waiting call: the requirement relaxes, the caller hears announcements, and the call overflows.

Relaxation goes on while a phone rings and while no server holds the caller. A step that no signed-in agent meets is
skipped at once, and the record says so. Overflow and announcements come only after no agent could take the call.
"""

from __future__ import annotations

from dataclasses import replace

from acd.commands import Announce, Divert, Moved, Record
from acd.decisions import Decision
from acd.events import Status
from acd.floor.agents import Agent, AgentState
from acd.floor.calls import Call, CallState
from acd.floor.explain import candidates
from acd.floor.routing import next_step_at
from acd.floor.state import FloorState
from acd.policy.definitions import Overflow, Requirement


def begin(floor: FloorState, call: Call) -> None:
    """The call entered a queue: prefer its owner, relax what no agent meets, and make it available."""
    call.announce_at = first_announcement(floor, call)
    for sentence in call.plan.refused:
        floor.out.append(Record(floor.decision(call, "skip_relaxation", sentence)))
    if call.asked.owner and not call.reserved_for and floor.queues[call.queue].rules.owner_first > 0:
        prefer_owner(floor, call)
    resume(floor, call)


def first_announcement(floor: FloorState, call: Call) -> float | None:
    """The instant of the first announcement; None without announcements, or while no caller is on the line."""
    rules = floor.queues[call.queue].rules
    return floor.now + rules.announce_first if rules.announce_every > 0 and not call.promised else None


def prefer_owner(floor: FloorState, call: Call) -> None:
    """Reserve the call for its owner for `owner_first` seconds, if the owner is available and has the skills."""
    owner = call.asked.owner
    if why := _why_not_reserved(floor, call, owner):
        floor.out.append(Record(floor.decision(call, "owner_skipped", f"{owner}: {why}", owner)))
    else:
        call.reserved_for = owner
        call.reserved_until = floor.now + floor.queues[call.queue].rules.owner_first


def _why_not_reserved(floor: FloorState, call: Call, name: str) -> str:
    """Why the call cannot be reserved for this agent; empty when the agent may take it soon."""
    agent = floor.agents.get(name)
    if agent is None:
        return "unknown agent"
    if agent.status is not Status.AVAILABLE:
        return agent.why_not_ready(floor.now)
    if agent.pending:
        return f"{agent.pending[0].value} when the call is over"
    if not call.direct and not floor.requirement(call).met_by(agent.skills):
        return f"does not meet {floor.requirement(call)}"
    return ""


def release(floor: FloorState, call: Call, why: str) -> None:
    """The call is no longer reserved. A failed blind transfer goes back to the agent who made it, then to a message."""
    agent, call.reserved_for = call.reserved_for, ""
    if not call.direct:
        floor.out.append(Record(floor.decision(call, "owner_skipped", f"{agent}: {why}", agent)))
    elif call.return_to:
        back = floor.agents.get(call.return_to)
        call.return_to = ""
        if back is not None and back.status is Status.AVAILABLE:
            rule = f"{agent}: {why}; back to {back.id}"
            floor.out.append(Record(floor.decision(call, "transfer_failed", rule, agent)))
            call.left_out.clear()
            call.reserved_for = back.id
            call.reserved_until = floor.now + floor.queues[call.queue].rules.ring_for
            if back.state is AgentState.WRAP_UP:
                back.wrap_until = floor.now  # the call comes back: there is nothing to write up yet
                floor.refresh(back)
    if call.direct and not call.reserved_for and call.state is CallState.WAITING:
        _divert(floor, call, "message", f"transfer to {agent} failed: {why}")
    floor.make_available(call)


def let_go(floor: FloorState, agent: Agent) -> None:
    """Calls that are reserved for an agent who cannot take them any more go to others."""
    for call in floor.calls_reserved_for(agent):
        resume(floor, call)
    floor.tidy_reserved(agent)


def resume(floor: FloorState, call: Call) -> None:
    """The call changed: relax what is due, end a reservation that is over, and make the call available."""
    relax(floor, call)
    if call.reserved_for and call.state is CallState.WAITING:
        why = _why_not_reserved(floor, call, call.reserved_for)
        if call.reserved_until <= floor.now:
            why = "not free in time"
        if why:
            release(floor, call, why)
    if call.available_in is None:
        floor.make_available(call)
    if floor.can_be_taken(call):
        floor.review(call)
    rearm(floor, call)


def call_due(floor: FloorState, call: Call) -> None:
    """The timer of this call is due."""
    if not call.attached and call.detached_at + floor.policy.forget_detached <= floor.now:
        floor.out.append(Record(floor.decision(call, "forgotten", "no server took the caller up again")))
        floor.forget(call)
    else:
        resume(floor, call)


def detach(floor: FloorState, call: Call) -> None:
    """No server holds the caller: the call keeps its position, and is not offered."""
    if call.attached:
        call.attached, call.detached_at = False, floor.now
    floor.withhold(call)
    rearm(floor, call)


def relax(floor: FloorState, call: Call) -> None:
    """Put the step in force that is due. Steps only go forward."""
    steps = call.plan.steps
    target = call.step
    waited = floor.now - call.entered
    while target + 1 < len(steps) and steps[target + 1][0] <= waited:
        target += 1
    skipped: list[int] = []
    if call.plan.is_hopeless:
        if call.hopeless_since is None:
            call.hopeless_since = floor.now
            rule = f"nobody signed in meets {steps[-1][1].requirement}"
            floor.out.append(Record(explained(floor, call, "no_agent", rule)))
    else:
        call.hopeless_since = None
        while not steps[target][1].staff:
            skipped.append(target)
            target += 1
    if target == call.step:
        return
    for index in skipped:
        rule = f"step {index}: nobody signed in meets {steps[index][1].requirement}"
        floor.out.append(Record(floor.decision(call, "skip_relaxation", rule)))
    call.step = target
    rule = f"step {target} after {waited:.0f} s: {steps[target][1].requirement}"
    floor.out.append(Record(floor.decision(call, "relax", rule)))
    if call.available_in is not None and not call.reserved_for:
        floor.make_available(call)


def conclude(floor: FloorState, call: Call) -> None:
    """No agent takes the call at this instant: follow the overflow recipe that is due, else announce the position."""
    if not floor.can_be_taken(call):
        return
    if not call.direct and not call.promised:
        for index, way in enumerate(floor.queues[call.queue].recipes):
            if index in call.fired:
                continue
            applies = _applies(floor, call, way)
            if applies or way.above is not None:
                call.fired.append(index)
            if applies and overflow(floor, call, way):
                return
    if not call.recorded:
        call.recorded = True
        if not call.promised:
            _predict(floor, call)
        if call.hopeless_since is None:
            floor.out.append(Record(explained(floor, call, "wait", "nobody who may take it is ready")))
    if call.announce_at is not None and call.announce_at <= floor.now:
        announce(floor, call)
    rearm(floor, call)


def _applies(floor: FloorState, call: Call, way: Overflow) -> bool:
    if way.after is not None:
        return call.entered + way.after <= floor.now
    if way.above is not None:
        return floor.queues[call.queue].calls.index(call) >= way.above
    return call.hopeless_since is not None and call.hopeless_since + (way.hopeless or 0.0) <= floor.now


def overflow(floor: FloorState, call: Call, way: Overflow) -> bool:
    """Follow one recipe; whether the call left its queue. A caller who is offered a callback waits until accepting."""
    rule = f"{way.describe()}: to {way.to}"
    if way.to == "callback":
        floor.out.append(Divert(call.id, "callback", explained(floor, call, "overflow", rule)))
        return False
    if way.to in ("message", "goodbye"):
        _divert(floor, call, way.to, rule)
    elif way.to in call.been or way.to not in floor.queues:
        resort = floor.queues[call.queue].rules.last_resort
        _divert(floor, call, resort, f"{rule}, where it cannot go; so to {resort}")
    else:
        requirement = way.requirement or floor.queues[way.to].rules.own_requirement()
        move(floor, call, way.to, requirement, "overflow", rule)
    return True


def _divert(floor: FloorState, call: Call, to: str, rule: str) -> None:
    call.state = CallState.LEAVING
    call.left_to = to
    floor.withhold(call)
    floor.out.append(Divert(call.id, to, explained(floor, call, "overflow", rule)))
    rearm(floor, call)


def move(floor: FloorState, call: Call, queue: str, requirement: Requirement, kind: str, rule: str) -> None:
    """Put the call in another queue. It keeps its queue time; steps, recipes and announcements begin anew."""
    preferred = requirement.preferred or call.asked.requirement.preferred
    floor.leave(call)
    call.been.append(call.queue)
    call.asked = replace(call.asked, queue=queue, requirement=Requirement(requirement.required, preferred))
    call.begin_anew(floor.now)
    floor.enter(call)
    floor.out.append(Moved(call.id, queue, floor.decision(call, kind, rule)))
    begin(floor, call)


def rearm(floor: FloorState, call: Call) -> None:
    """Set the call's timer to its next instant. What is due now is handled within this event."""
    now = floor.now
    dues: list[float] = []
    if not call.attached:
        dues.append(call.detached_at + floor.policy.forget_detached)
    elif call.state is CallState.WAITING:
        if call.reserved_for:
            dues.append(call.reserved_until)
        dues.extend(call.left_out.values())
        if call.announce_at is not None:
            dues.append(call.announce_at)
        if not call.direct and not call.promised:
            for index, way in enumerate(floor.queues[call.queue].recipes):
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
    floor.wake_at(call, due)


def _predict(floor: FloorState, call: Call) -> None:
    position = floor.queues[call.queue].calls.index(call) + 1
    interval = floor.estimates[call.queue].predict(position, floor.profile(call).manned)
    if interval is not None:
        call.predicted = [floor.now, *interval]


def explained(floor: FloorState, call: Call, kind: str, rule: str) -> Decision:
    """A decision record with the agents as candidates."""
    listed, left_out = candidates(floor, call)
    return replace(floor.decision(call, kind, rule), candidates=listed, candidates_left_out=left_out)


def announce(floor: FloorState, call: Call) -> None:
    """Announce position and expected wait. Neither rises without a reason being said; a small rise is not announced."""
    queue = floor.queues[call.queue]
    position, staff = queue.calls.index(call) + 1, floor.profile(call).manned
    interval = floor.estimates[call.queue].predict(position, staff)
    low, high = interval[1:] if interval else (None, None)
    why = ""
    first = not call.announced
    if not first:
        before, low_before, high_before, staff_before = call.announced
        if position > (before or 0):
            why = "overtaken"
        if high is not None and high_before is not None and low_before is not None and high > high_before:
            if why or high > high_before * 1.1 + 5.0:
                why = why or ("fewer_agents" if staff < (staff_before or 0) else "longer_calls")
            else:
                low, high = min(low or 0.0, low_before), high_before
        elif high is None and high_before is not None:
            why = why or "fewer_agents"
    call.announced = [position, low, high, staff]
    call.announce_at = floor.now + queue.rules.announce_every
    floor.out.append(Announce(call.id, position, low, high, first, why))
