"""What the floor wants done. A command is data; whoever owns the channel carries it out and reports back by events."""

from __future__ import annotations

from dataclasses import dataclass

from acd.callbacks.states import ModeView, PromiseView
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


# Of callback mode


@dataclass(frozen=True, slots=True)
class OfferCallback(Command):
    """Tell a waiting caller, once, that they may be called back instead. They wait on until they accept."""

    call: int
    rule: str


@dataclass(frozen=True, slots=True)
class PlaceCall(Command):
    """The promise is due: let a call stand in line for it. Answered by CallPlaced, or by PromisePostponed.

    Given once; after a change of leader `Callbacks.due` tells what was not answered.
    """

    promise: int


@dataclass(frozen=True, slots=True)
class StopCalling(Command):
    """The call for this promise is to end, in line or ringing. Answered by AttemptEnded and CallEnded.

    After a change of leader `Callbacks.stopping` tells which calls did not end yet.
    """

    promise: int
    call: int
    why: str


@dataclass(frozen=True, slots=True)
class CallBackAbandoned(Command):
    """A caller gave up after a long wait: promise them a call, if the number may be called at all.

    Given once; after a change of leader `Callbacks.given_up` tells what was not answered.
    Answered by PromiseAsked with source "abandoned", these fields, and the number in the form that is dialled.
    """

    call: int
    number: str
    queue: str
    category: str
    language: str
    queued_at: float
    priority: int
    vip: bool


@dataclass(frozen=True, slots=True)
class PromiseChanged(Command):
    """The promise is like this from now on. Needs no action; records and pages are made of it."""

    promise: PromiseView


@dataclass(frozen=True, slots=True)
class ModeChanged(Command):
    """The mode of a queue, or of all, is like this from now on. Needs no action."""

    mode: ModeView
