"""A kind of input, for a run: how an input is given, which results are findings, and what must still work."""

from __future__ import annotations

import signal
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Protocol, Self

from tests.fuzz.mutator import Grammar

LONGEST = 5
"""Seconds that one input may take; where the work is done in this process, seconds of the processor."""


class Flaw(Exception):
    """Something that no input may bring about, in a sentence."""


class Hang(BaseException):
    """An input took longer than it may. No handler of errors stops it on its way out."""


class Target(Protocol):
    """The target of the inputs. `give` and `check` raise Flaw."""

    grammar: Grammar
    at_once: int
    """How many inputs may be under way together."""

    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, *_: object) -> None: ...

    async def give(self, index: int, data: bytes) -> None:
        """One input, to its end."""

    async def check(self) -> None:
        """Placed between inputs: a good call, or what stands for one, goes as it did before the first input."""

    def books(self) -> Sequence[Callable[[], Awaitable[None]]]:
        """The checks after the last input: no channel is left, and log and records are whole."""

    def memory(self) -> int:
        """Bytes that the product has resident now."""


@contextmanager
def time_limit(seconds: float = LONGEST) -> Iterator[None]:
    """Raise Hang in the middle of Python code that takes longer than this. In the main thread only."""

    def ring(_: int, __: FrameType | None) -> None:
        raise Hang(f"it takes more than {seconds:g} s")

    before = signal.signal(signal.SIGVTALRM, ring)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def resident(pid: int | str = "self") -> int:
    """Bytes of memory that a process has; 0 if there is none."""
    try:
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * 4096
    except OSError:
        return 0
