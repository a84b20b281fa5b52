"""One case, one ticket: the register knows every open case, and answers each question with the events to log.

Asking changes nothing; only `receive` does, once the event is in the log. So every copy of the register that plays the
same log knows the same, and a question asked twice before the answer is in the log has the same answer twice.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from typing import Any

from tickets import acts
from tickets.case import Case, restored, saved, take
from tickets.events import (
    ContactAdded,
    Event,
    GradeRaised,
    OwnerSet,
    RoundStarted,
    StateChanged,
    TicketOpened,
    TypeSet,
)
from tickets.limits import Working, by_the_clock, due, limits, next_due, raised, recomputed, wind
from tickets.rules import Rules
from tickets.severity import Grade, Trigger, after_trigger, gravest
from tickets.states import TicketError, TicketState

__all__ = ["Case", "Register", "Working", "by_the_clock"]


class Register:
    """All open cases, found by ticket, by call and by caller."""

    def __init__(self) -> None:
        self._rules = Rules()
        self._working: Working = by_the_clock
        self._cases: dict[int, Case] = {}
        self._by_call: dict[int, int] = {}
        self._by_caller: dict[str, list[int]] = {}
        self._timers: list[tuple[float, int]] = []
        """(instant, ticket), the earliest first; one that is not the case's `due` any more says nothing."""

    @property
    def rules(self) -> Rules:
        """The operator's rules."""
        return self._rules

    @property
    def working(self) -> Working:
        """How limits count time."""
        return self._working

    def __len__(self) -> int:
        """How many cases are open."""
        return len(self._cases)

    def __contains__(self, ticket: int) -> bool:
        """Whether this ticket is open."""
        return ticket in self._cases

    def __iter__(self) -> Iterator[Case]:
        """All open cases, in the order in which they were opened."""
        return iter(self._cases.values())

    def follow(self, rules: Rules, working: Working = by_the_clock) -> None:
        """Go by these rules from now on; open cases keep the limits that they have."""
        self._rules, self._working = rules, working

    def hours_changed(self, why: str) -> list[Event]:
        """The events that follow when limits count time otherwise than before: each limit that changes, and why."""
        return [event for case in self._cases.values() for event in recomputed(case, self._working, why)]

    def rearm(self) -> None:
        """Set every timer anew, after rules or hours have changed."""
        self._timers = []
        for case in self._cases.values():
            self._arm(case)

    # Time

    def next_timer(self) -> float | None:
        """The instant (UTC seconds) at which `due` has something to say, or None."""
        while self._timers:
            at, ticket = self._timers[0]
            case = self._cases.get(ticket)
            if case is not None and case.due == at:
                return at
            heapq.heappop(self._timers)
        return None

    def due(self, now: float) -> list[Event]:
        """What the time up to now brings about: warnings, limits that are over, promised dates that were missed.

        An instant is told of once; `receive` sets the next one.
        """
        told: list[Event] = []
        while (at := self.next_timer()) is not None and at <= now:
            _, ticket = heapq.heappop(self._timers)
            case = self._cases[ticket]
            case.due = None
            told += due(case, self._rules, self._working, now)
        return told

    # Questions

    def open_ticket(self, caller: str) -> int | None:
        """The caller's open ticket, the one last spoken about if there are several."""
        tickets = self._by_caller.get(caller, ())
        return max(tickets, key=lambda each: (self._cases[each].last_contact_at, each), default=None)

    def ticket_of(self, call: int) -> int | None:
        """The open ticket that this call is about."""
        return self._by_call.get(call)

    def owner(self, ticket: int) -> str:
        """The agent who owns the case; empty without an owner, or when the ticket is not open.

        Never the agent whom it accuses.
        """
        case = self._cases.get(ticket)
        return case.owner if case and case.owner != case.accused else ""

    def accused(self, caller: str) -> frozenset[str]:
        """The agents whom this caller's open tickets accuse: none of them is offered the caller's call first."""
        tickets = self._by_caller.get(caller, ()) if caller else ()
        return frozenset(self._cases[ticket].accused for ticket in tickets) - {""}

    def case(self, ticket: int) -> Case:
        """Raises TicketError when there is no such open ticket."""
        try:
            return self._cases[ticket]
        except KeyError:
            raise TicketError(f"ticket {ticket} is not open") from None

    # Events to log

    def contact(
        self,
        call: int,
        caller: str,
        business: str,
        category: str,
        now: float,
        next_ticket: int,
        *,
        vip: bool = False,
    ) -> list[Event]:
        """A caller said what the call is about: opens ticket `next_ticket`, or joins the open one on the same case.

        Nothing for a business that opens no tickets and for a call that has its ticket. A withheld number (empty)
        identifies nobody: each such call is a case of its own.
        """
        if not self._rules.opens_for(business) or call in self._by_call:
            return []
        known = self._same_matter(caller, business, category, now) if caller else None
        if known is None:
            grade = self._rules.at_first(business, category, vip=vip)
            found = self._rules.type_for(business)
            type = found.name if found is not None else ""
            respond_by, resolve_by = limits(self._rules, self._working, grade, type, now)
            return [TicketOpened(next_ticket, call, caller, business, category, grade, respond_by, resolve_by, type)]
        contacts = len(known.calls) + 1
        added: list[Event] = [ContactAdded(known.ticket, call)]
        repeated = self._rules.after_contacts(contacts)
        if vip and self._rules.vip.rank > gravest(known.grade, repeated).rank:
            return added + self._raised(known, self._rules.vip, "vip", now)
        why = f"repeat_contact: {contacts} calls on the same matter"
        return added + self._raised(known, gravest(known.grade, repeated), why, now)

    def callers_of(self, department: str) -> frozenset[str]:
        """The callers of the open tickets that this department has."""
        return frozenset(each.caller for each in self._cases.values() if each.department == department and each.caller)

    def join(self, ticket: int, call: int) -> list[Event]:
        """A call of our own is about this ticket: a contact, not a repeat complaint. Nothing if it is closed."""
        case = self._cases.get(ticket)
        if case is None or call in case.calls:
            return []
        return [ContactAdded(ticket, call)]

    def trigger(self, ticket: int, trigger: Trigger, now: float) -> list[Event]:
        """Something that makes the case graver became known. Raises TicketError when the ticket is not open."""
        case = self.case(ticket)
        return self._raised(case, after_trigger(case.grade, trigger), trigger, now)

    def served(self, call: int, agent: str) -> list[Event]:
        """An agent speaks with the caller: the first agent who does so owns the case."""
        ticket = self._by_call.get(call)
        if ticket is None or self._cases[ticket].owner:
            return []
        return [OwnerSet(ticket, agent, by=agent, why="first_conversation")]

    def opened_by_hand(
        self,
        ticket: int,
        *,
        caller: str,
        business: str,
        category: str,
        type: str,
        now: float,
        by: str = "",
        call: int = 0,
        vip: bool = False,
    ) -> list[Event]:
        """A person opens a ticket, of a call (0: none) that has none. Raises TicketError for a call that has one, and
        for a type that does not exist."""
        if call and call in self._by_call:
            raise TicketError(f"call {call} is about ticket {self._by_call[call]} already")
        if type and self._rules.type(type) is None:
            names = ", ".join(each.name for each in self._rules.types) or "none"
            raise TicketError(f"there is no ticket type {type}: there are {names}")
        grade = self._rules.at_first(business, category, vip=vip)
        if not type and (found := self._rules.type_for(business)) is not None:
            type = found.name
        respond_by, resolve_by = limits(self._rules, self._working, grade, type, now)
        return [TicketOpened(ticket, call, caller, business, category, grade, respond_by, resolve_by, type, by)]

    def advance(self, ticket: int, state: str, by: str = "", why: str = "", department: str = "") -> list[Event]:
        """One step forward, or another department. Raises TicketError as `acts.set_state`, and when it is not open."""
        return acts.set_state(self.case(ticket), self._rules, state, department=department, by=by, why=why)

    def follow_up(self, ticket: int, satisfied: bool, now: float, by: str = "", why: str = "") -> list[Event]:
        """The customer was asked. Satisfied: closed. Not satisfied: the next round begins, one grade up."""
        return acts.follow_up(self.case(ticket), self._rules, self._working, satisfied, now, by=by, why=why)

    # The log

    def receive(self, event: Event, now: float) -> None:
        """Plays one logged event; what is said of a ticket that is not open changes nothing."""
        if isinstance(event, TicketOpened):
            self._open(event, now)
            return
        case = self._cases.get(event.ticket)
        if case is None or not take(case, event, now):
            return
        match event:
            case ContactAdded(call=call):
                if call not in case.calls:
                    case.calls.append(call)
                    self._by_call[call] = case.ticket
                case.last_contact_at = max(case.last_contact_at, now)
            case GradeRaised() | RoundStarted() | TypeSet():
                wind(case, self._rules, now)
            case StateChanged(state=TicketState.CLOSED):
                self._close(case)
                return
        self._arm(case)

    def snapshot(self) -> dict[str, Any]:
        """Everything that `restore` needs, as plain JSON values."""
        return {"matters": [saved(case) for case in self._cases.values()]}

    @classmethod
    def restore(cls, snapshot: Mapping[str, Any]) -> Register:
        """The register that `snapshot` was taken of, by the rules as they are by default."""
        register = cls()
        for values in snapshot["matters"]:
            case = restored(values)
            register._index(case)
            if "due" in values:
                register._wait(case)
            else:  # an earlier release kept no timers
                register._arm(case)
        return register

    # Inside

    def _same_matter(self, caller: str, business: str, category: str, now: float) -> Case | None:
        candidates = (self._cases[ticket] for ticket in self._by_caller.get(caller, ()))
        same = [
            case
            for case in candidates
            if case.business == business
            and category in (case.category, case.confirmed or case.category)
            and now - case.last_contact_at < self._rules.same_matter_for
        ]
        return max(same, key=lambda each: (each.last_contact_at, each.ticket), default=None)

    def _raised(self, case: Case, grade: Grade, why: str, now: float) -> list[Event]:
        return raised(case, grade, why, self._rules, self._working, now)

    def _arm(self, case: Case) -> None:
        case.due = next_due(case, self._rules, self._working)
        self._wait(case)

    def _wait(self, case: Case) -> None:
        if case.due is not None:
            heapq.heappush(self._timers, (case.due, case.ticket))

    def _open(self, event: TicketOpened, now: float) -> None:
        if event.ticket in self._cases:
            return
        case = Case(
            event.ticket,
            event.caller,
            event.business,
            event.category,
            Grade(event.grade),
            opened_at=now,
            last_contact_at=now,
            calls=[event.call] if event.call else [],
            respond_by=event.respond_by,
            resolve_by=event.resolve_by,
            type=event.type,
            opened_by=event.by,
            version=1,
        )
        wind(case, self._rules, now)
        self._index(case)
        self._arm(case)

    def _index(self, case: Case) -> None:
        self._cases[case.ticket] = case
        self._by_call.update(dict.fromkeys(case.calls, case.ticket))
        if case.caller:
            self._by_caller.setdefault(case.caller, []).append(case.ticket)

    def _close(self, case: Case) -> None:
        del self._cases[case.ticket]
        for call in case.calls:
            self._by_call.pop(call, None)
        if case.caller:
            self._by_caller[case.caller].remove(case.ticket)
            if not self._by_caller[case.caller]:
                del self._by_caller[case.caller]
