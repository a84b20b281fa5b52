"""What each event does to a promise: it ends kept, broken, cancelled, or as an agent's task, always with a reason.

A call waits in the queue for a promise that is due; an attempt dials the customer; its outcome schedules the next
attempt or settles the promise. A settled promise stays settled: a call that still waits for it is stopped.
"""

from __future__ import annotations

from acd.callbacks.commands import PlaceCall, StopCalling
from acd.callbacks.events import (
    GIVEN,
    LIST,
    AttemptAnswered,
    AttemptEnded,
    AttemptOutcome,
    AttemptStarted,
    CallPlaced,
    NobodyThere,
    PromiseAsked,
    PromiseCancelled,
    PromisePostponed,
    PromisePrioritised,
    PromiseSettled,
)
from acd.callbacks.promise import Promise
from acd.callbacks.registry import PromiseRegistry
from acd.callbacks.states import PromiseSignal, PromiseState
from acd.commands import Command
from acd.events import CallEnded, CallMoved, ConversationEnded, Joined, Transferred

NOT_COUNTED = frozenset((AttemptOutcome.FAILED, AttemptOutcome.STOPPED))
"""Outcomes that do not count as an attempt."""
NOT_SPOKEN = frozenset((AttemptOutcome.MACHINE, AttemptOutcome.SHORT))
"""Outcomes of an attempt in which agent and customer's line had been joined."""
WORDS = {
    AttemptOutcome.BUSY: "busy",
    AttemptOutcome.NO_ANSWER: "no answer",
    AttemptOutcome.REJECTED: "rejected",
    AttemptOutcome.MACHINE: "answered, but nobody pressed the key",
    AttemptOutcome.UNREACHABLE: "there is no such number",
    AttemptOutcome.FAILED: "the trunk did not take the call",
    AttemptOutcome.AGENT_GONE: "the agent hung up while it rang",
    AttemptOutcome.HUNG_UP: "hung up before an agent spoke",
    AttemptOutcome.SHORT: "spoke too briefly to be served",
    AttemptOutcome.STOPPED: "stopped",
    AttemptOutcome.LOST: "the line was lost",
}

# Asking


def asked(registry: PromiseRegistry, event: PromiseAsked) -> list[Command]:
    """Make a promise, or join the one that waits to be kept to this number for this matter.

    A callback that is asked for during the customer's conversation ("call me after six") is a new promise.

    Callers of the sources in `GIVEN` were already told that they are called back. A promise from another source is
    refused beyond the limits: nothing is made, and `Callbacks.why_not` says why. An unconfirmed number becomes a task,
    once, unless a callback to it is promised anyway; the task is settled when a confirmed callback is asked for.
    """
    standing = registry.find(event.number, event.matter)
    noted = registry.unconfirmed.get((event.number, event.matter))
    if event.unconfirmed and (standing or noted) is not None:
        if noted is not None:
            noted.asked += 1
            registry.touch(noted)
    elif standing is not None and standing.waits:
        _join(registry, standing, event)
    elif event.number and (event.source in (*GIVEN, LIST) or not registry.why_not(event.number, registry.now)):
        promise = registry.make(event)
        if event.unconfirmed:
            registry.move(promise, PromiseSignal.UNCONFIRMED, event.unconfirmed)
        elif noted is not None:
            registry.settle(noted, f"asked for again, and confirmed: callback {promise.id}")
        if event.after is not None and event.after > registry.now:
            registry.not_before(promise, event.after)
    return []


def _join(registry: PromiseRegistry, promise: Promise, event: PromiseAsked) -> None:
    """A repeated request: the promise never gets a worse position or a later time by it."""
    promise.asked += 1
    if promise.source == LIST and event.source != LIST:
        # The customer asks for the call that a list would have made: it is theirs from now on.
        promise.source, promise.own, promise.promised_at = event.source, None, registry.now
    promise.vip = promise.vip or event.vip
    promise.priority = max(promise.priority, event.priority)
    if event.queued_at is not None:
        promise.queued_at = min(promise.queued_at, event.queued_at)
    promise.owner = promise.owner or event.owner
    promise.ticket = event.ticket if promise.ticket is None else promise.ticket
    promise.after = min(promise.after, max(event.after or registry.now, registry.now))
    promise.reason = f"asked for again, {promise.asked} times in all"
    registry.touch(promise)


# Acts of customers, agents and supervisors


def cancelled(registry: PromiseRegistry, event: PromiseCancelled) -> list[Command]:
    """The promise ends. A conversation that began already goes on."""
    promise = registry.promises.get(event.promise)
    if promise is None or not promise.waits:
        return []
    why = event.reason or (f"waits in call {event.waits_in}" if event.waits_in else "cancelled")
    registry.move(promise, PromiseSignal.CANCELLED, _said(why, event.by))
    return _stop(registry, promise, promise.reason)


def postponed(registry: PromiseRegistry, event: PromisePostponed) -> list[Command]:
    """Not before that instant; the queue time stays. An attempt under way is stopped, a delay after one is void."""
    promise = registry.promises.get(event.promise)
    if promise is None or not promise.waits:
        return []
    promise.retry_at = 0.0
    promise.reason = _said(event.reason or "postponed", event.by)
    registry.set_placing(promise, False)
    registry.not_before(promise, max(event.until, registry.now))
    return _stop(registry, promise, promise.reason)


def prioritised(registry: PromiseRegistry, event: PromisePrioritised) -> list[Command]:
    """The priority counts from the next call on: `PrioritySet` moves a call that waits already."""
    promise = registry.promises.get(event.promise)
    if promise is not None and promise.live:
        promise.priority = event.priority
        promise.reason = _said(event.reason or f"priority {event.priority}", event.by)
        registry.touch(promise)
    return []


def settled(registry: PromiseRegistry, event: PromiseSettled) -> list[Command]:
    """An agent finished the task that the promise had become."""
    promise = registry.promises.get(event.promise)
    if promise is not None and promise.task:
        registry.settle(promise, _said(event.reason or "settled", event.by))
    return []


# The call that fulfils it


def call_placed(registry: PromiseRegistry, event: CallPlaced) -> list[Command]:
    """A call waits in the queue for the promise. A second call, or one that comes too late, is stopped."""
    promise = registry.promises.get(event.promise)
    registry.by_call[event.call] = event.promise
    if promise is None:
        return _stop_call(registry, event.call, event.promise, "there is no such promise")
    if promise.standing and promise.call == event.call:
        return []
    if not promise.live:
        return _stop_call(registry, event.call, promise.id, f"the promise is {promise.state.value}")
    if promise.standing:
        return _stop_call(registry, event.call, promise.id, f"call {promise.call} stands for it already")
    if promise.behind:
        return _stop_call(registry, event.call, promise.id, promise.reason)
    if promise.due_at > registry.now:
        return _stop_call(registry, event.call, promise.id, "the promise is not due yet")
    promise.reason = "in line for an agent"
    registry.stand(promise, event.call)
    return []


def call_moved(registry: PromiseRegistry, event: CallMoved) -> list[Command]:
    """A supervisor moved the call: the promise moves too, so that the next call waits in the same queue."""
    promise = _of_call(registry, event.call)
    if promise is not None and promise.waits and promise.queue != event.queue:
        registry.put_in_queue(promise, event.queue)
    return []


def attempt_started(registry: PromiseRegistry, event: AttemptStarted) -> list[Command]:
    """The customer is dialled. The attempt counts at once, so that a crash neither loses nor doubles it."""
    promise = _of_call(registry, event.call)
    if promise is None and event.call not in registry.by_call:
        return [StopCalling(event.promise, event.call, "no such call stands for a promise")]
    if promise is None or promise.state is PromiseState.CONNECTED:
        return [] if promise else _stop_call(registry, event.call, event.promise, "the call has no live promise")
    if not promise.attempt:
        promise.attempts += 1
        promise.attempt = event.attempt or promise.attempts
    promise.ring_until = registry.now + event.wait_for
    if promise.state is PromiseState.PENDING:
        registry.move(promise, PromiseSignal.DIALLED, f"attempt {promise.attempts}, agent {event.agent}")
    registry.touch(promise)
    if event.call in registry.stopping:
        return _stop_call(registry, event.call, promise.id, registry.stopping[event.call][1])
    return []


def attempt_answered(registry: PromiseRegistry, event: AttemptAnswered) -> list[Command]:
    """The customer is on the line: the attempt has no time limit any more."""
    promise = _of_call(registry, event.call)
    if promise is not None and promise.state is PromiseState.DIALLING and not promise.answered:
        promise.answered = True
        promise.reason = f"attempt {promise.attempts}: the customer is on the line"
        registry.touch(promise)
    return []


def attempt_ended(registry: PromiseRegistry, event: AttemptEnded) -> list[Command]:
    """The next attempt is scheduled, or the promise is settled: by outcome, attempts and time."""
    promise = registry.promises.get(event.promise)
    if promise is not None and promise.call == event.call and promise.attempt:
        _not_reached(registry, promise, event.outcome, event.detail)
    return []


def _not_reached(registry: PromiseRegistry, promise: Promise, outcome: AttemptOutcome, detail: str) -> None:
    """The attempt failed. One that was stopped, such as by a postponement, does not count."""
    dialling, stopped = promise.state is PromiseState.DIALLING, registry.stopping.get(promise.call)
    if dialling and stopped is not None:
        outcome = AttemptOutcome.STOPPED
    counts = outcome not in NOT_COUNTED
    if not counts:
        promise.attempts -= 1
        registry.touch(promise)
    if dialling:
        said = _in_words(outcome, detail)
        _try_again(registry, promise, outcome, said, why=stopped[1] if stopped is not None else said)
    registry.let_go(promise)


def _try_again(
    registry: PromiseRegistry, promise: Promise, outcome: AttemptOutcome, said: str, *, why: str = ""
) -> None:
    """The next attempt is scheduled, or the promise is broken. A promise that waits behind this one, to the same
    number, is not called sooner either: that phone was just tried.
    """
    rules = registry.rules(promise)
    promise.last = outcome.value if outcome in NOT_SPOKEN and promise.state is PromiseState.CONNECTED else ""
    retry_at = registry.now + getattr(rules.delays, outcome.value, 0.0)
    for other in registry.behind(promise):
        other.retry_at = max(other.retry_at, retry_at)
    if outcome is AttemptOutcome.UNREACHABLE:
        registry.move(promise, PromiseSignal.GIVEN_UP, said)
    elif outcome not in NOT_COUNTED and promise.attempts >= rules.attempts:
        registry.move(promise, PromiseSignal.GIVEN_UP, f"{promise.attempts} attempts, the last one: {said}")
    else:
        promise.retry_at = retry_at
        registry.move(promise, PromiseSignal.NOT_REACHED, why or said)


def joined(registry: PromiseRegistry, event: Joined) -> list[Command]:
    """Customer and agent hear each other."""
    promise = _of_call(registry, event.call)
    if promise is not None:
        promise.attempt = 0
        if promise.state in (PromiseState.DIALLING, PromiseState.CONNECTED):
            promise.joined_at = registry.now
        if promise.state is PromiseState.DIALLING:
            promise.connected_at = registry.now
            registry.move(promise, PromiseSignal.JOINED, f"speaks with agent {event.agent}")
    return []


def spoken(registry: PromiseRegistry, event: ConversationEnded | Transferred) -> list[Command]:
    """An agent spoke with the customer: after `kept_after` in all the promise is kept, even if the call goes on.

    A customer who was not spoken with for so long may still be served in the same call: its end says what it came to.
    """
    promise = _of_call(registry, event.call)
    if promise is not None and promise.state is PromiseState.CONNECTED:
        _count_talk(registry, promise, event.talked, getattr(event, "ended_at", None))
        if _served(registry, promise):
            registry.move(promise, PromiseSignal.SPOKEN, f"agent {event.agent} spoke with the customer")
        else:
            promise.reason = f"agent {event.agent} spoke with the customer for {promise.talked:.0f} s"
            registry.touch(promise)
    return []


def _count_talk(registry: PromiseRegistry, promise: Promise, talked: float, ended_at: float | None) -> None:
    """Add a conversation. One whose length was not told lasted from the join until its end was known."""
    if promise.joined_at is not None:
        until = registry.now if ended_at is None else min(ended_at, registry.now)
        promise.talked += talked or max(0.0, until - promise.joined_at)
        promise.joined_at = None


def _served(registry: PromiseRegistry, promise: Promise) -> bool:
    """Whether the conversation was long enough; a customer who asked in it for another callback was there."""
    return promise.talked >= registry.rules(promise).kept_after or _asked_again(registry, promise)


def _asked_again(registry: PromiseRegistry, promise: Promise) -> bool:
    return registry.find(promise.number, promise.matter) is not promise


def nobody_there(registry: PromiseRegistry, event: NobodyThere) -> list[Command]:
    """The agent heard a machine: the customer is called again later."""
    promise = _of_call(registry, event.call)
    if promise is not None and promise.state is PromiseState.CONNECTED and not _asked_again(registry, promise):
        _not_spoken(registry, promise, AttemptOutcome.MACHINE, f"agent {event.agent} heard it")
        registry.let_go(promise)
    return []


def _not_spoken(registry: PromiseRegistry, promise: Promise, outcome: AttemptOutcome, detail: str) -> None:
    """What seemed to be a conversation was none."""
    promise.connected_at, promise.talked = None, 0.0
    _try_again(registry, promise, outcome, _in_words(outcome, detail))


def call_ended(registry: PromiseRegistry, event: CallEnded) -> list[Command]:
    """The call is over: the promise is kept, or the attempt failed, or there was no attempt yet."""
    promise = _of_call(registry, event.call)
    registry.by_call.pop(event.call, None)
    if promise is not None:
        if promise.state is PromiseState.CONNECTED:
            _count_talk(registry, promise, 0.0, event.ended_at)
            if _served(registry, promise):
                registry.move(promise, PromiseSignal.SPOKEN, "the customer was spoken with")
            else:
                _not_spoken(registry, promise, AttemptOutcome.SHORT, f"{promise.talked:.0f} s")
        elif promise.attempt:
            _not_reached(registry, promise, _as_outcome(registry, promise), event.cause)
        elif promise.state is PromiseState.PENDING and event.call not in registry.stopping:
            promise.retry_at = registry.now + registry.rules(promise).delays.lost
            promise.reason = f"its call ended in line: {event.cause}"
            registry.touch(promise)
        registry.let_go(promise)
    registry.stopping.pop(event.call, None)
    return []


def _as_outcome(registry: PromiseRegistry, promise: Promise) -> AttemptOutcome:
    """The outcome of an attempt of which only the end of the call is known."""
    if promise.call in registry.stopping:
        return AttemptOutcome.STOPPED
    return AttemptOutcome.HUNG_UP if promise.answered else AttemptOutcome.LOST


# Time


def let_time_pass(registry: PromiseRegistry) -> list[Command]:
    """Expire promises, and ask for calls for those that are due, in the order of their rank."""
    out: list[Command] = []
    due: list[Promise] = []
    while (key := registry.timers.pop(registry.now)) is not None:
        promise = registry.promises[int(key[1])]
        limit = promise.expires_at
        if promise.state is PromiseState.DIALLING:
            limit = max(limit, promise.ring_until)
        if limit <= registry.now:
            tried = f"after {promise.attempts} attempts" if promise.attempts else "before anybody was dialled"
            registry.move(promise, PromiseSignal.EXPIRED, f"its time was over {tried}")
            out += _stop(registry, promise, promise.reason)
        else:
            due.append(promise)
    for promise in sorted(due, key=lambda each: each.rank):
        if (first := registry.ahead_of(promise)) is not None:
            registry.hold(promise, first)
        else:
            registry.set_placing(promise, True)
            out.append(PlaceCall(promise.id))
    return out


# Helpers


def _of_call(registry: PromiseRegistry, call: int) -> Promise | None:
    """The promise for which this call waits, rings or talks."""
    promise = registry.promises.get(registry.by_call.get(call, 0))
    return promise if promise is not None and promise.standing and promise.call == call else None


def _stop(registry: PromiseRegistry, promise: Promise, why: str) -> list[Command]:
    return _stop_call(registry, promise.call, promise.id, why) if promise.standing else []


def _stop_call(registry: PromiseRegistry, call: int, promise: int, why: str) -> list[Command]:
    registry.stopping[call] = (promise, why)
    return [StopCalling(promise, call, why)]


def _in_words(outcome: AttemptOutcome, detail: str) -> str:
    if outcome is AttemptOutcome.MACHINE and detail:  # nobody was asked for a key
        return f"a machine answered: {detail}"
    return WORDS[outcome] + (f" ({detail})" if detail else "")


def _said(why: str, by: str) -> str:
    return f"{why}, by {by}" if by else why
