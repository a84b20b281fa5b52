"""Law: a pause is silence in the file, of its own length, and ends by itself; a hold or a restart in it changes
nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

import structlog

import recordings.events as rec
from acd.commands import Command
from recordings.pauses import Pause
from server.eventlog.log import Entry
from server.hotline.dispatcher import Dispatcher, NotLeading
from server.hotline.live_call import Leg
from server.hotline.view import View
from server.tasks import BackgroundTasks
from server.telephony.ami.link import Ami, AmiError
from server.telephony.channels.agent_channels import AgentChannels
from server.usecases.errors import Conflict

_log = structlog.get_logger("pausing")


class Pausing:
    """Mutes recorders. `left_out(call, agent)` says why nothing of a conversation is to be kept. `follow` wants the
    entries of the log, `begin` and `stop` are its lead's.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        view: View,
        channels: AgentChannels,
        ami: Ami,
        left_out: Callable[[int, str], str] = lambda call, agent: "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._dispatcher, self._view, self._channels, self._ami, self._clock = dispatcher, view, channels, ami, clock
        self._rule = left_out
        self._timers: dict[int, asyncio.TimerHandle] = {}
        self._tasks = BackgroundTasks(_log, "a recording could not be silenced, or its pause ended")

    async def pause(self, call: int, leg: Leg) -> None:
        """Record silence from now on. Raises Conflict."""
        await self._mute(call, leg.offer, True)

    async def go_on(self, call: int, leg: Leg) -> None:
        """Record sound again. Raises Conflict."""
        await self._mute(call, leg.offer, False)

    def begin(self) -> None:
        """Pauses of before this lead end in time too."""
        for pause in self._view.recording_pauses:
            self._arm(pause)
        for each in self._view.recordings.unfinished():
            if each.ended_at is None and not self._view.recording_pauses.left_out(each.recording):
                self._leave_out(each.recording, each.call, each.agent)

    def follow(self, entry: Entry, _: Sequence[Command]) -> None:
        """A pause began or is over."""
        if isinstance(entry.event, rec.RecordingStarted):
            self._leave_out(entry.event.recording, entry.event.call, entry.event.agent)
        elif isinstance(entry.event, rec.RecordingPaused):
            pause = self._view.recording_pauses.get(entry.event.recording)
            if pause is not None:
                self._arm(pause)
        elif isinstance(entry.event, (rec.RecordingResumed, rec.RecordingClosed, rec.RecordingMissing)):
            timer = self._timers.pop(entry.event.recording, None)
            if timer is not None:
                timer.cancel()

    async def stop(self) -> None:
        """Forget the timers and end what goes on: the next lead has its own."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        await self._tasks.stop()

    def _leave_out(self, recording: int, call: int, agent: str) -> None:
        if why := self._rule(call, agent):
            self._tasks.start(self._silence(recording, call, agent, why))

    async def _silence(self, recording: int, call: int, agent: str, why: str) -> None:
        told = self._dispatcher.submit(rec.RecordingLeftOut(recording, call, agent, why))
        with suppress(Conflict):
            await self._mute(call, recording, True)
        with suppress(NotLeading):
            await told

    def _arm(self, pause: Pause) -> None:
        if (timer := self._timers.pop(pause.recording, None)) is not None:
            timer.cancel()
        loop = asyncio.get_running_loop()
        self._timers[pause.recording] = loop.call_later(max(0.0, pause.until - self._clock()), self._over, pause)

    def _over(self, pause: Pause) -> None:
        self._timers.pop(pause.recording, None)
        self._tasks.start(self._end(pause))

    async def _end(self, pause: Pause) -> None:
        if self._view.recording_pauses.get(pause.recording) != pause:
            return
        try:
            await self._mute(pause.call, pause.recording, False)
        except Conflict as error:
            _log.info("a paused recording is not there any more", call=pause.call, why=str(error))
        with suppress(NotLeading):  # the next leader ends it
            await self._dispatcher.record(rec.RecordingResumed(pause.recording, pause.call, pause.agent))

    async def _mute(self, call: int, offer: int, silent: bool) -> None:
        channel = self._channels.of_call(call)
        if channel is None or channel.offer != offer:
            raise Conflict(f"call {call} is not with this agent any more")
        if not silent and self._on_hold(call):
            return  # it goes on after the hold
        try:
            await self._ami.action(
                "MixMonitorMute", Channel=channel.channel, Direction="both", State="1" if silent else "0"
            )
        except AmiError as error:
            raise Conflict(
                f"the recording of call {call} cannot be {'paused' if silent else 'resumed'}: {error}"
            ) from None

    def _on_hold(self, call: int) -> bool:
        live = self._view.calls.get(call)
        return live is not None and live.leg is not None and bool(live.leg.hold)
