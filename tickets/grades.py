"""How grave a matter is, what makes it graver, and how long each grade may take. A grade is only ever raised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

HOUR = 3600.0


class Grade(StrEnum):
    GENERAL = "general"
    SERIOUS = "serious"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        return _ORDER.index(self)

    def up(self) -> Grade:
        """One grade up; critical stays critical."""
        return _ORDER[min(self.rank + 1, len(_ORDER) - 1)]


_ORDER = tuple(Grade)


class Sign(StrEnum):
    """Something about a matter that raises its grade."""

    REPORTER = "reporter"
    REGULATOR = "regulator"
    """The caller threatens to go to a regulator or the press."""
    COMPENSATION = "compensation"
    KEY_CUSTOMER = "key_customer"
    BROKEN_PROMISE = "broken_promise"
    NOT_SATISFIED = "not_satisfied"


# The least grade a sign asks for; None: one grade above whatever it was.
SIGNS: Mapping[Sign, Grade | None] = MappingProxyType(
    {
        Sign.REPORTER: Grade.CRITICAL,
        Sign.REGULATOR: Grade.SERIOUS,
        Sign.COMPENSATION: Grade.SERIOUS,
        Sign.KEY_CUSTOMER: Grade.SERIOUS,
        Sign.BROKEN_PROMISE: None,
        Sign.NOT_SATISFIED: None,
    }
)

# (contacts on one matter, the least grade it then has)
REPEATS: tuple[tuple[int, Grade], ...] = ((2, Grade.SERIOUS), (4, Grade.CRITICAL))


@dataclass(frozen=True, slots=True)
class Limit:
    """Seconds of working time until the first response, and until it is resolved."""

    respond: float
    resolve: float


LIMITS: Mapping[Grade, Limit] = MappingProxyType(
    {
        Grade.GENERAL: Limit(24 * HOUR, 72 * HOUR),
        Grade.SERIOUS: Limit(4 * HOUR, 48 * HOUR),
        Grade.CRITICAL: Limit(1 * HOUR, 24 * HOUR),
    }
)


def after_sign(grade: Grade, sign: Sign) -> Grade:
    """The grade once `sign` is known: never lower than `grade`."""
    least = SIGNS[sign]
    return grade.up() if least is None else max(grade, least, key=lambda each: each.rank)


def after_contacts(grade: Grade, contacts: int, repeats: tuple[tuple[int, Grade], ...] = REPEATS) -> Grade:
    """The grade once the same matter came up in `contacts` calls: never lower than `grade`."""
    reached = [least for count, least in repeats if contacts >= count]
    return max([grade, *reached], key=lambda each: each.rank)
