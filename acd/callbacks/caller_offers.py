"""A waiting caller is told once that a callback is possible; a caller who gave up may be called back unasked.

Callers who wait when a queue's mode turns on are told at once. The flow asked those who came later when they entered:
they are told once more when they have waited for `on_above` seconds.
"""

from __future__ import annotations

from typing import Any

import msgspec

from acd.callbacks.commands import CallBackAbandoned, OfferCallback
from acd.callbacks.policy import CallbackPolicy
from acd.callbacks.states import ModeView
from acd.commands import Command, Moved
from acd.events import CallEnded, CallLeftQueue, CallMoved, CallQueued, Joined, PrioritySet, Transferred
from acd.timers import Timers

_CALLER = 0
UNANSWERED = 600.0
"""Seconds within which a caller who gave up is promised a callback: after a crash the server is late."""


class WaitingCaller:
    """A call whose caller waits, or waited."""

    __slots__ = (
        "call", "category", "due", "entered", "language", "number", "offered", "priority", "promised", "queue",
        "queued_at", "spoke", "vip", "waits",
    )  # fmt: skip

    SAVED = tuple(sorted({*__slots__} - {"due"}))

    def __init__(self, event: CallQueued, now: float) -> None:
        self.call = event.call
        self.number = event.caller
        self.queue = event.queue
        self.category = event.category
        self.language = event.language
        self.queued_at = event.queued_at
        self.priority = event.priority
        self.vip = event.vip
        self.entered = now
        self.waits = True
        self.offered = False
        self.promised = False
        """A callback was asked for in this call."""
        self.spoke = False
        """An agent spoke with the caller in this call."""
        self.due: float | None = None

    def as_given_up(self) -> CallBackAbandoned:
        """The command that asks for a callback to this caller."""
        return CallBackAbandoned(
            self.call,
            self.number,
            self.queue,
            self.category,
            self.language,
            self.queued_at,
            self.priority,
            self.vip,
        )


class CallerOffers:
    """The waiting callers, by call and by queue, and those who gave up lately."""

    def __init__(self) -> None:
        self.calls: dict[int, WaitingCaller] = {}
        self.waiting: dict[str, dict[int, WaitingCaller]] = {}
        """Waiting callers who were not told yet, by queue and call."""
        self.given_up: dict[int, tuple[float, CallBackAbandoned]] = {}
        """Callers who gave up lately and were not promised a callback yet, with the instant."""
        self.timers = Timers()

    def queued(self, event: CallQueued, policy: CallbackPolicy, now: float) -> None:
        """A caller waits. A callback has no caller yet."""
        if event.promised:
            return
        caller = self.calls.get(event.call)
        if caller is None:
            caller = self.calls[event.call] = WaitingCaller(event, now)
        elif not caller.waits:
            caller.waits, caller.entered = True, now
        caller.priority = event.priority
        self._put(caller, event.queue, policy)

    def prioritised(self, event: PrioritySet) -> None:
        """The call has another priority; a callback after giving up keeps it."""
        if (caller := self.calls.get(event.call)) is not None:
            caller.priority = event.priority

    def moved(self, event: CallMoved | Moved, policy: CallbackPolicy) -> None:
        """The caller waits in another queue."""
        caller = self.calls.get(event.call)
        if caller is not None and caller.waits:
            self._put(caller, event.queue, policy)

    def transferred(self, event: Transferred, policy: CallbackPolicy, now: float) -> None:
        """The caller waits again after a transfer to a queue."""
        caller = self.calls.get(event.call)
        if caller is not None and event.kind == "queue":
            caller.waits, caller.entered = True, now
            self._put(caller, event.to, policy)

    def joined(self, event: Joined) -> None:
        """An agent speaks with the caller."""
        caller = self.calls.get(event.call)
        if caller is not None:
            caller.spoke = True
            self._stop_waiting(caller)

    def left(self, event: CallLeftQueue) -> None:
        """The caller left the queue."""
        caller = self.calls.get(event.call)
        if caller is not None:
            self._stop_waiting(caller)

    def asked(self, call: int) -> None:
        """A callback was asked for in this call: the caller did not give up."""
        self.given_up.pop(call, None)
        caller = self.calls.get(call)
        if caller is not None:
            caller.promised = True

    def ended(self, event: CallEnded, policy: CallbackPolicy, now: float) -> list[Command]:
        """The call is over. A caller who gave up after a long wait, without an agent, may be called back."""
        while self.given_up and next(iter(self.given_up.values()))[0] + UNANSWERED <= now:
            del self.given_up[next(iter(self.given_up))]
        caller = self.calls.pop(event.call, None)
        if caller is None:
            return []
        waited = caller.waits
        self._stop_waiting(caller)
        enough = policy.of(caller.queue).abandoned_after
        ended_at = now if event.ended_at is None else min(event.ended_at, now)
        if (
            not waited
            or caller.spoke
            or caller.promised
            or not caller.number
            or event.cause != "caller_hung_up"
            or enough <= 0
            or ended_at - caller.queued_at < enough
        ):
            return []
        command = caller.as_given_up()
        self.given_up[caller.call] = (now, command)
        return [command]

    def tell(self, mode: ModeView) -> list[Command]:
        """The mode changed: if callbacks are offered now, tell each waiting caller who was not told yet."""
        if not _takes(mode):
            return []
        waiting = self.waiting.get(mode.scope, {})
        return [self._offer(waiting[call], mode) for call in sorted(waiting)]

    def due(self, now: float) -> list[WaitingCaller]:
        """The callers who have waited long enough to be told once more."""
        found = []
        while (key := self.timers.pop(now)) is not None:
            found.append(self.calls[int(key[1])])
        return found

    def tell_again(self, caller: WaitingCaller, mode: ModeView) -> list[Command]:
        """The caller waited long: tell it if callbacks are offered now."""
        return [self._offer(caller, mode)] if _takes(mode) and not caller.offered and caller.waits else []

    def _offer(self, caller: WaitingCaller, mode: ModeView) -> Command:
        caller.offered = True
        self._unlist(caller)
        return OfferCallback(caller.call, mode.rule)

    def _put(self, caller: WaitingCaller, queue: str, policy: CallbackPolicy) -> None:
        self._unlist(caller)
        caller.queue = queue
        if not caller.offered and caller.waits:
            self.waiting.setdefault(queue, {})[caller.call] = caller
            self.timers.arm(_CALLER, caller.call, caller, caller.entered + policy.of(queue).on_above)

    def _stop_waiting(self, caller: WaitingCaller) -> None:
        self._unlist(caller)
        caller.waits = False

    def _unlist(self, caller: WaitingCaller) -> None:
        of_queue = self.waiting.get(caller.queue)
        if of_queue is not None:
            of_queue.pop(caller.call, None)
            if not of_queue:
                del self.waiting[caller.queue]
        self.timers.arm(_CALLER, caller.call, caller, None)

    # As JSON

    def snapshot(self) -> dict[str, Any]:
        """Everything, as JSON has it."""
        return {
            "calls": [
                {name: getattr(caller, name) for name in WaitingCaller.SAVED} | {"due": caller.due}
                for caller in self.calls.values()
            ],
            "given_up": [[at, msgspec.to_builtins(command)] for at, command in self.given_up.values()],
        }

    @staticmethod
    def restore(data: dict[str, Any]) -> CallerOffers:
        """The offers of a snapshot."""
        callers = CallerOffers()
        for at, command in data["given_up"]:
            found = msgspec.convert(command, CallBackAbandoned)
            callers.given_up[found.call] = (at, found)
        for saved in data["calls"]:
            caller = WaitingCaller.__new__(WaitingCaller)
            for name in WaitingCaller.SAVED:
                setattr(caller, name, saved[name])
            caller.due = None
            callers.calls[caller.call] = caller
            if caller.waits and not caller.offered:
                callers.waiting.setdefault(caller.queue, {})[caller.call] = caller
            callers.timers.arm(_CALLER, caller.call, caller, saved["due"])
        return callers


def _takes(mode: ModeView) -> bool:
    return mode.active and not mode.full
