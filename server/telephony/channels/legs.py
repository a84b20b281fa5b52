"""What Asterisk says of channels becomes events of the log.

An agent who picks up, a conversation that ends and a caller who hangs up are facts of the AMI stream, whether an AGI
session holds the caller or not. So the end of a conversation that outlives its server is recorded all the same.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import structlog

import acd.events as acd
import recordings.events as rec
from acd.callbacks.events import AttemptOutcome
from ivr.events import FieldSet
from ivr.session import number_begun
from server.hotline.dispatcher import Dispatcher
from server.hotline.live_call import LiveCall
from server.hotline.outside_agents import is_outside
from server.hotline.view import View
from server.tasks import BackgroundTasks
from server.telephony.ami.instants import EventInstants
from server.telephony.ami.link import Ami, AmiError, AmiEvent
from server.telephony.channels import endings
from server.telephony.channels.agent_channels import AgentChannels
from server.telephony.channels.caller_keys import CallerKeys, HearsDigits
from server.telephony.channels.dialled import DialledPhones
from server.telephony.channels.leg_files import LegFiles
from server.telephony.channels.ownership import (
    AgentChannel,
    AskedChannel,
    agent_of,
    belongs,
)
from server.telephony.channels.unconfirmed import Unconfirmed
from server.telephony.channels.unwatched import Unwatched

_log = structlog.get_logger("legs")

KEYED = "keyed"
"""The field that holds what a caller had keyed of a number to call back when they hung up."""
PARTING = 2.0
"""Seconds within which a channel leaves a bridge whose other channels are hung up."""


class Legs:
    """Follows callers' and agents' channels on one Asterisk.

    `recording_prefix(call, offer)` tells where that leg's files are; `on_final(recording)` is called when Asterisk
    has closed them.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        view: View,
        ami: Ami,
        *,
        recording_prefix: Callable[[int, int], Path],
        on_final: Callable[[int], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._dispatcher, self._view, self._ami, self._clock = dispatcher, view, ami, clock
        self.unwatched, self._on_final = Unwatched(LegFiles(recording_prefix), on_final), on_final
        self._keys = CallerKeys(clock)
        self.instants = EventInstants(clock)
        self.dialled_phones = DialledPhones(
            dispatcher, ami, lambda: view.floor.policy.phones.rings_within, self.hang_up
        )
        self.channels = AgentChannels(view)
        self._hung_up_first: dict[str, str] = {}
        self.ends = endings.CallerEnds()
        self._withdrawn: dict[str, str] = {}
        """Agent whose offer was withdrawn before the phone rang, by the caller's unique id."""
        self._hanging_up = BackgroundTasks(_log, "a channel could not be hung up", AmiError)
        self.unconfirmed = Unconfirmed()
        self._given: dict[int, AskedChannel] = {}
        """The channel that takes a call over, by call, until the log has said so."""
        self.on_left: Callable[[AgentChannel, LiveCall], Sequence[object]] = lambda leg, live: ()
        """What is recorded when an agent leaves a caller on hold; without anything, the conversation is over."""
        self.on_unreached: Callable[[LiveCall, AgentChannel | None], None] = lambda live, leg: None
        """Told that an agent's channel, or (None) the line, is gone while the customer of a callback is not there."""

    def hear(self, unique_id: str, line: HearsDigits) -> Callable[[], None]:
        """Digits from this channel go to this line; returns the function that ends it."""
        return self._keys.hear(unique_id, line)

    def withdraw(self, offer: int, agent: str, caller_unique_id: str) -> None:
        """The floor took this offer back: hang the agent's phone up, now or as soon as it begins to ring."""
        for leg in self.channels.of_offer(offer):
            self.hang_up(leg.channel)
        # An agent may have two devices, and the second may begin to ring after this.
        self._withdrawn[caller_unique_id] = agent

    def dialled(self, caller_unique_id: str) -> None:
        """Dial is over on this caller's channel: nothing that was withdrawn can begin to ring any more."""
        self._withdrawn.pop(caller_unique_id, None)

    def was_answered(self, offer: int) -> None:
        """Dial says that this offer was answered: record it, if the agent hung up before Asterisk's events told so."""
        found = self.dialled_phones.answered_and_gone(offer)
        if not self.dialled_phones.is_answered(offer):
            there = next(iter(self.channels.of_offer(offer)), None)
            if (leg := found[0] if found is not None else there) is not None and not leg.answered:
                leg.answered = True
                self._dispatcher.submit(acd.OfferAnswered(offer))
            if found is not None:
                self._end_leg(*found)
        self.dialled_phones.over(offer)

    def reached(self, call: int, unique_id: str) -> None:
        """The customer of a callback is on the line, by this channel."""
        for leg in self.channels.in_call(call):
            leg.caller_unique_id = unique_id

    def set_aside(self, call: int) -> None:
        """An attempt that led to no conversation is over: what its channels do says nothing any more."""
        for leg in self.channels.in_call(call):
            leg.ended = True

    def ending(
        self, live: LiveCall, cause: str, outcome: AttemptOutcome = AttemptOutcome.HUNG_UP, at: float | None = None
    ) -> list[object]:
        """What is recorded when a call is over; a callback in which nobody spoke ends its attempt by `outcome`."""
        events = endings.of_call(self._view, self.channels.in_call(live.id), live, cause, outcome, at)
        if len(events) > 1:
            for leg in self.channels.in_call(live.id):
                leg.ended = True
                self.hang_up(leg.channel)
        return events

    def times(self, leg: AgentChannel) -> tuple[float, float]:
        """Seconds talked and held, up to now or to the end."""
        live = self._view.calls.get(leg.call)
        part = live.leg if live is not None and live.leg is not None and live.leg.offer == leg.offer else None
        end = self._clock() if part is not None and part.hold else leg.left_at or self._clock()
        held = leg.held + (end - leg.held_since if leg.held_since is not None else 0.0)
        held = max(0.0, held) + (part.held_until(end) if part is not None else 0.0)
        return (max(0.0, end - leg.joined_at - held) if leg.joined_at is not None else 0.0), held

    def give(self, leg: AgentChannel) -> None:
        """The agent's part ends by a transfer that is recorded next; the colleague who was asked takes the call."""
        leg.ended = True
        if leg.asked is not None:
            self._given[leg.call] = leg.asked

    def lose(self, leg: AgentChannel) -> None:
        """The phone of this agent is gone: the caller waits again, and the channel is ended, as is a colleague's."""
        leg.lost = True
        self._end_leg(leg, "lost")
        for channel in (leg.channel, *((leg.asked.channel,) if leg.asked is not None else ())):
            self.hang_up(channel)

    def take_over(self, call: int) -> None:
        """The log says that the colleague who was asked has the call now."""
        live, asked = self._view.calls.get(call), self._given.pop(call, None)
        if live is not None and live.leg is not None and asked is not None:
            taken = AgentChannel(call, live.leg.offer, live.leg.agent, asked.channel, live.unique_id, answered=True)
            taken.taken_over, taken.apart = True, asyncio.Event() if asked.bridged else None
            taken.replaces = asked.replaces
            self.channels.follow(asked.unique_id, taken)

    def leave(self, leg: AgentChannel) -> None:
        """The device rings where nobody is: without another device of the agent's the next agent is rung."""
        others = [each for each in self.channels.of_offer(leg.offer) if each is not leg]
        self.dialled_phones.leave(leg, alone=not others)

    def expect(self, unique_id: str, leg: AgentChannel) -> AgentChannel:
        """A channel of this unique id is about to take the place of this leg's."""
        taken = replace(leg, channel="", left_at=self._clock(), asked=None, held_since=None, apart=None)
        taken.away, taken.arrived = asyncio.Event(), asyncio.Event()
        taken.ended = taken.replaced = True  # it says nothing until then
        self.channels.follow(unique_id, taken)
        return taken

    def take_place(self, leg: AgentChannel, taken: AgentChannel, channel: str) -> None:
        """The expected channel, now with a name, has the conversation; the one before says nothing any more."""
        leg.ended = leg.replaced = True
        taken.channel, taken.ended, taken.replaced = channel, False, False
        self.hang_up(leg.channel)

    async def part(self, channel: AgentChannel) -> None:
        """Take a channel out of the bridge in which it is without the caller: the agent who asked is hung up.

        Until then a recorder on this channel would record what the two say in private.
        """
        if channel.apart is None:
            return
        for other in self.channels.in_call(channel.call):
            if other is not channel:
                self.hang_up(other.channel)
        with suppress(TimeoutError):
            async with asyncio.timeout(PARTING):
                await channel.apart.wait()

    def keep(self, here: Mapping[str, AmiEvent]) -> None:
        """Forget every channel that is not `here` (by unique id)."""
        self.channels.keep(here)
        self._keys.keep(here)
        self.ends.keep(here)
        for remembered in (self._withdrawn, self._hung_up_first):
            for gone in remembered.keys() - here.keys():
                del remembered[gone]

    def digit(self, event: AmiEvent) -> None:
        """A key was pressed: it goes to the session that holds the caller."""
        if event.get("Direction") != "Received":
            return
        if self._keys.heard(event["Uniqueid"]) or self.channels.by_id(event["Uniqueid"]) is None:
            self._keys.press(event["Uniqueid"], event["Digit"])

    def digit_again(self, event: AmiEvent) -> None:
        """A key that was told came in a second way."""
        self._keys.again(event["Uniqueid"], event["Digit"])

    def hang_up(self, channel: str) -> None:
        """End this channel (its name)."""
        for leg in self.channels:
            leg.let_go = leg.let_go or leg.channel == channel
        self._hanging_up.start(self._ami.action("Hangup", Channel=channel))

    def dial_begin(self, event: AmiEvent) -> None:
        """A phone is being dialled for a call."""
        if self._withdrawn.get(event.get("Uniqueid", "")) == agent_of(event["DestChannel"]):
            self.hang_up(event["DestChannel"])
            return
        if (asking := self.channels.by_id(event.get("Uniqueid", ""))) is not None:
            if (calling := self._view.calls.get(asking.call)) is not None and not calling.reached:
                return  # the customer of a callback
            asking.asked = AskedChannel(event["DestChannel"], event["DestUniqueid"])
            return
        live = self._view.calls.by_unique_id(event.get("Uniqueid", ""))
        if live is None or live.leg is None:
            return
        if not belongs(event["DestChannel"], live.leg.agent, outside=live.leg.outside):
            return
        leg = AgentChannel(live.id, live.leg.offer, live.leg.agent, event["DestChannel"], live.unique_id)
        leg.outside, leg.outside_agent = live.leg.outside, is_outside(self._view, leg.agent)
        self.channels.follow(event["DestUniqueid"], leg)
        self.dialled_phones.begin(event["DestUniqueid"], leg)

    def dial_state(self, event: AmiEvent) -> None:
        """A dialled phone rings."""
        leg = self.channels.by_id(event.get("DestUniqueid", ""))
        if leg is not None:
            self.dialled_phones.state(event["DestUniqueid"], leg, event.get("DialStatus", ""))

    def dial_end(self, event: AmiEvent) -> None:
        """Dialling a phone is over: answered or not."""
        leg = self.channels.by_id(event.get("DestUniqueid", ""))
        if leg is not None:
            status, forward = event.get("DialStatus", ""), event.get("Forward", "")
            self.dialled_phones.end(event["DestUniqueid"], leg, status, forward)
        if leg is None or event.get("DialStatus") != "ANSWER" or leg.answered:
            return
        if leg.outside_agent:  # an outside number answers by the key
            live = self._view.calls.get(leg.call)
            if live is not None and not live.reached:
                self.unconfirmed.picked_up(leg.offer)
        else:
            leg.answered = True
            self._dispatcher.submit(acd.OfferAnswered(leg.offer))
            if self.dialled_phones.hears_code(leg.agent):
                leg.own_code = True
                self.hang_up(leg.channel)

    def user_event(self, event: AmiEvent) -> None:
        """The dialplan tells that an agent's outside number picked up, and that the key was pressed."""
        leg = self.channels.by_id(event["Uniqueid"])
        if leg is None or event.get("UserEvent") != "SanshengOutsideAgent":
            return
        if event.get("What") == "confirmed":
            self.unconfirmed.confirmed(leg.offer)
        else:
            self.unconfirmed.picked_up(leg.offer)
            self._dispatcher.submit(acd.OfferConfirming(leg.offer, self.unconfirmed.stands_for()))

    def bridge_enter(self, event: AmiEvent) -> None:
        """A channel is joined with another one."""
        if (asked := self.channels.asked(event["Uniqueid"])) is not None:
            asked.answered = asked.bridged = True
        leg = self.channels.by_id(event["Uniqueid"])
        if leg is None or leg.offer in self.unconfirmed:
            return
        leg.left_at = None
        if leg.joined_at is None:
            self.join(leg, self.instants.of(event))

    def join(self, leg: AgentChannel, now: float) -> None:
        """Caller and agent hear each other from now on (UTC epoch seconds)."""
        leg.joined_at = now
        events = self.unwatched.joined(leg.call, leg.offer, leg.agent, answered=leg.answered)
        if leg.unrecorded:
            events.append(rec.RecordingMissing(leg.offer, leg.unrecorded))
        leg.answered = True
        self._dispatcher.submit(*events)

    def bridge_leave(self, event: AmiEvent) -> None:
        """A channel is apart from the other one."""
        if (asked := self.channels.asked(event["Uniqueid"])) is not None:
            asked.bridged = False
        if (leg := self.channels.by_id(event["Uniqueid"])) is None:
            return
        if leg.apart is not None and not leg.apart.is_set():
            leg.apart.set()
        else:
            leg.left_at = self.instants.of(event)

    def hold(self, event: AmiEvent) -> None:
        """A phone put the other side on hold."""
        if (leg := self.channels.by_id(event["Uniqueid"])) is not None:
            leg.hold(self.instants.of(event))

    def unhold(self, event: AmiEvent) -> None:
        """A phone took the other side off hold."""
        if (leg := self.channels.by_id(event["Uniqueid"])) is not None:
            leg.unhold(self.instants.of(event))

    def hangup_request(self, event: AmiEvent) -> None:
        """One side hung up first."""
        unique_id = event["Uniqueid"]
        if (leg := self.channels.by_id(unique_id)) is not None:
            self._hung_up_first.setdefault(leg.caller_unique_id, "agent")
        elif self._view.calls.by_unique_id(unique_id) is not None:
            self._hung_up_first.setdefault(unique_id, self.ends.request(unique_id, event.get("Cause", "")))

    def hung_up(self, event: AmiEvent) -> None:
        """A channel is gone."""
        unique_id = event["Uniqueid"]
        for asking in self.channels:
            if asking.asked is not None and asking.asked.unique_id == unique_id:
                asking.asked = None
        keyed = self._keys.gone(unique_id)
        leg = self.channels.by_id(unique_id)
        if leg is not None:
            leg.away.set()
            if leg.referred and not leg.ended and self._view.calls.get(leg.call) is not None:
                self._finish(leg)
                return  # what becomes of the caller, a session is about to say
            self.channels.forget(unique_id)
            first = self._hung_up_first.pop(leg.caller_unique_id, "agent")
            calling = self._view.calls.get(leg.call)
            if calling is not None and not calling.reached:
                if not leg.ended:
                    self.on_unreached(calling, leg)
                return
            if first == endings.UNCLEAR and leg.answered and not leg.ended:
                self.channels.follow(unique_id, leg)  # who ended it, the caller's channel tells at its end
            else:
                self.dialled_phones.gone(unique_id, leg, "caller" if first == endings.UNCLEAR else first)
                self._left(leg, first)
            self._finish(leg)
            return
        self._hung_up_first.pop(unique_id, None)
        live = self._view.calls.by_unique_id(unique_id)
        if live is None:
            return
        if not live.reached:
            self.on_unreached(live, None)
            return
        cause = self.ends.of(unique_id, event.get("Cause", ""), event.get("TechCause", ""))
        by = "caller" if cause == "caller_hung_up" else "lost"
        outcome = AttemptOutcome.LOST if cause == "lost" else AttemptOutcome.HUNG_UP
        ending = self.ending(live, cause, outcome)
        if keyed and number_begun(live.flow_state) is not None:
            ending.insert(0, FieldSet(live.id, KEYED, keyed))
        for key, other in self.channels.beside(unique_id):
            self._end_leg(other, by)
            if other.away.is_set():
                self.channels.forget(key)
            if other.taken_over:
                self.hang_up(other.channel)
        self._dispatcher.submit(*ending)

    def _finish(self, leg: AgentChannel) -> None:
        """Asterisk has closed the files of this part."""
        if leg.joined_at is not None and not leg.unrecorded and not leg.replaced:
            self._on_final(leg.offer)

    def final(self, offer: int) -> None:
        """The recorder of a part whose channel was replaced is stopped."""
        self._on_final(offer)

    def _left(self, leg: AgentChannel, by: str) -> None:
        """The agent is gone. A caller on hold is not dropped with them."""
        live = self._view.calls.get(leg.call)
        held = not leg.ended and live is not None and live.leg is not None and live.leg.hold
        if held and live is not None and (events := self.on_left(leg, live)):
            self._dispatcher.submit(*events)
        else:
            self._end_leg(leg, by)

    def _end_leg(self, leg: AgentChannel, by: str) -> None:
        if leg.ended or not leg.answered:
            return
        leg.ended = True
        self._dispatcher.submit(*endings.of_part(self._view, leg, by, *self.times(leg)))
