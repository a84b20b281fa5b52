"""The hand-over book 交接本 is signed twice: first by the leader who goes, then by who comes. One table says so."""

from __future__ import annotations

from enum import StrEnum


class BookState(StrEnum):
    """How far a book is."""

    OPEN = "open"
    HANDED_OVER = "handed_over"
    TAKEN_OVER = "taken_over"


class Side(StrEnum):
    """Who signs."""

    OUTGOING = "outgoing"
    INCOMING = "incoming"


TRANSITIONS: dict[tuple[BookState, Side], BookState] = {
    (BookState.OPEN, Side.OUTGOING): BookState.HANDED_OVER,
    (BookState.HANDED_OVER, Side.INCOMING): BookState.TAKEN_OVER,
}


class SignatureRefused(ValueError):
    """A signature that does not fit the book; the text says what would be right."""


def signed(state: BookState, side: Side, by: str, outgoing: str = "") -> BookState:
    """The state after this signature. `outgoing` is who signed first. Raises SignatureRefused."""
    after = TRANSITIONS.get((state, side))
    if after is None:
        wanted = next((each for (known, each) in TRANSITIONS if known is state), None)
        next_step = f"the {wanted} leader signs next" if wanted else "both leaders have signed"
        raise SignatureRefused(f"the book is {state}: {next_step}")
    if side is Side.INCOMING and by == outgoing:
        raise SignatureRefused(f"{by} signed as the outgoing leader: another leader takes the shift over")
    return after
