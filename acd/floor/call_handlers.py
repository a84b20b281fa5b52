"""The caller's side: a place, once taken, is kept until somebody talks to the caller or the caller goes.

Facts may come late, twice, or about calls that are gone: none of that changes anything.
"""

from __future__ import annotations

from dataclasses import replace

from acd.commands import Divert, HandedOver, Record, Tell
from acd.decisions import Decision
from acd.events import (
    CallAttached,
    CallDetached,
    CallEnded,
    CallLeftQueue,
    CallMoved,
    CallPulled,
    CallQueued,
    ConversationEnded,
    Outcome,
    PolicySet,
    PrioritySet,
    Transferred,
)
from acd.floor.agent_handlers import end_leg, hang_up
from acd.floor.agents import AgentState, Signal
from acd.floor.calls import Call, Place, Talk
from acd.floor.escalation import begin, detach, move, rearm, resume
from acd.floor.offers import fail, withdraw
from acd.floor.queue_order import Line
from acd.floor.routing import offer
from acd.floor.state import Room

REMEMBER_ENDED = 300.0
"""Seconds for which a call that ended is known as such."""


def call_queued(room: Room, event: CallQueued) -> None:
    """A new call, one that waits again, or one that some server took up again."""
    if event.call in room.ended:
        return
    known = room.calls.get(event.call)
    if known is None:
        talk = room.talks.get(event.call)
        if talk is not None and talk.agents and event.promised:
            return  # an agent has it already
        if talk is not None and not talk.agents:
            del room.talks[event.call]
        enter(room, Call(event, room.now))
        return
    same = (event.queue, event.requirement) == (known.asked.queue, known.asked.requirement)
    if not same and known.place is Place.WAITING and event.queue not in known.been:
        first, promised = min(event.queued_at, known.asked.queued_at), event.promised and known.promised
        known.asked = replace(event, queue=known.queue, queued_at=first, promised=promised)
        known.attached = True
        move(room, known, event.queue, event.requirement, "queued_again", f"the call was queued for {event.queue}")
        return
    attach(room, known)


def enter(room: Room, call: Call) -> None:
    room.calls[call.id] = call
    room.enter(call)
    begin(room, call)


def call_detached(room: Room, event: CallDetached) -> None:
    """The offer that stood is lost with the server; the agent is not to blame. Where nobody is, nobody is lost."""
    call = room.calls.get(event.call)
    if call is None or not call.attached or call.promised:
        return
    if call.offer:
        fail(room, room.rings[call.offer], Outcome.LOST)
    detach(room, call)


def call_attached(room: Room, event: CallAttached) -> None:
    call = room.calls.get(event.call)
    if call is not None:
        attach(room, call)


def attach(room: Room, call: Call) -> None:
    """A server holds the caller. One who was being diverted is diverted again: the server may not know."""
    if call.attached:
        return
    call.attached = True
    if call.place is Place.LEAVING:
        again = room.decision(call, "overflow", f"taken up again on the way to {call.left_to}")
        room.out.append(Divert(call.id, call.left_to, again))
    resume(room, call)


def call_left_queue(room: Room, event: CallLeftQueue) -> None:
    call = room.calls.get(event.call)
    if call is not None:
        if call.offer:
            withdraw(room, room.rings[call.offer], f"the caller left the queue: {event.why}")
        room.forget(call)


def call_ended(room: Room, event: CallEnded) -> None:
    call = room.calls.get(event.call)
    if call is not None:
        if call.offer:
            withdraw(room, room.rings[call.offer], f"the caller is gone: {event.cause}")
        if call.predicted:
            room.estimates[call.queue].gave_up(call.predicted, room.now)
        room.forget(call)
    talk = room.talks.pop(event.call, None)
    for name in talk.agents if talk is not None else ():
        agent = room.agents.get(name)
        if agent is not None and agent.state is AgentState.ON_CALL and agent.call == event.call:
            end_leg(room, agent, talk, event.ended_at)
    ended = room.ended
    ended[event.call] = room.now
    while (first := next(iter(ended))) != event.call and ended[first] < room.now - REMEMBER_ENDED:
        del ended[first]


# By a person


def priority_set(room: Room, event: PrioritySet) -> None:
    call = room.calls.get(event.call)
    if call is not None and call.priority != event.priority:
        call.asked = replace(call.asked, priority=event.priority)
        room.reorder(call)
        rule = f"priority {event.priority} by {event.by or 'the system'}" + (
            f": {event.reason}" if event.reason else ""
        )
        room.out.append(Record(room.decision(call, "priority", rule)))


def call_moved(room: Room, event: CallMoved) -> None:
    call = room.calls.get(event.call)
    if call is None or call.place is Place.LEAVING:
        return
    if call.offer:
        withdraw(room, room.rings[call.offer], f"moved to {event.queue} by {event.by}")
    room.line(event.queue)
    call.been.clear()
    move(room, call, event.queue, event.requirement, "moved", f"by {event.by}: {event.reason}")


def call_pulled(room: Room, event: CallPulled) -> None:
    """One call out of turn for one agent, skills or not; but the agent must be ready."""
    call, agent = room.calls.get(event.call), room.agents.get(event.agent)
    if call is None or agent is None:
        return
    why = ""
    if not call.attached or call.place is Place.LEAVING:
        why = "the caller cannot be reached at the moment"
    elif call.offer and room.rings[call.offer].agent == agent.id:
        return
    else:
        why = agent.why_not_ready(room.now)
    if why:
        room.out.append(Record(room.decision(call, "pull_refused", f"{agent.id}: {why}", agent.id)))
        room.out.append(Tell(event.by or agent.id, "pull_refused", f"call {call.id} for {agent.id}: {why}"))
        return
    if call.offer:
        withdraw(room, room.rings[call.offer], f"pulled for {agent.id} by {event.by}")
    call.hold_for, call.hold_direct = "", False
    offer(
        room, call, agent, f"pulled by {event.by or agent.id}" + (f": {event.reason}" if event.reason else ""), "pulled"
    )


# Conversations


def conversation_ended(room: Room, event: ConversationEnded) -> None:
    agent = room.agents.get(event.agent)
    if agent is None or agent.state is not AgentState.ON_CALL or agent.call != event.call:
        return
    talk = room.talks.get(event.call)
    if talk is not None and agent.id in talk.agents:
        talk.agents.remove(agent.id)
    end_leg(room, agent, talk, event.ended_at, left=event.by == "agent")


def transferred(room: Room, event: Transferred) -> None:
    talk, agent = room.talks.get(event.call), room.agents.get(event.agent)
    if talk is None or agent is None or agent.call != event.call or agent.state is not AgentState.ON_CALL:
        return
    talk.agents.remove(agent.id)
    target = room.agents.get(event.to) if event.kind == "agent" else None
    hang_up(room, agent)
    if event.kind == "outside":
        talk.outside = event.to
        _hand_over(room, event, talk, f"{event.agent} sent the call out to {event.to}")
    elif target is not None and event.attended:
        if target.can(Signal.HANDED_OVER):
            target.why = ""
            target.call, target.talk_queue, target.talk_since = event.call, talk.asked.queue, room.now
            target.wrap_started, target.wrap_until = 0.0, None
            talk.agents.append(target.id)
            room.move(target, Signal.HANDED_OVER)
            _hand_over(room, event, talk, f"{event.agent} handed the call over to {target.id}")
    else:
        _queue_again(room, event, direct=event.to if event.kind == "agent" else "")


def _hand_over(room: Room, event: Transferred, talk: Talk, rule: str) -> None:
    """The next leg has a number of its own, by which its records and its recording are known."""
    number = room.next_offer
    room.next_offer += 1
    decision = Decision(event.call, "handed_over", rule, room.now, queue=talk.asked.queue, agent=event.to, offer=number)
    room.out.append(HandedOver(number, event.call, event.to, event.attended, decision, by=event.agent))


def _queue_again(room: Room, event: Transferred, *, direct: str) -> None:
    talk = room.talks[event.call]
    asked = talk.asked
    if not talk.agents:
        del room.talks[event.call]
    if event.call in room.calls:
        return
    if not direct:
        line = room.line(event.to)
        requirement = event.requirement or line.queue.own_requirement()
        asked = replace(asked, queue=event.to, requirement=requirement, owner="")
    call = Call(asked, room.now)
    if direct:
        call.hold_for, call.hold_direct, call.return_to = direct, True, event.agent
        call.hold_until = room.now + room.line(asked.queue).queue.ring_for
    enter(room, call)


# Rules


def policy_set(room: Room, event: PolicySet) -> None:
    """New rules for everybody who waits, each at their own place. A queue that is gone keeps its rules until empty."""
    waiting = sorted(room.calls.values(), key=lambda call: call.id)
    for call in waiting:
        room.unrow(call)
    room.own_rows.clear()
    room.policy = event.policy
    room.shapes.forget_plans()
    old = room.lines
    room.lines = {}
    for queue in event.policy.queues:
        room.lines[queue.name] = Line(queue, event.policy.ageing_limit)
    for name in sorted(name for name, line in old.items() if name not in room.lines and len(line.row)):
        room.lines[name] = Line(old[name].queue, event.policy.ageing_limit)
    room.set_estimates()
    for call in waiting:
        last = call.step
        room.enter(call)
        call.step = min(last, len(call.plan.steps) - 1)
        call.fired = [index for index in call.fired if index < len(room.lines[call.queue].recipes)]
        if call.place is Place.OFFERED:
            rearm(room, call)
        else:
            resume(room, call)
