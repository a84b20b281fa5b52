"""One case, one ticket: the register knows every open case, and answers each question with the events to log.

Asking changes nothing; only `receive` does, once the event is in the log. So every copy of the register that plays the
same log knows the same, and a question asked twice before the answer is in the log has the same answer twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from tickets.events import (
    CategoryConfirmed,
    ContactAdded,
    Event,
    GradeRaised,
    OwnerSet,
    RoundStarted,
    StateChanged,
    TicketOpened,
)
from tickets.rules import Rules
from tickets.severity import Grade, Trigger, after_trigger, gravest
from tickets.states import TicketError, TicketState, step

Working = Callable[[float, float], float]
"""(start, seconds) → the instant at which so much working time has gone by."""


def by_the_clock(start: float, seconds: float) -> float:
    """Working time that never stops."""
    return start + seconds


@dataclass(slots=True)
class Case:
    """An open ticket, as far as the register must know it."""

    ticket: int
    caller: str
    business: str
    category: str
    grade: Grade
    opened_at: float
    last_contact_at: float
    calls: list[int]
    state: TicketState = TicketState.NEW
    round: int = 1
    owner: str = ""
    confirmed: str = ""
    respond_by: float | None = None
    resolve_by: float | None = None


_FIELDS = tuple(each.name for each in fields(Case))


class Register:
    """All open cases, found by ticket, by call and by caller."""

    def __init__(self) -> None:
        self._rules = Rules()
        self._working: Working = by_the_clock
        self._cases: dict[int, Case] = {}
        self._by_call: dict[int, int] = {}
        self._by_caller: dict[str, list[int]] = {}

    def follow(self, rules: Rules, working: Working = by_the_clock) -> None:
        """Go by these rules from now on; open cases keep the limits that they have."""
        self._rules, self._working = rules, working

    # Questions

    def open_ticket(self, caller: str) -> int | None:
        """The caller's open ticket, the one last spoken about if there are several."""
        tickets = self._by_caller.get(caller, ())
        return max(tickets, key=lambda each: (self._cases[each].last_contact_at, each), default=None)

    def ticket_of(self, call: int) -> int | None:
        """The open ticket that this call is about."""
        return self._by_call.get(call)

    def owner(self, ticket: int) -> str:
        """The agent who owns the case; empty without an owner, or when the ticket is not open."""
        case = self._cases.get(ticket)
        return case.owner if case else ""

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
        if business not in self._rules.opens or call in self._by_call:
            return []
        known = self._same_matter(caller, business, category, now) if caller else None
        if known is None:
            grade = self._rules.at_first(business, category, vip=vip)
            respond_by, resolve_by = self._limits(grade, now)
            return [TicketOpened(next_ticket, call, caller, business, category, grade, respond_by, resolve_by)]
        contacts = len(known.calls) + 1
        added: list[Event] = [ContactAdded(known.ticket, call)]
        repeated = self._rules.after_contacts(contacts)
        if vip and self._rules.vip.rank > gravest(known.grade, repeated).rank:
            return added + self._raised(known, self._rules.vip, "vip", now)
        why = f"repeat_contact: {contacts} calls on the same matter"
        return added + self._raised(known, gravest(known.grade, repeated), why, now)

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

    def advance(self, ticket: int, state: str, by: str = "", why: str = "") -> list[Event]:
        """One step forward. Raises TicketError when the ticket is not open or the table has no such step."""
        return [StateChanged(ticket, step(ticket, self.case(ticket).state, state), by, why)]

    def follow_up(self, ticket: int, satisfied: bool, now: float, by: str = "", why: str = "") -> list[Event]:
        """The customer was asked. Satisfied: closed. Not satisfied: the next round begins, one grade up."""
        case = self.case(ticket)
        asked = StateChanged(ticket, step(ticket, case.state, TicketState.FOLLOWED_UP), by, why)
        if satisfied:
            return [asked, StateChanged(ticket, TicketState.CLOSED, by, why)]
        grade = after_trigger(case.grade, Trigger.NOT_SATISFIED)
        respond_by, resolve_by = self._limits(grade, now)
        return [asked, RoundStarted(ticket, case.round + 1, grade, by, why, respond_by, resolve_by)]

    # The log

    def receive(self, event: Event, now: float) -> None:
        """Plays one logged event; what is said of a ticket that is not open changes nothing."""
        if isinstance(event, TicketOpened):
            self._open(event, now)
            return
        case = self._cases.get(event.ticket)
        if case is None:
            return
        match event:
            case ContactAdded(call=call):
                if call not in case.calls:
                    case.calls.append(call)
                    self._by_call[call] = case.ticket
                case.last_contact_at = max(case.last_contact_at, now)
            case GradeRaised(grade=grade, respond_by=respond_by, resolve_by=resolve_by):
                case.grade = Grade(grade)
                case.respond_by, case.resolve_by = respond_by, resolve_by
            case RoundStarted():
                case.round, case.grade, case.state = event.round, Grade(event.grade), TicketState.NEW
                case.respond_by, case.resolve_by = event.respond_by, event.resolve_by
            case OwnerSet(agent=agent):
                case.owner = agent
            case CategoryConfirmed(category=category):
                case.confirmed = category
            case StateChanged(state=TicketState.CLOSED):
                self._close(case)
            case StateChanged(state=state):
                case.state = TicketState(state)

    def snapshot(self) -> dict[str, Any]:
        """Everything that `restore` needs, as plain JSON values."""
        # Many cases are open for weeks: field by field this takes a tenth of what a deep copy does.
        return {
            "matters": [
                {name: getattr(case, name) for name in _FIELDS} | {"calls": list(case.calls)}
                for case in self._cases.values()
            ]
        }

    @classmethod
    def restore(cls, snapshot: Mapping[str, Any]) -> Register:
        """The register that `snapshot` was taken of, by the rules as they are by default."""
        register = cls()
        for saved in snapshot["matters"]:
            values = {**saved, "grade": Grade(saved["grade"]), "state": TicketState(saved["state"])}
            register._index(Case(**{**values, "calls": list(saved["calls"])}))
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

    def _limits(self, grade: Grade, now: float) -> tuple[float, float]:
        limit = self._rules.limit(grade)
        return self._working(now, limit.respond), self._working(now, limit.resolve)

    def _raised(self, case: Case, grade: Grade, why: str, now: float) -> list[Event]:
        if grade is case.grade:
            return []
        respond_by, resolve_by = self._limits(grade, now)
        return [
            GradeRaised(
                case.ticket,
                grade,
                why,
                _sooner(case.respond_by, respond_by),
                _sooner(case.resolve_by, resolve_by),
            )
        ]

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
            calls=[event.call],
            respond_by=event.respond_by,
            resolve_by=event.resolve_by,
        )
        self._index(case)

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


def _sooner(known: float | None, wanted: float) -> float:
    return wanted if known is None else min(known, wanted)
