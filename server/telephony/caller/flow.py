"""The flow's verbs, carried out for one caller. The flow decides; its answers are what the caller did."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import acd.events as acd
import ivr.events as flow_events
from acd.callbacks.events import AttemptEnded, AttemptOutcome
from ivr import inputs, verbs
from ivr.session import Caller, Session
from server.hotline.standing import NUISANCE, Standing, standing
from server.telephony.agi.server import AgiRefused
from server.telephony.caller import message
from server.telephony.caller.context import CallerContext, SessionServices
from server.telephony.caller.identity import IdentityChecks
from server.telephony.caller.promises import CallerPromises
from server.telephony.caller.waiting import Waiting

CALL = "SANSHENG_CALL"
DONE = "SANSHENG_DONE"
_SAMPLES_A_SECOND = 8000


class CallerFlow:
    """One caller's way through the flow, while a session holds the caller."""

    def __init__(
        self,
        context: CallerContext,
        services: SessionServices,
        promises: CallerPromises,
        waiting: Waiting,
        identity: IdentityChecks,
    ) -> None:
        self._context, self._services = context, services
        self._promises, self._waiting, self._identity = promises, waiting, identity
        self._call, self._agi, self._audio = context.call, context.agi, context.audio
        self._dispatcher, self._view, self._clock = services.dispatcher, services.view, services.clock
        self._named = False

    def caller(self, number: str, called: str) -> Caller:
        """What the flow knows of the caller with this number, who dialled `called`."""
        known = self._standing(number)
        return Caller(
            number=number,
            called=called,
            vip=known.vip,
            open_ticket=self._view.tickets.open_ticket(number),
            lists=known.lists,
            fields=known.fields | self._context.fields,
        )

    def _standing(self, number: str) -> Standing:
        return standing(self._view.customers, self._context.definitions, number, self._clock())

    async def run(self, session: Session, todo: Sequence[verbs.Verb]) -> None:
        """Carry out these verbs, and those that the flow answers with, until the hotline hangs up."""
        while True:
            answer: inputs.Input | None = None
            for verb in todo:
                if isinstance(verb, verbs.Hangup):
                    await self.hang_up(verb)
                    return
                if isinstance(verb, verbs.Moved):
                    self._dispatcher.submit(flow_events.FlowMoved(self._call, verb.flow, verb.node, session.snapshot()))
                    continue
                if isinstance(verb, verbs.Enqueue) and await self._turned_away(session.caller.number):
                    return
                answer = await self._do(verb) or answer
            todo = session.step(answer or inputs.Finished(), self._clock())

    async def _do(self, verb: verbs.Verb) -> inputs.Input | None:
        match verb:
            case verbs.Play():
                await self._audio.play(verb.prompts, interruptible=verb.interruptible)
                await self._name_channel()
            case verbs.SetLanguage():
                self._audio.language = verb.language
                self.set_field("language", verb.language)
            case verbs.SetField():
                self.set_field(verb.field, verb.value)
            case verbs.Satisfaction():
                self._dispatcher.submit(flow_events.SatisfactionGiven(self._call, verb.score))
            case verbs.Answered():
                told = flow_events.QuestionAnswered(self._call, verb.question, verb.answer, verb.satisfied)
                self._dispatcher.submit(told)
            case verbs.Gather():
                digits = await self._audio.gather(
                    verb.prompts,
                    max_digits=verb.max_digits,
                    terminators=verb.terminators,
                    first_timeout=verb.first_timeout,
                    digit_timeout=verb.digit_timeout,
                    interruptible=verb.interruptible,
                    flush=verb.flush,
                )
                await self._name_channel()
                return inputs.Digits(digits) if digits else inputs.NoInput()
            case verbs.Enqueue():
                await self._name_channel()
                return await self._waiting.enqueue(verb)
            case verbs.TakeMessage():
                return await self._take_message(verb)
            case verbs.TakeNumber():
                return await self._promises.take(verb)
            case verbs.CheckNumber():
                return self._promises.check(verb.number)
            case verbs.AskNotices():
                said = self._view.board.said(verb.queue, self._clock())
                return inputs.NoticesStand(tuple((each.notice, each.prompt) for each in said))
            case verbs.CheckIdentity():
                live = self._view.calls.get(self._call)
                file = self._standing(live.caller if live is not None else self._context.party.shown).file
                return self._identity.check(self._call, file, verb)
            case verbs.AskCallback():
                return self._promises.stands(verb)
            case verbs.AskPromise():
                return self._promises.promised(verb)
            case verbs.ChangePromise():
                return await self._promises.change(verb)
        return None

    async def _turned_away(self, number: str) -> bool:
        """Whether the caller is a confirmed nuisance: hears the message and is not queued, whatever the flow says."""
        live = self._view.calls.get(self._call)
        if (live is not None and live.promise) or not self._standing(number).nuisance:
            return False
        await self._audio.play((NUISANCE,), interruptible=False)
        await self.hang_up(verbs.Hangup(NUISANCE))
        return True

    async def _name_channel(self) -> None:
        """Leave the call's number on the channel, for the fallback that takes the caller when no server does."""
        if not self._named:
            self._named = True
            await self._agi.set_variable(CALL, str(self._call))

    def set_field(self, field: str, value: str) -> None:
        """The flow has learned this of the call."""
        self._context.fields[field] = value
        self._dispatcher.submit(flow_events.FieldSet(self._call, field, value))

    async def hang_up(self, verb: verbs.Hangup, detail: str = "") -> None:
        """End the call; `detail` says of a callback's attempt how it ended."""
        await self._agi.set_variable(DONE, verb.why)
        ended: list[object] = [acd.CallEnded(self._call, "hotline_hung_up")]
        if (live := self._view.calls.get(self._call)) is not None:
            outcome = AttemptOutcome.MACHINE if verb.why == "machine" else AttemptOutcome.HUNG_UP
            ended = self._services.legs.ending(live, "hotline_hung_up", outcome)
        ended = [replace(each, detail=detail) if isinstance(each, AttemptEnded) else each for each in ended]
        self._dispatcher.submit(*ended)
        await self._agi.hangup()

    async def _take_message(self, verb: verbs.TakeMessage) -> inputs.Input:
        await self._audio.play(verb.prompts, interruptible=True)
        self._audio.forget_digits()
        path = self._services.folders.messages / f"{self._call}-{int(self._clock())}"
        try:
            recorded = await message.record(self._agi, self._services.ami, path, verb.max_seconds, verb.silence)
        except AgiRefused as error:
            return inputs.RecordFailed(str(error))
        self._audio.spent(recorded.digit)
        file = path.with_name(f"{path.name}.wav")
        if await asyncio.to_thread(message.heard, file) < verb.min_seconds:
            await asyncio.to_thread(file.unlink, missing_ok=True)
            return inputs.RecordFailed("nothing was said, or too little")
        seconds = min(recorded.samples / _SAMPLES_A_SECOND, verb.max_seconds)
        self._dispatcher.submit(flow_events.MessageLeft(self._call, str(file), seconds))
        return inputs.Recorded(str(file), seconds)
