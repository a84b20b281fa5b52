"""Law: Asterisk records a leg only while agent and caller are joined; what is said during a hold is in no file.

The dialplan begins the recording of an offer that Dial joins. Here it begins for the other joins, is silent from before
a hold on, and goes on after it, in files of their own whose names tell when (see `leg_files`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import structlog

from server.telephony.ami.link import Ami, AmiError
from server.telephony.channels.leg_files import part
from server.telephony.channels.ownership import AgentChannel

_log = structlog.get_logger("leg_recorder")


class LegRecorder:
    """`prefix(call, offer)` is the path of a leg's files without their ending, `paused(offer)` whether an agent has
    paused its recording."""

    def __init__(
        self,
        ami: Ami,
        prefix: Callable[[int, int], Path],
        clock: Callable[[], float] = time.time,
        paused: Callable[[int], bool] = lambda offer: False,
    ) -> None:
        self._ami, self._prefix, self._clock = ami, prefix, clock
        self._paused = paused

    async def go_on(self, channel: AgentChannel) -> None:
        """Record this leg from the bridge on that is made next. Raises AmiError when Asterisk does not."""
        begins = 0.0
        if channel.joined_at is not None:
            begins = self._clock() - channel.joined_at
            await self.stop(channel)
        files = part(self._prefix(channel.call, channel.offer), begins)
        # b: only while bridged; r: the sound that this channel sends (the agent), t: the sound to it (the caller).
        options = f"br({files.agent})t({files.caller})"
        await self._ami.action("MixMonitor", Channel=channel.channel, File="", Options=options)
        if self._paused(channel.offer):
            await self._ami.action("MixMonitorMute", Channel=channel.channel, Direction="both", State="1")

    async def rest(self, channel: AgentChannel) -> None:
        """Record nothing that is said from now on.

        The recorder stays on the channel: without it Asterisk would join agent and colleague by their packets alone,
        and hear none of the agent's keys.
        """
        try:
            await self._ami.action("MixMonitorMute", Channel=channel.channel, Direction="both", State="1")
        except AmiError as error:
            _log.info("a recorder is stopped, as it cannot be muted", channel=channel.channel, why=str(error))
            await self.stop(channel)

    async def stop(self, channel: AgentChannel) -> None:
        """Close the files; a channel that is not recorded stays so."""
        with suppress(AmiError):
            await self._ami.action("StopMixMonitor", Channel=channel.channel)
