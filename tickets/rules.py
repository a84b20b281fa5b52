"""What the operator decides about tickets: which calls open one, what makes a case graver, how long each may take.

Plain values, as the log keeps them.
"""

from __future__ import annotations

from dataclasses import dataclass

from tickets.severity import Grade, gravest

HOUR = 3600.0
DAY = 24 * HOUR
Spans = tuple[tuple[int, int], ...]
"""From one minute of a day to another; an end beyond 24:00 is in the following day."""


@dataclass(frozen=True, slots=True)
class Limit:
    """Seconds of working time until the first response, and until it is resolved."""

    respond: float
    resolve: float


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
    general: Limit = Limit(24 * HOUR, 72 * HOUR)
    serious: Limit = Limit(4 * HOUR, 48 * HOUR)
    critical: Limit = Limit(1 * HOUR, 24 * HOUR)

    def limit(self, grade: Grade) -> Limit:
        """How long a case of this grade may take."""
        return {Grade.GENERAL: self.general, Grade.SERIOUS: self.serious, Grade.CRITICAL: self.critical}[grade]

    def at_first(self, business: str, category: str, *, vip: bool) -> Grade:
        """The grade with which such a case begins."""
        by_name = [least for name, least in self.business if name == business]
        by_name += [least for name, least in self.categories if name == category]
        return gravest(Grade.GENERAL, self.vip if vip else Grade.GENERAL, *by_name)

    def after_contacts(self, contacts: int) -> Grade:
        """The least grade once so many calls were about the same case."""
        return gravest(Grade.GENERAL, *(least for count, least in self.contacts if contacts >= count))
