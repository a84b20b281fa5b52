"""A draw is a calculation: the same frame, plan and seed give the same calls in the same order, to anybody, for ever.

**Strata.** Each agent's calls are parted into risky and ordinary ones, then by the plan's keys. A part is a stratum of
its own only where its share of the quota, rounded, is two calls or more: of one call no spread is known. The smallest
part is merged with the next smallest until that holds; the sizes of the parts decide, never a score.

**Allocation.** In proportion to size by the largest remainder, from two calls a stratum up (or all it has), and from
`risk_least` up for the risky ones. A quota that covers all of an agent's calls takes all.

**Order.** By SHA-256 of `seed|call`; the first n of each stratum are drawn.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from quality.errors import QualityError
from quality.periods import Period
from quality.plans import Frame, FrameCall, Key, Plan

N = TypeVar("N", bound=tuple[str, ...])
_LEAST = 2
"""Calls of which a spread can be computed."""


@dataclass(frozen=True, slots=True)
class Stratum:
    """One stratum of a job: calls of one agent. `size` is N_h, how many there are; `drawn` n_h, how many were drawn.

    Several categories or lengths: they were merged. No name: the plan does not part by it, or the quota is too small.
    `risk` is None where risky and ordinary calls are together.
    """

    agent: str
    categories: tuple[str, ...]
    lengths: tuple[str, ...]
    risk: bool | None
    size: int
    drawn: int


@dataclass(frozen=True, slots=True)
class Drawn:
    """One drawn call, and the place of its stratum in the job, from 0."""

    call: int
    stratum: int


@dataclass(frozen=True, slots=True)
class Job:
    """A sample that was drawn, with all that is needed to draw it again beside its frame."""

    job: int
    plan: Plan
    period: str
    frame: str
    """SHA-256 of the frame, in hex."""
    earlier: int
    """Calls of the period that earlier jobs had drawn, and which the frame therefore leaves out."""
    strata: tuple[Stratum, ...]
    calls: tuple[Drawn, ...]
    """In the order of drawing over all strata: who stops listening half-way has heard a random half."""


def draw(job: int, plan: Plan, period: Period, frame: Frame, earlier: Collection[int] = ()) -> tuple[Job, Frame]:
    """Draw by the plan. `earlier` are the calls that other jobs of the period drew; picked calls are not among them.

    Gives the job and the frame it was drawn of, without `earlier`, to be stored beside it. Raises QualityError when
    the period is not one of the plan's.
    """
    if period.kind is not plan.period:
        raise QualityError(f"plan {plan.name} is drawn by the {plan.period}, and {period.name} is a {period.kind}")
    left = frame.without(frozenset(earlier))
    parts = stratify(plan, left)
    strata = tuple(stratum for stratum, _ in parts)
    drawn = select(plan.seed, parts)
    return Job(job, plan, period.name, left.digest, len(frame) - len(left), strata, drawn), left


def redraw(job: Job, frame: Frame) -> Job:
    """Draw a stored job again, of its own strata: a later rule for making strata does not change an earlier job.

    Raises QualityError when the frame is not the job's, or the calls are not those that strata and seed give.
    """
    if frame.digest != job.frame:
        raise QualityError(
            f"job {job.job} was drawn of another frame: SHA-256 {job.frame[:12]}…, not {frame.digest[:12]}…"
        )
    parts = _as_stored(job, frame)
    if parts is None or select(job.plan.seed, parts) != job.calls:
        raise QualityError(f"job {job.job}: its stored calls are not those that its seed, strata and frame give")
    return job


def rank(seed: str, call: int) -> bytes:
    """The place of a call in the order of drawing: SHA-256 of `seed|call`; the lowest is drawn first."""
    return hashlib.sha256(f"{seed}|{call}".encode()).digest()


def stratify(plan: Plan, frame: Frame) -> list[tuple[Stratum, tuple[int, ...]]]:
    """The strata of a frame, each with the calls in it: by agent, risk, categories, lengths. Disjoint; together all."""
    of_agent: dict[str, list[FrameCall]] = {}
    for each in frame.calls:
        of_agent.setdefault(each.agent, []).append(each)
    found: list[tuple[Stratum, tuple[int, ...]]] = []
    for agent in sorted(of_agent):
        calls = of_agent[agent]
        quota = min(plan.per_agent, len(calls))
        for risk, pool, n in _by_risk(calls, quota, plan.risk_least):
            for names, part, drawn in _by_keys(pool, n, plan.keys):
                categories, lengths = names.get(Key.CATEGORY, ()), names.get(Key.LENGTH, ())
                stratum = Stratum(agent, categories, lengths, risk, len(part), drawn)
                found.append((stratum, tuple(each.call for each in part)))
    return found


def select(seed: str, parts: Sequence[tuple[Stratum, Iterable[int]]]) -> tuple[Drawn, ...]:
    """The first n_h calls of each stratum, in the order of drawing over all of them."""
    chosen: list[tuple[bytes, int, int]] = []
    for place, (stratum, calls) in enumerate(parts):
        ranked = sorted((rank(seed, call), call) for call in calls)
        chosen += [(hashed, call, place) for hashed, call in ranked[: stratum.drawn]]
    return tuple(Drawn(call, place) for _, call, place in sorted(chosen))


def allocate(total: int, sizes: Mapping[N, int], least: Mapping[N, int]) -> dict[N, int]:
    """`total` calls over strata of these sizes: proportional by largest remainder, from `least` (or all it has) up.

    Ties go to the lesser name. Gives `total` in all; raises QualityError when the least together are more than that,
    or the sizes less.
    """
    given = {name: min(least.get(name, 0), size) for name, size in sizes.items()}
    rest, everything = total - sum(given.values()), sum(sizes.values())
    if rest < 0 or total > everything:
        raise QualityError(f"{total} calls cannot be allocated: {sum(given.values())} to {everything} can")
    for _ in range(rest):
        # `total * size / everything` is the share: the one that lacks most of its share has the next call.
        short = [(given[name] * everything - total * size, name) for name, size in sizes.items() if given[name] < size]
        given[min(short)[1]] += 1
    return given


def _as_stored(job: Job, frame: Frame) -> list[tuple[Stratum, list[int]]] | None:
    """The frame's calls in the job's strata; None if one is in none or in several, or a size is another."""
    of_agent: dict[str, list[int]] = {}
    for place, stratum in enumerate(job.strata):
        of_agent.setdefault(stratum.agent, []).append(place)
    parts: list[tuple[Stratum, list[int]]] = [(stratum, []) for stratum in job.strata]
    for each in frame.calls:
        places = [place for place in of_agent.get(each.agent, ()) if _is_in(each, job.strata[place])]
        if len(places) != 1:
            return None
        parts[places[0]][1].append(each.call)
    return parts if all(stratum.size == len(calls) for stratum, calls in parts) else None


def _is_in(call: FrameCall, stratum: Stratum) -> bool:
    return (
        stratum.risk in (None, bool(call.risks))
        and (not stratum.categories or call.category in stratum.categories)
        and (not stratum.lengths or call.length in stratum.lengths)
    )


def _by_risk(calls: list[FrameCall], quota: int, risk_least: int) -> list[tuple[bool | None, list[FrameCall], int]]:
    """Risky and ordinary calls with the quota of each; together where the quota is too small to part them."""
    pools = {True: [each for each in calls if each.risks], False: [each for each in calls if not each.risks]}
    sizes = {(str(int(risk)),): len(pool) for risk, pool in pools.items() if pool}
    least = {name: min(_LEAST, size) for name, size in sizes.items()}
    if sum(least.values()) > quota:
        return [(None, calls, quota)]
    risky, ordinary = ("1",), ("0",)
    if risky in sizes:
        room = quota - least.get(ordinary, 0)
        least[risky] = max(least[risky], min(risk_least, sizes[risky], room))
    given = allocate(quota, sizes, least)
    return [(name == risky, pools[name == risky], given[name]) for name in sorted(sizes)]


def _by_keys(
    calls: list[FrameCall], n: int, keys: Sequence[Key]
) -> list[tuple[dict[Key, tuple[str, ...]], list[FrameCall], int]]:
    """These calls parted by the keys in turn, each part with its names, its calls and how many of them are drawn."""
    if not keys:
        return [({}, calls, n)]
    key, *others = keys
    of_name: dict[str, list[FrameCall]] = {}
    for each in calls:
        of_name.setdefault(each.category if key is Key.CATEGORY else each.length, []).append(each)
    groups = _merged({(name,): len(part) for name, part in of_name.items()}, n)
    given = allocate(n, groups, dict.fromkeys(groups, _LEAST) if len(groups) > 1 else {})
    found = []
    for group in sorted(groups):
        part = [each for name in group for each in of_name[name]]
        for names, inner, drawn in _by_keys(part, given[group], others):
            found.append(({key: group, **names}, inner, drawn))
    return found


def _merged(sizes: dict[tuple[str, ...], int], n: int) -> dict[tuple[str, ...], int]:
    """The parts, merged until each one's share of n calls, rounded, is two, or until one is left."""
    everything = sum(sizes.values())
    groups = dict(sizes)
    while n < everything and len(groups) > 1:
        smallest, second = sorted(groups, key=lambda name: (groups[name], name))[:2]
        if 2 * n * groups[smallest] >= 3 * everything and _LEAST * len(groups) <= n:
            break
        groups[tuple(sorted(smallest + second))] = groups.pop(smallest) + groups.pop(second)
    return groups
