"""Hold, consult, transfer: what the channels of a conversation do.

The log first, then the channels. Each act is recorded before any channel moves, and the channels follow what the log
says: the caller's session (`conversation`) and the agent's (`agent_side`) read it there. So an act that a crash cuts
short is finished by the session that takes the call up again, and a caller is never left between two people.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Literal

import structlog

import acd.events as acd
from acd.callbacks.events import NobodyThere
from acd.commands import Command
from server.eventlog.log import Entry
from server.hotline.definitions import Definitions
from server.hotline.dispatcher import Dispatcher, NotLeading
from server.hotline.live_call import Leg, LiveCall
from server.hotline.view import View
from server.tasks import BackgroundTasks
from server.telephony.ami.link import Ami, AmiError
from server.telephony.channels.leg_recorder import LegRecorder
from server.telephony.channels.legs import Legs
from server.telephony.channels.ownership import AgentChannel, AskedChannel
from server.usecases.errors import Conflict
from server.usecases.targets import Target

_log = structlog.get_logger("transfers")

SIDE = "agent-side"
"""Dialplan context of an agent whose caller is on hold."""
HANGS_UP_WITHIN = 2.0
"""Seconds within which a phone hangs up whose transfer was taken."""


class Transfers:
    """The channels of conversations. `definitions` gives those of now.

    `follow` wants every entry of the log, `left` every agent who hangs up with the caller on hold.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        view: View,
        legs: Legs,
        ami: Ami,
        recorder: LegRecorder,
        definitions: Callable[[], Definitions],
    ) -> None:
        self._dispatcher, self._view, self._legs, self._ami = dispatcher, view, legs, ami
        self._recorder, self._definitions = recorder, definitions
        self._tasks = BackgroundTasks(_log, "a colleague could not be let go", NotLeading)

    async def put_aside(self, call: int, leg: Leg, *events: object) -> None:
        """Record the events and take the agent away from the caller; what the agent says meanwhile is not recorded.

        Raises Conflict when Asterisk cannot do it; then the log says that the agent is with the caller again.
        """
        channel = self._connected(call)
        await self._dispatcher.record(*events)
        await self._recorder.rest(channel)
        try:
            await self._ami.action("Redirect", Channel=channel.channel, Context=SIDE, Exten="s", Priority="1")
        except AmiError as error:
            with suppress(AmiError):
                await self._recorder.go_on(channel)
            undone: list[object] = [acd.HoldEnded(call, leg.agent)]
            if call in self._view.calls.consults:
                undone.insert(0, acd.ConsultEnded(call, *self._view.calls.consults[call]))
            await self._dispatcher.record(*undone)
            raise Conflict(f"the caller could not be put on hold: {error}") from None

    async def return_to_caller(self, call: int, leg: Leg) -> None:
        """End the hold; a colleague who is being asked is hung up on, and the agent's side then ends the hold."""
        channel = self._legs.channels.of_call(call)
        if leg.asked and channel is not None and channel.asked is not None:
            await self._hang_up(channel.asked.channel)
        elif not leg.asked:
            await self._dispatcher.record(acd.HoldEnded(call, leg.agent))

    async def transfer(self, live: LiveCall, leg: Leg, target: Target) -> None:
        """Blind: the agent's channel and that of a colleague who is being asked are hung up on."""
        channel = self._connected(live.id)
        asked = channel.asked
        channel.ended = True
        await self._dispatcher.record(*self._giving(live, leg, channel, target, attended=False))
        if asked is not None:
            await self._hang_up(asked.channel)
        if channel.referred:
            self._tasks.start(self.end(channel))
        else:
            await self._hang_up(channel.channel)

    async def end(self, channel: AgentChannel) -> None:
        """Let a phone that has transferred its caller hang up by itself, as it does when it is told of the success."""
        with suppress(TimeoutError):
            await asyncio.wait_for(channel.away.wait(), HANGS_UP_WITHIN)
            return
        await self._hang_up(channel.channel)

    async def returned(self, live: LiveCall, leg: Leg, number: str) -> None:
        """A transfer by phone to this number cannot be: the agent's phone hangs up, and rings for the caller."""
        channel = self._connected(live.id)
        with suppress(TimeoutError):
            await asyncio.wait_for(channel.away.wait(), HANGS_UP_WITHIN)
        channel.ended = True
        await self._dispatcher.record(*self._giving(live, leg, channel, Target("agent", number), attended=False))
        await self._hang_up(channel.channel)

    def by_phone(
        self, live: LiveCall, leg: Leg, channel: AgentChannel, to: str, asked: AskedChannel
    ) -> Sequence[object]:
        """A phone has given the call to the colleague that it called."""
        channel.asked = asked
        self._legs.give(channel)
        return self._giving(live, leg, channel, Target(self._kind(to), to), attended=True)

    async def hand_over(self, live: LiveCall, leg: Leg) -> None:
        """Give the call to the colleague who is being asked; while that phone still rings, the transfer is blind."""
        channel = self._legs.channels.of_call(live.id)
        if channel is None or channel.asked is None or not leg.asked:
            raise Conflict(f"nobody is being asked about call {live.id}: name the agent that it goes to")
        if channel.asked.answered:
            self._legs.give(channel)
            target = Target(self._kind(leg.asked), leg.asked)
            await self._dispatcher.record(*self._giving(live, leg, channel, target, attended=True))
        else:
            await self._hang_up(channel.channel)  # what follows is recorded when it is gone

    async def nobody_there(self, live: LiveCall, leg: Leg, by: str) -> None:
        """A machine has answered a callback: the call is over, and every channel of it is hung up."""
        channel = self._connected(live.id)
        talked, held = self._legs.times(channel)
        self._legs.set_aside(live.id)
        asked = [acd.ConsultEnded(live.id, leg.agent, leg.asked)] if leg.asked else []
        await self._dispatcher.record(
            NobodyThere(live.id, live.promise, leg.agent, by),
            *asked,
            acd.ConversationEnded(live.id, leg.agent, "agent", talked=talked, held=held),
            acd.CallEnded(live.id, "unreached"),
        )
        for each in (channel.channel, *((channel.asked.channel,) if channel.asked else ()), live.channel):
            await self._hang_up(each)

    def _connected(self, call: int) -> AgentChannel:
        channel = self._legs.channels.of_call(call)
        if channel is None:
            raise Conflict(f"call {call} is being connected: try again")
        return channel

    def _kind(self, to: str) -> Literal["agent", "outside"]:
        return "outside" if self._view.floor.agent(to) is None else "agent"

    async def _hang_up(self, channel: str) -> None:
        with suppress(AmiError):
            await self._ami.action("Hangup", Channel=channel)

    def _giving(
        self, live: LiveCall, leg: Leg, channel: AgentChannel, target: Target, *, attended: bool
    ) -> Sequence[object]:
        """The events of a transfer. An agent who was asked is free again only after the call has been given."""
        talked, held = self._legs.times(channel)
        requirement = None
        if target.kind == "queue" and target.to == live.queue and live.asked is not None:
            requirement = live.asked.requirement
        elif target.kind == "queue":
            requirement = self._definitions().requirement(target.to, live.fields.get("category", ""), {})
        events: list[object] = [
            acd.Transferred(live.id, leg.agent, target.kind, target.to, attended, requirement, talked, held)
        ]
        if leg.asked:
            events.append(acd.ConsultEnded(live.id, leg.agent, leg.asked))
        return events

    def left(self, channel: AgentChannel, live: LiveCall) -> Sequence[object]:
        """An agent hung up with the caller on hold: the call goes to the asked colleague, else back to its queue."""
        leg = live.leg
        if leg is None:
            return ()
        answered = channel.asked is not None and channel.asked.answered
        target = Target("queue", live.queue)
        if leg.asked:
            target = Target(self._kind(leg.asked), leg.asked)
        self._legs.give(channel)
        return self._giving(live, leg, channel, target, attended=bool(leg.asked) and answered)

    def follow(self, entry: Entry, _: Sequence[Command]) -> None:
        """What an entry asks of the channels."""
        event = entry.event
        if isinstance(event, acd.Transferred) and event.attended:
            self._legs.take_over(event.call)
        elif isinstance(event, acd.CallEnded | acd.ConversationEnded):
            asking = self._view.calls.consults.get(event.call)
            if asking is not None:
                self._let_go(event.call, *asking)

    def _let_go(self, call: int, agent: str, asked: str) -> None:
        """The call is over while somebody is asked about it: they are free."""

        async def end() -> None:
            for channel in self._legs.channels.in_call(call):
                if channel.asked is not None:
                    await self._hang_up(channel.asked.channel)
            await self._dispatcher.record(acd.ConsultEnded(call, agent, asked))

        self._tasks.start(end())
