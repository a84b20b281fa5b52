"""What kinds of tickets a hotline has: their fields, what must be filled before a dispatch, and where to.

A field is bounded: what cannot be checked does not go into a ticket. Values are texts in one form, whoever wrote them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from tickets.severity import Grade
from tickets.states import TicketError

LONGEST_TEXT = 500
MOST_FIELDS = 40


@dataclass(frozen=True, slots=True)
class Limit:
    """Seconds of working time until the first response, and until it is resolved."""

    respond: float
    resolve: float


class FieldKind(StrEnum):
    """What a field may hold."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    PHONE = "phone"
    CHOICE = "choice"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a ticket. `longest` bounds a text in characters, `choices` are what a choice may be."""

    name: str
    kind: FieldKind = FieldKind.TEXT
    label: str = ""
    choices: tuple[str, ...] = ()
    longest: int = 200
    least: float | None = None
    most: float | None = None

    def read(self, value: str) -> str:
        """The value in the form in which it is kept. Raises TicketError for what the field cannot hold."""
        value = value.strip()
        match self.kind:
            case FieldKind.NUMBER:
                return self._number(value)
            case FieldKind.DATE:
                return self._date(value)
            case FieldKind.PHONE:
                bare = re.sub(r"[\s().-]", "", value)
                if not re.fullmatch(r"\+?[0-9]{3,20}", bare):
                    raise TicketError(f"{self.name}: {value!r} is no telephone number")
                return bare
            case FieldKind.CHOICE:
                if value not in self.choices:
                    raise TicketError(f"{self.name}: {value!r} is none of {', '.join(self.choices)}")
                return value
            case FieldKind.FLAG:
                known = {"true": "true", "yes": "true", "false": "false", "no": "false"}.get(value.lower())
                if known is None:
                    raise TicketError(f"{self.name}: write yes or no, not {value!r}")
                return known
            case _:
                if len(value) > self.longest:
                    raise TicketError(f"{self.name}: {len(value)} characters are too many: up to {self.longest}")
                return value

    def _number(self, value: str) -> str:
        try:
            number = Decimal(value) if len(value) <= 30 else None
        except InvalidOperation:
            number = None
        if number is None or not number.is_finite() or abs(number) >= Decimal("1e15"):
            raise TicketError(f"{self.name}: {value!r} is no number")
        if (self.least is not None and number < Decimal(str(self.least))) or (
            self.most is not None and number > Decimal(str(self.most))
        ):
            within = " and ".join(
                f"{word} {bound:g}"
                for word, bound in (("at least", self.least), ("at most", self.most))
                if bound is not None
            )
            raise TicketError(f"{self.name}: {value} must be {within}")
        return f"{number:f}"

    def _date(self, value: str) -> str:
        try:
            day = date.fromisoformat(value) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", value) else None
        except ValueError:
            day = None
        if day is None or not 2000 <= day.year <= 2100:
            raise TicketError(f"{self.name}: {value!r} is no day from 2000 to 2100, such as 2027-01-15")
        return day.isoformat()


@dataclass(frozen=True, slots=True)
class TicketType:
    """One type of ticket.

    `opens_for` are the business types whose calls open such a ticket; `checklist` (派单要件) are the fields that must
    be filled before it leaves the first desk; `departments` may receive it, none: each may. A limit that is None
    is the grade's own.
    """

    name: str
    label: str = ""
    opens_for: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()
    checklist: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()
    general: Limit | None = None
    serious: Limit | None = None
    critical: Limit | None = None

    def own_limit(self, grade: Grade) -> Limit | None:
        """The limit that the type names for this grade."""
        return {Grade.GENERAL: self.general, Grade.SERIOUS: self.serious, Grade.CRITICAL: self.critical}[grade]

    def limit(self, grade: Grade, usual: Limit) -> Limit:
        """How long a case of this type and grade may take: what the type names, else `usual`, and never longer than
        what the type names for a lighter grade."""
        if (own := self.own_limit(grade)) is not None:
            return own
        lighter = [own for each in Grade if each.rank < grade.rank and (own := self.own_limit(each)) is not None]
        return Limit(
            min([usual.respond, *(each.respond for each in lighter)]),
            min([usual.resolve, *(each.resolve for each in lighter)]),
        )

    def read(self, values: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
        """Values of fields in the form in which they are kept, ordered by name; an empty one empties the field.

        Raises TicketError for a field that the type does not have and for a value that cannot be used.
        """
        fields = {field.name: field for field in self.fields}
        if unknown := sorted(set(values) - set(fields)):
            has = ", ".join(fields) or "none"
            raise TicketError(f"a ticket of type {self.name} has no field {', '.join(unknown)}: its fields are {has}")
        return tuple(
            (name, fields[name].read(value) if value.strip() else "") for name, value in sorted(values.items())
        )

    def missing(self, filled: Iterable[str]) -> tuple[str, ...]:
        """What of the dispatch checklist is not filled, in its order."""
        known = set(filled)
        return tuple(name for name in self.checklist if name not in known)
