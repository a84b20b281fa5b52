"""Outgoing calls of the hotline: each promise that is due gets a call in the queue, and each attempt one end.

The dialler owns a call from the moment it is placed until the customer is on the line. Every step is in the log before
Asterisk hears of it, and what Asterisk tells, or what is missing on it after a crash, is told to the log once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress

import structlog

import acd.events as acd
from acd.callbacks.commands import PlaceCall, StopCalling
from acd.callbacks.events import (
    AttemptAnswered,
    AttemptEnded,
    AttemptOutcome,
    AttemptStarted,
    CallPlaced,
    PromiseAsked,
    PromiseCancelled,
    PromisePostponed,
)
from acd.callbacks.states import PromiseView
from acd.commands import Command, Offer, Withdraw
from server import crash_points
from server.eventlog.log import Entry
from server.hotline import queueing
from server.hotline.definitions import Definitions
from server.hotline.dispatcher import Dispatcher, NotLeading
from server.hotline.live_call import Leg, LiveCall, line_id
from server.hotline.standing import why_not_called
from server.hotline.view import View
from server.tasks import BackgroundTasks
from server.telephony.ami.link import Ami, AmiError, AmiEvent
from server.telephony.callback.customers import Customers
from server.telephony.channels.legs import Legs
from server.telephony.channels.ownership import AgentChannel, belongs, origin_id
from server.telephony.trunks.routes import Trunks
from server.warned import warned

_log = structlog.get_logger("dialler")

LINE = "Local/s@callback-line"
_LONGEST = 600_000
"""Milliseconds that a line may take before Asterisk ends it by itself: far longer than any offer stands."""


class Dialler:
    """`definitions` gives those of now; `trunks` are the ways out, if there are any."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        view: View,
        legs: Legs,
        ami: Ami,
        definitions: Callable[[], Definitions],
        node: str,
        *,
        trunks: Trunks,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._dispatcher, self._view, self._legs, self._ami = dispatcher, view, legs, ami
        self._definitions, self._node, self._trunks, self._clock = definitions, node, trunks, clock
        self._ready = self._draining = False
        self._kept: list[Offer] = []
        """Offers that came before lines could be opened."""
        self._placing: set[int] = set()
        """Promises whose call is on its way into the log."""
        self._ended: set[int] = set()
        """Calls whose end is on its way into the log."""
        self._failed: set[int] = set()
        """Offers whose failure is."""
        self._starting: dict[int, int] = {}
        """The attempt that is on its way into the log, by call."""
        self.not_before: Callable[[PromiseView], float | None] = lambda promise: None
        """When a promise may be called that is due now, if not at once: lines of outbound lists give way."""
        self.customers = Customers(view, legs.channels, ami, self._gone)
        self._release: dict[int, Callable[[], None]] = {}
        self._tasks = BackgroundTasks(_log, "a call of the hotline's own could not be carried on", NotLeading)

    @property
    def problem(self) -> str:
        """Why promises are not kept at the moment, as a sentence; empty when they are, or none is live."""
        if self._trunks.exist or not any(promise.live for promise in self._view.callbacks.promises()):
            return ""
        sentence = (
            "no outgoing calls: set up a trunk (docs/trunks.md), or nobody who was promised a call is called back"
        )
        return warned("no_trunk", sentence)

    # Beginning, ending, recovering

    def own_calls(self) -> None:
        """Commands for the calls that the log has in line come here from now on."""
        for live in self._unreached_calls():
            self._own(live.id)

    def begin(self) -> None:
        """Lines can be opened from now on."""
        self._ready = True
        kept, self._kept = self._kept, []
        for offer in kept:
            self._offered(offer)
        for stopping in self._view.callbacks.stopping():
            self._stop(stopping)
        self.place_due()

    async def drain(self) -> None:
        """Dial no customer any more. A customer whose phone rings is called again after the next start."""
        self._draining = True
        for live in self._unreached_calls():
            if live.leg is None:
                continue
            if self._under_way(live):
                self.over(live, AttemptOutcome.STOPPED, "the hotline is being stopped")
            elif live.leg.answered_at is not None:
                self._back_in_line(live, live.leg)
            await self._hang_up_all(live, live.leg)

    async def reconcile(self) -> None:
        """Compare calls in line with the channels that are really there; after `Legs.reconcile`. Raises AmiError."""
        channels = await self._ami.collect("CoreShowChannels")
        for live in self._unreached_calls():
            if not self._dispatcher.owned(live.id):
                self._own(live.id)
            if (leg := live.leg) is not None:
                here = [event for event in channels if event["Linkedid"] == origin_id(leg.offer)]
                self._compare(live, leg, here)

    def _compare(self, live: LiveCall, leg: Leg, here: Sequence[AmiEvent]) -> None:
        line = any(event["Uniqueid"] == line_id(leg.offer) for event in here)
        agent = any(belongs(event["Channel"], leg.agent, outside=False) for event in here)
        customer = self.customers.found(live.id, here)
        if self._under_way(live):
            if not (line or agent or customer):
                self.over(live, AttemptOutcome.LOST, "Asterisk went away, or everybody hung up while nobody watched")
        elif leg.answered_at is not None:
            if not agent:
                self._back_in_line(live, leg)
        elif not line and not agent:
            self.offer_failed(leg.offer, acd.Outcome.LOST, "the line is gone")

    # What the log says

    def follow(self, entry: Entry, commands: Sequence[Command]) -> None:
        """Follow what the log says of promises, their calls and attempts."""
        event = entry.event
        if isinstance(event, CallPlaced):
            self._placing.discard(event.promise)
            self._own(event.call)
            crash_points.reached("promise_placed")
        elif isinstance(event, AttemptStarted):
            self._starting.pop(event.call, None)
        elif isinstance(event, AttemptAnswered):
            self._release.pop(event.call, lambda: None)()
            self.customers.forget(event.call)
            self._reached(event)
        elif isinstance(event, acd.CallEnded):
            self._release.pop(event.call, lambda: None)()
            self._ended.discard(event.call)
            self.customers.forget(event.call)
        elif isinstance(event, PromisePostponed | PromiseCancelled):
            self._placing.discard(event.promise)
        elif isinstance(event, acd.OfferFailed):
            self._failed.discard(event.offer)
        _points(event)
        for command in commands:
            if isinstance(command, PlaceCall):
                promise = self._view.callbacks.promise(command.promise)
                if promise is not None:
                    self._place(promise)
            elif isinstance(command, StopCalling):
                self._stop(command)

    def _reached(self, event: AttemptAnswered) -> None:
        """The customer is on the line. If the agent is not any more, the customer waits for the next one."""
        self._legs.reached(event.call, event.unique_id)
        live = self._view.calls.get(event.call)
        if live is None or live.leg is None or live.leg.answered_at is None:
            return
        if self._legs.channels.of_call(event.call) is None:
            self._dispatcher.submit(acd.ConversationEnded(live.id, live.leg.agent, "agent"))

    # A call in line

    def place_due(self) -> None:
        """Place the calls of the promises that are due, if they can be made."""
        for promise in self._view.callbacks.due():
            self._place(promise)

    def _place(self, promise: PromiseView) -> None:
        if (
            not self._ready
            or self._draining
            or not self._trunks.exist
            or promise.id in self._placing
            or not promise.live
        ):
            return
        if self._trunks.resting:
            return
        self._placing.add(promise.id)
        definitions, now = self._definitions(), self._clock()
        source, asked_at = promise.source, promise.promised_at
        register = self._view.customers
        if why := why_not_called(register, definitions, promise.number, now, source=source, asked_at=asked_at):
            self._dispatcher.submit(PromiseCancelled(promise.id, "hotline", why))
            return
        opens = max(definitions.calls_allowed(now), self.not_before(promise) or now)
        if opens > now:
            self._dispatcher.submit(_postponed(promise.id, opens))
            return
        call = self._view.calls.next_call()
        self._dispatcher.submit(
            CallPlaced(call, promise.id, promise.number, definitions.outgoing(promise.called), self._node),
            queueing.for_promise(definitions, call, promise, self._view.tickets.accused(promise.number)),
        )

    def _own(self, call: int) -> None:
        def take(command: Command) -> None:
            if isinstance(command, Offer):
                self._offered(command)
            elif isinstance(command, Withdraw):
                self._withdrawn(command)

        self._release[call] = self._dispatcher.own(call, take)

    def _stop(self, command: StopCalling) -> None:
        """This call does not fulfil the promise, or not now."""
        live = self._view.calls.get(command.call)
        if live is None or live.reached or not live.promise or live.id in self._ended:
            return
        leg = live.leg
        if self._under_way(live):
            self.over(live, AttemptOutcome.STOPPED, command.why)
        else:
            self._leave(live)
        if leg is not None:
            self._tasks.start(self._hang_up_all(live, leg))

    def _leave(self, live: LiveCall) -> None:
        """The call stands in line no more, before anybody was dialled."""
        self._ended.add(live.id)
        self._legs.set_aside(live.id)
        ended: list[object] = [acd.CallEnded(live.id, "stopped")]
        if live.leg is not None and live.leg.answered_at is not None:
            ended.insert(0, acd.ConversationEnded(live.id, live.leg.agent, "lost"))
        self._dispatcher.submit(*ended)

    # An offer

    def _offered(self, offer: Offer) -> None:
        if self._draining:
            return
        if not self._ready:
            self._kept.append(offer)
        else:
            self._tasks.start(self._open_line(offer))

    def _withdrawn(self, command: Withdraw) -> None:
        if self.customers.picked_up(command.call):
            return  # their session finds no agent, and they wait for the next one as any caller does
        live = self._view.calls.get(command.call)
        if live is not None and self._under_way(live):
            # The customer first: without an agent nobody is called.
            self.over(live, AttemptOutcome.STOPPED, command.why)
        self._tasks.start(self._hang_up(line_id(command.offer)))

    async def _open_line(self, offer: Offer) -> None:
        crash_points.reached("offer_made")
        live = self._standing(offer.call, offer.offer)
        if live is None or self.customers.picked_up(live.id):
            return  # the session that comes with the customer connects them
        if self._trunks.resting:
            self._leave(live)
            return
        now = self._clock()
        opens = self._definitions().calls_allowed(now)
        if opens > now:
            await self._dispatcher.record(_postponed(live.promise, opens))
            return
        try:
            await self._ami.originate(
                origin_id(offer.offer),
                variables=[f"__SANSHENG_CALL={offer.call}", f"__SANSHENG_OFFER={offer.offer}"],
                Channel=LINE,
                OtherChannelId=line_id(offer.offer),
                Application="Wait",
                Data="1",
                Timeout=str(_LONGEST),
            )
        except AmiError as error:
            self.offer_failed(offer.offer, acd.Outcome.LOST, f"no line could be opened: {error}")
            return
        if self._standing(offer.call, offer.offer) is None:
            await self._hang_up(line_id(offer.offer))

    def _standing(self, call: int, offer: int) -> LiveCall | None:
        """The call, while this offer stands for it and the customer is not on the line."""
        live = self._view.calls.get(call)
        if live is None or live.reached or live.leg is None or live.leg.offer != offer or call in self._ended:
            return None
        return live

    def stands(self, call: int, offer: int) -> bool:
        """Whether this offer is still to be carried out: neither stopped, nor over, nor reached."""
        return self._standing(call, offer) is not None

    def offer_failed(self, offer: int, outcome: acd.Outcome, detail: str) -> None:
        """Tell the log, once, that no agent picked up."""
        if offer not in self._failed:
            self._failed.add(offer)
            self._dispatcher.submit(acd.OfferFailed(offer, outcome, detail))

    # An attempt

    def _under_way(self, live: LiveCall) -> int:
        """The attempt that is in the log, or on its way there; 0 when there is none."""
        return live.attempt or self._starting.get(live.id, 0)

    async def start(self, live: LiveCall, leg: Leg, wait_for: float) -> bool:
        """Record that the customer is about to be dialled; False when they are not to be any more."""
        if not self.stands(live.id, leg.offer):
            return False
        promise = self._view.callbacks.promise(live.promise)
        attempt = promise.attempts + 1 if promise is not None else 1
        self._starting[live.id] = attempt
        await self._dispatcher.record(AttemptStarted(live.id, live.promise, attempt, leg.offer, leg.agent, wait_for))
        crash_points.reached("attempt_recorded")
        if self.stands(live.id, leg.offer):
            return True
        self.over(live, AttemptOutcome.STOPPED, "the offer was over")
        return False

    def over(self, live: LiveCall, outcome: AttemptOutcome, detail: str = "") -> None:
        """Tell the log, once, what came of the attempt under way."""
        attempt, known = self._under_way(live), self._view.calls.get(live.id) is live
        if live.id in self._ended or live.reached or not attempt or not known:
            return
        self._ended.add(live.id)
        self._legs.set_aside(live.id)
        _log.info("an attempt is over", call=live.id, promise=live.promise, outcome=outcome.value, detail=detail)
        self._dispatcher.submit(
            AttemptEnded(live.id, live.promise, attempt, outcome, detail), acd.CallEnded(live.id, "unreached")
        )

    def _back_in_line(self, live: LiveCall, leg: Leg) -> None:
        """The agent was gone before anybody was dialled: the call stands in line again, at the same place."""
        if live.id not in self._ended and live.asked is not None:
            self._dispatcher.submit(acd.ConversationEnded(live.id, leg.agent, "agent"), *queueing.again(live))

    # What Asterisk says

    def _gone(self, live: LiveCall) -> None:
        """The customer picked up, and was gone before anybody could speak."""
        self.over(live, AttemptOutcome.HUNG_UP, "as soon as they had picked up")
        if live.leg is not None:
            self._tasks.start(self._hang_up_all(live, live.leg))

    def unreached(self, live: LiveCall, agent: AgentChannel | None) -> None:
        """The agent's channel is gone, or (None) the line, while the customer is not on the line."""
        leg = live.leg
        if leg is None or live.id in self._ended or live.id in self._starting or self.customers.picked_up(live.id):
            # The attempt's session looks after it, or the session that comes with a customer who picked up.
            return
        if agent is None:
            other = self._legs.channels.of_call(live.id)
            if live.attempt and other is None:
                self.over(live, AttemptOutcome.LOST, "the line is gone")
            elif leg.answered_at is None and not (other and (other.answered or leg.offer in self._legs.unconfirmed)):
                self.offer_failed(leg.offer, acd.Outcome.LOST, "the line is gone")
        elif agent.offer == leg.offer and agent.answered:
            if live.attempt:
                self.over(live, AttemptOutcome.AGENT_GONE)
            else:
                self._back_in_line(live, leg)

    # Channels

    async def _hang_up_all(self, live: LiveCall, leg: Leg) -> None:
        """Hang up the agent's channel and the line; a phone that they dial stops ringing."""
        agents = [each.channel for each in self._legs.channels.in_call(live.id) if each.offer == leg.offer]
        for channel in (line_id(leg.offer), *agents):
            await self._hang_up(channel)

    async def _hang_up(self, channel: str) -> None:
        with suppress(AmiError):
            await self._ami.action("Hangup", Channel=channel)

    def _unreached_calls(self) -> list[LiveCall]:
        return [live for live in self._view.calls if live.promise and not live.reached]


def _postponed(promise: int, until: float) -> PromisePostponed:
    return PromisePostponed(promise, until, by="hotline", reason="outside the hours in which calls are made")


def _points(event: object) -> None:
    """Where a crash would hurt, as the log tells it."""
    if isinstance(event, acd.Joined):
        crash_points.reached("joined")
    elif isinstance(event, acd.ConversationEnded):
        crash_points.reached("conversation_ended")
    elif isinstance(event, AttemptEnded):
        crash_points.reached("attempt_ended")
    elif isinstance(event, PromiseAsked):
        crash_points.reached("number_taken")
