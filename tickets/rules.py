"""What the operator decides about tickets: which calls open one, what makes a case graver, how long each may take.

Plain values, as the log keeps them.
"""

from __future__ import annotations

from dataclasses import dataclass

from tickets.severity import Grade, gravest
from tickets.types import Limit, TicketType

__all__ = ["DAY", "HOUR", "Hours", "Limit", "Rules", "Spans"]
HOUR = 3600.0
DAY = 24 * HOUR
_GENERAL, _SERIOUS, _CRITICAL = Limit(24 * HOUR, 72 * HOUR), Limit(4 * HOUR, 48 * HOUR), Limit(1 * HOUR, 24 * HOUR)
Spans = tuple[tuple[int, int], ...]
"""From one minute of a day to another; an end beyond 24:00 is in the following day."""


@dataclass(frozen=True, slots=True)
class Hours:
    """The business hours in which limits run: of each weekday, from Monday, and of the days (ISO dates) that differ."""

    zone: str
    weekly: tuple[Spans, ...]
    days: tuple[tuple[str, Spans], ...] = ()


@dataclass(frozen=True, slots=True)
class Rules:
    """The hotline's rules. Grades by name are the least that such a case has."""

    opens: tuple[str, ...] = ("complaint",)
    """Business types whose calls open a ticket."""
    same_matter_for: float = 7 * DAY
    """A call this long after the last contact, or later, is a new case."""
    contacts: tuple[tuple[int, Grade], ...] = ((2, Grade.SERIOUS), (4, Grade.CRITICAL))
    """(calls on one case, the least grade it then has)."""
    vip: Grade = Grade.GENERAL
    business: tuple[tuple[str, Grade], ...] = ()
    categories: tuple[tuple[str, Grade], ...] = ()
    general: Limit = _GENERAL
    serious: Limit = _SERIOUS
    critical: Limit = _CRITICAL
    types: tuple[TicketType, ...] = ()
    departments: tuple[str, ...] = ()
    """All departments that a ticket may be given to; none: each name is one."""
    warn_at: float = 0.8
    """The share of a limit's working time after which the limit is warned of."""
    manager_after: float = 4 * HOUR
    """Working time for which a leader has an overdue case before it is the manager's."""
    follow_up: bool = True
    """Whether a resolved case has its follow-up call by itself."""
    follow_up_after: float = 0.0
    """Seconds from the solution to that call, at least."""
    satisfied_from: int = 3
    """The least mark (1 to 5) in a follow-up call that counts as satisfied."""

    @property
    def timed(self) -> tuple[float, float]:
        """What timers of open cases depend on, besides their limits and the hours."""
        return self.warn_at, self.manager_after

    def type(self, name: str) -> TicketType | None:
        """The type of this name, if the hotline has it."""
        return next((each for each in self.types if each.name == name), None)

    def type_for(self, business: str) -> TicketType | None:
        """The type of tickets that a call of this business type opens, if one says so."""
        return next((each for each in self.types if business in each.opens_for), None)

    def opens_for(self, business: str) -> bool:
        """Whether a call of this business type opens a ticket."""
        return business in self.opens or self.type_for(business) is not None

    def limit(self, grade: Grade, type: str = "") -> Limit:
        """How long a case of this grade and type may take."""
        usual = {Grade.GENERAL: self.general, Grade.SERIOUS: self.serious, Grade.CRITICAL: self.critical}[grade]
        found = self.type(type)
        return usual if found is None else found.limit(grade, usual)

    def at_first(self, business: str, category: str, *, vip: bool) -> Grade:
        """The grade with which such a case begins."""
        by_name = [least for name, least in self.business if name == business]
        by_name += [least for name, least in self.categories if name == category]
        return gravest(Grade.GENERAL, self.vip if vip else Grade.GENERAL, *by_name)

    def after_contacts(self, contacts: int) -> Grade:
        """The least grade once so many calls were about the same case."""
        return gravest(Grade.GENERAL, *(least for count, least in self.contacts if contacts >= count))
