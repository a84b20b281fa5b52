"""How grave a case is, and what makes it graver; whose matter it is. Grade and level are only ever raised."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Grade(StrEnum):
    """How grave a case is (投诉分级)."""

    GENERAL = "general"
    SERIOUS = "serious"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for general, rising."""
        return _ORDER.index(self)

    def up(self) -> Grade:
        """One grade up; critical stays critical."""
        return _ORDER[min(self.rank + 1, len(_ORDER) - 1)]


_ORDER = tuple(Grade)


class Trigger(StrEnum):
    """Something about a case that raises its grade."""

    REPORTER = "reporter"
    REGULATOR = "regulator"
    """The caller threatens to go to a regulator or the press."""
    COMPENSATION = "compensation"
    KEY_CUSTOMER = "key_customer"
    BROKEN_PROMISE = "broken_promise"
    NOT_SATISFIED = "not_satisfied"


TRIGGERS: Mapping[Trigger, Grade | None] = MappingProxyType(
    {
        Trigger.REPORTER: Grade.CRITICAL,
        Trigger.REGULATOR: Grade.SERIOUS,
        Trigger.COMPENSATION: Grade.SERIOUS,
        Trigger.KEY_CUSTOMER: Grade.SERIOUS,
        Trigger.BROKEN_PROMISE: None,
        Trigger.NOT_SATISFIED: None,
    }
)
"""The least grade that a trigger asks for; None: one grade above the present one."""


def after_trigger(grade: Grade, trigger: Trigger) -> Grade:
    """The grade once `trigger` is known: never lower than `grade`."""
    least = TRIGGERS[trigger]
    return grade.up() if least is None else gravest(grade, least)


def gravest(*grades: Grade) -> Grade:
    """The gravest of these grades."""
    return max(grades, key=lambda each: each.rank)


class Level(StrEnum):
    """Whose matter a case is (问题升级): it only goes up."""

    AGENT = "agent"
    LEADER = "leader"
    MANAGER = "manager"

    @property
    def rank(self) -> int:
        """0 for the agent, rising."""
        return tuple(Level).index(self)

    def up(self) -> Level:
        """The next level; the manager's stays the manager's."""
        return tuple(Level)[min(self.rank + 1, 2)]
