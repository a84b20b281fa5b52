"""What happened to outbound lists, as the log keeps it. What comes of a line is told by the promise that it becomes."""

from __future__ import annotations

from dataclasses import dataclass

from customers.lists import Line, ListRules


@dataclass(frozen=True, slots=True)
class Event:
    """Base of the lists' events."""

    list: int


@dataclass(frozen=True, slots=True)
class ListCreated(Event):
    """A list begins, without a line yet."""

    rules: ListRules
    by: str = ""


@dataclass(frozen=True, slots=True)
class ListLoaded(Event):
    """These lines are called from now on; `source` is the name of the table."""

    lines: tuple[Line, ...]
    by: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class ListPaused(Event):
    """Nobody is called; lines that stood in line wait again."""

    by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ListResumed(Event):
    """Lines are called again."""

    by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ListEnded(Event):
    """Nobody of the list is called any more."""

    by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LineRefused(Event):
    """A line is not called: why not, as a sentence."""

    line: int
    why: str
