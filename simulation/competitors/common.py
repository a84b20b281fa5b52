"""What models of other people's queues have in common: members, callers, and the translation of our rules into theirs.

An agent who meets a call's requirement at some step is a member of its queue; relaxation steps open the members that
they admit, to the second; agents pause themselves during the write-up for exactly as long as they write. How calls
become queues, and members get their penalties (or tier levels), is one of three translations:

- **kindest**: a queue for each shape of call (queue, requirement and category), penalties as our own strategy ranks the
  agents for that very shape. Nobody configures this by hand; it leaves only what the others' algorithms do differently.
- **usual**: a queue for each kind of call and what it requires, penalty 10 − level. What a call prefers is not seen.
- **flat**: the same queues, and all members alike.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import insort
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from acd import events as ev
from acd.commands import Command, Divert, Offer, Withdraw
from acd.decisions import Decision
from acd.floor.agents import Agent
from acd.floor.strategies import STRATEGIES
from acd.policy.definitions import EXITS, Overflow, Policy, Queue, Requirement


@dataclass(slots=True, eq=False)
class Person:
    """One agent as they know one. Counts and instants are what their strategies sort by."""

    id: str
    index: int
    agent: Agent
    available: bool = False
    busy: bool = False
    rest_until: float = 0.0
    last_call: float = 0.0
    calls: int = 0
    talked: float = 0.0
    groups: list[Group] = field(default_factory=list)

    def free(self, now: float) -> bool:
        return self.available and not self.busy and self.rest_until <= now


@dataclass(slots=True, eq=False)
class Member:
    """A person in one queue: lower penalties first; not before a call has waited `after` seconds."""

    person: Person
    place: int
    after: float
    penalty: int


@dataclass(slots=True, eq=False)
class Group:
    """One queue of theirs. `waiting` is in its order."""

    queue: Queue
    requirement: Requirement
    members: list[Member] = field(default_factory=list)
    waiting: list[tuple[tuple[float, ...], Waiter]] = field(default_factory=list)
    next_place: int = 0
    recipes: tuple[Overflow, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.recipes = self.queue.recipes()

    def free_members(self, now: float) -> int:
        return sum(member.person.free(now) for member in self.members)


@dataclass(slots=True, eq=False)
class Waiter:
    """One caller."""

    asked: ev.CallQueued
    group: Group
    entered: float
    key: tuple[float, ...]
    offer: int = 0
    next_try: float = 0.0
    place: int = 0
    """Where the `linear` strategy goes on."""
    said: set[int] = field(default_factory=set)
    """Overflow recipes already used."""
    leaving: bool = False


def _usual(agent: Agent, requirement: Requirement) -> tuple[float, ...]:
    return (-float(sum(agent.skills[skill.name] for skill in requirement.required)),)


RANKS: dict[str, Callable[[Agent, Requirement], tuple[float, ...]]] = {
    "usual": _usual,
    "flat": lambda agent, requirement: (),
}
"""How a translation ranks members; the kindest does as our strategies do."""

TRANSLATIONS = ("kindest", *RANKS)


class CompetitorModel(ABC):
    """Base of the models. A model says when it looks (`due`, `look`) and which caller it takes."""

    name: ClassVar[str] = ""

    def __init__(self, translation: str = "kindest") -> None:
        self.translation = translation
        self.now = 0.0
        self.policy = Policy()
        self.queues: dict[str, Queue] = {}
        self.people: dict[str, Person] = {}
        self.groups: dict[tuple[str, Requirement], Group] = {}
        self.waiters: dict[int, Waiter] = {}
        self.offers: dict[int, tuple[Waiter, Person]] = {}
        self.next_offer = 1
        self.out: list[Command] = []
        self.handlers: dict[type, Callable[[Any], None]] = {
            ev.PolicySet: self._policy_set,
            ev.AgentDefined: self._agent_defined,
            ev.StatusSet: self._status_set,
            ev.CallQueued: self._call_queued,
            ev.CallEnded: self._gone,
            ev.CallLeftQueue: self._gone,
            ev.OfferAnswered: self._answered,
            ev.OfferFailed: self._failed,
            ev.ConversationEnded: self._talked,
            ev.WrapUpEnded: self._written_up,
        }

    def receive(self, event: object, now: float) -> list[Command]:
        """As the floor's."""
        self.now = max(self.now, now)
        handler = self.handlers.get(type(event))
        if handler is not None:
            handler(event)
        due = self.next_timer()
        if due is not None and due <= self.now:
            self.look()
        out, self.out = self.out, []
        return out

    @abstractmethod
    def next_timer(self) -> float | None:
        """When the model looks next."""

    @abstractmethod
    def look(self) -> None:
        """Do what is due at this instant."""

    def joined(self, waiter: Waiter) -> None:  # noqa: B027
        """A caller joined; `waiter.key` may be set here."""

    def freed(self, person: Person) -> None:  # noqa: B027
        """A person may take calls again."""

    # Events

    def _policy_set(self, event: ev.PolicySet) -> None:
        self.policy = event.policy
        self.queues = {queue.name: queue for queue in event.policy.queues}

    def _agent_defined(self, event: ev.AgentDefined) -> None:
        person = self.people.get(event.agent)
        if person is None:
            person = self.people[event.agent] = Person(event.agent, len(self.people), Agent(event.agent, self.now))
        person.agent.learn(event.skills)
        for group in self.groups.values():
            self._staff(group)

    def _status_set(self, event: ev.StatusSet) -> None:
        person = self.people[event.agent]
        person.available = event.status is ev.Status.AVAILABLE
        if person.free(self.now):
            self.freed(person)

    def _call_queued(self, event: ev.CallQueued) -> None:
        asked = event.requirement
        if self.translation != "kindest":
            asked = Requirement(asked.required)
        group = self.groups.get((event.queue, asked))
        if group is None:
            group = Group(self.queues.get(event.queue) or Queue(event.queue), asked)
            self.groups[event.queue, asked] = group
            self._staff(group)
        waiter = self.waiters[event.call] = Waiter(event, group, self.now, (event.queued_at, float(event.call)))
        self.joined(waiter)
        insort(group.waiting, (waiter.key, waiter), key=lambda each: each[0])

    def _gone(self, event: ev.CallEnded | ev.CallLeftQueue) -> None:
        waiter = self.waiters.get(event.call)
        if waiter is None:
            return
        if waiter.offer:
            _, person = self.offers.pop(waiter.offer)
            self.out.append(Withdraw(waiter.offer, event.call, person.id, "the caller is gone"))
            self._free(person)
        self._forget(waiter)

    def _answered(self, event: ev.OfferAnswered) -> None:
        waiter, person = self.offers.pop(event.offer)
        person.calls += 1
        self._forget(waiter)

    def _failed(self, event: ev.OfferFailed) -> None:
        waiter, person = self.offers.pop(event.offer)
        waiter.offer = 0
        self.missed(waiter, person)
        self._free(person)

    def missed(self, waiter: Waiter, person: Person) -> None:  # noqa: B027
        """An offer was not answered."""

    def _talked(self, event: ev.ConversationEnded) -> None:
        person = self.people[event.agent]
        person.last_call = self.now
        person.talked += event.talked

    def _written_up(self, event: ev.WrapUpEnded) -> None:
        self._free(self.people[event.agent])

    # Moves

    def offer(self, waiter: Waiter, person: Person) -> None:
        """Ring this person for this caller."""
        number = self.next_offer
        self.next_offer += 1
        person.busy = True
        waiter.offer = number
        self.offers[number] = (waiter, person)
        call, queue = waiter.asked.call, waiter.group.queue
        decision = Decision(call, "offer", self.name, self.now, queue.name, person.id, number)
        self.out.append(Offer(number, call, person.id, queue.ring_for, decision))

    def overflow(self, waiter: Waiter) -> bool:
        """Follow the recipes that go by time and lead out of the queue; whether the caller leaves by one."""
        waited = self.now - waiter.entered
        for index, way in enumerate(waiter.group.recipes):
            if way.after is None or way.to not in EXITS or waited < way.after or index in waiter.said:
                continue
            waiter.said.add(index)
            call = waiter.asked.call
            self.out.append(Divert(call, way.to, Decision(call, "overflow", way.describe(), self.now)))
            if way.to != "callback":
                waiter.leaving = True
                return True
        return False

    def _free(self, person: Person) -> None:
        person.busy = False
        if person.free(self.now):
            self.freed(person)

    def _forget(self, waiter: Waiter) -> None:
        del self.waiters[waiter.asked.call]
        waiter.group.waiting.remove((waiter.key, waiter))

    def _staff(self, group: Group) -> None:
        """The members of a group's queue: from when on, and at which penalty."""
        steps = [(0.0, group.requirement)]
        for step in group.queue.relax:
            if step.requirement.is_looser_than(steps[-1][1]):
                steps.append((step.after, step.requirement))
        rank = RANKS.get(self.translation, STRATEGIES[group.queue.strategy])
        found: list[tuple[tuple[float, ...], Person]] = []
        for person in self.people.values():
            met = next(((after, asked) for after, asked in steps if asked.met_by(person.agent.skills)), None)
            if met is not None:
                found.append(((met[0], *rank(person.agent, met[1])), person))
        ranks = {key: rank for rank, key in enumerate(sorted({key for key, _ in found}))}
        group.members = [Member(person, place, key[0], ranks[key]) for place, (key, person) in enumerate(found)]
