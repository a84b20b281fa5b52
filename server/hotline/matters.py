"""What calls, numbers that were taken and answers of customers do to tickets.

Law: a call that came to a queue, and a number that was taken, has a ticket from then on. The register decides; here an
entry of the log is brought before it with what is known of its call and promise, and its answers are played and noted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec

import acd.events as acd
import ivr.events as ivr
import tickets.events as tickets
from acd.callbacks.engine import Callbacks
from acd.callbacks.events import FOLLOW_UP, CallPlaced, PromiseAsked
from acd.callbacks.states import PromiseState, PromiseView
from server.eventlog.log import Entry
from server.hotline.live_calls import Calls
from server.hotline.notes import Notes
from server.hotline.promising import asked_back
from server.hotline.ticket_rules import working_time
from tickets.owned import owner_of
from tickets.register import Register


class Matters:
    """The register of tickets behind the log. `calls` and `callbacks` are those of the same state; what follows from an
    entry is added to `notes`."""

    def __init__(self, calls: Calls, callbacks: Callbacks, notes: Notes) -> None:
        self._calls, self._callbacks, self._notes = calls, callbacks, notes
        self.register = Register()
        self.rules: tickets.TicketRulesSet | None = None
        """The rules that the register follows; None while the log has none."""
        self.last_ticket = 0
        """The number of the newest ticket; 0 before the first."""

    def receive(self, entry: Entry) -> PromiseAsked | None:
        """Play an entry. The promise that follows from a `NumberTaken` of an earlier release is returned."""
        event = entry.event
        if isinstance(event, tickets.Event):
            self._asked(event, entry.at)
        elif isinstance(event, tickets.TicketRulesSet):
            self._rules_set(entry, event)
        elif isinstance(event, acd.CallQueued):
            self._contact(entry, event)
        elif isinstance(event, acd.Joined):
            self._answer(entry, self.register.served(event.call, event.agent))
        elif isinstance(event, ivr.NumberTaken):
            return self._number_taken(entry, event)
        elif isinstance(event, ivr.SatisfactionGiven):
            satisfied = event.score >= self.register.rules.satisfied_from
            self._followed_up(entry, event.call, satisfied, f"gave {event.score} of 5")
        elif isinstance(event, CallPlaced):
            self._follows(event)
        elif isinstance(event, ivr.QuestionAnswered):
            self._answered(entry, event)
        return None

    def due(self, entry: Entry) -> None:
        """What time brings about by the entry's instant: warnings, escalations, promised dates that pass."""
        self._answer(entry, self.register.due(entry.at))

    def on_a_ticket(self, entry: Entry, asked: PromiseAsked) -> PromiseAsked:
        """A number that was taken in a call: its matter has a ticket from now on, a new one or the open one."""
        live = self._calls.get(asked.call)
        if live is None:
            return asked
        if live.ticket is None:
            self._new_contact(entry, live.id, live.caller, asked.queue, asked.category, asked.vip)
        return replace(asked, ticket=live.ticket)

    def promise_changed(self, entry: Entry, promise: PromiseView) -> None:
        """A follow-up call that reached nobody is written down in its ticket, which stays resolved."""
        given_up = promise.state is PromiseState.BROKEN or (promise.state is PromiseState.EXPIRED and promise.task)
        if promise.purpose == FOLLOW_UP and given_up and promise.ticket is not None and promise.ticket in self.register:
            note = f"the follow-up call reached nobody: {promise.reason}"
            self._answer(entry, [tickets.NoteAdded(promise.ticket, note, "hotline")])

    def _answer(self, entry: Entry, answers: Sequence[tickets.Event]) -> None:
        """The register plays what it answered."""
        for note in answers:
            self.register.receive(note, entry.at)
            self._calls.receive(note, entry.at)
            self.last_ticket = max(self.last_ticket, note.ticket)
            self._notes.follows(entry, note)

    # Contacts

    def _contact(self, entry: Entry, event: acd.CallQueued) -> None:
        """A call came to a queue: its matter has a ticket from now on, a new one or the open one."""
        live = self._calls.get(event.call)
        if live is None or live.ticket is not None:
            return
        promise = self._callbacks.promise(live.promise) if live.promise else None
        if promise is not None and promise.ticket is not None:
            self._answer(entry, self.register.join(promise.ticket, event.call))
        if live.ticket is None:
            caller = promise.caller or promise.number if promise is not None else event.caller
            self._new_contact(entry, event.call, caller, event.queue, event.category, event.vip)

    def _new_contact(self, entry: Entry, call: int, caller: str, queue: str, category: str, vip: bool) -> None:
        following = self.last_ticket + 1
        self._answer(entry, self.register.contact(call, caller, queue, category, entry.at, following, vip=vip))

    def _number_taken(self, entry: Entry, event: ivr.NumberTaken) -> PromiseAsked | None:
        """As `PromiseAsked` is written now; a number that could not be called was left on the ticket alone."""
        live = self._calls.get(event.call)
        asked = asked_back(
            event.number,
            event.source,
            call=event.call,
            live=live,
            queue=event.queue or (live.fields.get("business", "") if live is not None else "") or "inquiry",
            category=event.category,
            language=event.language,
            vip=event.vip,
            taken_at=event.taken_at,
        )
        asked = self.on_a_ticket(entry, asked)
        return None if event.refused else asked

    def _asked(self, event: tickets.Event, at: float) -> None:
        """A person's act. A ticket opened by hand has the next number: one that was given meanwhile opens none."""
        if isinstance(event, tickets.TicketOpened):
            if event.ticket <= self.last_ticket:
                return
            self._calls.receive(event, at)
            self.last_ticket = event.ticket
        self.register.receive(event, at)

    # Rules

    def _follow(self, wanted: tickets.TicketRulesSet) -> None:
        self.register.follow(wanted.rules, working_time(wanted.hours))
        self.rules = wanted

    def _rules_set(self, entry: Entry, wanted: tickets.TicketRulesSet) -> None:
        before = self.rules
        self._follow(wanted)
        if before is not None and before.hours != wanted.hours:
            self._answer(entry, self.register.hours_changed("the business hours have changed"))
        elif before is not None and before.rules.timed == wanted.rules.timed:
            return
        self.register.rearm()

    # Follow-up calls

    def _follow_up_of(self, call: int) -> int | None:
        """The ticket that a live call is the follow-up of."""
        live = self._calls.get(call)
        promise = self._callbacks.promise(live.promise) if live is not None and live.promise else None
        return promise.ticket if promise is not None and promise.purpose == FOLLOW_UP else None

    def _follows(self, event: CallPlaced) -> None:
        """A follow-up call is about the round that its ticket is in when it is placed, whatever follows."""
        ticket, live = self._follow_up_of(event.call), self._calls.get(event.call)
        if live is not None and ticket is not None and ticket in self.register:
            live.follows = self.register.case(ticket).round

    def _followed_up(self, entry: Entry, call: int, satisfied: bool, what: str) -> None:
        """The customer's answer in a follow-up call says whether the matter is over, unless a person has said so."""
        ticket, live = self._follow_up_of(call), self._calls.get(call)
        if ticket is None or live is None or ticket not in self.register:
            return
        case = self.register.case(ticket)
        if not case.resolved or (live.follows and case.round != live.follows) or owner_of(case, "state"):
            return
        why = f"the customer {what} in the follow-up call {call}"
        self._answer(entry, self.register.follow_up(ticket, satisfied, entry.at, "customer", why))

    def _answered(self, entry: Entry, event: ivr.QuestionAnswered) -> None:
        """An answer in a follow-up call is kept on the ticket; one that decides ends the round."""
        ticket, live = self._follow_up_of(event.call), self._calls.get(event.call)
        if ticket is None or live is None:
            return
        told = tickets.FollowUpAnswered(ticket, event.call, live.follows or 1, event.question, event.answer)
        self._answer(entry, [told])
        if event.satisfied is not None:
            self._followed_up(entry, event.call, event.satisfied, f"answered {event.question}: {event.answer}")

    # Snapshots

    def snapshot(self) -> dict[str, Any]:
        """The keys of the state's snapshot that are about tickets."""
        return {"desk": self.register.snapshot(), "ticket_rules": self.rules, "last_ticket": self.last_ticket}

    @classmethod
    def restore(cls, values: dict[str, Any], calls: Calls, callbacks: Callbacks, notes: Notes) -> Matters:
        """The inverse of `snapshot`."""
        matters = cls(calls, callbacks, notes)
        matters.register, matters.last_ticket = Register.restore(values["desk"]), values["last_ticket"]
        if values.get("ticket_rules"):
            matters._follow(msgspec.convert(values["ticket_rules"], tickets.TicketRulesSet))
        return matters
