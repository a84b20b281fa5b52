"""`[ticket_types.NAME]` of the hotline's file: the types of tickets, their fields, checklists, departments."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tables.errors import Key, TableError
from tables.values import Table, known, number
from tickets.rules import DAY, Rules
from tickets.severity import Grade
from tickets.types import LONGEST_TEXT, MOST_FIELDS, Field, FieldKind, Limit, TicketType

LONGEST_LIMIT = 366 * DAY
MOST_TYPES = 100
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_LINE = re.compile(r"[^\x00-\x1f\x7f]{1,80}")


def read_types(data: Any, rules: Rules, business: Sequence[str]) -> tuple[TicketType, ...]:
    """Read the table. `rules` has the grades' own limits and the departments, `business` the queues.

    Raises TableError with the key of the value that cannot be used.
    """
    table = Table(data, ("ticket_types",))
    if len(table.data) > MOST_TYPES:
        raise TableError(table.key, f"{len(table.data)} types are too many: up to {MOST_TYPES}")
    found: list[TicketType] = []
    for name in table.data:
        each = table.table(str(name))
        if not _NAME.fullmatch(str(name)):
            raise TableError(each.key, "a type's name is up to 40 small letters, digits, - and _, such as re-delivery")
        found.append(_type(str(name), each, rules, business))
    opened: dict[str, str] = {}
    for type in found:
        for index, name in enumerate(type.opens_for):
            if name in opened:
                at = ("ticket_types", type.name, "opens_for", index)
                raise TableError(at, f"calls of {name} open tickets of type {opened[name]} already")
            opened[name] = type.name
    return tuple(found)


def departments(table: Table) -> tuple[str, ...]:
    """A list of departments, each once."""
    names = table.texts("departments", ())
    for index, name in enumerate(names):
        at = (*table.at("departments"), index)
        if not _LINE.fullmatch(name) or name != name.strip() or "/" in name:
            raise TableError(at, f'"{name}" is no name of a department: up to 80 characters in one line, without /')
        if name in names[:index]:
            raise TableError(at, f"{name} stands here twice")
    return names


def _type(name: str, table: Table, rules: Rules, business: Sequence[str]) -> TicketType:
    label = table.text("label", "")
    opens_for = table.texts("opens_for", ())
    for index, each in enumerate(opens_for):
        known(each, business, (*table.at("opens_for"), index), "business type")
    fields = table.table("fields")
    if len(fields.data) > MOST_FIELDS:
        raise TableError(fields.key, f"{len(fields.data)} fields are too many: up to {MOST_FIELDS}")
    read = tuple(_field(str(each), fields.table(str(each))) for each in fields.data)
    checklist = table.texts("checklist", ())
    for index, each in enumerate(checklist):
        known(each, [field.name for field in read], (*table.at("checklist"), index), "field")
    allowed = departments(table)
    if rules.departments:
        for index, each in enumerate(allowed):
            known(each, rules.departments, (*table.at("departments"), index), "department")
    limits = table.table("limits")
    own = {grade.value: _limit(limits.table(grade), rules.limit(grade)) for grade in Grade if limits.has(grade)}
    limits.done()
    table.done()
    made = TicketType(name, label, opens_for, read, checklist, allowed, **own)
    _refuse_looser(made, rules, limits.key)
    return made


def _field(name: str, table: Table) -> Field:
    if not _NAME.fullmatch(name):
        raise TableError(table.key, "a field's name is up to 40 small letters, digits, - and _, such as order_number")
    kind = FieldKind(table.choice("kind", [each.value for each in FieldKind], "text"))
    label = table.text("label", "")
    choices = table.texts("choices", ())
    if (kind is FieldKind.CHOICE) != bool(choices):
        at = table.at("choices") if choices else table.key
        raise TableError(at, 'choices = [ … ] goes with kind = "choice", and only with it')
    for index, each in enumerate(choices):
        if not _LINE.fullmatch(each) or each != each.strip() or each in choices[:index]:
            raise TableError((*table.at("choices"), index), f'"{each}" is empty, too long, or stands here twice')
    longest = table.integer("longest", 200, least=1, most=LONGEST_TEXT)
    bounds = [
        table.get(each, float("nan"), lambda value, key: number(value, key, -1e12, 1e12)) for each in ("least", "most")
    ]
    least, most = (None if each != each else each for each in bounds)
    if (least is not None or most is not None) and kind is not FieldKind.NUMBER:
        raise TableError(table.at("least" if least is not None else "most"), 'this goes with kind = "number" alone')
    if least is not None and most is not None and least > most:
        raise TableError(table.at("most"), f"most ({most:g}) must not be less than least ({least:g})")
    table.done()
    return Field(name, kind, label, choices, longest, least, most)


def _limit(table: Table, usual: Limit) -> Limit:
    limit = Limit(
        table.seconds("respond", usual.respond, most=LONGEST_LIMIT),
        table.seconds("resolve", usual.resolve, most=LONGEST_LIMIT),
    )
    table.done()
    if limit.respond > limit.resolve:
        at: Key = table.at("respond" if table.has("respond") else "resolve")
        raise TableError(at, f"respond ({limit.respond:g} s) must not be longer than resolve ({limit.resolve:g} s)")
    return limit


def _refuse_looser(type: TicketType, rules: Rules, key: Key) -> None:
    """A graver case of this type never has more time than a lighter one."""
    of = {grade: type.limit(grade, rules.limit(grade)) for grade in Grade}
    for lighter, graver in ((Grade.GENERAL, Grade.SERIOUS), (Grade.SERIOUS, Grade.CRITICAL)):
        for name in ("respond", "resolve"):
            less, more = getattr(of[lighter], name), getattr(of[graver], name)
            if more > less:
                at = (*key, graver if type.own_limit(graver) is not None else lighter, name)
                raise TableError(at, f"{graver} ({more:g} s) must not have longer than {lighter} ({less:g} s)")
