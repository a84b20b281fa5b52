"""What of a ticket an outside system owns: people here do not change it, and are told where it is changed."""

from __future__ import annotations

from collections.abc import Iterable

from tickets import events as ev
from tickets.case import Case
from tickets.states import TicketError

_OF: dict[type[ev.Event], str] = {
    ev.StateChanged: "state",
    ev.Redispatched: "state",
    ev.RoundStarted: "state",
    ev.GradeRaised: "grade",
    ev.Escalated: "level",
    ev.OwnerSet: "owner",
    ev.AccusedSet: "accused",
    ev.CategoryConfirmed: "category",
    ev.TypeSet: "type",
    ev.FieldsFilled: "fields",
    ev.DatePromised: "promise",
    ev.AuthorityAsked: "authority",
    ev.AuthorityAnswered: "authority",
}
PARTS: tuple[str, ...] = tuple(dict.fromkeys(_OF.values()))
"""What can be owned. Notes, contacts and what the clock does are nobody's."""


def owner_of(case: Case, part: str) -> str:
    """The outside system that owns this part; empty: nobody."""
    return next((system for system, (_, parts) in case.outside.items() if part in parts), "")


def refuse(case: Case, told: Iterable[object], by: str) -> None:
    """Raises TicketError unless whoever acts, by name, may do all of this: the owning system may, nobody else."""
    for event in told:
        part = _OF.get(type(event), "")  # type: ignore[arg-type]
        system = owner_of(case, part)
        if system and by != system and not by.startswith(f"{system}/"):
            reference, _ = case.outside[system]
            raise TicketError(f"ticket {case.ticket}: {part} is owned by {system}, as {reference}: change it there")


def claim(case: Case, system: str, parts: Iterable[str]) -> tuple[str, ...]:
    """The parts that this system may own. Raises TicketError for one that does not exist, or is another's."""
    wanted = tuple(dict.fromkeys(parts))
    for part in wanted:
        if part not in PARTS:
            raise TicketError(f"a ticket has no part {part}: there are {', '.join(PARTS)}")
        other = owner_of(case, part)
        if other not in ("", system):
            raise TicketError(f"ticket {case.ticket}: {part} is owned by {other} already")
    return wanted
