"""Law: after a start and after a broken link, the log's calls are compared with the channels that are really there.

What happened while nobody watched is recorded then: what Asterisk's channels and the recordings' files tell, at the
last instant at which there was a sign of it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import structlog

import acd.events as acd
from acd.callbacks.events import AttemptOutcome
from server.hotline.dispatcher import Dispatcher
from server.hotline.live_call import Leg, LiveCall
from server.hotline.outside_agents import is_outside
from server.hotline.view import View
from server.telephony.ami.link import Ami, AmiEvent, began
from server.telephony.channels.legs import Legs
from server.telephony.channels.ownership import AgentChannel, find_asked, origin_id, part_of
from server.telephony.channels.transferred import is_transferred, left_by_transfer

_log = structlog.get_logger("reconciliation")


class Reconciliation:
    """Of the channels that `legs` follows; `on_final(recording)` is called for each recording that was left open."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        view: View,
        ami: Ami,
        legs: Legs,
        *,
        on_final: Callable[[int], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._dispatcher, self._view, self._ami, self._legs = dispatcher, view, ami, legs
        self._on_final, self._clock = on_final, clock
        self._unseen_since: float | None = None
        self._asterisk_began = 0.0

    async def __call__(self, unseen_since: float | None = None) -> None:
        """Compare the log's calls with the channels that are really there, and record what was missed.

        After a start, and whenever the AMI link is up again. What is gone without a later sign of life ended at
        `unseen_since` (UTC epoch seconds), or at the instant that the log has now. Raises the link's errors.
        """
        self._unseen_since = unseen_since
        self._asterisk_began = began(await self._ami.action("CoreStatus"))
        channels = await self._ami.collect("CoreShowChannels")
        here = {event["Uniqueid"]: event for event in channels}
        self._legs.keep(here)
        for live in list(self._view.calls):
            await self._reconcile_call(live, here)
        for each in self._view.recordings.unfinished():
            if not self._legs.channels.is_open(each.recording):
                _log.info("a recording was left open: joining it now", recording=each.recording, call=each.call)
                self._on_final(each.recording)

    async def _reconcile_call(self, live: LiveCall, here: dict[str, AmiEvent]) -> None:
        leg = live.leg
        if not live.reached:
            await self._reconcile_line(live, leg, here)
            return
        present = live.unique_id in here
        linked = here[live.unique_id]["Linkedid"] if present else live.unique_id
        rings = False
        if leg is not None:
            found = part_of(here, linked, leg)
            if found is None:
                await self._lost_leg(live, leg, here)
            else:
                known = await self._found_leg(live, leg, found, here)
                rings = leg.answered_at is None
                if leg.asked:
                    outside = self._view.floor.agent(leg.asked) is None
                    known.asked = find_asked(here, found, leg.asked, outside=outside) or known.asked
        if not present:
            # Asterisk has lived on since the call came in: then it was not Asterisk that ended it.
            cause = "caller_hung_up" if self._asterisk_began <= live.arrived_at else "lost"
            _log.info("a caller went while nobody watched", call=live.id, cause=cause)
            ended_at = self._legs.unwatched.last_sign(live, leg) or self._unseen_since
            outcome = AttemptOutcome.LOST if cause == "lost" else AttemptOutcome.HUNG_UP
            await self._dispatcher.record(*self._legs.ending(live, cause, outcome, ended_at))
        elif not rings and not self._dispatcher.owned(live.id) and live.attached:
            # While a phone rings the offer stands: the agent who picks up has the caller, held by a server or not.
            await self._dispatcher.record(acd.CallDetached(live.id))

    async def _reconcile_line(self, live: LiveCall, leg: Leg | None, here: dict[str, AmiEvent]) -> None:
        """The customer is not on the line yet: only the agent is looked for here."""
        found = part_of(here, origin_id(leg.offer), leg) if leg is not None else None
        if leg is not None and found is not None:
            await self._found_leg(live, leg, found, here)

    async def _lost_leg(self, live: LiveCall, leg: Leg, here: dict[str, AmiEvent]) -> None:
        if leg.joined_at is None and self._legs.unwatched.files.seconds(live.id, leg.offer) > 0:
            # They were joined and hung up while no server watched: the recording tells.
            await self._dispatcher.record(*self._legs.unwatched.unseen(live, leg))
            return
        if leg.answered_at is None:
            await self._dispatcher.record(acd.OfferFailed(leg.offer, acd.Outcome.LOST, "the phone rings no longer"))
            return
        if leg.hold and live.unique_id in here:
            gone = AgentChannel(live.id, leg.offer, leg.agent, "", live.unique_id, leg.joined_at, answered=True)
            if events := self._legs.on_left(gone, live):
                await self._dispatcher.record(*events)
                return
        ended = self._legs.unwatched.last_sign(live, leg) or self._unseen_since
        if live.unique_id in here and await is_transferred(self._ami, here[live.unique_id]["Channel"]):
            self._legs.channels.adopt(f"gone-{leg.offer}", left_by_transfer(live, leg, ended))
            return
        talked = max(0.0, ended - leg.joined_at) if leg.joined_at and ended else 0.0
        await self._dispatcher.record(acd.ConversationEnded(live.id, leg.agent, "lost", talked=talked, ended_at=ended))

    async def _found_leg(self, live: LiveCall, leg: Leg, event: AmiEvent, here: dict[str, AmiEvent]) -> AgentChannel:
        known = self._legs.channels.adopt(
            event["Uniqueid"], AgentChannel(live.id, leg.offer, leg.agent, event["Channel"], live.unique_id)
        )
        known.answered = known.answered or leg.answered_at is not None
        known.joined_at = known.joined_at or leg.joined_at
        known.outside_agent = not known.answered and is_outside(self._view, leg.agent)
        if event["ChannelStateDesc"] == "Up" and not known.answered and not known.outside_agent:
            known.answered = True
            await self._dispatcher.record(acd.OfferAnswered(leg.offer))
        if not (bridge := event.get("BridgeId")) or known.joined_at is not None:
            return known
        others = [each for each in here.values() if each.get("BridgeId") == bridge and each is not event]
        if others and live.unique_id in here and here[live.unique_id] not in others:
            # The agent who asked has given the call away and is still with the channel that has it now.
            known.apart = known.apart or asyncio.Event()
            for other in others:
                self._legs.hang_up(other["Channel"])
        else:
            self._legs.join(known, self._clock())
        return known
