"""A promise is kept, or it is said why not: what each event does to it.

A call stands in line for a promise that is due; an attempt dials the customer; what comes of it brings the promise
back for later, or settles it. What is settled stays settled, whatever comes late: a call that still stands for it is
stopped.
"""

from __future__ import annotations

from acd.callbacks.commands import PlaceCall, StopCalling
from acd.callbacks.events import (
    GIVEN,
    AttemptAnswered,
    AttemptEnded,
    AttemptOutcome,
    AttemptStarted,
    CallPlaced,
    PromiseAsked,
    PromiseCancelled,
    PromisePostponed,
    PromisePrioritised,
    PromiseSettled,
)
from acd.callbacks.registry import Promise, PromiseRegistry
from acd.callbacks.states import PromiseState, Turn
from acd.commands import Command
from acd.events import CallEnded, CallMoved, ConversationEnded, Joined, Transferred

NOT_COUNTED = frozenset((AttemptOutcome.FAILED, AttemptOutcome.STOPPED))
"""Outcomes after which the customer's phone did not ring in vain."""
WORDS = {
    AttemptOutcome.BUSY: "busy",
    AttemptOutcome.NO_ANSWER: "no answer",
    AttemptOutcome.REJECTED: "rejected",
    AttemptOutcome.MACHINE: "answered, but nobody pressed the key",
    AttemptOutcome.UNREACHABLE: "there is no such number",
    AttemptOutcome.FAILED: "the trunk did not take the call",
    AttemptOutcome.AGENT_GONE: "the agent hung up while it rang",
    AttemptOutcome.HUNG_UP: "hung up before an agent spoke",
    AttemptOutcome.STOPPED: "stopped",
    AttemptOutcome.LOST: "the line was lost",
}

# Asking


def asked(registry: PromiseRegistry, event: PromiseAsked) -> list[Command]:
    """Make a promise, or join the one that waits to be kept to this number for this matter.

    What is asked for while the customer is spoken with ("call me after six") is a new one.

    To callers of `GIVEN` it was said already that they are called back. From the other sources it is refused beyond the
    limits: nothing is made, and `Callbacks.why_not` says why. A number that nobody confirmed becomes a task, once,
    unless it is called back anyway; the task is settled when the number is asked for after all.
    """
    standing = registry.find(event.number, event.matter)
    noted = registry.unconfirmed.get((event.number, event.matter))
    if event.unconfirmed and (standing or noted) is not None:
        if noted is not None:
            noted.asked += 1
            registry.touch(noted)
    elif standing is not None and standing.waits:
        _join(registry, standing, event)
    elif event.number and (event.source in GIVEN or not registry.why_not(event.number, registry.now)):
        promise = registry.make(event)
        if event.unconfirmed:
            registry.turn(promise, Turn.UNCONFIRMED, event.unconfirmed)
        elif noted is not None:
            registry.settle(noted, f"asked for again, and confirmed: callback {promise.id}")
        if event.after is not None and event.after > registry.now:
            registry.not_before(promise, event.after)
    return []


def _join(registry: PromiseRegistry, promise: Promise, event: PromiseAsked) -> None:
    """Asked for again: never a worse place than before, never later than before."""
    promise.asked += 1
    promise.vip = promise.vip or event.vip
    promise.priority = max(promise.priority, event.priority)
    if event.queued_at is not None:
        promise.queued_at = min(promise.queued_at, event.queued_at)
    promise.owner = promise.owner or event.owner
    promise.ticket = event.ticket if promise.ticket is None else promise.ticket
    promise.after = min(promise.after, max(event.after or registry.now, registry.now))
    promise.reason = f"asked for again, {promise.asked} times in all"
    registry.touch(promise)


# By a person


def cancelled(registry: PromiseRegistry, event: PromiseCancelled) -> list[Command]:
    """No more is to be done. Who speaks already is not cut off."""
    promise = registry.promises.get(event.promise)
    if promise is None or not promise.waits:
        return []
    why = event.reason or (f"waits in call {event.waits_in}" if event.waits_in else "cancelled")
    registry.turn(promise, Turn.CANCELLED, _said(why, event.by))
    return _stop(registry, promise, promise.reason)


def postponed(registry: PromiseRegistry, event: PromisePostponed) -> list[Command]:
    """Not before that instant; the place stays. An attempt under way is stopped, a delay after one is void."""
    promise = registry.promises.get(event.promise)
    if promise is None or not promise.waits:
        return []
    promise.retry_at = 0.0
    promise.reason = _said(event.reason or "postponed", event.by)
    registry.set_placing(promise, False)
    registry.not_before(promise, max(event.until, registry.now))
    return _stop(registry, promise, promise.reason)


def prioritised(registry: PromiseRegistry, event: PromisePrioritised) -> list[Command]:
    """From now on, and for the next call: one that stands in line is moved by `PrioritySet`."""
    promise = registry.promises.get(event.promise)
    if promise is not None and promise.live:
        promise.priority = event.priority
        promise.reason = _said(event.reason or f"priority {event.priority}", event.by)
        registry.touch(promise)
    return []


def settled(registry: PromiseRegistry, event: PromiseSettled) -> list[Command]:
    """The task that it is, or had become, is done."""
    promise = registry.promises.get(event.promise)
    if promise is not None and promise.task:
        registry.settle(promise, _said(event.reason or "settled", event.by))
    return []


# The call that keeps it


def call_placed(registry: PromiseRegistry, event: CallPlaced) -> list[Command]:
    """A call stands in line for it; one too many, or too late, is stopped."""
    promise = registry.promises.get(event.promise)
    registry.by_call[event.call] = event.promise
    if promise is None:
        return _stop_call(registry, event.call, event.promise, "no such promise is to be kept")
    if promise.standing and promise.call == event.call:
        return []
    if not promise.live:
        return _stop_call(registry, event.call, promise.id, f"the promise is {promise.state.value}")
    if promise.standing:
        return _stop_call(registry, event.call, promise.id, f"call {promise.call} stands for it already")
    if promise.due_at > registry.now:
        return _stop_call(registry, event.call, promise.id, "the promise is not due yet")
    promise.reason = "in line for an agent"
    registry.stand(promise, event.call)
    return []


def call_moved(registry: PromiseRegistry, event: CallMoved) -> list[Command]:
    """A supervisor moved its call: the promise goes along, so that the next call stands there too."""
    promise = _of_call(registry, event.call)
    if promise is not None and promise.waits and promise.queue != event.queue:
        registry.put_in_queue(promise, event.queue)
    return []


def attempt_started(registry: PromiseRegistry, event: AttemptStarted) -> list[Command]:
    """The customer is dialled. Counted at once: so a crash in the middle of it neither loses nor doubles it."""
    promise = _of_call(registry, event.call)
    if promise is None and event.call not in registry.by_call:
        return [StopCalling(event.promise, event.call, "no such call stands for a promise")]
    if promise is None or promise.state is PromiseState.CONNECTED:
        return [] if promise else _stop_call(registry, event.call, event.promise, "no promise is to be kept by it")
    if not promise.attempt:
        promise.attempts += 1
        promise.attempt = event.attempt or promise.attempts
    promise.ring_until = registry.now + event.wait_for
    if promise.state is PromiseState.PENDING:
        registry.turn(promise, Turn.DIALLED, f"attempt {promise.attempts}, agent {event.agent}")
    registry.touch(promise)
    if event.call in registry.stopping:
        return _stop_call(registry, event.call, promise.id, registry.stopping[event.call][1])
    return []


def attempt_answered(registry: PromiseRegistry, event: AttemptAnswered) -> list[Command]:
    """The customer is on the line: from now on no clock ends it."""
    promise = _of_call(registry, event.call)
    if promise is not None and promise.state is PromiseState.DIALLING and not promise.answered:
        promise.answered = True
        promise.reason = f"attempt {promise.attempts}: the customer is on the line"
        registry.touch(promise)
    return []


def attempt_ended(registry: PromiseRegistry, event: AttemptEnded) -> list[Command]:
    """Back for later, or settled: by outcome, attempts and time."""
    promise = registry.promises.get(event.promise)
    if promise is not None and promise.call == event.call and promise.attempt:
        _not_reached(registry, promise, event.outcome, event.detail)
    return []


def _not_reached(registry: PromiseRegistry, promise: Promise, outcome: AttemptOutcome, detail: str) -> None:
    """Of one that was postponed meanwhile nothing counts: whoever answered and said "later" is called later."""
    dialling, stopped = promise.state is PromiseState.DIALLING, registry.stopping.get(promise.call)
    if dialling and stopped is not None:
        outcome = AttemptOutcome.STOPPED
    counts = outcome not in NOT_COUNTED
    if not counts:
        promise.attempts -= 1
        registry.touch(promise)
    registry.let_go(promise)
    if not dialling:
        return
    rules = registry.rules(promise)
    said = WORDS[outcome] + (f" ({detail})" if detail else "")
    if outcome is AttemptOutcome.UNREACHABLE:
        registry.turn(promise, Turn.GIVEN_UP, said)
    elif counts and promise.attempts >= rules.attempts:
        registry.turn(promise, Turn.GIVEN_UP, f"{promise.attempts} attempts, the last one: {said}")
    else:
        promise.retry_at = registry.now + getattr(rules.delays, outcome.value)
        registry.turn(promise, Turn.NOT_REACHED, stopped[1] if stopped is not None else said)


def joined(registry: PromiseRegistry, event: Joined) -> list[Command]:
    """They speak."""
    promise = _of_call(registry, event.call)
    if promise is not None:
        promise.attempt = 0
        if promise.state is PromiseState.DIALLING:
            registry.turn(promise, Turn.JOINED, f"speaks with agent {event.agent}")
    return []


def spoken(registry: PromiseRegistry, event: ConversationEnded | Transferred) -> list[Command]:
    """Whoever goes on with the call: it was kept."""
    promise = _of_call(registry, event.call)
    if promise is not None and promise.state is PromiseState.CONNECTED:
        registry.turn(promise, Turn.SPOKEN, f"agent {event.agent} spoke with the customer")
    return []


def call_ended(registry: PromiseRegistry, event: CallEnded) -> list[Command]:
    """The call is gone: by what it had come to, the promise is kept, or not reached, or was not even tried."""
    promise = _of_call(registry, event.call)
    registry.by_call.pop(event.call, None)
    if promise is not None:
        if promise.state is PromiseState.CONNECTED:
            registry.turn(promise, Turn.SPOKEN, "the customer was spoken with")
        if promise.attempt:
            _not_reached(registry, promise, _as_outcome(registry, promise), event.cause)
        elif promise.state is PromiseState.PENDING and event.call not in registry.stopping:
            promise.retry_at = registry.now + registry.rules(promise).delays.lost
            promise.reason = f"its call ended in line: {event.cause}"
            registry.touch(promise)
        registry.let_go(promise)
    registry.stopping.pop(event.call, None)
    return []


def _as_outcome(registry: PromiseRegistry, promise: Promise) -> AttemptOutcome:
    """What an attempt came to of which only the call's end is known."""
    if promise.call in registry.stopping:
        return AttemptOutcome.STOPPED
    return AttemptOutcome.HUNG_UP if promise.answered else AttemptOutcome.LOST


# Time


def let_time_pass(registry: PromiseRegistry) -> list[Command]:
    """What ran out of time, and who is due: those by their place in the order, not by when they came to be due."""
    out: list[Command] = []
    due: list[Promise] = []
    while (key := registry.timers.pop(registry.now)) is not None:
        promise = registry.promises[int(key[1])]
        limit = promise.expires_at
        if promise.state is PromiseState.DIALLING:
            limit = max(limit, promise.ring_until)
        if limit <= registry.now:
            tried = f"after {promise.attempts} attempts" if promise.attempts else "before anybody was dialled"
            registry.turn(promise, Turn.EXPIRED, f"its time was over {tried}")
            out += _stop(registry, promise, promise.reason)
        else:
            due.append(promise)
    for promise in sorted(due, key=lambda each: each.place):
        registry.set_placing(promise, True)
        out.append(PlaceCall(promise.id))
    return out


# Words


def _of_call(registry: PromiseRegistry, call: int) -> Promise | None:
    """The promise for which this call stands."""
    promise = registry.promises.get(registry.by_call.get(call, 0))
    return promise if promise is not None and promise.standing and promise.call == call else None


def _stop(registry: PromiseRegistry, promise: Promise, why: str) -> list[Command]:
    return _stop_call(registry, promise.call, promise.id, why) if promise.standing else []


def _stop_call(registry: PromiseRegistry, call: int, promise: int, why: str) -> list[Command]:
    registry.stopping[call] = (promise, why)
    return [StopCalling(promise, call, why)]


def _said(why: str, by: str) -> str:
    return f"{why}, by {by}" if by else why
