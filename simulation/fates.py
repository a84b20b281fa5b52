"""What became of one call of the day, and of one promise to call back. Instants are seconds of the day."""

from __future__ import annotations

from dataclasses import dataclass, field

from acd.callbacks.states import PromiseState
from simulation.day import Arrival


@dataclass(slots=True)
class CallFate:
    """What became of one call. `outcome` is handled, abandoned, callback, message, goodbye or waiting (at the end)."""

    arrival: Arrival
    outcome: str = "waiting"
    waited: float = 0.0
    agent: str = ""
    queue: str = ""
    """Where it was in the end; `arrival.queued.queue` is where it began."""
    handling: float = 0.0
    """Seconds of the agent's time: conversation and wrap-up."""
    offers: int = 0


@dataclass(slots=True)
class PromiseFate:
    """What became of one promise. Instants are seconds of the day."""

    arrival: Arrival
    """The call in which it was made."""
    made_at: float
    state: PromiseState = PromiseState.PENDING
    reason: str = ""
    attempts: int = 0
    joined_at: float | None = None
    """When the conversation began."""
    outcomes: list[str] = field(default_factory=list)

    @property
    def after(self) -> float | None:
        """Seconds from the original call to the conversation."""
        return None if self.joined_at is None else self.joined_at - self.arrival.at
