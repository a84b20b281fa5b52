"""What happened to a ticket, as the log keeps it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """Base of the tickets' events."""

    ticket: int


@dataclass(frozen=True, slots=True)
class TicketOpened(Event):
    call: int
    caller: str
    business: str
    category: str
    grade: str = "general"


@dataclass(frozen=True, slots=True)
class ContactAdded(Event):
    """The same matter came up in another call."""

    call: int


@dataclass(frozen=True, slots=True)
class GradeRaised(Event):
    grade: str
    why: str


@dataclass(frozen=True, slots=True)
class StateChanged(Event):
    state: str
    by: str = ""
    why: str = ""
