"""Agents call each other: a colleague's phone rings, and both are offered nothing till the call is over.

The law: the log has the call before a phone rings, and its end whatever became of the server. It is no caller's call:
it has no number, no recording and no place in the records of calls.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

import structlog

import acd.events as acd
from server.eventlog.log import Unwritable
from server.hotline.dispatcher import Dispatcher, NotLeading
from server.hotline.outside_agents import outside_number
from server.hotline.view import View
from server.tasks import BackgroundTasks
from server.telephony.agi.server import AgiCall, AgiGone, AgiHangup
from server.telephony.ami.link import Ami, AmiEvent
from server.telephony.channels import dial
from server.telephony.channels.ownership import AskedChannel, belongs
from server.telephony.channels.page_headers import Purpose, dialled
from server.telephony.trunks.outgoing import Outgoing
from server.usecases.conversations import ConversationActs
from server.usecases.errors import ActRefused, NotFound

_log = structlog.get_logger("internal_calls")
RING_FOR = 30
_OPTIONS = f"F({dial.AGENT_LEFT})"
_BUSY = "17"
"""What the phone is told: the one who was called cannot be reached now."""


@dataclass(slots=True)
class InternalCall:
    """One call of an agent's phone. `asked` is the channel of the one who was called, once they speak."""

    agent: str
    to: str
    outside: bool
    ringing: dict[str, str] = field(default_factory=dict)
    """The channels that were called, by unique id: an agent may have two devices."""
    asked: AskedChannel | None = None
    then: Callable[[], None] | None = None
    """What is done when the calling channel is gone."""


class InternalCalls:
    """The handler of AGI connections from agents' phones that dial no code; arguments are the agent and the number.

    `device` tells what to dial for an agent, `outgoing` dials outside numbers, `in_words` answers what is no number to
    call. `dial_begin`, `bridge_enter` and `hung_up` want AMI's events of these names.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        view: View,
        ami: Ami,
        conversations: ConversationActs,
        device: Callable[[str], str],
        outgoing: Outgoing,
        in_words: Callable[[AgiCall], Awaitable[None]],
    ) -> None:
        self._dispatcher, self._view, self._ami = dispatcher, view, ami
        self._conversations, self._device, self._outgoing = conversations, device, outgoing
        self._in_words = in_words
        self._calls: dict[str, InternalCall] = {}
        self._tasks = BackgroundTasks(
            _log, "the end of an agent's own call could not be recorded", NotLeading, Unwritable
        )

    def by_channel(self, unique_id: str) -> InternalCall | None:
        """The call that is made from the channel with this unique id."""
        return self._calls.get(unique_id)

    async def __call__(self, agi: AgiCall) -> None:
        """Serve one connection to its end: the colleague is called, or the agent is told that it cannot be done."""
        agent, number = (*agi.arguments, "", "")[:2]
        try:
            outside = self._conversations.callable(agent, number)
        except NotFound as error:
            _log.info("an agent dialled what is no number to call", agent=agent, why=str(error))
            await self._in_words(agi)
            return
        except ActRefused as error:
            _log.info("an agent's own call was refused", agent=agent, why=str(error))
            await self._end(agi, _BUSY)
            return
        try:
            self._calls[agi.unique_id] = InternalCall(agent, number, outside)
            await self._dispatcher.record(acd.InternalCallStarted(agent, number, agi.unique_id))
            if outside:
                await self._outgoing.dial(agi, number, RING_FOR, _OPTIONS)
            elif at := outside_number(self._view, number):
                await self._outgoing.dial(agi, at, RING_FOR, _OPTIONS, agent=number)
            else:
                # i: a phone that sends the call elsewhere is followed nowhere.
                await agi.execute(
                    "Dial", self._device(number), str(RING_FOR), f"{_OPTIONS}i{dialled(0, Purpose.INTERNAL)}"
                )
        except (AgiHangup, AgiGone, NotLeading) as error:
            _log.info("an agent's own call is over", agent=agent, why=str(error))

    async def _end(self, agi: AgiCall, cause: str) -> None:
        with suppress(AgiHangup, AgiGone):
            await agi.execute("Hangup", cause)

    def dial_begin(self, event: AmiEvent) -> None:
        """The phone that was called begins to ring."""
        own = self._calls.get(event.get("Uniqueid", ""))
        if own is not None and belongs(event["DestChannel"], own.to, outside=own.outside):
            own.ringing[event["DestUniqueid"]] = event["DestChannel"]

    def bridge_enter(self, event: AmiEvent) -> None:
        """The phone that was called has answered, and the two speak."""
        for own in self._calls.values():
            if (channel := own.ringing.get(event["Uniqueid"])) is not None and own.asked is None:
                own.asked = AskedChannel(channel, event["Uniqueid"], answered=True)

    def hung_up(self, event: AmiEvent) -> None:
        """A channel is gone. What happened before it went, such as a transfer, was told before."""
        own = self._calls.pop(event["Uniqueid"], None)
        self._over(event["Uniqueid"])
        if own is not None and own.then is not None:
            own.then()

    def _over(self, channel: str) -> None:
        if (started := self._view.calls.internal.get(channel)) is not None:
            ended = acd.InternalCallEnded(started.agent, started.to, channel)
            self._tasks.start(self._dispatcher.record(ended))

    async def reconcile(self) -> None:
        """Compare the agents' own calls with the channels that there are. Raises the link's errors."""
        if not self._view.calls.internal:
            return
        here = {event["Uniqueid"]: event for event in await self._ami.collect("CoreShowChannels")}
        for channel, started in list(self._view.calls.internal.items()):
            if channel not in here:
                self._calls.pop(channel, None)
                self._over(channel)
            elif channel not in self._calls:
                self._calls[channel] = self._found(started, here)

    def _found(self, started: acd.InternalCallStarted, here: dict[str, AmiEvent]) -> InternalCall:
        """A call that was begun by a server that is gone."""
        own = InternalCall(started.agent, started.to, self._view.floor.agent(started.to) is None)
        for unique_id, event in here.items():
            linked = event["Linkedid"] == here[started.channel]["Linkedid"]
            if linked and belongs(event["Channel"], own.to, outside=own.outside):
                own.ringing[unique_id] = event["Channel"]
                if event.get("BridgeId"):
                    own.asked = AskedChannel(event["Channel"], unique_id, answered=True)
        return own
