"""Callback mode in virtual time: callers are offered a callback, and the server's part in every promise is played.

The floor and the registry of promises decide, as they do in the server: the mode, when a promise is due, which agent is
reserved for it. Here callers accept or wait on, calls are placed, and phones ring.

A promise stands at the caller's own place. `head_start` is what other designs give live callers: they go before every
promise that is younger by so many seconds; with inf, the usual design, a promise stands behind all live callers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf
from typing import Protocol, runtime_checkable

from acd import events as ev
from acd.callbacks.commands import OfferCallback, PlaceCall, PromiseChanged, StopCalling
from acd.callbacks.engine import Callbacks
from acd.callbacks.events import (
    AttemptAnswered,
    AttemptEnded,
    AttemptOutcome,
    AttemptStarted,
    CallbackPolicySet,
    CallPlaced,
    Mode,
    ModeSet,
    PromiseAsked,
)
from acd.callbacks.policy import CallbackRules, Dialling
from acd.callbacks.states import Pressure
from acd.commands import Command, Offer
from acd.floor.views import WaitingView
from simulation.day import Arrival, Ringing
from simulation.fates import CallFate, PromiseFate
from simulation.scenario import Callback

LAST = -1_000_000
"""The priority of a promise that stands behind everybody."""
KEY_AFTER = 4.0
"""Seconds until somebody who was called first has pressed the key."""
GRACE = 5.0
"""Seconds beyond the ringing that the agent's reservation lasts."""


@runtime_checkable
class ObservableRouter(Protocol):
    """A router that can tell how busy its queues are: the floor."""

    def receive(self, event: object, now: float) -> list[Command]: ...

    def next_timer(self) -> float | None: ...

    def pressures(self) -> list[Pressure]: ...

    def expected(self, queue: str, place: int) -> tuple[float, float] | None: ...

    def waiting(self, now: float | None = None) -> list[WaitingView]: ...


class World(Protocol):
    """What callback mode needs of the day in progress (`engine.DayInProgress`)."""

    now: float
    fates: dict[int, CallFate]
    offers: dict[int, Offer]
    ageing: dict[str, float]
    """Points that a waiting call gains a second, by queue."""

    def hear(self, event: ev.Event) -> None: ...

    def at(self, at: float, event: ev.Event) -> None: ...

    def new_call(self) -> int: ...

    def leave(self, call: int, outcome: str) -> None: ...

    def talk(self, call: int, arrival: Arrival, queue: str, agent: str) -> float: ...

    def ring(self, offer: Offer, after: float) -> None: ...

    def count_busy(self, agent: str, seconds: float) -> None: ...


@dataclass(slots=True)
class _Placed:
    """A call of the hotline's own that stands for a promise."""

    call: int
    promise: int
    queue: str
    arrival: Arrival
    waiting: bool = True
    reached: bool = False
    attempt: int = 0
    ringing: Offer | None = None
    """The offer of the agent who is reserved while the customer is dialled."""
    offers: int = 0


class CallingBack:
    """The server's part. `receive` answers what callback mode says after an event that the floor has heard."""

    def __init__(self, world: World, floor: ObservableRouter, rules: Callback, head_start: float) -> None:
        self.world, self.floor, self.rules = world, floor, rules
        self.head_start, self.last = head_start, head_start == inf
        self.callbacks = Callbacks()
        self.placed: dict[int, _Placed] = {}
        self.told: set[int] = set()
        """Waiting callers who know that they may be called back."""
        self.open: set[int] = set()
        """Promises that are still to be kept."""
        self.promises: dict[int, PromiseFate] = {}

    def begin(self) -> None:
        """Load the rules and choose the mode. A talk that is drawn served its customer, however short it is."""
        policy = self.rules.policy
        served = tuple((queue, replace(rules, kept_after=0.0)) for queue, rules in policy.queues)
        self.world.hear(CallbackPolicySet(replace(policy, rules=replace(policy.rules, kept_after=0.0), queues=served)))
        if self.rules.mode is not Mode.AUTO:
            self.world.hear(ModeSet("", self.rules.mode, "scenario"))
        for since, until in self.rules.forced:
            self.world.at(max(since, self.world.now), ModeSet("", Mode.ON, "scenario", until=until))

    def receive(self, event: object) -> list[Command]:
        """Let callback mode hear the event, and how busy the queues are after it."""
        now = self.world.now
        return self.callbacks.receive(event, now) + self.callbacks.observe(self._pressures(), now)

    def next_timer(self) -> float | None:
        return self.callbacks.next_timer()

    @property
    def busy(self) -> bool:
        """Whether somebody is still to be called back."""
        return bool(self.open)

    # Callers

    def takes(self, arrival: Arrival) -> bool:
        """Offer a callback on entry; whether the caller left a number instead of waiting."""
        queue = arrival.queued.queue
        if not self._offering(queue):
            return False
        call = arrival.queued.call
        self.told.add(call)
        before = next((each.waiting for each in self._pressures() if each.queue == queue), 0)
        return self._considers(call, self._expected(queue, before + 1), "flow")

    def reconsiders(self, call: int, wait: float | None) -> None:
        """A waiting caller is told how long it will still take."""
        if call in self.told and self._offering(self.world.fates[call].queue):
            self._considers(call, wait, "queue")

    def is_told(self, call: int) -> None:
        """A waiting caller is told that they may be called back."""
        fate = self.world.fates.get(call)
        if fate is None or fate.outcome != "waiting" or self.callbacks.mode(fate.queue).mode is Mode.OFF:
            return
        self.told.add(call)
        here = next((each for each in self.floor.waiting() if each.call == call), None)
        if here is not None:
            self._considers(call, self._expected(here.queue, here.position), "queue")

    def _expected(self, queue: str, place: int) -> float | None:
        interval = self.floor.expected(queue, place)
        return interval[0] if interval is not None else None

    def _offering(self, queue: str) -> bool:
        mode = self.callbacks.mode(queue)
        return mode.active and not mode.full

    def _considers(self, call: int, wait: float | None, source: str) -> bool:
        world, now = self.world, self.world.now
        fate = world.fates[call]
        arrival = fate.arrival
        if fate.outcome != "waiting":
            return False
        if self.callbacks.mode(fate.queue).mode is Mode.ON:
            accepts = arrival.person.chance >= self.rules.insists
        else:
            accepts = self.rules.accepts(arrival.person.chance, wait, arrival.patience - (now - arrival.at))
        if not accepts:
            return False
        world.leave(call, "callback")
        asked = arrival.queued
        world.at(
            now,
            PromiseAsked(
                number=f"{call:011}",
                queue=fate.queue,
                category=asked.category,
                source=source,
                call=call,
                queued_at=now if self.last else asked.queued_at,
                priority=self._priority(fate.queue, asked.priority),
                vip=asked.vip,
                owner=asked.owner,
            ),
        )
        if source != "flow":
            world.at(now, ev.CallLeftQueue(call, "callback"))
        world.at(now, ev.CallEnded(call, "hotline_hung_up"))
        return True

    def _priority(self, queue: str, own: int) -> int:
        return LAST if self.last else own - round(self.head_start * self.world.ageing.get(queue, 0.0))

    # What callback mode wants

    def handle(self, command: Command) -> None:
        if isinstance(command, PromiseChanged):
            self._note(command)
        elif isinstance(command, PlaceCall):
            self._place(command.promise)
        elif isinstance(command, StopCalling):
            self.world.at(self.world.now, _Stopped(command.call))
        elif isinstance(command, OfferCallback):
            self.is_told(command.call)

    def _note(self, command: PromiseChanged) -> None:
        promise = command.promise
        known = self.promises.get(promise.id)
        if known is None:
            known = self.promises[promise.id] = PromiseFate(self.world.fates[promise.origin].arrival, self.world.now)
        known.state, known.reason, known.attempts = promise.state, promise.reason, promise.attempts
        if promise.live:
            self.open.add(promise.id)
        else:
            self.open.discard(promise.id)

    def _place(self, id_: int) -> None:
        promise = self.callbacks.promise(id_)
        if promise is None:
            return
        arrival, now = self.promises[id_].arrival, self.world.now
        call = self.world.new_call()
        self.placed[call] = _Placed(call, id_, promise.queue, arrival)
        queued = replace(
            arrival.queued,
            call=call,
            queue=promise.queue,
            queued_at=promise.queued_at,
            priority=promise.priority,
            caller=promise.number,
            owner=promise.owner,
            promised=True,
        )
        self.world.at(now, CallPlaced(call, id_, promise.number))
        self.world.at(now, queued)

    # Phones

    def _rules(self, placed: _Placed) -> CallbackRules:
        return self.rules.policy.of(placed.queue)

    def offered(self, offer: Offer) -> None:
        """An agent is reserved for a call of ours."""
        placed = self.placed.get(offer.call)
        if placed is None:
            return
        if placed.reached or self._rules(placed).dialling is Dialling.AGENT_FIRST:
            self._ring(placed, offer)
        elif placed.ringing is None:
            self.world.at(self.world.now, _Dial(offer.call, offer.offer))

    def _ring(self, placed: _Placed, offer: Offer) -> None:
        rings = placed.arrival.rings
        self.world.ring(offer, rings[placed.offers % len(rings)])
        placed.offers += 1

    def answered(self, offer: Offer) -> None:
        """The agent picked up."""
        placed = self.placed.get(offer.call)
        if placed is None:
            return
        placed.waiting = False
        if placed.reached:
            self._join(placed, offer.agent)
        else:
            self._dial(placed, offer)

    def happen(self, event: ev.Event) -> bool:
        """What was ahead has come; whether it was of ours."""
        if isinstance(event, _Dial):
            if event.call in self.placed and event.offer in self.world.offers:
                self._dial(self.placed[event.call], self.world.offers[event.offer])
        elif isinstance(event, _Known):
            placed = self.placed.get(event.call)
            if placed is not None and placed.attempt == event.attempt and placed.ringing is not None:
                self._known(placed, event.ringing)
        elif isinstance(event, _Stopped):
            if (placed := self.placed.get(event.call)) is not None:
                self._end(placed, AttemptOutcome.STOPPED, "stopped")
        elif isinstance(event, _LosesPatience):
            placed = self.placed.get(event.call)
            if placed is not None and placed.waiting:
                self._end(placed, AttemptOutcome.HUNG_UP, "caller_hung_up")
        else:
            return False
        return True

    def _dial(self, placed: _Placed, offer: Offer) -> None:
        rules, promise = self._rules(placed), self.callbacks.promise(placed.promise)
        first = rules.dialling is Dialling.CUSTOMER_FIRST
        placed.attempt = promise.attempts + 1 if promise is not None else 1
        placed.ringing = offer
        wait_for = rules.ring_for + (rules.confirm_for if first else 0.0) + GRACE
        started = AttemptStarted(placed.call, placed.promise, placed.attempt, offer.offer, offer.agent, wait_for)
        self.world.hear(started)
        ringing = placed.arrival.person.phone[(placed.attempt - 1) % len(placed.arrival.person.phone)]
        if ringing.failed is None and ringing.after > rules.ring_for:
            ringing = Ringing(AttemptOutcome.NO_ANSWER)
        seconds = min(ringing.after, rules.ring_for) + (KEY_AFTER if first and ringing.failed is None else 0.0)
        if not first:
            self.world.count_busy(offer.agent, seconds)
        self.world.at(self.world.now + seconds, _Known(placed.call, placed.attempt, ringing))

    def _known(self, placed: _Placed, ringing: Ringing) -> None:
        """It is known what came of the attempt."""
        if ringing.failed is not None:
            self._end(placed, ringing.failed, "unreached")
            return
        offer, placed.ringing, placed.reached = placed.ringing, None, True
        self.promises[placed.promise].outcomes.append("answered")
        channel = f"customer-{placed.call}"
        self.world.hear(AttemptAnswered(placed.call, placed.promise, placed.attempt, channel, channel))
        if offer is not None and not placed.waiting:
            self._join(placed, offer.agent)
            return
        self.world.at(self.world.now + placed.arrival.patience, _LosesPatience(placed.call))
        if offer is not None and offer.offer in self.world.offers:
            self._ring(placed, offer)

    def _join(self, placed: _Placed, agent: str) -> None:
        del self.placed[placed.call]
        self.promises[placed.promise].joined_at = self.world.now
        self.world.hear(ev.Joined(placed.call, agent))
        self.world.talk(placed.call, placed.arrival, placed.queue, agent)

    def _end(self, placed: _Placed, outcome: AttemptOutcome, cause: str) -> None:
        del self.placed[placed.call]
        if placed.ringing is not None or placed.reached:
            outcomes = self.promises[placed.promise].outcomes
            if placed.reached:
                outcomes.pop()  # it was answered; nobody spoke all the same
            outcomes.append(outcome.value)
            self.world.hear(AttemptEnded(placed.call, placed.promise, placed.attempt, outcome))
        self.world.hear(ev.CallEnded(placed.call, cause))

    # The usual design

    def _pressures(self) -> list[Pressure]:
        """How busy the queues are, without the promises that stand behind all live callers: those delay nobody."""
        pressures = self.floor.pressures()
        if not self.last:
            return pressures
        behind: dict[str, int] = {}
        for placed in self.placed.values():
            behind[placed.queue] = behind.get(placed.queue, 0) + placed.waiting
        return [_without(each, behind.get(each.queue, 0)) for each in pressures]


def _without(pressure: Pressure, behind: int) -> Pressure:
    waiting = max(0, pressure.waiting - behind)
    share = (waiting + 1) / (pressure.waiting + 1)
    return replace(pressure, waiting=waiting, wait=None if pressure.wait is None else pressure.wait * share)


@dataclass(frozen=True, slots=True)
class _Dial(ev.Event):
    """The customer is dialled first, an agent being reserved."""

    call: int
    offer: int


@dataclass(frozen=True, slots=True)
class _Known(ev.Event):
    call: int
    attempt: int
    ringing: Ringing


@dataclass(frozen=True, slots=True)
class _Stopped(ev.Event):
    call: int


@dataclass(frozen=True, slots=True)
class _LosesPatience(ev.Event):
    """Somebody who was called first waits no longer for an agent."""

    call: int
