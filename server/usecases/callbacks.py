"""What people ask of callback mode, whoever they are: a promise, another time or place for it, the mode itself.

Every act is one event of the log. What cannot be is refused before anything is written, in one sentence.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import acd.events as acd
from acd.callbacks.events import Mode, ModeSet, PromiseCancelled, PromisePostponed, PromisePrioritised, PromiseSettled
from acd.callbacks.states import ModeView, PromiseState, PromiseView
from server.hotline.definitions import Definitions
from server.hotline.dispatcher import Dispatcher
from server.hotline.promising import asked_back
from server.usecases.errors import CannotDo

YEAR = 366 * 86_400.0
WAITS = (PromiseState.PENDING, PromiseState.DIALLING)


class NotPossible(ValueError):
    """What was asked is wrong in itself. `reason` is of `Checked`, or agent, matter or time."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


class NoSuchPromise(LookupError):
    """There never was a promise of this number, or it was settled long ago."""


class House(Protocol):
    """What the acts stand on."""

    @property
    def dispatcher(self) -> Dispatcher: ...
    @property
    def definitions(self) -> Definitions: ...


@dataclass(frozen=True, slots=True)
class Wish:
    """A call back that somebody asks for. `after` is UTC epoch seconds, None for as soon as may be."""

    number: str
    category: str = ""
    queue: str = ""
    after: float | None = None
    by: str = ""
    reason: str = ""
    source: str = "api"
    language: str = "zh"
    priority: int = 0
    owner: str = ""
    call: int = 0
    ticket: int | None = None


class CallbackActs:
    """Every act raises CannotDo, NoSuchPromise or NotPossible, or NotLeading when another server leads."""

    def __init__(self, house: House, clock: Callable[[], float] = time.time) -> None:
        self._house, self._clock = house, clock

    async def ask(self, wish: Wish) -> tuple[PromiseView, bool]:
        """(the promise, whether it was made by this): a number has one live promise for a category."""
        state = self._house.dispatcher.state
        definitions = self._house.definitions
        if state.floor.agent(wish.number.strip()) is not None:
            raise NotPossible("agent", f"{wish.number.strip()} is an agent's number: give the customer's")
        checked = definitions.callback.check(wish.number)
        if checked.reason:
            raise NotPossible(checked.reason, checked.sentence)
        try:
            queue, category = definitions.matter(wish.category, wish.queue)
        except ValueError as error:
            raise NotPossible("matter", str(error)) from None
        if wish.owner and state.floor.agent(wish.owner) is None:
            raise NotPossible("agent", f"there is no agent {wish.owner}: see `sansheng agent list`")
        now = self._clock()
        after = self._ahead(wish.after, now)
        if why := state.callbacks.why_not(checked.number, category or queue, now):
            raise CannotDo(why)
        before = state.callbacks.live(checked.number, category or queue)
        asked = asked_back(
            checked.number,
            wish.source,
            call=wish.call,
            queue=queue,
            category=category,
            language=wish.language,
            priority=wish.priority,
            vip=definitions.is_vip(checked.number),
            owner=wish.owner,
            after=after,
            by=wish.by,
            reason=wish.reason,
            ticket=wish.ticket,
        )
        await self._house.dispatcher.record(asked)
        found = self._house.dispatcher.state.callbacks.live(checked.number, category or queue)
        if found is not None and before is not None and found.call and found.priority > before.priority:
            await self._house.dispatcher.record(acd.PrioritySet(found.call, found.priority, wish.by, wish.reason))
        if found is None:
            raise CannotDo(f"no call was promised to {checked.number}: try again")
        return found, before is None or before.id != found.id

    async def cancel(self, promise: int, *, by: str, reason: str) -> PromiseView:
        """No more is to be done; whoever is being called hears it ring no longer."""
        self._waiting(promise)
        await self._house.dispatcher.record(PromiseCancelled(promise, by, reason))
        return self._known(promise)

    async def postpone(self, promise: int, until: float, *, by: str, reason: str) -> PromiseView:
        """Not before `until` (UTC epoch seconds); the place stays."""
        self._waiting(promise)
        now = self._clock()
        if until <= now:
            raise NotPossible("time", "that is in the past: give an instant to come")
        self._ahead(until, now)
        await self._house.dispatcher.record(PromisePostponed(promise, until, by, reason))
        return self._known(promise)

    async def prioritise(self, promise: int, priority: int, *, by: str, reason: str) -> PromiseView:
        """Another place in the order, for the call that stands in line already too."""
        view = self._waiting(promise)
        events: list[acd.Event] = [PromisePrioritised(promise, priority, by, reason)]
        call = self._house.dispatcher.state.calls.get(view.call) if view.call else None
        if call is not None and call.promise == promise:
            events.append(acd.PrioritySet(call.id, priority, by, reason))
        await self._house.dispatcher.record(*events)
        return self._known(promise)

    async def settle(self, promise: int, *, by: str, reason: str) -> PromiseView:
        """The task that an expired or unconfirmed promise is, is done."""
        view = self._known(promise)
        if not view.task:
            raise CannotDo(f"callback {promise} is {view.state} and no task: only expired and unconfirmed ones are")
        await self._house.dispatcher.record(PromiseSettled(promise, by, reason))
        return self._known(promise)

    async def set_mode(self, mode: Mode, scope: str, *, by: str, reason: str, until: float | None) -> ModeView:
        """Choose for a queue, or for all (scope "" or "all"): that replaces every queue's own choice."""
        queues = [queue.name for queue in self._house.definitions.policy.queues]
        scope = "" if scope == "all" and "all" not in queues else scope
        if scope and scope not in queues:
            raise NotPossible("matter", f"there is no queue {scope}: there are {', '.join(queues)}, or all")
        if until is not None and mode is Mode.AUTO:
            raise NotPossible("time", "auto has no end: until goes with on and off, which return to auto then")
        if until is not None and until <= self._clock():
            raise NotPossible("time", "until is in the past: give an instant to come")
        self._ahead(until, self._clock())
        await self._house.dispatcher.record(ModeSet(scope, mode, by, reason, until))
        callbacks = self._house.dispatcher.state.callbacks
        return callbacks.mode(scope) if scope else callbacks.modes()[0]

    def _ahead(self, instant: float | None, now: float) -> float | None:
        if instant is not None and instant > now + YEAR:
            raise NotPossible("time", "that is more than a year ahead: give an instant within the year")
        return instant

    def _known(self, promise: int) -> PromiseView:
        view = self._house.dispatcher.state.callbacks.promise(promise)
        if view is None:
            raise NoSuchPromise(f"there is no callback {promise} to be kept: see `sansheng callback list`")
        return view

    def _waiting(self, promise: int) -> PromiseView:
        view = self._known(promise)
        if view.state not in WAITS:
            why = "they speak already" if view.state is PromiseState.CONNECTED else "nothing is left to be changed"
            raise CannotDo(f"callback {promise} is {view.state}: {why}")
        return view
