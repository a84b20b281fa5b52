"""A model of FreeSWITCH's mod_callcenter: one thread goes over all callers ten times a second.

Callers go by seconds waited plus base score, over all queues; each looks for a free agent by tier level, then by the
strategy. An agent is free again in the second *after* the one in which the last call ended, for time is counted in
whole seconds. Base scores are our priorities, put in seconds by the queue's ageing; levels are our ranks. On a real
FreeSWITCH we measured 0.95 s from hangup to the next call; this model has half of it, in its favour.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, floor, inf

from simulation.competitors.common import CompetitorModel, Member, Person, Waiter

PASS = 0.1
NO_ANSWER_DELAY = 1.0

Order = Callable[["ModCallcenter", Member, Waiter], float]


def longest_idle(model: ModCallcenter, member: Member, waiter: Waiter) -> float:
    """Whose last call ended longest ago."""
    return member.person.last_call


def round_robin(model: ModCallcenter, member: Member, waiter: Waiter) -> float:
    """The next position after the last one rung in this queue."""
    return member.place + (1e6 if member.place < waiter.group.next_place else 0.0)


def top_down(model: ModCallcenter, member: Member, waiter: Waiter) -> float:
    """Always from the first position."""
    return member.place


def fewest_calls(model: ModCallcenter, member: Member, waiter: Waiter) -> float:
    """The member who took the fewest calls."""
    return member.person.calls


def least_talk_time(model: ModCallcenter, member: Member, waiter: Waiter) -> float:
    """The member who talked least."""
    return member.person.talked


STRATEGIES: dict[str, Order] = {
    "longest_idle": longest_idle,
    "round_robin": round_robin,
    "top_down": top_down,
    "fewest_calls": fewest_calls,
    "least_talk_time": least_talk_time,
}


class ModCallcenter(CompetitorModel):
    """See the module."""

    name = "mod_callcenter"

    def __init__(self, strategy: str, translation: str = "kindest") -> None:
        super().__init__(translation)
        self.order = STRATEGIES[strategy]
        self.due = inf

    def next_timer(self) -> float | None:
        return self.due if self.waiters and self.due < inf else None

    def joined(self, waiter: Waiter) -> None:
        queue = waiter.group.queue
        head_start = queue.vip_head_start if waiter.asked.vip else 0.0
        base = (queue.priority + waiter.asked.priority) / queue.ageing + head_start
        waiter.key = (waiter.asked.queued_at - base, float(waiter.asked.call))
        if self.due < self.now:
            self.due = inf  # passes while nobody waited came to nothing
        self._look_at(ceil(self.now / PASS + 1e-6) * PASS)

    def freed(self, person: Person) -> None:
        person.rest_until = max(person.rest_until, floor(self.now) + 1.0)
        self._look_at(person.rest_until)

    def missed(self, waiter: Waiter, person: Person) -> None:
        person.rest_until = self.now + NO_ANSWER_DELAY

    def _look_at(self, at: float) -> None:
        self.due = min(self.due, max(at, self.now))

    def look(self) -> None:
        self.due = inf
        free = any(person.free(self.now) for person in self.people.values())
        for waiter in sorted(self.waiters.values(), key=lambda each: each.key):
            if waiter.offer or waiter.leaving or self.overflow(waiter):
                continue
            if free and (member := self._best(waiter)) is not None:
                waiter.group.next_place = member.place + 1
                self.offer(waiter, member.person)
        self._look_at(floor(self.now) + 1.0)

    def _best(self, waiter: Waiter) -> Member | None:
        waited = self.now - waiter.entered
        able = [each for each in waiter.group.members if each.after <= waited and each.person.free(self.now)]
        return min(able, key=lambda each: (each.penalty, self.order(self, each, waiter), each.place), default=None)
