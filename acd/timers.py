"""When the floor needs a tick: one instant for each offer, agent or call that changes by itself. UTC epoch seconds."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import Protocol

OFFER, AGENT, CALL = 0, 1, 2
"""Kinds, in the order in which things that are due at the same instant are handled."""

Key = tuple[int, int | str]


class Due(Protocol):
    """Has at most one next instant."""

    due: float | None


class Timers:
    """A heap of (instant, kind, id). An entry is stale, and skipped, once its thing has another `due`."""

    __slots__ = ("_heap", "_things")

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, int | str]] = []
        self._things: dict[Key, Due] = {}

    def arm(self, kind: int, id: int | str, thing: Due, due: float | None) -> None:
        """Set, move or (None) clear the instant of a thing."""
        if due == thing.due:
            return
        thing.due = due
        if due is None:
            self._things.pop((kind, id), None)
            return
        self._things[kind, id] = thing
        heap = self._heap
        heappush(heap, (due, kind, id))
        if len(heap) > 64 + 4 * len(self._things):
            heap[:] = [(thing.due, *key) for key, thing in self._things.items() if thing.due is not None]
            heapify(heap)

    def next(self) -> float | None:
        """The earliest instant; None if there is none."""
        heap = self._heap
        while heap:
            due, kind, id = heap[0]
            thing = self._things.get((kind, id))
            if thing is not None and thing.due == due:
                return due
            heappop(heap)
        return None

    def pop(self, now: float) -> Key | None:
        """Take the earliest thing that is due at `now`, or None; its instant is cleared."""
        due = self.next()
        if due is None or due > now:
            return None
        _, kind, id = heappop(self._heap)
        self._things.pop((kind, id)).due = None
        return kind, id
