"""What the log says now: the floor, callback mode, calls and recordings in progress, the tickets, entry by entry.

Changed only by `play`: the same entries always give the same state, the same commands and the same notes.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from typing import Any

import msgspec
import structlog

import acd.events as acd
import quality.events as quality
import recordings.events as rec
from acd.callbacks.commands import ModeChanged, PromiseChanged
from acd.callbacks.engine import Callbacks
from acd.callbacks.events import GIVEN, AttemptEnded, PromiseAsked
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
from server.hotline.matters import Matters
from server.hotline.notes import Notes, Unwritten
from server.hotline.published import Published
from server.hotline.shared_sounds import SharedSounds
from server.hotline.users import Users
from server.hotline.webhooks import Webhooks
from tickets.events import TicketRulesSet
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
        self.position = "0-0"
        """Id of the last entry played."""
        self.notes = Notes()
        self.matters = Matters(self.calls, self.callbacks, self.notes)
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
            if (asked := self.matters.receive(entry)) is not None:
                with self._passing_over(entry, "callback mode"):
                    commands += self.callbacks.receive(asked, entry.at)
        with self._passing_over(entry, "the time of tickets"):
            self.matters.due(entry)
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
    def tickets(self) -> Register:
        """Open tickets."""
        return self.matters.register

    @property
    def ticket_rules(self) -> TicketRulesSet | None:
        """The rules that tickets follow; None while the log has none."""
        return self.matters.rules

    @property
    def last_ticket(self) -> int:
        """The number of the newest ticket; 0 before the first."""
        return self.matters.last_ticket

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
            self.matters.promise_changed(entry, view)
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
                event = self.matters.on_a_ticket(entry, event)
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
                **self.matters.snapshot(),
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
        state.position, state.at = values["position"], values["at"]
        state.notes = Notes.restore(values["unwritten"])
        state.matters = Matters.restore(values, state.calls, state.callbacks, state.notes)
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
