"""Callback mode and its promises, as events of the log: what was chosen, what was promised, what was tried.

Instants are UTC epoch seconds, durations seconds. A promise has a number of its own, given when it is made; the call
that keeps it is a call like any other, placed by the hotline (`CallPlaced`) and queued at the promise's place.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from acd.callbacks.policy import CallbackPolicy
from acd.events import Event


class Mode(StrEnum):
    """What a supervisor chose for a queue, or for all."""

    AUTO = "auto"
    ON = "on"
    OFF = "off"


class AttemptOutcome(StrEnum):
    """How an attempt ended that led to no conversation."""

    BUSY = "busy"
    NO_ANSWER = "no_answer"
    REJECTED = "rejected"
    MACHINE = "machine"
    """Answered, but nobody pressed the key."""
    UNREACHABLE = "unreachable"
    """There is no such number, says the network."""
    FAILED = "failed"
    """The trunk did not take the call: nobody's phone rang. Not counted as an attempt."""
    AGENT_GONE = "agent_gone"
    """The agent hung up while the customer's phone rang."""
    HUNG_UP = "hung_up"
    """The customer answered, and was gone before an agent spoke: abandoned by us."""
    STOPPED = "stopped"
    """Cancelled, postponed or taken over by the customer's own call while it rang. Not counted as an attempt."""
    LOST = "lost"
    """Asterisk went away in the middle of it."""


# Rules and modes


@dataclass(frozen=True, slots=True)
class CallbackPolicySet(Event):
    """The rules were loaded, at start or while running."""

    policy: CallbackPolicy
    source: str = ""


@dataclass(frozen=True, slots=True)
class ModeSet(Event):
    """A supervisor's choice. `scope` is a queue, or empty for all: then it replaces every queue's own choice.

    With `until` a choice of on or off returns to auto by itself at that instant.
    """

    scope: str
    mode: Mode
    by: str = ""
    reason: str = ""
    until: float | None = None


# Promises

GIVEN = frozenset(("flow", "queue", "fallback", "shutdown"))
"""Sources of promises that were said to the person already: they are made in any case, whatever the limits."""


@dataclass(frozen=True, slots=True)
class PromiseAsked(Event):
    """A callback to `number` was asked for (the number is checked, and in the form that is dialled).

    The registry makes a new promise, joins the one that the number has already for this category, or refuses (limits).
    `source` is one of `GIVEN`, or abandoned, hung_up, api or agent. `call` is the call in which it was asked for, 0 for
    none. `queued_at` orders it: when the wait began, or the promise if there was no wait. `after`: not before.
    """

    number: str
    queue: str
    category: str = ""
    source: str = "api"
    call: int = 0
    caller: str = ""
    """The number that the person called from, if it is another one."""
    language: str = "zh"
    queued_at: float | None = None
    priority: int = 0
    vip: bool = False
    owner: str = ""
    """The agent to be preferred."""
    after: float | None = None
    by: str = ""
    reason: str = ""
    ticket: int | None = None
    taken_at: float | None = None
    """When the number was taken, if that was before this is in the log."""
    spool_id: str = ""
    """The fallback's entry, so that each is taken in exactly once."""
    unconfirmed: str = ""
    """Why the number is not to be dialled, as a sentence: then it is an agent's task from the beginning."""

    @property
    def matter(self) -> str:
        """What it is about: a number has one live promise for a matter."""
        return self.category or self.queue


@dataclass(frozen=True, slots=True)
class PromiseCancelled(Event):
    """By the customer, an agent or a supervisor. `waits_in`: the customer's own call that has the place now, or 0."""

    promise: int
    by: str = ""
    reason: str = ""
    waits_in: int = 0


@dataclass(frozen=True, slots=True)
class PromisePostponed(Event):
    """Not before `until`; the place stays. By a person, or by the house because the calling window is closed."""

    promise: int
    until: float
    by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PromisePrioritised(Event):
    """A person moved it in the order: from now on it has this priority."""

    promise: int
    priority: int
    by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PromiseSettled(Event):
    """The task that an expired promise became is done."""

    promise: int
    by: str = ""
    reason: str = ""


# The call that keeps it


@dataclass(frozen=True, slots=True)
class CallPlaced(Event):
    """A call of the hotline's own making stands in line for this promise from now on; `CallQueued` follows.

    Nobody is on the line yet: there is no channel before an agent is reserved. `shown` is the number it comes from.
    """

    call: int
    promise: int
    number: str
    shown: str = ""
    node: str = ""


@dataclass(frozen=True, slots=True)
class AttemptStarted(Event):
    """The customer is about to be dialled, once, under this number of attempt: in the log before Asterisk hears of it.

    `wait_for` is how long it may take until it is known what comes of it: the agent's reservation lasts so long.
    """

    call: int
    promise: int
    attempt: int
    offer: int
    agent: str
    wait_for: float


@dataclass(frozen=True, slots=True)
class AttemptAnswered(Event):
    """The customer picked up: this channel is the call's caller from now on."""

    call: int
    promise: int
    attempt: int
    channel: str
    unique_id: str


@dataclass(frozen=True, slots=True)
class AttemptEnded(Event):
    """Nobody spoke with the customer. An agent who had picked up is free at once, without a wrap-up."""

    call: int
    promise: int
    attempt: int
    outcome: AttemptOutcome
    detail: str = ""
