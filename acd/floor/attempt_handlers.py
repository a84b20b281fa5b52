"""Events about callbacks on the floor: a call that the hotline places waits in the same order as every other call.

Until the customer answers, no caller is on the line: the call gets no announcements, does not overflow, and needs no
server to hold it. The agent stays reserved for as long as the attempt may take, and is free at once when it fails.
"""

from __future__ import annotations

from dataclasses import replace

from acd.callbacks.events import AttemptAnswered, AttemptEnded, AttemptOutcome, AttemptStarted, NobodyThere
from acd.events import Joined
from acd.floor.agent_handlers import stand_down
from acd.floor.agents import AgentState
from acd.floor.calls import Call
from acd.floor.escalation import first_announcement, resume
from acd.floor.offers import withdraw
from acd.floor.state import FloorState


def attempt_started(floor: FloorState, event: AttemptStarted) -> None:
    """The agent stays reserved until the outcome of the attempt is due."""
    call = floor.calls.get(event.call)
    if call is None:
        return
    call.dialled_until = floor.now + event.wait_for + floor.policy.offer_grace
    offer = floor.offers.get(call.offer)
    if offer is not None:
        floor.extend_offer(offer, call.dialled_until)


def attempt_answered(floor: FloorState, event: AttemptAnswered) -> None:
    """The customer answered, and is a caller from now on; the call keeps its position."""
    conversation = floor.conversations.get(event.call)
    if conversation is not None:
        conversation.asked = replace(conversation.asked, promised=False)
    call = floor.calls.get(event.call)
    if call is not None and call.promised:
        _begin_to_wait(floor, call)


def _begin_to_wait(floor: FloorState, call: Call) -> None:
    """Announcements and overflow begin as for a call that entered now; relaxation steps stay in force."""
    call.asked = replace(call.asked, promised=False)
    call.entered, call.fired, call.hopeless_since = floor.now, [], None
    call.announced, call.predicted, call.recorded = [], [], False
    call.announce_at = first_announcement(floor, call)
    resume(floor, call)


def attempt_ended(floor: FloorState, event: AttemptEnded) -> None:
    """The attempt failed: the call is over, and an agent who waited for the customer is free."""
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


def nobody_there(floor: FloorState, event: NobodyThere) -> None:
    """The agent heard a machine: the call is over, without a wrap-up for the agent."""
    conversation = floor.end_conversation(event.call)
    for name in conversation.agents if conversation is not None else ():
        agent = floor.agents.get(name)
        if agent is not None and agent.state is AgentState.ON_CALL and agent.call == event.call:
            stand_down(floor, agent)


def joined(floor: FloorState, event: Joined) -> None:
    """Caller and agent hear each other: a late end of the attempt changes nothing any more."""
    conversation = floor.conversations.get(event.call)
    if conversation is not None:
        conversation.spoke = True
