"""The AGI sessions that hold callers: where a new caller begins, and where one who comes back goes on.

The session decides nothing. When it ends without the call being over, the dialplan brings the caller back, to this
server or another, and the session of that connection goes on where the log says the caller is.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress

import structlog

import acd.events as acd
from acd.callbacks.events import AttemptAnswered, AttemptOutcome
from acd.callbacks.policy import Dialling
from ivr import inputs, verbs
from ivr.saying import LANGUAGES
from ivr.session import Session
from ivr.turn import language_of
from server import bounds, crash_points
from server.eventlog.log import Unwritable
from server.hotline.called_numbers import UnknownNumbers
from server.hotline.definitions import Definitions
from server.hotline.dispatcher import Dispatcher, NotLeading
from server.hotline.live_call import LiveCall, Stage
from server.hotline.view import View
from server.tasks import BackgroundTasks
from server.telephony.agi.server import AgiCall, AgiGone, AgiHangup, AgiRefused
from server.telephony.ami.link import Ami
from server.telephony.caller.audio import CallerAudio
from server.telephony.caller.context import FACTS_DEADLINE, CallerContext, CallFolders, SessionServices
from server.telephony.caller.flow import DONE, CallerFlow
from server.telephony.caller.identity import IdentityChecks
from server.telephony.caller.machine import is_machine
from server.telephony.caller.promises import CallerPromises
from server.telephony.caller.waiting import Waiting
from server.telephony.channels import dial
from server.telephony.channels.legs import Legs
from server.telephony.trunks.outgoing import Outgoing

__all__ = ["CallFolders", "Callers"]

_log = structlog.get_logger("hotline")

CALLBACK_FLOW = "callback"
"""What a customer hears who was called back."""
_LAST_EVENTS = 0.5
"""Seconds within which AMI tells the end of a channel that Asterisk has no longer."""


class Callers:
    """The handler of every AGI connection that brings a caller.

    `definitions` gives the flows and queues of now, `device` what to dial for an agent, `work_number` the sound
    file that tells a caller, in a language, which agent is going to speak.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        view: View,
        legs: Legs,
        ami: Ami,
        definitions: Callable[[], Definitions],
        folders: CallFolders,
        node: str,
        device: Callable[[str], str],
        work_number: Callable[[str, str], Awaitable[str]],
        outgoing: Outgoing,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.services = SessionServices(dispatcher, view, legs, ami, folders, device, work_number, outgoing, clock)
        self.definitions, self.node = definitions, node
        self.unknown_numbers = UnknownNumbers()
        self.on_transferred: Callable[[LiveCall, str], Awaitable[None]] = _nobody_transfers
        """Records what becomes of a caller who was transferred to this number by an agent's phone."""
        self.identity = IdentityChecks(dispatcher, lambda: view.customers, lambda: self.identity_key(), clock)
        self.identity_key: Callable[[], bytes] = lambda: b""
        """The key with which customers' digits are kept."""
        self.letting_go = BackgroundTasks(_log, "the end of a session could not be recorded", NotLeading, Unwritable)

    async def __call__(self, agi: AgiCall) -> None:
        """Serve one connection of a caller to its end."""
        (returning,), (_, invited, answered) = agi.numbers(1), (*agi.arguments, "", "", "")[:3]
        calls = self.services.view.calls
        live = calls.get(returning) if returning else calls.by_unique_id(agi.unique_id)
        if live is not None and live.unique_id == agi.unique_id:
            await _Session(self, agi, live.id).resume(live)
        else:
            now = self.services.clock()
            self.unknown_numbers.dialled(self.definitions().numbers, agi.called)
            await _Session(self, agi, calls.next_call()).begin(_seconds(invited, now), _seconds(answered, now))

    async def called(self, agi: AgiCall) -> None:
        """A customer who was called back has picked up, or comes back like any caller."""
        call, attempt = agi.numbers(2)
        live = self.services.view.calls.get(call)
        if live is not None and live.unique_id == agi.unique_id:
            await _Session(self, agi, call).resume(live)
        elif live is not None and live.promise and not live.reached and live.attempt == attempt:
            await _Session(self, agi, call).reach(live)
        else:
            _log.info("a customer picked up when the callback was over", call=call)
            await agi.set_variable(DONE, "over")
            with suppress(AgiRefused):
                await agi.stream_file(str(self.services.folders.prompts / LANGUAGES[0] / "goodbye"))
            await agi.hangup()

    async def transferred(self, agi: AgiCall) -> None:
        """A caller whose agent's phone has transferred them, and who is in no conversation now."""
        (call,) = agi.numbers(1)
        live = self.services.view.calls.get(call)
        if live is not None and live.unique_id == agi.unique_id:
            await _Session(self, agi, call).transferred(live)
        else:
            await self(agi)


async def _nobody_transfers(live: LiveCall, number: str) -> None:
    raise RuntimeError("nothing is connected that records transfers by phone")


class _Session:
    """One AGI connection of one call."""

    def __init__(self, callers: Callers, agi: AgiCall, call: int) -> None:
        self._services, self._node, self._agi, self._call = callers.services, callers.node, agi, call
        self._letting_go, self._on_transferred = callers.letting_go, callers.on_transferred
        self._dispatcher, self._view = self._services.dispatcher, self._services.view
        self._clock = self._services.clock
        self._definitions = callers.definitions()
        self._audio = CallerAudio(
            agi,
            self._services.folders.prompts,
            hears_digits=lambda: self._services.ami.is_up,
            own=self._services.folders.own_prompts,
        )
        self._audio.quiet = False
        self._context = CallerContext(call, agi, self._audio, self._definitions)
        self._fields = self._context.fields
        promises = CallerPromises(self._context, self._services)
        self._waiting = Waiting(self._context, self._services, promises)
        self._flow = CallerFlow(self._context, self._services, promises, self._waiting, callers.identity)
        self._arrival: asyncio.Future[float] | None = None
        """The entry of a new caller, on its way into the log."""

    async def begin(self, invited_at: float | None, answered_at: float | None) -> None:
        """A new caller. Asterisk is asked nothing before the first prompt: every question would delay it."""
        now = self._clock()
        agi, caller = self._agi, self._context.party
        self._arrival = self._dispatcher.submit(
            acd.CallArrived(
                self._call,
                caller.shown,
                agi.called,
                agi.channel,
                agi.unique_id,
                invited_at=invited_at or now,
                node=self._node,
                answered_at=answered_at,
                name=caller.name,
                told_by=caller.told_by,
            )
        )
        number = self._definitions.numbers.of(agi.called)
        if number.language:
            self._fields["language"] = number.language
        with self._holding():
            session = Session(
                self._definitions.flows,
                self._definitions.begins(agi.called),
                self._flow.caller(caller.shown, agi.called),
                self._definitions.calendar,
                now,
            )
            await self._flow.run(session, session.step(inputs.Started(), now))

    async def reach(self, live: LiveCall) -> None:
        """The customer of a callback picked up: from here on they are a caller like any other."""
        crash_points.reached("customer_answered")
        with self._holding():
            # An agent's phone that is rung from here shows the customer's number.
            await self._agi.set_variable("CALLERID(num)", live.caller)
            answered = AttemptAnswered(live.id, live.promise, live.attempt, self._agi.channel, self._agi.unique_id)
            await self._dispatcher.record(answered)
            crash_points.reached("answer_recorded")
            if not live.reached or self._view.calls.get(live.id) is None:
                raise AgiHangup("the attempt was over")
            rules = self._view.callbacks.policy.of(live.queue)
            if rules.amd and rules.dialling is Dialling.AGENT_FIRST and await is_machine(self._agi):
                await self._flow.hang_up(verbs.Hangup("machine"), "Asterisk heard it")
            else:
                await self._call_back(live)

    async def _call_back(self, live: LiveCall) -> None:
        """The customer's flow of a callback, from its beginning."""
        promise = self._view.callbacks.promise(live.promise)
        fields = {"promise": str(live.promise), "business": live.queue}
        if promise is not None:
            dialling = self._view.callbacks.policy.of(live.queue).dialling
            fields |= {"language": promise.language, "category": promise.category, "dialling": dialling.value}
            fields |= {"purpose": promise.purpose} if promise.purpose else {}
        for name, value in fields.items():
            self._flow.set_field(name, value)
        self._audio.language = language_of(self._fields)
        now = self._clock()
        caller = self._flow.caller(live.caller, live.called)
        session = Session(self._definitions.flows, CALLBACK_FLOW, caller, self._definitions.calendar, now)
        await self._flow.run(session, session.step(inputs.Started(), now))

    async def resume(self, live: LiveCall) -> None:
        """A caller whose last session went away: back to where the log says they are."""
        _log.info("a caller is back", call=live.id, stage=live.stage)
        self._take_up(live)
        with self._holding():
            now = self._clock()
            if live.promise and not live.flow_state:
                await self._call_back(live)
                return
            session = self._restored(live, now)
            if await self._is_asked(live):
                await self._flow.run(session, session.step(inputs.Started(), now))
            elif live.stage is Stage.WAITING or live.leg is not None:
                answer = await self._waiting.resume(live)
                await self._flow.run(session, session.step(answer, self._clock()))
            elif live.stage is Stage.AFTER:
                await self._flow.run(session, session.step(inputs.Served(live.talked), now))
            else:
                await self._flow.run(session, session.step(inputs.Started(), now))

    async def transferred(self, live: LiveCall) -> None:
        """A caller who was transferred by an agent's phone, under music until the log says where to."""
        self._take_up(live)
        with self._holding():
            session = self._restored(live, self._clock())
            number = await self._agi.get_variable(dial.TRANSFER_TO) or ""

            async def record() -> None:
                await self._on_transferred(live, number)
                await self._agi.set_variable(dial.TRANSFER_TO, "")

            answer = await self._waiting.transferred(live, record)
            await self._flow.run(session, session.step(answer, self._clock()))

    def _take_up(self, live: LiveCall) -> None:
        self._dispatcher.submit(acd.CallAttached(live.id))
        self._fields.update(live.fields)
        self._audio.language = language_of(live.fields)

    async def _is_asked(self, live: LiveCall) -> bool:
        """Whether a customer who was called first has not yet said that they are there: no agent was rung."""
        if not live.promise or live.leg is None or live.leg.answered_at is not None:
            return False
        return not await self._agi.get_variable("DIALSTATUS")

    def _restored(self, live: LiveCall, now: float) -> Session:
        """The flow's session as the log has it; from the beginning when there is nothing to go on from."""
        definitions = self._definitions
        caller = self._flow.caller(live.caller, live.called)
        try:
            return Session.restore(definitions.flows, live.flow_state, caller, definitions.calendar)
        except (ValueError, KeyError) as error:
            _log.info("a caller's place in the flow is lost: from the beginning", call=live.id, why=str(error))
            start = CALLBACK_FLOW if live.promise else definitions.begins(live.called)
            return Session(definitions.flows, start, caller, definitions.calendar, now)

    @contextmanager
    def _holding(self) -> Iterator[None]:
        """While it holds the caller, commands and digits come here; afterwards the log knows that it let go."""
        releases = [
            self._dispatcher.own(self._call, self._context.mailbox.put),
            self._services.legs.hear(self._agi.unique_id, self._audio),
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
        self._letting_go.start(self._tell_gone())

    async def _tell_gone(self) -> None:
        """Record that no session holds the caller any more, unless the call is over or another session holds it."""
        if self._arrival is not None:
            await self._arrival
        calls = self._view.calls
        gone = lambda state: state.calls.get(self._call) is None  # noqa: E731
        there = calls.get(self._call) is None or await self._services.ami.has_channel(self._agi.channel)
        within = FACTS_DEADLINE if there else _LAST_EVENTS
        if await self._dispatcher.until(gone, within) or self._dispatcher.owned(self._call):
            return
        live = self._view.calls.get(self._call)
        if live is not None and not there:
            await self._dispatcher.record(*self._services.legs.ending(live, "lost", AttemptOutcome.LOST))
        elif not self._services.legs.channels.rings(self._call):
            await self._dispatcher.record(acd.CallDetached(self._call))


def _seconds(text: str, now: float) -> float | None:
    try:
        return bounds.happened(text, now)
    except ValueError:
        return None
