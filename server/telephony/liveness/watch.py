"""A phone that dies in a conversation, and a caller who vanishes, are noticed: no sound, and no answer when asked.

Silence alone ends nothing: a phone that is muted, on hold or detects voice activity sends no sound and lives. So the
packets that come are counted, of conversations by `RtpWatch`, of waiting callers and of those on hold here. Where none
come, the agent's phone is asked by OPTIONS (PJSIPQualify), and the caller's by a re-INVITE: Asterisk itself ends a
dialog in which nobody answers.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable

import structlog

from acd.policy.definitions import PhoneRules
from recordings.layout import Packets
from server.hotline.live_call import LiveCall
from server.hotline.view import View
from server.telephony.agent.presence import Presence
from server.telephony.ami.link import Ami, AmiError, AmiFailed
from server.telephony.channels.legs import Legs
from server.telephony.channels.ownership import AgentChannel, device_of
from server.telephony.liveness.signs import Sign, asks_caller, asks_phone, other_offer

_log = structlog.get_logger("liveness")
_ANSWERS_WITHIN = 3.0
"""Seconds that a phone has to answer OPTIONS: Asterisk's `qualify_timeout`."""
_COUNT = "CHANNEL(rtcp,rxcount)"
_OFFER = "PJSIP_MEDIA_OFFER(audio)"


class Liveness:
    """Watches the phones of one Asterisk. `clock` is monotonic."""

    def __init__(
        self, view: View, legs: Legs, ami: Ami, presence: Presence, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._view, self._legs, self._ami, self._presence, self._clock = view, legs, ami, presence, clock
        self._signs: dict[str, Sign] = {}
        self.spares: Callable[[AgentChannel], bool] = lambda leg: False
        """Whether this part's phone is awaited for another reason: it is not judged here."""
        self._awaited: dict[str, tuple[float, str]] = {}
        """Agents whose phone was lost: until when it is asked whether it is back, and its device."""

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.sleep(self._rules.lost_after / 16)
            try:
                await self.look()
            except AmiError as error:
                self._signs.clear()  # while nothing can be asked nothing is known
                _log.info("phones cannot be looked after", why=str(error))

    @property
    def _rules(self) -> PhoneRules:
        return self._view.floor.policy.phones

    def counted(self, leg: AgentChannel, packets: Packets, _: object) -> None:
        """The packets of a conversation were counted (`RtpWatch`): nobody asks for them again."""
        now, live = self._clock(), self._view.calls.get(leg.call)
        self._look(leg.channel, packets.agent, now)
        if live is not None and live.reached:
            self._look(live.channel, packets.caller, now)

    async def look(self) -> None:
        """Count the packets of the phones whose time has come, and ask the silent ones. Raises the link's errors."""
        rules, now = self._rules, self._clock()
        agents = {leg.channel: leg for leg in self._legs.channels if self._has_caller(leg)}
        callers = {live.channel: live for live in self._view.calls if live.reached and live.channel}
        for gone in self._signs.keys() - agents.keys() - callers.keys():
            del self._signs[gone]
        due = [*self._due(agents, rules.lost_after * 3 / 8, now), *self._due(callers, rules.caller_lost_after / 5, now)]
        await asyncio.gather(*(self._count(channel, now) for channel in dict.fromkeys(due)))
        for channel, leg in agents.items():
            if (sign := self._signs.get(channel)) is not None and not leg.ended and not self.spares(leg):
                await self._judge_agent(leg, sign, now, rules)
        for channel, live in callers.items():
            if (sign := self._signs.get(channel)) is not None:
                await self._judge_caller(live, sign, now, rules)
        await self._ask_lost(now)

    def _has_caller(self, leg: AgentChannel) -> bool:
        """Whether this agent has the caller, in talk or on hold."""
        live = self._view.calls.get(leg.call)
        part = live.leg if live is not None else None
        return leg.joined_at is not None and not leg.ended and part is not None and part.offer == leg.offer

    def _due(self, channels: Iterable[str], every: float, now: float) -> list[str]:
        signs = self._signs
        return [each for each in channels if each not in signs or signs[each].due(every) <= now]

    def _look(self, channel: str, count: int, now: float) -> None:
        self._signs.setdefault(channel, Sign(count, now, now)).look(count, now)

    async def _value(self, channel: str, variable: str) -> str:
        return (await self._ami.action("Getvar", Channel=channel, Variable=variable)).get("Value", "")

    async def _count(self, channel: str, now: float) -> None:
        try:
            text = await self._value(channel, _COUNT)
        except AmiFailed:
            self._signs.pop(channel, None)  # the channel is gone
        else:
            self._look(channel, int(text) if text.isdecimal() else 0, now)

    # Agents

    async def _judge_agent(self, leg: AgentChannel, sign: Sign, now: float, rules: PhoneRules) -> None:
        limit = rules.lost_after if leg.held_since is None else max(rules.lost_after, rules.caller_lost_after)
        device = device_of(leg.channel)
        if asks_phone(sign, now, limit):
            sign.ask(now)
            await self._ask(device)
        asked = sign.asked_at is not None and now - sign.asked_at >= min(_ANSWERS_WITHIN, limit / 2)
        if sign.silent(now) >= limit and asked and not self._presence.answers(device):
            _log.warning("an agent's phone is lost", call=leg.call, agent=leg.agent, silent=round(sign.silent(now), 1))
            self._awaited[leg.agent] = now + rules.back_within, device
            self._presence.lost(leg.agent)
            self._legs.lose(leg)

    async def _ask(self, device: str) -> None:
        try:
            await self._ami.action("PJSIPQualify", Endpoint=device)
        except AmiFailed as error:
            _log.info("a phone cannot be asked", device=device, why=str(error))

    async def _ask_lost(self, now: float) -> None:
        """Phones that were lost are asked whether they are back, at the rhythm of looking."""
        for agent, (until, device) in list(self._awaited.items()):
            if until < now or self._presence.answers(device):
                del self._awaited[agent]
            else:
                await self._ask(device)

    # Callers

    async def _judge_caller(self, live: LiveCall, sign: Sign, now: float, rules: PhoneRules) -> None:
        if sign.asked_at is None:
            self._legs.ends.trust(live.unique_id)
        if asks_caller(sign, now, rules.caller_lost_after):
            sign.ask(now)
            self._legs.ends.doubt(live.unique_id)
            _log.info("nothing is heard of a caller: the phone is asked", call=live.id)
            await self._invite_again(live.channel)

    async def _invite_again(self, channel: str) -> None:
        try:
            native = await self._value(channel, "CHANNEL(audionativeformat)")
            offer = other_offer(await self._value(channel, _OFFER), native)
            await self._ami.action("Setvar", Channel=channel, Variable=_OFFER, Value=offer)
            await self._ami.action("Setvar", Channel=channel, Variable="PJSIP_SEND_SESSION_REFRESH()", Value="invite")
        except AmiFailed as error:
            _log.info("a caller cannot be asked", channel=channel, why=str(error))
