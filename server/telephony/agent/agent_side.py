"""An agent whose caller is on hold: asks a colleague, or waits to be joined with the caller again.

The handler decides nothing: the log says why the caller is on hold and who is asked. When the server goes away the
dialplan asks for another one, which goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import structlog

import acd.events as acd
from server.hotline.definitions import AGENTS_LANGUAGE, HOUSE_MUSIC
from server.hotline.dispatcher import Dispatcher, NotLeading
from server.hotline.live_call import Leg
from server.hotline.outside_agents import outside_number
from server.hotline.view import View
from server.tasks import first_of
from server.telephony.agi.server import AgiCall, AgiGone, AgiHangup
from server.telephony.channels.legs import Legs
from server.telephony.channels.ownership import AgentChannel
from server.telephony.channels.page_headers import Purpose, dialled
from server.telephony.trunks.outgoing import Outgoing
from server.usecases.conversations import REFUSED

_log = structlog.get_logger("agent_side")

ASKED_SIDE = "asked-side^s^1"
"""Where the colleague who was asked stays on the line when the agent hangs up."""
RING_FOR = 20
_FOR_EVER = 4 * 3600.0


class AgentSide:
    """The handler of AGI connections from `agent-side`. `device` tells what to dial for an agent."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        view: View,
        legs: Legs,
        device: Callable[[str], str],
        outgoing: Outgoing,
        prompts: Path,
    ) -> None:
        self._dispatcher, self._view, self._legs, self._device = dispatcher, view, legs, device
        self._outgoing = outgoing
        self._failed = str(prompts / AGENTS_LANGUAGE / "transfer-failed")

    async def __call__(self, agi: AgiCall) -> None:
        """Serve one connection to its end: until the caller's session takes the channel, or the part is over."""
        channel = self._legs.channels.by_id(agi.unique_id)
        try:
            if channel is not None:
                channel.arrived.set()
                await self._serve(agi, channel)
            if channel is None or not channel.replaced:
                await agi.hangup()
        except (AgiHangup, AgiGone, NotLeading) as error:
            _log.info("an agent's side is over", channel=agi.channel, why=str(error))

    async def _serve(self, agi: AgiCall, channel: AgentChannel) -> None:
        leg = self._leg(channel)
        if leg is not None and leg.asked and channel.asked is None and await agi.get_variable("DIALSTATUS"):
            # The colleague was asked while no server was there, and is gone.
            await self._back(channel, leg)
        while (leg := self._leg(channel)) is not None:
            if leg.hold and leg.asked:
                await self._ask(agi, channel, leg)
            elif leg.hold == REFUSED:
                await agi.set_music(False)
                await agi.stream_file(self._failed)
                await self._dispatcher.record(acd.HoldEnded(channel.call, leg.agent))
            else:
                await agi.set_music(True, HOUSE_MUSIC)  # heard, the agent knows that the caller waits
                await self._change(agi, channel, (leg.hold, leg.asked))

    def _leg(self, channel: AgentChannel) -> Leg | None:
        """The agent's part, while the call is the agent's."""
        live = self._view.calls.get(channel.call)
        return live.leg if live is not None and live.leg is not None and live.leg.offer == channel.offer else None

    async def _change(self, agi: AgiCall, channel: AgentChannel, known: tuple[str, str]) -> None:
        """Wait until the log says something else of this part. Raises AgiHangup when the channel is gone."""

        def changed(_: object) -> bool:
            leg = self._leg(channel)
            return leg is None or (leg.hold, leg.asked) != known

        if 1 in await first_of(self._dispatcher.until(changed, _FOR_EVER), agi.wait_hangup()):
            raise AgiHangup(f"{agi.channel} is with the caller again, or gone")

    async def _ask(self, agi: AgiCall, channel: AgentChannel, leg: Leg) -> None:
        """Call the colleague who is asked, and come back to the caller when the colleague is gone."""
        await agi.set_music(False)
        options = f"rgF({ASKED_SIDE})"
        if self._view.floor.agent(leg.asked) is None:
            await self._outgoing.dial(agi, leg.asked, RING_FOR, options)
        elif number := outside_number(self._view, leg.asked):
            await self._outgoing.dial(agi, number, RING_FOR, options, agent=leg.asked)
        else:
            headers = dialled(channel.call, Purpose.CONSULT)
            await agi.execute("Dial", self._device(leg.asked), str(RING_FOR), f"{options}i{headers}")
        if self._leg(channel) is not leg:
            return
        if await agi.get_variable("DIALSTATUS") != "ANSWER":
            await agi.stream_file(self._failed)
        await self._back(channel, leg)

    async def _back(self, channel: AgentChannel, leg: Leg) -> None:
        """The colleague who was asked is gone: back to the caller."""
        if self._leg(channel) is leg and leg.asked:
            await self._dispatcher.record(
                acd.ConsultEnded(channel.call, leg.agent, leg.asked), acd.HoldEnded(channel.call, leg.agent)
            )
