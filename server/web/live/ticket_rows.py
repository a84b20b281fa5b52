"""An open ticket as a live row, and whose it is: its owner's, and its department's."""

from __future__ import annotations

from server.web.instants import instant
from server.web.live.drawing import moment
from server.web.live.rows import TicketRow
from tickets.case import Case

Standing = tuple[int, frozenset[str]]
"""A ticket's version, and those whose it is."""


def of_department(name: str) -> str:
    """A department among the numbers of agents, of which none has a space."""
    return f"department {name}"


def standing(case: Case) -> Standing:
    """(the version that the case has reached, its owner and its department)."""
    whose = (case.owner, of_department(case.department) if case.department else "")
    return case.version, frozenset(filter(None, whose))


def ticket_row(case: Case) -> TicketRow:
    """The row, as lists of the records show the ticket: what has no value yet is null."""
    due = None if case.resolved else case.resolve_by if case.responded else case.respond_by
    return TicketRow(
        id=case.ticket,
        version=case.version,
        state=case.state.value,
        round=case.round,
        grade=case.grade.value,
        level=case.level.value,
        business=case.business or None,
        category=case.category or None,
        confirmed=case.confirmed or None,
        type=case.type or None,
        department=case.department or None,
        owner=case.owner or None,
        accused=case.accused or None,
        contacts=len(case.calls),
        opened_at=instant(case.opened_at),
        respond_by=moment(case.respond_by),
        resolve_by=moment(case.resolve_by),
        due_at=moment(due),
        promised_for=moment(case.promised_for),
    )
