"""Law: a page that goes in mid-call loses no caller: music at once, and the caller again when the page is back.

A page that is reloaded says no goodbye, and Asterisk's channel to it lives on in silence. So when a page's connection
is gone and no sound comes from it, the caller is put on hold (`AWAY`). The page that comes back is called, its channel
takes the place of the dead one in `legs` before it rings, and the caller's session joins the two as after any hold: one
recording, with another part. A page that does not come back in time is a phone that died. A page whose connection
breaks while its sound goes on, as when a server is replaced, is left alone.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import structlog

import acd.events as acd
from server.hotline.dispatcher import Dispatcher, NotLeading
from server.hotline.live_call import Leg, LiveCall
from server.hotline.view import View
from server.tasks import BackgroundTasks, first_of
from server.telephony.agent.browser_phones import BrowserPhones
from server.telephony.agent.presence import Presence
from server.telephony.agent.transfers import SIDE, Transfers
from server.telephony.ami.link import Ami, AmiError, AmiEvent, AmiFailed
from server.telephony.asterisk.site import web_device
from server.telephony.channels.legs import Legs
from server.telephony.channels.ownership import AgentChannel, device_of, returned_id
from server.telephony.channels.page_headers import Purpose, originated
from server.usecases.conversations import AWAY
from server.usecases.errors import Conflict

_log = structlog.get_logger("page_returns")
LOOK, LATER_LOOK, SOON = 0.25, 2.0, 3.0
"""Seconds between two counts of a page's packets, and `SOON` seconds later on. A page that lives sends 50 a second,
muted or not."""
SILENT, SILENT_AFTER_START = 0.6, 3.0
"""Seconds without a packet after which a page whose connection is gone is gone; after a start of the server its
connection is gone in any case."""
RETRY = 0.5
"""Seconds between two calls to a page that is back and did not answer."""
ANSWERS_WITHIN = 8.0
"""Seconds that the page that came back has to answer by itself."""
_COUNT = "CHANNEL(rtcp,rxcount)"


@dataclass(eq=False, slots=True)
class _Away:
    """One conversation whose page is gone. `until` is when it is given up, by the monotonic clock."""

    leg: AgentChannel
    until: float
    own: bool
    """The hold is for the page's sake, and ends with its return."""
    back: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(eq=False, slots=True)
class _Called:
    """A page that came back is called; `channel` will be its channel's name, or empty."""

    agent: str
    channel: asyncio.Future[str] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def tell(self, channel: str) -> None:
        if not self.channel.done():
            self.channel.set_result(channel)


class PageReturns:
    """`gone` and `opened` want what `BrowserPhones` tells, `contact` AMI's ContactStatus, `answered`
    OriginateResponse."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        view: View,
        legs: Legs,
        ami: Ami,
        presence: Presence,
        transfers: Transfers,
        pages: BrowserPhones,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._dispatcher, self._view, self._legs, self._ami = dispatcher, view, legs, ami
        self._presence, self._transfers, self._pages, self._clock = presence, transfers, pages, clock
        self._away: dict[int, _Away] = {}
        """By offer."""
        self._watched: set[str] = set()
        """Agents whose page is gone, and whose channels are looked at."""
        self._called: dict[str, _Called] = {}
        """Channels to pages that came back, by unique id, until they are answered."""
        self._tasks = BackgroundTasks(_log, "a page's return could not be followed", AmiError, NotLeading)

    def spares(self, leg: AgentChannel) -> bool:
        """Whether this part's page is awaited: its silence says nothing new."""
        return leg.offer in self._away

    def gone(self, agent: str, silent: float = SILENT) -> None:
        """A page of this agent is disconnected. It is believed to be gone when no sound came for so many seconds."""
        for called in self._called.values():
            if called.agent == agent:
                called.tell("")  # the page that came back is gone again
        if agent not in self._watched:
            self._watched.add(agent)
            self._tasks.start(self._watch(agent, silent))

    def opened(self, agent: str) -> None:
        """A page of this agent asks for the phone: any page of before is gone."""
        self._tasks.start(self._sweep(agent))

    def contact(self, event: AmiEvent) -> None:
        """A page has registered."""
        for away in self._away.values():
            if web_device(away.leg.agent) == event.get("AOR") and self._presence.is_there(event["AOR"]):
                away.back.set()

    def answered(self, event: AmiEvent) -> None:
        """A page that was called answered, or did not."""
        if (called := self._called.get(event.get("Uniqueid", ""))) is not None:
            called.tell(event["Channel"] if event.get("Response") == "Success" else "")

    async def reconcile(self) -> None:
        """After a start: conversations of pages that are not connected to this server yet, or were awaited."""
        for leg in self._legs.channels:
            live = self._view.calls.get(leg.call)
            if live is None or live.leg is None or leg.ended or device_of(leg.channel) != web_device(leg.agent):
                continue
            if live.leg.hold == AWAY and not self.spares(leg):
                await self._put_aside(live, live.leg, leg)
            elif not self._pages.connected(leg.agent):
                self.gone(leg.agent, SILENT_AFTER_START)

    async def stop(self) -> None:
        """Follow nothing more."""
        await self._tasks.stop()

    # Is the page gone?

    async def _watch(self, agent: str, silent: float) -> None:
        """Look at the channels of the page that is gone until it is connected again, or each of them has ended."""
        counts, began = dict[str, tuple[str, float]](), self._clock()
        try:
            while here := await self._channels(agent):
                if self._pages.connected(agent):
                    return
                for event in here:
                    await self._judge(event, counts, silent)
                await asyncio.sleep(LOOK if self._clock() - began < SOON else LATER_LOOK)
        finally:
            self._watched.discard(agent)

    async def _sweep(self, agent: str) -> None:
        """Another page is opened: the channels that there are at this moment were of pages that are gone."""
        for event in await self._channels(agent):
            await self._gone(event)

    async def _channels(self, agent: str) -> list[AmiEvent]:
        """The channels of this agent's pages, without those that are to the page that came back or awaited already."""
        device = web_device(agent)
        channels = await self._ami.collect("CoreShowChannels")
        return [each for each in channels if device_of(each["Channel"]) == device and not self._is_own(each)]

    def _is_own(self, event: AmiEvent) -> bool:
        """Whether this channel is to the page that came back, or its page is awaited already."""
        if event["Uniqueid"] in self._called:
            return True
        leg = self._legs.channels.by_id(event["Uniqueid"])
        if leg is None:
            return False
        away = self._away.get(leg.offer)
        return leg.ended or (away is not None and away.leg is leg)

    async def _judge(self, event: AmiEvent, counts: dict[str, tuple[str, float]], silent: float) -> None:
        """End what rings where nobody is, or what no sound comes from."""
        channel = event["Channel"]
        if event.get("ChannelStateDesc") == "Up":
            try:
                count = (await self._ami.action("Getvar", Channel=channel, Variable=_COUNT)).get("Value", "")
            except AmiFailed:
                return  # it is gone
            before, since = counts.get(channel, ("", 0.0))
            if before != count:
                counts[channel] = count, self._clock()
                return  # the page lives, as far as is known
            if self._clock() - since < silent:
                return
        await self._gone(event)

    # It is

    async def _gone(self, event: AmiEvent) -> None:
        channel, leg = event["Channel"], self._legs.channels.by_id(event["Uniqueid"])
        if leg is not None and not leg.answered:
            self._legs.leave(leg)
            return
        if leg is not None and not self._is_own(event) and (before := self._away.get(leg.offer)) is not None:
            await before.over.wait()  # the page that came back is gone again: the hold of before ends first
        if self._is_own(event):
            return
        live = self._view.calls.get(leg.call) if leg is not None else None
        part = live.leg if live is not None else None
        if leg is None or live is None or part is None or part.offer != leg.offer or not live.reached:
            _log.info("a page is gone: its call ends", channel=channel)
            await self._hang_up(channel)
        elif leg.joined_at is None:
            self._presence.lost(leg.agent)
            self._legs.lose(leg)
        else:
            await self._put_aside(live, part, leg)

    async def _put_aside(self, live: LiveCall, part: Leg, leg: AgentChannel) -> None:
        _log.warning("a page is gone in mid-call: the caller hears music", call=live.id, agent=leg.agent)
        within = self._view.floor.policy.phones.page_back_within
        own = not part.hold or bool(part.asked) or part.hold == AWAY
        away = self._away[leg.offer] = _Away(leg, self._clock() + within, own)
        try:
            if part.asked and leg.asked is not None:
                asked = leg.asked.channel
                await self._dispatcher.record(acd.ConsultEnded(live.id, leg.agent, part.asked))
                await self._hang_up(asked)
            elif not part.hold:
                with suppress(Conflict):
                    await self._transfers.put_aside(live.id, part, acd.HoldStarted(live.id, leg.agent, AWAY))
        finally:
            if self._presence.is_there(web_device(leg.agent)) and self._pages.connected(leg.agent):
                away.back.set()
            self._tasks.start(self._await(away))

    async def _await(self, away: _Away) -> None:
        leg = away.leg
        try:
            while self._stands(away) and self._clock() < away.until:
                await first_of(away.back.wait(), timeout=min(1.0, max(0.0, away.until - self._clock())))
                if away.back.is_set() and self._stands(away):
                    away.back.clear()
                    if await self._swap(away):
                        return
                    if self._presence.is_there(web_device(leg.agent)):
                        asyncio.get_running_loop().call_later(RETRY, away.back.set)
            if self._stands(away):
                _log.warning("a page did not come back: its phone is lost", call=leg.call, agent=leg.agent)
                self._presence.lost(leg.agent)
                self._legs.lose(leg)
        finally:
            del self._away[leg.offer]
            away.over.set()

    def _stands(self, away: _Away) -> bool:
        """Whether the conversation goes on as the dead channel's."""
        live = self._view.calls.get(away.leg.call)
        return live is not None and live.leg is not None and live.leg.offer == away.leg.offer and not away.leg.ended

    async def _hang_up(self, channel: str) -> None:
        """End a channel, by its name or unique id, if it is there."""
        with suppress(AmiFailed):
            await self._ami.action("Hangup", Channel=channel)

    # The page is back

    async def _swap(self, away: _Away) -> bool:
        """Call the page that came back, and let its channel take the dead one's place. False: it did not answer."""
        leg, began = away.leg, self._clock()
        live = self._view.calls.get(leg.call)
        assert live is not None
        unique_id = f"{returned_id(leg.offer)}{secrets.token_hex(4)}"
        called = self._called[unique_id] = _Called(leg.agent)
        taken = self._legs.expect(unique_id, leg)
        try:
            await self._ami.originate(
                unique_id,
                variables=originated(live.id, Purpose.RETURN, auto_answer=True),
                Channel=f"PJSIP/{web_device(leg.agent)}",
                Context=SIDE,
                Exten="s",
                Priority="1",
                Timeout=str(int(ANSWERS_WITHIN * 1000)),
                CallerID=f"{live.caller} <{live.caller}>" if live.caller.isdecimal() else "",
            )
            channel = await asyncio.wait_for(called.channel, ANSWERS_WITHIN + 2)
        except (AmiError, TimeoutError) as error:
            _log.info("the page that came back could not be called", call=leg.call, why=str(error))
            channel = ""
        finally:
            del self._called[unique_id]
        if not channel or not self._stands(away):
            self._legs.channels.forget(unique_id)
            await self._hang_up(unique_id)
            return False
        self._legs.take_place(leg, taken, channel)
        if away.own:
            await self._dispatcher.record(acd.HoldEnded(leg.call, leg.agent))
        took = round(self._clock() - began, 3)
        _log.info("the page is back: agent and caller are joined again", call=leg.call, agent=leg.agent, took=took)
        return True
