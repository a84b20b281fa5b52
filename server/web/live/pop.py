"""What is shown of a caller from the offer on, through the call and the wrap-up: one pop for each agent.

An agent's pop is made when the call is offered, before the phone rings. It goes on as it was when the call is over, for
the write-up, and ends with it. What the records know of the caller is asked for once, and shown when it is there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from msgspec.structs import replace

from acd.floor.agents import AgentState
from acd.floor.views import AgentView
from customers.marks import Mark
from server.hotline.definitions import Definitions
from server.hotline.live_call import LiveCall
from server.hotline.view import View
from server.web.instants import instant
from server.web.live.customer_history import CallerRecords, CustomerHistory, history_of
from server.web.live.drawing import Drawing, moment
from server.web.live.personal_rows import OpenTicket, Pop
from server.web.live.rows import CallRow
from server.web.live.words import pressed


class Pops:
    """The pops of agents. `settled` waits until the records show what has happened up to now, `start` lets work go on
    beside everything else."""

    def __init__(
        self,
        view: View,
        definitions: Callable[[], Definitions],
        drawing: Drawing,
        records: Callable[[], CallerRecords],
        settled: Callable[[], Awaitable[None]],
        start: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self._view, self._definitions, self._drawing = view, definitions, drawing
        self._records, self._settled, self._start = records, settled, start
        self._pops: dict[str, Pop] = {}
        self._histories: dict[int, CustomerHistory | None] = {}
        """By call; None while the records are being asked."""
        self.fresh: set[str] = set()
        """Agents of whose callers the records have told more."""
        self.on_fresh: Callable[[], None] = lambda: None

    def of(self, agent: AgentView) -> Pop | None:
        """The agent's pop now."""
        live = self._view.calls.get(agent.call) if agent.call else None
        row = self._drawing.call(agent.call, None) if live is not None else None
        if row is not None and live is not None:
            self._pops[agent.id] = self._drawn(agent.id, live, row)
        elif agent.state is not AgentState.WRAP_UP or (known := self._pops.get(agent.id)) is None:
            self.forget(agent.id)
        elif known.call in self._histories:
            self._pops[agent.id] = self._with_history(known)
        return self._pops.get(agent.id)

    def forget(self, agent: str) -> None:
        """The agent has no pop, or nobody looks at it any more."""
        pop = self._pops.pop(agent, None)
        if pop is not None and not any(each.call == pop.call for each in self._pops.values()):
            self._histories.pop(pop.call, None)

    def _drawn(self, agent: str, live: LiveCall, row: CallRow) -> Pop:
        if live.id not in self._histories:
            self._histories[live.id] = None
            self._start(self._ask(agent, live, row))
        promise = self._view.callbacks.promise(live.promise) if live.promise else None
        return self._with_history(
            Pop(
                call=row.id,
                direction=row.direction,
                number=row.number,
                withheld=row.withheld,
                name=self._name(row),
                customer_class=row.customer_class,
                customer=row.customer,
                marks=self._marks(row),
                vip=row.vip,
                queue=row.queue,
                category=row.category,
                ticket=row.ticket,
                grade=row.grade,
                language=row.language,
                called_name=row.called_name,
                waited_since=row.waited_since,
                offered_at=row.offered_at,
                pressed=pressed(live.fields, self._definitions().categories),
                promise=row.promise,
                purpose=promise.purpose if promise is not None else "",
                asked_back=promise.reason if promise is not None else "",
                history=None,
                open_tickets=None,
                ask=self._to_ask(row),
                script=None,
            )
        )

    def _with_history(self, pop: Pop) -> Pop:
        known = self._histories.get(pop.call)
        if known is None:
            return pop
        standing = known.open_tickets
        if pop.ticket and pop.ticket in self._view.tickets and all(each.id != pop.ticket for each in standing):
            standing = (self._own_ticket(pop.ticket), *standing)  # the records do not have it yet
        return replace(pop, history=known.earlier, open_tickets=standing, script=known.script)

    def _own_ticket(self, ticket: int) -> OpenTicket:
        case = self._view.tickets.case(ticket)
        return OpenTicket(
            id=ticket,
            state=case.state.value,
            grade=case.grade.value,
            category=case.confirmed or case.category,
            opened_at=instant(case.opened_at),
            department=case.department,
            resolve_by=moment(case.resolve_by),
        )

    def _name(self, row: CallRow) -> str:
        file = self._drawing.standing_of(row.number).file
        return (file.name if file is not None else "") or row.name

    def _marks(self, row: CallRow) -> tuple[str, ...]:
        """The marks in force on the number or on another one of the customer."""
        number, register = self._drawing.standing_of(row.number).number, self._view.customers
        if not number:
            return ()
        return tuple(mark.value for mark in Mark if register.holding(number, mark, self._view.at) is not None)

    def _to_ask(self, row: CallRow) -> tuple[str, ...]:
        """The fields of the ticket that are to be filled and are not yet, those of the checklist first."""
        tickets, rules = self._view.tickets, self._definitions().tickets
        case = tickets.case(row.ticket) if row.ticket and row.ticket in tickets else None
        kind = rules.type(case.type) if case is not None and case.type else rules.type_for(row.queue)
        if kind is None:
            return ()
        filled = case.fields if case is not None else {}
        wanted = sorted(kind.fields, key=lambda field: field.name not in kind.checklist)
        return tuple(field.label or field.name for field in wanted if field.name not in filled)

    async def _ask(self, agent: str, live: LiveCall, row: CallRow) -> None:
        file = self._drawing.standing_of(row.number).file
        region = self._definitions()
        others = [region.party(number).shown or number for number in file.numbers] if file is not None else []
        numbers = dict.fromkeys(each for each in (row.number, *others) if each)
        await self._settled()
        found = await history_of(
            self._records(), live.id, numbers, row.queue, row.category, callback=row.direction == "outbound"
        )
        if live.id in self._histories:
            self._histories[live.id] = found
            self.fresh |= {each for each, pop in self._pops.items() if pop.call == live.id} | {agent}
            self.on_fresh()
