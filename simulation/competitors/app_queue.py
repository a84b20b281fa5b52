"""A model of Asterisk's app_queue with `autofill=yes`: each caller's own thread looks again and again.

A caller who is not within the first *n* of the queue (*n*: free members) looks again after a second; one who is, and
gets nobody, after `retry` seconds. The member with the least metric is rung: penalty first, then the strategy. A
member is not rung for this queue while callers wait for them in one of greater `weight`. Between queues of the same
weight it is chance which thread looks first. Weights are our queues' priorities.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush

from simulation.competitors.common import CompetitorModel, Group, Member, Person, Waiter

RECHECK = 1.0
PENALTY = 1_000_000.0

Metric = Callable[["AppQueue", Member, Waiter], float]


def rrmemory(model: AppQueue, member: Member, waiter: Waiter) -> float:
    """Round robin that remembers where it stopped."""
    behind = member.place < waiter.group.next_place
    return member.place + (1000.0 if behind else 0.0)


def linear(model: AppQueue, member: Member, waiter: Waiter) -> float:
    """In the order of the list; a caller goes on where it stopped."""
    return member.place + (1000.0 if member.place < waiter.place else 0.0)


def leastrecent(model: AppQueue, member: Member, waiter: Waiter) -> float:
    """Whose last call ended longest ago."""
    last = member.person.last_call
    return PENALTY - (model.now - last) if last else 0.0


def fewestcalls(model: AppQueue, member: Member, waiter: Waiter) -> float:
    """The member who took the fewest calls."""
    return float(member.person.calls)


STRATEGIES: dict[str, Metric] = {
    "rrmemory": rrmemory,
    "leastrecent": leastrecent,
    "fewestcalls": fewestcalls,
    "linear": linear,
}


class AppQueue(CompetitorModel):
    """See the module. `retry` is in seconds, 1 being the least that it takes."""

    name = "app_queue"

    def __init__(self, strategy: str, translation: str = "kindest", *, retry: float = 1.0) -> None:
        super().__init__(translation)
        self.metric = STRATEGIES[strategy]
        self.retry = retry
        self.tries: list[tuple[float, int]] = []

    def next_timer(self) -> float | None:
        while self.tries:
            at, call = self.tries[0]
            waiter = self.waiters.get(call)
            if waiter is not None and not waiter.leaving and not waiter.offer and waiter.next_try == at:
                return at
            heappop(self.tries)
        return None

    def look(self) -> None:
        while (at := self.next_timer()) is not None and at <= self.now:
            _, call = heappop(self.tries)
            waiter = self.waiters[call]
            if self.overflow(waiter):
                continue
            if not self._is_our_turn(waiter):
                self._try_at(waiter, self.now + RECHECK)
            elif (member := self._best(waiter)) is not None:
                waiter.group.next_place = member.place + 1
                waiter.place = member.place + 1
                self.offer(waiter, member.person)
            else:
                self._try_at(waiter, self.now + self.retry)

    def joined(self, waiter: Waiter) -> None:
        waiter.key = (-float(waiter.asked.priority + waiter.asked.vip), waiter.entered, float(waiter.asked.call))
        self._try_at(waiter, self.now)

    def missed(self, waiter: Waiter, person: Person) -> None:
        self._try_at(waiter, self.now + self.retry)

    def _try_at(self, waiter: Waiter, at: float) -> None:
        waiter.next_try = at
        heappush(self.tries, (at, waiter.asked.call))

    def _is_our_turn(self, waiter: Waiter) -> bool:
        free = waiter.group.free_members(self.now)
        ahead = 0
        for _, other in waiter.group.waiting:
            if ahead >= free:
                return False
            if other is waiter:
                return True
            ahead += not other.offer
        return False

    def _best(self, waiter: Waiter) -> Member | None:
        waited = self.now - waiter.entered
        able = [each for each in waiter.group.members if each.after <= waited and each.person.free(self.now)]
        able.sort(key=lambda each: (each.penalty * PENALTY + self.metric(self, each, waiter), each.place))
        return next((each for each in able if not self._wanted_elsewhere(each, waiter.group)), None)

    def _wanted_elsewhere(self, member: Member, group: Group) -> bool:
        """Whether a queue of greater weight has at least as many callers as free members, this one among them."""
        for other in self.groups.values():
            if other.queue.priority > group.queue.priority and other.waiting:
                mine = any(each.person is member.person for each in other.members)
                if mine and len(other.waiting) >= other.free_members(self.now):
                    return True
        return False
