"""One matter, one ticket: the desk knows every open matter, and answers each question with the events to be logged.

Asking changes nothing; only `receive` does, once the event is in the log. So every copy of the desk that plays the
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
from tickets.grades import Grade, Sign, after_sign, gravest
from tickets.rules import Rules
from tickets.states import State, TicketError, step

Working = Callable[[float, float], float]
"""(start, seconds) → the instant at which so much working time has gone by."""


def by_the_clock(start: float, seconds: float) -> float:
    """Working time that never stops."""
    return start + seconds


@dataclass(slots=True)
class Matter:
    """An open ticket, as far as the desk must know it."""

    ticket: int
    caller: str
    business: str
    category: str
    grade: Grade
    opened_at: float
    last_contact_at: float
    calls: list[int]
    state: State = State.NEW
    round: int = 1
    owner: str = ""
    confirmed: str = ""
    respond_by: float | None = None
    resolve_by: float | None = None


_FIELDS = tuple(each.name for each in fields(Matter))


class Desk:
    """All open matters, found by ticket, by call and by caller."""

    def __init__(self) -> None:
        self._rules = Rules()
        self._working: Working = by_the_clock
        self._matters: dict[int, Matter] = {}
        self._by_call: dict[int, int] = {}
        self._by_caller: dict[str, list[int]] = {}

    def follow(self, rules: Rules, working: Working = by_the_clock) -> None:
        """Go by these rules from now on; open matters keep the limits that they have."""
        self._rules, self._working = rules, working

    # Questions

    def open_ticket(self, caller: str) -> int | None:
        """The caller's open ticket, the one last spoken about if there are several."""
        tickets = self._by_caller.get(caller, ())
        return max(tickets, key=lambda each: (self._matters[each].last_contact_at, each), default=None)

    def ticket_of(self, call: int) -> int | None:
        """The open ticket that this call is about."""
        return self._by_call.get(call)

    def owner(self, ticket: int) -> str:
        """The agent who looks after it; empty when nobody does, or the ticket is not open."""
        matter = self._matters.get(ticket)
        return matter.owner if matter else ""

    def matter(self, ticket: int) -> Matter:
        """Raises TicketError when there is no such open ticket."""
        try:
            return self._matters[ticket]
        except KeyError:
            raise TicketError(f"ticket {ticket} is not open") from None

    # What is to be logged

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
        """A caller said what the call is about: opens ticket `next_ticket`, or joins the open one on the same matter.

        Nothing for a business that opens no tickets and for a call that has its ticket. A withheld number (empty)
        is nobody known: each such call is a matter of its own.
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
        matter = self._matters.get(ticket)
        if matter is None or call in matter.calls:
            return []
        return [ContactAdded(ticket, call)]

    def sign(self, ticket: int, sign: Sign, now: float) -> list[Event]:
        """Something that makes the matter graver became known. Raises TicketError when the ticket is not open."""
        matter = self.matter(ticket)
        return self._raised(matter, after_sign(matter.grade, sign), sign, now)

    def served(self, call: int, agent: str) -> list[Event]:
        """An agent speaks with the caller: whoever does so first owns the matter."""
        ticket = self._by_call.get(call)
        if ticket is None or self._matters[ticket].owner:
            return []
        return [OwnerSet(ticket, agent, by=agent, why="first_conversation")]

    def advance(self, ticket: int, state: str, by: str = "", why: str = "") -> list[Event]:
        """One step forward. Raises TicketError when the ticket is not open or the table has no such step."""
        return [StateChanged(ticket, step(ticket, self.matter(ticket).state, state), by, why)]

    def follow_up(self, ticket: int, satisfied: bool, now: float, by: str = "", why: str = "") -> list[Event]:
        """The customer was asked. Satisfied: closed. Not satisfied: the next round begins, one grade up."""
        matter = self.matter(ticket)
        asked = StateChanged(ticket, step(ticket, matter.state, State.FOLLOWED_UP), by, why)
        if satisfied:
            return [asked, StateChanged(ticket, State.CLOSED, by, why)]
        grade = after_sign(matter.grade, Sign.NOT_SATISFIED)
        respond_by, resolve_by = self._limits(grade, now)
        return [asked, RoundStarted(ticket, matter.round + 1, grade, by, why, respond_by, resolve_by)]

    # The log

    def receive(self, event: Event, now: float) -> None:
        """Plays one logged event; what is said of a ticket that is not open changes nothing."""
        if isinstance(event, TicketOpened):
            self._open(event, now)
            return
        matter = self._matters.get(event.ticket)
        if matter is None:
            return
        match event:
            case ContactAdded(call=call):
                if call not in matter.calls:
                    matter.calls.append(call)
                    self._by_call[call] = matter.ticket
                matter.last_contact_at = max(matter.last_contact_at, now)
            case GradeRaised(grade=grade, respond_by=respond_by, resolve_by=resolve_by):
                matter.grade = Grade(grade)
                matter.respond_by, matter.resolve_by = respond_by, resolve_by
            case RoundStarted():
                matter.round, matter.grade, matter.state = event.round, Grade(event.grade), State.NEW
                matter.respond_by, matter.resolve_by = event.respond_by, event.resolve_by
            case OwnerSet(agent=agent):
                matter.owner = agent
            case CategoryConfirmed(category=category):
                matter.confirmed = category
            case StateChanged(state=State.CLOSED):
                self._close(matter)
            case StateChanged(state=state):
                matter.state = State(state)

    def snapshot(self) -> dict[str, Any]:
        """Everything that `restore` needs, as plain JSON values."""
        # Many matters are open for weeks: field by field this takes a tenth of what a deep copy does.
        return {
            "matters": [
                {name: getattr(matter, name) for name in _FIELDS} | {"calls": list(matter.calls)}
                for matter in self._matters.values()
            ]
        }

    @classmethod
    def restore(cls, snapshot: Mapping[str, Any]) -> Desk:
        """The desk that `snapshot` was taken of, by the rules as they are by default."""
        desk = cls()
        for saved in snapshot["matters"]:
            values = {**saved, "grade": Grade(saved["grade"]), "state": State(saved["state"])}
            desk._index(Matter(**{**values, "calls": list(saved["calls"])}))
        return desk

    # Inside

    def _same_matter(self, caller: str, business: str, category: str, now: float) -> Matter | None:
        candidates = (self._matters[ticket] for ticket in self._by_caller.get(caller, ()))
        same = [
            matter
            for matter in candidates
            if matter.business == business
            and category in (matter.category, matter.confirmed or matter.category)
            and now - matter.last_contact_at < self._rules.same_matter_for
        ]
        return max(same, key=lambda each: (each.last_contact_at, each.ticket), default=None)

    def _limits(self, grade: Grade, now: float) -> tuple[float, float]:
        limit = self._rules.limit(grade)
        return self._working(now, limit.respond), self._working(now, limit.resolve)

    def _raised(self, matter: Matter, grade: Grade, why: str, now: float) -> list[Event]:
        if grade is matter.grade:
            return []
        respond_by, resolve_by = self._limits(grade, now)
        return [
            GradeRaised(
                matter.ticket,
                grade,
                why,
                _sooner(matter.respond_by, respond_by),
                _sooner(matter.resolve_by, resolve_by),
            )
        ]

    def _open(self, event: TicketOpened, now: float) -> None:
        if event.ticket in self._matters:
            return
        matter = Matter(
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
        self._index(matter)

    def _index(self, matter: Matter) -> None:
        self._matters[matter.ticket] = matter
        self._by_call.update(dict.fromkeys(matter.calls, matter.ticket))
        if matter.caller:
            self._by_caller.setdefault(matter.caller, []).append(matter.ticket)

    def _close(self, matter: Matter) -> None:
        del self._matters[matter.ticket]
        for call in matter.calls:
            self._by_call.pop(call, None)
        if matter.caller:
            self._by_caller[matter.caller].remove(matter.ticket)
            if not self._by_caller[matter.caller]:
                del self._by_caller[matter.caller]


def _sooner(known: float | None, wanted: float) -> float:
    return wanted if known is None else min(known, wanted)
