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

    A ticket keeps the limits that it has, but for hours that changed (`LimitsRecomputed`); a log without this event was
    played by the rules as they are by default.
    """

    rules: Rules
    hours: Hours | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class TicketOpened(Event):
    """A new case. `respond_by` and `resolve_by` are the limits that its grade gives, UTC seconds.

    `call` is 0 for a ticket that a person opened (`by`) without a call.
    """

    call: int
    caller: str
    business: str
    category: str
    grade: str = "general"
    respond_by: float | None = None
    resolve_by: float | None = None
    type: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class ContactAdded(Event):
    """Another call was about the same matter."""

    call: int


@dataclass(frozen=True, slots=True)
class GradeRaised(Event):
    """The case became graver, and its limits tighter; a limit is never loosened. `why` names the trigger first."""

    grade: str
    why: str
    respond_by: float | None = None
    resolve_by: float | None = None
    by: str = ""


@dataclass(frozen=True, slots=True)
class StateChanged(Event):
    """The ticket went one step forward; `department` is the one that a dispatched ticket is given to."""

    state: str
    by: str = ""
    why: str = ""
    department: str = ""


@dataclass(frozen=True, slots=True)
class Redispatched(Event):
    """The dispatcher puts a wrong dispatch right before anybody has acknowledged it: counted against the sorting."""

    department: str
    by: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class NoteAdded(Event):
    """A person wrote something down."""

    text: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class OwnerSet(Event):
    """The agent who owns the case: the caller's next call is offered to this agent first."""

    agent: str
    by: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class AccusedSet(Event):
    """The agent whom the customer complains about (投诉工号); empty: nobody any more."""

    accused: str
    by: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class CategoryConfirmed(Event):
    """The category that an agent confirmed. The caller's own choice stays beside it."""

    category: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class TypeSet(Event):
    """The ticket is of another type. Its limits tighten where the type's are tighter."""

    type: str
    by: str = ""
    why: str = ""
    respond_by: float | None = None
    resolve_by: float | None = None


@dataclass(frozen=True, slots=True)
class FieldsFilled(Event):
    """Values of the type's fields; an empty text empties the field."""

    fields: tuple[tuple[str, str], ...]
    by: str = ""


@dataclass(frozen=True, slots=True)
class DatePromised(Event):
    """An answer was promised to the customer by this instant, UTC seconds; None: no promise stands any more."""

    promised_for: float | None
    by: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class DateMissed(Event):
    """The promised instant went by and the case is not resolved; `GradeRaised` follows unless it is critical."""

    promised_for: float


@dataclass(frozen=True, slots=True)
class LimitWarned(Event):
    """So much of the working time of a limit (respond, resolve) is over that somebody must be told."""

    limit: str
    until: float


@dataclass(frozen=True, slots=True)
class LimitPassed(Event):
    """A limit (respond, resolve) is over and was not met."""

    limit: str
    until: float


@dataclass(frozen=True, slots=True)
class Escalated(Event):
    """The case is a leader's or the manager's matter from now on: by itself because a `limit` is over, or because a
    person asked."""

    level: str
    limit: str = ""
    by: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class AuthorityAsked(Event):
    """申请授权: `by` asks for leave to do `what`, such as a compensation. Requests are numbered from 1 in a ticket."""

    request: int
    what: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class AuthorityAnswered(Event):
    """The answer to such a request."""

    request: int
    granted: bool
    by: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class LimitsRecomputed(Event):
    """The business hours changed: the only way in which a limit may become later. `why` says what it was."""

    respond_by: float | None
    resolve_by: float | None
    why: str


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
class FollowUpAnswered(Event):
    """The customer answered a question of the follow-up call `call`, about this round: kept also once it is over."""

    call: int
    round: int
    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class TicketLinked(Event):
    """The case is kept in another system, under this reference; a later event of the same system takes its place."""

    system: str
    reference: str
    url: str = ""
    by: str = ""
    owns: tuple[str, ...] = ()
    """What of the ticket only that system may change from now on: names of `tickets.owned.PARTS`."""
