"""Events of callback mode: what a supervisor chose, what was promised, and how the attempts to call went.

Instants are UTC epoch seconds, durations seconds. A promise has a number of its own, given when it is made. The call
that fulfils it is a call like any other: the hotline places it (`CallPlaced`) and queues it with the queue time of the
promise.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from acd.callbacks.policy import CallbackPolicy, OwnRules
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
    """Answered by nobody: the key was not pressed, or the agent or Asterisk heard a machine."""
    UNREACHABLE = "unreachable"
    """The network says that there is no such number."""
    FAILED = "failed"
    """The trunk did not take the call: no phone rang. Not counted as an attempt."""
    AGENT_GONE = "agent_gone"
    """The agent hung up while the customer's phone rang."""
    HUNG_UP = "hung_up"
    """The customer answered, and hung up before an agent spoke: abandoned by the hotline."""
    SHORT = "short"
    """An agent spoke with the customer for less than `kept_after`."""
    STOPPED = "stopped"
    """Cancelled, postponed or replaced by the customer's own call while it rang. Not counted as an attempt."""
    LOST = "lost"
    """Asterisk stopped during the attempt."""


# Rules and modes


@dataclass(frozen=True, slots=True)
class CallbackPolicySet(Event):
    """The rules of callback mode were loaded, at start or while running."""

    policy: CallbackPolicy
    source: str = ""


@dataclass(frozen=True, slots=True)
class ModeSet(Event):
    """A supervisor's choice. `scope` is a queue, or empty for all: then it replaces every queue's own choice.

    With `until` a choice of on or off returns to auto at that instant.
    """

    scope: str
    mode: Mode
    by: str = ""
    reason: str = ""
    until: float | None = None


# Promises

GIVEN = frozenset(("flow", "queue", "fallback", "line_full", "shutdown"))
"""Sources of promises that the caller was already told: they are made whatever the limits."""
LIST = "list"
"""The source of promises that an outbound list makes: its own limits hold, and the usual ones do not count them."""

FOLLOW_UP = "follow_up"
"""The purpose of a promise to ask the customer, after the solution, whether the matter is over (回访)."""


@dataclass(frozen=True, slots=True)
class PromiseAsked(Event):
    """A callback to `number` was asked for (the number is checked, and in the form that is dialled).

    The registry makes a new promise, joins the one that the number has already for this category, or refuses (limits).
    `source` is one of `GIVEN`, or abandoned, hung_up, api, agent or follow_up. `call` is the call in which it was asked
    for, 0 for none. `queued_at` orders it: when the wait began, or the promise if there was no wait. `after`: not
    before.
    """

    number: str
    queue: str
    category: str = ""
    source: str = "api"
    call: int = 0
    caller: str = ""
    """The number that the person called from, if it differs."""
    language: str = "zh"
    queued_at: float | None = None
    priority: int = 0
    vip: bool = False
    owner: str = ""
    """The preferred agent."""
    after: float | None = None
    by: str = ""
    reason: str = ""
    ticket: int | None = None
    taken_at: float | None = None
    """When the caller left the number, if that was before this event."""
    spool_id: str = ""
    """The fallback's entry, so that each is imported exactly once."""
    unconfirmed: str = ""
    """Why the number must not be dialled, as a sentence: then it is an agent's task from the beginning."""
    called: str = ""
    """The hotline's number that the caller dialled; empty where there was no call."""
    purpose: str = ""
    """`FOLLOW_UP`, or empty: a callback that the customer waits for."""
    entry: str = ""
    """The line of an outbound list that this is for: "3/17"; empty for all other promises."""
    own: OwnRules | None = None
    """Rules of that list, in place of the queue's."""

    @property
    def matter(self) -> str:
        """The category, or the queue where there is none: a number has one live promise for a matter.

        A follow-up is a matter of its own, one for each ticket.
        """
        return f"{self.purpose} of ticket {self.ticket}" if self.purpose else self.category or self.queue


@dataclass(frozen=True, slots=True)
class PromiseCancelled(Event):
    """The customer or a person of the hotline cancelled it. `waits_in`: the customer's call that replaces it, or 0."""

    promise: int
    by: str = ""
    reason: str = ""
    waits_in: int = 0


@dataclass(frozen=True, slots=True)
class PromisePostponed(Event):
    """The customer is not called before `until`; the queue time stays.

    A person asked for it, or the calling window is closed.
    """

    promise: int
    until: float
    by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PromisePrioritised(Event):
    """A person gave it another priority."""

    promise: int
    priority: int
    by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PromiseSettled(Event):
    """An agent finished the task that the promise had become."""

    promise: int
    by: str = ""
    reason: str = ""


# The call that fulfils it


@dataclass(frozen=True, slots=True)
class CallPlaced(Event):
    """The hotline made a call for this promise, which waits in the queue from now on; `CallQueued` follows.

    There is no channel before an agent is reserved. `shown` is the number that the customer's phone shows.
    """

    call: int
    promise: int
    number: str
    shown: str = ""
    node: str = ""


@dataclass(frozen=True, slots=True)
class AttemptStarted(Event):
    """The server is about to dial the customer, once, for this attempt: in the log before Asterisk is told.

    The outcome is known within `wait_for` seconds: the agent stays reserved so long.
    """

    call: int
    promise: int
    attempt: int
    offer: int
    agent: str
    wait_for: float


@dataclass(frozen=True, slots=True)
class AttemptAnswered(Event):
    """The customer answered: this channel is the call's caller from now on."""

    call: int
    promise: int
    attempt: int
    channel: str
    unique_id: str


@dataclass(frozen=True, slots=True)
class AttemptEnded(Event):
    """No agent spoke with the customer. An agent who had answered is free at once, without a wrap-up."""

    call: int
    promise: int
    attempt: int
    outcome: AttemptOutcome
    detail: str = ""


@dataclass(frozen=True, slots=True)
class NobodyThere(Event):
    """The agent who was joined with the customer's line heard a machine: the attempt ends as `machine`."""

    call: int
    promise: int
    agent: str
    by: str = ""
