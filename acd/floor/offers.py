"""An offer stands until it is answered, fails or is withdrawn; at most one for an agent, at most one for a call.

What counts against the agent is said in `misses`. After every outcome the caller keeps the position.
"""

from __future__ import annotations

from acd.commands import Tell, Withdraw
from acd.events import OfferAnswered, OfferConfirming, OfferFailed, OfferRinging, Outcome, Status
from acd.floor import misses
from acd.floor.agents import AgentState, Signal
from acd.floor.calls import Call, CallState, StandingOffer
from acd.floor.escalation import detach, let_go, release, resume
from acd.floor.state import FloorState


def offer_ringing(floor: FloorState, event: OfferRinging) -> None:
    """The agent's phone rings."""
    offer = floor.offers.get(event.offer)
    if offer is not None and not offer.rang:
        offer.rang = True
        floor.move(floor.agents[offer.agent], Signal.RANG)
        if floor.calls[offer.call].dialled_until:  # the agent was reserved long before: the phone rings its full time
            full = floor.now + floor.queue(offer.queue).rules.ring_for + floor.policy.offer_grace
            floor.extend_offer(offer, full)


def offer_confirming(floor: FloorState, event: OfferConfirming) -> None:
    """The offer stands until the key is pressed, or its time is over."""
    offer = floor.offers.get(event.offer)
    if offer is not None:
        floor.extend_offer(offer, floor.now + event.within + floor.policy.offer_grace)


def offer_answered(floor: FloorState, event: OfferAnswered) -> None:
    """A conversation begins; the call waits no more."""
    offer = floor.offers.get(event.offer)
    if offer is None:
        return
    floor.close_offer(offer)
    agent, call = floor.agents[offer.agent], floor.calls[offer.call]
    agent.call, agent.talk_queue, agent.talk_since = call.id, offer.queue, floor.now
    agent.recent.append(floor.now)
    floor.move(agent, Signal.ANSWERED)
    if call.predicted:
        floor.estimates[offer.queue].judge(call.predicted, floor.now)
    floor.conversation(call.asked).agents.append(agent.id)
    floor.forget(call)


def offer_failed(floor: FloorState, event: OfferFailed) -> None:
    """The offer is over without a conversation."""
    offer = floor.offers.get(event.offer)
    if offer is not None:
        fail(floor, offer, event.outcome)


def fail(floor: FloorState, offer: StandingOffer, outcome: Outcome) -> None:
    """The offer is over without a conversation: the agent rests, and the call waits on at its position."""
    floor.close_offer(offer)
    agent, call, policy = floor.agents[offer.agent], floor.calls[offer.call], floor.policy
    floor.touch(agent)
    agent.call = 0
    agent.move(Signal.OFFER_OVER, floor.now)
    agent.rest_until = max(agent.rest_until, floor.now + getattr(policy.rest_after, outcome.value, 0.0))
    if outcome in misses.MISSES and policy.no_answer_resets_idle:
        agent.idle_since = floor.now
    misses.count(floor, agent, outcome, offer.queue)
    if outcome is Outcome.UNREGISTERED:
        floor.out.append(Tell(agent.id, "phone_unreachable", "a call could not be rung: the phone is not registered"))
    floor.refresh(agent)
    if outcome is Outcome.CALLER_GONE and not call.promised:
        detach(floor, call)
    else:
        call.left_out[agent.id] = floor.now + policy.round_pause
    _back_to_waiting(floor, call, agent.id, outcome.value)
    if agent.status is not Status.AVAILABLE:
        let_go(floor, agent)


def withdraw(floor: FloorState, offer: StandingOffer, why: str) -> None:
    """The floor takes an offer back. This does not count against the agent."""
    floor.close_offer(offer)
    agent, call = floor.agents[offer.agent], floor.calls[offer.call]
    agent.call = 0
    floor.move(agent, Signal.OFFER_OVER)
    floor.out.append(Withdraw(offer.id, call.id, agent.id, why))
    _back_to_waiting(floor, call, agent.id, why)


def offer_due(floor: FloorState, offer: StandingOffer) -> None:
    """No outcome was reported in time. If the phone rang, the offer was not answered; else the server lost it."""
    rang = floor.agents[offer.agent].state is AgentState.RINGING
    outcome = Outcome.NO_ANSWER if rang else Outcome.LOST
    floor.out.append(Withdraw(offer.id, offer.call, offer.agent, "nothing was heard of it in time", outcome))
    fail(floor, offer, outcome)


def _back_to_waiting(floor: FloorState, call: Call, agent: str, why: str) -> None:
    call.offer = 0
    call.state = CallState.WAITING
    if call.reserved_for == agent:
        release(floor, call, why)
    resume(floor, call)
