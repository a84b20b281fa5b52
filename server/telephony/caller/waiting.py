"""A caller in the queue: the floor's commands for this call, carried out on one AGI session.

The law: between two commands the caller is under music and nothing is asked of Asterisk; the floor's next
command is begun at once, and only one offer rings at a time. A caller keeps the place until an agent has spoken with
them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import structlog

import acd.events as acd
import ivr.events as flow_events
from acd.callbacks.commands import OfferCallback
from acd.callbacks.events import PromiseCancelled
from acd.commands import Announce, Command, Divert, Moved, Offer, Withdraw
from acd.floor.agents import AgentState
from ivr import inputs, verbs
from server.hotline import queueing
from server.hotline.definitions import AGENTS_LANGUAGE
from server.hotline.live_call import Leg, LiveCall, Stage
from server.hotline.outside_agents import outside_number
from server.hotline.standing import is_vip
from server.tasks import first_of
from server.telephony.agi.server import AgiHangup, AgiRefused
from server.telephony.ami.link import AmiError
from server.telephony.asterisk.files import LATER
from server.telephony.caller.context import MUSIC, CallerContext, SessionServices
from server.telephony.caller.promises import OFFERED, CallerPromises
from server.telephony.caller.queue_prompts import CALLBACK_OFFER, position_prompts
from server.telephony.caller.rejoining import Rejoining
from server.telephony.channels import dial
from server.telephony.channels.page_headers import Purpose
from server.telephony.trunks.outgoing import SILENT, Dialled

_log = structlog.get_logger("hotline")

UNCONFIRMED = "picked up, but nobody pressed 1"
ACCEPTS = "1"
"""The key that accepts the offer of a callback."""


class Waiting:
    """One caller's waits, each from the queue to the end of the conversation."""

    def __init__(self, context: CallerContext, services: SessionServices, promises: CallerPromises) -> None:
        self._context, self._services, self._promises = context, services, promises
        self._dispatcher, self._view = services.dispatcher, services.view
        self._music = ""
        self._told_of_callback = False

    @property
    def _live(self) -> LiveCall | None:
        return self._view.calls.get(self._context.call)

    async def enqueue(self, verb: verbs.Enqueue) -> inputs.Input:
        """Wait for an agent, and speak with one. Raises AgiHangup or AgiGone when the caller is not held any more.

        A caller who has not been served keeps the original queue time. A caller who takes the place of a callback keeps
        that one's queue time, and the agent who is reserved for it.
        """
        live = self._live
        if live is not None and live.promise and live.asked is not None and not live.talked:
            return await self._called_back(live)
        context, tickets = self._context, self._view.tickets
        caller = context.party.shown if live is None else live.caller
        ticket = tickets.open_ticket(caller)
        before = live.asked if live is not None and not live.served else None
        number = context.definitions.numbers.of(context.called)
        lost_since = self._services.clock() - self._view.floor.policy.phones.redial
        kept = self._view.calls.kept_places.of(caller, verb.queue, lost_since) if before is None else None
        before, priority = before or kept, verb.priority + number.priority
        asked = queueing.first(
            context.definitions,
            context.call,
            verb.queue,
            before.queued_at if before is not None else self._services.clock(),
            category=verb.category,
            extra=verb.requirement,
            priority=max(priority, kept.priority) if kept is not None else priority,
            caller=caller,
            language=context.audio.language,
            owner="" if ticket is None else tickets.owner(ticket),
            vip=is_vip(self._view.customers, context.definitions, caller),
            avoid=tuple(sorted(tickets.accused(caller))),
        )
        given_up: tuple[PromiseCancelled, ...] = ()
        if (promise := self._promises.place(verb.promise)) is not None:
            asked = queueing.in_place_of(asked, promise, self._promises.agent_of(promise))
            given_up = (PromiseCancelled(promise.id, "customer", "waits on the line", waits_in=context.call),)
        if verb.music != context.fields.get(MUSIC, ""):
            context.fields[MUSIC] = verb.music
            self._dispatcher.submit(flow_events.FieldSet(context.call, MUSIC, verb.music))
        self._music = context.music(verb.queue)
        if self._may_accept:
            context.audio.forget_digits()
        await context.audio.music(True, self._music)
        self._dispatcher.submit(asked, *given_up)
        return await self._wait()

    @property
    def _may_accept(self) -> bool:
        """Whether the key accepts a callback: from the first offer of one to the end of the call."""
        return bool(self._context.fields.get(OFFERED))

    @property
    def _offer_stands(self) -> bool:
        """Whether what was offered is said again with where the caller stands: while numbers are taken."""
        live = self._live
        return self._may_accept and live is not None and self._promises.offered_now(live.queue)

    async def _called_back(self, live: LiveCall) -> inputs.Input:
        """The customer of a callback: joined with the agent who is there, or the one who is kept for them is rung."""
        self._music = self._context.music(live.queue)
        await self._context.audio.music(True, self._music)
        leg, served = live.leg, None
        if leg is None:
            await self._queue_again()
        elif leg.answered_at is None:
            served = await self._connect(leg)
        else:
            if self._services.legs.channels.of_call(live.id) is not None:
                await self._context.audio.music(False)
                if announcement := await self._services.work_number(leg.agent, self._context.audio.language):
                    await self._context.agi.stream_file(announcement)
            served = await self._talk(leg.offer, live.talked, joined=False)
        return served or await self._wait()

    async def resume(self, live: LiveCall) -> inputs.Input:
        """Go on waiting, talking or on hold, or after a conversation that ran on while no server was there."""
        self._music = self._context.music(live.queue)
        await self._context.audio.music(True, self._music)
        leg = live.leg
        if leg is not None:
            # Dial ran on without a server and is over, since the caller is back here.
            answered = leg.answered_at is not None or await self._context.agi.get_variable("DIALSTATUS") == "ANSWER"
            if answered or leg.outside:
                joined = not live.promise or leg.joined_at is not None
                if (served := await self._talk(leg.offer, live.talked, joined=joined)) is not None:
                    return served
            else:
                self._dispatcher.submit(acd.OfferFailed(leg.offer, acd.Outcome.LOST, "the server went away"))
        elif live.stage is Stage.AFTER:
            # The agent hung up while the music began.
            return inputs.Served(live.talked)
        elif live.stage is Stage.WAITING:
            # The floor has forgotten a caller who was away for long; of any other this says nothing new.
            await self._queue_again()
        return await self._wait()

    async def transferred(self, live: LiveCall, record: Callable[[], Awaitable[None]]) -> inputs.Input:
        """The agent's phone has transferred the caller: go on as the log says when that is recorded."""
        offer, talked_before = live.leg.offer if live.leg is not None else 0, live.talked
        self._music = self._context.music(live.queue)
        await self._context.audio.music(True, self._music)
        await record()
        return await self._talk(offer, talked_before) or await self._wait()

    async def _wait(self) -> inputs.Input:
        while True:
            match await self._next():
                case Offer() as offer:
                    if (served := await self._connect(offer)) is not None:
                        return served
                    await self._context.audio.music(True, self._music)
                case Moved(queue=queue):
                    self._music = self._context.music(queue)
                    await self._context.audio.music(True, self._music)
                case Announce() as announce:
                    again = CALLBACK_OFFER if not announce.first and self._offer_stands else ()
                    await self._say((*position_prompts(announce, self._context.audio.language), *again))
                case OfferCallback() | Divert(to="callback"):
                    await self._offer_callback()
                case Divert() as divert:
                    self._dispatcher.submit(acd.CallLeftQueue(self._context.call, divert.to))
                    return inputs.NotServed(divert.to)
                case None:
                    self._dispatcher.submit(acd.CallLeftQueue(self._context.call, "callback"))
                    return inputs.NotServed("callback")

    async def _offer_callback(self) -> None:
        """Offer a callback once, if callbacks are offered now; the key that accepts it counts from then on."""
        context, live = self._context, self._live
        if self._told_of_callback or live is None or not self._promises.may_be_offered(live.queue):
            return
        self._told_of_callback = True
        context.fields[OFFERED] = "queue"
        self._dispatcher.submit(flow_events.FieldSet(context.call, OFFERED, "queue"))
        context.audio.forget_digits()
        await self._say(CALLBACK_OFFER)

    async def _next(self) -> Command | None:
        """The floor's next command for this call; None when the caller accepts the callback that was offered."""
        context = self._context
        while not context.mailbox:
            if self._may_accept and context.audio.next_digit() == ACCEPTS:
                return None
            pressed = [context.audio.pressed()] if self._may_accept else []
            over = await first_of(context.mailbox.filled(), context.agi.wait_hangup(), *pressed)
            if 1 in over and not context.mailbox:
                raise AgiHangup("the caller hung up in the queue")
        return context.mailbox.take()

    async def _say(self, prompts: Sequence[str]) -> None:
        """Tell a waiting caller something; an agent who comes free cuts it short at once, and so does an answer."""
        context = self._context
        for prompt in prompts:
            if context.mailbox or (self._may_accept and context.audio.typed):
                break
            playing = asyncio.ensure_future(context.audio.announce(prompt))
            pressed = [context.audio.pressed()] if self._may_accept else []
            await first_of(playing, context.mailbox.filled(), *pressed)
            if not playing.done():
                with suppress(AmiError):
                    await self._services.ami.action("ControlPlayback", Channel=context.agi.channel, Control="stop")
            await playing
        if not context.mailbox:
            await context.audio.music(True, self._music)

    # An offer

    async def _connect(self, offer: Offer | Leg) -> inputs.Input | None:
        """Ring the agent; the conversation, if there is one, is over when this returns. None: the caller waits on."""
        context, services = self._context, self._services
        # DIALSTATUS would tell of an earlier Dial if this session ended before this one.
        recording = services.folders.recording(context.call, offer.offer)
        await context.agi.execute("MSet", f"{dial.RECORDING}={recording}", "DIALSTATUS=")
        number = outside_number(self._view, offer.agent)
        announcement = "" if number else await services.work_number(offer.agent, context.audio.language)
        live = self._live
        if live is None or not self._stands(offer):
            return None  # withdrawn meanwhile
        talked_before = live.talked
        dialling: asyncio.Future[Dialled | None] = asyncio.ensure_future(
            self._call_outside(offer, number) if number else self._call_phone(live, offer, announcement)
        )
        try:
            await self._dialling(dialling, offer)
        except AgiRefused as error:
            if isinstance(error, AgiHangup):
                raise
            _log.error("Asterisk refused to dial", call=context.call, agent=offer.agent, error=str(error))
            await self._dispatcher.record(acd.OfferFailed(offer.offer, acd.Outcome.LOST, str(error)))
            return None
        finally:
            context.audio.quiet = False
            dialling.cancel()
            services.legs.dialled(context.agi.unique_id)
        return await self._after_dial(offer, talked_before, dialling.result())

    def _stands(self, offer: Offer | Leg) -> bool:
        """Whether the log still has this offer for the call."""
        live = self._live
        return live is not None and live.leg is not None and live.leg.offer == offer.offer

    async def _call_phone(self, live: LiveCall, offer: Offer | Leg, announcement: str) -> None:
        device, whisper = self._services.device(offer.agent), self._whisper()
        headers = self._services.page_headers(live, offer.agent, Purpose.OFFER)
        arguments = dial.arguments(device, offer.ring_for, self._music, whisper, announcement, headers)
        await self._context.agi.execute("Dial", *arguments, music_after=LATER)

    async def _call_outside(self, offer: Offer | Leg, number: str) -> Dialled:
        """Call an agent at an outside number, by the next trunk where one does not take the call."""

        def stands() -> bool:
            if not self._stands(offer) or offer.offer in self._services.legs.unconfirmed:
                return False
            # The time that a trunk takes is not the agent's: the phone rings its full time.
            self._dispatcher.submit(acd.OfferConfirming(offer.offer, SILENT + offer.ring_for))
            return True

        stands()
        options = dial.to_outside_agent(
            self._music, self._whisper(), self._context.definitions.outside_agent_confirms_for
        )
        return await self._services.outgoing.dial(
            self._context.agi, number, offer.ring_for, options, agent=offer.agent, go_on=stands, music_after=LATER
        )

    async def _dialling(self, dialling: asyncio.Future[Dialled | None], offer: Offer | Leg) -> None:
        """Wait until Dial is over. What comes for the caller meanwhile stays for afterwards, in its order."""
        context = self._context
        later: list[Command] = []
        try:
            while not dialling.done():
                await first_of(dialling, context.mailbox.filled())
                while (command := context.mailbox.take()) is not None:
                    if isinstance(command, Withdraw) and command.offer == offer.offer:
                        self._services.legs.withdraw(offer.offer, offer.agent, context.agi.unique_id)
                    elif not isinstance(command, Withdraw):
                        later.append(command)
            await dialling
        finally:
            context.mailbox.put_back(later)

    async def _after_dial(
        self, offer: Offer | Leg, talked_before: float, outside: Dialled | None
    ) -> inputs.Input | None:
        """`outside`: what came of the call to an outside number."""
        agi = self._context.agi
        status = outside.status if outside is not None else await agi.get_variable("DIALSTATUS") or ""
        if self._services.legs.unconfirmed.take(offer.offer):
            await self._dispatcher.record(acd.OfferFailed(offer.offer, acd.Outcome.NO_ANSWER, UNCONFIRMED))
            return None
        if status != "ANSWER":
            cause = outside.cause if outside is not None else await agi.get_variable("HANGUPCAUSE") or ""
            phones = self._services.legs.dialled_phones
            await phones.told(offer.offer)
            agent = self._view.floor.agent(offer.agent)
            rang = agent is None or agent.state is not AgentState.RESERVED
            redirected, left = phones.was_redirected(offer.offer), phones.was_left(offer.offer)
            if outside is not None:
                # A trunk that took no call says nothing of the agent.
                redirected, left = redirected or outside.redirected, left or outside.refused_by_trunk
            outcome = dial.outcome(status, cause, rang=rang, redirected=redirected, left=left)
            phones.over(offer.offer)
            detail = outside.detail if outside is not None else f"{status} {cause}"
            await self._dispatcher.record(acd.OfferFailed(offer.offer, outcome, detail))
            return None
        self._services.legs.was_answered(offer.offer)
        return await self._talk(offer.offer, talked_before)

    async def _talk(self, offer: int, talked_before: float, *, joined: bool = True) -> inputs.Input | None:
        """See the conversation to its end. None: the caller waits, for it was transferred or did not begin.

        `joined`: Dial joined the two already; without it the agent waits to be joined.
        """
        await Rejoining(self._context, self._services, self._music).go_on(offer if joined else 0)
        live = self._live
        if live is not None and live.stage is Stage.WAITING:
            if live.cut_off:
                await self._context.audio.play(("agent-cut-off",), interruptible=False)
            self._music = self._context.music(live.queue)
            await self._context.audio.music(True, self._music)
            return None
        if live is not None and live.talked > talked_before:
            return inputs.Served(live.talked)
        _log.info("the agent was gone before the conversation began: the caller waits on", call=self._context.call)
        await self._queue_again()
        return None

    async def _queue_again(self) -> None:
        """Back to the same place: with what was asked for, at the instant at which the wait began."""
        if (live := self._live) is None or live.asked is None:
            raise AgiHangup("the call is over")
        await self._dispatcher.record(*queueing.again(live))

    def _whisper(self) -> str:
        """The sound file that the agent hears first: the category, else the one that it is under, else the business;
        empty when there is none."""
        live = self._live
        way = self._context.definitions.categories.way(self._context.fields.get("category", ""))
        folder = self._services.folders.prompts / AGENTS_LANGUAGE
        for subject in (*way, live.queue if live else ""):
            if subject and (folder / f"whisper-{subject}.wav").exists():
                return str(folder / f"whisper-{subject}")
        return ""
