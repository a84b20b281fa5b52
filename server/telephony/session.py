"""One caller's way through the hotline: the flow's verbs and the floor's commands, carried out on one AGI session.

The session decides nothing. When it ends without the call being over, the dialplan brings the caller back, to this
server or another, and the session of that connection goes on where the log says the caller is.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

import acd.events as acd
import ivr.events as flow_events
from acd.commands import Announce, Command, Divert, Offer, Withdraw
from ivr import inputs, verbs
from ivr.session import Caller, Session
from server.calls import LiveCall, Stage
from server.definitions import Definitions
from server.dispatcher import Dispatcher, NotLeading
from server.telephony import dial
from server.telephony.ami import Ami, AmiError
from server.telephony.fastagi import AgiCall, AgiError, AgiGone, AgiHangup, AgiRefused
from server.telephony.legs import Legs
from server.telephony.line import Line
from server.telephony.mailbox import Mailbox
from server.telephony.queue_prompts import position_prompts

_log = structlog.get_logger("hotline")

CALL = "SANSHENG_CALL"
DONE = "SANSHENG_DONE"
INVITED = "SANSHENG_INVITED"
_SAMPLES_A_SECOND = 8000
_SHORTEST_MESSAGE = 0.5
"""Seconds: less is a breath."""
_FACTS_DEADLINE = 2.0
"""Seconds within which the AMI stream tells what an AGI command knows already; after that the session tells it."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where the files of a call are."""

    prompts: Path
    recordings: Path
    messages: Path

    def recording(self, call: int, offer: int) -> Path:
        """Prefix of one leg's two files, which Asterisk writes."""
        return self.recordings / f"{call}-{offer}"


class Callers:
    """The handler of every AGI connection that brings a caller.

    `definitions` gives the flows and queues of now, `device` what to dial for an agent, `work_number` the sound
    file that tells a caller, in a language, which agent is going to speak.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        legs: Legs,
        ami: Ami,
        definitions: Callable[[], Definitions],
        places: Places,
        node: str,
        device: Callable[[str], str],
        work_number: Callable[[str, str], Awaitable[str]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.dispatcher, self.legs, self.ami = dispatcher, legs, ami
        self.definitions, self.places, self.node = definitions, places, node
        self.device, self.work_number, self.clock = device, work_number, clock

    async def __call__(self, agi: AgiCall) -> None:
        """Serve one connection to its end."""
        returning = await agi.get_variable(CALL)
        live = self.dispatcher.state.calls.get(int(returning)) if returning and returning.isdigit() else None
        if live is not None and live.unique_id == agi.unique_id:
            await _Session(self, agi, live.id).resume(live)
        else:
            await _Session(self, agi, self.dispatcher.state.calls.next_call()).begin()


class _Session:
    """One AGI connection of one call."""

    def __init__(self, callers: Callers, agi: AgiCall, call: int) -> None:
        self._callers, self._agi, self._call = callers, agi, call
        self._dispatcher = callers.dispatcher
        self._definitions = callers.definitions()
        self._mailbox = Mailbox()
        self._line = Line(agi, callers.places.prompts, hears_digits=lambda: callers.ami.is_up)
        self._fields: dict[str, str] = {}

    async def begin(self) -> None:
        """A new caller."""
        now = self._callers.clock()
        agi = self._agi
        invited = await agi.get_variable(INVITED)
        self._dispatcher.submit(
            acd.CallArrived(
                self._call,
                agi.caller,
                agi.called,
                agi.channel,
                agi.unique_id,
                invited_at=_seconds(invited) or now,
                node=self._callers.node,
            )
        )
        with self._held():
            await agi.set_variable(CALL, str(self._call))
            session = Session(
                self._definitions.flows,
                self._definitions.start,
                self._caller(agi.caller, agi.called),
                self._definitions.calendar,
                now,
            )
            await self._run(session, session.step(inputs.Started(), now))

    async def resume(self, live: LiveCall) -> None:
        """A caller whose last session went away: back to where the log says they are."""
        _log.info("a caller is back", call=live.id, stage=live.stage)
        self._dispatcher.submit(acd.CallAttached(live.id))
        self._fields = dict(live.fields)
        self._line.language = live.fields.get("language", "zh")
        with self._held():
            now = self._callers.clock()
            session = self._restored(live, now)
            if live.stage is Stage.WAITING or live.leg is not None:
                answer = await self._resume_queue(live)
                await self._run(session, session.step(answer, self._callers.clock()))
            elif live.stage is Stage.AFTER:
                await self._run(session, session.step(inputs.Served(live.talked), now))
            else:
                await self._run(session, session.step(inputs.Started(), now))

    def _restored(self, live: LiveCall, now: float) -> Session:
        """The flow's session as the log has it; from the beginning when there is nothing to go on from."""
        definitions = self._definitions
        caller = self._caller(live.caller, live.called)
        try:
            return Session.restore(definitions.flows, live.flow_state, caller, definitions.calendar)
        except (ValueError, KeyError) as error:
            _log.info("a caller's place in the flow is lost: from the beginning", call=live.id, why=str(error))
            return Session(definitions.flows, definitions.start, caller, definitions.calendar, now)

    @contextmanager
    def _held(self) -> Iterator[None]:
        """While it holds the caller, commands and digits come here; afterwards the log knows that it let go."""
        releases = [
            self._dispatcher.own(self._call, self._mailbox.put),
            self._callers.legs.hear(self._agi.unique_id, self._line),
        ]
        try:
            yield
        except (AgiHangup, AgiGone):
            # Why it went is told by the channel's Hangup event, or by the caller coming back.
            pass
        except NotLeading as error:
            _log.info("a caller is let go", call=self._call, why=str(error))
        finally:
            for release in releases:
                release()
            self._let_go()

    def _let_go(self) -> None:
        async def tell() -> None:
            with suppress(NotLeading):
                gone = lambda state: state.calls.get(self._call) is None  # noqa: E731
                if not await self._dispatcher.until(gone, _FACTS_DEADLINE) and not self._dispatcher.owned(self._call):
                    await self._dispatcher.record(acd.CallDetached(self._call))

        task = asyncio.ensure_future(tell())
        _letting_go.add(task)
        task.add_done_callback(_letting_go.discard)

    def _caller(self, number: str, called: str) -> Caller:
        return Caller(
            number=number,
            called=called,
            vip=self._definitions.is_vip(number),
            open_ticket=self._dispatcher.state.desk.open_ticket(number),
            lists=self._definitions.lists_of(number),
            fields=dict(self._fields),
        )

    # The flow's verbs

    async def _run(self, session: Session, todo: Sequence[verbs.Verb]) -> None:
        while True:
            answer: inputs.Input | None = None
            for verb in todo:
                if isinstance(verb, verbs.Hangup):
                    await self._hang_up(verb)
                    return
                if isinstance(verb, verbs.Moved):
                    self._dispatcher.submit(flow_events.FlowMoved(self._call, verb.flow, verb.node, session.snapshot()))
                    continue
                answer = await self._do(verb) or answer
            todo = session.step(answer or inputs.Finished(), self._callers.clock())

    async def _do(self, verb: verbs.Verb) -> inputs.Input | None:
        match verb:
            case verbs.Play():
                await self._line.play(verb.prompts, interruptible=verb.interruptible)
            case verbs.SetLanguage():
                self._line.language = verb.language
                self._set_field("language", verb.language)
            case verbs.SetField():
                self._set_field(verb.field, verb.value)
            case verbs.Satisfaction():
                self._dispatcher.submit(flow_events.SatisfactionGiven(self._call, verb.score))
            case verbs.Gather():
                digits = await self._line.gather(
                    verb.prompts,
                    max_digits=verb.max_digits,
                    terminators=verb.terminators,
                    first_timeout=verb.first_timeout,
                    digit_timeout=verb.digit_timeout,
                    interruptible=verb.interruptible,
                    flush=verb.flush,
                )
                return inputs.Digits(digits) if digits else inputs.NoInput()
            case verbs.Enqueue():
                return await self._enqueue(verb)
            case verbs.TakeMessage():
                return await self._take_message(verb)
            case verbs.TakeNumber():
                return self._take_number(verb)
        return None

    def _set_field(self, field: str, value: str) -> None:
        self._fields[field] = value
        self._dispatcher.submit(flow_events.FieldSet(self._call, field, value))

    async def _hang_up(self, verb: verbs.Hangup) -> None:
        await self._agi.set_variable(DONE, verb.why)
        self._dispatcher.submit(acd.CallEnded(self._call, "hotline_hung_up"))
        await self._agi.hangup()

    async def _take_message(self, verb: verbs.TakeMessage) -> inputs.Input:
        await self._line.play(verb.prompts, interruptible=True)
        path = self._callers.places.messages / f"{self._call}-{int(self._callers.clock())}"
        try:
            recorded = await self._agi.record_file(
                str(path), limit_ms=int(verb.max_seconds * 1000), silence=int(verb.silence), beep=True
            )
        except AgiRefused as error:
            return inputs.RecordFailed(str(error))
        seconds = recorded.samples / _SAMPLES_A_SECOND
        if seconds < _SHORTEST_MESSAGE:
            return inputs.RecordFailed("nothing was recorded")
        self._dispatcher.submit(flow_events.MessageLeft(self._call, f"{path}.wav", seconds))
        return inputs.Recorded(f"{path}.wav", seconds)

    def _take_number(self, verb: verbs.TakeNumber) -> inputs.Input:
        number, why = self._definitions.callback_number(verb.number)
        if why:
            return inputs.NumberRefused(why)
        category = self._fields.get("category", "")
        self._dispatcher.submit(flow_events.NumberTaken(self._call, number, category))
        return inputs.Finished()

    # The queue

    async def _enqueue(self, verb: verbs.Enqueue) -> inputs.Input:
        queued_at = self._callers.clock()
        desk = self._dispatcher.state.desk
        await self._line.music(True, verb.music)
        self._dispatcher.submit(
            acd.CallQueued(
                self._call,
                verb.queue,
                self._definitions.requirement(verb.queue, verb.category, verb.requirement),
                queued_at,
                priority=verb.priority,
                caller=self._agi.caller,
                language=self._line.language,
                category=verb.category,
                owner=desk.owner(ticket) if (ticket := desk.open_ticket(self._agi.caller)) is not None else "",
                vip=self._definitions.is_vip(self._agi.caller),
            )
        )
        return await self._wait_for_agent(verb.music)

    async def _resume_queue(self, live: LiveCall) -> inputs.Input:
        music = live.queue
        await self._line.music(True, music)
        leg = live.leg
        if leg is not None:
            # Dial ran on without a server and is over, since the caller is back here.
            if leg.answered_at is not None or await self._agi.get_variable("DIALSTATUS") == "ANSWER":
                await self._leg_told(leg.offer)
                if (now_live := self._dispatcher.state.calls.get(self._call)) and now_live.talked > 0:
                    return inputs.Served(now_live.talked)
            else:
                self._dispatcher.submit(acd.OfferFailed(leg.offer, acd.Outcome.LOST, "the server went away"))
        return await self._wait_for_agent(music)

    async def _wait_for_agent(self, music: str) -> inputs.Input:
        while True:
            command = await self._next_command()
            match command:
                case Offer():
                    if (served := await self._connect(command)) is not None:
                        return served
                    await self._line.music(True, music)
                case Announce():
                    await self._announce(command)
                    await self._line.music(True, music)
                case Divert():
                    self._dispatcher.submit(acd.CallLeftQueue(self._call, command.to))
                    return inputs.NotServed(command.to)

    async def _next_command(self) -> Command:
        """The floor's next command for this call. Raises AgiHangup or AgiGone when the caller is not held any more."""
        filled = asyncio.ensure_future(self._mailbox.filled())
        hangup = asyncio.ensure_future(self._agi.wait_hangup())
        try:
            await asyncio.wait({filled, hangup}, return_when=asyncio.FIRST_COMPLETED)
            if (command := self._mailbox.take()) is None:
                raise AgiHangup("the caller hung up in the queue")
            return command
        finally:
            await _cancelled(filled, hangup)

    async def _announce(self, announce: Announce) -> None:
        """Say where the caller stands; an agent who comes free cuts it short at once."""
        for prompt in position_prompts(announce, self._line.language):
            if self._mailbox:
                return
            playing = asyncio.ensure_future(self._agi.control_stream_file(self._line.path(prompt)))
            filled = asyncio.ensure_future(self._mailbox.filled())
            await asyncio.wait({playing, filled}, return_when=asyncio.FIRST_COMPLETED)
            if not playing.done():
                with suppress(AmiError):
                    await self._callers.ami.action("ControlPlayback", Channel=self._agi.channel, Control="stop")
            await _cancelled(filled)
            await playing

    async def _connect(self, offer: Offer) -> inputs.Input | None:
        """Ring the agent; the conversation, if there is one, is over when this returns. None: the caller waits on."""
        definitions = self._definitions
        await self._agi.set_variable(dial.RECORDING, self._callers.places.recording(self._call, offer.offer))
        arguments = dial.arguments(
            self._callers.device(offer.agent),
            offer.ring_for,
            music=definitions.music(self._fields.get("queue", "")),
            whisper=self._whisper(),
            announcement=await self._callers.work_number(offer.agent, self._line.language),
        )
        dialling = asyncio.ensure_future(self._agi.execute("Dial", *arguments))
        try:
            while not dialling.done():
                filled = asyncio.ensure_future(self._mailbox.filled())
                await asyncio.wait({dialling, filled}, return_when=asyncio.FIRST_COMPLETED)
                await _cancelled(filled)
                while (command := self._mailbox.take()) is not None:
                    await self._while_dialling(command, offer)
            await dialling
        except AgiRefused as error:
            _log.error("Asterisk refused to dial", call=self._call, agent=offer.agent, error=str(error))
            await self._dispatcher.record(acd.OfferFailed(offer.offer, acd.Outcome.LOST, str(error)))
            return None
        finally:
            dialling.cancel()
        return await self._after_dial(offer)

    async def _while_dialling(self, command: Command, offer: Offer) -> None:
        if isinstance(command, Withdraw) and command.offer == offer.offer:
            if channel := self._callers.legs.ringing_channel(offer.offer):
                with suppress(AmiError):
                    await self._callers.ami.action("Hangup", Channel=channel)
        elif isinstance(command, Offer) and command.offer != offer.offer:
            self._dispatcher.submit(acd.OfferFailed(command.offer, acd.Outcome.LOST, "the caller is being connected"))

    async def _after_dial(self, offer: Offer) -> inputs.Input | None:
        status = await self._agi.get_variable("DIALSTATUS") or ""
        if status != "ANSWER":
            cause = await self._agi.get_variable("HANGUPCAUSE") or ""
            await self._dispatcher.record(
                acd.OfferFailed(offer.offer, dial.outcome(status, cause), f"{status} {cause}")
            )
            return None
        await self._leg_told(offer.offer)
        live = self._dispatcher.state.calls.get(self._call)
        if live is not None and live.talked > 0:
            return inputs.Served(live.talked)
        _log.info("the agent was gone before the conversation began: the caller waits on", call=self._call)
        await self._queue_again()
        return None

    async def _queue_again(self) -> None:
        live = self._dispatcher.state.calls.get(self._call)
        if live is None or live.queued_at is None:
            raise AgiHangup("the call is over")
        await self._dispatcher.record(
            acd.CallQueued(
                self._call,
                live.queue,
                self._definitions.requirement(live.queue, live.fields.get("category", ""), {}),
                live.queued_at,
                caller=live.caller,
                language=self._line.language,
                category=live.fields.get("category", ""),
                vip=self._definitions.is_vip(live.caller),
            )
        )

    async def _leg_told(self, offer: int) -> None:
        """Wait until the log has this leg's end; tell it here when the AMI stream does not."""

        def over(live: LiveCall | None) -> bool:
            return live is None or live.leg is None or live.leg.offer != offer

        if await self._dispatcher.until(lambda state: over(state.calls.get(self._call)), _FACTS_DEADLINE):
            return
        live = self._dispatcher.state.calls.get(self._call)
        if live is not None and live.leg is not None:
            talked = float(await self._agi.get_variable("ANSWEREDTIME") or 0)
            await self._dispatcher.record(
                acd.OfferAnswered(offer), acd.ConversationEnded(self._call, live.leg.agent, "agent", talked=talked)
            )

    def _whisper(self) -> str:
        subject = self._fields.get("category") or self._fields.get("business") or "call"
        return str(self._callers.places.prompts / "zh" / f"whisper-{subject}")


async def _cancelled(*tasks: asyncio.Task[Any]) -> None:
    """End tasks that are waited for no more."""
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError, AgiError):
            await task


_letting_go: set[asyncio.Task[None]] = set()


def _seconds(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None
