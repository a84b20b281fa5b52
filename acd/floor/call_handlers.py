"""Events about calls: a waiting caller keeps the queue time until an agent answers or the call leaves the queue.

An event that comes late, twice, or about a call that is over changes nothing.
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
from acd.floor.agent_handlers import break_off, end_leg, hang_up
from acd.floor.agents import AgentState, Signal
from acd.floor.calls import Call, CallState, Conversation
from acd.floor.escalation import begin, detach, move, rearm, resume
from acd.floor.offers import fail, withdraw
from acd.floor.routing import offer
from acd.floor.state import FloorState


def call_queued(floor: FloorState, event: CallQueued) -> None:
    """A new call, a call that waits again, or a call that a server took over."""
    if event.call in floor.ended:
        return
    known = floor.calls.get(event.call)
    if known is None:
        conversation = floor.conversations.get(event.call)
        if conversation is not None and conversation.agents and event.promised:
            return  # an agent has it already
        if conversation is not None and not conversation.agents:
            floor.end_conversation(event.call)
        enter(floor, Call(event, floor.now))
        return
    same = (event.queue, event.requirement) == (known.asked.queue, known.asked.requirement)
    if not same and known.state is CallState.WAITING and event.queue not in known.been:
        first, promised = min(event.queued_at, known.asked.queued_at), event.promised and known.promised
        known.asked = replace(event, queue=known.queue, queued_at=first, promised=promised)
        known.attached = True
        move(floor, known, event.queue, event.requirement, "queued_again", f"the call was queued for {event.queue}")
        return
    attach(floor, known)


def enter(floor: FloorState, call: Call) -> None:
    """The call begins to wait in its queue."""
    floor.enter(call)
    begin(floor, call)


def call_detached(floor: FloorState, event: CallDetached) -> None:
    """The standing offer is lost with the server, which does not count against the agent.

    A callback whose customer is not on the line yet needs no server.
    """
    call = floor.calls.get(event.call)
    if call is None or not call.attached or call.promised:
        return
    if call.offer:
        fail(floor, floor.offers[call.offer], Outcome.LOST)
    detach(floor, call)


def call_attached(floor: FloorState, event: CallAttached) -> None:
    """A server holds the caller again."""
    call = floor.calls.get(event.call)
    if call is not None:
        attach(floor, call)


def attach(floor: FloorState, call: Call) -> None:
    """A server holds the caller. A call that was leaving is diverted again: the new server may not know."""
    if call.attached:
        return
    call.attached = True
    if call.state is CallState.LEAVING:
        again = floor.decision(call, "overflow", f"taken up again on the way to {call.left_to}")
        floor.out.append(Divert(call.id, call.left_to, again))
    resume(floor, call)


def call_left_queue(floor: FloorState, event: CallLeftQueue) -> None:
    """The caller left the queue without an agent."""
    call = floor.calls.get(event.call)
    if call is not None:
        if call.offer:
            withdraw(floor, floor.offers[call.offer], f"the caller left the queue: {event.why}")
        floor.forget(call)


def call_ended(floor: FloorState, event: CallEnded) -> None:
    """The caller is gone: the call is forgotten, and the agents of its conversation go into wrap-up."""
    call = floor.calls.get(event.call)
    if call is not None:
        if call.offer:
            withdraw(floor, floor.offers[call.offer], f"the caller is gone: {event.cause}")
        if call.predicted:
            floor.estimates[call.queue].gave_up(call.predicted, floor.now)
        floor.forget(call)
    conversation = floor.end_conversation(event.call)
    for name in conversation.agents if conversation is not None else ():
        agent = floor.agents.get(name)
        if agent is not None and agent.state is AgentState.ON_CALL and agent.call == event.call:
            end_leg(floor, agent, conversation, event.ended_at)
    floor.end(event.call)


# Acts of agents and supervisors


def priority_set(floor: FloorState, event: PrioritySet) -> None:
    """The call gets the position that its new priority gives it."""
    call = floor.calls.get(event.call)
    if call is not None and call.priority != event.priority:
        call.asked = replace(call.asked, priority=event.priority)
        floor.reorder(call)
        reason = f": {event.reason}" if event.reason else ""
        rule = f"priority {event.priority} by {event.by or 'the system'}{reason}"
        floor.out.append(Record(floor.decision(call, "priority", rule)))


def call_moved(floor: FloorState, event: CallMoved) -> None:
    """A supervisor moved the call to another queue. It may overflow again into queues where it was before."""
    call = floor.calls.get(event.call)
    if call is None or call.state is CallState.LEAVING:
        return
    if call.offer:
        withdraw(floor, floor.offers[call.offer], f"moved to {event.queue} by {event.by}")
    floor.queue(event.queue)
    call.been.clear()
    move(floor, call, event.queue, event.requirement, "moved", f"by {event.by}: {event.reason}")


def call_pulled(floor: FloorState, event: CallPulled) -> None:
    """One call is offered out of turn to one agent, whatever the skills. The agent must be ready."""
    call, agent = floor.calls.get(event.call), floor.agents.get(event.agent)
    if call is None or agent is None:
        return
    why = ""
    if not call.attached or call.state is CallState.LEAVING:
        why = "the caller cannot be reached at the moment"
    elif call.offer and floor.offers[call.offer].agent == agent.id:
        return
    else:
        why = agent.why_not_ready(floor.now)
    if why:
        floor.out.append(Record(floor.decision(call, "pull_refused", f"{agent.id}: {why}", agent.id)))
        floor.out.append(Tell(event.by or agent.id, "pull_refused", f"call {call.id} for {agent.id}: {why}"))
        return
    if call.offer:
        withdraw(floor, floor.offers[call.offer], f"pulled for {agent.id} by {event.by}")
    call.reserved_for, call.direct = "", False
    reason = f": {event.reason}" if event.reason else ""
    offer(floor, call, agent, f"pulled by {event.by or agent.id}{reason}", "pulled")


# Conversations


def conversation_ended(floor: FloorState, event: ConversationEnded) -> None:
    """One agent's leg is over."""
    agent = floor.agents.get(event.agent)
    if agent is None or agent.state is not AgentState.ON_CALL or agent.call != event.call:
        return
    conversation = floor.conversations.get(event.call)
    if conversation is not None and agent.id in conversation.agents:
        conversation.agents.remove(agent.id)
    if event.broken is not None:
        break_off(floor, agent, event.broken)
    else:
        end_leg(floor, agent, conversation, event.ended_at, left=event.by == "agent")


def transferred(floor: FloorState, event: Transferred) -> None:
    """The agent's leg is over; the call goes to the target agent, to an outside number, or waits again."""
    conversation, agent = floor.conversations.get(event.call), floor.agents.get(event.agent)
    if conversation is None or agent is None or agent.call != event.call or agent.state is not AgentState.ON_CALL:
        return
    conversation.agents.remove(agent.id)
    target = floor.agents.get(event.to) if event.kind == "agent" else None
    hang_up(floor, agent)
    if event.kind == "outside":
        conversation.outside = event.to
        _hand_over(floor, event, conversation, f"{event.agent} sent the call out to {event.to}")
    elif target is not None and event.attended:
        if target.can(Signal.HANDED_OVER):
            target.why = ""
            target.call, target.talk_queue, target.talk_since = event.call, conversation.asked.queue, floor.now
            target.wrap_started, target.wrap_until = 0.0, None
            conversation.agents.append(target.id)
            floor.move(target, Signal.HANDED_OVER)
            _hand_over(floor, event, conversation, f"{event.agent} handed the call over to {target.id}")
    else:
        _queue_again(floor, event, direct=event.to if event.kind == "agent" else "")


def _hand_over(floor: FloorState, event: Transferred, conversation: Conversation, rule: str) -> None:
    """The next leg gets a number of its own, for its records and its recording."""
    number = floor.take_offer_number()
    decision = Decision(
        event.call, "handed_over", rule, floor.now, queue=conversation.asked.queue, agent=event.to, offer=number
    )
    floor.out.append(HandedOver(number, event.call, event.to, event.attended, decision, by=event.agent))


def _queue_again(floor: FloorState, event: Transferred, *, direct: str) -> None:
    conversation = floor.conversations[event.call]
    asked = conversation.asked
    if not conversation.agents:
        floor.end_conversation(event.call)
    if event.call in floor.calls:
        return
    if not direct:
        requirement = event.requirement or floor.queue(event.to).rules.own_requirement()
        asked = replace(asked, queue=event.to, requirement=requirement, owner="", first=False)
    call = Call(asked, floor.now)
    if direct:
        call.reserved_for, call.direct, call.return_to = direct, True, event.agent
        call.reserved_until = floor.now + floor.queue(asked.queue).rules.ring_for
    enter(floor, call)


# Rules


def policy_set(floor: FloorState, event: PolicySet) -> None:
    """New rules for every waiting call, each at its own position."""
    floor.set_policy(event.policy)
    for id_ in sorted(floor.calls):
        call = floor.calls[id_]
        if call.state is CallState.OFFERED:
            rearm(floor, call)
        else:
            resume(floor, call)
