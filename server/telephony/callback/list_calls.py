"""The lines of outbound lists become promises one by one, when nobody else wants the agents; callback mode calls them.

The law: a line is promised only while an agent of its queue is ready and nobody waits there, unless its list is
configured to stand with the callers; a line that is tried again waits for such a moment too. A call of a list that
yields is called off, as long as its customer has not answered, when a caller waits whom nobody else is free for. A
customer who may not be called, or is being called back anyway, is passed over.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

import structlog

from acd.callbacks.events import LIST, PromiseAsked, PromiseCancelled, PromisePostponed
from acd.callbacks.policy import Delays, OwnRules
from acd.callbacks.states import PromiseState, PromiseView
from acd.commands import Command
from acd.events import CallQueued
from customers.list_events import LineRefused, ListEnded
from customers.lists import BEHIND, Called, ListState, OutboundList, entry_of
from server.eventlog.log import Entry
from server.hotline.definitions import Definitions
from server.hotline.dispatcher import Dispatcher, NotLeading
from server.hotline.list_windows import opens_at
from server.hotline.standing import is_vip, why_not_called
from server.hotline.view import View

_log = structlog.get_logger("lists")
EVERY = 1.0
"""Seconds between two looks; a line of each queue at most becomes a promise in each."""
LATER = 60.0
"""Seconds after which a line is tried again that found its queue busy."""


class ListCalls:
    """`calls_go_out` says whether outside numbers can be called now."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        view: View,
        definitions: Callable[[], Definitions],
        calls_go_out: Callable[[], bool],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._dispatcher, self._view, self._definitions = dispatcher, view, definitions
        self._calls_go_out, self._clock = calls_go_out, clock
        self._asking: set[str] = set()
        """Lines whose promise is on its way into the log."""
        self._yielding: dict[int, int] = {}
        """Calls that are being called off for a caller, until they are over, by promise."""
        self._ending: set[int] = set()
        """Lists whose end is."""

    async def run(self) -> None:
        """Look for lines whose turn it is, for ever."""
        while True:
            await asyncio.sleep(EVERY)
            try:
                self.look()
            except NotLeading:
                return

    def follow(self, entry: Entry, commands: Sequence[Command]) -> None:
        """A line whose promise or refusal is in the log is on its way no more."""
        event = entry.event
        if isinstance(event, PromiseAsked):
            self._asking.discard(event.entry)
        elif isinstance(event, LineRefused):
            self._asking.discard(entry_of(event.list, event.line))
        if isinstance(event, CallQueued) and not event.promised:
            self.give_way(event.queue)

    def look(self) -> list[str]:
        """Promise the lines whose turn it is; returns their entries."""
        if not self._calls_go_out():
            return []
        now, made = self._clock(), list[str]()
        served: set[str] = set()
        for queue in {each.rules.queue for each in self._view.lists if each.rules.yields}:
            self.give_way(queue)
        for list_ in self._view.lists:
            if list_.rules.until <= now and list_.state is not ListState.ENDED:
                self._end(list_)
            queue = list_.rules.queue
            if queue not in served and self._runs(list_, now) and (entry := self._promise_next(list_, now)):
                served.add(queue)
                made.append(entry)
        return made

    def give_way(self, queue: str) -> list[int]:
        """Call off as many calls of lists that yield as callers wait in this queue with nobody to serve them; returns
        their promises. Such an attempt does not count."""
        calls = self._view.calls
        self._yielding = {each: call for each, call in self._yielding.items() if calls.get(call) is not None}
        rings = [each for each in self._view.callbacks.promises() if each.queue == queue and self._yields(each)]
        if not rings:
            return []
        waiting = [each for each in self._view.floor.waiting() if each.queue == queue and not each.promised]
        unserved = sum(not each.agent for each in waiting) - len(self._yielding)
        stopped = rings[-unserved:] if unserved > 0 else []  # what rings for the shortest time goes first
        until = self._clock() + LATER
        for each in stopped:
            self._yielding[each.id] = each.call or 0
            self._dispatcher.submit(PromisePostponed(each.id, until, "hotline", "a caller waits"))
        return [each.id for each in stopped]

    def _yields(self, promise: PromiseView) -> bool:
        """Whether an agent is rung for it, or its customer, and its list yields to callers."""
        if promise.source != LIST or not promise.live or promise.id in self._yielding:
            return False
        found = self._view.lists.of_entry(promise.entry)
        live = self._view.calls.get(promise.call or 0)
        return found is not None and found[0].rules.yields and live is not None and not live.reached and bool(live.leg)

    def _end(self, list_: OutboundList) -> None:
        """Its end has come: what stands in line for it is called no more."""
        if list_.id not in self._ending:
            self._ending.add(list_.id)
            stopped = [
                PromiseCancelled(each.id, "hotline", "the list's end has come")
                for each in self._view.callbacks.promises()
                if each.live and each.source == LIST and each.entry.startswith(f"{list_.id}/")
            ]
            self._dispatcher.submit(ListEnded(list_.id, "hotline", "its end has come"), *stopped)

    def not_before(self, promise: PromiseView) -> float | None:
        """When a promise of a list may be called that is due now; None: now. Of other promises, None."""
        found = self._view.lists.of_entry(promise.entry) if promise.source == LIST else None
        if found is None:
            return None
        now, list_ = self._clock(), found[0]
        opens = opens_at(self._definitions(), list_.rules.window, now)
        if opens is None or opens > now:
            return opens or now + LATER
        return None if self._has_room(list_) else now + LATER

    def _runs(self, list_: OutboundList, now: float) -> bool:
        if list_.state_at(now) is not ListState.RUNNING or list_.rules.since > now:
            return False
        return opens_at(self._definitions(), list_.rules.window, now) == now and self._has_room(list_)

    def _has_room(self, list_: OutboundList) -> bool:
        """Whether an agent of the queue is ready and nobody waits: or the list stands with the callers."""
        queue = list_.rules.queue
        if list_.rules.priority > BEHIND:
            return True
        ready = any(each.queue == queue and each.wait == 0.0 for each in self._view.floor.pressures())
        return ready and not any(each.queue == queue and each.source != LIST for each in self._view.callbacks.due())

    def _promise_next(self, list_: OutboundList, now: float) -> str:
        if self._in_line(list_.rules.queue):
            return ""
        for line in list(list_.waiting)[:20]:
            called = list_.lines[line]
            entry = entry_of(list_.id, line)
            if entry in self._asking:
                return ""
            if why := self._why_not(called, now):
                self._asking.add(entry)
                self._dispatcher.submit(LineRefused(list_.id, line, why))
            elif self._view.callbacks.live(called.line.number) is None:
                self._asking.add(entry)
                self._dispatcher.submit(self._asked(list_, called, entry, now))
                return entry
        return ""

    def _in_line(self, queue: str) -> bool:
        """Whether a line of a list waits for an agent of this queue already."""
        for promise in self._view.callbacks.promises():
            if promise.source == LIST and promise.queue == queue and promise.state is PromiseState.PENDING:
                live = self._view.calls.get(promise.call or 0)
                if promise.due_at <= self._clock() and (live is None or live.leg is None):
                    return True
        return False

    def _why_not(self, called: Called, now: float) -> str:
        definitions = self._definitions()
        checked = definitions.callback.check(called.line.number)
        return checked.sentence or why_not_called(self._view.customers, definitions, called.line.number, now)

    def _asked(self, list_: OutboundList, called: Called, entry: str, now: float) -> PromiseAsked:
        rules, line = list_.rules, called.line
        usual = self._view.callbacks.policy.of(rules.queue).delays
        delays = {name: getattr(usual, name) for name in Delays.__dataclass_fields__} | dict(rules.delays)
        named = " ".join(each for each in (line.name, line.ref, line.note) if each)
        return PromiseAsked(
            line.number,
            rules.queue,
            rules.category,
            LIST,
            queued_at=now,
            priority=rules.priority,
            vip=is_vip(self._view.customers, self._definitions(), line.number),
            by=f"list {list_.id}",
            reason=f"{rules.purpose}: {named}" if named else rules.purpose,
            entry=entry,
            own=OwnRules(rules.attempts, max(60.0, rules.until - now), Delays(**delays)),
        )
