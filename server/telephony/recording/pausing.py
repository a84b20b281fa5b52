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
from server.hotline.live_calls import Leg
from server.hotline.view import View
from server.telephony.ami.link import Ami, AmiError
from server.telephony.channels.legs import Legs
from server.usecases.errors import Conflict

_log = structlog.get_logger("pausing")


class Pausing:
    """Mutes recorders. `follow` wants the entries of the log, `begin` and `stop` are its lead's."""

    def __init__(
        self, dispatcher: Dispatcher, view: View, legs: Legs, ami: Ami, clock: Callable[[], float] = time.time
    ) -> None:
        self._dispatcher, self._view, self._legs, self._ami, self._clock = dispatcher, view, legs, ami, clock
        self._timers: dict[int, asyncio.TimerHandle] = {}
        self._ending: set[asyncio.Task[None]] = set()

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

    def follow(self, entry: Entry, _: Sequence[Command]) -> None:
        """A pause began or is over."""
        if isinstance(entry.event, rec.RecordingPaused):
            pause = self._view.recording_pauses.get(entry.event.recording)
            if pause is not None:
                self._arm(pause)
        elif isinstance(entry.event, (rec.RecordingResumed, rec.RecordingClosed, rec.RecordingMissing)):
            timer = self._timers.pop(entry.event.recording, None)
            if timer is not None:
                timer.cancel()

    async def stop(self) -> None:
        """Forget the timers: the next lead has its own."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _arm(self, pause: Pause) -> None:
        if (timer := self._timers.pop(pause.recording, None)) is not None:
            timer.cancel()
        loop = asyncio.get_running_loop()
        self._timers[pause.recording] = loop.call_later(max(0.0, pause.until - self._clock()), self._over, pause)

    def _over(self, pause: Pause) -> None:
        self._timers.pop(pause.recording, None)
        task = asyncio.ensure_future(self._end(pause))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

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
        channel = self._legs.of_call(call)
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
