"""An estimate weighs each stratum by its share of the frame, and never stands without its interval and its n.

Mean: `Σ W_h·mean_h`, with `W_h = N_h / N`. Variance: `Σ W_h²·(1 - n_h/N_h)·s_h²/n_h`, the bracket being the correction
for a finite frame. Interval: Student's t with n - L degrees of freedom, n scores in L strata (those of which every call
was scored add none). A rate has Wilson's interval on the effective n, `1 / Σ(W_h²·(1 - n_h/N_h)/n_h)`: the size of a
simple random sample that would tell as much if the rate were the same in every stratum.

Sources: Cochran, Sampling Techniques (3rd ed.), chapter 5; Kish, Survey Sampling, 11.7.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from quality.draw import Job
from quality.errors import QualityError
from quality.intervals import t_quantile, wilson


@dataclass(frozen=True, slots=True)
class Sampled:
    """The scores of one stratum, and how many calls it has in the frame. Fewer scores than calls drawn are allowed:
    what is not scored yet, or never can be, is treated as left out by chance."""

    size: int
    scores: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its interval. `value` is None when nothing was scored.

    `low` and `high` are None when no spread is known: of one score, or of scores that are all alike. Ten equal scores
    do not show that the eleventh call is like them.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    """Calls that were scored."""
    size: int
    """Calls in the frame."""
    level: float
    degrees: int | None = None
    """Of a mean: degrees of freedom of t; None without an interval, and when every call was scored."""
    effective: float | None = None
    """Of a rate: the effective n; None when every call was scored."""
    covered: float = 1.0
    """The share of the frame whose strata have a score. Below 1, the estimate says nothing of the rest."""


def sampled(job: Job, scores: Mapping[int, float], agents: Iterable[str] | None = None) -> list[Sampled]:
    """The job's strata with their scores, for an estimate; of these agents, or of all.

    A score of a call that the job did not draw enters none: a hand-picked call stands for nothing but itself.
    """
    wanted = None if agents is None else frozenset(agents)
    found: list[list[float]] = [[] for _ in job.strata]
    for each in job.calls:
        if each.call in scores:
            found[each.stratum].append(scores[each.call])
    return [
        Sampled(stratum.size, tuple(values))
        for stratum, values in zip(job.strata, found, strict=True)
        if wanted is None or stratum.agent in wanted
    ]


def mean(strata: Sequence[Sampled], level: float = 0.95, least: float = 0.0, most: float = 100.0) -> Estimate:
    """The frame's mean score, with the interval cut to what a score can be.

    A stratum with one score of several calls takes its spread from the other strata, pooled. Raises QualityError when
    a stratum has more scores than calls.
    """
    known, n, size, covered = _known(strata)
    if not known:
        return Estimate(None, None, None, 0, size, level, covered=0.0)
    weighed = sum(each.size for each in known)
    value = sum(each.size * _average(each.scores) for each in known) / weighed
    squares = {index: _squares(each.scores) for index, each in enumerate(known) if len(each.scores) > 1}
    free = sum(len(known[index].scores) - 1 for index in squares)
    pooled = sum(squares.values()) / free if free else None
    variance, degrees = 0.0, 0
    for index, each in enumerate(known):
        count = len(each.scores)
        if count == each.size:
            continue
        spread = squares[index] / (count - 1) if count > 1 else pooled
        if spread is None:
            return Estimate(value, None, None, n, size, level, covered=covered)
        variance += (each.size / weighed) ** 2 * (1.0 - count / each.size) * spread / count
        degrees += count - 1
    if all(len(each.scores) == each.size for each in known):
        return Estimate(value, value, value, n, size, level, covered=covered)
    if variance <= 0.0:
        return Estimate(value, None, None, n, size, level, covered=covered)
    half = t_quantile(0.5 + level / 2.0, degrees or free) * math.sqrt(variance)
    low, high = max(least, value - half), min(most, value + half)
    return Estimate(value, min(low, value), max(high, value), n, size, level, degrees or free, covered=covered)


def rate(strata: Sequence[Sampled], level: float = 0.95) -> Estimate:
    """The frame's rate of something that a score of 1 means and 0 its absence, such as a fatal error.

    Raises QualityError when a stratum has more scores than calls.
    """
    known, n, size, covered = _known(strata)
    if not known:
        return Estimate(None, None, None, 0, size, level, covered=0.0)
    weighed = sum(each.size for each in known)
    value = min(1.0, sum(each.size * _average(each.scores) for each in known) / weighed)
    spread = sum((each.size / weighed) ** 2 * (1.0 - len(each.scores) / each.size) / len(each.scores) for each in known)
    if spread == 0.0:
        return Estimate(value, value, value, n, size, level, covered=covered)
    low, high = wilson(value, 1.0 / spread, level)
    return Estimate(value, low, high, n, size, level, effective=1.0 / spread, covered=covered)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one agent stands among others. A rank is known only when no interval of another overlaps this one."""

    agent: str
    estimate: Estimate
    best: int
    """The best rank that the intervals allow, from 1."""
    worst: int

    @property
    def rank(self) -> int | None:
        """The rank, or None where intervals overlap."""
        return self.best if self.best == self.worst else None


def compare(estimates: Mapping[str, Estimate]) -> list[Standing]:
    """The agents by work number, each with the ranks that its interval allows: never a list from best to worst.

    An agent without an interval may have any rank.
    """

    def above(one: Estimate, other: Estimate) -> bool:
        return one.low is not None and other.high is not None and one.low > other.high

    return [
        Standing(
            agent,
            own,
            best=1 + sum(above(other, own) for other in estimates.values()),
            worst=len(estimates) - sum(above(own, other) for other in estimates.values()),
        )
        for agent, own in sorted(estimates.items())
    ]


def _known(strata: Sequence[Sampled]) -> tuple[list[Sampled], int, int, float]:
    for each in strata:
        if len(each.scores) > each.size:
            raise QualityError(f"a stratum of {each.size} calls cannot have {len(each.scores)} scores")
    known = [each for each in strata if each.scores]
    size = sum(each.size for each in strata)
    covered = sum(each.size for each in known) / size if size else 0.0
    return known, sum(len(each.scores) for each in known), size, covered


def _average(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _squares(values: Sequence[float]) -> float:
    """The sum of squared deviations."""
    middle = _average(values)
    return math.fsum((each - middle) ** 2 for each in values)
