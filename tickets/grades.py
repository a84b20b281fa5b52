"""How grave a matter is, and what makes it graver. A grade is only ever raised."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


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


def after_sign(grade: Grade, sign: Sign) -> Grade:
    """The grade once `sign` is known: never lower than `grade`."""
    least = SIGNS[sign]
    return grade.up() if least is None else gravest(grade, least)


def gravest(*grades: Grade) -> Grade:
    """The gravest of these grades."""
    return max(grades, key=lambda each: each.rank)
