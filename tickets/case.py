"""One open case, and what each event makes of it. An event that the rules forbid by now changes nothing.

Two people may ask at the same moment: both answers are in the log, and only the first one fits. So a state never goes
back and a limit is never loosened, whatever stands in the log.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any

from tickets import events as ev
from tickets.severity import Grade, Level
from tickets.states import NEXT, TicketState

RESPOND, RESOLVE = "respond", "resolve"
LIMITS = (RESPOND, RESOLVE)
MOST_REQUESTS = 20
"""Requests for authority that may wait for an answer in one ticket."""


@dataclass(slots=True)
class Case:
    """An open ticket, as far as the register must know it. Instants are UTC seconds."""

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
    type: str = ""
    department: str = ""
    accused: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    promised_for: float | None = None
    """Until when the customer was promised an answer; None: nothing was promised, or it was missed."""
    clocks: list[list[float]] = field(default_factory=list)
    """[start, seconds to respond, seconds to resolve] of each limit that was set in this round."""
    warned: list[str] = field(default_factory=list)
    overdue: list[str] = field(default_factory=list)
    """The limits of this round that were not met in time."""
    level: Level = Level.AGENT
    level_since: float = 0.0
    requests: dict[str, str] = field(default_factory=dict)
    """Requests for authority without an answer, by number."""
    last_request: int = 0
    opened_by: str = ""
    """The person who opened it without a call's doing so."""
    outside: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    """Outside systems that own parts of the case: system → (its reference there, the parts)."""
    version: int = 0
    """How many events of the log are about this ticket."""
    due: float | None = None
    """The next instant at which something is to be done by itself."""

    @property
    def responded(self) -> bool:
        """Whether the response limit is met: somebody has the case in hand."""
        return self.state not in (TicketState.NEW, TicketState.DISPATCHED)

    @property
    def resolved(self) -> bool:
        """Whether the resolution limit is met."""
        return self.state in (TicketState.RESOLVED, TicketState.FOLLOWED_UP)

    def running(self) -> tuple[str, ...]:
        """The limits that are not met yet, in time or not."""
        met = (self.responded, self.resolved)
        return tuple(name for name, is_met in zip(LIMITS, met, strict=True) if not is_met)

    def limit(self, name: str) -> float | None:
        """Until when this limit runs."""
        return self.respond_by if name == RESPOND else self.resolve_by


_SAVED = tuple(each.name for each in fields(Case))
_values = attrgetter(*_SAVED)
_PLAIN = {"fields": dict, "calls": list, "clocks": list, "warned": list, "overdue": list, "requests": dict}


def saved(case: Case) -> dict[str, Any]:
    """The case as plain JSON values. Lists and tables are the case's own: write them before the next event."""
    # Thousands of cases are open for weeks, and a snapshot holds up every call.
    return dict(zip(_SAVED, _values(case), strict=True))


def restored(values: dict[str, Any]) -> Case:
    """The inverse of `saved`; what an earlier release did not keep is as it is by default."""
    values = {**values, "grade": Grade(values["grade"]), "state": TicketState(values["state"])}
    if "level" in values:
        values["level"] = Level(values["level"])
    if "outside" in values:
        values["outside"] = {name: (ref, tuple(parts)) for name, (ref, parts) in values["outside"].items()}
    for name, copy in _PLAIN.items():
        if name in values:
            values[name] = copy(values[name])
    return Case(**values)


def fits(case: Case, event: ev.Event) -> bool:
    """Whether the event may still happen to the case."""
    match event:
        case ev.StateChanged(state=state):
            return state in NEXT[case.state]
        case ev.Redispatched():
            return case.state is TicketState.DISPATCHED
        case ev.RoundStarted(round=number):
            return case.state is TicketState.FOLLOWED_UP and number == case.round + 1
        case ev.GradeRaised(grade=grade):
            return Grade(grade).rank >= case.grade.rank
        case ev.Escalated(level=level):
            return Level(level).rank > case.level.rank
        case ev.AuthorityAsked(request=request):
            return request > case.last_request
        case ev.AuthorityAnswered(request=request):
            return str(request) in case.requests
        case ev.DateMissed(promised_for=at):
            return case.promised_for == at
        case ev.LimitWarned(limit=limit) | ev.LimitPassed(limit=limit):
            return limit not in case.overdue
        case _:
            return True


def take(case: Case, event: ev.Event, now: float) -> bool:
    """Let the event happen to an open case, if it fits; says whether it did. Calls and closing are the register's."""
    if not fits(case, event):
        return False
    case.version += 1
    match event:
        case ev.StateChanged(state=state, department=department):
            case.state = TicketState(state)
            case.department = department or case.department
        case ev.Redispatched(department=department):
            case.department = department
        case ev.GradeRaised(grade=grade):
            case.grade = Grade(grade)
            _tighten(case, event.respond_by, event.resolve_by)
        case ev.TypeSet(type=type):
            case.type = type
            _tighten(case, event.respond_by, event.resolve_by)
        case ev.RoundStarted():
            case.round, case.grade, case.state = event.round, Grade(event.grade), TicketState.NEW
            case.respond_by, case.resolve_by = event.respond_by, event.resolve_by
            case.clocks, case.warned, case.overdue = [], [], []
            case.promised_for = None
        case ev.LimitsRecomputed():
            case.respond_by, case.resolve_by = event.respond_by, event.resolve_by
        case ev.OwnerSet(agent=agent):
            case.owner = agent
        case ev.AccusedSet(accused=accused):
            case.accused = accused
        case ev.CategoryConfirmed(category=category):
            case.confirmed = category
        case ev.FieldsFilled(fields=values):
            for name, value in values:
                if value:
                    case.fields[name] = value
                else:
                    case.fields.pop(name, None)
        case ev.DatePromised(promised_for=at):
            case.promised_for = at
        case ev.DateMissed():
            case.promised_for = None
        case ev.LimitWarned(limit=limit):
            case.warned.append(limit)
        case ev.LimitPassed(limit=limit):
            case.overdue.append(limit)
        case ev.Escalated(level=level):
            case.level, case.level_since = Level(level), now
        case ev.AuthorityAsked(request=request, what=what):
            case.requests[str(request)], case.last_request = what, request
        case ev.AuthorityAnswered(request=request):
            case.requests.pop(str(request), None)
        case ev.TicketLinked(system=system, reference=reference, owns=parts):
            case.outside.pop(system, None)
            if parts:
                case.outside[system] = (reference, tuple(parts))
    return True


def _tighten(case: Case, respond_by: float | None, resolve_by: float | None) -> None:
    case.respond_by = sooner(case.respond_by, respond_by)
    case.resolve_by = sooner(case.resolve_by, resolve_by)


def sooner(known: float | None, wanted: float | None) -> float | None:
    """The earlier of two limits; None is none."""
    given = [each for each in (known, wanted) if each is not None]
    return min(given, default=None)
