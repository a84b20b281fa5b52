"""The calls in progress, as the log tells them: what a session, a recovery or a page must know of a call now.

Changed only by `receive`, so that it is the same on every server that plays the log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import msgspec

import acd.callbacks.events as callback
import acd.events as acd
import ivr.events as ivr
import tickets.events as tickets
from acd.commands import HandedOver, Offer, Withdraw
from acd.policy.definitions import Requirement, Skill
from ivr.session import number_begun
from server.hotline.kept_places import KeptPlaces
from server.hotline.live_call import Leg, LiveCall, Stage, line_id

_REMEMBERED = 10_000
_CALLED_REMEMBERED = 100
_UNANSWERED = 600.0
"""Seconds for which a number that was begun is still to be left to an agent: after a crash that may be late."""


class Calls:
    """Every call in progress, by number and by the unique id of its channel."""

    def __init__(self) -> None:
        self._calls: dict[int, LiveCall] = {}
        self._by_unique_id: dict[str, LiveCall] = {}
        self._offers: dict[int, LiveCall] = {}
        self._taken: dict[str, int] = {}
        self._begun: dict[int, tuple[float, LiveCall]] = {}
        self._called: dict[int, str] = {}
        """The hotline's numbers that callers had dialled whose calls ended lately."""
        self.kept_places = KeptPlaces()
        self.consults: dict[int, tuple[str, str]] = {}
        """(who asks, who is asked) by call, until the end of the consultation is in the log."""
        self.monitors: dict[str, acd.MonitorStarted] = {}
        """Supervisors who take part in a conversation, by the unique id of their channel."""
        self.internal: dict[str, acd.InternalCallStarted] = {}
        """Agents' own calls, by the unique id of the calling channel."""
        self._last_call = 0
        self._receivers: dict[type, Callable[[Any, float], None]] = {
            acd.CallArrived: self._arrived,
            acd.CallQueued: self._queued,
            callback.CallPlaced: self._placed,
            callback.AttemptStarted: self._attempt_started,
            callback.AttemptAnswered: self._attempt_answered,
            callback.AttemptEnded: self._attempt_ended,
            acd.CallDetached: self._detached,
            acd.CallAttached: self._attached,
            acd.CallLeftQueue: self._left_queue,
            acd.CallEnded: self._ended,
            acd.OfferAnswered: self._answered,
            acd.OfferFailed: self._offer_failed,
            acd.Joined: self._joined,
            acd.ConversationEnded: self._conversation_ended,
            acd.HoldStarted: self._hold_started,
            acd.HoldEnded: self._hold_ended,
            acd.ConsultStarted: self._consult_started,
            acd.ConsultEnded: self._consult_ended,
            acd.Transferred: self._transferred,
            acd.InternalCallStarted: self._internal_started,
            acd.InternalCallEnded: self._internal_ended,
            acd.MonitorStarted: self._monitor_started,
            acd.MonitorChanged: self._monitor_changed,
            acd.MonitorEnded: self._monitor_ended,
            ivr.FlowMoved: self._flow_moved,
            ivr.FieldSet: self._field_set,
            ivr.NumberTaken: self._number_taken,
            callback.PromiseAsked: self._number_taken,
            tickets.TicketOpened: self._ticket,
            tickets.ContactAdded: self._ticket,
        }

    def receive(self, event: Any, at: float) -> None:
        """Play one event of the log. Facts about unknown calls change nothing."""
        receiver = self._receivers.get(type(event))
        if receiver is not None:
            receiver(event, at)

    def get(self, call: int) -> LiveCall | None:
        """The call, or None when it is over or never was."""
        return self._calls.get(call)

    def by_unique_id(self, unique_id: str) -> LiveCall | None:
        """The call whose caller's channel has this unique id."""
        return self._by_unique_id.get(unique_id)

    def of_offer(self, offer: int) -> LiveCall | None:
        """The call for which this offer stands or that it led to."""
        return self._offers.get(offer)

    def __iter__(self) -> Iterator[LiveCall]:
        return iter(self._calls.values())

    def __len__(self) -> int:
        return len(self._calls)

    def was_taken(self, spool_id: str) -> bool:
        """Whether this entry of the fallback's spool is in the log already."""
        return spool_id in self._taken

    def begun(self) -> list[LiveCall]:
        """Calls that ended lately while a number to call back was asked for, and of which nothing was left."""
        return [live for _, live in self._begun.values()]

    def called_by(self, call: int) -> str:
        """The hotline's number that the caller of this call dialled; empty when the call is not known any more."""
        live = self._calls.get(call)
        return live.called if live is not None else self._called.get(call, "")

    def was_given(self, call: int) -> bool:
        """Whether a call, in progress or over, has had this number."""
        return 0 < call <= self._last_call

    def next_call(self) -> int:
        """A number for a new call; every call of this method gives another one."""
        self._last_call += 1
        return self._last_call

    def offered(self, offer: Offer, at: float) -> None:
        """The floor decided this on the entry just received."""
        if live := self._calls.get(offer.call):
            live.leg = Leg(offer.offer, offer.agent, at, offer.ring_for)
            self._offers[offer.offer] = live
            if not live.reached:
                self._is_on(live, line_id(offer.offer))

    def handed_over(self, given: HandedOver, at: float) -> None:
        """The next part began without an offer."""
        if live := self._calls.get(given.call):
            outside = live.stage is Stage.OUTSIDE
            live.leg = Leg(given.offer, given.agent, at, 0.0, outside=outside, given_by=given.by)
            self._offers[given.offer] = live
            if given.answered:
                live.leg.answered_at = at
                live.enter(Stage.TALKING, at)

    def asks(self, call: int, asked: acd.CallQueued | None) -> None:
        """What the floor has for this call now; what it has forgotten is still known here."""
        if asked is not None and (live := self._calls.get(call)):
            live.asked = asked

    def withdrawn(self, offer: Withdraw) -> None:
        """The floor took an offer back."""
        self._clear_offer(offer.offer)

    def snapshot(self) -> dict[str, Any]:
        """Everything, as JSON-able data."""
        return {
            "calls": [msgspec.to_builtins(call) for call in self._calls.values()],
            "taken": list(self._taken),
            "called": list(self._called.items()),
            "begun": [(at, msgspec.to_builtins(call)) for at, call in self._begun.values()],
            "kept": self.kept_places.snapshot(),
            "consults": [(call, *who) for call, who in self.consults.items()],
            "monitors": [msgspec.to_builtins(started) for started in self.monitors.values()],
            "internal": [msgspec.to_builtins(started) for started in self.internal.values()],
            "last_call": self._last_call,
        }

    @classmethod
    def restore(cls, data: dict[str, Any]) -> Calls:
        """The inverse of `snapshot`."""
        calls = cls()
        for row in data["calls"]:
            live = _live_call(row)
            calls._calls[live.id] = live
            if live.unique_id:
                calls._by_unique_id[live.unique_id] = live
            if live.leg:
                calls._offers[live.leg.offer] = live
        calls._taken = dict.fromkeys(data["taken"], 0)
        calls._begun = {row["id"]: (at, _live_call(row)) for at, row in data.get("begun", ())}
        calls._called = dict(data.get("called", ()))
        calls.kept_places.restore(data.get("kept", ()))
        calls.consults = {call: (agent, to) for call, agent, to in data.get("consults", ())}
        started = msgspec.convert(data.get("monitors", []), list[acd.MonitorStarted])
        calls.monitors = {each.channel: each for each in started}
        internal = msgspec.convert(data.get("internal", []), list[acd.InternalCallStarted])
        calls.internal = {each.channel: each for each in internal}
        calls._last_call = data["last_call"]
        return calls

    def _arrived(self, event: acd.CallArrived, at: float) -> None:
        live = LiveCall(event.call, event.caller, event.called, event.channel, event.unique_id, event.node, at)
        live.name, live.told_by, live.stage_since = event.name, event.told_by, at
        self._calls[live.id] = live
        self._by_unique_id[live.unique_id] = live
        self._last_call = max(self._last_call, live.id)

    def _queued(self, event: acd.CallQueued, at: float) -> None:
        if live := self._calls.get(event.call):
            live.enter(Stage.WAITING, at)
            live.asked, live.attached = event, True
            self.kept_places.forget(event.caller)

    def _placed(self, event: callback.CallPlaced, at: float) -> None:
        self._calls[event.call] = LiveCall(
            event.call,
            event.number,
            event.shown,
            channel="",
            unique_id="",
            node=event.node,
            arrived_at=at,
            stage=Stage.WAITING,
            stage_since=at,
            promise=event.promise,
            reached=False,
        )
        self._last_call = max(self._last_call, event.call)

    def _is_on(self, live: LiveCall, unique_id: str, channel: str = "") -> None:
        self._by_unique_id.pop(live.unique_id, None)
        live.unique_id, live.channel = unique_id, channel
        self._by_unique_id[unique_id] = live

    def _attempt_started(self, event: callback.AttemptStarted, at: float) -> None:
        if live := self._calls.get(event.call):
            live.attempt = event.attempt

    def _attempt_answered(self, event: callback.AttemptAnswered, at: float) -> None:
        if live := self._calls.get(event.call):
            live.reached = True
            self._is_on(live, event.unique_id, event.channel)

    def _attempt_ended(self, event: callback.AttemptEnded, at: float) -> None:
        live = self._calls.get(event.call)
        if live is None:
            return
        live.attempt = 0
        if live.leg is not None and live.leg.joined_at is None:
            self._offers.pop(live.leg.offer, None)
            live.leg = None

    def _detached(self, event: acd.CallDetached, at: float) -> None:
        if live := self._calls.get(event.call):
            live.attached = False

    def _attached(self, event: acd.CallAttached, at: float) -> None:
        if live := self._calls.get(event.call):
            live.attached = True

    def _left_queue(self, event: acd.CallLeftQueue, at: float) -> None:
        if live := self._calls.get(event.call):
            live.enter(Stage.MENU, at)

    def _ended(self, event: acd.CallEnded, at: float) -> None:
        if live := self._calls.pop(event.call, None):
            self._by_unique_id.pop(live.unique_id, None)
            if live.leg:
                self._offers.pop(live.leg.offer, None)
            if not live.promise:
                self._called[live.id] = live.called
                while len(self._called) > _CALLED_REMEMBERED:
                    del self._called[next(iter(self._called))]
            self._leave_behind(live, at)
            if event.cause == "lost" and live.stage is Stage.WAITING and live.reached and live.asked is not None:
                self.kept_places.keep(live.asked, at)

    def _leave_behind(self, live: LiveCall, at: float) -> None:
        """Keep for a while a call whose caller hung up before confirming a number: an agent may still act on it."""
        while self._begun and next(iter(self._begun.values()))[0] + _UNANSWERED <= at:
            del self._begun[next(iter(self._begun))]
        if not live.promise and not live.number_taken and number_begun(live.flow_state) is not None:
            self._begun[live.id] = (at, live)

    def _answered(self, event: acd.OfferAnswered, at: float) -> None:
        live = self._offers.get(event.offer)
        if live and live.leg:
            live.leg.answered_at, live.cut_off = at, False
            live.enter(Stage.TALKING, at)

    def _offer_failed(self, event: acd.OfferFailed, at: float) -> None:
        self._clear_offer(event.offer)

    def _clear_offer(self, offer: int) -> None:
        live = self._offers.pop(offer, None)
        if live and live.leg and live.leg.offer == offer and live.leg.answered_at is None:
            live.leg = None

    def _joined(self, event: acd.Joined, at: float) -> None:
        live = self._calls.get(event.call)
        if live and live.leg and live.leg.agent == event.agent:
            live.leg.joined_at = at

    def _conversation_ended(self, event: acd.ConversationEnded, at: float) -> None:
        live = self._calls.get(event.call)
        if live and live.leg and live.leg.agent == event.agent:
            self._offers.pop(live.leg.offer, None)
            live.leg, live.served = None, live.served or event.broken is None
            live.enter(Stage.AFTER, at)
            live.talked += event.talked
            live.cut_off = event.broken is acd.Outcome.LOST

    def _part(self, call: int, agent: str) -> Leg | None:
        """The agent's part of the call, if the agent is the one who has it."""
        live = self._calls.get(call)
        return live.leg if live and live.leg and live.leg.agent == agent else None

    def _hold_started(self, event: acd.HoldStarted, at: float) -> None:
        if leg := self._part(event.call, event.agent):
            leg.hold_since = leg.hold_since if leg.hold else at
            leg.hold = event.why

    def _hold_ended(self, event: acd.HoldEnded, at: float) -> None:
        if leg := self._part(event.call, event.agent):
            leg.held, leg.hold, leg.asked = leg.held_until(at), "", ""

    def _consult_started(self, event: acd.ConsultStarted, at: float) -> None:
        self.consults[event.call] = (event.agent, event.to)
        if leg := self._part(event.call, event.agent):
            leg.asked = event.to

    def _consult_ended(self, event: acd.ConsultEnded, at: float) -> None:
        self.consults.pop(event.call, None)
        if leg := self._part(event.call, event.agent):
            leg.asked = ""

    def _transferred(self, event: acd.Transferred, at: float) -> None:
        if self._part(event.call, event.agent) is None:
            return
        live = self._calls[event.call]
        assert live.leg is not None
        self._offers.pop(live.leg.offer, None)
        live.leg, live.served = None, True
        live.talked += event.talked
        if event.kind == "outside":
            live.enter(Stage.OUTSIDE, at)
        elif event.kind == "agent" and event.attended:
            live.enter(Stage.AFTER, at)
        else:
            live.enter(Stage.WAITING, at)

    def _internal_started(self, event: acd.InternalCallStarted, at: float) -> None:
        self.internal[event.channel] = event

    def _internal_ended(self, event: acd.InternalCallEnded, at: float) -> None:
        self.internal.pop(event.channel, None)

    def _monitor_started(self, event: acd.MonitorStarted, at: float) -> None:
        self.monitors[event.channel] = event

    def _monitor_changed(self, event: acd.MonitorChanged, at: float) -> None:
        if (started := self.monitors.get(event.channel)) is not None:
            self.monitors[event.channel] = replace(started, mode=event.mode)

    def _monitor_ended(self, event: acd.MonitorEnded, at: float) -> None:
        self.monitors.pop(event.channel, None)

    def _flow_moved(self, event: ivr.FlowMoved, at: float) -> None:
        if live := self._calls.get(event.call):
            live.flow_state = event.state

    def _field_set(self, event: ivr.FieldSet, at: float) -> None:
        if live := self._calls.get(event.call):
            live.fields[event.field] = event.value

    def _number_taken(self, event: ivr.NumberTaken | callback.PromiseAsked, at: float) -> None:
        self._begun.pop(event.call, None)
        if live := self._calls.get(event.call):
            live.number_taken = True
        if event.spool_id:
            self._taken[event.spool_id] = 0
            while len(self._taken) > _REMEMBERED:
                del self._taken[next(iter(self._taken))]

    def _ticket(self, event: tickets.TicketOpened | tickets.ContactAdded, at: float) -> None:
        if live := self._calls.get(event.call):
            live.ticket = event.ticket


def _live_call(row: dict[str, Any]) -> LiveCall:
    """A call of a snapshot. The version before kept parts of what was asked for, and not all of it."""
    live = msgspec.convert(row, LiveCall)
    if "asked" not in row and row["queued_at"] is not None:
        needed = Requirement((Skill(row["queue"]),))
        parts = {name: row[name] for name in ("priority", "caller", "vip", "owner")}
        parts |= {name: live.fields[name] for name in ("language", "category") if name in live.fields}
        parts["promised"] = not live.reached
        live.asked = acd.CallQueued(live.id, row["queue"], needed, row["queued_at"], **parts)
    return live
