"""A supervisor's phone takes part in a conversation: it listens, whispers to the agent, or speaks with both.

Taking part is in the log before anything rings: a conversation that a supervisor listened to is known as such for as
long as the log is kept.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress

import structlog

import acd.events as acd
from acd.events import Monitor
from server.hotline.dispatcher import Dispatcher, NotLeading
from server.hotline.live_call import LiveCall
from server.hotline.view import View
from server.tasks import BackgroundTasks
from server.telephony.ami.link import Ami, AmiError, AmiEvent
from server.telephony.channels.agent_channels import AgentChannels
from server.telephony.channels.page_headers import Purpose, originated
from server.usecases.errors import Conflict

_log = structlog.get_logger("monitoring")

RING_FOR = 20.0
SWITCHED_WITHIN = 3.0
"""Seconds within which a key is heard and a phone is hung up."""
KEYS = {"4": Monitor.LISTEN, "5": Monitor.WHISPER, "6": Monitor.BARGE}
"""What a supervisor keys to go on in another way."""
_SPY = {Monitor.LISTEN: "", Monitor.WHISPER: "w", Monitor.BARGE: "B"}


class Monitoring:
    """Phones that listen. `device` tells what to dial for an agent.

    `answered` wants AMI's OriginateResponse, `digit` DTMFEnd, `hung_up` Hangup.
    """

    def __init__(
        self, dispatcher: Dispatcher, view: View, channels: AgentChannels, ami: Ami, device: Callable[[str], str]
    ) -> None:
        self._dispatcher, self._view, self._channels, self._ami, self._device = dispatcher, view, channels, ami, device
        self._rung: dict[str, asyncio.Future[bool]] = {}
        self._tasks = BackgroundTasks(_log, "the end of a monitoring could not be recorded")

    async def begin(
        self, live: LiveCall, by: str, mode: Monitor, reason: str, *audit: object, own: bool = False
    ) -> None:
        """Record it, ring the phone of agent `by` and let it take part; keys 4, 5 and 6 change how.

        `own`: the agent asked for it, so that the agent's page answers by itself. Returns once the phone has answered.
        Raises Conflict when it does not.
        """
        spied = self._channels.of_call(live.id)
        if live.leg is None or spied is None or spied.joined_at is None:
            raise Conflict(f"call {live.id} is not in a conversation with an agent")
        channel = f"monitor-{live.id}-{secrets.token_hex(6)}"
        await self._dispatcher.record(
            acd.MonitorStarted(live.id, live.leg.agent, by, mode, reason, channel),
            acd.AgentOccupied(by, f"{mode.value} to call {live.id}"),
            *audit,
        )
        if not await self._ring(live.id, by, channel, f"{spied.channel},qEd{_SPY[mode]}", own):
            await self._ended(channel, "not_answered")
            raise Conflict(f"the phone of {by} did not answer")

    async def switch(self, started: acd.MonitorStarted, mode: Monitor, *audit: object) -> None:
        """Press the key of this mode for the supervisor; returns once the log has it. Raises Conflict."""
        key = next(digit for digit, each in KEYS.items() if each is mode)
        try:
            await self._ami.action("PlayDTMF", Channel=started.channel, Digit=key, Receive="true")
        except AmiError as error:
            raise Conflict(f"Asterisk does not change how {started.by} takes part: {error}") from None

        def changed(_: object) -> bool:
            now = self._view.calls.monitors.get(started.channel)
            return now is None or now.mode is mode

        if not await self._dispatcher.until(changed, SWITCHED_WITHIN):
            raise Conflict(f"the phone of {started.by} still takes part as before: try again")
        if audit:
            await self._dispatcher.record(*audit)

    async def end(self, started: acd.MonitorStarted) -> None:
        """Hang up on the supervisor's phone; returns once the log has it. Raises Conflict."""
        try:
            await self._ami.action("Hangup", Channel=started.channel)
        except AmiError as error:
            raise Conflict(f"Asterisk does not hang up on {started.by}: {error}") from None
        await self._dispatcher.until(lambda _: started.channel not in self._view.calls.monitors, SWITCHED_WITHIN)

    async def reconcile(self) -> None:
        """After a start: a supervisor who listened and whose channel is gone has ended."""
        if not self._view.calls.monitors:
            return
        here = {event["Uniqueid"] for event in await self._ami.collect("CoreShowChannels")}
        for channel in list(self._view.calls.monitors):
            if channel not in here:
                await self._ended(channel, "lost")

    async def _ring(self, call: int, by: str, channel: str, spying: str, own: bool) -> bool:
        """Whether one of the supervisor's devices answered."""
        for device in self._device(by).split("&"):
            answered = self._rung[channel] = asyncio.get_running_loop().create_future()
            try:
                await self._ami.originate(
                    channel,
                    variables=originated(call, Purpose.LISTEN, auto_answer=own),
                    Channel=device,
                    Application="ChanSpy",
                    Data=spying,
                    Timeout=str(int(RING_FOR * 1000)),
                    CallerID=f"{by} <{by}>",
                )
                if await asyncio.wait_for(answered, RING_FOR + 5):
                    return True
            except (AmiError, TimeoutError) as error:
                _log.info("a supervisor's phone did not answer", by=by, device=device, why=str(error))
            finally:
                self._rung.pop(channel, None)
        return False

    def answered(self, event: AmiEvent) -> None:
        """A phone that was rung answered, or did not."""
        ringing = self._rung.get(event.get("Uniqueid", ""))
        if ringing is not None and not ringing.done():
            ringing.set_result(event.get("Response") == "Success")

    def digit(self, event: AmiEvent) -> None:
        """A supervisor keyed how to go on."""
        started = self._view.calls.monitors.get(event["Uniqueid"])
        mode = KEYS.get(event["Digit"])
        if started is not None and mode is not None and event.get("Direction") == "Received":
            self._dispatcher.submit(acd.MonitorChanged(started.call, started.by, mode, started.channel))

    def hung_up(self, event: AmiEvent) -> None:
        """A supervisor's phone is gone."""
        channel = event["Uniqueid"]
        if channel not in self._view.calls.monitors:
            return
        if (ringing := self._rung.get(channel)) is not None:
            if not ringing.done():
                ringing.set_result(False)
            return
        self._tasks.start(self._ended(channel, "hung_up"))

    async def _ended(self, channel: str, why: str) -> None:
        started = self._view.calls.monitors.get(channel)
        if started is not None:
            with suppress(NotLeading):
                await self._dispatcher.record(
                    acd.MonitorEnded(started.call, started.agent, started.by, why, channel), acd.AgentFreed(started.by)
                )
