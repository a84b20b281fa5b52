"""The registry of promises: one live promise for a number and matter; none is forgotten before it is settled.

The registry finds a promise by its number, by the call that stands for it, by the number to call, and by its next
instant. `acd.callbacks.lifecycle` says what happens to a promise; it changes promises only through the moves made here.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace
from typing import Any

from acd.callbacks.events import LIST, PromiseAsked
from acd.callbacks.policy import CallbackPolicy, CallbackRules, Delays, OwnRules
from acd.callbacks.promise import Promise
from acd.callbacks.states import TASKS, TRANSITIONS, PromiseSignal, PromiseState
from acd.timers import Timers

DAY = 86_400.0
REMEMBER_SETTLED = 86_400.0
"""Seconds for which a settled promise stays known, so that late events and lookups are right …"""
MOST_SETTLED = 20_000
"""… and how many of them at most."""
PROMISE = 0


class PromiseRegistry:
    """All promises that are live, a task, or were settled lately. `touched` collects those that this event changed."""

    def __init__(self) -> None:
        self.now = 0.0
        self.policy = CallbackPolicy()
        self.promises: dict[int, Promise] = {}
        self.live: dict[str, dict[str, Promise]] = {}
        """Number → matter → its latest live promise."""
        self.unconfirmed: dict[tuple[str, str], Promise] = {}
        """(number, matter) → the task of an unconfirmed number."""
        self.by_call: dict[int, int] = {}
        """Call → promise, until the call ends."""
        self.stopping: dict[int, tuple[int, str]] = {}
        """Calls that `StopCalling` ends, until they are over: promise and reason."""
        self.settled: dict[int, float] = {}
        """When each promise was settled, the earliest first."""
        self.waiting: dict[str, int] = {}
        """How many promises wait, by queue."""
        self.placing: dict[int, None] = {}
        """Promises whose `PlaceCall` was not answered yet."""
        self.busy: dict[str, int] = {}
        """Number → the promise whose call is being placed or stands: a customer's phone is rung once at a time."""
        self.held: dict[str, dict[int, Promise]] = {}
        """Number → the promises that are due and wait for that one, by id."""
        self.made: list[tuple[float, str]] = []
        """When a promise was made to which number, of the last 24 hours."""
        self.made_to: dict[str, list[float]] = {}
        self.next_promise = 1
        self.timers = Timers()
        self.touched: dict[int, None] = {}

    def rules(self, promise: Promise) -> CallbackRules:
        """The rules of the promise's queue, and its own in place of them."""
        rules, own = self.policy.of(promise.queue), promise.own
        return rules if own is None else replace(rules, attempts=own.attempts, expires=own.expires, delays=own.delays)

    def find(self, number: str, matter: str) -> Promise | None:
        """The latest live promise of this number for this matter: a category, or the queue where there is none."""
        return self.live.get(number, {}).get(matter)

    # Moves

    def make(self, event: PromiseAsked) -> Promise:
        """A new promise, pending."""
        now = self.now
        promise = Promise(self.next_promise, event.number, event.queue, event.category)
        self.next_promise += 1
        promise.caller, promise.language, promise.source = event.caller, event.language, event.source
        promise.by, promise.owner, promise.origin = event.by, event.owner, event.call
        promise.promised_at = promise.counts_from = now
        promise.queued_at = now if event.queued_at is None else min(event.queued_at, now)
        promise.priority, promise.vip, promise.ticket = event.priority, event.vip, event.ticket
        promise.called, promise.purpose, promise.matter = event.called, event.purpose, event.matter
        promise.called, promise.entry, promise.own = event.called, event.entry, event.own
        promise.after = now
        promise.reason = event.reason or "promised"
        promise.expires_at = now + self.rules(promise).expires
        self.promises[promise.id] = promise
        self.live.setdefault(event.number, {})[promise.matter] = promise
        self.waiting[event.queue] = self.waiting.get(event.queue, 0) + 1
        if event.source != LIST:
            self._count(now, event.number)
        self.touch(promise)
        return promise

    def touch(self, promise: Promise) -> None:
        """Report the promise after this event, and set its timer. Must follow every change."""
        self.touched[promise.id] = None
        self._rearm(promise)

    def move(self, promise: Promise, signal: PromiseSignal, reason: str) -> None:
        """Follow the table. Raises KeyError for a pair that is not in it: a fault of this code, not of the events."""
        waited = promise.waits
        promise.state, promise.reason = TRANSITIONS[promise.state, signal], reason
        if promise.waits is not waited:
            self._fill(promise.queue, 1 if promise.waits else -1)
        self.set_placing(promise, False)
        if not promise.waits:
            self._hold_no_more(promise)
        if not promise.live:
            of_number = self.live.get(promise.number, {})
            if of_number.get(promise.matter) is promise:  # a newer one may have been asked for in the conversation
                del of_number[promise.matter]
                if not of_number:
                    del self.live[promise.number]
            promise.task = promise.state in TASKS
            if not promise.task:
                self._remember(promise)
            elif promise.state is PromiseState.UNCONFIRMED:
                self.unconfirmed[promise.number, promise.matter] = promise
        self.touch(promise)

    def settle(self, promise: Promise, reason: str) -> None:
        """The agent's task is done."""
        promise.task, promise.reason = False, reason
        if promise.state is PromiseState.UNCONFIRMED:
            self.unconfirmed.pop((promise.number, promise.matter), None)
        self._remember(promise)
        self.touch(promise)

    def not_before(self, promise: Promise, after: float) -> None:
        """The customer may be called from `after` on; its time to expire runs from there if that is later."""
        promise.after = after
        promise.counts_from = max(promise.counts_from, after)
        promise.expires_at = promise.counts_from + self.rules(promise).expires
        self.touch(promise)

    def stand(self, promise: Promise, call: int) -> None:
        """This call waits for the promise."""
        promise.call, promise.standing = call, True
        promise.attempt, promise.answered = 0, False
        promise.connected_at, promise.joined_at, promise.talked = None, None, 0.0
        self._occupy(promise)
        self.set_placing(promise, False)
        self.touch(promise)

    def let_go(self, promise: Promise) -> None:
        """The call of the promise is over."""
        promise.standing = promise.answered = False
        promise.attempt, promise.joined_at = 0, None
        self._rearm(promise)
        self._release(promise)

    def set_placing(self, promise: Promise, placing: bool) -> None:
        """Whether a `PlaceCall` is unanswered."""
        promise.placing = placing
        if placing:
            self.placing[promise.id] = None
            self._occupy(promise)
        else:
            self.placing.pop(promise.id, None)
        self._rearm(promise)
        self._release(promise)

    def ahead_of(self, promise: Promise) -> Promise | None:
        """The promise to the same number whose call is being placed or stands, if there is another."""
        first = self.busy.get(promise.number, promise.id)
        return self.promises.get(first) if first != promise.id else None

    def hold(self, promise: Promise, first: Promise) -> None:
        """The customer's phone is not rung for two matters at once: this promise waits until `first` lets go."""
        promise.behind = first.id
        promise.reason = f"waits for callback {first.id}, which calls the same number first"
        self.held.setdefault(promise.number, {})[promise.id] = promise
        self.touch(promise)

    def behind(self, promise: Promise) -> list[Promise]:
        """The promises that wait for this one."""
        return [each for each in self.held.get(promise.number, {}).values() if each.behind == promise.id]

    def _occupy(self, promise: Promise) -> None:
        if self.ahead_of(promise) is None:
            self.busy[promise.number] = promise.id

    def _hold_no_more(self, promise: Promise) -> None:
        if promise.behind:
            promise.behind = 0
            of_number = self.held[promise.number]
            del of_number[promise.id]
            if not of_number:
                del self.held[promise.number]

    def _release(self, promise: Promise) -> None:
        """Unless its call is being placed or stands, the promise keeps no other one from the same number."""
        if promise.placing or promise.standing or self.busy.get(promise.number) != promise.id:
            return
        del self.busy[promise.number]
        for _, other in sorted(self.held.get(promise.number, {}).items()):
            self._hold_no_more(other)
            other.reason = f"callback {promise.id} to the same number came first"
            self.touch(other)

    def put_in_queue(self, promise: Promise, queue: str) -> None:
        """The promise belongs to another queue from now on, with that queue's rules."""
        if promise.waits:
            self._fill(promise.queue, -1)
            self._fill(queue, 1)
        promise.queue = queue
        promise.expires_at = promise.counts_from + self.rules(promise).expires
        self.touch(promise)

    def set_policy(self, policy: CallbackPolicy) -> None:
        """New rules for every live promise; its attempts stay counted."""
        self.policy = policy
        for promise in self.promises.values():
            expires_at = promise.counts_from + self.rules(promise).expires
            if promise.live and expires_at != promise.expires_at:
                promise.expires_at = expires_at
                self.touch(promise)

    def forget_old(self) -> None:
        """Forget promises that were settled long ago, and the counts of more than 24 hours ago."""
        while self.settled:
            id_, at = next(iter(self.settled.items()))
            if at + REMEMBER_SETTLED > self.now and len(self.settled) <= MOST_SETTLED:
                break
            del self.settled[id_]
            del self.promises[id_]
        old = 0
        while old < len(self.made) and self.made[old][0] <= self.now - DAY:
            at, number = self.made[old]
            of_number = self.made_to[number]
            del of_number[0]
            if not of_number:
                del self.made_to[number]
            old += 1
        if old:
            del self.made[:old]

    def why_not(self, number: str, now: float) -> str:
        """The limit that a new promise to this number would break, as a sentence; empty for none."""
        policy, since = self.policy, now - DAY
        times = self.made_to.get(number, [])
        lately = len(times) - bisect_right(times, since)
        if policy.per_number_per_day and lately >= policy.per_number_per_day:
            return (
                f"{number} was promised {lately} calls in 24 hours: no more than {policy.per_number_per_day} are made"
            )
        in_all = len(self.made) - bisect_right(self.made, since, key=lambda each: each[0])
        if policy.per_day and in_all >= policy.per_day:
            return f"{in_all} calls were promised in 24 hours: no more than {policy.per_day} are made in all"
        return ""

    # Indexes

    def _fill(self, queue: str, by: int) -> None:
        left = self.waiting.get(queue, 0) + by
        if left:
            self.waiting[queue] = left
        else:
            self.waiting.pop(queue, None)

    def _count(self, at: float, number: str) -> None:
        self.made.append((at, number))
        self.made_to.setdefault(number, []).append(at)

    def _remember(self, promise: Promise) -> None:
        self.settled[promise.id] = self.now

    def _rearm(self, promise: Promise) -> None:
        due: float | None = None
        if promise.state is PromiseState.PENDING:
            due = promise.expires_at
            if not promise.standing and not promise.placing and not promise.behind:
                due = min(due, promise.due_at)
        elif promise.state is PromiseState.DIALLING and not promise.answered:
            due = max(promise.expires_at, promise.ring_until)
        self.timers.arm(PROMISE, promise.id, promise, due)

    # As JSON

    def snapshot(self) -> dict[str, Any]:
        """Everything, as JSON has it."""
        promises = [
            {name: getattr(promise, name) for name in Promise.SAVED}
            | {"state": promise.state.value, "due": promise.due}
            for promise in self.promises.values()
        ]
        return {
            "promises": promises,
            "by_call": [list(each) for each in self.by_call.items()],
            "stopping": [[call, *each] for call, each in self.stopping.items()],
            "settled": [list(each) for each in self.settled.items()],
            "placing": list(self.placing),
            "made": [list(each) for each in self.made],
            "next_promise": self.next_promise,
        }

    @staticmethod
    def restore(data: dict[str, Any], policy: CallbackPolicy, now: float) -> PromiseRegistry:
        """The registry of a snapshot."""
        registry = PromiseRegistry()
        registry.policy, registry.now, registry.next_promise = policy, now, data["next_promise"]
        for saved in data["promises"]:
            promise = Promise(saved["id"], saved["number"], saved["queue"], saved["category"])
            for name in Promise.SAVED:
                setattr(promise, name, saved.get(name, getattr(promise, name, None)))
            promise.state = PromiseState(saved["state"])
            promise.own = _own_rules(saved.get("own"))
            registry.promises[promise.id] = promise
            if promise.live:
                registry.live.setdefault(promise.number, {})[promise.matter] = promise
            elif promise.task and promise.state is PromiseState.UNCONFIRMED:
                registry.unconfirmed[promise.number, promise.matter] = promise
            if promise.waits:
                registry._fill(promise.queue, 1)
            if promise.standing or promise.placing:
                registry.busy.setdefault(promise.number, promise.id)
            if promise.behind:
                registry.held.setdefault(promise.number, {})[promise.id] = promise
            registry.timers.arm(PROMISE, promise.id, promise, saved["due"])
        registry.by_call = dict(data["by_call"])
        registry.stopping = {call: (id_, why) for call, id_, why in data["stopping"]}
        registry.settled = dict(data["settled"])
        registry.placing = dict.fromkeys(data["placing"])
        for at, number in data["made"]:
            registry._count(at, number)
        return registry


def _own_rules(saved: dict[str, Any] | None) -> OwnRules | None:
    return None if saved is None else OwnRules(saved["attempts"], saved["expires"], Delays(**saved["delays"]))
