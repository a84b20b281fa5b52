"""A ticket moves forward only (工单不得逆转): one table says from where to where."""

from __future__ import annotations

from enum import StrEnum


class TicketError(ValueError):
    """A step that the rules forbid; the message names the ticket and what would be right."""


class State(StrEnum):
    NEW = "new"
    DISPATCHED = "dispatched"
    ACKNOWLEDGED = "acknowledged"
    IN_PROGRESS = "in_progress"
    RESOLVED = "resolved"
    FOLLOWED_UP = "followed_up"
    CLOSED = "closed"


# What the first desk settles by itself is never dispatched: new goes to in_progress, or straight to resolved.
NEXT: dict[State, tuple[State, ...]] = {
    State.NEW: (State.DISPATCHED, State.IN_PROGRESS, State.RESOLVED),
    State.DISPATCHED: (State.ACKNOWLEDGED,),
    State.ACKNOWLEDGED: (State.IN_PROGRESS, State.RESOLVED),
    State.IN_PROGRESS: (State.RESOLVED,),
    State.RESOLVED: (State.FOLLOWED_UP,),
    State.FOLLOWED_UP: (State.CLOSED,),
    State.CLOSED: (),
}


def step(ticket: int, current: State, wanted: str) -> State:
    """The state after the step. Raises TicketError for a name that is no state and for a step not in the table."""
    try:
        state = State(wanted)
    except ValueError:
        raise TicketError(f"ticket {ticket}: {wanted!r} is not a state; the states are {', '.join(State)}") from None
    if state not in NEXT[current]:
        allowed = " or ".join(NEXT[current]) or "nothing: its round is over"
        raise TicketError(f"ticket {ticket} is {current} and cannot become {state}; next is {allowed}")
    return state
