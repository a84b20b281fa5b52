"""What people do with a ticket: each act answers with the events to log, or refuses with a sentence.

Asking changes nothing: the register plays the events once they are in the log.
"""

from __future__ import annotations

from collections.abc import Mapping

from tickets import events as ev
from tickets.case import MOST_REQUESTS, Case
from tickets.limits import Working, limits, raised
from tickets.rules import Rules
from tickets.severity import Level, Trigger, after_trigger
from tickets.states import TicketError, TicketState, step

LONGEST_NOTE = 4000


def set_state(
    case: Case, rules: Rules, wanted: str, *, department: str = "", by: str = "", why: str = ""
) -> list[ev.Event]:
    """One step forward, or a wrong dispatch put right. Raises TicketError for every other step.

    A ticket that is dispatched needs a department that its type allows, and its type's checklist filled.
    """
    if wanted == TicketState.DISPATCHED and case.state is TicketState.DISPATCHED:
        return _redispatch(case, rules, department, by, why)
    state = step(case.ticket, case.state, wanted)
    if state is not TicketState.DISPATCHED:
        if department:
            raise TicketError(f"ticket {case.ticket}: a department goes with dispatched alone, not with {state}")
        return [ev.StateChanged(case.ticket, state, by, why)]
    department = _department(case, rules, department)
    found = rules.type(case.type)
    if found is not None and (missing := found.missing(case.fields)):
        raise TicketError(
            f"ticket {case.ticket} ({found.name}) cannot be dispatched: fill {', '.join(missing)} first, such as "
            f"`sansheng ticket field {case.ticket} {missing[0]}=…`"
        )
    return [ev.StateChanged(case.ticket, state, by, why, department)]


def _redispatch(case: Case, rules: Rules, department: str, by: str, why: str) -> list[ev.Event]:
    department = _department(case, rules, department, again=True)
    if department == case.department:
        raise TicketError(f"ticket {case.ticket} is dispatched to {department} already")
    if not why:
        raise TicketError(f"ticket {case.ticket}: say why {case.department or 'the dispatch'} was wrong (--why)")
    return [ev.Redispatched(case.ticket, department, by, why)]


def _department(case: Case, rules: Rules, wanted: str, *, again: bool = False) -> str:
    found = rules.type(case.type)
    allowed = (found.departments if found is not None else ()) or rules.departments
    if not wanted and not again:
        wanted = case.department or (allowed[0] if len(allowed) == 1 else "")
    if not wanted:
        among = f": one of {', '.join(allowed)}" if allowed else ""
        raise TicketError(f"ticket {case.ticket}: name the department that it goes to (--department){among}")
    if allowed and wanted not in allowed:
        kind = f"a ticket of type {found.name}" if found is not None and found.departments else "a ticket"
        raise TicketError(f"{kind} does not go to {wanted}: it may go to {', '.join(allowed)}")
    return wanted


def follow_up(
    case: Case, rules: Rules, working: Working, satisfied: bool, now: float, *, by: str = "", why: str = ""
) -> list[ev.Event]:
    """The customer was asked. Satisfied: closed. Not satisfied: the next round begins, one grade up.

    Raises TicketError for a case that is not resolved.
    """
    told: list[ev.Event] = []
    if case.state is not TicketState.FOLLOWED_UP:
        told.append(ev.StateChanged(case.ticket, step(case.ticket, case.state, TicketState.FOLLOWED_UP), by, why))
    if satisfied:
        return [*told, ev.StateChanged(case.ticket, TicketState.CLOSED, by, why)]
    grade = after_trigger(case.grade, Trigger.NOT_SATISFIED)
    respond_by, resolve_by = limits(rules, working, grade, case.type, now)
    return [*told, ev.RoundStarted(case.ticket, case.round + 1, grade, by, why, respond_by, resolve_by)]


def note(case: Case, text: str, by: str = "") -> list[ev.Event]:
    """A person writes something down. Raises TicketError for an empty or an endless note."""
    text = text.strip()
    if not text:
        raise TicketError(f"ticket {case.ticket}: the note is empty")
    if len(text) > LONGEST_NOTE:
        raise TicketError(f"ticket {case.ticket}: {len(text)} characters are too many: up to {LONGEST_NOTE}")
    return [ev.NoteAdded(case.ticket, text, by)]


def set_owner(case: Case, agent: str, by: str = "", why: str = "") -> list[ev.Event]:
    """Another agent owns the case. Raises TicketError for the accused agent."""
    if agent and agent == case.accused:
        raise TicketError(f"ticket {case.ticket} is about agent {agent}, who cannot own it")
    return [] if agent == case.owner else [ev.OwnerSet(case.ticket, agent, by, why)]


def accuse(case: Case, agent: str, by: str = "", why: str = "") -> list[ev.Event]:
    """The case is about this agent (投诉工号), or about nobody (empty). An accused owner owns the case no more."""
    if agent == case.accused:
        return []
    told: list[ev.Event] = [ev.AccusedSet(case.ticket, agent, by, why)]
    if agent and agent == case.owner:
        told.append(ev.OwnerSet(case.ticket, "", by, "the case is about this agent"))
    return told


def confirm_category(case: Case, category: str, by: str = "") -> list[ev.Event]:
    """The category as an agent found it."""
    return [] if category == case.confirmed else [ev.CategoryConfirmed(case.ticket, category, by)]


def set_type(
    case: Case, rules: Rules, working: Working, type: str, now: float, by: str = "", why: str = ""
) -> list[ev.Event]:
    """Another type, before the ticket has left the first desk. Raises TicketError for a type that does not exist."""
    if type == case.type:
        return []
    if rules.type(type) is None:
        names = ", ".join(each.name for each in rules.types)
        raise TicketError(f"there is no ticket type {type}: {f'there are {names}' if names else 'none is configured'}")
    if case.state is not TicketState.NEW:
        raise TicketError(f"ticket {case.ticket} is {case.state}: its type is chosen before it is dispatched")
    respond_by, resolve_by = limits(rules, working, case.grade, type, now)
    return [ev.TypeSet(case.ticket, type, by, why, respond_by, resolve_by)]


def fill(case: Case, rules: Rules, values: Mapping[str, str], by: str = "", type: str | None = None) -> list[ev.Event]:
    """Fill fields of the type (`type` if it is chosen in the same breath).

    Raises TicketError for a field that the type does not have and for a value that the field cannot have.
    """
    found = rules.type(case.type if type is None else type)
    if found is None:
        raise TicketError(f"ticket {case.ticket} has no type, and so no fields: choose one first")
    read = found.read(values)
    changed = tuple((name, value) for name, value in read if case.fields.get(name, "") != value)
    return [ev.FieldsFilled(case.ticket, changed, by)] if changed else []


def promise(case: Case, until: float | None, now: float, by: str = "", why: str = "") -> list[ev.Event]:
    """An answer was promised to the customer by `until`, UTC seconds; None takes it back.

    Raises TicketError for an instant that is over, and when the case is resolved.
    """
    if until == case.promised_for:
        return []
    if until is not None and until <= now:
        raise TicketError(f"ticket {case.ticket}: that is in the past: promise an instant to come")
    if until is not None and case.resolved:
        raise TicketError(f"ticket {case.ticket} is {case.state}: nothing is left to be promised")
    if case.promised_for is not None and not why:
        raise TicketError(f"ticket {case.ticket}: a date was promised to the customer: say why it changes")
    return [ev.DatePromised(case.ticket, until, by, why)]


def trigger(
    case: Case, rules: Rules, working: Working, name: str, now: float, by: str = "", why: str = ""
) -> list[ev.Event]:
    """A fact that makes the case graver became known. Raises TicketError for a trigger that does not exist.

    One that changes nothing, because the case is as grave already, is noted all the same.
    """
    offered = [each.value for each in Trigger if each is not Trigger.NOT_SATISFIED]
    if name not in offered:
        raise TicketError(f"{name!r} raises no grade; the triggers are {', '.join(offered)}")
    said = f"{name}: {why}" if why else name
    told = raised(case, after_trigger(case.grade, Trigger(name)), said, rules, working, now, by)
    return told or [ev.NoteAdded(case.ticket, f"{said} (the case is {case.grade} already)", by)]


def escalate(case: Case, by: str = "", why: str = "") -> list[ev.Event]:
    """The case goes one level up: agent, leader, manager. Raises TicketError at the top."""
    if case.level is Level.MANAGER:
        raise TicketError(f"ticket {case.ticket} is the manager's already")
    return [ev.Escalated(case.ticket, case.level.up(), by=by, why=why)]


def ask_authority(case: Case, what: str, by: str = "") -> list[ev.Event]:
    """申请授权: ask for leave to do something. Raises TicketError for an empty request, or when too many wait."""
    if not what.strip():
        raise TicketError(f"ticket {case.ticket}: say what is asked for")
    if len(case.requests) >= MOST_REQUESTS:
        raise TicketError(f"ticket {case.ticket}: {len(case.requests)} requests wait for an answer already")
    return [ev.AuthorityAsked(case.ticket, case.last_request + 1, what.strip(), by)]


def answer_authority(case: Case, request: int, granted: bool, by: str = "", why: str = "") -> list[ev.Event]:
    """Grant or refuse such a request. Raises TicketError for one that does not wait for an answer."""
    if str(request) not in case.requests:
        waiting = ", ".join(case.requests) or "none"
        raise TicketError(f"ticket {case.ticket}: request {request} waits for no answer; those that do: {waiting}")
    if not granted and not why:
        raise TicketError(f"ticket {case.ticket}: say why request {request} is refused")
    return [ev.AuthorityAnswered(case.ticket, request, granted, by, why)]
