"""What was told lately, by its keys: a client that comes again is told the present rows of what changed meanwhile."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from server.eventlog.log import START, id_order
from server.web.live.board import Change, Key

REMEMBERED = 50_000
"""Keys of changes that a client that comes again can catch up with."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """The keys that one tick told of, and the position that it told."""

    position: str
    keys: tuple[tuple[str, Key, frozenset[str]], ...]


class Memory:
    """The ticks since the position `since`."""

    def __init__(self, since: str = START) -> None:
        self._since, self._ticks, self._keys = since, deque[Remembered](), 0

    def remember(self, position: str, changes: Sequence[Change]) -> None:
        """A tick told of these changes."""
        if not changes:
            return
        keys = tuple((change.kind, change.key, change.viewers) for change in changes)
        self._ticks.append(Remembered(position, keys))
        self._keys += len(keys)
        while self._keys > REMEMBERED:
            forgotten = self._ticks.popleft()
            self._keys -= len(forgotten.keys)
            self._since = forgotten.position

    def reaches(self, after: str, seen: str) -> bool:
        """Whether everything from this position up to `seen` is remembered."""
        try:
            return id_order(self._since) <= id_order(after) <= id_order(seen)
        except ValueError:
            return False

    def changed(self, after: str) -> dict[tuple[str, Key], frozenset[str]]:
        """What was told since this position: (kind, key) → the agents whose row it was."""
        found: dict[tuple[str, Key], frozenset[str]] = {}
        since = id_order(after)
        for tick in reversed(self._ticks):
            if id_order(tick.position) < since:
                break
            for kind, key, viewers in tick.keys:
                found[kind, key] = found.get((kind, key), frozenset()) | viewers
        return found
