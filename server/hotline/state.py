"""What the log says now: the floor, callback mode, calls and recordings in progress, the tickets, entry by entry.

Changed only by `play`: the same entries always give the same state, the same commands and the same notes.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from typing import Any

import msgspec
import structlog

import acd.events as acd
import ivr.events as ivr
import quality.events as quality
import recordings.events as rec
import tickets.events as tickets
from acd.callbacks.commands import ModeChanged, PromiseChanged
from acd.callbacks.engine import Callbacks
from acd.callbacks.events import FOLLOW_UP, GIVEN, AttemptEnded, CallPlaced, PromiseAsked
from acd.callbacks.states import PromiseState, PromiseView
from acd.commands import AgentChanged, Command, HandedOver, Moved, Offer, Withdraw
from acd.floor.engine import Floor
from customers import list_log
from customers.lists import ListRegister
from customers.register import CustomerRegister
from knowledge.board import Board
from quality.register import Register as QualityRegister
from recordings.alarms import Alarms
from recordings.catalogue import Catalogue
from recordings.pauses import Pauses
from server.eventlog.derived_events import AgentNoted, Decided, ModeNoted, PromiseNoted
from server.eventlog.log import Entry, Unreadable
from server.eventlog.quality_events import QualityRulesSet
from server.hotline.access_tokens import AccessTokens
from server.hotline.changes import Changes
from server.hotline.exports import Exports
from server.hotline.kept_snapshot import KeptSnapshot
from server.hotline.live_calls import Calls
from server.hotline.notes import Notes, Unwritten
from server.hotline.promising import asked_back
from server.hotline.published import Published
from server.hotline.shared_sounds import SharedSounds
from server.hotline.ticket_rules import working_time
from server.hotline.users import Users
from server.hotline.webhooks import Webhooks
from tickets.owned import owner_of
from tickets.register import Register

_log = structlog.get_logger("state")
_encoder = msgspec.json.Encoder()


class HotlineState:
    """What one server knows: the outcome of playing the log up to `position`."""

    def __init__(self) -> None:
        self.floor = Floor()
        self.callbacks = Callbacks()
        self.calls = Calls()
        self.recordings = Catalogue()
        self.recording_alarms = Alarms()
        self.recording_pauses = Pauses()
        self.tickets = Register()
        self.ticket_rules: tickets.TicketRulesSet | None = None
        """The rules that the register follows; None while the log has none."""
        self.access_tokens = AccessTokens()
        self.users = Users()
        self.quality = QualityRegister()
        self.webhooks = Webhooks()
        self.published = Published()
        self.sounds = SharedSounds()
        self.exports = Exports()
        self.customers = CustomerRegister()
        self._customers_kept = KeptSnapshot()
        self.lists = ListRegister()
        self._lists_kept = KeptSnapshot()
        self.board = Board()
        self._board_kept = KeptSnapshot()
        self.last_ticket = 0
        self.position = "0-0"
        """Id of the last entry played."""
        self.notes = Notes()
        self.at = 0.0
        """Instant of the last entry played."""
        self.changes = Changes()
        """What entries have changed, for whoever shows it."""

    def play(self, entry: Entry) -> list[Command]:
        """Play one entry and return the commands of floor and callbacks; the notes that follow are in `unwritten`.

        A note among the entries was made when its cause was played: it only says that it is in the log now. What
        cannot be read changes nothing.
        """
        self.position, self.at = entry.id, max(self.at, entry.at)
        if entry.after:
            self.notes.written(entry)
            return []
        if isinstance(entry.event, Unreadable):
            return []
        known = len(self.unwritten)
        self.changes.before(entry.event, self.calls)
        commands = self._decide(entry)
        with self._passing_over(entry, "the access tokens"):
            self.access_tokens.receive(entry.event, entry.at)
        with self._passing_over(entry, "the users"):
            self.users.receive(entry.event, entry.at)
        with self._passing_over(entry, "the webhooks"):
            self.webhooks.receive(entry.event, entry.at)
        with self._passing_over(entry, "the definitions"):
            self.published.receive(entry.event, entry.at)
            self.sounds.receive(entry.event, entry.at)
        with self._passing_over(entry, "the exports"):
            self.exports.receive(entry.event, entry.at)
        with self._passing_over(entry, "the customers"):
            self.customers.receive(entry.event, entry.at)
        with self._passing_over(entry, "the lists"):
            list_log.receive(self.lists, entry.event, entry.at)
            if isinstance(entry.event, AttemptEnded):
                self.lists.attempted(entry.event.promise, entry.event.outcome.value, entry.at)
        with self._passing_over(entry, "the board"):
            self.board.receive(entry.event, entry.at)
        with self._passing_over(entry, "the calls"):
            self.calls.receive(entry.event, entry.at)
            for call in (getattr(entry.event, "call", 0), *(each.call for each in commands if isinstance(each, Moved))):
                self.calls.asks(call, self.floor.asked(call))
        with self._passing_over(entry, "the recordings"):
            self._recordings(entry.event, entry.at)
        with self._passing_over(entry, "the alarms about recordings"):
            if isinstance(entry.event, rec.Event):
                self.recording_alarms.receive(entry.event, entry.at)
                self.recording_pauses.receive(entry.event, entry.at)
        with self._passing_over(entry, "the ticket register"):
            if isinstance(entry.event, tickets.Event):
                self._asked_of_a_ticket(entry.event, entry.at)
            elif isinstance(entry.event, tickets.TicketRulesSet):
                self._rules_set(entry, entry.event)
            elif isinstance(entry.event, acd.CallQueued):
                self._contact(entry, entry.event)
            elif isinstance(entry.event, acd.Joined):
                self._matter(entry, self.tickets.served(entry.event.call, entry.event.agent))
            elif isinstance(entry.event, ivr.NumberTaken):
                self._number_taken(entry, entry.event, commands)
            elif isinstance(entry.event, ivr.SatisfactionGiven):
                satisfied = entry.event.score >= self.tickets.rules.satisfied_from
                self._followed_up(entry, entry.event.call, satisfied, f"gave {entry.event.score} of 5")
            elif isinstance(entry.event, CallPlaced):
                self._follows(entry.event)
            elif isinstance(entry.event, ivr.QuestionAnswered):
                self._answered(entry, entry.event)
        with self._passing_over(entry, "the time of tickets"):
            self._matter(entry, self.tickets.due(entry.at))
        with self._passing_over(entry, "quality assurance"):
            if isinstance(entry.event, quality.Event):
                self.quality.receive(entry.event, entry.at)
            elif isinstance(entry.event, QualityRulesSet):
                self.quality.follow(entry.event.appeals, entry.event.training)
        with self._passing_over(entry, "the commands"):
            for command in commands:
                self._take_in(entry, command)
        with self._passing_over(entry, "what is shown"):
            self.changes.after(entry.event, commands, (each.note for each in islice(self.unwritten, known, None)))
        return commands

    @property
    def unwritten(self) -> deque[Unwritten]:
        """Notes that are not known to be in the log yet, in its order."""
        return self.notes.unwritten

    @property
    def differences(self) -> Counter[str]:
        """How the notes in the log differ from what follows here from their causes, and how often."""
        return self.notes.differences

    def next_timer(self) -> float | None:
        """The instant (UTC epoch seconds) at which a Tick is wanted, or None."""
        due = (self.floor.next_timer(), self.callbacks.next_timer(), self.tickets.next_timer())
        return min((each for each in due if each is not None), default=None)

    def _take_in(self, entry: Entry, command: Command) -> None:
        if isinstance(command, AgentChanged):
            self._note(entry, AgentNoted(command.agent, command.status, command.state, command.reason, command.call))
        elif isinstance(command, Offer):
            self.calls.offered(command, entry.at)
        elif isinstance(command, Withdraw):
            self.calls.withdrawn(command)
        elif isinstance(command, HandedOver):
            self.calls.handed_over(command, entry.at)
        elif isinstance(command, PromiseChanged):
            view = command.promise
            self.lists.promised(view.entry, view.id, view.state.value, view.attempts, view.reason, entry.at)
            self._note(entry, PromiseNoted(replace(view, connected_at=None)))
            self._not_followed_up(entry, view)
        elif isinstance(command, ModeChanged):
            self._note(entry, ModeNoted(command.mode))
        if (decision := getattr(command, "decision", None)) is not None:
            self._note(entry, Decided(decision))

    @contextmanager
    def _passing_over(self, entry: Entry, part: str) -> Iterator[None]:
        """A fault does not stop the log: this part passes the entry over, on every replay too."""
        try:
            yield
        except Exception:
            _log.exception(
                f"{part} failed on an entry: it is passed over", entry=entry.id, kind=type(entry.event).__name__
            )

    def _note(self, entry: Entry, note: object) -> None:
        self.notes.follows(entry, note)

    def _decide(self, entry: Entry) -> list[Command]:
        commands: list[Command] = []
        if not isinstance(entry.event, acd.Event):
            return commands
        with self._passing_over(entry, "the floor"):
            commands += self.floor.receive(entry.event, entry.at)
        event = entry.event
        if isinstance(event, PromiseAsked) and event.source in GIVEN:
            with self._passing_over(entry, "the ticket register"):
                event = self._on_a_ticket(entry, event)
        with self._passing_over(entry, "callback mode"):
            moved = [command for command in commands if isinstance(command, Moved)]
            for each in (event, *moved):
                commands += self.callbacks.receive(each, entry.at)
            commands += self.callbacks.observe(self.floor.pressures(), entry.at)
        return commands

    def _recordings(self, event: object, at: float) -> None:
        if isinstance(event, rec.Event):
            self.recordings.receive(event, at)
            if isinstance(event, rec.RecordingStarted) and self.calls.get(event.call) is None:
                self.recordings.conversation_ended(event.call, at)
        elif isinstance(event, acd.ConversationEnded | acd.Transferred):
            self.recordings.conversation_ended(event.call, at, event.agent, event.talked, event.held)
        elif isinstance(event, acd.CallEnded):
            self.recordings.conversation_ended(event.call, at)

    def _contact(self, entry: Entry, event: acd.CallQueued) -> None:
        """A call came to a queue: its matter has a ticket from now on, a new one or the open one."""
        live = self.calls.get(event.call)
        if live is None or live.ticket is not None:
            return
        promise = self.callbacks.promise(live.promise) if live.promise else None
        if promise is not None and promise.ticket is not None:
            self._matter(entry, self.tickets.join(promise.ticket, event.call))
        if live.ticket is None:
            caller = promise.caller or promise.number if promise is not None else event.caller
            self._new_contact(entry, event.call, caller, event.queue, event.category, event.vip)

    def _new_contact(self, entry: Entry, call: int, caller: str, queue: str, category: str, vip: bool) -> None:
        following = self.last_ticket + 1
        self._matter(entry, self.tickets.contact(call, caller, queue, category, entry.at, following, vip=vip))

    def _follow(self, wanted: tickets.TicketRulesSet) -> None:
        self.tickets.follow(wanted.rules, working_time(wanted.hours))
        self.ticket_rules = wanted

    def _rules_set(self, entry: Entry, wanted: tickets.TicketRulesSet) -> None:
        before = self.ticket_rules
        self._follow(wanted)
        if before is not None and before.hours != wanted.hours:
            self._matter(entry, self.tickets.hours_changed("the business hours have changed"))
        elif before is not None and before.rules.timed == wanted.rules.timed:
            return
        self.tickets.rearm()

    def _asked_of_a_ticket(self, event: tickets.Event, at: float) -> None:
        """A person's act. A ticket opened by hand has the next number: one that was given meanwhile opens none."""
        if isinstance(event, tickets.TicketOpened):
            if event.ticket <= self.last_ticket:
                return
            self.calls.receive(event, at)
            self.last_ticket = event.ticket
        self.tickets.receive(event, at)

    def _follow_up_of(self, call: int) -> int | None:
        """The ticket that a live call is the follow-up of."""
        live = self.calls.get(call)
        promise = self.callbacks.promise(live.promise) if live is not None and live.promise else None
        return promise.ticket if promise is not None and promise.purpose == FOLLOW_UP else None

    def _follows(self, event: CallPlaced) -> None:
        """A follow-up call is about the round that its ticket is in when it is placed, whatever follows."""
        ticket, live = self._follow_up_of(event.call), self.calls.get(event.call)
        if live is not None and ticket is not None and ticket in self.tickets:
            live.follows = self.tickets.case(ticket).round

    def _followed_up(self, entry: Entry, call: int, satisfied: bool, what: str) -> None:
        """The customer's answer in a follow-up call says whether the matter is over, unless a person has said so."""
        ticket, live = self._follow_up_of(call), self.calls.get(call)
        if ticket is None or live is None or ticket not in self.tickets:
            return
        case = self.tickets.case(ticket)
        if not case.resolved or (live.follows and case.round != live.follows) or owner_of(case, "state"):
            return
        why = f"the customer {what} in the follow-up call {call}"
        self._matter(entry, self.tickets.follow_up(ticket, satisfied, entry.at, "customer", why))

    def _answered(self, entry: Entry, event: ivr.QuestionAnswered) -> None:
        """An answer in a follow-up call is kept on the ticket; one that decides ends the round."""
        ticket, live = self._follow_up_of(event.call), self.calls.get(event.call)
        if ticket is None or live is None:
            return
        told = tickets.FollowUpAnswered(ticket, event.call, live.follows or 1, event.question, event.answer)
        self._matter(entry, [told])
        if event.satisfied is not None:
            self._followed_up(entry, event.call, event.satisfied, f"answered {event.question}: {event.answer}")

    def _not_followed_up(self, entry: Entry, promise: PromiseView) -> None:
        """A follow-up call that reached nobody is written down in its ticket, which stays resolved."""
        given_up = promise.state is PromiseState.BROKEN or (promise.state is PromiseState.EXPIRED and promise.task)
        if promise.purpose == FOLLOW_UP and given_up and promise.ticket is not None and promise.ticket in self.tickets:
            note = f"the follow-up call reached nobody: {promise.reason}"
            self._matter(entry, [tickets.NoteAdded(promise.ticket, note, "hotline")])

    def _number_taken(self, entry: Entry, event: ivr.NumberTaken, commands: list[Command]) -> None:
        """As `PromiseAsked` is written now; a number that could not be called was left on the ticket alone."""
        live = self.calls.get(event.call)
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
        asked = self._on_a_ticket(entry, asked)
        if not event.refused:
            with self._passing_over(entry, "callback mode"):
                commands += self.callbacks.receive(asked, entry.at)

    def _on_a_ticket(self, entry: Entry, asked: PromiseAsked) -> PromiseAsked:
        """A number that was taken in a call: its matter has a ticket from now on, a new one or the open one."""
        live = self.calls.get(asked.call)
        if live is None:
            return asked
        if live.ticket is None:
            self._new_contact(entry, live.id, live.caller, asked.queue, asked.category, asked.vip)
        return replace(asked, ticket=live.ticket)

    def _matter(self, entry: Entry, answers: Sequence[tickets.Event]) -> None:
        """The register plays what it answered."""
        for note in answers:
            self.tickets.receive(note, entry.at)
            self.calls.receive(note, entry.at)
            self.last_ticket = max(self.last_ticket, note.ticket)
            self._note(entry, note)

    def snapshot(self) -> bytes:
        """Everything, as JSON bytes; what it says is true after the entry `position`."""
        return _encoder.encode(
            {
                "floor": self.floor.snapshot(),
                "callbacks": self.callbacks.snapshot(),
                "calls": self.calls.snapshot(),
                "recordings": self.recordings.snapshot(),
                "recording_alarms": self.recording_alarms.snapshot(),
                "recording_pauses": self.recording_pauses.snapshot(),
                "desk": self.tickets.snapshot(),
                "ticket_rules": self.ticket_rules,
                "access_tokens": self.access_tokens.snapshot(),
                "users": self.users.snapshot(),
                "quality": self.quality.snapshot(),
                "webhooks": self.webhooks.snapshot(),
                "published": self.published.snapshot(),
                "sounds": self.sounds.snapshot(),
                "exports": self.exports.snapshot(),
                "customers": self._customers_kept(self.customers),
                "lists": self._lists_kept(self.lists),
                "board": self._board_kept(self.board),
                "last_ticket": self.last_ticket,
                "position": self.position,
                "unwritten": self.notes.snapshot(),
                "at": self.at,
            }
        )

    @classmethod
    def restore(cls, data: bytes) -> HotlineState:
        """The inverse of `snapshot`."""
        values: dict[str, Any] = msgspec.json.decode(data)
        state = cls()
        state.floor = Floor.restore(values["floor"])
        if "callbacks" in values:
            state.callbacks = Callbacks.restore(values["callbacks"])
        state.calls = Calls.restore(values["calls"])
        state.recordings = Catalogue.restore(values.get("recordings") or _recordings_of_calls(values))
        state.recording_alarms = Alarms.restore(values.get("recording_alarms") or {"alarms": [], "left_out": 0})
        state.recording_pauses = Pauses.restore(values.get("recording_pauses") or {"paused": [], "left_out": []})
        for live in state.calls:
            live.asked = state.floor.asked(live.id) or live.asked
        state.tickets = Register.restore(values["desk"])
        if values.get("ticket_rules"):
            state._follow(msgspec.convert(values["ticket_rules"], tickets.TicketRulesSet))
        state.access_tokens = AccessTokens.restore(values.get("access_tokens", []))
        state.users = Users.restore(values.get("users", []))
        state.quality = QualityRegister.restore(values.get("quality") or {})
        state.webhooks = Webhooks.restore(values.get("webhooks"))
        state.published = Published.restore(values.get("published"))
        state.sounds = SharedSounds.restore(values.get("sounds"))
        state.exports = Exports.restore(values.get("exports"))
        state.customers = CustomerRegister.restore(values.get("customers"))
        state.lists = ListRegister.restore(values.get("lists"))
        state.board = Board.restore(values.get("board"))
        state.last_ticket, state.position = values["last_ticket"], values["position"]
        state.at = values["at"]
        state.notes = Notes.restore(values["unwritten"])
        return state


def _recordings_of_calls(values: dict[str, Any]) -> dict[str, Any]:
    """The recordings of a snapshot that an older version made: the calls kept them, without agent and end."""
    legs = {call["leg"]["offer"]: call["leg"]["agent"] for call in values["calls"]["calls"] if call["leg"]}
    unfinished = []
    for kept in values["calls"].get("recordings", ()):
        agent, started_at = legs.get(kept["recording"], ""), kept.pop("at")
        unfinished.append(
            {**kept, "agent": agent, "started_at": started_at, "ended_at": None if agent else values["at"]}
        )
    return {"unfinished": unfinished}
