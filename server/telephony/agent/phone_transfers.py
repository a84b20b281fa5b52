"""The transfer key of an agent's phone (REFER) does what the agent's key *3 does.

The law: the log first, then the channels that wait for it. A blind transfer takes the caller out of the conversation
to the dialplan, which asks a server until one has recorded the transfer; when that cannot be, the agent's phone rings
for the caller again. An attended one joins caller and colleague at once: a fact, which the log is told like any other.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from server.hotline import queueing
from server.hotline.dispatcher import Dispatcher, NotLeading
from server.hotline.live_call import Leg, LiveCall, Stage
from server.hotline.view import View
from server.tasks import BackgroundTasks
from server.telephony.agent.internal_calls import InternalCall, InternalCalls
from server.telephony.agent.transfers import Transfers
from server.telephony.ami.link import Ami, AmiError, AmiEvent
from server.telephony.channels import dial
from server.telephony.channels.leg_recorder import LegRecorder
from server.telephony.channels.legs import Legs
from server.telephony.channels.ownership import AgentChannel, AskedChannel, agent_of
from server.telephony.channels.transferred import left_by_transfer
from server.usecases.conversations import ConversationActs
from server.usecases.errors import ActRefused
from server.usecases.principal import phone_of

_log = structlog.get_logger("phone_transfers")

TRANSFERRED = "transferred"
"""Dialplan context of a caller who was transferred blind by a phone."""


class PhoneTransfers:
    """`left` wants AMI's BlindTransfer, `attended` AttendedTransfer."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        view: View,
        legs: Legs,
        ami: Ami,
        conversations: ConversationActs,
        transfers: Transfers,
        internal: InternalCalls,
        recorder: LegRecorder,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._dispatcher, self._view, self._legs, self._ami = dispatcher, view, legs, ami
        self._conversations, self._transfers, self._internal = conversations, transfers, internal
        self._recorder, self._clock = recorder, clock
        self._tasks = BackgroundTasks(_log, "a transfer by phone could not be followed", NotLeading, AmiError)

    def left(self, event: AmiEvent) -> None:
        """A phone has transferred the other one blind."""
        channel = self._legs.channels.by_id(event.get("TransfererUniqueid", ""))
        if channel is not None and event.get("Result") == "Success":
            channel.referred = True

    # Blind: the caller is out of the conversation, and a session holds them.

    async def blind(self, live: LiveCall, number: str) -> None:
        """Record what becomes of a caller whose agent's phone asked for this number."""
        leg = live.leg
        if leg is None or leg.joined_at is None:
            await self._alone(live, number)
            return
        try:
            await self._conversations.transfer(phone_of(leg.agent), live.id, self._conversations.target(number))
        except ActRefused as error:
            _log.info("a transfer by phone was refused", call=live.id, agent=leg.agent, why=str(error))
            await self._transfers.returned(live, leg, number)

    async def _alone(self, live: LiveCall, number: str) -> None:
        """The log knows of no agent any more: nobody watched while the phone hung up. The caller waits again."""
        if live.stage is Stage.AFTER:
            target = self._conversations.target(number)
            await self._dispatcher.record(*queueing.again(live, owner=target.to if target.kind == "agent" else ""))

    # Attended: caller and colleague are joined already, or the colleague's phone still rings.

    def attended(self, event: AmiEvent) -> None:
        """A phone has joined its two calls."""
        if event.get("Result") != "Success":
            return
        both = event["OrigTransfererUniqueid"], event["SecondTransfererUniqueid"]
        for mine, other in (both, both[::-1]):
            channel, own = self._legs.channels.by_id(mine), self._internal.by_channel(other)
            if channel is None or own is None or channel.ended or channel.agent != own.agent:
                continue
            live = self._view.calls.get(channel.call)
            if live is not None and live.leg is not None and live.leg.offer == channel.offer:
                self._give(live, live.leg, channel, own)
                return
        _log.warning("a phone joined two calls, and the log knows no conversation of them", channels=both)

    def _give(self, live: LiveCall, leg: Leg, channel: AgentChannel, own: InternalCall) -> None:
        """Take the agent's part for over at once: the phone hangs up next."""
        asked = own.asked
        if asked is None:
            channel.referred = True
            # The caller is in the place of the agent's channel when that is gone, and must not be moved before.
            own.then = lambda: self._tasks.start(self._fetch(live, own))
            return
        # On hold by a key: the colleague comes to the agent's side, from where the caller's session joins the two.
        asked.bridged, asked.replaces, channel.replaced = False, channel.offer if leg.hold else 0, bool(leg.hold)
        recorded = self._dispatcher.submit(*self._transfers.by_phone(live, leg, channel, own.to, asked))
        if not leg.hold:
            self._tasks.start(self._joined(recorded, asked, channel))

    async def _joined(self, recorded: Awaitable[float], asked: AskedChannel, before: AgentChannel) -> None:
        """Caller and colleague speak: a leg of its own, which is recorded."""
        await recorded
        taken = self._legs.channels.by_id(asked.unique_id)
        if taken is not None:
            try:
                await self._recorder.go_on(taken)
            except AmiError as error:
                taken.unrecorded = f"the recording did not start: {error}"
            with suppress(AmiError):
                await self._set(taken.channel, dial.TRANSFER_CONTEXT, dial.MAY_TRANSFER)
            taken.by_phone = True
            self._legs.join(taken, self._clock())
        await self._transfers.end(before)

    async def reconcile(self) -> None:
        """Tell the log of phones that joined caller and colleague while nobody watched. Raises the link's errors."""
        talking = [
            live for live in self._view.calls if live.leg is not None and live.leg.joined_at and not live.leg.hold
        ]
        if not talking:
            return
        here = {event["Uniqueid"]: event for event in await self._ami.collect("CoreShowChannels")}
        for live in talking:
            leg, asked = live.leg, self._with(live, here)
            if leg is not None and asked is not None:
                gone = left_by_transfer(live, leg, None)
                to = agent_of(asked.channel)
                recorded = self._dispatcher.submit(*self._transfers.by_phone(live, leg, gone, to, asked))
                await self._joined(recorded, asked, gone)

    def _with(self, live: LiveCall, here: dict[str, AmiEvent]) -> AskedChannel | None:
        """The channel of an agent who is joined with the caller while the log knows nothing of it."""
        bridge = here[live.unique_id].get("BridgeId", "") if live.unique_id in here else ""
        others = [each for each in here.values() if bridge and each.get("BridgeId") == bridge]
        for each in others if len(others) == 2 else ():
            agent = agent_of(each["Channel"])
            known = live.leg is not None and live.leg.agent != agent and self._view.floor.agent(agent) is not None
            if known and each["Uniqueid"] != live.unique_id:
                return AskedChannel(each["Channel"], each["Uniqueid"], answered=True)
        return None

    async def _fetch(self, live: LiveCall, own: InternalCall) -> None:
        """The colleague's phone still rings, with the caller in the agent's place: the transfer is blind."""
        await self._set(live.channel, dial.TRANSFER_TO, own.to)
        await self._ami.action("Redirect", Channel=live.channel, Context=TRANSFERRED, Exten="s", Priority="1")

    async def _set(self, channel: str, variable: str, value: str) -> None:
        await self._ami.action("Setvar", Channel=channel, Variable=variable, Value=value)
