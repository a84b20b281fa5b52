"""A phone that dies in a conversation, and a caller who vanishes, are noticed: no sound, and no answer when asked.

Silence alone ends nothing: a phone that is muted, on hold or detects voice activity sends no sound and lives. So the
packets of each conversation and of each caller are counted at a slow rhythm. Where none come, the agent's phone is
asked by OPTIONS (PJSIPQualify), and the caller's by a re-INVITE: Asterisk itself ends a dialog in which nobody answers.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

import structlog

from acd.policy.definitions import PhoneRules
from server.hotline.live_calls import LiveCall
from server.hotline.view import View
from server.telephony.agent.presence import Presence
from server.telephony.ami.link import Ami, AmiError, AmiFailed
from server.telephony.channels.legs import Legs
from server.telephony.channels.ownership import AgentChannel, device_of
from server.telephony.liveness.signs import TEARDOWN, Sign, asks_caller, asks_phone, other_offer

_log = structlog.get_logger("liveness")
T = TypeVar("T")
_ANSWERS_WITHIN = 2.0
"""Seconds that a phone has to answer OPTIONS: `qualify_timeout`."""
_COUNT = "CHANNEL(rtcp,rxcount)"
_OFFER = "PJSIP_MEDIA_OFFER(audio)"


class Liveness:
    """Watches the phones of one Asterisk. `clock` is monotonic."""

    def __init__(
        self, view: View, legs: Legs, ami: Ami, presence: Presence, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._view, self._legs, self._ami, self._presence, self._clock = view, legs, ami, presence, clock
        self._signs: dict[str, Sign] = {}
        self._awaited: dict[str, tuple[float, str]] = {}
        """Agents whose phone was lost: until when it is asked whether it is back, and its device."""

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.sleep(self._rules.lost_after / 8)
            try:
                await self.look()
            except AmiError as error:
                self._signs.clear()  # while nothing can be asked nothing is known
                _log.info("phones cannot be looked after", why=str(error))

    @property
    def _rules(self) -> PhoneRules:
        return self._view.floor.policy.phones

    async def look(self) -> None:
        """Look at every phone whose time has come. Raises the link's errors."""
        rules, now = self._rules, self._clock()
        agents = {leg.channel: leg for live in self._view.calls if (leg := self._talking(live)) is not None}
        callers = {live.channel: live for live in self._view.calls if live.reached and live.channel}
        for gone in self._signs.keys() - agents.keys() - callers.keys():
            del self._signs[gone]
        work = [self._agent(leg, now, rules) for leg in self._due(agents, rules.lost_after / 4, now)]
        work += [self._caller(live, now, rules) for live in self._due(callers, rules.caller_lost_after / 5, now)]
        await asyncio.gather(*work, self._ask_lost(now))

    def _talking(self, live: LiveCall) -> AgentChannel | None:
        leg = self._legs.of_call(live.id)
        return leg if leg is not None and leg.joined_at is not None and not leg.outside else None

    def _due(self, channels: Mapping[str, T], every: float, now: float) -> list[T]:
        signs = self._signs
        return [each for name, each in channels.items() if name not in signs or signs[name].due(every) <= now]

    async def _value(self, channel: str, variable: str) -> str:
        return (await self._ami.action("Getvar", Channel=channel, Variable=variable)).get("Value", "")

    async def _sign(self, channel: str, now: float) -> Sign | None:
        """The sign of this channel after another look; None when the channel is gone."""
        try:
            text = await self._value(channel, _COUNT)
        except AmiFailed:
            return None
        count = int(text) if text.isdecimal() else 0
        sign = self._signs.setdefault(channel, Sign(count, now, now))
        sign.look(count, now)
        return sign

    # Agents

    async def _agent(self, leg: AgentChannel, now: float, rules: PhoneRules) -> None:
        sign = await self._sign(leg.channel, now)
        if sign is None or leg.ended:
            return
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

    async def _caller(self, live: LiveCall, now: float, rules: PhoneRules) -> None:
        sign = await self._sign(live.channel, now)
        if sign is None:
            return
        if sign.asked_at is None:
            self._legs.ends.trust(live.unique_id)
        if asks_caller(sign, now, rules.caller_lost_after):
            sign.ask(now)
            self._legs.ends.doubt(live.unique_id, TEARDOWN)
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
