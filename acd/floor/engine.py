"""The floor: events in, commands out. Same events, same commands, byte for byte.

    floor = Floor()
    commands = floor.receive(event, now)   # the event is in the log already; `now` is the log's instant for it
    floor.next_timer()                     # when to append the next Tick, or None
    Floor.restore(floor.snapshot())        # goes on exactly as this one would

Each event runs in this order: its handler, then the timers that are due, then every offer that can be made, then
overflow and announcements for the calls that still wait. Time never runs backward: an earlier `now` counts as the
latest one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from acd import events
from acd.callbacks import events as callback_events
from acd.callbacks.states import Pressure
from acd.commands import Command
from acd.decisions import Candidate
from acd.floor import agent_handlers, attempt_handlers, call_handlers, offers
from acd.floor.escalation import call_due, conclude, resume
from acd.floor.explain import candidates
from acd.floor.routing import settle
from acd.floor.snapshot import restore, save
from acd.floor.state import FloorState
from acd.floor.views import AgentView, WaitingView, expected, pressures, waiting
from acd.policy.definitions import Policy
from acd.timers import AGENT, CALL

Handler = Callable[[FloorState, Any], None]

HANDLERS: dict[type[events.Event], Handler] = {
    events.PolicySet: call_handlers.policy_set,
    events.AgentDefined: agent_handlers.agent_defined,
    events.AgentRemoved: agent_handlers.agent_removed,
    events.StatusSet: agent_handlers.status_set,
    events.PhoneSeen: agent_handlers.phone_seen,
    events.WrapUpEnded: agent_handlers.wrap_up_ended,
    events.WrapUpExtended: agent_handlers.wrap_up_extended,
    events.AgentOccupied: agent_handlers.agent_occupied,
    events.AgentFreed: agent_handlers.agent_freed,
    events.InternalCallStarted: agent_handlers.internal_call_started,
    events.InternalCallEnded: agent_handlers.internal_call_ended,
    events.HoldStarted: agent_handlers.hold_started,
    events.HoldEnded: agent_handlers.hold_ended,
    events.ConsultStarted: agent_handlers.consult_started,
    events.ConsultEnded: agent_handlers.consult_ended,
    events.CallQueued: call_handlers.call_queued,
    events.CallDetached: call_handlers.call_detached,
    events.CallAttached: call_handlers.call_attached,
    events.CallLeftQueue: call_handlers.call_left_queue,
    events.CallEnded: call_handlers.call_ended,
    events.PrioritySet: call_handlers.priority_set,
    events.CallMoved: call_handlers.call_moved,
    events.CallPulled: call_handlers.call_pulled,
    events.OfferRinging: offers.offer_ringing,
    events.OfferConfirming: offers.offer_confirming,
    events.OfferAnswered: offers.offer_answered,
    events.OfferFailed: offers.offer_failed,
    events.ConversationEnded: call_handlers.conversation_ended,
    events.Transferred: call_handlers.transferred,
    events.Joined: attempt_handlers.joined,
    callback_events.AttemptStarted: attempt_handlers.attempt_started,
    callback_events.AttemptAnswered: attempt_handlers.attempt_answered,
    callback_events.AttemptEnded: attempt_handlers.attempt_ended,
    callback_events.NobodyThere: attempt_handlers.nobody_there,
}
"""Other events (a call arrived, a tick) only let time pass."""


class Floor:
    """All waiting calls and agents. An event goes in, the commands that follow from it come out."""

    def __init__(self, floor: FloorState | None = None) -> None:
        self.state = floor if floor is not None else FloorState()

    def receive(self, event: object, now: float) -> list[Command]:
        """Play one event of the log; `now` is UTC epoch seconds. An event about an unknown call or agent is ignored."""
        floor = self.state
        floor.now = max(floor.now, now)
        floor.out = []  # commands of an event that failed half-way are dropped
        floor.ripen()
        handler = HANDLERS.get(type(event))  # type: ignore[arg-type]
        if handler is not None:
            handler(floor, event)
        self._let_time_pass()
        while floor.dirty_calls or floor.dirty_agents or floor.to_review or floor.profiles.flipped:
            if floor.profiles.flipped:
                self._reconsider()
            settle(floor)
            while floor.to_review and not (floor.dirty_calls or floor.dirty_agents):
                conclude(floor, floor.calls[_first(floor.to_review)])
        if floor.touched:
            floor.report_changes()
        out, floor.out = floor.out, []
        return out

    def next_timer(self) -> float | None:
        """The instant (UTC epoch seconds) at which the floor wants a Tick, or None."""
        return self.state.timers.next()

    def snapshot(self) -> dict[str, Any]:
        """Everything the floor knows, as JSON has it."""
        return save(self.state)

    @staticmethod
    def restore(data: dict[str, Any]) -> Floor:
        """The floor of a snapshot. Raises ValueError when another version of the floor wrote it."""
        return Floor(restore(data))

    @property
    def policy(self) -> Policy:
        """The routing rules in force."""
        return self.state.policy

    def agent(self, agent: str) -> AgentView | None:
        """One agent as of the latest event; None if there is no such agent."""
        known = self.state.agents.get(agent)
        return AgentView.of(known) if known is not None and not known.removed else None

    def agents(self) -> list[AgentView]:
        """All agents, by id."""
        return [view for id_ in sorted(self.state.agents) if (view := self.agent(id_)) is not None]

    def waiting(self, now: float | None = None) -> list[WaitingView]:
        """All waiting calls, in the order in which they would be taken, at `now` or (None) at the latest event."""
        return waiting(self.state, self.state.now if now is None else now)

    def asked(self, call: int) -> events.CallQueued | None:
        """The event that queued a call that waits or was answered, with all changes since; None for other calls."""
        found = self.state.calls.get(call) or self.state.conversations.get(call)
        return found.asked if found is not None else None

    def pressures(self) -> list[Pressure]:
        """How busy every queue is, for `Callbacks.observe` after each event."""
        return pressures(self.state)

    def expected(self, queue: str, position: int) -> tuple[float, float] | None:
        """The expected wait at this position of a queue (1 is next): p50 and p90 in seconds.

        None when no agent is signed in for it, or there is no such queue.
        """
        return expected(self.state, queue, position)

    def explain(self, call: int) -> tuple[Candidate, ...]:
        """Every signed-in agent as a candidate for this waiting call; empty if it does not wait. Slow."""
        found = self.state.calls.get(call)
        return candidates(self.state, found, None)[0] if found is not None else ()

    def accuracy(self) -> dict[str, dict[str, float]]:
        """How often the estimated wait was right, by queue; see `Estimate.accuracy`."""
        return {name: estimate.accuracy() for name, estimate in self.state.estimates.items()}

    def _let_time_pass(self) -> None:
        floor = self.state
        while (key := floor.timers.pop(floor.now)) is not None:
            kind, id_ = key
            if kind == CALL:
                call_due(floor, floor.calls[int(id_)])
            elif kind == AGENT:
                agent_handlers.agent_due(floor, floor.agents[str(id_)])
            else:
                offers.offer_due(floor, floor.offers[int(id_)])

    def _reconsider(self) -> None:
        """The first agent of a profile signed in, or the last signed out: its calls may relax, or be hopeless now."""
        floor = self.state
        affected = sorted({id_ for plan in floor.profiles.flipped for id_ in plan.calls})
        floor.profiles.flipped.clear()
        for id_ in affected:
            resume(floor, floor.calls[id_])


def _first(ids: dict[int, None]) -> int:
    id_ = next(iter(ids))
    del ids[id_]
    return id_
