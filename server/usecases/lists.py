"""Acts on outbound lists: created with a purpose and a consent, loaded whole or not at all, paused, resumed, ended."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from acd.callbacks.events import LIST, PromiseCancelled
from acd.callbacks.policy import Delays
from customers import list_importing
from customers.list_events import ListCreated, ListEnded, ListLoaded, ListPaused, ListResumed
from customers.lists import MOST_LINES, Called, LineState, ListRules, ListState, OutboundList
from server.hotline.list_windows import opens_at, window_of
from server.usecases.errors import Conflict, Invalid, NotFound
from server.usecases.permissions import Act
from server.usecases.principal import Principal
from server.usecases.records import masks
from server.usecases.server import Acts, Server

AT_ONCE = 1000
"""Lines in one entry of the log."""
YEAR = 366 * 86_400.0
_TURNS: dict[ListState, type[ListPaused | ListResumed | ListEnded]] = {
    ListState.PAUSED: ListPaused,
    ListState.RUNNING: ListResumed,
    ListState.ENDED: ListEnded,
}


@dataclass(frozen=True, slots=True)
class LineView:
    """One line as lists show it."""

    called: Called
    number: str


class ListActs(Acts):
    """Every act raises Forbidden, NotFound, Invalid or Conflict, and NotLeading where it changes something."""

    def __init__(self, server: Server, clock: Callable[[], float] = time.time) -> None:
        super().__init__(server, clock)
        self._changing = asyncio.Lock()

    def lists(self, who: Principal) -> list[OutboundList]:
        """Lists that run, are paused, or ended less than 31 days ago, newest first."""
        self.permissions.require(who, Act.READ_LISTS)
        return sorted(self._view.lists, key=lambda each: -each.id)

    def show(self, who: Principal, number: int) -> OutboundList:
        """One list."""
        self.permissions.require(who, Act.READ_LISTS)
        return self._known(number)

    def lines(self, who: Principal, number: int, state: LineState | None) -> list[LineView]:
        """The lines of a list, in its order; of one state where given."""
        self.permissions.require(who, Act.READ_LISTS)
        mask = masks(who, Act.READ_LISTS)
        found = [each for each in self._known(number).lines.values() if state is None or each.state is state]
        return [LineView(each, _masked(each.line.number) if mask else each.line.number) for each in found]

    def state(self, list_: OutboundList) -> ListState:
        """The list's state now."""
        return list_.state_at(self._clock())

    async def create(self, who: Principal, rules: ListRules) -> OutboundList:
        """A list without lines. Its consent and its end are not optional."""
        self.permissions.require(who, Act.MANAGE_LISTS)
        self._check(rules)
        async with self._changing:
            number = self._view.lists.last + 1
            created = ListCreated(number, rules, who.name)
            await self._record(who, Act.MANAGE_LISTS, created, subject=f"list {number} {rules.name}: created")
        return self._known(number)

    async def load(
        self, who: Principal, number: int, data: bytes, *, source: str = "", skip_bad: bool = False, check: bool = False
    ) -> dict[str, Any]:
        """Take in a table of lines (CSV); returns the report. With a bad line nothing, unless `skip_bad`."""
        self.permissions.require(who, Act.MANAGE_LISTS)
        async with self._changing:
            list_ = self._standing(number)
            definitions, first = self._server.definitions, max(list_.lines, default=0) + 1
            try:
                encoding, lines, wrong, count = await asyncio.to_thread(
                    list_importing.read, data, definitions.callback.number, first, proved=bool(list_.rules.proof)
                )
            except ValueError as error:
                raise Invalid("file", str(error)) from None
            known = {each.line.number for each in list_.lines.values()}
            new = [line for line in lines if line.number not in known]
            if len(known) + len(new) > MOST_LINES:
                raise Invalid("file", f"a list has at most {MOST_LINES} lines: make another list of the rest")
            taken = not check and (skip_bad or not wrong)
            if taken:
                for start in range(0, len(new), AT_ONCE):
                    part = tuple(new[start : start + AT_ONCE])
                    subject = f"list {number}: {len(part)} lines of {source or 'a table'}"
                    await self._record(
                        who, Act.MANAGE_LISTS, ListLoaded(number, part, who.name, source), subject=subject
                    )
        return {
            "encoding": encoding,
            "lines": count,
            "taken": taken,
            "created": len(new),
            "changed": 0,
            "unchanged": len(lines) - len(new),
            "bad": [each.as_dict() for each in wrong],
        }

    async def turn(self, who: Principal, number: int, state: ListState, reason: str = "") -> OutboundList:
        """Pause a list, let it go on, or end it. What stands in line for it is called no more."""
        self.permissions.require(who, Act.MANAGE_LISTS)
        async with self._changing:
            list_ = self._standing(number)
            if list_.state is state:
                raise Conflict(f"list {number} is {state.value} already")
            turned = _TURNS[state](number, who.name, reason)
            events: list[object] = [turned]
            if state is not ListState.RUNNING:
                events += self._stopped(number, who, reason or f"the list is {state.value}")
            subject = f"list {number} {list_.rules.name}: {state.value}"
            await self._record(who, Act.MANAGE_LISTS, *events, subject=subject, reason=reason)
        return self._known(number)

    def _stopped(self, number: int, who: Principal, why: str) -> list[object]:
        return [
            PromiseCancelled(each.id, who.name, why)
            for each in self._view.callbacks.promises()
            if each.live and each.source == LIST and each.entry.startswith(f"{number}/")
        ]

    def _known(self, number: int) -> OutboundList:
        found = self._view.lists.get(number)
        if found is None:
            raise NotFound(f"there is no list {number}: see `sansheng list list`")
        return found

    def _standing(self, number: int) -> OutboundList:
        found = self._known(number)
        if self.state(found) is ListState.ENDED:
            raise Conflict(f"list {number} is ended: create another one")
        return found

    def _check(self, rules: ListRules) -> None:
        definitions, now = self._server.definitions, self._clock()
        try:
            definitions.matter("", rules.queue)
            window_of(rules.window, definitions.calendar.zone)
        except ValueError as error:
            raise Invalid("matter", str(error)) from None
        if rules.category and rules.category not in definitions.categories.offered:
            known = ", ".join(definitions.categories.offered)
            raise Invalid("matter", f"there is no category {rules.category}: there are {known}")
        if not now < rules.until <= now + YEAR or rules.since >= rules.until:
            raise Invalid("time", "a list ends within a year, after its beginning: give such an end")
        if opens_at(definitions, rules.window, now) is None:
            raise Invalid("time", "this window never meets the hours in which the hotline calls: give another one")
        for outcome, _ in rules.delays:
            if outcome not in Delays.__dataclass_fields__:
                known = ", ".join(Delays.__dataclass_fields__)
                raise Invalid("delays", f"there is no outcome {outcome}: there are {known}")


def _masked(number: str) -> str:
    return f"{number[:3]}{'*' * max(0, len(number) - 7)}{number[-4:]}"
