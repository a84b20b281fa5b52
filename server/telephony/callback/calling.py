"""The two sides of a callback before the customer is there: the line that an offer opens, and the agent's channel.

A session decides nothing and may end anywhere: the dialplan asks again, and the session that comes then goes on by what
the log says, and by what Asterisk kept on the channel of a Dial that nobody watched.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

import acd.events as acd
from acd.callbacks.events import AttemptOutcome
from acd.callbacks.policy import CallbackRules, Dialling
from acd.floor.agents import AgentState
from server import crash_points
from server.hotline.definitions import AGENTS_LANGUAGE, Definitions
from server.hotline.dispatcher import NotLeading
from server.hotline.live_call import Leg, LiveCall
from server.hotline.outside_agents import is_outside, outside_number
from server.tasks import first_of
from server.telephony.agi.server import AgiCall, AgiGone, AgiHangup, AgiRefused
from server.telephony.callback.dialler import Dialler
from server.telephony.caller.context import SessionServices
from server.telephony.caller.waiting import UNCONFIRMED
from server.telephony.channels import dial
from server.telephony.channels.page_headers import Purpose
from server.telephony.trunks.outgoing import SILENT, Dialled

_log = structlog.get_logger("calling")

ATTEMPT = "__SANSHENG_ATTEMPT"
WHISPER = "whisper-callback"
_GRACE = 5.0
"""Seconds that an attempt may take beyond the ringing."""
_COMING = 5.0
"""Seconds within which the dialplan brings a customer who has picked up."""
_FOR_EVER = 4 * 3600.0
CONFIRMS = "1"
"""The key by which an agent at an outside number takes the call."""
_NEXT_KEY = 3000
"""Milliseconds until the agent is asked for the key again."""


class Calling:
    """The handlers of the scripts `line` and `callback-agent`; both are given (call, offer)."""

    def __init__(self, dialler: Dialler, services: SessionServices, definitions: Callable[[], Definitions]) -> None:
        self._dialler, self._services, self._definitions = dialler, services, definitions
        self._outgoing = services.outgoing
        self._dispatcher, self._view = services.dispatcher, services.view

    async def line(self, agi: AgiCall) -> None:
        """The channel that an offer opened: dials the agent or the customer, by the queue's rules."""
        await self._serve(agi, self._dial_first)

    async def agent(self, agi: AgiCall) -> None:
        """The agent who picked up: dials the customer, and waits to be joined with them."""
        await self._serve(agi, self._with_agent)

    async def _serve(self, agi: AgiCall, serve: Callable[[AgiCall, int, int], Awaitable[None]]) -> None:
        call, offer = agi.numbers(2)
        try:
            await serve(agi, call, offer)
        except (AgiHangup, AgiGone, NotLeading) as error:
            _log.info("a side of a callback is over", channel=agi.channel, why=str(error))

    # The line

    async def _dial_first(self, agi: AgiCall, call: int, offer: int) -> None:
        crash_points.reached("line_opened")
        live, leg = self._standing(call, offer)
        if live is None or leg is None or leg.answered_at is not None:
            await agi.hangup()
        elif self._rules(live).dialling is Dialling.CUSTOMER_FIRST:
            await self._attempt(agi, live, leg, dial.LINE_TO_CUSTOMER)
        else:
            await self._ring_agent(agi, live, leg)

    async def _ring_agent(self, agi: AgiCall, live: LiveCall, leg: Leg) -> None:
        outside: Dialled | None = None
        # A session before this one may have dialled.
        if not await agi.get_variable("DIALSTATUS"):
            await agi.execute("Set", f"CALLERID(all)={live.caller}")
            try:
                outside = await self._call_agent(agi, live, leg)
            except AgiRefused as error:
                if isinstance(error, AgiHangup):
                    raise
                self._dialler.offer_failed(leg.offer, acd.Outcome.LOST, str(error))
        status = outside.status if outside is not None else await agi.get_variable("DIALSTATUS") or ""
        if status == "ANSWER":
            return  # the agent's channel goes on, and this one has nothing more to do
        cause = outside.cause if outside is not None else await agi.get_variable("HANGUPCAUSE") or ""
        phones = self._services.legs.dialled_phones
        await phones.told(leg.offer)
        agent = self._view.floor.agent(leg.agent)
        rang = agent is None or agent.state is not AgentState.RESERVED
        redirected, left = phones.was_redirected(leg.offer), False
        if outside is not None:
            redirected, left = redirected or outside.redirected, outside.refused_by_trunk
        outcome = dial.outcome(status, cause, rang=rang, redirected=redirected, left=left)
        phones.over(leg.offer)
        detail = outside.detail if outside is not None else f"{status} {cause}"
        self._dialler.offer_failed(leg.offer, outcome, detail)
        await agi.hangup()

    async def _call_agent(self, agi: AgiCall, live: LiveCall, leg: Leg) -> Dialled | None:
        """Dial the agent's phone, or the outside number that the agent is at: then what came of it is returned."""
        if not (number := outside_number(self._view, leg.agent)):
            device = self._services.device(leg.agent)
            headers = self._services.page_headers(live, leg.agent, Purpose.CALLBACK)
            await agi.execute("Dial", *dial.going_on(device, leg.ring_for, dial.TO_AGENT, headers))
            return None

        def stands() -> bool:
            if self._standing(live.id, leg.offer)[1] is None:
                return False
            self._dispatcher.submit(acd.OfferConfirming(leg.offer, SILENT + leg.ring_for))
            return True

        stands()
        options = dial.split(dial.TO_AGENT)
        return await self._outgoing.dial(agi, number, leg.ring_for, options, agent=leg.agent, go_on=stands)

    # The agent

    async def _with_agent(self, agi: AgiCall, call: int, offer: int) -> None:
        live, leg = self._standing(call, offer)
        if live is not None and leg is not None and not live.attempt:
            crash_points.reached("agent_answered")
            if is_outside(self._view, leg.agent) and leg.answered_at is None and not await self._confirms(agi, leg):
                return
            await self._picked_up(agi, leg)
            await self._whisper(agi, live)
            live, leg = self._standing(call, offer)
        if live is not None and leg is not None:
            if live.attempt and await agi.get_variable("DIALSTATUS") == "ANSWER":
                await self._customer_comes(agi, live, offer)
            else:
                await self._attempt(agi, live, leg, dial.AGENT_TO_CUSTOMER)
                return
        await self._until_joined(agi, call, offer)

    async def _confirms(self, agi: AgiCall, leg: Leg) -> bool:
        """An agent at an outside number presses 1, or the offer was not answered: what picked up may be a voicemail."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self._services.legs.unconfirmed.within()
        prompt = str(self._services.folders.prompts / AGENTS_LANGUAGE / "agent-confirm")
        key, gone = None, False
        self._services.legs.unconfirmed.picked_up(leg.offer)
        await self._dispatcher.record(acd.OfferConfirming(leg.offer, self._services.legs.unconfirmed.stands_for()))
        try:
            while key != CONFIRMS and loop.time() < end:
                key = await agi.stream_file(prompt, CONFIRMS) or await agi.wait_for_digit(_NEXT_KEY)
        except AgiHangup:
            gone = True
        if key == CONFIRMS and not gone:
            self._services.legs.unconfirmed.confirmed(leg.offer)
            return True
        self._services.legs.unconfirmed.take(leg.offer)
        self._dialler.offer_failed(leg.offer, acd.Outcome.NO_ANSWER, UNCONFIRMED)
        await agi.hangup()
        return False

    async def _picked_up(self, agi: AgiCall, leg: Leg) -> None:
        """The agent is there. Asterisk's events tell it too, unless they are late or the link is down."""
        agent = self._services.legs.channels.by_id(agi.unique_id)
        if leg.answered_at is not None or (agent is not None and agent.answered):
            return
        if agent is not None:
            agent.answered = True
        await self._dispatcher.record(acd.OfferAnswered(leg.offer))

    async def _whisper(self, agi: AgiCall, live: LiveCall) -> None:
        """Tell the agent what the call is about before the customer is dialled."""
        folder = self._services.folders.prompts / AGENTS_LANGUAGE
        category = self._category(live)
        about = self._definitions().categories.way(category) if category else (live.queue,)
        spoken = (f"whisper-{each}" for each in about if (folder / f"whisper-{each}.wav").exists())
        for name in (WHISPER, next(spoken, "")):
            if name and (folder / f"{name}.wav").exists():
                await agi.stream_file(str(folder / name))

    async def _customer_comes(self, agi: AgiCall, live: LiveCall, offer: int) -> None:
        """The customer picked up; the session that comes with their channel says so."""

        def known(_: object) -> bool:
            return not self._dialler.stands(live.id, offer)

        if not await self._dispatcher.until(known, _COMING) and not self._dialler.customers.picked_up(live.id):
            self._dialler.over(live, AttemptOutcome.HUNG_UP, "as soon as they had picked up")

    async def _until_joined(self, agi: AgiCall, call: int, offer: int) -> None:
        """Silence until the caller's session takes this channel, or the part is over."""

        def over(_: object) -> bool:
            live = self._view.calls.get(call)
            return live is None or live.leg is None or live.leg.offer != offer

        await first_of(self._dispatcher.until(over, _FOR_EVER), agi.wait_hangup())
        if not agi.hung_up:
            await agi.hangup()

    # The customer

    async def _attempt(self, agi: AgiCall, live: LiveCall, leg: Leg, place: str) -> None:
        """Dial the customer, once. When they pick up, both channels go on apart."""
        status = await agi.get_variable("DIALSTATUS") if live.attempt else ""
        watched = status != "NOANSWER"  # by a Dial from before this session: nobody saw it ring
        if not status:
            rules = self._rules(live)
            await self._prepare(agi, live)
            if not live.attempt and not await self._dialler.start(live, leg, self._takes(rules, leg)):
                await agi.hangup()
                return
            if agi.hung_up or agi.closed:
                self._dialler.over(live, AttemptOutcome.AGENT_GONE)
                return
            await agi.set_variable(ATTEMPT, str(live.attempt))
            if await self._dial(agi, live, rules, place):
                return
        elif status == "ANSWER":
            return
        else:
            cause = await agi.get_variable("HANGUPCAUSE") or ""
            rang = self._dialler.customers.rang(live.id, watched=watched)
            self._dialler.over(live, dial.attempt_outcome(status, cause, rang=rang), f"{status} {cause}")
        await agi.hangup()

    async def _dial(self, agi: AgiCall, live: LiveCall, rules: CallbackRules, place: str) -> bool:
        """Dial the customer by the trunks there are; whether they picked up. Otherwise the attempt is over."""

        options, shows = dial.split(place), self._shown(live)
        try:
            dialled = await self._outgoing.dial(agi, live.caller, rules.ring_for, options, shows)
        except AgiRefused as error:
            if isinstance(error, AgiHangup):
                raise
            self._dialler.over(live, AttemptOutcome.FAILED, str(error))
            return False
        if dialled.answered:
            return True
        if dialled.refused_by_trunk:
            outcome = AttemptOutcome.FAILED
        elif dialled.redirected:
            outcome = AttemptOutcome.REJECTED
        else:
            rang = self._dialler.customers.rang(live.id)
            outcome = dial.attempt_outcome(dialled.status, dialled.cause, rang=rang)
        self._dialler.over(live, outcome, dialled.detail)
        return False

    async def _prepare(self, agi: AgiCall, live: LiveCall) -> None:
        """Nothing that another Dial left on this channel may be taken for what comes of this one."""
        await agi.execute("MSet", f"DIALSTATUS=,CALLERID(name)=,CALLERID(num)={self._shown(live)}")

    def _shown(self, live: LiveCall) -> str:
        """The hotline's number that the call shows, unless its trunk names another."""
        promise = self._view.callbacks.promise(live.promise)
        return self._definitions().outgoing(promise.called if promise is not None else "")

    def _takes(self, rules: CallbackRules, leg: Leg) -> float:
        """Seconds until it is known what came of the attempt; until an agent is wanted, if the customer is first."""
        if rules.dialling is Dialling.AGENT_FIRST:
            return rules.ring_for + _GRACE + self._others()
        return rules.ring_for + rules.confirm_for + leg.ring_for + self._others()

    def _others(self) -> float:
        """Seconds that trunks may take which say nothing, before the last one rings."""
        return SILENT * max(0, len(self._outgoing.trunks.all()) - 1)

    # What the log says

    def _standing(self, call: int, offer: int) -> tuple[LiveCall | None, Leg | None]:
        """The call and its offer, while the customer is not on the line."""
        live = self._view.calls.get(call)
        return (live, live.leg) if live is not None and self._dialler.stands(call, offer) else (None, None)

    def _rules(self, live: LiveCall) -> CallbackRules:
        return self._view.callbacks.policy.of(live.queue)

    def _category(self, live: LiveCall) -> str:
        promise = self._view.callbacks.promise(live.promise)
        return promise.category if promise is not None else ""
