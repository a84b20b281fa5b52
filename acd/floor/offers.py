"""An offer stands until the agent answers or does not; at most one for an agent, at most one for a call.

Only two outcomes are the agent's: not answered and declined. Whatever the outcome, the caller keeps the place.
"""

from __future__ import annotations

from acd.commands import Tell, Withdraw
from acd.events import OfferAnswered, OfferFailed, OfferRinging, Outcome, Status
from acd.floor.agents import AgentState, Signal
from acd.floor.calls import Call, Place, Ring
from acd.floor.escalation import detach, let_go, release, resume
from acd.floor.state import Room
from acd.timers import OFFER


def offer_ringing(room: Room, event: OfferRinging) -> None:
    ring = room.rings.get(event.offer)
    if ring is not None and not ring.rang:
        ring.rang = True
        room.move(room.agents[ring.agent], Signal.RANG)
        if room.calls[ring.call].dialled_until:  # the agent was reserved long before: the phone rings its full time
            full = room.now + room.line(ring.queue).queue.ring_for + room.policy.offer_grace
            ring.deadline = max(ring.deadline, full)
            room.timers.arm(OFFER, ring.id, ring, ring.deadline)


def offer_answered(room: Room, event: OfferAnswered) -> None:
    """A conversation begins; the call waits no more."""
    ring = room.rings.get(event.offer)
    if ring is None:
        return
    _close(room, ring)
    agent, call = room.agents[ring.agent], room.calls[ring.call]
    agent.misses = 0
    agent.call, agent.talk_queue, agent.talk_since = call.id, ring.queue, room.now
    agent.recent.append(room.now)
    room.move(agent, Signal.ANSWERED)
    if call.predicted:
        room.estimates[ring.queue].judge(call.predicted, room.now)
    room.talk(call.asked).agents.append(agent.id)
    room.forget(call)


def offer_failed(room: Room, event: OfferFailed) -> None:
    ring = room.rings.get(event.offer)
    if ring is not None:
        fail(room, ring, event.outcome)


def fail(room: Room, ring: Ring, outcome: Outcome) -> None:
    """The offer is over without a conversation: rest for the agent, the same place for the caller."""
    _close(room, ring)
    agent, call, policy = room.agents[ring.agent], room.calls[ring.call], room.policy
    room.touch(agent)
    agent.call = 0
    agent.move(Signal.OFFER_OVER, room.now)
    agent.rest_until = max(agent.rest_until, room.now + getattr(policy.rest_after, outcome.value))
    if outcome is Outcome.NO_ANSWER:
        agent.misses += 1
        if policy.no_answer_resets_idle:
            agent.idle_since = room.now
        if agent.misses >= room.line(ring.queue).queue.max_no_answers:
            agent.status, agent.reason = Status.BREAK, "no_answer"
            room.out.append(Tell(agent.id, "break", f"{agent.misses} calls in a row were not answered"))
            agent.misses = 0
    elif outcome is Outcome.UNREGISTERED:
        room.out.append(Tell(agent.id, "phone_unreachable", "a call could not be rung: the phone is not registered"))
    room.refresh(agent)
    if outcome is Outcome.CALLER_GONE and not call.promised:
        detach(room, call)
    else:
        call.left_out[agent.id] = room.now + policy.round_pause
    _back_in_line(room, call, agent.id, outcome.value)
    if agent.status is not Status.AVAILABLE:
        let_go(room, agent)


def withdraw(room: Room, ring: Ring, why: str) -> None:
    """The floor takes an offer back; the agent is not to blame."""
    _close(room, ring)
    agent, call = room.agents[ring.agent], room.calls[ring.call]
    agent.call = 0
    room.move(agent, Signal.OFFER_OVER)
    room.out.append(Withdraw(ring.id, call.id, agent.id, why))
    _back_in_line(room, call, agent.id, why)


def offer_due(room: Room, ring: Ring) -> None:
    """Nobody reported in time. If the phone rang, it was not answered; else the server lost it."""
    room.out.append(Withdraw(ring.id, ring.call, ring.agent, "nothing was heard of it in time"))
    rang = room.agents[ring.agent].state is AgentState.RINGING
    fail(room, ring, Outcome.NO_ANSWER if rang else Outcome.LOST)


def _close(room: Room, ring: Ring) -> None:
    del room.rings[ring.id]
    room.timers.arm(OFFER, ring.id, ring, None)
    room.agents[ring.agent].offer = 0


def _back_in_line(room: Room, call: Call, agent: str, why: str) -> None:
    call.offer = 0
    call.place = Place.WAITING
    if call.hold_for == agent:
        release(room, call, why)
    resume(room, call)
