"""What happened to a ticket, as the log keeps it. Append-only: a ticket's history is the list of its events."""

from __future__ import annotations

from dataclasses import dataclass

from tickets.rules import Hours, Rules


@dataclass(frozen=True, slots=True)
class Event:
    """Base of the tickets' events."""

    ticket: int


@dataclass(frozen=True, slots=True)
class TicketRulesSet:
    """The operator's rules from here on. Limits run in `hours`, or without them by the clock.

    A ticket keeps the limits that it has; a log without this event was played by the rules as they are by default.
    """

    rules: Rules
    hours: Hours | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class TicketOpened(Event):
    """A new case. `respond_by` and `resolve_by` are the limits that its grade gives, UTC seconds."""

    call: int
    caller: str
    business: str
    category: str
    grade: str = "general"
    respond_by: float | None = None
    resolve_by: float | None = None


@dataclass(frozen=True, slots=True)
class ContactAdded(Event):
    """Another call was about the same matter."""

    call: int


@dataclass(frozen=True, slots=True)
class GradeRaised(Event):
    """The case became graver, and its limits tighter; a limit is never loosened."""

    grade: str
    why: str
    respond_by: float | None = None
    resolve_by: float | None = None


@dataclass(frozen=True, slots=True)
class StateChanged(Event):
    """The ticket went one step forward."""

    state: str
    by: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class OwnerSet(Event):
    """The agent who owns the case: the caller's next call is offered to this agent first."""

    agent: str
    by: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class CategoryConfirmed(Event):
    """The category that an agent confirmed. The caller's own choice stays beside it."""

    category: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class RoundStarted(Event):
    """The customer was not satisfied: the work begins anew, one grade up. The round before it stays as it ended."""

    round: int
    grade: str
    by: str = ""
    why: str = ""
    respond_by: float | None = None
    resolve_by: float | None = None


@dataclass(frozen=True, slots=True)
class TicketLinked(Event):
    """The case is kept in another system, under this reference; a later event of the same system takes its place."""

    system: str
    reference: str
    url: str = ""
    by: str = ""
