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
    """Done, with nothing more to say: TakeNumber's number was accepted."""


@dataclass(frozen=True, slots=True)
class Recorded(Input):
    """A message was left. `path` is the server's own name for the file."""

    path: str
    seconds: float


@dataclass(frozen=True, slots=True)
class RecordFailed(Input):
    why: str


@dataclass(frozen=True, slots=True)
class Served(Input):
    """The conversation is over and the caller is still there. `talked` is in seconds."""

    talked: float = 0.0


@dataclass(frozen=True, slots=True)
class NotServed(Input):
    """The caller left the queue without an agent. `why` picks the exit: message, callback, goodbye, ..."""

    why: str


@dataclass(frozen=True, slots=True)
class NumberRefused(Input):
    """The number cannot be called back; `why` is a sentence."""

    why: str
