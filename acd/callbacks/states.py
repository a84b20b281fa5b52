"""The states of a promise as a table, and the views of promises, modes and queues that others may see."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from acd.callbacks.events import Mode


class PromiseState(StrEnum):
    """The state of a promise to call back."""

    PENDING = "pending"
    """The customer will be called: from `due_at` on, or the call waits in the queue already (`call`)."""
    DIALLING = "dialling"
    """An attempt is on its way to the customer's phone."""
    CONNECTED = "connected"
    KEPT = "kept"
    BROKEN = "broken"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    """The customer was not reached in time: an agent's task until `PromiseSettled`."""
    UNCONFIRMED = "unconfirmed"
    """The caller did not confirm the number, or it may not be dialled: an agent's task from the beginning."""


class PromiseSignal(StrEnum):
    """What changes the state."""

    DIALLED = "the customer is dialled"
    NOT_REACHED = "not reached, again later"
    GIVEN_UP = "not reached, that was the last time"
    JOINED = "agent and customer speak"
    SPOKEN = "the conversation is over"
    CANCELLED = "cancelled"
    EXPIRED = "out of time"
    UNCONFIRMED = "not confirmed"


TRANSITIONS: dict[tuple[PromiseState, PromiseSignal], PromiseState] = {
    (PromiseState.PENDING, PromiseSignal.DIALLED): PromiseState.DIALLING,
    (PromiseState.DIALLING, PromiseSignal.NOT_REACHED): PromiseState.PENDING,
    (PromiseState.DIALLING, PromiseSignal.GIVEN_UP): PromiseState.BROKEN,
    (PromiseState.DIALLING, PromiseSignal.JOINED): PromiseState.CONNECTED,
    (PromiseState.CONNECTED, PromiseSignal.SPOKEN): PromiseState.KEPT,
    (PromiseState.CONNECTED, PromiseSignal.NOT_REACHED): PromiseState.PENDING,
    (PromiseState.CONNECTED, PromiseSignal.GIVEN_UP): PromiseState.BROKEN,
    (PromiseState.PENDING, PromiseSignal.CANCELLED): PromiseState.CANCELLED,
    (PromiseState.DIALLING, PromiseSignal.CANCELLED): PromiseState.CANCELLED,
    (PromiseState.PENDING, PromiseSignal.EXPIRED): PromiseState.EXPIRED,
    (PromiseState.DIALLING, PromiseSignal.EXPIRED): PromiseState.EXPIRED,
    (PromiseState.PENDING, PromiseSignal.UNCONFIRMED): PromiseState.UNCONFIRMED,
}
"""The whole state machine; `docs/callbacks.md` is drawn from it."""

LIVE = frozenset((PromiseState.PENDING, PromiseState.DIALLING, PromiseState.CONNECTED))
"""The states in which the promise is not settled yet."""
TASKS = frozenset((PromiseState.EXPIRED, PromiseState.UNCONFIRMED))
"""The states in which the promise is an agent's task, until it is settled."""


@dataclass(frozen=True, slots=True)
class PromiseView:
    """One promise at one instant. Instants are UTC epoch seconds."""

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
    """The earliest instant at which the customer may be called."""
    expires_at: float
    priority: int
    call: int | None
    """The call that fulfils it, or the last one that tried."""
    origin: int
    """The call in which the callback was asked for; 0: none."""
    reason: str
    """Why the promise is in this state, in words."""
    source: str
    by: str = ""
    caller: str = ""
    vip: bool = False
    owner: str = ""
    ticket: int | None = None
    asked: int = 1
    """How often it was asked for: a repeated request joins the promise."""
    task: bool = False
    """Expired or unconfirmed, and not settled yet."""
    connected_at: float | None = None
    """When agent and customer first spoke in the latest attempt; None: they did not. Notes have their own instant."""
    called: str = ""
    """The hotline's number that the caller dialled."""
    purpose: str = ""
    """Why the hotline calls, if the customer did not ask for it: `follow_up`."""
    last: str = ""
    """The outcome of the latest attempt, if agent and customer's line were joined in it without keeping the promise."""
    entry: str = ""
    """The line of an outbound list that it is for: "3/17"."""

    @property
    def live(self) -> bool:
        """Whether the promise is not settled yet."""
        return self.state in LIVE


@dataclass(frozen=True, slots=True)
class ModeView:
    """Callback mode of one queue, or of all (`scope` "all"). `active`: numbers are taken now."""

    scope: str
    mode: Mode
    active: bool
    since: float
    """When `active` last changed, UTC epoch seconds."""
    until: float | None
    who: str
    reason: str
    rule: str
    """Why it is active or not, in words: "p50 wait 140 s is above 120 s", "forced on by 9001", "the list is full"."""
    full: bool = False


@dataclass(frozen=True, slots=True)
class Pressure:
    """How busy one queue is: its waiting calls, callbacks included, and the available agents who can serve it."""

    queue: str
    waiting: int
    staff: int
    handling: float
    """Expected seconds of one call with its wrap-up."""
    wait: float | None
    """p50 wait of a new caller in seconds; None without staff."""


class Ground(StrEnum):
    """Why the rules of a queue in auto would turn callback mode on, or off."""

    NOBODY_THERE = "nobody_there"
    LONG_WAIT = "long_wait"
    MANY_WAIT = "many_wait"
    NOBODY_WAITS = "nobody_waits"
    SHORT_WAIT = "short_wait"
    BETWEEN = "between"
    """Neither: the mode stays as it is."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the rules think of a queue's mode now, whatever a person chose. Instants are UTC epoch seconds.

    `active`: whether they would take numbers; `limit` is the one that decided (seconds, or calls for each agent), and
    `since` when it was passed. At `turns_at` a mode in auto changes if nothing happens; None: it does not.
    """

    active: bool
    ground: Ground
    limit: float
    pressure: Pressure
    since: float | None
    turns_at: float | None
