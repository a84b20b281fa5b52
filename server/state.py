"""What the log says now: the floor, callback mode, the calls in progress and the tickets' desk, played entry by entry.

Changed only by `play`. Whoever plays the same entries has the same state and is answered the same commands and notes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NamedTuple

import msgspec
import structlog

import acd.events as acd
import ivr.events as ivr
import tickets.events as tickets
from acd.callback_events import GIVEN, PromiseAsked
from acd.callbacks import Callbacks
from acd.commands import (
    AgentChanged,
    Command,
    HandedOver,
    ModeChanged,
    Moved,
    Offer,
    PromiseChanged,
    Withdraw,
)
from acd.floor import Floor
from server.calls import Calls
from server.log import Entry, Unreadable, decode, encode, id_order
from server.notes import AgentNoted, Decided, ModeNoted, PromiseNoted
from server.promising import asked_back
from tickets.desk import Desk

_log = structlog.get_logger("state")
_encoder = msgspec.json.Encoder()


class Unwritten(NamedTuple):
    """A note, the instant of its cause, and its cause's id."""

    note: object
    at: float
    after: str


class State:
    """One copy of the house's memory."""

    def __init__(self) -> None:
        self.floor = Floor()
        self.callbacks = Callbacks()
        self.calls = Calls()
        self.desk = Desk()
        self.last_ticket = 0
        self.position = "0-0"
        """Id of the last entry played."""
        self.unwritten: deque[Unwritten] = deque()
        """Notes that are not known to be in the log yet, in its order."""
        self.at = 0.0
        """Instant of the last entry played."""

    def play(self, entry: Entry) -> list[Command]:
        """Play one entry and return the commands of floor and callbacks; the notes that follow are in `unwritten`.

        A note among the entries was made when its cause was played: it only says that it is in the log now. What
        cannot be read changes nothing.
        """
        self.position, self.at = entry.id, max(self.at, entry.at)
        if entry.after:
            self._written(entry.after)
            return []
        if isinstance(entry.event, Unreadable):
            return []
        commands = self._decide(entry)
        with self._passing_over(entry, "the calls"):
            self.calls.receive(entry.event, entry.at)
            for call in (getattr(entry.event, "call", 0), *(each.call for each in commands if isinstance(each, Moved))):
                self.calls.asks(call, self.floor.asked(call))
        with self._passing_over(entry, "the tickets' desk"):
            if isinstance(entry.event, tickets.Event):
                self.desk.receive(entry.event, entry.at)
            elif isinstance(entry.event, acd.CallQueued):
                self._contact(entry, entry.event)
            elif isinstance(entry.event, acd.Joined):
                self._matter(entry, self.desk.served(entry.event.call, entry.event.agent))
            elif isinstance(entry.event, ivr.NumberTaken):
                self._number_taken(entry, entry.event, commands)
        with self._passing_over(entry, "the commands"):
            for command in commands:
                self._take_in(entry, command)
        return commands

    def next_timer(self) -> float | None:
        """The instant (UTC epoch seconds) at which a Tick is wanted, or None."""
        due = (self.floor.next_timer(), self.callbacks.next_timer())
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
            self._note(entry, PromiseNoted(command.promise))
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
        self.unwritten.append(Unwritten(note, entry.at, entry.id))

    def _written(self, cause: str) -> None:
        """The next note on this entry is in the log. Notes stand in the order of their causes: those of an earlier one
        that are missing were refused, or cannot be read, and are due no more."""
        due = self.unwritten
        while due and due[0].after != cause and id_order(due[0].after) < id_order(cause):
            due.popleft()
        if due and due[0].after == cause:
            due.popleft()

    def _decide(self, entry: Entry) -> list[Command]:
        commands: list[Command] = []
        if not isinstance(entry.event, acd.Event):
            return commands
        with self._passing_over(entry, "the floor"):
            commands += self.floor.receive(entry.event, entry.at)
        event = entry.event
        if isinstance(event, PromiseAsked) and event.source in GIVEN:
            with self._passing_over(entry, "the tickets' desk"):
                event = self._on_a_ticket(entry, event)
        with self._passing_over(entry, "callback mode"):
            moved = [command for command in commands if isinstance(command, Moved)]
            for each in (event, *moved):
                commands += self.callbacks.receive(each, entry.at)
            commands += self.callbacks.observe(self.floor.pressures(), entry.at)
        return commands

    def _contact(self, entry: Entry, event: acd.CallQueued) -> None:
        """A call came to a queue: its matter has a ticket from now on, a new one or the open one."""
        live = self.calls.get(event.call)
        if live is None or live.ticket is not None:
            return
        promise = self.callbacks.promise(live.promise) if live.promise else None
        if promise is not None and promise.ticket is not None:
            self._matter(entry, self.desk.join(promise.ticket, event.call))
        if live.ticket is None:
            caller = promise.caller or promise.number if promise is not None else event.caller
            self._matter(entry, self._new_contact(entry, event.call, caller, event.queue, event.category))

    def _new_contact(self, entry: Entry, call: int, caller: str, queue: str, category: str) -> Sequence[tickets.Event]:
        return self.desk.contact(call, caller, queue, category, entry.at, self.last_ticket + 1)

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
            self._matter(entry, self._new_contact(entry, live.id, live.caller, asked.queue, asked.category))
        return replace(asked, ticket=live.ticket)

    def _matter(self, entry: Entry, answers: Sequence[tickets.Event]) -> None:
        """What the desk answered is so from now on."""
        for note in answers:
            self.desk.receive(note, entry.at)
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
                "desk": self.desk.snapshot(),
                "last_ticket": self.last_ticket,
                "position": self.position,
                "unwritten": [(*_text(each.note), each.at, each.after) for each in self.unwritten],
                "at": self.at,
            }
        )

    @classmethod
    def restore(cls, data: bytes) -> State:
        """The inverse of `snapshot`."""
        values: dict[str, Any] = msgspec.json.decode(data)
        state = cls()
        state.floor = Floor.restore(values["floor"])
        if "callbacks" in values:
            state.callbacks = Callbacks.restore(values["callbacks"])
        state.calls = Calls.restore(values["calls"])
        for live in state.calls:
            live.asked = state.floor.asked(live.id) or live.asked
        state.desk = Desk.restore(values["desk"])
        state.last_ticket, state.position = values["last_ticket"], values["position"]
        state.at = values["at"]
        for name, note, at, after in values["unwritten"]:
            try:
                state.unwritten.append(Unwritten(decode(name, note.encode()), at, after))
            except (KeyError, msgspec.DecodeError) as error:
                _log.error("a note that another version made is left out", kind=name, after=after, error=str(error))
        return state


def _text(note: object) -> tuple[str, str]:
    name, data = encode(note)
    return name, data.decode()
