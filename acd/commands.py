"""What the floor wants done. A command is data; whoever owns the channel carries it out and reports back by events."""

from __future__ import annotations

from dataclasses import dataclass

from acd.decisions import Decision


@dataclass(frozen=True, slots=True)
class Command:
    """Base of everything the floor answers."""


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
    """Stop ringing: the offer no longer stands. Needs no answer."""

    offer: int
    call: int
    agent: str
    why: str


@dataclass(frozen=True, slots=True)
class Announce(Command):
    """Tell a waiting caller where they stand. `wait_low`..`wait_high` is the estimated wait (p50, p90) in seconds."""

    call: int
    position: int
    wait_low: float | None = None
    wait_high: float | None = None
    first: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True)
class Divert(Command):
    """The call leaves the queue by an overflow recipe: `to` is callback, message or goodbye.

    Answered by CallLeftQueue. To callback it is an offer: the call waits on, and may be taken, until they accept.
    """

    call: int
    to: str
    decision: Decision


@dataclass(frozen=True, slots=True)
class Tell(Command):
    """Something the agent must know, such as having been sent on a break after unanswered offers."""

    agent: str
    what: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Record(Command):
    """A decision that rings no phone, kept so that it can be explained: a skipped relaxation, a move between queues."""

    decision: Decision


@dataclass(frozen=True, slots=True)
class AgentChanged(Command):
    """An agent's status or state is another one from now on, whatever caused it: sent at every such change.

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
    """The call waits in another queue from now on (overflow, supervisor or transfer): its music and rules change."""

    call: int
    queue: str
    decision: Decision


@dataclass(frozen=True, slots=True)
class HandedOver(Command):
    """The call's next leg began without an offer: a colleague who was asked took it over, or it goes outside.

    The leg is numbered as an offer is. `answered` is false while the outside number is still to be called.
    """

    offer: int
    call: int
    agent: str
    answered: bool
    decision: Decision
    by: str = ""
    """Who gave the call away."""
