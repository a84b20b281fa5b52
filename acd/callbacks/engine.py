"""Callback mode and the registry of promises, as one sans-IO object beside the floor.

callbacks = Callbacks()
commands = callbacks.receive(event, now)        # the event is in the log already
commands += callbacks.observe(pressures, now)   # how busy each queue is after it: modes turn by themselves
callbacks.next_timer()                          # when to append the next Tick, or None
Callbacks.restore(callbacks.snapshot())

Each event runs in this order: its handler, then the timers that are due, then the views of all that changed, then the
other commands. Time never runs backward: an earlier `now` counts as the latest one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from acd import events
from acd.callbacks import events as ev
from acd.callbacks import lifecycle
from acd.callbacks.caller_offers import CallerOffers
from acd.callbacks.commands import CallBackAbandoned, ModeChanged, PromiseChanged, StopCalling
from acd.callbacks.modes import Modes
from acd.callbacks.policy import CallbackPolicy
from acd.callbacks.registry import PromiseRegistry
from acd.callbacks.states import ModeView, Opinion, Pressure, PromiseView
from acd.commands import Command, Moved

VERSION = 1

HANDLERS: dict[type, Callable[[PromiseRegistry, Any], list[Command]]] = {
    ev.PromiseAsked: lifecycle.asked,
    ev.PromiseCancelled: lifecycle.cancelled,
    ev.PromisePostponed: lifecycle.postponed,
    ev.PromisePrioritised: lifecycle.prioritised,
    ev.PromiseSettled: lifecycle.settled,
    ev.CallPlaced: lifecycle.call_placed,
    ev.AttemptStarted: lifecycle.attempt_started,
    ev.AttemptAnswered: lifecycle.attempt_answered,
    ev.AttemptEnded: lifecycle.attempt_ended,
    ev.NobodyThere: lifecycle.nobody_there,
    events.CallMoved: lifecycle.call_moved,
    events.Joined: lifecycle.joined,
    events.ConversationEnded: lifecycle.spoken,
    events.Transferred: lifecycle.spoken,
    events.CallEnded: lifecycle.call_ended,
}
"""What each event does to the promises. Other events (a tick) only let time pass."""


class Callbacks:
    """Which queues take numbers instead of holding callers, and every promise that is not settled yet."""

    def __init__(self) -> None:
        self._modes = Modes()
        self._registry = PromiseRegistry()
        self._callers = CallerOffers()

    def receive(self, event: object, now: float) -> list[Command]:
        """Play one event of the log; `now` is UTC epoch seconds. An event about an unknown promise or call is ignored.

        The floor's `Moved` may be played too: then the mode of the new queue counts for a call that overflowed.
        """
        registry = self._registry
        registry.now = now = max(registry.now, now)
        handler = HANDLERS.get(type(event))
        out = handler(registry, event) if handler is not None else []
        out += self._see(event, now)
        self._modes.let_time_pass(now)
        out += lifecycle.let_time_pass(registry)
        for caller in self._callers.due(now):
            out += self._callers.tell_again(caller, self._modes.view(caller.queue))
        registry.forget_old()
        return self._changes() + out

    def observe(self, pressures: Iterable[Pressure], now: float) -> list[Command]:
        """Take in how busy every queue is after an event. A queue that is missing does not exist any more."""
        registry = self._registry
        registry.now = max(registry.now, now)
        self._modes.observe(pressures, registry.waiting, registry.now)
        return self._changes()

    def next_timer(self) -> float | None:
        """The instant (UTC epoch seconds) at which a Tick is needed, or None."""
        timers = (self._modes.timers.next(), self._registry.timers.next(), self._callers.timers.next())
        return min((due for due in timers if due is not None), default=None)

    def snapshot(self) -> dict[str, Any]:
        """Everything, as JSON has it."""
        return {
            "version": VERSION,
            "now": self._registry.now,
            "modes": self._modes.snapshot(),
            "book": self._registry.snapshot(),
            "callers": self._callers.snapshot(),
        }

    @staticmethod
    def restore(data: dict[str, Any]) -> Callbacks:
        """The inverse of `snapshot`. Raises ValueError when another version wrote it."""
        if data.get("version") != VERSION:
            found = data.get("version")
            raise ValueError(f"the promises' snapshot has version {found}, this reads {VERSION}: play the log instead")
        callbacks = Callbacks()
        callbacks._modes = Modes.restore(data["modes"])
        callbacks._registry = PromiseRegistry.restore(data["book"], callbacks._modes.policy, data["now"])
        callbacks._callers = CallerOffers.restore(data["callers"])
        return callbacks

    @property
    def policy(self) -> CallbackPolicy:
        """The rules in force."""
        return self._modes.policy

    def mode(self, queue: str) -> ModeView:
        """The mode of one queue. An unknown queue has the mode that was chosen for all."""
        return self._modes.view(queue)

    def modes(self) -> list[ModeView]:
        """The choice for all (scope "all") first, then every queue by name."""
        return [self._modes.for_all(), *(self._modes.queues[name].view() for name in sorted(self._modes.queues))]

    def opinion(self, queue: str) -> Opinion | None:
        """What the rules think of one queue's mode, whatever a person chose; None for a queue that is not known."""
        return self._modes.opinion(queue)

    def promise(self, promise: int) -> PromiseView | None:
        """One promise that is not settled yet, or was settled lately; else None."""
        known = self._registry.promises.get(promise)
        return known.view() if known is not None else None

    def promises(self) -> list[PromiseView]:
        """Every promise that is live, or an agent's task, by number."""
        return [each.view() for each in self._registry.promises.values() if each.live or each.task]

    def live(self, number: str, matter: str | None = None) -> PromiseView | None:
        """The live promise of a number: for this matter (a category, else the queue), or (None) the oldest of any.

        One that waits comes before one whose customer is in conversation. A follow-up is no callback of the
        customer's, and found by its matter alone.
        """
        if matter is not None:
            found = self._registry.find(number, matter)
        else:
            of_number = [each for each in self._registry.live.get(number, {}).values() if not each.purpose]
            found = min(of_number, key=lambda each: (not each.waits, each.id), default=None)
        return found.view() if found is not None else None

    def of_call(self, call: int) -> PromiseView | None:
        """The promise for which this call stands or stood, until the call ends."""
        return self.promise(self._registry.by_call.get(call, 0))

    def due(self) -> list[PromiseView]:
        """Promises that are due and have no call, in order: each `PlaceCall` that was not answered."""
        waiting = (self._registry.promises[id_] for id_ in self._registry.placing)
        return [each.view() for each in sorted(waiting, key=lambda each: each.rank)]

    def stopping(self) -> list[StopCalling]:
        """Each `StopCalling` whose call did not end yet."""
        return [StopCalling(promise, call, why) for call, (promise, why) in sorted(self._registry.stopping.items())]

    def given_up(self) -> list[CallBackAbandoned]:
        """Each `CallBackAbandoned` of late that was not answered."""
        return [command for _, command in self._callers.given_up.values()]

    def why_not(self, number: str, matter: str, now: float) -> str:
        """Why no promise can be made to this number now, as a sentence; empty when one can, or one is live already."""
        if (found := self._registry.find(number, matter)) is not None and found.waits:
            return ""
        return self._registry.why_not(number, now)

    def _see(self, event: object, now: float) -> list[Command]:
        """Let the event change rules, modes and waiting callers."""
        callers, policy = self._callers, self._modes.policy
        if isinstance(event, events.CallQueued):
            if event.call not in self._registry.by_call:  # a callback is not a waiting caller
                callers.queued(event, policy, now)
        elif isinstance(event, events.CallEnded):
            return callers.ended(event, policy, now)
        elif isinstance(event, events.Joined):
            callers.joined(event)
        elif isinstance(event, events.CallLeftQueue):
            callers.left(event)
        elif isinstance(event, events.CallMoved | Moved):
            callers.moved(event, policy)
        elif isinstance(event, events.PrioritySet):
            callers.prioritised(event)
        elif isinstance(event, events.Transferred):
            callers.transferred(event, policy, now)
        elif isinstance(event, ev.PromiseAsked):
            callers.asked(event.call)
        elif isinstance(event, ev.ModeSet):
            self._modes.choose(event, now)
        elif isinstance(event, ev.CallbackPolicySet):
            self._modes.set_policy(event.policy, now)
            self._registry.set_policy(event.policy)
        return []

    def _changes(self) -> list[Command]:
        """The new views of what changed, and the offers to callers that follow."""
        registry, out, told = self._registry, list[Command](), list[Command]()
        for id_ in registry.touched:
            if (promise := registry.promises.get(id_)) is not None:
                out.append(PromiseChanged(promise.view()))
        registry.touched.clear()
        for mode in self._modes.take_changes():
            out.append(ModeChanged(mode))
            told += self._callers.tell(mode)
        return out + told
