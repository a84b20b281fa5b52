"""One order over all queues: points, then arrival, then number; and it is never searched.

A call has `priority + ageing × seconds waited` points, at most the hotline's ageing limit. Within a queue every call
gains points equally fast, so the order is fixed by the **virtual arrival** `v = arrival − priority / ageing`, whatever
the time is, until the call is *ripe*: from `v + limit / ageing` on it has all the points there are. Ripe calls go by
arrival alone. So a queue is two sorted rows, and the first call of the house is the best of the rows' heads.

Nobody starves: after `(limit − priority) / ageing` seconds nobody who arrived later is ever taken before.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import Protocol

from acd.policy.definitions import Queue

Rank = tuple[float, float, int]
"""(−points, arrival, call): the least is first."""


class Ranked(Protocol):
    """What the order looks at in a call: its number, instants in UTC epoch seconds, and whether it is ripe."""

    id: int
    arrival: float
    virtual: float
    ripe: bool


class OrderedCalls:
    """Calls in order. Every call in it belongs to the same queue."""

    __slots__ = ("ageing", "limit", "rate", "ripe")

    def __init__(self, rate: float, limit: float) -> None:
        self.rate = rate
        self.limit = limit
        self.ripe: list[tuple[float, int]] = []
        self.ageing: list[tuple[float, float, int]] = []

    def add(self, call: Ranked) -> None:
        if call.ripe:
            insort(self.ripe, (call.arrival, call.id))
        else:
            insort(self.ageing, (call.virtual, call.arrival, call.id))

    def remove(self, call: Ranked) -> None:
        if call.ripe:
            del self.ripe[bisect_left(self.ripe, (call.arrival, call.id))]
        else:
            del self.ageing[bisect_left(self.ageing, (call.virtual, call.arrival, call.id))]

    def __len__(self) -> int:
        return len(self.ripe) + len(self.ageing)

    def index(self, call: Ranked) -> int:
        """How many calls are before this one, which must be in the row."""
        if call.ripe:
            return bisect_left(self.ripe, (call.arrival, call.id))
        return len(self.ripe) + bisect_left(self.ageing, (call.virtual, call.arrival, call.id))

    def head(self, now: float) -> Rank | None:
        """The rank of the first call."""
        if self.ripe:
            arrival, call = self.ripe[0]
            return (-self.limit, arrival, call)
        if self.ageing:
            virtual, arrival, call = self.ageing[0]
            return (-min(self.limit, self.rate * (now - virtual)), arrival, call)
        return None

    def ids(self) -> list[int]:
        """All calls in order."""
        return [entry[1] for entry in self.ripe] + [entry[2] for entry in self.ageing]

    def at(self, index: int) -> int:
        """The call at a place, 0 beyond the end."""
        if index < len(self.ripe):
            return self.ripe[index][1]
        index -= len(self.ripe)
        return self.ageing[index][2] if index < len(self.ageing) else 0


class WaitingQueue:
    """One queue's waiting line: everybody who waits in it, offered, detached or free to be taken."""

    __slots__ = ("calls", "limit", "recipes", "rules")

    def __init__(self, rules: Queue, limit: float) -> None:
        self.rules = rules
        self.limit = limit
        self.recipes = rules.recipes()
        self.calls = self.new_order()

    def new_order(self) -> OrderedCalls:
        """An empty row for calls of this queue."""
        return OrderedCalls(self.rules.ageing, self.limit)

    def virtual_arrival(self, arrival: float, priority: int) -> float:
        """The instant from which the call would have had to wait to have its points by waiting alone."""
        return arrival - min(float(priority), self.limit) / self.rules.ageing

    def points(self, call: Ranked, now: float) -> float:
        """The call's points; never more than the limit."""
        return self.limit if call.ripe else min(self.limit, self.rules.ageing * (now - call.virtual))

    def rank(self, call: Ranked, now: float) -> Rank:
        """Where the call stands among all calls of the house."""
        return (-self.points(call, now), call.arrival, call.id)

    def next_ripe(self, now: float) -> int:
        """A call that has become ripe and still stands among the ageing, or 0."""
        ageing = self.calls.ageing
        if ageing and ageing[0][0] + self.limit / self.rules.ageing <= now:
            return ageing[0][2]
        return 0
