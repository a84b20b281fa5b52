"""What a day, or many, came to: service level, waits, abandonment and occupancy, with confidence intervals over runs.

Runs are independent days, so the interval of a mean is Student's. The service level counts as `ServiceLevel` says;
waits are those of answered calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from math import nan, sqrt

import numpy as np

from simulation.engine import Played
from simulation.fates import CallFate
from simulation.scenario import Scenario, ServiceLevel

ALL = ""
"""The name under which all queues together are measured."""

_T975 = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
    2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip
"""Student's 97.5 % quantiles for 1 to 30 degrees of freedom."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One queue on one day. Shares are 0 to 1, waits are seconds; nan where nothing was there to measure."""

    offered: float
    service_level: float
    wait: float
    wait_p50: float
    wait_p95: float
    abandoned: float
    diverted: float
    """Share that left by an overflow: callback, message, goodbye."""
    occupancy: float
    """Share of the signed-in time of the agents who can serve this queue in which they were busy, with any call."""


MEASURES = tuple(each.name for each in fields(Measured))


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over runs and the half-width of its 95 % confidence interval (nan for a single run)."""

    mean: float
    half: float
    runs: int

    def holds(self, value: float, slack: float = 0.0) -> bool:
        """Whether the value lies within the interval, widened by `slack`."""
        return abs(value - self.mean) <= self.half + slack


def mean_of(values: Iterable[float]) -> Mean:
    """Mean and interval of independent values; nan among them are left out."""
    known = [value for value in values if value == value]
    runs = len(known)
    if not runs:
        return Mean(nan, nan, 0)
    mean = sum(known) / runs
    if runs == 1:
        return Mean(mean, nan, 1)
    spread = sqrt(sum((value - mean) ** 2 for value in known) / (runs - 1))
    return Mean(mean, student(runs - 1) * spread / sqrt(runs), runs)


def student(freedom: int) -> float:
    """The 97.5 % quantile of Student's distribution."""
    return _T975[freedom - 1] if freedom <= len(_T975) else 1.960 + 2.46 / freedom


def measure(scenario: Scenario, played: Played) -> dict[str, Measured]:
    """Each queue of the day, and `ALL`."""
    by_queue: dict[str, list[CallFate]] = {stream.queue: [] for stream in scenario.calls}
    for fate in played.fates:
        if fate.arrival.counted:
            by_queue.setdefault(fate.arrival.queued.queue, []).append(fate)
    measured = {
        queue: _measured(fates, scenario.service_level, _occupancy(scenario, played, queue))
        for queue, fates in by_queue.items()
    }
    everything = [fate for fates in by_queue.values() for fate in fates]
    return measured | {ALL: _measured(everything, scenario.service_level, _occupancy(scenario, played, ALL))}


def _measured(fates: Sequence[CallFate], level: ServiceLevel, occupancy: float) -> Measured:
    waits = np.array([fate.waited for fate in fates if fate.outcome == "handled"])
    offered = len(fates)
    abandoned = sum(fate.outcome == "abandoned" for fate in fates)
    return Measured(
        offered=offered,
        service_level=service_level(fates, level),
        wait=float(waits.mean()) if waits.size else nan,
        wait_p50=float(np.quantile(waits, 0.5)) if waits.size else nan,
        wait_p95=float(np.quantile(waits, 0.95)) if waits.size else nan,
        abandoned=abandoned / offered if offered else nan,
        diverted=(offered - len(waits) - abandoned) / offered if offered else nan,
        occupancy=occupancy,
    )


def service_level(fates: Iterable[CallFate], level: ServiceLevel) -> float:
    """Share answered in time of all that count; nan if none does."""
    in_time = counted = 0
    for fate in fates:
        if fate.outcome == "abandoned" and fate.waited < level.short:
            continue
        counted += 1
        in_time += fate.outcome == "handled" and fate.waited <= level.within
    return in_time / counted if counted else nan


def _occupancy(scenario: Scenario, played: Played, queue: str) -> float:
    asked = [each.requirement for each in scenario.calls if each.queue == queue]
    able = [
        agent
        for agent in played.staffed
        if queue == ALL or any(requirement.met_by(played.skills[agent]) for requirement in asked)
    ]
    staffed = sum(played.staffed[agent] for agent in able)
    return sum(played.busy.get(agent, 0.0) for agent in able) / staffed if staffed else nan


def summarise(days: Sequence[dict[str, Measured]]) -> dict[str, dict[str, Mean]]:
    """Queue → measure → mean and interval over the days."""
    queues = dict.fromkeys(queue for day in days for queue in day)
    return {
        queue: {name: mean_of(getattr(day[queue], name) for day in days if queue in day) for name in MEASURES}
        for queue in queues
    }


def in_time(scenario: Scenario, days: Sequence[Played]) -> list[dict[str, tuple[int, int]]]:
    """For each interval of the day: queue → (answered in time, counted), over all days together."""
    level = scenario.service_level
    tallies: list[dict[str, tuple[int, int]]] = [{} for _ in range(scenario.intervals)]
    for day in days:
        for fate in day.fates:
            if fate.outcome == "abandoned" and fate.waited < level.short:
                continue
            tally, queue = tallies[interval_of(scenario, fate.arrival.at)], fate.arrival.queued.queue
            good, counted = tally.get(queue, (0, 0))
            tally[queue] = (good + (fate.outcome == "handled" and fate.waited <= level.within), counted + 1)
    return tallies


def by_interval(scenario: Scenario, days: Sequence[Played], queue: str = ALL) -> list[Mean]:
    """The service level of each interval of the day, by when the call came."""
    levels: list[list[float]] = [[] for _ in range(scenario.intervals)]
    for day in days:
        slots: list[list[CallFate]] = [[] for _ in range(scenario.intervals)]
        for fate in day.fates:
            if queue in (ALL, fate.arrival.queued.queue):
                slots[interval_of(scenario, fate.arrival.at)].append(fate)
        for index, fates in enumerate(slots):
            levels[index].append(service_level(fates, scenario.service_level))
    return [mean_of(values) for values in levels]


def interval_of(scenario: Scenario, at: float) -> int:
    """The interval in which an instant of the day lies."""
    return min(scenario.intervals - 1, max(0, int((at - scenario.start) // scenario.interval)))
