"""One day to be played: every call with all that chance has in store for it, and when agents come and go.

Chance is drawn once, before the first call, and belongs to the call: how patient, how long it talks, how soon a phone
is answered for it. So every policy plays the very same day, and two of them differ by what they did.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, count, takewhile
from math import inf

import numpy as np

from acd import events as ev
from acd.callbacks.events import AttemptOutcome
from acd.policy.definitions import Requirement, Skill
from simulation.scenario import CallStream, Customers, Scenario

RINGS = 4
"""How many offers of one call have answering times of their own; later ones take them in turn."""
ATTEMPTS = 4
"""How many attempts to call somebody back have an outcome of their own; later ones take them in turn."""
REDIALS = 3
"""How often somebody who gave up calls again at most."""
BUSY_AFTER = 3.0
"""Seconds until a busy phone is known to be busy."""


@dataclass(frozen=True, slots=True)
class Ringing:
    """What becomes of one attempt to call somebody back: `failed`, or answered (None), after so many seconds (of
    ringing, or until it is known; inf: as long as we let it ring)."""

    failed: AttemptOutcome | None = None
    after: float = 0.0


@dataclass(frozen=True, slots=True)
class Caller:
    """The person. `chance` is how much they like to be called back (`Callback.accepts`), `phone` how it rings when
    they are; `redials` are seconds until they call again after giving up, and how patient they are then."""

    chance: float = 0.0
    phone: tuple[Ringing, ...] = (Ringing(),)
    redials: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Arrival:
    """One call. `patience` is seconds until the caller gives up, `rings` seconds until a phone that rings for it is
    answered (inf: not). `takes_callback`: accepts a callback when it is offered. `unfit`: how many times as long it
    talks with an agent who lacks what it prefers."""

    at: float
    queued: ev.CallQueued
    patience: float
    talk: float
    wrap_up: float
    rings: tuple[float, ...] = (0.0,)
    takes_callback: bool = False
    counted: bool = True
    unfit: float = 1.0
    person: Caller = Caller()
    first: int = 0
    """The call with which this person began; 0: this one."""

    def again(self, call: int, at: float) -> Arrival:
        """The same person's next call, this one having come to nothing."""
        (_, patience), *rest = self.person.redials
        return replace(
            self,
            at=at,
            queued=replace(self.queued, call=call, queued_at=at),
            patience=patience,
            person=replace(self.person, redials=tuple(rest)),
            first=self.first or self.queued.call,
        )


@dataclass(frozen=True, slots=True)
class Day:
    """`start` and `end` are the clock of the day; `staff` is what agents do by themselves, in order of time.

    Who works until the end of the day stays until the last caller was served.
    """

    start: float
    end: float
    calls: tuple[Arrival, ...]
    staff: tuple[tuple[float, ev.Event], ...]


def draw(scenario: Scenario, rng: np.random.Generator, staffing: Sequence[Sequence[int]] | None = None) -> Day:
    """A day of this scenario. `staffing[interval][group]`, where given, stands for the groups' counts and shifts."""
    calls = [arrival for stream in scenario.calls for arrival in _stream(scenario, stream, rng)]
    calls.sort(key=lambda each: each.at)
    numbered = tuple(_numbered(arrival, number) for number, arrival in enumerate(calls, 1))
    return Day(scenario.start, scenario.end, numbered, tuple(_staff(scenario, staffing)))


def _stream(scenario: Scenario, stream: CallStream, rng: np.random.Generator) -> list[Arrival]:
    times: list[float] = []
    for interval in range(scenario.intervals):
        since, until = scenario.bounds(interval)
        expected = scenario.rate(stream, interval) * (until - since) / 3600.0
        times += sorted(rng.uniform(since, until, rng.poisson(expected)).tolist())
    total = len(times)
    talk, wrap_up, patience = (
        each.draw(rng, total).tolist() for each in (stream.talk, stream.wrap_up, stream.patience)
    )
    rings = scenario.phones.answered_after.draw(rng, total * RINGS).reshape(total, RINGS)
    rings[rng.random((total, RINGS)) < scenario.phones.unanswered] = inf
    categories = _categories(stream, rng.random(total).tolist())
    chances = rng.random((total, 2)).tolist()
    people = _people(scenario, stream, rng.spawn(1)[0], total)
    counted_from = scenario.start + scenario.warm_up
    return [
        Arrival(
            at=at,
            queued=ev.CallQueued(
                call=0,
                queue=stream.queue,
                requirement=_asks(stream, categories[index], scenario.policy.skills),
                queued_at=at,
                category=categories[index],
                vip=chances[index][0] < stream.vip,
            ),
            patience=patience[index],
            talk=talk[index],
            wrap_up=wrap_up[index],
            rings=tuple(rings[index].tolist()),
            takes_callback=chances[index][1] < stream.takes_callback,
            counted=at >= counted_from,
            unfit=stream.unfit,
            person=people[index],
        )
        for index, at in enumerate(times)
    ]


def _people(scenario: Scenario, stream: CallStream, rng: np.random.Generator, total: int) -> list[Caller]:
    """The callers. Drawn apart, so that a day with callback mode has the same calls as one without."""
    customers = scenario.callback.customers if scenario.callback else Customers()
    chances = rng.random(total).tolist()
    luck = rng.random((total, ATTEMPTS)).tolist()
    seconds = customers.answered_after.draw(rng, total * ATTEMPTS).reshape(total, ATTEMPTS).tolist()
    again = stream.redial_after.draw(rng, total * REDIALS).reshape(total, REDIALS)
    again[rng.random((total, REDIALS)) >= stream.redials] = inf
    patience = stream.patience.draw(rng, total * REDIALS).reshape(total, REDIALS)
    return [
        Caller(
            chance=chances[index],
            phone=tuple(_ringing(customers, *each) for each in zip(luck[index], seconds[index], strict=True)),
            redials=tuple(takewhile(_comes, zip(again[index].tolist(), patience[index].tolist(), strict=True))),
        )
        for index in range(total)
    ]


def _comes(redial: tuple[float, float]) -> bool:
    return redial[0] < inf


def _ringing(customers: Customers, luck: float, seconds: float) -> Ringing:
    if luck < customers.busy:
        return Ringing(AttemptOutcome.BUSY, BUSY_AFTER)
    if luck < customers.busy + customers.unanswered:
        return Ringing(AttemptOutcome.NO_ANSWER, inf)
    return Ringing(None, seconds)


def _categories(stream: CallStream, chances: list[float]) -> list[str]:
    names = [name for name, _ in stream.categories] + [""]
    edges = [*accumulate(share for _, share in stream.categories), inf]
    return [names[next(index for index, edge in enumerate(edges) if chance < edge)] for chance in chances]


def _asks(stream: CallStream, category: str, skills: Sequence[str]) -> Requirement:
    required = stream.requirement.required
    if category not in skills or any(skill.name == category for skill in required):
        return stream.requirement
    return Requirement(required, (Skill(category),))


def _numbered(arrival: Arrival, number: int) -> Arrival:
    return replace(arrival, queued=replace(arrival.queued, call=number))


def _staff(scenario: Scenario, staffing: Sequence[Sequence[int]] | None) -> list[tuple[float, ev.Event]]:
    told: list[tuple[float, ev.Event]] = []
    numbers = count(1001)
    for index, group in enumerate(scenario.groups):
        most = group.count if staffing is None else max(counts[index] for counts in staffing)
        for place in range(most):
            agent = str(next(numbers))
            shifts = group.shifts if staffing is None else _shifts(scenario, [row[index] for row in staffing], place)
            told.append((scenario.start, ev.AgentDefined(agent, f"{group.name} {place + 1}", group.skills)))
            for since, until in shifts:
                if until <= scenario.start:
                    continue
                told.append((max(since, scenario.start), ev.StatusSet(agent, ev.Status.AVAILABLE)))
                if until < scenario.end:
                    told.append((until, ev.StatusSet(agent, ev.Status.SIGNED_OUT)))
    told.sort(key=lambda each: each[0])
    return told


def _shifts(scenario: Scenario, counts: Sequence[int], place: int) -> tuple[tuple[float, float], ...]:
    """The times at which the agent at this place of a group is needed: where the group has more than `place`."""
    shifts: list[tuple[float, float]] = []
    for interval, present in enumerate(counts):
        since, until = scenario.bounds(interval)
        if present > place:
            if shifts and shifts[-1][1] == since:
                since = shifts.pop()[0]
            shifts.append((since, until))
    return tuple(shifts)
