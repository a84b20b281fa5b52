"""What the clock does to a case: a limit is warned of, then over; a promised date is missed; a matter goes up a level.

Limits run in working time from the instant at which they were set. The earliest that was set in a round holds. They end
later only when the business hours themselves change, and then the log says why.
"""

from __future__ import annotations

from collections.abc import Callable

from tickets import events as ev
from tickets.case import LIMITS, RESPOND, Case, sooner
from tickets.rules import Rules
from tickets.severity import Grade, Level, Trigger, after_trigger

Working = Callable[[float, float], float]
"""(start, seconds) → the instant at which so much working time has gone by."""
MOST_CLOCKS = 16
_SAME = 1.0
"""Limits that differ by less (seconds) are the same: hours that say the same change nothing."""


def by_the_clock(start: float, seconds: float) -> float:
    """Working time that never stops."""
    return start + seconds


def limits(rules: Rules, working: Working, grade: Grade, type: str, now: float) -> tuple[float, float]:
    """(respond by, resolve by) of a case of this grade and type whose limits begin now."""
    limit = rules.limit(grade, type)
    return working(now, limit.respond), working(now, limit.resolve)


def wind(case: Case, rules: Rules, now: float) -> None:
    """A limit was set now: its clock is kept, so that it can be reckoned again."""
    limit = rules.limit(case.grade, case.type)
    case.clocks.append([now, limit.respond, limit.resolve])
    del case.clocks[:-MOST_CLOCKS]


def _reckoned(case: Case, name: str, working: Working, share: float = 1.0) -> float | None:
    place = 1 if name == RESPOND else 2
    return min((working(clock[0], clock[place] * share) for clock in case.clocks), default=None)


def _warn_at(case: Case, name: str, rules: Rules, working: Working) -> float | None:
    until = case.limit(name)
    if until is None:
        return None
    found = _reckoned(case, name, working, rules.warn_at)
    if found is None:
        found = case.opened_at + rules.warn_at * (until - case.opened_at)
    return min(found, until)


def next_due(case: Case, rules: Rules, working: Working) -> float | None:
    """The next instant at which `due` has something to say; None while nothing runs."""
    instants: list[float | None] = []
    for name in case.running():
        if name in case.overdue:
            if case.level is Level.LEADER:
                instants.append(working(case.level_since, rules.manager_after))
            continue
        instants.append(case.limit(name))
        if name not in case.warned:
            instants.append(_warn_at(case, name, rules, working))
    if not case.resolved:
        instants.append(case.promised_for)
    return min((each for each in instants if each is not None), default=None)


def due(case: Case, rules: Rules, working: Working, now: float) -> list[ev.Event]:
    """What the time up to now brings about, to be logged in this order."""
    told: list[ev.Event] = []
    if case.promised_for is not None and not case.resolved and case.promised_for <= now:
        told.append(ev.DateMissed(case.ticket, case.promised_for))
        told += raised(
            case, after_trigger(case.grade, Trigger.BROKEN_PROMISE), Trigger.BROKEN_PROMISE, rules, working, now
        )
    level = case.level
    for name in case.running():
        until = case.limit(name)
        if until is None:
            continue
        if name in case.overdue:
            if level is Level.LEADER is case.level and working(case.level_since, rules.manager_after) <= now:
                level = level.up()
                told.append(ev.Escalated(case.ticket, level, name, why=f"the limit to {name} is still not met"))
        elif until <= now:
            told.append(ev.LimitPassed(case.ticket, name, until))
            if level is not Level.MANAGER:
                level = level.up()
                told.append(ev.Escalated(case.ticket, level, name, why=f"the limit to {name} is over"))
        elif name not in case.warned:
            at = _warn_at(case, name, rules, working)
            if at is not None and at <= now:
                told.append(ev.LimitWarned(case.ticket, name, until))
    return told


def raised(
    case: Case, grade: Grade, why: str, rules: Rules, working: Working, now: float, by: str = ""
) -> list[ev.Event]:
    """The grade is raised, and the limits with it; nothing if the case has that grade."""
    if grade is case.grade:
        return []
    respond_by, resolve_by = limits(rules, working, grade, case.type, now)
    return [
        ev.GradeRaised(
            case.ticket, grade, why, sooner(case.respond_by, respond_by), sooner(case.resolve_by, resolve_by), by
        )
    ]


def recomputed(case: Case, working: Working, why: str) -> list[ev.Event]:
    """The limits by other hours; nothing if they stay, or if what they were reckoned from is not known."""
    if not case.clocks:
        return []
    found = {}
    for name in LIMITS:
        then, now = case.limit(name), _reckoned(case, name, working)
        runs = name in case.running() and name not in case.overdue
        found[name] = now if runs and (then is None or now is None or abs(now - then) >= _SAME) else then
    if all(found[name] == case.limit(name) for name in LIMITS):
        return []
    return [ev.LimitsRecomputed(case.ticket, found[RESPOND], found["resolve"], why)]
