"""Acts on conversations: hold, consult, help, transfer, and listening in.

This module decides which acts are possible; the channels do them, after the log has the events. Acts raise Conflict
when they are not possible now, Forbidden, and NotLeading.
"""

from __future__ import annotations

import re
from typing import Literal

import acd.events as acd
from acd.floor.agents import AgentState
from server.hotline.live_call import Leg, LiveCall, Stage
from server.usecases.audit import audited
from server.usecases.errors import Conflict, Forbidden, NotFound
from server.usecases.permissions import Act
from server.usecases.principal import Principal
from server.usecases.server import Acts
from server.usecases.targets import Target

REFUSED = "refused"
"""The reason of a hold during which the agent hears a refusal."""
HEARS: dict[acd.Monitor, tuple[bool, bool]] = {
    acd.Monitor.LISTEN: (False, False),
    acd.Monitor.WHISPER: (False, True),
    acd.Monitor.BARGE: (True, True),
}
"""Whether the caller, and whether the agent, hears the supervisor."""
AWAY = "away"
"""The reason of a hold during which the agent's page is gone, and awaited."""
_NUMBER = re.compile(r"\+?[0-9]{3,20}")
"""The numbers that may be given to Dial: other text could name other devices, or options."""


class ConversationActs(Acts):
    """Acts on the conversation of a call."""

    async def hold(self, who: Principal, call: int, why: str = "hold") -> None:
        """The caller hears music, the agent hears nothing."""
        _, leg = self._talking(who, call)
        if leg.hold:
            raise Conflict(f"the caller of call {call} is on hold already")
        await self._server.conversation_channels.put_aside(call, leg, acd.HoldStarted(call, leg.agent, why))

    async def resume(self, who: Principal, call: int) -> None:
        """Join agent and caller again; a consult ends, and the server hangs up on the colleague."""
        _, leg = self._talking(who, call)
        if not leg.hold:
            raise Conflict(f"the caller of call {call} is not on hold")
        if leg.hold == AWAY:
            raise Conflict(f"the page of agent {leg.agent} is awaited: the two are joined when it is back")
        await self._server.conversation_channels.return_to_caller(call, leg)

    async def consult(self, who: Principal, call: int, target: Target, why: str = "consult") -> None:
        """Hold, and consult a colleague, in one step. `target` is an agent or an outside number."""
        _, leg = self._talking(who, call)
        if leg.asked:
            raise Conflict(f"agent {leg.agent} is asking {leg.asked} already")
        self._can_be_asked(target, leg.agent)
        asked = acd.ConsultStarted(call, leg.agent, target.to, why)
        if leg.hold:
            await self._lead.record(asked)
        else:
            hold = acd.HoldStarted(call, leg.agent, why)
            await self._server.conversation_channels.put_aside(call, leg, hold, asked)

    async def help(self, who: Principal, call: int) -> str:
        """求助: hold, and call the leader of the agent's team, in one step; returns the leader's work number."""
        _, leg = self._talking(who, call)
        agent = self._view.floor.agent(leg.agent)
        teams = agent.teams if agent is not None else ()
        leaders = [leader for leader in self._server.definitions.leaders(teams) if leader != leg.agent]
        refused = f"agent {leg.agent} has no team leader: give one under [teams.NAME] in hotline.toml"
        for leader in leaders:
            try:
                await self.consult(who, call, Target("agent", leader), "help")
            except Conflict as error:
                refused = str(error)
            else:
                return leader
        raise Conflict(refused)

    async def refuse(self, who: Principal, call: int) -> None:
        """The agent hears, with the caller on hold, that the keyed act is refused; then both are joined again."""
        _, leg = self._talking(who, call)
        if leg.asked:
            return
        refused = acd.HoldStarted(call, leg.agent, REFUSED)
        if leg.hold:
            await self._lead.record(refused)
        else:
            await self._server.conversation_channels.put_aside(call, leg, refused)

    async def transfer(self, who: Principal, call: int, target: Target) -> None:
        """Transfer blind: the agent's part is over, and the call goes on to an agent, a queue or an outside number."""
        live, leg = self._talking(who, call)
        self._can_be_given(target, leg.agent)
        await self._server.conversation_channels.transfer(live, leg, target)

    async def hand_over(self, who: Principal, call: int) -> None:
        """Give the call to the colleague of the consult. While that phone still rings, the transfer is blind."""
        live, leg = self._talking(who, call)
        await self._server.conversation_channels.hand_over(live, leg)

    async def monitor(self, who: Principal, call: int, mode: acd.Monitor, reason: str, phone: str = "") -> None:
        """Ring the supervisor's phone and let it take part in the conversation; returns once the phone has answered.

        `phone` is the work number whose phone rings; empty for the principal's own.
        """
        self.permissions.require(who, Act.MONITOR)
        live = self._view.calls.get(call)
        if live is None or live.leg is None or live.leg.joined_at is None:
            raise Conflict(f"call {call} is not in a conversation with an agent")
        self.permissions.require(who, Act.MONITOR, live.leg.agent)
        if who.agent and phone not in ("", who.agent):
            raise Forbidden(f"listening rings the phone of agent {who.agent}, not that of {phone}")
        phone = phone or who.agent
        supervisor = self._view.floor.agent(phone)
        if supervisor is None:
            raise Conflict(f"there is no agent {phone} whose phone could ring: name the supervisor's work number")
        if phone == live.leg.agent:
            raise Conflict(f"agent {phone} has call {call}: another person may listen to it")
        if supervisor.state not in (AgentState.IDLE, AgentState.WRAP_UP):
            raise Conflict(f"the phone of {phone} is in use: {supervisor.state.replace('_', ' ')}")
        entry = audited(who, Act.MONITOR, f"call {call} by phone {phone}: {mode.value}", reason)
        await self._server.monitoring.begin(live, phone, mode, reason, *entry, own=who.agent == phone)

    async def switch_monitor(self, who: Principal, call: int, mode: acd.Monitor, phone: str = "") -> None:
        """Go on listening, whispering or speaking with both, without ringing again; returns once it is so.

        `phone` is the work number whose phone takes part; empty for the principal's own.
        """
        started = self._monitored(who, call, phone)
        if started.mode is mode:
            return
        entry = audited(who, Act.MONITOR, f"call {call} by phone {started.by}: {mode.value}", started.reason)
        await self._server.monitoring.switch(started, mode, *entry)

    async def end_monitor(self, who: Principal, call: int, phone: str = "") -> None:
        """Hang up on the supervisor's phone: it takes part no more."""
        await self._server.monitoring.end(self._monitored(who, call, phone))

    def _monitored(self, who: Principal, call: int, phone: str) -> acd.MonitorStarted:
        """The part that this phone takes in the call. Raises Conflict for none."""
        self.permissions.require(who, Act.MONITOR)
        phone = phone or who.agent
        if who.agent and phone != who.agent:
            raise Forbidden(f"this is the phone of agent {phone}, not that of {who.agent}")
        found = [each for each in self._view.calls.monitors.values() if each.call == call and each.by == phone]
        if not found:
            raise Conflict(f"the phone of {phone or 'nobody'} takes no part in call {call}: listen to it first")
        self.permissions.require(who, Act.MONITOR, found[-1].agent)
        return found[-1]

    def callable(self, agent: str, number: str) -> bool:
        """Whether this agent may call this number from the phone: True when it is an outside number, which an agent
        calls only about a caller. Raises NotFound for what is no number to call, Conflict when it cannot be called now.
        """
        who, target = self._view.floor.agent(agent), self.target(number)
        if who is None or target.kind == "queue":
            raise NotFound(f"{number!r} is no number that agent {agent} can call")
        if target.kind == "agent":
            self._can_be_asked(target, agent)
        elif who.state is AgentState.ON_CALL:
            self._can_be_given(target, agent)
        else:
            raise NotFound(f"{number!r} is no agent, and agent {agent} has no caller to call outside for")
        return target.kind == "outside"

    def now(self, call: int) -> LiveCall | None:
        """The call as it is now; None when it is over."""
        return self._view.calls.get(call)

    def target(self, digits: str) -> Target:
        """The target of an agent's keys: a queue by its place in the definitions, an agent, or an outside number."""
        queues = self._server.definitions.policy.queues
        if len(digits) == 1 and digits.isdigit() and 0 < int(digits) <= len(queues):
            return Target("queue", queues[int(digits) - 1].name)
        return Target(self._kind(digits), digits)

    def holding(self, call: int) -> tuple[str, str]:
        """(why the caller is on hold, the colleague of a consult); each is empty when there is none."""
        live = self._view.calls.get(call)
        return (live.leg.hold, live.leg.asked) if live is not None and live.leg is not None else ("", "")

    # Permissions

    def _talking(self, who: Principal, call: int) -> tuple[LiveCall, Leg]:
        self.permissions.require(who, Act.CONVERSE)
        live = self._view.calls.get(call)
        if live is None:
            raise Conflict(f"call {call} is over, or never was")
        if live.stage is not Stage.TALKING or live.leg is None or live.leg.joined_at is None or live.leg.outside:
            raise Conflict(f"call {call} is not in a conversation with an agent")
        self.permissions.require(who, Act.CONVERSE, live.leg.agent)
        return live, live.leg

    def _can_be_asked(self, target: Target, agent: str) -> None:
        if target.kind == "queue":
            raise Conflict("a queue cannot be asked: name an agent or an outside number")
        self._can_be_given(target, agent)
        if target.kind == "agent":
            asked = self._view.floor.agent(target.to)
            if asked is not None and asked.state not in (AgentState.IDLE, AgentState.WRAP_UP):
                raise Conflict(f"agent {target.to} is {asked.state.replace('_', ' ')}: ask another agent")

    def _can_be_given(self, target: Target, agent: str) -> None:
        if target.kind == "agent":
            known = self._view.floor.agent(target.to)
            if known is None:
                raise Conflict(f"there is no agent {target.to}")
            if target.to == agent:
                raise Conflict(f"agent {agent} has the call: name another one")
            if known.status is acd.Status.SIGNED_OUT:
                raise Conflict(f"agent {target.to} is signed out")
        elif target.kind == "queue":
            names = [queue.name for queue in self._server.definitions.policy.queues]
            if target.to not in names:
                raise Conflict(f"there is no queue {target.to}: there are {', '.join(names)}")
        else:
            if not self._server.outside_calls:
                raise Conflict("no outside number can be called: set SANSHENG_TRUNK")
            if not _NUMBER.fullmatch(target.to):
                raise Conflict(f"{target.to!r} is neither an agent nor a telephone number")
            _, why = self._server.definitions.callback_number(target.to)
            if why:
                raise Conflict(why)

    def _kind(self, to: str) -> Literal["agent", "outside"]:
        return "outside" if self._view.floor.agent(to) is None else "agent"
