"""A call of the hotline's own making stands in the one order like any other; but nobody is on its line until they
answer.

Until then nothing is announced to it and nothing overflows, no server needs to hold it, and the agent it reserved stays
reserved for as long as the attempt may take. An agent who waited in vain for the customer is free at once.
"""

from __future__ import annotations

from dataclasses import replace

from acd.callbacks.events import AttemptAnswered, AttemptEnded, AttemptOutcome, AttemptStarted
from acd.events import Joined
from acd.floor.agent_handlers import stand_down
from acd.floor.agents import AgentState
from acd.floor.calls import Call
from acd.floor.escalation import first_announcement, resume
from acd.floor.offers import withdraw
from acd.floor.state import FloorState


def attempt_started(floor: FloorState, event: AttemptStarted) -> None:
    """Who was reserved for the customer stays so until it must be known what came of it."""
    call = floor.calls.get(event.call)
    if call is None:
        return
    call.dialled_until = floor.now + event.wait_for + floor.policy.offer_grace
    offer = floor.offers.get(call.offer)
    if offer is not None:
        floor.extend_offer(offer, call.dialled_until)


def attempt_answered(floor: FloorState, event: AttemptAnswered) -> None:
    """Somebody is on the line: from now on they are a caller, at the place they had."""
    conversation = floor.conversations.get(event.call)
    if conversation is not None:
        conversation.asked = replace(conversation.asked, promised=False)
    call = floor.calls.get(event.call)
    if call is not None and call.promised:
        _begin_to_wait(floor, call)


def _begin_to_wait(floor: FloorState, call: Call) -> None:
    """Announcements and overflow begin as for one who entered now; what relaxed stays relaxed."""
    call.asked = replace(call.asked, promised=False)
    call.entered, call.fired, call.hopeless_since = floor.now, [], None
    call.announced, call.predicted, call.recorded = [], [], False
    call.announce_at = first_announcement(floor, call)
    resume(floor, call)


def attempt_ended(floor: FloorState, event: AttemptEnded) -> None:
    """The call is over, `CallEnded` only says so. An agent who spoke with the customer is told nothing by this."""
    call = floor.calls.get(event.call)
    if call is not None:
        if call.offer:
            withdraw(floor, floor.offers[call.offer], f"the customer was not reached: {event.outcome.value}")
        floor.forget(call)
    conversation = floor.conversations.get(event.call)
    if conversation is None or conversation.spoke:
        return
    floor.end_conversation(event.call)
    for name in conversation.agents:
        agent = floor.agents.get(name)
        if agent is not None and agent.state is AgentState.ON_CALL and agent.call == event.call:
            stand_down(floor, agent, left=event.outcome is AttemptOutcome.AGENT_GONE)


def joined(floor: FloorState, event: Joined) -> None:
    """From now on there is a conversation, whatever is still heard of the attempt."""
    conversation = floor.conversations.get(event.call)
    if conversation is not None:
        conversation.spoke = True
