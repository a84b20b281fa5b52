"""Plays a day against a router in virtual time: callers and agents do what the day says, the router decides.

A router answers events as the floor does (`receive`, `next_timer`): the floor itself, or a model of
somebody else's queue. Nothing here decides who takes a call.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from heapq import heappop, heappush
from math import inf
from typing import Protocol

from acd import events as ev
from acd.commands import AgentChanged, Announce, Command, Divert, Moved, Offer, Withdraw
from acd.policy.definitions import Policy, WrapUp
from simulation.calling_back import CallingBack, ObservableRouter
from simulation.day import Arrival, Day
from simulation.fates import CallFate, PromiseFate
from simulation.scenario import Callback, wrapped

LONGEST_OVERRUN = 86400.0
"""Seconds after the end of the day at which the rest is given up."""


BACK_AFTER = 60.0
"""Seconds after which an agent who was sent on a break for unanswered calls is back."""


class Router(Protocol):
    """What decides. The floor is one."""

    def receive(self, event: object, now: float) -> list[Command]: ...

    def next_timer(self) -> float | None: ...


@dataclass(slots=True)
class Played:
    """A day as it went. `busy` and `staffed` are seconds of each agent; `skills` is what each of them can."""

    day: Day
    fates: list[CallFate]
    busy: dict[str, float] = field(default_factory=dict)
    staffed: dict[str, float] = field(default_factory=dict)
    skills: dict[str, Mapping[str, int]] = field(default_factory=dict)
    promises: list[PromiseFate] = field(default_factory=list)
    """Every promise of callback mode, in order."""
    events: int = 0


def play(
    day: Day, router: Router, policy: Policy, callback: Callback | None = None, *, head_start: float = 0.0
) -> Played:
    """Play one day. `policy` tells how long wrap-ups are; it is told to the router first.

    With `callback` the router must be watchable as the floor is, and callers may be called back: at the place that
    they had, or with a `head_start` (seconds; inf: behind everybody) for live callers.
    """
    return DayInProgress(day, router, policy, callback, head_start).run()


class DayInProgress:
    """The day in progress: what is going to happen, the calls that wait, the phones that ring."""

    def __init__(self, day: Day, router: Router, policy: Policy, callback: Callback | None, head_start: float) -> None:
        self.day, self.router = day, router
        self.wrap_up: dict[str, WrapUp] = {queue.name: queue.wrap_up for queue in policy.queues}
        self.ageing = {queue.name: queue.ageing for queue in policy.queues}
        self.played = Played(day, [CallFate(each, queue=each.queued.queue) for each in day.calls])
        self.fates = {fate.arrival.queued.call: fate for fate in self.played.fates}
        self.last_call = max(self.fates, default=0)
        self.now = day.start
        self.ahead: list[tuple[float, int, ev.Event]] = []
        self.told = 0
        self.live: set[int] = set()
        """Calls that wait or talk."""
        self.offers: dict[int, Offer] = {}
        self.signed_in: dict[str, float] = {}
        self.turns: dict[str, int] = {}
        """How many conversations each agent has begun: an old wrap-up must not end a new one."""
        self.calling: CallingBack | None = None
        if callback is not None:
            if not isinstance(router, ObservableRouter):
                raise TypeError(f"{type(router).__name__} does not tell how busy it is: callback mode needs the floor")
            self.calling = CallingBack(self, router, callback, head_start)
        self.hear(ev.PolicySet(policy))
        if self.calling is not None:
            self.calling.begin()

    def run(self) -> Played:
        arrivals, staff = iter(self.day.calls), iter(self.day.staff)
        arrival, duty = next(arrivals, None), next(staff, None)
        limit = self.day.end + LONGEST_OVERRUN
        while self.live or arrival is not None or (self.calling is not None and self.calling.busy):
            timer = self._next_timer()
            at = min(
                self.ahead[0][0] if self.ahead else inf,
                arrival.at if arrival is not None else inf,
                duty[0] if duty is not None else inf,
                max(timer, self.now),
            )
            if at > limit:
                break
            self.now = at
            if duty is not None and duty[0] <= at:
                self._on_duty(duty[1])
                duty = next(staff, None)
            elif timer <= at:
                self.hear(ev.Tick())
            elif self.ahead and self.ahead[0][0] <= at:
                self._happen(heappop(self.ahead)[2])
            elif arrival is not None:
                self._arrive(arrival)
                arrival = next(arrivals, None)
        for agent, since in self.signed_in.items():
            self._count(self.played.staffed, agent, max(0.0, min(self.now, self.day.end) - since))
        if self.calling is not None:
            self.played.promises = list(self.calling.promises.values())
        return self.played

    def _next_timer(self) -> float:
        due = self.router.next_timer()
        also = self.calling.next_timer() if self.calling is not None else None
        return min(inf if due is None else due, inf if also is None else also)

    # What callback mode needs of the world, too

    def at(self, at: float, event: ev.Event) -> None:
        """Let this happen then."""
        self.told += 1
        heappush(self.ahead, (at, self.told, event))

    def new_call(self) -> int:
        """The number of a call that the day did not know of."""
        self.last_call += 1
        return self.last_call

    def leave(self, call: int, outcome: str) -> None:
        """The caller waits no longer."""
        fate = self.fates[call]
        fate.outcome, fate.waited = outcome, self.now - fate.arrival.at
        self.live.discard(call)

    def talk(self, call: int, arrival: Arrival, queue: str, agent: str) -> float:
        """The conversation begins; seconds that it and its wrap-up will take."""
        written_up = wrapped(self.wrap_up.get(queue), arrival.wrap_up)
        skills, preferred = self.played.skills[agent], arrival.queued.requirement.preferred
        fit = all(skills.get(skill.name, 0) >= skill.level for skill in preferred)
        talk = arrival.talk if fit else arrival.talk * arrival.unfit
        self.live.add(call)
        self.count_busy(agent, talk + written_up)
        turn = self.turns[agent] = self.turns.get(agent, 0) + 1
        self.at(self.now + talk, ev.ConversationEnded(call, agent, "caller", talk))
        self.at(self.now + talk + written_up, _WrittenUp(agent, turn))
        return talk + written_up

    def ring(self, offer: Offer, after: float) -> None:
        """The agent's phone rings, and is answered after so many seconds (inf: it is not)."""
        self.at(self.now, ev.OfferRinging(offer.offer))
        if after <= offer.ring_for:
            self.at(self.now + after, ev.OfferAnswered(offer.offer))
        else:
            self.at(self.now + offer.ring_for, ev.OfferFailed(offer.offer, ev.Outcome.NO_ANSWER))

    def count_busy(self, agent: str, seconds: float) -> None:
        self._count(self.played.busy, agent, seconds)

    # The world

    def _arrive(self, arrival: Arrival) -> None:
        call = arrival.queued.call
        self.live.add(call)
        if self.calling is not None and self.calling.takes(arrival):
            return
        if arrival.patience < inf:
            self.at(self.now + arrival.patience, ev.CallEnded(call, "caller_hung_up"))
        self.hear(arrival.queued)

    def _on_duty(self, event: ev.Event) -> None:
        if isinstance(event, ev.AgentDefined):
            self.played.skills[event.agent] = {skill.name: skill.level for skill in event.skills}
        elif isinstance(event, ev.StatusSet):
            present = event.status is ev.Status.AVAILABLE
            if present and event.agent not in self.signed_in:
                self.signed_in[event.agent] = self.now
            elif not present and event.agent in self.signed_in:
                self._count(self.played.staffed, event.agent, self.now - self.signed_in.pop(event.agent))
        self.hear(event)

    def _happen(self, event: ev.Event) -> None:
        """What was ahead has come, unless something else came before it."""
        if isinstance(event, (ev.OfferAnswered, ev.OfferFailed)):
            if event.offer in self.offers:
                offer = self.offers.pop(event.offer)
                self._offer_over(event, offer)
        elif isinstance(event, ev.CallEnded) and event.cause == "caller_hung_up":
            if self.fates[event.call].outcome == "waiting":
                self._give_up(event)
        elif isinstance(event, ev.ConversationEnded):
            self.hear(event)
            self.live.discard(event.call)
            self.hear(ev.CallEnded(event.call, "caller_hung_up"))
        elif isinstance(event, _WrittenUp):
            if self.turns[event.agent] == event.turn:
                self.hear(ev.WrapUpEnded(event.agent))
        elif isinstance(event, _CallsAgain):
            self.played.fates.append(CallFate(event.arrival, queue=event.arrival.queued.queue))
            self.fates[event.arrival.queued.call] = self.played.fates[-1]
            self._arrive(event.arrival)
        elif isinstance(event, ev.StatusSet):
            if event.agent in self.signed_in:
                self.hear(event)
        elif self.calling is None or not self.calling.happen(event):
            self.hear(event)

    def _offer_over(self, event: ev.OfferAnswered | ev.OfferFailed, offer: Offer) -> None:
        answered = isinstance(event, ev.OfferAnswered)
        fate = self.fates.get(offer.call)
        if answered and fate is not None:
            fate.outcome, fate.agent, fate.waited = "handled", offer.agent, self.now - fate.arrival.at
            fate.handling = self.talk(offer.call, fate.arrival, fate.queue, offer.agent)
        self.hear(event)
        if answered and fate is None and self.calling is not None:
            self.calling.answered(offer)

    def _give_up(self, event: ev.CallEnded) -> None:
        self.leave(event.call, "abandoned")
        self.hear(event)
        arrival = self.fates[event.call].arrival
        if arrival.person.redials:
            at = self.now + arrival.person.redials[0][0]
            if at < self.day.end:
                call = self.new_call()
                self.live.add(call)
                self.at(at, _CallsAgain(arrival.again(call, at)))

    # The router

    def hear(self, event: ev.Event) -> None:
        """Tell the router, and callback mode after it, what happened; do what they say."""
        self.played.events += 1
        commands = self.router.receive(event, self.now)
        if self.calling is not None:
            commands = commands + self.calling.receive(event)
        for command in commands:
            if isinstance(command, Offer):
                self._offered(command)
            elif isinstance(command, Withdraw):
                self.offers.pop(command.offer, None)
            elif isinstance(command, Moved):
                if command.call in self.fates:
                    self.fates[command.call].queue = command.queue
            elif isinstance(command, Divert):
                self._divert(command)
            elif isinstance(command, AgentChanged):
                if (command.status, command.reason) == ("break", "no_answer"):
                    self.at(self.now + BACK_AFTER, ev.StatusSet(command.agent, ev.Status.AVAILABLE))
            elif self.calling is not None:
                if isinstance(command, Announce):
                    self.calling.reconsiders(command.call, command.wait_low)
                else:
                    self.calling.handle(command)

    def _offered(self, offer: Offer) -> None:
        self.offers[offer.offer] = offer
        fate = self.fates.get(offer.call)
        if fate is not None:
            rings = fate.arrival.rings
            self.ring(offer, rings[fate.offers % len(rings)])
            fate.offers += 1
        elif self.calling is not None:
            self.calling.offered(offer)

    def _divert(self, command: Divert) -> None:
        fate = self.fates.get(command.call)
        if fate is None or fate.outcome != "waiting":
            return
        if command.to == "callback":
            if self.calling is not None:
                self.calling.is_told(command.call)
                return
            if not fate.arrival.takes_callback:
                return
        self.leave(command.call, command.to)
        self.at(self.now, ev.CallLeftQueue(command.call, command.to))
        if command.to != "callback":
            self.at(self.now, ev.CallEnded(command.call, "hotline_hung_up"))

    @staticmethod
    def _count(totals: dict[str, float], agent: str, seconds: float) -> None:
        totals[agent] = totals.get(agent, 0.0) + seconds


@dataclass(frozen=True, slots=True)
class _WrittenUp(ev.Event):
    """The agent has done what the write-up takes."""

    agent: str
    turn: int


@dataclass(frozen=True, slots=True)
class _CallsAgain(ev.Event):
    """Somebody who gave up tries again."""

    arrival: Arrival
