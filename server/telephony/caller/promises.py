"""What a caller's flow asks and does about callback mode: answered from the state, done by events in the log.

Nothing is decided here. A number is promised once the log has it: only then is the caller told.
"""

from __future__ import annotations

import asyncio
from typing import Any

import acd.events as acd
from acd.callbacks.events import AttemptEnded, AttemptOutcome, Mode, PromiseAsked, PromiseCancelled, PromisePostponed
from acd.callbacks.states import PromiseState, PromiseView
from ivr import inputs, verbs
from ivr.nodes import CANCEL, LIMIT
from server.hotline.definitions import Definitions
from server.hotline.dialling_policy import Checked
from server.hotline.live_call import LiveCall
from server.hotline.promising import asked_back
from server.hotline.standing import is_vip
from server.hotline.view import View
from server.telephony.caller.context import CallerContext, SessionServices

SILENCE = 1.0
"""Seconds that a caller may hear nothing while the log is away; then there is music."""
OFFERED = "callback_offered"
"""The field that says where a callback was offered: entry, forced or queue."""
_OPEN = (PromiseState.PENDING, PromiseState.DIALLING)


def checked(view: View, definitions: Definitions, text: str) -> Checked:
    """Whether this number may be called back by the rules, and is no agent's (`agent`)."""
    if view.floor.agent(text) is not None:
        return Checked("", "agent", f"{text} is an agent's number")
    return definitions.callback.check(text)


class CallerPromises:
    """Callback mode as it concerns one caller."""

    def __init__(self, context: CallerContext, services: SessionServices) -> None:
        self._context, self._services, self._view = context, services, services.view

    @property
    def _live(self) -> LiveCall | None:
        return self._view.calls.get(self._context.call)

    # Asked

    def stands(self, verb: verbs.AskCallback) -> inputs.CallbackStands:
        """How callback mode stands for a queue, or for all."""
        callbacks = self._view.callbacks
        mode = callbacks.mode(verb.queue) if verb.queue else callbacks.modes()[0]
        if not mode.active or mode.full:
            return inputs.CallbackStands(mode.active, mode.mode is Mode.ON, mode.full)
        low, high = self._wait(verb.queue, self._services.clock()) or (None, None)
        return inputs.CallbackStands(mode.active, mode.mode is Mode.ON, mode.full, low, high)

    def may_be_offered(self, queue: str) -> bool:
        """Whether a caller who waits here may be offered a callback now; a customer who was called back may not."""
        mode, live = self._view.callbacks.mode(queue), self._live
        return mode.mode is not Mode.OFF and not mode.full and not (live is not None and live.promise)

    def offered_now(self, queue: str) -> bool:
        """Whether callback mode takes numbers from callers who wait in this queue now."""
        return self._view.callbacks.mode(queue).active and self.may_be_offered(queue)

    def promised(self, verb: verbs.AskPromise) -> inputs.PromiseStands:
        """The callback that is promised to a number and not being spoken in yet."""
        number, _ = self._context.definitions.callback_number(verb.number)
        promise = self._view.callbacks.live(number) if number else None
        if promise is None or promise.state not in _OPEN:
            return inputs.PromiseStands()
        low, high, due = self._expected(promise.queue, promise.queued_at, promise.due_at)
        dialling = promise.state is PromiseState.DIALLING
        return inputs.PromiseStands(promise.id, promise.queue, promise.category, dialling, low, high, due)

    def check(self, text: str) -> inputs.NumberFits | inputs.NumberRefused:
        """Whether this number may be called back, and if not, why."""
        number, reason, sentence = checked(self._view, self._context.definitions, text)
        if reason:
            return inputs.NumberRefused(sentence, reason)
        why = self._view.callbacks.why_not(number, self._asked(number).matter, self._services.clock())
        return inputs.NumberRefused(why, LIMIT) if why else inputs.NumberFits(number)

    # Done

    async def take(self, verb: verbs.TakeNumber) -> inputs.Promised | inputs.NumberRefused:
        """Promise to call this number back. Raises NotLeading."""
        fits = self.check(verb.number)
        if isinstance(fits, inputs.NumberRefused):
            return fits
        context, number = self._context, fits.number
        asked = self._asked(number)
        before = self._view.callbacks.live(number, asked.matter)
        await self._in_the_log(asked)
        promise = self._view.callbacks.live(number, asked.matter)
        # A session that came back after a crash asks again for what it has been promised.
        known = before is not None and before.origin != context.call
        if promise is None:
            return inputs.Promised(number, shown=context.definitions.outgoing(asked.called))
        return inputs.Promised(
            number,
            *self._expected(promise.queue, promise.queued_at, promise.due_at),
            context.definitions.outgoing(promise.called),
            duplicate=known,
            dialling=promise.state is not PromiseState.PENDING,
        )

    async def change(self, verb: verbs.ChangePromise) -> inputs.Finished | inputs.Refused:
        """Cancel or postpone a callback by the customer's word. Raises NotLeading."""
        promise, now = self._view.callbacks.promise(verb.promise), self._services.clock()
        if promise is not None and verb.action == CANCEL and promise.state is PromiseState.CANCELLED:
            return inputs.Finished()
        if promise is None or not promise.live:
            return inputs.Refused(f"call back {verb.promise} is over")
        event: PromiseCancelled | PromisePostponed
        if verb.action == CANCEL:
            event = PromiseCancelled(promise.id, "customer", "the customer needs it no more")
        else:
            event = PromisePostponed(promise.id, now + verb.seconds, "customer", "the customer wants it later")
        await self._in_the_log(event, *self._attempt_over(promise, verb.action))
        return inputs.Finished()

    def place(self, promise: int) -> PromiseView | None:
        """The callback whose place this caller may take, if it still can be given up."""
        found = self._view.callbacks.promise(promise) if promise else None
        return found if found is not None and found.state in _OPEN else None

    def agent_of(self, promise: PromiseView) -> str:
        """The agent who is being kept for a callback, else the one it prefers."""
        own = self._view.calls.get(promise.call) if promise.call is not None else None
        return own.leg.agent if own is not None and own.leg is not None else promise.owner

    def _attempt_over(self, promise: PromiseView, why: str) -> list[object]:
        """In the very call that keeps the promise the attempt is over, and no agent is kept for it any more."""
        live = self._live
        if live is None or live.promise != promise.id:
            return []
        ended = AttemptEnded(live.id, promise.id, live.attempt, AttemptOutcome.STOPPED, "the customer's own word")
        return [ended, acd.CallLeftQueue(live.id, why)]

    async def _in_the_log(self, *events: object) -> None:
        """Return when the log has them. A caller who must wait for that hears music."""
        recorded = self._services.dispatcher.submit(*events)
        await asyncio.wait({recorded}, timeout=SILENCE)
        if not recorded.done():
            await self._context.audio.music(True)
            await asyncio.wait({recorded})
            await self._context.audio.music(False)
        recorded.result()

    def _asked(self, number: str) -> PromiseAsked:
        """The promise that this caller asks for."""
        context, live = self._context, self._live
        more: dict[str, Any] = {}
        if live is None or not live.promise:
            more["called"] = context.called
            if live is None or live.asked is None:
                more["priority"] = context.definitions.numbers.of(context.called).priority
        elif (promise := self._view.callbacks.promise(live.promise)) is not None:
            more["called"] = promise.called
        return asked_back(
            number,
            "queue" if live is not None and live.asked is not None else "flow",
            call=context.call,
            live=live,
            fields=context.fields,
            language=context.audio.language,
            vip=is_vip(self._view.customers, context.definitions, context.party.number),
            **more,
        )

    # When

    def _wait(self, queue: str, queued_at: float) -> tuple[float, float] | None:
        """p50 and p90 of the wait, in seconds from now, of a caller queued at this instant; None: not known."""
        waiting = self._view.floor.waiting()
        ahead = sum(each.queue == queue and each.queued_at < queued_at for each in waiting)
        return self._view.floor.expected(queue, ahead + 1)

    def _expected(self, queue: str, queued_at: float, due_at: float) -> tuple[float | None, float | None, float | None]:
        """(p50, p90, the instant that the call comes after, if it is not simply its turn)."""
        low, high = self._wait(queue, queued_at) or (None, None)
        turn = self._services.clock() + (high or 0.0)
        opens = self._context.definitions.calls_allowed(max(turn, due_at))
        return (None, None, opens) if opens > turn else (low, high, None)
