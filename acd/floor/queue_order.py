"""One order over all queues: points, then arrival, then number. No operation searches it.

A call has `priority + ageing × seconds waited` points, at most the hotline's ageing limit. Within a queue every call
gains points equally fast, so the **virtual arrival** `v = arrival − priority / ageing` fixes the order at all times,
until the call is *ripe*: from `v + limit / ageing` on it has the most points that a call can have. Ripe calls are
ordered by arrival alone. So a queue is two sorted lists, and the first call of all is the best of the queues' heads.

No call starves: after `(limit − priority) / ageing` seconds no call that arrived later is taken before it.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import Protocol

from acd.policy.definitions import Queue

Rank = tuple[float, float, int]
"""(−points, arrival, call): the least is first."""


class Ranked(Protocol):
    """The part of a call that decides the order: number, instants in UTC epoch seconds, and whether it is ripe."""

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
        """Put a call at its position."""
        if call.ripe:
            insort(self.ripe, (call.arrival, call.id))
        else:
            insort(self.ageing, (call.virtual, call.arrival, call.id))

    def remove(self, call: Ranked) -> None:
        """Take a call out, which must be in it; its instants and `ripe` must be those with which it was added."""
        if call.ripe:
            del self.ripe[bisect_left(self.ripe, (call.arrival, call.id))]
        else:
            del self.ageing[bisect_left(self.ageing, (call.virtual, call.arrival, call.id))]

    def __len__(self) -> int:
        return len(self.ripe) + len(self.ageing)

    def index(self, call: Ranked) -> int:
        """How many calls are before this one, which must be in it."""
        if call.ripe:
            return bisect_left(self.ripe, (call.arrival, call.id))
        return len(self.ripe) + bisect_left(self.ageing, (call.virtual, call.arrival, call.id))

    def head(self, now: float) -> Rank | None:
        """The rank of the first call; None if there is none."""
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
        """The call at this index from 0; 0 beyond the end."""
        if index < len(self.ripe):
            return self.ripe[index][1]
        index -= len(self.ripe)
        return self.ageing[index][2] if index < len(self.ageing) else 0


class WaitingQueue:
    """One queue's rules, and all calls that wait in it: offered, detached or available."""

    __slots__ = ("calls", "limit", "recipes", "rules")

    def __init__(self, rules: Queue, limit: float) -> None:
        self.rules = rules
        self.limit = limit
        self.recipes = rules.recipes()
        self.calls = self.new_order()

    def new_order(self) -> OrderedCalls:
        """An empty order for calls of this queue."""
        return OrderedCalls(self.rules.ageing, self.limit)

    def virtual_arrival(self, arrival: float, priority: int) -> float:
        """The instant of arrival at which the call would have the same points without a priority."""
        return arrival - min(float(priority), self.limit) / self.rules.ageing

    def points(self, call: Ranked, now: float) -> float:
        """The call's points; never more than the limit."""
        return self.limit if call.ripe else min(self.limit, self.rules.ageing * (now - call.virtual))

    def rank(self, call: Ranked, now: float) -> Rank:
        """The call's rank among the calls of all queues."""
        return (-self.points(call, now), call.arrival, call.id)

    def next_ripe(self, now: float) -> int:
        """A call that is ripe by now and is still ordered as ageing; 0 if there is none."""
        ageing = self.calls.ageing
        if ageing and ageing[0][0] + self.limit / self.rules.ageing <= now:
            return ageing[0][2]
        return 0
