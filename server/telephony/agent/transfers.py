"""Hold, consult, help, transfer: what an agent may do with a conversation.

The log first, then the channels. Each act is recorded before any channel moves, and the channels follow what the log
says: the caller's session (`conversation`) and the agent's (`agent_side`) read it there. So an act that a crash cuts
short is finished by whoever takes the call up again, and a caller is never left between two people.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Literal

import structlog

import acd.events as acd
from acd.commands import Command
from acd.events import Status
from acd.floor.agents import AgentState
from server.eventlog.log import Entry
from server.hotline.definitions import Definitions
from server.hotline.dispatcher import Dispatcher, NotLeading
from server.hotline.live_calls import Leg, LiveCall, Stage
from server.telephony.ami.link import Ami, AmiError
from server.telephony.channels.legs import Legs
from server.telephony.channels.ownership import AgentChannel
from server.usecases.errors import CannotDo, Target

_log = structlog.get_logger("transfers")

SIDE = "agent-side"
"""Dialplan context of an agent whose caller is on hold."""
_NUMBER = re.compile(r"\+?[0-9]{3,20}")
"""What may be given to Dial: anything else could name other devices, or options."""
REFUSED = "refused"
"""Why a caller is on hold while the agent hears that something cannot be done."""


class Conversations:
    """Acts on conversations. `definitions` gives those of now; `trunk`: whether outside numbers can be called.

    Every act raises CannotDo, or NotLeading when another server leads.
    """

    def __init__(
        self, dispatcher: Dispatcher, legs: Legs, ami: Ami, definitions: Callable[[], Definitions], *, trunk: bool
    ) -> None:
        self._dispatcher, self._legs, self._ami = dispatcher, legs, ami
        self._definitions, self._trunk = definitions, trunk
        self._tasks: set[asyncio.Task[None]] = set()
        legs.on_left = self._left
        dispatcher.listen(self._follow)

    # Acts

    async def hold(self, call: int, why: str = "hold") -> None:
        """The caller hears music, the agent hears nothing."""
        _, leg = self._talking(call)
        if leg.hold:
            raise CannotDo(f"the caller of call {call} is on hold already")
        await self._aside(call, leg, acd.HoldStarted(call, leg.agent, why))

    async def resume(self, call: int) -> None:
        """Back to the caller. Whoever is being asked is let go."""
        _, leg = self._talking(call)
        if not leg.hold:
            raise CannotDo(f"the caller of call {call} is not on hold")
        channel = self._legs.of_call(call)
        if leg.asked and channel is not None and channel.asked is not None:
            await self._hang_up(channel.asked.channel)
        elif not leg.asked:
            await self._dispatcher.record(acd.HoldEnded(call, leg.agent))

    def holding(self, call: int) -> tuple[str, str]:
        """Why the caller is on hold, and who is asked meanwhile; empty when not, or nobody."""
        live = self._dispatcher.state.calls.get(call)
        return (live.leg.hold, live.leg.asked) if live is not None and live.leg is not None else ("", "")

    async def consult(self, call: int, target: Target, why: str = "consult") -> None:
        """Hold, and ask somebody, in one step. `target` is an agent or an outside number."""
        _, leg = self._talking(call)
        if leg.asked:
            raise CannotDo(f"agent {leg.agent} is asking {leg.asked} already")
        self._can_be_asked(target, leg.agent)
        asked = acd.ConsultStarted(call, leg.agent, target.to, why)
        if leg.hold:
            await self._dispatcher.record(asked)
        else:
            await self._aside(call, leg, acd.HoldStarted(call, leg.agent, why), asked)

    async def help(self, call: int) -> str:
        """求助: hold, and call the leader of the agent's team, in one step; returns who that is."""
        _, leg = self._talking(call)
        agent = self._dispatcher.state.floor.agent(leg.agent)
        teams = agent.teams if agent is not None else ()
        leaders = [leader for leader in self._definitions().leaders(teams) if leader != leg.agent]
        if not leaders:
            raise CannotDo(f"agent {leg.agent} has no team leader: give one under [teams.NAME] in hotline.toml")
        refused = ""
        for leader in leaders:
            try:
                await self.consult(call, Target("agent", leader), "help")
            except CannotDo as error:
                refused = str(error)
            else:
                return leader
        raise CannotDo(refused)

    async def refuse(self, call: int) -> None:
        """What the agent keyed cannot be done: they hear so aside, and are with the caller again."""
        _, leg = self._talking(call)
        if leg.asked:
            return
        refused = acd.HoldStarted(call, leg.agent, REFUSED)
        if leg.hold:
            await self._dispatcher.record(refused)
        else:
            await self._aside(call, leg, refused)

    async def transfer(self, call: int, target: Target) -> None:
        """Blind: the agent's part is over now, and the call goes on to an agent, a queue or an outside number."""
        live, leg = self._talking(call)
        self._can_be_given(target, leg.agent)
        channel = self._legs.of_call(call)
        if channel is None:
            raise CannotDo(f"call {call} is being connected: try again")
        asked = channel.asked
        channel.ended = True
        await self._dispatcher.record(*self._giving(live, leg, channel, target, attended=False))
        if asked is not None:
            await self._hang_up(asked.channel)
        await self._hang_up(channel.channel)

    async def complete(self, call: int) -> None:
        """Hand the call to whoever is being asked. While their phone still rings, it goes there blind."""
        live, leg = self._talking(call)
        channel = self._legs.of_call(call)
        if not leg.asked or channel is None or channel.asked is None:
            raise CannotDo(f"nobody is being asked about call {call}: say to whom it goes")
        if channel.asked.answered:
            self._legs.give(channel)
            target = Target(self._kind(leg.asked), leg.asked)
            await self._dispatcher.record(*self._giving(live, leg, channel, target, attended=True))
        else:
            await self._hang_up(channel.channel)  # what follows is recorded when it is gone

    def target(self, digits: str) -> Target:
        """What an agent's keys mean: a queue by its place in the definitions, an agent, or an outside number."""
        queues = self._definitions().policy.queues
        if len(digits) == 1 and digits.isdigit() and 0 < int(digits) <= len(queues):
            return Target("queue", queues[int(digits) - 1].name)
        return Target(self._kind(digits), digits)

    # What is allowed

    def _talking(self, call: int) -> tuple[LiveCall, Leg]:
        live = self._dispatcher.state.calls.get(call)
        if live is None:
            raise CannotDo(f"call {call} is over, or never was")
        if live.stage is not Stage.TALKING or live.leg is None or live.leg.joined_at is None or live.leg.outside:
            raise CannotDo(f"call {call} is not in a conversation with an agent")
        return live, live.leg

    def _can_be_asked(self, target: Target, agent: str) -> None:
        if target.kind == "queue":
            raise CannotDo("a queue cannot be asked: name an agent or an outside number")
        self._can_be_given(target, agent)
        if target.kind == "agent":
            asked = self._dispatcher.state.floor.agent(target.to)
            if asked is not None and asked.state not in (AgentState.IDLE, AgentState.WRAP_UP):
                raise CannotDo(f"agent {target.to} is {asked.state.replace('_', ' ')}: ask somebody else")

    def _can_be_given(self, target: Target, agent: str) -> None:
        if target.kind == "agent":
            known = self._dispatcher.state.floor.agent(target.to)
            if known is None:
                raise CannotDo(f"there is no agent {target.to}")
            if target.to == agent:
                raise CannotDo(f"agent {agent} has the call: name another one")
            if known.status is Status.SIGNED_OUT:
                raise CannotDo(f"agent {target.to} is signed out")
        elif target.kind == "queue":
            names = [queue.name for queue in self._definitions().policy.queues]
            if target.to not in names:
                raise CannotDo(f"there is no queue {target.to}: there are {', '.join(names)}")
        else:
            if not self._trunk:
                raise CannotDo("no outside number can be called: set SANSHENG_TRUNK")
            if not _NUMBER.fullmatch(target.to):
                raise CannotDo(f"{target.to!r} is neither an agent nor a telephone number")
            _, why = self._definitions().callback_number(target.to)
            if why:
                raise CannotDo(why)

    def _kind(self, to: str) -> Literal["agent", "outside"]:
        return "outside" if self._dispatcher.state.floor.agent(to) is None else "agent"

    # How it is done

    async def _aside(self, call: int, leg: Leg, *events: object) -> None:
        """Take the agent away from the caller; the recording goes on in silence."""
        channel = self._legs.of_call(call)
        if channel is None:
            raise CannotDo(f"call {call} is being connected: try again")
        await self._dispatcher.record(*events)
        try:
            with suppress(AmiError):
                await self._ami.action("MixMonitorMute", Channel=channel.channel, Direction="both", State="1")
            await self._ami.action("Redirect", Channel=channel.channel, Context=SIDE, Exten="s", Priority="1")
        except AmiError as error:
            undone: list[object] = [acd.HoldEnded(call, leg.agent)]
            if call in self._dispatcher.state.calls.consults:
                undone.insert(0, acd.ConsultEnded(call, *self._dispatcher.state.calls.consults[call]))
            await self._dispatcher.record(*undone)
            raise CannotDo(f"the caller could not be put on hold: {error}") from None

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

    def _left(self, channel: AgentChannel, live: LiveCall) -> Sequence[object]:
        """An agent hung up with the caller on hold: the call goes to whoever was asked, else back to its queue."""
        leg = live.leg
        if leg is None:
            return ()
        answered = channel.asked is not None and channel.asked.answered
        target = Target("queue", live.queue)
        if leg.asked:
            target = Target(self._kind(leg.asked), leg.asked)
        self._legs.give(channel)
        return self._giving(live, leg, channel, target, attended=bool(leg.asked) and answered)

    def _follow(self, entry: Entry, _: Sequence[Command]) -> None:
        """What an entry asks of the channels."""
        event = entry.event
        if isinstance(event, acd.Transferred) and event.attended:
            self._legs.take_over(event.call)
        elif isinstance(event, acd.CallEnded | acd.ConversationEnded):
            asking = self._dispatcher.state.calls.consults.get(event.call)
            if asking is not None:
                self._let_go(event.call, *asking)

    def _let_go(self, call: int, agent: str, asked: str) -> None:
        """The call is over while somebody is asked about it: they are free."""

        async def end() -> None:
            for channel in self._legs.in_call(call):
                if channel.asked is not None:
                    await self._hang_up(channel.asked.channel)
            with suppress(NotLeading):
                await self._dispatcher.record(acd.ConsultEnded(call, agent, asked))

        task = asyncio.ensure_future(end())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
