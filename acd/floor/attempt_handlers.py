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
from acd.floor.state import Room
from acd.timers import OFFER


def attempt_started(room: Room, event: AttemptStarted) -> None:
    """Who was reserved for the customer stays so until it must be known what came of it."""
    call = room.calls.get(event.call)
    if call is None:
        return
    call.dialled_until = room.now + event.wait_for + room.policy.offer_grace
    ring = room.rings.get(call.offer)
    if ring is not None and ring.deadline < call.dialled_until:
        ring.deadline = call.dialled_until
        room.timers.arm(OFFER, ring.id, ring, ring.deadline)


def attempt_answered(room: Room, event: AttemptAnswered) -> None:
    """Somebody is on the line: from now on they are a caller, at the place they had."""
    talk = room.talks.get(event.call)
    if talk is not None:
        talk.asked = replace(talk.asked, promised=False)
    call = room.calls.get(event.call)
    if call is not None and call.promised:
        _begin_to_wait(room, call)


def _begin_to_wait(room: Room, call: Call) -> None:
    """Announcements and overflow begin as for one who entered now; what relaxed stays relaxed."""
    call.asked = replace(call.asked, promised=False)
    call.entered, call.fired, call.hopeless_since = room.now, [], None
    call.said, call.predicted, call.recorded = [], [], False
    call.announce_at = first_announcement(room, call)
    resume(room, call)


def attempt_ended(room: Room, event: AttemptEnded) -> None:
    """The call is over, `CallEnded` only says so. An agent who spoke with the customer is told nothing by this."""
    call = room.calls.get(event.call)
    if call is not None:
        if call.offer:
            withdraw(room, room.rings[call.offer], f"the customer was not reached: {event.outcome.value}")
        room.forget(call)
    talk = room.talks.get(event.call)
    if talk is None or talk.spoke:
        return
    del room.talks[event.call]
    for name in talk.agents:
        agent = room.agents.get(name)
        if agent is not None and agent.state is AgentState.ON_CALL and agent.call == event.call:
            stand_down(room, agent, left=event.outcome is AttemptOutcome.AGENT_GONE)


def joined(room: Room, event: Joined) -> None:
    """From now on there is a conversation, whatever is still heard of the attempt."""
    talk = room.talks.get(event.call)
    if talk is not None:
        talk.spoke = True
