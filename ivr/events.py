"""What happened to a caller in the flow, as the log keeps it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """Base of the flow's events."""

    call: int


@dataclass(frozen=True, slots=True)
class FlowMoved(Event):
    """The caller came to a node that can be resumed. `state` is `Session.snapshot()`: enough to go on from here."""

    flow: str
    node: str
    state: str


@dataclass(frozen=True, slots=True)
class FieldSet(Event):
    """The flow learned something: business, category, language, ..."""

    field: str
    value: str


@dataclass(frozen=True, slots=True)
class MessageLeft(Event):
    """The caller left a message of so many seconds; `path` is the server's name for the file."""

    path: str
    seconds: float


@dataclass(frozen=True, slots=True)
class SatisfactionGiven(Event):
    """1 to 5, five being very satisfied."""

    score: int


@dataclass(frozen=True, slots=True)
class QuestionAnswered(Event):
    """The customer answered a question of a survey. `satisfied` decides whether the matter of a follow-up call is over;
    None: the answer does not say."""

    question: str
    answer: str
    satisfied: bool | None = None


@dataclass(frozen=True, slots=True)
class NumberTaken(Event):
    """Read, never written: what logs hold of a number that was taken before `PromiseAsked` told of every one.

    `source` is flow, queue, fallback or shutdown. `queue` is what the call was about when it had not been queued;
    empty: as the call's fields say.
    """

    number: str
    category: str
    source: str = "flow"
    taken_at: float | None = None
    spool_id: str = ""
    """The fallback's entry, so that each is taken in exactly once."""
    queue: str = ""
    language: str = ""
    vip: bool = False
    refused: str = ""
    """Why it cannot be called back, as a sentence: then nothing is promised, and an agent finds it on the ticket."""
