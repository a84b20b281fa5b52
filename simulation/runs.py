"""Many days, many policies: every policy plays the same days, so that their difference is theirs and not chance's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from acd.floor.engine import Floor
from simulation.day import Day, draw
from simulation.engine import Played, play
from simulation.measures import ALL, MEASURES, Mean, Measured, by_interval, mean_of, measure, summarise
from simulation.policies import OURS, Candidate
from simulation.promises import Promised, promised
from simulation.scenario import Scenario

Staffing = Sequence[Sequence[int]]
"""How many agents of each group are there in each interval: `staffing[interval][group]`."""


def days(scenario: Scenario, runs: int, seed: int, staffing: Staffing | None = None) -> Iterator[Day]:
    """`runs` independent days; the same seed gives the same days."""
    for run in range(runs):
        yield draw(scenario, np.random.default_rng([seed, run]), staffing)


@dataclass
class Result:
    """What one policy made of the days."""

    policy: str
    measured: list[dict[str, Measured]] = field(default_factory=list)
    levels: list[Mean] = field(default_factory=list)
    """The service level in each interval of the day."""
    promised: list[dict[str, Promised]] = field(default_factory=list)
    """What came of the promises, where callback mode was played."""

    @property
    def summary(self) -> dict[str, dict[str, Mean]]:
        """Queue (or `ALL`) → measure → mean and interval."""
        return summarise(self.measured)

    def minus(self, other: Result, queue: str = ALL) -> dict[str, Mean]:
        """The mean difference of each measure, day by day: narrower than the difference of the intervals."""
        pairs = [(mine[queue], theirs[queue]) for mine, theirs in zip(self.measured, other.measured, strict=True)]
        return {
            name: mean_of(getattr(mine, name) - getattr(theirs, name) for mine, theirs in pairs) for name in MEASURES
        }


def play_with(candidate: Candidate, scenario: Scenario, day: Day) -> Played:
    """Play one day with this policy, and with the scenario's callback mode if it has any."""
    callback = scenario.callback if candidate.calls_back else None
    return play(day, candidate.router(), candidate.rules or scenario.policy, callback, head_start=candidate.head_start)


def simulate(
    scenario: Scenario,
    candidates: Sequence[Candidate] = (Candidate(OURS, Floor),),
    *,
    runs: int = 10,
    seed: int = 1,
    staffing: Staffing | None = None,
    tick: Callable[[], None] = lambda: None,
) -> list[Result]:
    """Play `runs` days with each policy; `tick` is called after each day of each."""
    results = []
    for candidate in candidates:
        result, played = Result(candidate.name), list[Played]()
        for day in days(scenario, runs, seed, staffing):
            played.append(play_with(candidate, scenario, day))
            result.measured.append(measure(scenario, played[-1]))
            if scenario.callback is not None and candidate.calls_back:
                result.promised.append(promised(scenario, played[-1]))
            tick()
        result.levels = by_interval(scenario, played)
        results.append(result)
    return results
