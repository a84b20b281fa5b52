"""Acts that keep recordings: alarms and their settling, legal holds, chains, pauses. Each raises Forbidden,
NotLeading.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Any

import recordings.events as rec
from recordings.alarms import Alarm
from server.hotline.live_call import Leg, Stage
from server.usecases.errors import Conflict, NotFound
from server.usecases.permissions import Act
from server.usecases.principal import Principal
from server.usecases.server import Acts


class RecordingCareActs(Acts):
    """What keeps recordings whole, lawful and watched."""

    def alarms(self, who: Principal) -> list[Alarm]:
        """What is wrong with recordings and not settled, oldest first."""
        self.permissions.require(who, Act.VERIFY_RECORDINGS)
        return list(self._view.recording_alarms)

    async def settle(self, who: Principal, number: int, reason: str) -> None:
        """A person looked into the alarm. 0 is the number of files that are no recording's. Raises NotFound."""
        self.permissions.require(who, Act.SETTLE_RECORDING)
        if self._view.recording_alarms.get(number) is None:
            raise NotFound(f"recording {number} has no alarm: see `sansheng recording alarms`")
        settled = rec.RecordingSettled(number, who.name, reason)
        await self._record(who, Act.SETTLE_RECORDING, settled, subject=f"recording {number}", reason=reason)

    async def hold(self, who: Principal, number: int, reason: str) -> None:
        """A legal hold: the recording is not deleted until it is released. Raises NotFound, Conflict."""
        row = await self._row(who, number)
        if row["held"]:
            raise Conflict(f"recording {number} is held already")
        if row["state"] == "deleted":
            raise Conflict(f"recording {number} is deleted")
        held = rec.RecordingHeld(number, who.name, reason)
        await self._record(who, Act.HOLD_RECORDING, held, subject=f"recording {number}: held", reason=reason)

    async def release(self, who: Principal, number: int, reason: str) -> None:
        """The legal hold is over. Raises NotFound, Conflict."""
        row = await self._row(who, number)
        if not row["held"]:
            raise Conflict(f"recording {number} is not held")
        released = rec.RecordingReleased(number, who.name, reason)
        await self._record(who, Act.HOLD_RECORDING, released, subject=f"recording {number}: released", reason=reason)

    async def _row(self, who: Principal, number: int) -> dict[str, Any]:
        self.permissions.require(who, Act.HOLD_RECORDING)
        await self.shown()
        row = await self._server.records.one("recordings", number)
        if row is None:
            raise NotFound(f"there is no recording {number}")
        return row

    async def chain(self, who: Principal, day: date) -> dict[str, Any]:
        """One day's chain: `day`, `recordings`, `last` (its last link, to be kept elsewhere)."""
        self.permissions.require(who, Act.VERIFY_RECORDINGS)
        return asdict(await self._server.records.chain_end(day))

    # During a conversation

    async def pause(self, who: Principal, call: int, reason: str = "") -> float:
        """Record nothing until `resume`, or until the time of a pause is over; returns until when. Raises Conflict."""
        leg = self._talking(who, call)
        if self._view.recording_pauses.get(leg.offer) is not None:
            raise Conflict(f"the recording of call {call} is paused already")
        if self._view.recordings.get(leg.offer) is None or self._view.recording_pauses.left_out(leg.offer):
            raise Conflict(f"call {call} is not recorded")
        until = self._clock() + self.pause_limit
        paused = rec.RecordingPaused(leg.offer, call, leg.agent, who.name, reason, round(until, 3))
        channels = self._server.recording_channels
        # First the log: a pause that it does not know would never end.
        await self._lead.record(paused)
        try:
            await channels.pause(call, leg)
        except Conflict:
            await self._lead.record(rec.RecordingResumed(leg.offer, call, leg.agent, who.name))
            raise
        return until

    async def resume(self, who: Principal, call: int) -> None:
        """Record again. Raises Conflict."""
        leg = self._talking(who, call)
        if self._view.recording_pauses.get(leg.offer) is None:
            raise Conflict(f"the recording of call {call} is not paused")
        await self._server.recording_channels.go_on(call, leg)
        await self._lead.record(rec.RecordingResumed(leg.offer, call, leg.agent, who.name))

    def paused(self, call: int) -> bool:
        """Whether the call's conversation is not recorded at the moment because of a pause."""
        live = self._view.calls.get(call)
        return live is not None and live.leg is not None and self._view.recording_pauses.get(live.leg.offer) is not None

    @property
    def pause_limit(self) -> float:
        """Seconds after which a pause ends by itself."""
        return self._server.definitions.recordings.pause

    def _talking(self, who: Principal, call: int) -> Leg:
        self.permissions.require(who, Act.PAUSE_RECORDING)
        live = self._view.calls.get(call)
        if live is None:
            raise Conflict(f"call {call} is over, or never was")
        if live.stage is not Stage.TALKING or live.leg is None or live.leg.joined_at is None or live.leg.outside:
            raise Conflict(f"call {call} is not in a conversation with an agent")
        self.permissions.require(who, Act.PAUSE_RECORDING, live.leg.agent)
        return live.leg
