"""A ticket moves forward only (工单不得逆转): one table says from where to where."""

from __future__ import annotations

from enum import StrEnum


class TicketError(ValueError):
    """A step that the rules forbid; the message names the ticket and what would be right."""


class TicketState(StrEnum):
    """How far a ticket is."""

    NEW = "new"
    DISPATCHED = "dispatched"
    ACKNOWLEDGED = "acknowledged"
    IN_PROGRESS = "in_progress"
    RESOLVED = "resolved"
    FOLLOWED_UP = "followed_up"
    CLOSED = "closed"


# A case that the first agent settles is never dispatched: new goes to in_progress, or straight to resolved.
NEXT: dict[TicketState, tuple[TicketState, ...]] = {
    TicketState.NEW: (TicketState.DISPATCHED, TicketState.IN_PROGRESS, TicketState.RESOLVED),
    TicketState.DISPATCHED: (TicketState.ACKNOWLEDGED,),
    TicketState.ACKNOWLEDGED: (TicketState.IN_PROGRESS, TicketState.RESOLVED),
    TicketState.IN_PROGRESS: (TicketState.RESOLVED,),
    TicketState.RESOLVED: (TicketState.FOLLOWED_UP,),
    TicketState.FOLLOWED_UP: (TicketState.CLOSED,),
    TicketState.CLOSED: (),
}


def step(ticket: int, current: TicketState, wanted: str) -> TicketState:
    """The state after the step. Raises TicketError for a name that is no state and for a step not in the table."""
    try:
        state = TicketState(wanted)
    except ValueError:
        raise TicketError(
            f"ticket {ticket}: {wanted!r} is not a state; the states are {', '.join(TicketState)}"
        ) from None
    if state not in NEXT[current]:
        allowed = " or ".join(NEXT[current]) or "nothing: its round is over"
        raise TicketError(f"ticket {ticket} is {current} and cannot become {state}; next is {allowed}")
    return state
