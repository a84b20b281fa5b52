"""The keys that a caller presses go to the session that holds the caller, also those pressed before there is one."""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import Protocol

EARLY = 5.0
"""Seconds for which keys are kept that a caller presses before a session holds the caller."""


class HearsDigits(Protocol):
    """Told the keys that one caller presses. `keyed` is what came of the answer that is being keyed."""

    keyed: str

    def digit(self, digit: str) -> None:
        """The caller pressed this key."""

    def told_again(self, digit: str) -> None:
        """A telephone sent this key in a second way."""


class CallerKeys:
    """Sessions that hear keys, by the unique id of the caller's channel. `clock` gives UTC epoch seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lines: dict[str, HearsDigits] = {}
        self._keyed: dict[str, str] = {}
        """What callers had keyed of an answer when their session ended, until AMI tells that they hung up."""
        self._early: dict[str, list[tuple[float, str]]] = {}
        """Keys of callers that no session holds yet, and when they were pressed."""

    def hear(self, unique_id: str, line: HearsDigits) -> Callable[[], None]:
        """Digits from this channel go to this line; returns the function that ends it."""
        self._lines[unique_id] = line
        self._keyed.pop(unique_id, None)
        since = self._clock() - EARLY
        for at, digit in self._early.pop(unique_id, ()):
            if at >= since:
                line.digit(digit)

        def release() -> None:
            if self._lines.get(unique_id) is line:
                del self._lines[unique_id]
                if line.keyed:
                    self._keyed[unique_id] = line.keyed

        return release

    def heard(self, unique_id: str) -> bool:
        """Whether a session hears this channel's keys."""
        return unique_id in self._lines

    def press(self, unique_id: str, digit: str) -> None:
        """A key of this caller: for the session that holds the caller, or the one that will."""
        if (line := self._lines.get(unique_id)) is not None:
            line.digit(digit)
        else:
            self._early.setdefault(unique_id, []).append((self._clock(), digit))

    def again(self, unique_id: str, digit: str) -> None:
        """A key of this caller came in a second way."""
        if (line := self._lines.get(unique_id)) is not None:
            line.told_again(digit)

    def gone(self, unique_id: str) -> str:
        """The channel is gone; what its caller had keyed of an answer. The session has ended before, or has not yet."""
        self._early.pop(unique_id, None)
        line, keyed = self._lines.get(unique_id), self._keyed.pop(unique_id, "")
        return line.keyed if line is not None else keyed

    def keep(self, here: Container[str]) -> None:
        """Forget the channels that are not among these."""
        for remembered in (self._early, self._keyed):
            for gone in [each for each in remembered if each not in here]:
                del remembered[gone]
