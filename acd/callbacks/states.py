"""A promise to call back: its states as a table, and what others may see of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from acd.callbacks.events import Mode


class PromiseState(StrEnum):
    """Where a promise is."""

    PENDING = "pending"
    """To be called: later (`due_at`), or in line already (`call`)."""
    DIALLING = "dialling"
    """An attempt is on its way to the customer's phone."""
    CONNECTED = "connected"
    KEPT = "kept"
    BROKEN = "broken"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    """Nobody was reached in time: it is an agent's task now, until `PromiseSettled`."""
    UNCONFIRMED = "unconfirmed"
    """A number that nobody confirmed, or that may not be dialled: an agent's task from the beginning, never dialled."""


class Turn(StrEnum):
    """What moves the state."""

    DIALLED = "the customer is dialled"
    NOT_REACHED = "not reached, again later"
    GIVEN_UP = "not reached, that was the last time"
    JOINED = "agent and customer speak"
    SPOKEN = "the conversation is over"
    CANCELLED = "cancelled"
    EXPIRED = "out of time"
    UNCONFIRMED = "not confirmed"


TRANSITIONS: dict[tuple[PromiseState, Turn], PromiseState] = {
    (PromiseState.PENDING, Turn.DIALLED): PromiseState.DIALLING,
    (PromiseState.DIALLING, Turn.NOT_REACHED): PromiseState.PENDING,
    (PromiseState.DIALLING, Turn.GIVEN_UP): PromiseState.BROKEN,
    (PromiseState.DIALLING, Turn.JOINED): PromiseState.CONNECTED,
    (PromiseState.CONNECTED, Turn.SPOKEN): PromiseState.KEPT,
    (PromiseState.PENDING, Turn.CANCELLED): PromiseState.CANCELLED,
    (PromiseState.DIALLING, Turn.CANCELLED): PromiseState.CANCELLED,
    (PromiseState.PENDING, Turn.EXPIRED): PromiseState.EXPIRED,
    (PromiseState.DIALLING, Turn.EXPIRED): PromiseState.EXPIRED,
    (PromiseState.PENDING, Turn.UNCONFIRMED): PromiseState.UNCONFIRMED,
}
"""The whole state machine; `docs/callbacks.md` is drawn from it."""

LIVE = frozenset((PromiseState.PENDING, PromiseState.DIALLING, PromiseState.CONNECTED))
"""The states in which it is still to be kept."""
TASKS = frozenset((PromiseState.EXPIRED, PromiseState.UNCONFIRMED))
"""The states in which it is an agent's task, until it is settled."""


@dataclass(frozen=True, slots=True)
class PromiseView:
    """One promise at one instant."""

    id: int
    number: str
    queue: str
    category: str
    language: str
    state: PromiseState
    attempts: int
    promised_at: float
    queued_at: float
    due_at: float
    """Not before this."""
    expires_at: float
    priority: int
    call: int | None
    """The call that keeps it, or tried to lastly."""
    origin: int
    """The call in which it was asked for; 0: none."""
    reason: str
    """Why it is in this state, as words."""
    source: str
    by: str = ""
    caller: str = ""
    vip: bool = False
    owner: str = ""
    ticket: int | None = None
    asked: int = 1
    """How often it was asked for: duplicates join."""
    task: bool = False
    """Expired or unconfirmed, and nobody has settled it yet."""

    @property
    def live(self) -> bool:
        """Whether it is still to be kept."""
        return self.state in LIVE


@dataclass(frozen=True, slots=True)
class ModeView:
    """Callback mode of one queue, or of all (`scope` "all"). `active`: numbers are taken now."""

    scope: str
    mode: Mode
    active: bool
    since: float
    """When `active` was last turned."""
    until: float | None
    who: str
    reason: str
    rule: str
    """Why it is active or not, as words: "p50 wait 140 s is above 120 s", "forced on by 9001", "the list is full"."""
    full: bool = False


@dataclass(frozen=True, slots=True)
class Pressure:
    """How busy one queue is: calls in line (promised ones among them), agents manned for it, and seconds."""

    queue: str
    waiting: int
    staff: int
    handling: float
    """Expected seconds of one call with its wrap-up."""
    wait: float | None
    """p50 wait of a newcomer; None without staff."""
