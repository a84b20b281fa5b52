"""A mark says how the hotline treats a number: its states are a table, and only a mark in force is obeyed.

A customer's own wish (do not call, do not record) holds at once. A nuisance is proposed by an agent and holds when a
supervisor has confirmed it; it always ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

DAY = 86_400.0
NUISANCE_FOR = 30 * DAY
"""Seconds for which a nuisance is marked unless another end is given."""
LONGEST_NUISANCE = 366 * DAY


class Mark(StrEnum):
    """The kinds of marks."""

    DO_NOT_CALL = "do_not_call"
    DO_NOT_RECORD = "do_not_record"
    NUISANCE = "nuisance"


class MarkState(StrEnum):
    """The states of a mark."""

    PROPOSED = "proposed"
    IN_FORCE = "in_force"
    LIFTED = "lifted"
    EXPIRED = "expired"


class MarkSignal(StrEnum):
    """What changes the state."""

    CONFIRMED = "a supervisor confirms it"
    LIFTED = "a person lifts it"
    EXPIRED = "its end has come"


FIRST = {
    Mark.DO_NOT_CALL: MarkState.IN_FORCE,
    Mark.DO_NOT_RECORD: MarkState.IN_FORCE,
    Mark.NUISANCE: MarkState.PROPOSED,
}
"""The state in which each kind begins."""

TRANSITIONS: dict[tuple[MarkState, MarkSignal], MarkState] = {
    (MarkState.PROPOSED, MarkSignal.CONFIRMED): MarkState.IN_FORCE,
    (MarkState.PROPOSED, MarkSignal.LIFTED): MarkState.LIFTED,
    (MarkState.PROPOSED, MarkSignal.EXPIRED): MarkState.EXPIRED,
    (MarkState.IN_FORCE, MarkSignal.LIFTED): MarkState.LIFTED,
    (MarkState.IN_FORCE, MarkSignal.EXPIRED): MarkState.EXPIRED,
}
"""The whole state machine; `docs/customers.md` is drawn from it. Lifted and expired marks stay as they are."""


@dataclass(frozen=True, slots=True)
class Marked:
    """One mark on one canonical number. Instants are UTC epoch seconds; `until` None: it holds until it is lifted."""

    number: str
    mark: Mark
    state: MarkState
    at: float
    by: str = ""
    reason: str = ""
    until: float | None = None
    confirmed_by: str = ""

    def state_at(self, now: float) -> MarkState:
        """The state at this instant: what has come to its end is expired without anybody's doing."""
        ended = self.until is not None and self.until <= now
        after = TRANSITIONS.get((self.state, MarkSignal.EXPIRED)) if ended else None
        return after or self.state

    def in_force(self, now: float) -> bool:
        """Whether the hotline obeys it at this instant."""
        return self.state_at(now) is MarkState.IN_FORCE

    def stands(self, now: float) -> bool:
        """Whether it is proposed or in force: a mark that does not stand may be put anew."""
        return self.state_at(now) in (MarkState.PROPOSED, MarkState.IN_FORCE)
