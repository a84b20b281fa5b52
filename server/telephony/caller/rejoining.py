"""From the moment caller and agent are joined to the end of the talk, through every hold and every hand-over.

The session that holds the caller looks at the log whenever the two are apart: the agent's part ended, the caller is on
hold, or another agent has the call. It then joins the caller with the agent who has the call by the log.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog

import acd.events as acd
from acd.events import Outcome
from server.hotline import queueing
from server.hotline.live_call import Leg, LiveCall, Stage
from server.tasks import first_of
from server.telephony.agi.server import AgiHangup
from server.telephony.ami.link import AmiError
from server.telephony.asterisk.files import LATER
from server.telephony.caller.context import FACTS_DEADLINE, CallerContext, SessionServices
from server.telephony.channels import dial

_log = structlog.get_logger("rejoining")
_FOR_EVER = 4 * 3600.0
OUTSIDE_RING = 30.0
_ARRIVES_WITHIN = 4.0
"""Seconds within which the dialplan brings a colleague who takes the place of the agent's channel."""


class Rejoining:
    """Joins one caller with the agent who has the call by the log, again and again. On hold they hear `music`."""

    def __init__(self, context: CallerContext, services: SessionServices, music: str) -> None:
        self._context, self._services, self._music = context, services, music
        self._dispatcher, self._view = services.dispatcher, services.view
        self._offer = 0

    @property
    def _live(self) -> LiveCall | None:
        return self._view.calls.get(self._context.call)

    def _leg(self) -> Leg | None:
        """The part that is joined, on hold, or about to be joined; an offer that was made meanwhile does not count."""
        leg = live.leg if (live := self._live) is not None else None
        if leg is None or leg.answered_at is not None or leg.outside or leg.offer == self._offer:
            return leg
        return None

    async def go_on(self, offer: int) -> None:
        """After Dial has ended for this offer: return when nobody talks with the caller, and the log says so.

        Raises AgiHangup or AgiGone when the caller is not held any more.
        """
        self._offer = joined = offer
        """The part that was joined with the caller, and no more is; 0: none was."""
        channel = self._services.legs.channels.of_call(self._context.call)
        if channel is not None and channel.by_phone:
            self._offer = joined = channel.offer
        while (leg := self._leg()) is not None:
            if leg.hold:
                await self._keep(leg)
                joined = 0
            elif leg.outside and leg.answered_at is None:
                await self._call_out(leg)
                joined = leg.offer
            elif leg.offer != joined:
                await self._join(leg)
                joined = leg.offer
            elif not await self._told(leg):
                # Without the link nobody can tell that the other's channel is gone; this one's Dial or Bridge is over.
                if (
                    not self._services.ami.is_up
                    or self._services.legs.channels.of_call(self._context.call) is None
                    or not joined
                ):
                    await self._tell_end(leg)
                joined = 0

    async def _keep(self, leg: Leg) -> None:
        """Music until the hold is over."""
        await self._context.audio.music(True, self._music)
        over = self._dispatcher.until(lambda _: self._leg() is not leg or not leg.hold, _FOR_EVER)
        if 1 in await first_of(over, self._context.agi.wait_hangup()):
            raise AgiHangup("the caller hung up on hold")

    async def _join(self, leg: Leg) -> None:
        """Join the caller with the one who has the call; return when they are apart."""
        channel = self._services.legs.channels.of_call(self._context.call)
        if channel is None:
            return
        if channel.replaces:
            with suppress(TimeoutError):
                await asyncio.wait_for(channel.arrived.wait(), _ARRIVES_WITHIN)
            await self._services.recorder.stop(channel)
            self._services.legs.final(channel.replaces)
            channel.replaces = 0
        await self._services.legs.part(channel)
        if self._services.legs.channels.of_call(self._context.call) is not channel:
            return
        await self._context.audio.music(False)
        try:
            await self._services.recorder.go_on(channel)
        except AmiError as error:
            _log.error("this part of the call is not recorded", call=self._context.call, why=str(error))
            if channel.joined_at is None:
                channel.unrecorded = f"the recording did not start: {error}"
        if not leg.outside:
            with suppress(AmiError):
                await self._services.ami.action(
                    "Setvar", Channel=channel.channel, Variable=dial.TRANSFER_CONTEXT, Value=dial.MAY_TRANSFER
                )
        self._context.audio.quiet = False
        await self._context.agi.execute("Bridge", channel.channel, f"F({dial.AGENT_LEFT})", music_after=LATER)

    async def _call_out(self, leg: Leg) -> None:
        """Call the outside number that the call was sent to; unanswered, the call returns to the agent who sent it."""
        context, agi = self._context, self._context.agi
        await agi.set_variable(dial.RECORDING, self._services.folders.recording(context.call, leg.offer))
        options = f"gm({self._music})U({dial.LEG})"
        dialled = await self._services.outgoing.dial(agi, leg.agent, OUTSIDE_RING, options, music_after=LATER)
        context.audio.quiet = False
        if dialled.answered:
            return
        outcome = dial.outcome(dialled.status, dialled.cause)
        live = self._live
        if live is None:
            raise AgiHangup("the call is over")
        await self._dispatcher.record(
            acd.OfferFailed(leg.offer, Outcome(outcome), dialled.detail),
            # Back at the place it had, for the agent who sent it out before all others.
            *queueing.again(live, owner=leg.given_by),
        )
        await context.audio.play(("transfer-failed",), interruptible=False)

    async def _told(self, leg: Leg) -> bool:
        """Wait until the log says why the two are apart; False when it does not within the deadline."""
        offer = leg.offer

        def changed(_: object) -> bool:
            now = self._leg()
            return now is None or now.offer != offer or bool(now.hold)

        return await self._dispatcher.until(changed, FACTS_DEADLINE)

    async def _tell_end(self, leg: Leg) -> None:
        """The AMI stream does not tell that this part is over: tell it here."""
        live = self._live
        if live is None or live.leg is None or live.stage is Stage.AFTER:
            return
        await self._dispatcher.record(*self._services.legs.unwatched.unseen(live, leg))
