"""Acts on callbacks: a promise, another time or place for it, and callback mode.

Every act is one event of the log. An impossible act is refused before the server writes anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import acd.events as acd
from acd.callbacks.engine import Callbacks
from acd.callbacks.events import Mode, ModeSet, PromiseCancelled, PromisePostponed, PromisePrioritised, PromiseSettled
from acd.callbacks.states import ModeView, PromiseState, PromiseView
from server.hotline.dispatcher import NotLeading
from server.hotline.promising import asked_back
from server.hotline.standing import is_vip, why_not_called
from server.usecases.errors import Conflict, Invalid, NotFound
from server.usecases.permissions import Act, Reach, reach_of
from server.usecases.principal import Principal
from server.usecases.records import masks
from server.usecases.server import Acts

YEAR = 366 * 86_400.0
WAITS = (PromiseState.PENDING, PromiseState.DIALLING)


@dataclass(frozen=True, slots=True)
class Wish:
    """The wanted callback. `after` is UTC epoch seconds, None for as soon as possible."""

    number: str
    category: str = ""
    queue: str = ""
    after: float | None = None
    reason: str = ""
    source: str = "api"
    language: str = "zh"
    priority: int = 0
    owner: str = ""
    call: int = 0
    ticket: int | None = None


class CallbackActs(Acts):
    """Every act raises Conflict, NotFound, Invalid or Forbidden, and NotLeading where it changes something."""

    # Reading

    async def page(
        self, who: Principal, which: dict[str, Any], limit: int, cursor: str | None = None, *, mask: bool = False
    ) -> dict[str, Any]:
        """One page of promises, newest first, as the server knows them now. Raises QueryError for a wrong filter.

        `which` are the fields of `PromiseFilter`; a number is found however it is written.
        """
        self.permissions.require(who, Act.READ_CALLBACKS)
        if number := which.get("number"):
            which = {**which, "number": self._server.definitions.party(number).shown or number}
        mask = mask or masks(who, Act.READ_CALLBACKS)
        found = await self._server.records.promises(which, limit, cursor, mask, await self._registry())
        self._check_names(which, found, cursor)
        return found

    async def show(self, who: Principal, promise: int, *, mask: bool = False) -> dict[str, Any]:
        """One promise with the history of its attempts."""
        self.permissions.require(who, Act.READ_CALLBACKS)
        return await self.now(who, promise, mask=mask)

    async def now(self, who: Principal, promise: int, *, mask: bool = False) -> dict[str, Any]:
        """The promise after an act on it, with its history; a principal who may not read promises is answered too."""
        mask = mask or reach_of(who, Act.READ_NUMBERS) is not Reach.ALL
        found = await self._server.records.promise(promise, mask, await self._registry())
        if found is None:
            raise NotFound(f"there is no callback {promise}")
        return found

    def modes(self, who: Principal) -> Sequence[ModeView]:
        """Callback mode for all, then for each queue."""
        self.permissions.require(who, Act.READ_CALLBACKS)
        return self.modes_now()

    def modes_now(self) -> Sequence[ModeView]:
        """Callback mode after an act on it: of all, then of each queue."""
        return self._view.callbacks.modes()

    async def mode_history(
        self, who: Principal, scope: str | None, limit: int, cursor: str | None = None
    ) -> dict[str, Any]:
        """One page of the changes of callback mode, newest first, each with its principal, reason and rule."""
        self.permissions.require(who, Act.READ_CALLBACKS)
        await self._registry()
        found = await self._server.records.modes(scope, limit, cursor)
        self._check_names({"scope": scope}, found)
        return found

    async def report(self, who: Principal, day: date | None, interval: int, queue: str | None) -> dict[str, Any]:
        """The figures of one day of the hotline's zone, today if None; `interval` in seconds.

        Raises QueryError for an interval that divides no day.
        """
        self.permissions.require(who, Act.READ_REPORTS)
        zone = self._server.definitions.calendar.zone
        day = day or datetime.fromtimestamp(self._clock(), zone).date()
        found = await self._server.records.callback_report(day, zone, interval, queue)
        self._check_names({"queue": queue}, {"items": found["queues"]})
        return found

    async def _registry(self) -> Callbacks:
        """The promises as this server knows them, after waiting for the records to show them too."""
        try:
            await self.shown()
        except NotLeading:
            await self._server.records.caught_up()
        return self._view.callbacks

    # Changing

    async def ask(self, who: Principal, wish: Wish) -> tuple[PromiseView, bool]:
        """(the promise, whether this act made it): a number has one live promise for a category."""
        self.permissions.require(who, Act.ASK_CALLBACK)
        state = self._view
        definitions = self._server.definitions
        if state.floor.agent(wish.number.strip()) is not None:
            raise Invalid("agent", f"{wish.number.strip()} is an agent's number: give the customer's")
        checked = definitions.callback.check(wish.number)
        if checked.reason:
            raise Invalid(checked.reason, checked.sentence)
        try:
            queue, category = definitions.matter(wish.category, wish.queue)
        except ValueError as error:
            raise Invalid("matter", str(error)) from None
        if wish.owner and state.floor.agent(wish.owner) is None:
            raise Invalid("agent", f"there is no agent {wish.owner}: see `sansheng agent list`")
        now = self._clock()
        after = self._ahead(wish.after, now)
        if why := why_not_called(state.customers, definitions, checked.number, now):
            raise Conflict(why)
        if why := state.callbacks.why_not(checked.number, category or queue, now):
            raise Conflict(why)
        before = state.callbacks.live(checked.number, category or queue)
        asked = asked_back(
            checked.number,
            wish.source,
            call=wish.call,
            queue=queue,
            category=category,
            language=wish.language,
            priority=wish.priority,
            vip=is_vip(state.customers, definitions, checked.number),
            owner=wish.owner,
            after=after,
            by=who.name,
            reason=wish.reason,
            ticket=wish.ticket,
            called=state.calls.called_by(wish.call),
        )
        subject = f"number {checked.number}"
        await self._record(who, Act.ASK_CALLBACK, asked, subject=subject, reason=wish.reason)
        found = self._view.callbacks.live(checked.number, category or queue)
        if found is not None and before is not None and found.call and found.priority > before.priority:
            await self._lead.record(acd.PrioritySet(found.call, found.priority, who.name, wish.reason))
        if found is None:
            raise Conflict(f"no call was promised to {checked.number}: try again")
        return found, before is None or before.id != found.id

    async def cancel(self, who: Principal, promise: int, reason: str) -> PromiseView:
        """Cancel the promise; the hotline stops an attempt under way."""
        self.permissions.require(who, Act.CHANGE_CALLBACK)
        self._waiting(promise)
        await self._changed(who, Act.CHANGE_CALLBACK, promise, reason, PromiseCancelled(promise, who.name, reason))
        return self._known(promise)

    async def postpone(self, who: Principal, promise: int, until: float, reason: str) -> PromiseView:
        """Call not before `until` (UTC epoch seconds); the promise keeps its place."""
        self.permissions.require(who, Act.CHANGE_CALLBACK)
        self._waiting(promise)
        now = self._clock()
        if until <= now:
            raise Invalid("time", "that is in the past: give an instant to come")
        self._ahead(until, now)
        postponed = PromisePostponed(promise, until, who.name, reason)
        await self._changed(who, Act.CHANGE_CALLBACK, promise, reason, postponed)
        return self._known(promise)

    async def prioritise(self, who: Principal, promise: int, priority: int, reason: str) -> PromiseView:
        """Give the promise, and a call that waits for it already, another place in the order."""
        self.permissions.require(who, Act.CHANGE_CALLBACK)
        view = self._waiting(promise)
        events: list[acd.Event] = [PromisePrioritised(promise, priority, who.name, reason)]
        call = self._view.calls.get(view.call) if view.call else None
        if call is not None and call.promise == promise:
            events.append(acd.PrioritySet(call.id, priority, who.name, reason))
        await self._changed(who, Act.CHANGE_CALLBACK, promise, reason, *events)
        return self._known(promise)

    async def settle(self, who: Principal, promise: int, reason: str) -> PromiseView:
        """Settle an expired or unconfirmed promise: its task is done."""
        self.permissions.require(who, Act.SETTLE_CALLBACK)
        view = self._known(promise)
        if not view.task:
            raise Conflict(f"callback {promise} is {view.state} and no task: only expired and unconfirmed ones are")
        await self._changed(who, Act.SETTLE_CALLBACK, promise, reason, PromiseSettled(promise, who.name, reason))
        return self._known(promise)

    async def nobody_there(self, who: Principal, promise: int) -> PromiseView:
        """The agent of this callback heard a machine: the attempt ends as one, and both lines are hung up."""
        self.permissions.require(who, Act.NOBODY_THERE)
        view = self._known(promise)
        live = self._view.calls.get(view.call or 0)
        leg = live.leg if live is not None and live.promise == promise else None
        if live is None or leg is None or leg.joined_at is None or view.state is not PromiseState.CONNECTED:
            raise Conflict(f"callback {promise} is {view.state}: no agent is joined with the customer's line")
        self.permissions.require(who, Act.NOBODY_THERE, leg.agent)
        await self._server.conversation_channels.nobody_there(live, leg, who.name)
        return self._known(promise)

    async def set_mode(
        self, who: Principal, mode: Mode, scope: str, reason: str, until: float | None = None
    ) -> ModeView:
        """Choose for a queue, or for all (scope "" or "all"): that replaces every queue's own choice."""
        self.permissions.require(who, Act.SET_MODE)
        queues = [queue.name for queue in self._server.definitions.policy.queues]
        scope = "" if scope == "all" and "all" not in queues else scope
        if scope and scope not in queues:
            raise Invalid("matter", f"there is no queue {scope}: there are {', '.join(queues)}, or all")
        if until is not None and mode is Mode.AUTO:
            raise Invalid("time", "auto has no end: until goes with on and off, which return to auto then")
        if until is not None and until <= self._clock():
            raise Invalid("time", "until is in the past: give an instant to come")
        self._ahead(until, self._clock())
        chosen = ModeSet(scope, mode, who.name, reason, until)
        subject = f"callback mode of {scope or 'all queues'}: {mode.value}"
        await self._record(who, Act.SET_MODE, chosen, subject=subject, reason=reason)
        callbacks = self._view.callbacks
        return callbacks.mode(scope) if scope else callbacks.modes()[0]

    async def _changed(self, who: Principal, act: Act, promise: int, reason: str, *events: object) -> None:
        await self._record(who, act, *events, subject=f"callback {promise}", reason=reason)

    def _ahead(self, instant: float | None, now: float) -> float | None:
        if instant is not None and instant > now + YEAR:
            raise Invalid("time", "that is more than a year ahead: give an instant within the year")
        return instant

    def _known(self, promise: int) -> PromiseView:
        view = self._view.callbacks.promise(promise)
        if view is None:
            raise NotFound(f"there is no callback {promise} to be kept: see `sansheng callback list`")
        return view

    def _waiting(self, promise: int) -> PromiseView:
        view = self._known(promise)
        if view.state not in WAITS:
            why = "they speak already" if view.state is PromiseState.CONNECTED else "nothing is left to be changed"
            raise Conflict(f"callback {promise} is {view.state}: {why}")
        return view
