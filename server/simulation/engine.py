"""Plays a day against a router in virtual time: the world does what the day says, the router what it decides.

A router is whatever answers events as the floor does (`receive`, `next_timer`): the floor itself, or a model of
somebody else's queue. Nothing here decides who takes a call.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from heapq import heappop, heappush
from math import inf
from typing import Protocol

from acd import events as ev
from acd.commands import AgentChanged, Command, Divert, Moved, Offer, Withdraw
from acd.definitions import Policy, WrapUp
from server.simulation.day import Arrival, Day
from server.simulation.scenario import wrapped

LONGEST_OVERRUN = 86400.0
"""Seconds after the end of the day at which the rest is given up."""


BACK_AFTER = 60.0
"""Seconds after which an agent who was sent on a break for unanswered calls is back."""


class Router(Protocol):
    """What decides. The floor is one."""

    def receive(self, event: object, now: float) -> list[Command]: ...

    def next_timer(self) -> float | None: ...


@dataclass(slots=True)
class Fate:
    """What became of one call. `outcome` is handled, abandoned, callback, message, goodbye or waiting (at the end)."""

    arrival: Arrival
    outcome: str = "waiting"
    waited: float = 0.0
    agent: str = ""
    queue: str = ""
    """Where it was in the end; `arrival.queued.queue` is where it began."""
    handling: float = 0.0
    """Seconds of the agent's time: conversation and wrap-up."""
    offers: int = 0


@dataclass(slots=True)
class Played:
    """A day as it went. `busy` and `staffed` are seconds of each agent; `skills` is what each of them can."""

    day: Day
    fates: list[Fate]
    busy: dict[str, float] = field(default_factory=dict)
    staffed: dict[str, float] = field(default_factory=dict)
    skills: dict[str, Mapping[str, int]] = field(default_factory=dict)
    events: int = 0


def play(day: Day, router: Router, policy: Policy) -> Played:
    """Play one day. `policy` tells how long wrap-ups are; it is told to the router first."""
    return _World(day, router, policy).run()


class _World:
    """The day in progress: what is going to happen, who waits, what rings."""

    def __init__(self, day: Day, router: Router, policy: Policy) -> None:
        self.day, self.router = day, router
        self.wrap_up: dict[str, WrapUp] = {queue.name: queue.wrap_up for queue in policy.queues}
        self.played = Played(day, [Fate(each, queue=each.queued.queue) for each in day.calls])
        self.fates = {fate.arrival.queued.call: fate for fate in self.played.fates}
        self.now = day.start
        self.ahead: list[tuple[float, int, ev.Event]] = []
        self.told = 0
        self.live: set[int] = set()
        """Calls that wait or talk."""
        self.offers: dict[int, tuple[int, str]] = {}
        self.signed_in: dict[str, float] = {}
        self.turns: dict[str, int] = {}
        """How many conversations each agent has begun: an old wrap-up must not end a new one."""
        self._hear(ev.PolicySet(policy))

    def run(self) -> Played:
        arrivals, staff = iter(self.day.calls), iter(self.day.staff)
        arrival, duty = next(arrivals, None), next(staff, None)
        limit = self.day.end + LONGEST_OVERRUN
        while self.live or arrival is not None:
            timer = self.router.next_timer()
            at = min(
                self.ahead[0][0] if self.ahead else inf,
                arrival.at if arrival is not None else inf,
                duty[0] if duty is not None else inf,
                inf if timer is None else max(timer, self.now),
            )
            if at > limit:
                break
            self.now = at
            if duty is not None and duty[0] <= at:
                self._on_duty(duty[1])
                duty = next(staff, None)
            elif timer is not None and timer <= at:
                self._hear(ev.Tick())
            elif self.ahead and self.ahead[0][0] <= at:
                self._happen(heappop(self.ahead)[2])
            elif arrival is not None:
                self._arrive(arrival)
                arrival = next(arrivals, None)
        for agent, since in self.signed_in.items():
            self._count(self.played.staffed, agent, max(0.0, min(self.now, self.day.end) - since))
        return self.played

    # The world

    def _at(self, at: float, event: ev.Event) -> None:
        self.told += 1
        heappush(self.ahead, (at, self.told, event))

    def _arrive(self, arrival: Arrival) -> None:
        call = arrival.queued.call
        self.live.add(call)
        if arrival.patience < inf:
            self._at(self.now + arrival.patience, ev.CallEnded(call, "caller_hung_up"))
        self._hear(arrival.queued)

    def _on_duty(self, event: ev.Event) -> None:
        if isinstance(event, ev.AgentDefined):
            self.played.skills[event.agent] = {skill.name: skill.level for skill in event.skills}
        elif isinstance(event, ev.StatusSet):
            present = event.status is ev.Status.AVAILABLE
            if present and event.agent not in self.signed_in:
                self.signed_in[event.agent] = self.now
            elif not present and event.agent in self.signed_in:
                self._count(self.played.staffed, event.agent, self.now - self.signed_in.pop(event.agent))
        self._hear(event)

    def _happen(self, event: ev.Event) -> None:
        """What was ahead has come, unless something else came before it."""
        if isinstance(event, (ev.OfferAnswered, ev.OfferFailed)):
            if event.offer in self.offers:
                call, agent = self.offers.pop(event.offer)
                if isinstance(event, ev.OfferAnswered):
                    self._answer(call, agent)
                self._hear(event)
        elif isinstance(event, ev.CallEnded):
            fate = self.fates[event.call]
            if fate.outcome == "waiting":
                self._leave(event.call, "abandoned")
                self._hear(event)
        elif isinstance(event, ev.ConversationEnded):
            self._hear(event)
            self.live.discard(event.call)
            self._hear(ev.CallEnded(event.call, "caller_hung_up"))
        elif isinstance(event, _WrittenUp):
            if self.turns[event.agent] == event.turn:
                self._hear(ev.WrapUpEnded(event.agent))
        elif not isinstance(event, ev.StatusSet) or event.agent in self.signed_in:
            self._hear(event)

    def _answer(self, call: int, agent: str) -> None:
        fate = self.fates[call]
        arrival = fate.arrival
        written_up = wrapped(self.wrap_up.get(fate.queue), arrival.wrap_up)
        skills, preferred = self.played.skills[agent], arrival.queued.requirement.preferred
        fit = all(skills.get(skill.name, 0) >= skill.level for skill in preferred)
        talk = arrival.talk if fit else arrival.talk * arrival.unfit
        fate.outcome, fate.agent, fate.waited = "handled", agent, self.now - arrival.at
        fate.handling = talk + written_up
        self._count(self.played.busy, agent, fate.handling)
        turn = self.turns[agent] = self.turns.get(agent, 0) + 1
        self._at(self.now + talk, ev.ConversationEnded(call, agent, "caller", talk))
        self._at(self.now + fate.handling, _WrittenUp(agent, turn))

    def _leave(self, call: int, outcome: str) -> None:
        fate = self.fates[call]
        fate.outcome, fate.waited = outcome, self.now - fate.arrival.at
        self.live.discard(call)

    # The router

    def _hear(self, event: ev.Event) -> None:
        self.played.events += 1
        for command in self.router.receive(event, self.now):
            if isinstance(command, Offer):
                self._ring(command)
            elif isinstance(command, Withdraw):
                self.offers.pop(command.offer, None)
            elif isinstance(command, Moved):
                self.fates[command.call].queue = command.queue
            elif isinstance(command, Divert):
                self._divert(command)
            elif isinstance(command, AgentChanged) and (command.status, command.reason) == ("break", "no_answer"):
                self._at(self.now + BACK_AFTER, ev.StatusSet(command.agent, ev.Status.AVAILABLE))

    def _ring(self, offer: Offer) -> None:
        fate = self.fates[offer.call]
        rings = fate.arrival.rings
        after = rings[fate.offers % len(rings)]
        fate.offers += 1
        self.offers[offer.offer] = (offer.call, offer.agent)
        self._at(self.now, ev.OfferRinging(offer.offer))
        if after <= offer.ring_for:
            self._at(self.now + after, ev.OfferAnswered(offer.offer))
        else:
            self._at(self.now + offer.ring_for, ev.OfferFailed(offer.offer, ev.Outcome.NO_ANSWER))

    def _divert(self, command: Divert) -> None:
        fate = self.fates[command.call]
        if fate.outcome != "waiting" or (command.to == "callback" and not fate.arrival.takes_callback):
            return
        self._leave(command.call, command.to)
        self._at(self.now, ev.CallLeftQueue(command.call, command.to))
        if command.to != "callback":
            self._at(self.now, ev.CallEnded(command.call, "hotline_hung_up"))

    @staticmethod
    def _count(totals: dict[str, float], agent: str, seconds: float) -> None:
        totals[agent] = totals.get(agent, 0.0) + seconds


@dataclass(frozen=True, slots=True)
class _WrittenUp(ev.Event):
    """The agent has done what the write-up takes."""

    agent: str
    turn: int
