"""What the log says now: the floor, the calls in progress and the tickets' desk, played entry by entry.

Changed only by `play`. Whoever plays the same entries has the same state and is answered the same commands and notes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import msgspec
import structlog

import acd.events as acd
import tickets.events as tickets
from acd.commands import AgentChanged, Command, HandedOver, Moved, Offer, Withdraw
from acd.floor import Floor
from server.calls import Calls
from server.log import Entry, decode, encode
from server.notes import AgentNoted, Decided
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
        """Play one entry and return the floor's commands; the notes that follow are in `unwritten`.

        A note among the entries was made when its cause was played: it only says that it is in the log now.
        """
        self.position, self.at = entry.id, max(self.at, entry.at)
        if entry.after:
            if self.unwritten:
                self.unwritten.popleft()
            return []
        commands = self._decide(entry) if isinstance(entry.event, acd.Event) else []
        with self._passing_over(entry, "the calls"):
            self.calls.receive(entry.event, entry.at)
        with self._passing_over(entry, "the tickets' desk"):
            if isinstance(entry.event, tickets.Event):
                self.desk.receive(entry.event, entry.at)
            elif isinstance(entry.event, acd.CallQueued):
                self._contact(entry)
            elif isinstance(entry.event, acd.Joined):
                self._matter(entry, self.desk.served(entry.event.call, entry.event.agent))
        with self._passing_over(entry, "the floor's commands"):
            for command in commands:
                self._take_in(entry, command)
        return commands

    def _take_in(self, entry: Entry, command: Command) -> None:
        if isinstance(command, AgentChanged):
            self._note(entry, AgentNoted(command.agent, command.status, command.state, command.reason, command.call))
        elif isinstance(command, Offer):
            self.calls.offered(command, entry.at)
        elif isinstance(command, Withdraw):
            self.calls.withdrawn(command)
        elif isinstance(command, HandedOver):
            self.calls.handed_over(command, entry.at)
        elif isinstance(command, Moved):
            self.calls.moved(command)
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

    def _decide(self, entry: Entry) -> list[Command]:
        with self._passing_over(entry, "the floor"):
            return self.floor.receive(entry.event, entry.at)
        return []

    def _contact(self, entry: Entry) -> None:
        """A call came to a queue: its matter has a ticket from now on, a new one or the open one."""
        event: acd.CallQueued = entry.event
        live = self.calls.get(event.call)
        if live is None or live.ticket is not None:
            return
        contact = self.desk.contact(
            event.call, event.caller, event.queue, event.category, entry.at, self.last_ticket + 1
        )
        self._matter(entry, contact)

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
        state.calls = Calls.restore(values["calls"])
        state.desk = Desk.restore(values["desk"])
        state.last_ticket, state.position = values["last_ticket"], values["position"]
        state.at = values["at"]
        state.unwritten = deque(
            Unwritten(decode(name, note.encode()), at, after) for name, note, at, after in values["unwritten"]
        )
        return state


def _text(note: object) -> tuple[str, str]:
    name, data = encode(note)
    return name, data.decode()
