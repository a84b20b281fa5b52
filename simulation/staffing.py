"""The fewest agents for a service level in every interval, found by playing, not by a formula.

A formula knows one queue. Here each queue that misses the target gets one more agent with its skill, until every queue
of every interval reaches it; then agents are taken away as long as no queue misses it. The groups keep the proportions
that the scenario gives them as far as the target allows, and work only within their shifts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from simulation.engine import play
from simulation.measures import in_time
from simulation.policies import Candidate
from simulation.runs import days
from simulation.scenario import Scenario

ROUNDS = 40
"""Rounds of adding after which the target is given up as out of reach."""


@dataclass(frozen=True, slots=True)
class StaffingPlan:
    """`counts[interval][group]`; `levels[interval]` is the service level of the interval's worst queue."""

    counts: tuple[tuple[int, ...], ...]
    levels: tuple[float, ...]
    reached: bool

    @property
    def total(self) -> int:
        """Agents summed over the intervals: what the plan costs."""
        return sum(map(sum, self.counts))

    @property
    def peak(self) -> int:
        """The most agents at once."""
        return max(map(sum, self.counts))


class _Search:
    def __init__(self, scenario: Scenario, candidate: Candidate, runs: int, seed: int, tick: Callable[[], None]):
        self.scenario, self.candidate, self.runs, self.seed, self.tick = scenario, candidate, runs, seed, tick
        total = scenario.agents
        self.shares = [(each.count / total if total else 1.0) or 0.01 for each in scenario.groups]
        self.may = [
            [group.present(*scenario.bounds(interval)) for group in scenario.groups]
            for interval in range(scenario.intervals)
        ]
        self.able = {
            each.queue: [each.requirement.met_by(group.levels) for group in scenario.groups] for each in scenario.calls
        }

    def worst(self, counts: list[list[int]]) -> list[tuple[float, str]]:
        """The service level of each interval's worst queue, and which it is."""
        policy = self.candidate.rules or self.scenario.policy
        played = []
        for day in days(self.scenario, self.runs, self.seed, counts):
            played.append(play(day, self.candidate.router(), policy))
            self.tick()
        return [
            min(((good / counted, queue) for queue, (good, counted) in tally.items() if counted), default=(1.0, ""))
            for tally in in_time(self.scenario, played)
        ]

    def helper(self, counts: list[int], interval: int, queue: str) -> int | None:
        """The group that is to send one more agent: able, there, and furthest below its proportion."""
        groups = [
            index
            for index in range(len(self.shares))
            if self.may[interval][index] and (not queue or self.able[queue][index])
        ]
        return min(groups, key=lambda index: ((counts[index] + 1) / self.shares[index], index), default=None)


def fewest_agents(
    scenario: Scenario,
    candidate: Candidate,
    *,
    runs: int = 5,
    seed: int = 1,
    tick: Callable[[], None] = lambda: None,
) -> StaffingPlan:
    """The plan for `scenario.service_level` in every interval; `reached` is false where no staffing was enough."""
    search = _Search(scenario, candidate, runs, seed, tick)
    target = scenario.service_level.share
    counts = [_at_least(search, interval) for interval in range(scenario.intervals)]
    worst = search.worst(counts)
    for _ in range(ROUNDS):
        if all(level >= target for level, _ in worst):
            break
        if not _add(search, counts, worst, target):
            break
        worst = search.worst(counts)
    reached = all(level >= target for level, _ in worst)
    if reached:
        worst = _trim(search, counts, worst, target)
    return StaffingPlan(tuple(map(tuple, counts)), tuple(level for level, _ in worst), reached)


def _at_least(search: _Search, interval: int) -> list[int]:
    """What the load alone asks for, in the groups' proportions."""
    may = search.may[interval]
    present = sum(share for share, there in zip(search.shares, may, strict=True) if there)
    load = search.scenario.load(interval)
    return [int(load * share / present) if there else 0 for share, there in zip(search.shares, may, strict=True)]


def _add(search: _Search, counts: list[list[int]], worst: list[tuple[float, str]], target: float) -> bool:
    """One more agent (where far from the target, several) for each interval that missed; whether any came. Twice the
    load and ten is more than any service level asks for that can be reached."""
    added = False
    for interval, (level, queue) in enumerate(worst):
        missing = target - level
        wanted = 0 if missing <= 0 else max(1, int(missing * 0.3 * sum(counts[interval])))
        room = int(2 * search.scenario.load(interval)) + 10 - sum(counts[interval])
        for _ in range(min(wanted, room)):
            group = search.helper(counts[interval], interval, queue)
            if group is not None:
                counts[interval][group] += 1
                added = True
    return added


def _trim(
    search: _Search, counts: list[list[int]], worst: list[tuple[float, str]], target: float
) -> list[tuple[float, str]]:
    """Take away what is not missed: every third interval at a time, so that they do not touch each other."""
    order = sorted(range(len(search.shares)), key=lambda index: -len(search.scenario.groups[index].skills))
    for group in order:
        for first in range(3):
            tried = [each for each in range(first, len(counts), 3) if counts[each][group]]
            _change(counts, tried, group, -1)
            after = search.worst(counts)
            missed = [each for each in tried if any(level < target for level, _ in after[each : each + 2])]
            if missed:
                _change(counts, missed, group, +1)
                after = search.worst(counts) if len(missed) < len(tried) else worst
                if any(level < target for level, _ in after):
                    _change(counts, [each for each in tried if each not in missed], group, +1)
                    continue
            worst = after
    return worst


def _change(counts: list[list[int]], intervals: list[int], group: int, by: int) -> None:
    for interval in intervals:
        counts[interval][group] += by
