"""What the floor wants done. A command is data; the server that holds the channel carries it out and reports events."""

from __future__ import annotations

from dataclasses import dataclass

from acd.decisions import Decision
from acd.events import Outcome


@dataclass(frozen=True, slots=True)
class Command:
    """Base of everything that the floor answers."""


@dataclass(frozen=True, slots=True)
class Offer(Command):
    """Ring this agent's phone for this call. Answered by OfferRinging, OfferAnswered or OfferFailed."""

    offer: int
    call: int
    agent: str
    ring_for: float
    decision: Decision


@dataclass(frozen=True, slots=True)
class Withdraw(Command):
    """Stop ringing: the offer no longer stands, and ended with `outcome`. Needs no answer."""

    offer: int
    call: int
    agent: str
    why: str
    outcome: Outcome = Outcome.WITHDRAWN


@dataclass(frozen=True, slots=True)
class Announce(Command):
    """Tell a waiting caller the position in the queue and the estimated wait.

    `wait_low` and `wait_high` are its p50 and p90 in seconds. `why` says why it got longer, if it did.
    """

    call: int
    position: int
    wait_low: float | None = None
    wait_high: float | None = None
    first: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True)
class Divert(Command):
    """The call leaves the queue by an overflow recipe: `to` is callback, message or goodbye.

    Answered by CallLeftQueue. To callback it is an offer: the call goes on waiting until the caller accepts.
    """

    call: int
    to: str
    decision: Decision


@dataclass(frozen=True, slots=True)
class Tell(Command):
    """A message for the agent, such as that unanswered offers led to a break. `what` is its kind, `detail` its text."""

    agent: str
    what: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Record(Command):
    """A decision that rings no phone, for the record: a skipped relaxation, a move between queues."""

    decision: Decision


@dataclass(frozen=True, slots=True)
class AgentChanged(Command):
    """An agent's status or state changed.

    Needs no action; the records of agents' time and the pages are made of it.
    """

    agent: str
    status: str
    state: str
    reason: str = ""
    call: int | None = None
    pending: str = ""
    """The status that takes effect when the call is over."""


@dataclass(frozen=True, slots=True)
class Moved(Command):
    """The call waits in another queue from now on (overflow, supervisor or transfer): music and rules change."""

    call: int
    queue: str
    decision: Decision


@dataclass(frozen=True, slots=True)
class HandedOver(Command):
    """The call's next leg began without an offer: a consulted colleague took it over, or it goes to an outside number.

    The leg is numbered as an offer is. `answered` is false while the outside number has not answered.
    """

    offer: int
    call: int
    agent: str
    answered: bool
    decision: Decision
    by: str = ""
    """The agent who transferred the call."""
