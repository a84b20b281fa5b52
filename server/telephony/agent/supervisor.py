"""What a supervisor does to the floor: moves, pulls and raises waiting calls, and takes part in conversations.

Every act says who and why, and is in the log before anything happens: a conversation that somebody listened to is
known as such for as long as the log is kept.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress

import structlog

import acd.events as acd
from acd.events import Monitor
from acd.floor.agents import AgentState
from server.hotline.definitions import Definitions
from server.hotline.dispatcher import Dispatcher, NotLeading
from server.hotline.live_calls import LiveCall, Stage
from server.telephony.ami.link import Ami, AmiError, AmiEvent
from server.telephony.channels.legs import Legs
from server.usecases.errors import CannotDo

_log = structlog.get_logger("supervisor")

RING_FOR = 20.0
KEYS = {"4": Monitor.LISTEN, "5": Monitor.WHISPER, "6": Monitor.BARGE}
"""What a supervisor keys to go on in another way."""
_SPY = {Monitor.LISTEN: "", Monitor.WHISPER: "w", Monitor.BARGE: "B"}


class Supervisors:
    """Acts of supervisors. `device` tells what to dial for an agent. Acts raise CannotDo, or NotLeading."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        legs: Legs,
        ami: Ami,
        definitions: Callable[[], Definitions],
        device: Callable[[str], str],
    ) -> None:
        self._dispatcher, self._legs, self._ami = dispatcher, legs, ami
        self._definitions, self._device = definitions, device
        self._rung: dict[str, asyncio.Future[bool]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        ami.subscribe("OriginateResponse", self._answered)
        ami.subscribe("DTMFEnd", self._digit)
        ami.subscribe("Hangup", self._hangup)

    # Waiting calls

    async def move(self, call: int, queue: str, *, by: str, reason: str) -> None:
        """Let a waiting call wait in another queue, as old as it is."""
        live = self._waiting(call)
        names = [each.name for each in self._definitions().policy.queues]
        if queue not in names:
            raise CannotDo(f"there is no queue {queue}: there are {', '.join(names)}")
        if live.queue == queue:
            raise CannotDo(f"call {call} waits in {queue} already")
        requirement = self._definitions().requirement(queue, live.fields.get("category", ""), {})
        await self._dispatcher.record(acd.CallMoved(call, queue, requirement, by, reason))

    async def pull(self, call: int, agent: str, *, by: str, reason: str) -> None:
        """Give one waiting call out of turn to this agent, skills or not. The agent must be ready."""
        self._waiting(call)
        known = self._dispatcher.state.floor.agent(agent)
        if known is None:
            raise CannotDo(f"there is no agent {agent}")
        await self._dispatcher.record(acd.CallPulled(call, agent, by, reason))
        live = self._dispatcher.state.calls.get(call)
        if live is None or live.leg is None or live.leg.agent != agent:
            state = str(known.status) if known.status is not acd.Status.AVAILABLE else known.state.replace("_", " ")
            raise CannotDo(f"agent {agent} is {state} and cannot take call {call} now")

    async def prioritise(self, call: int, priority: int, *, by: str, reason: str) -> None:
        """Change the points that a waiting call began with."""
        self._waiting(call)
        await self._dispatcher.record(acd.PrioritySet(call, priority, by, reason))

    def _waiting(self, call: int) -> LiveCall:
        live = self._dispatcher.state.calls.get(call)
        if live is None:
            raise CannotDo(f"call {call} is over, or never was")
        if live.stage is not Stage.WAITING:
            raise CannotDo(f"call {call} does not wait: it is {live.stage.value}")
        return live

    # Conversations

    async def monitor(self, call: int, mode: Monitor, *, by: str, reason: str) -> None:
        """Ring the supervisor's phone and let it take part; keys 4, 5 and 6 change how (listen, whisper, barge)."""
        live = self._dispatcher.state.calls.get(call)
        spied = self._legs.of_call(call)
        if live is None or live.leg is None or spied is None or spied.joined_at is None:
            raise CannotDo(f"call {call} is not in a conversation with an agent")
        supervisor = self._dispatcher.state.floor.agent(by)
        if supervisor is None:
            raise CannotDo(f"there is no agent {by} whose phone could ring: name the supervisor's work number")
        if by == live.leg.agent:
            raise CannotDo(f"agent {by} has call {call}: somebody else may listen to it")
        if supervisor.state not in (AgentState.IDLE, AgentState.WRAP_UP):
            raise CannotDo(f"the phone of {by} is in use: {supervisor.state.replace('_', ' ')}")
        channel = f"monitor-{call}-{secrets.token_hex(6)}"
        await self._dispatcher.record(
            acd.MonitorStarted(call, live.leg.agent, by, mode, reason, channel),
            acd.AgentOccupied(by, f"{mode.value} to call {call}"),
        )
        if not await self._ring(by, channel, f"{spied.channel},qEd{_SPY[mode]}"):
            await self._ended(channel, "not_answered")
            raise CannotDo(f"the phone of {by} did not answer")

    async def reconcile(self) -> None:
        """After a start: whoever listened and is not there any more has ended."""
        if not self._dispatcher.state.calls.monitors:
            return
        here = {event["Uniqueid"] for event in await self._ami.collect("CoreShowChannels")}
        for channel in list(self._dispatcher.state.calls.monitors):
            if channel not in here:
                await self._ended(channel, "lost")

    async def _ring(self, by: str, channel: str, spying: str) -> bool:
        """Whether one of the supervisor's devices answered."""
        for device in self._device(by).split("&"):
            answered = self._rung[channel] = asyncio.get_running_loop().create_future()
            try:
                await self._ami.originate(
                    channel,
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

    def _answered(self, event: AmiEvent) -> None:
        ringing = self._rung.get(event.get("Uniqueid", ""))
        if ringing is not None and not ringing.done():
            ringing.set_result(event.get("Response") == "Success")

    def _digit(self, event: AmiEvent) -> None:
        started = self._dispatcher.state.calls.monitors.get(event["Uniqueid"])
        mode = KEYS.get(event["Digit"])
        if started is not None and mode is not None and event.get("Direction") == "Received":
            self._dispatcher.submit(acd.MonitorChanged(started.call, started.by, mode, started.channel))

    def _hangup(self, event: AmiEvent) -> None:
        channel = event["Uniqueid"]
        if channel not in self._dispatcher.state.calls.monitors:
            return
        if (ringing := self._rung.get(channel)) is not None:
            if not ringing.done():
                ringing.set_result(False)
            return
        task = asyncio.ensure_future(self._ended(channel, "hung_up"))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _ended(self, channel: str, why: str) -> None:
        started = self._dispatcher.state.calls.monitors.get(channel)
        if started is not None:
            with suppress(NotLeading):
                await self._dispatcher.record(
                    acd.MonitorEnded(started.call, started.agent, started.by, why, channel), acd.AgentFreed(started.by)
                )
