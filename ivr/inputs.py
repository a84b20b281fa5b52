"""What the server tells a session. An input says how the last waiting verb went, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Input:
    """Base of everything a session is told."""


@dataclass(frozen=True, slots=True)
class Started(Input):
    """The caller is there: at the beginning, or again after a server went away."""


@dataclass(frozen=True, slots=True)
class Digits(Input):
    """What Gather collected, a terminator included."""

    digits: str


@dataclass(frozen=True, slots=True)
class NoInput(Input):
    """Gather's time ran out and nothing was keyed."""


@dataclass(frozen=True, slots=True)
class Finished(Input):
    """Done, with nothing more to say."""


@dataclass(frozen=True, slots=True)
class Recorded(Input):
    """A message was left. `path` is the server's own name for the file."""

    path: str
    seconds: float


@dataclass(frozen=True, slots=True)
class RecordFailed(Input):
    """No message could be recorded; `why` is a sentence."""

    why: str


@dataclass(frozen=True, slots=True)
class Served(Input):
    """The conversation is over and the caller is still there. `talked` is in seconds."""

    talked: float = 0.0


@dataclass(frozen=True, slots=True)
class NotServed(Input):
    """The caller left the queue without an agent. `why` picks the exit: message, callback, goodbye, ..."""

    why: str


# Of callback mode. Waits are seconds, p50 and p90, None when nothing can be said of them; instants UTC epoch seconds.


@dataclass(frozen=True, slots=True)
class CallbackStands(Input):
    """How callback mode stands for a queue, or for all. `forced`: by a person. `full`: no more may be promised now.
    `low`..`high` is the expected wait of a new caller."""

    active: bool = False
    forced: bool = False
    full: bool = False
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class PromiseStands(Input):
    """The call back that is promised to a number; `promise` is 0 when there is none.

    `dialling`: it is being called now. `due`: it is not called before that.
    """

    promise: int = 0
    queue: str = ""
    category: str = ""
    dialling: bool = False
    low: float | None = None
    high: float | None = None
    due: float | None = None


@dataclass(frozen=True, slots=True)
class NoticesStand(Input):
    """The notices in force: (number, prompt id) of each."""

    notices: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class IdentityStands(Input):
    """What became of a check of identity. `known`: there is something to compare with, and not too many wrong answers
    were given lately; `fits`: the digits are the customer's."""

    known: bool = False
    fits: bool = False


@dataclass(frozen=True, slots=True)
class NumberFits(Input):
    """The number may be called back. `number` is the form in which it is dialled."""

    number: str


@dataclass(frozen=True, slots=True)
class NumberRefused(Input):
    """The number cannot be called back. `why` is a sentence; `reason` is one of: short, long, invalid, foreign, kind,
    own, agent, limit."""

    why: str
    reason: str = "invalid"


@dataclass(frozen=True, slots=True)
class Promised(Input):
    """The number is going to be called back: in `low` to `high` seconds, or after `due`. `shown` is the number that it
    will come from. `duplicate`: it had been promised before this call asked; `dialling`: it is being called now."""

    number: str
    low: float | None = None
    high: float | None = None
    due: float | None = None
    shown: str = ""
    duplicate: bool = False
    dialling: bool = False


@dataclass(frozen=True, slots=True)
class Refused(Input):
    """What was asked for cannot be done any more; `why` is a sentence."""

    why: str
