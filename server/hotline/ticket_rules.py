"""`[tickets]` of the hotline's file: which calls open a ticket, what makes a matter graver, and how long each may take.

The log keeps the rules with the hours in which limits run, holidays included: every replay reckons the same limits,
even if the files and the known holidays have changed since.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from ivr.calendar import Calendar, Span
from ivr.calendar import Spans as CalendarSpans
from server.hotline.ticket_types import departments, read_types
from tables.errors import Key, TableError
from tables.values import Table, known, text
from tickets.register import Working, by_the_clock
from tickets.rules import DAY, Hours, Limit, Rules, Spans
from tickets.severity import Grade

_USUAL = Rules()
_LONGEST = 366 * DAY


def read_rules(data: Any, business: Sequence[str], categories: Sequence[str], types: Any = None) -> tuple[Rules, bool]:
    """Read the table, and `types` (`[ticket_types]`): the rules, and whether limits run in business hours only.

    `business` are the queues, `categories` the skills. Raises TableError with the key of the value that cannot be used.
    """
    table = Table(data, ("tickets",))
    opens = table.texts("opens", _USUAL.opens)
    for index, name in enumerate(opens):
        # What stands in no file refuses no hotline that has other queues.
        if table.has("opens"):
            known(name, business, (*table.at("opens"), index), "business type")
    raising = table.table("raise")
    limits = table.table("limits")
    after = table.table("follow_up")
    own_limits = {grade: _limit(limits.table(grade), getattr(_USUAL, grade)) for grade in Grade}
    rules = Rules(
        opens=opens,
        same_matter_for=table.seconds("same_matter_for", _USUAL.same_matter_for, most=_LONGEST),
        contacts=_contacts(raising),
        vip=_grade(raising.text("vip", _USUAL.vip), raising.at("vip")),
        business=_by_name(raising.table("business"), business, "business type"),
        categories=_by_name(raising.table("categories"), categories, "category"),
        general=own_limits[Grade.GENERAL],
        serious=own_limits[Grade.SERIOUS],
        critical=own_limits[Grade.CRITICAL],
        departments=departments(table),
        warn_at=table.number("warn_at", _USUAL.warn_at, most=1.0, above=0.0),
        manager_after=table.seconds("manager_after", _USUAL.manager_after, most=_LONGEST),
        follow_up=after.flag("automatic", _USUAL.follow_up),
        follow_up_after=after.number("after", _USUAL.follow_up_after, most=30 * DAY),
        satisfied_from=after.integer("satisfied_from", _USUAL.satisfied_from, least=2, most=5),
    )
    rules = replace(rules, types=read_types(types or {}, rules, business))
    _refuse_looser(limits, rules)
    in_hours = table.flag("business_hours", True)
    for each in (table, raising, limits, after):
        each.done()
    return rules, in_hours


def hours_of(calendar: Calendar, now: float) -> Hours | None:
    """The hours as the log keeps them; None when they never close. `now` is UTC epoch seconds."""
    if calendar.always():
        return None
    # From a fixed day, so that the same definitions are the same rules on every day of the year.
    since = date(datetime.fromtimestamp(now, calendar.zone).year - 1, 12, 1)
    days = ((f"{day}", _plain(spans)) for day, spans in calendar.unusual_days(since).items())
    return Hours(calendar.zone.key, tuple(_plain(spans) for spans in calendar.weekly), tuple(days))


def working_time(hours: Hours | None) -> Working:
    """The function that adds working time to an instant. Hours that never come to an end of it count by the clock."""
    if hours is None:
        return by_the_clock
    calendar = Calendar(
        ZoneInfo(hours.zone),
        tuple(_spans(spans) for spans in hours.weekly),
        {date.fromisoformat(day): _spans(spans) for day, spans in hours.days},
        on_holidays=None,
    )

    def working(start: float, seconds: float) -> float:
        reached = calendar.add_working(start, seconds)
        return by_the_clock(start, seconds) if reached is None else reached

    return working


def unreachable(rules: Rules, calendar: Calendar, now: float) -> list[Grade]:
    """The grades whose limits the business hours do not reach from now, within years."""
    return [grade for grade in Grade if calendar.add_working(now, rules.limit(grade).resolve) is None]


def _plain(spans: CalendarSpans) -> Spans:
    return tuple((span.start, span.end) for span in spans)


def _spans(plain: Spans) -> CalendarSpans:
    return tuple(Span(start, end) for start, end in plain)


def _grade(name: str, key: Key) -> Grade:
    return Grade(known(name, tuple(Grade), key, "grade"))


def _by_name(table: Table, names: Sequence[str], kind: str) -> tuple[tuple[str, Grade], ...]:
    found = []
    for name, grade in table.data.items():
        known(name, names, table.at(name), kind)
        found.append((name, _grade(text(grade, table.at(name)), table.at(name))))
    return tuple(found)


def _contacts(raising: Table) -> tuple[tuple[int, Grade], ...]:
    if not raising.has("contacts"):
        return _USUAL.contacts
    table = raising.table("contacts")
    found = []
    for calls, grade in table.data.items():
        if not calls.isdecimal() or not 2 <= int(calls) <= 1000:
            raise TableError(table.at(calls), f"{calls} is no number of calls: from 2 to 1000")
        found.append((int(calls), _grade(text(grade, table.at(calls)), table.at(calls))))
    return tuple(sorted(found))


def _limit(table: Table, usual: Limit) -> Limit:
    limit = Limit(
        table.seconds("respond", usual.respond, most=_LONGEST), table.seconds("resolve", usual.resolve, most=_LONGEST)
    )
    table.done()
    if limit.respond > limit.resolve:
        key = "respond" if table.has("respond") else "resolve"
        raise TableError(
            table.at(key), f"respond ({limit.respond:g} s) must not be longer than resolve ({limit.resolve:g} s)"
        )
    return limit


def _refuse_looser(limits: Table, rules: Rules) -> None:
    """A graver matter never has more time than a lighter one."""
    for lighter, graver in ((Grade.GENERAL, Grade.SERIOUS), (Grade.SERIOUS, Grade.CRITICAL)):
        for name in ("respond", "resolve"):
            less, more = getattr(rules.limit(lighter), name), getattr(rules.limit(graver), name)
            if more > less:
                named = graver if name in limits.table(graver).data else lighter
                raise TableError(
                    (*limits.at(named), name), f"{graver} ({more:g} s) must not have longer than {lighter} ({less:g} s)"
                )
