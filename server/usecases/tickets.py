"""Acts on tickets: forward steps, notes, owner, category, the accused agent, what was promised, fields, follow-ups.

Every act is events of the log, asked of the core (`tickets.acts`) and written before another act on a ticket is asked:
of two people who want different steps at the same moment, the second one is told what the first one did.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import tickets.events as ev
from acd.callbacks.events import FOLLOW_UP, PromiseCancelled
from server.hotline.dispatcher import NotLeading
from server.hotline.promising import asked_back
from server.usecases.conditions import hold_version
from server.usecases.errors import Conflict, Forbidden, Invalid, NotFound
from server.usecases.permissions import Act, reach_of
from server.usecases.principal import Principal, Role
from server.usecases.records import RecordActs, masks
from server.usecases.server import Server
from tickets import acts, owned
from tickets.case import Case
from tickets.states import TicketError, TicketState

YEAR = 366 * 86_400.0
_TRIES = 5
"""How often a new ticket asks for the next number: a call that comes at the same moment takes it."""
_STEPS: dict[str, Act] = {
    TicketState.DISPATCHED: Act.DISPATCH_TICKET,
    TicketState.FOLLOWED_UP: Act.FOLLOW_UP_TICKET,
    TicketState.CLOSED: Act.FOLLOW_UP_TICKET,
}
"""The act of a step; of the others it is `tickets.work`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What of a ticket is to be otherwise; None: as it is. `promised_for` is UTC seconds, 0 takes a promise back."""

    owner: str | None = None
    category: str | None = None
    accused: str | None = None
    type: str | None = None
    fields: Mapping[str, str] | None = None
    promised_for: float | None = None


class TicketActs(RecordActs):
    """An agent's tickets are those that the agent owns or has answered a call of; a department's those it was given.

    Acts raise Forbidden, NotFound, Conflict for what the ticket's state forbids, Invalid for what cannot be used, and
    NotLeading where they change something.
    """

    kind, act = "tickets", Act.READ_TICKETS

    def __init__(self, server: Server, clock: Callable[[], float] = time.time) -> None:
        super().__init__(server, clock)
        self._asking = asyncio.Lock()

    # Reading

    async def page(
        self, who: Principal, filters: Mapping[str, str], limit: int, cursor: str | None = None
    ) -> dict[str, Any]:
        """One page, newest first: {"items": rows, "next": cursor of the next page or None}. Raises QueryError."""
        self.permissions.require(who, self.act)
        await self._up_to_date()
        if who.role is not Role.DEPARTMENT:
            return await super().page(who, filters, limit, cursor)
        if filters.get("department", who.department) != who.department:
            raise Forbidden(f"a department sees its own tickets alone: yours is {who.department}")
        if caller := filters.get("caller"):
            filters = {**filters, "caller": self._server.definitions.party(caller).shown or caller}
        filters = {**filters, "department": who.department}
        return await self._server.records.page(self.kind, filters, limit, cursor, mask=masks(who, self.act))

    async def show(self, who: Principal, number: int) -> dict[str, Any]:
        """One ticket with its calls, recordings and history."""
        self.permissions.require(who, self.act)
        await self._up_to_date()
        if who.role is not Role.DEPARTMENT:
            return await super().show(who, number)
        found = await self._server.records.one(self.kind, number, mask=masks(who, self.act))
        if found is None:
            raise NotFound(f"there is no ticket {number}")
        if found["department"] != who.department:
            raise Forbidden(f"ticket {number} is not yours: {self.act} reaches the tickets of {who.department}")
        return found

    async def now(self, who: Principal, number: int) -> dict[str, Any]:
        """The ticket after an act on it; a principal who may not read tickets is answered too."""
        await self._up_to_date()
        found = await self._server.records.one(self.kind, number, mask=reach_of(who, Act.READ_NUMBERS) != "all")
        if found is None:
            raise NotFound(f"there is no ticket {number}")
        return found

    def version(self, number: int) -> int | None:
        """How many events an open ticket has had: the version that a change may ask for. None when it is not open."""
        register = self._view.tickets
        return register.case(number).version if number in register else None

    def forms(self, who: Principal) -> dict[str, Any]:
        """What a ticket may be given: its types with their fields, the departments, the categories."""
        self.permissions.require(who, self.act)
        definitions = self._server.definitions
        rules = definitions.tickets
        return {
            "types": [asdict(each) for each in rules.types],
            "departments": rules.departments,
            "categories": definitions.categories.confirmed,
        }

    def accused(self, caller: str) -> frozenset[str]:
        """The agents whom this caller's open tickets accuse."""
        return self._view.tickets.accused(caller)

    async def accused_of(self, calls: list[int]) -> dict[int, str]:
        """Call → the agent whom its ticket accuses, open or closed: that agent never reviews the call."""
        return await self._server.records.accused_of(calls)

    # Opening

    async def open(
        self, who: Principal, *, caller: str = "", business: str = "", category: str = "", type: str = "", call: int = 0
    ) -> int:
        """A ticket that no call opened by itself; its number. Raises Invalid, Conflict."""
        self.permissions.require(who, Act.OPEN_TICKET)
        definitions = self._server.definitions
        live = self._view.calls.get(call) if call else None
        if call and live is None and not self._view.calls.was_given(call):
            raise Invalid("call", f"there is no call {call}: see `sansheng call list`")
        number = definitions.party(caller).shown or caller if caller else live.caller if live is not None else ""
        if category:
            self._category(category)
        async with self._asking:
            for _ in range(_TRIES):
                ticket = self._view.last_ticket + 1
                try:
                    told = self._view.tickets.opened_by_hand(
                        ticket,
                        caller=number,
                        business=business or (live.queue if live is not None else ""),
                        category=category,
                        type=type,
                        now=self._clock(),
                        by=who.name,
                        call=call,
                        vip=definitions.is_vip(number),
                    )
                except TicketError as error:
                    raise Conflict(str(error)) from None
                await self._record(who, Act.OPEN_TICKET, *told, subject=f"ticket {ticket}")
                register = self._view.tickets
                if ticket in register and register.case(ticket).opened_by == who.name:
                    if who.agent and not register.case(ticket).owner:
                        await self._lead.record(ev.OwnerSet(ticket, who.agent, who.name, "opened it"))
                    return ticket
        raise Conflict("calls open tickets at this moment, one after the other: try again")

    # Changing

    async def set_state(self, who: Principal, number: int, state: str, *, department: str = "", why: str = "") -> None:
        """One step forward, or a wrong dispatch put right (dispatched, with another department)."""
        state = state.strip().lower().replace("-", "_").replace(" ", "_")
        act = _STEPS.get(state, Act.WORK_ON_TICKET)

        def ask(case: Case) -> list[object]:
            rules = self._view.tickets.rules
            told = acts.set_state(case, rules, state, department=department.strip(), by=who.name, why=why)
            return [*told, *self._around(who, case, told)]

        await self._ask(who, act, number, ask, why)

    async def follow_up(self, who: Principal, number: int, satisfied: bool, why: str = "") -> None:
        """The customer was asked: satisfied closes the ticket, not satisfied starts the next round one grade up."""

        def ask(case: Case) -> list[object]:
            register = self._view.tickets
            told = register.follow_up(number, satisfied, self._clock(), who.name, why)
            return [*told, *self._around(who, case, told)]

        await self._ask(who, Act.FOLLOW_UP_TICKET, number, ask, why)

    async def call_customer(self, who: Principal, number: int, after: float | None = None) -> None:
        """Promise the follow-up call, not before `after` (UTC seconds), for a resolved ticket that has none."""

        def ask(case: Case) -> list[object]:
            if not case.resolved:
                raise TicketError(f"ticket {number} is {case.state}: the follow-up comes after the solution")
            if self._follow_up_of(number) is not None:
                raise TicketError(f"ticket {number} has its follow-up call already: see `sansheng callback list`")
            asked = self._asked(who, case, after)
            if isinstance(asked, str):
                raise TicketError(f"ticket {number} cannot have a follow-up call: {asked}")
            return [asked]

        await self._ask(who, Act.FOLLOW_UP_TICKET, number, ask)

    async def note(self, who: Principal, number: int, text: str) -> None:
        """Write something down."""
        await self._ask(who, Act.WORK_ON_TICKET, number, lambda case: list(acts.note(case, text, who.name)))

    async def change(self, who: Principal, number: int, wanted: Changes, why: str = "") -> None:
        """Owner, confirmed category, accused agent, type, fields, the date promised to the customer: all or nothing."""
        assigns = wanted.owner is not None
        works = any(
            each is not None
            for each in (wanted.category, wanted.accused, wanted.type, wanted.fields or None, wanted.promised_for)
        )
        if not assigns and not works:
            raise Invalid(
                "change", "nothing is to be changed: name owner, category, accused, type, fields, promised_for"
            )
        for agent in filter(None, (wanted.owner, wanted.accused)):
            if self._view.floor.agent(agent) is None:
                raise Invalid("agent", f"there is no agent {agent}: see `sansheng agent list`")
        if wanted.category:
            self._category(wanted.category)
        if wanted.promised_for is not None and wanted.promised_for > self._clock() + YEAR:
            raise Invalid("time", "that is more than a year ahead: promise an instant within the year")
        if assigns and works:
            self.permissions.require(who, Act.WORK_ON_TICKET)
        act = Act.ASSIGN_TICKET if assigns else Act.WORK_ON_TICKET
        await self._ask(who, act, number, lambda case: self._changed(case, wanted, who.name, why), why)

    def _changed(self, case: Case, wanted: Changes, by: str, why: str) -> list[object]:
        register, now = self._view.tickets, self._clock()
        told: list[object] = []
        if wanted.accused is not None:
            told += acts.accuse(case, wanted.accused, by, why)
        if wanted.owner is not None:
            told += acts.set_owner(case, wanted.owner, by, why)
        if wanted.category is not None:
            told += acts.confirm_category(case, wanted.category, by)
        kind = case.type
        if wanted.type is not None:
            told += acts.set_type(case, register.rules, register.working, wanted.type, now, by, why)
            kind = wanted.type
        if wanted.fields:
            told += acts.fill(case, register.rules, wanted.fields, by, type=kind)
        if wanted.promised_for is not None:
            told += acts.promise(case, wanted.promised_for or None, now, by, why)
        return told

    async def raise_grade(self, who: Principal, number: int, trigger: str, why: str = "") -> None:
        """A fact that makes the case graver: reporter, regulator, compensation, key_customer, broken_promise."""

        def ask(case: Case) -> list[object]:
            register = self._view.tickets
            return [*acts.trigger(case, register.rules, register.working, trigger, self._clock(), who.name, why)]

        await self._ask(who, Act.WORK_ON_TICKET, number, ask, why)

    async def escalate(self, who: Principal, number: int, why: str = "") -> None:
        """One level up: agent, leader, manager."""
        await self._ask(who, Act.WORK_ON_TICKET, number, lambda case: list(acts.escalate(case, who.name, why)), why)

    async def ask_authority(self, who: Principal, number: int, what: str) -> None:
        """申请授权: ask for leave to do something."""
        await self._ask(who, Act.WORK_ON_TICKET, number, lambda case: list(acts.ask_authority(case, what, who.name)))

    async def answer_authority(self, who: Principal, number: int, request: int, granted: bool, why: str = "") -> None:
        """Grant or refuse such a request."""

        def ask(case: Case) -> list[object]:
            return [*acts.answer_authority(case, request, granted, who.name, why)]

        await self._ask(who, Act.ANSWER_AUTHORITY, number, ask, why)

    async def require_work(self, who: Principal, number: int) -> None:
        """Raises Forbidden, NotFound or Conflict unless this principal may work on this ticket now."""
        self.permissions.require(who, Act.WORK_ON_TICKET)
        await self._open_case(who, Act.WORK_ON_TICKET, number)

    # Inside

    async def _ask(
        self, who: Principal, act: Act, number: int, ask: Callable[[Case], list[object]], why: str = ""
    ) -> None:
        """Ask the core, and write its answer before the next act is asked."""
        self.permissions.require(who, act)
        async with self._asking:
            case = await self._open_case(who, act, number)
            hold_version(number, case.version)
            try:
                told = ask(case)
                owned.refuse(case, told, who.name)
            except TicketError as error:
                raise Conflict(str(error)) from None
            if told:
                await self._record(who, act, *told, subject=f"ticket {number}", reason=why)

    async def _open_case(self, who: Principal, act: Act, number: int) -> Case:
        register = self._view.tickets
        if number not in register:
            await self._up_to_date()
            found = await self._server.records.one(self.kind, number)
            if found is None:
                raise NotFound(f"there is no ticket {number}: see `sansheng ticket list`")
            agents = self.permissions.agents(who, act)
            if who.role is Role.DEPARTMENT and found["department"] != who.department:
                raise Forbidden(f"ticket {number} is not yours: it is of another department")
            if who.role is not Role.DEPARTMENT and agents is not None:
                await self._require_own(who, act, number, agents)
            raise Conflict(f"ticket {number} is {found['state']}: a closed ticket is changed no more")
        case = register.case(number)
        if who.agent and who.agent == case.accused:
            raise Forbidden(f"ticket {number} is about agent {who.agent}: somebody else works on it")
        if who.role is Role.DEPARTMENT:
            if not case.department or case.department != who.department:
                whose = f"it is with {case.department}" if case.department else "it was given to no department yet"
                raise Forbidden(f"ticket {number} is not yours: {whose}")
            return case
        agents = self.permissions.agents(who, act)
        if agents is not None and case.owner not in agents:
            await self._require_own(who, act, number, agents)
        return case

    async def _require_own(self, who: Principal, act: Act, number: int, agents: frozenset[str]) -> None:
        await self._up_to_date()
        if not await self._server.records.concerns(self.kind, number, agents):
            raise Forbidden(f"ticket {number} is not yours: {act} reaches {reach_of(who, act)} tickets")

    def _around(self, who: Principal, case: Case, told: list[ev.Event]) -> list[object]:
        """What a step means for the follow-up call: a solution asks for one, a follow-up makes it needless."""
        states = {each.state for each in told if isinstance(each, ev.StateChanged)}
        if TicketState.RESOLVED in states and self._view.tickets.rules.follow_up:
            asked = self._asked(who, case, None)
            return [] if isinstance(asked, str) else [asked]
        if TicketState.FOLLOWED_UP in states or TicketState.CLOSED in states:
            promise = self._follow_up_of(case.ticket)
            if promise is not None:
                return [PromiseCancelled(promise, who.name, "the customer was asked already")]
        return []

    def _asked(self, who: Principal, case: Case, after: float | None) -> object:
        """The follow-up call to promise, or why there can be none."""
        definitions, now = self._server.definitions, self._clock()
        if not case.caller:
            return "the caller's number is not known"
        checked = definitions.callback.check(case.caller)
        if checked.reason:
            return checked.sentence
        queues = [queue.name for queue in definitions.policy.queues]
        queue = case.business if case.business in queues else queues[0]
        category = case.confirmed or case.category
        wait = self._view.tickets.rules.follow_up_after
        return asked_back(
            checked.number,
            FOLLOW_UP,
            queue=queue,
            category=category if category in definitions.categories.names else "",
            owner=case.owner if case.owner != case.accused else "",
            vip=definitions.is_vip(checked.number),
            after=after if after is not None else now + wait if wait else None,
            by=who.name,
            reason=f"follow-up of ticket {case.ticket}, round {case.round}",
            ticket=case.ticket,
            purpose=FOLLOW_UP,
        )

    def _follow_up_of(self, ticket: int) -> int | None:
        waiting = self._view.callbacks.promises()
        return next(
            (each.id for each in waiting if each.live and each.ticket == ticket and each.purpose == FOLLOW_UP), None
        )

    def _category(self, category: str) -> None:
        known = self._server.definitions.categories.confirmed
        if category not in known:
            raise Invalid("matter", f"there is no category {category}: there are {', '.join(known)}")

    async def _up_to_date(self) -> None:
        """A ticket's list and page are never behind what was just done."""
        try:
            await self.shown()
        except NotLeading:
            await self._server.records.caught_up()
