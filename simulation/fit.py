"""From a recorded day to a day that can be played again, and to a scenario from which many like it can be drawn.

What was seen is kept: when calls came, how long each talked, how long the phones rang. What the day cannot tell is
drawn from what it tells: how patient those were who were answered, how long those would have talked who were not.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from math import inf, isfinite

import numpy as np

from acd import events as ev
from acd.policy.definitions import Policy, Requirement, Skill
from simulation.day import Arrival, Day
from simulation.distributions import AT_ONCE, Distribution, constant, observed
from simulation.patience import kaplan_meier, longer_than
from simulation.recorded import Recorded, RecordedCall
from simulation.scenario import CallStream, Group, Phones, Scenario, ServiceLevel

HALF_HOUR = 1800.0
KEPT = 400
"""How many observed values of one kind a scenario keeps; more are thinned to as many quantiles."""
SHORTEST_BREAK = 300.0
"""Seconds; a shorter absence does not end a shift."""

Stream = tuple[str, tuple[Skill, ...]]


class NothingRecorded(ValueError):
    """The day has no calls; the text says so."""


def playable(day: Recorded, seed: int) -> Day:
    """The recorded day, with what it cannot tell drawn once."""
    rng = np.random.default_rng(seed)
    scenario = fit(day, "")
    streams = {_stream_of(each): each for each in scenario.calls}
    rings = scenario.phones.answered_after
    arrivals = []
    for call in day.calls.values():
        stream = streams[call.queued.queue, call.queued.requirement.required]
        rang = [seconds if answered else inf for seconds, answered in call.rungs]
        more = np.where(rng.random(3) < scenario.phones.unanswered, inf, rings.draw(rng, 3)).tolist()
        talk, wrap_up = float(stream.talk.draw(rng, 1)[0]), float(stream.wrap_up.draw(rng, 1)[0])
        arrivals.append(
            Arrival(
                at=call.at,
                queued=call.queued,
                patience=call.waited if call.outcome == "abandoned" else longer_than(stream.patience, call.waited, rng),
                talk=talk if call.talk is None else call.talk,
                wrap_up=wrap_up if call.wrap_up is None else call.wrap_up,
                rings=(*rang, *more),
                takes_callback=call.outcome == "callback",
            )
        )
    return Day(day.start, day.end, tuple(sorted(arrivals, key=lambda each: each.at)), tuple(day.staff))


def fit(day: Recorded, name: str, service_level: ServiceLevel | None = None) -> Scenario:
    """A scenario of the day's rates, categories, durations, patience, agents and shifts. Raises NothingRecorded."""
    if not day.calls:
        raise NothingRecorded("no call waited on that day: there is nothing to play")
    start = min(call.at for call in day.calls.values()) // HALF_HOUR * HALF_HOUR
    last = max(call.at for call in day.calls.values())
    end = min(day.end, (last // HALF_HOUR + 1) * HALF_HOUR)
    by_stream: dict[Stream, list[RecordedCall]] = defaultdict(list)
    for call in day.calls.values():
        by_stream[call.queued.queue, call.queued.requirement.required].append(call)
    everything = list(day.calls.values())
    rungs = [rung for call in everything for rung in call.rungs]
    policy = day.policies[0] if day.policies else Policy()
    streams = []
    for number, ((queue, required), calls) in enumerate(sorted(by_stream.items(), key=str), 1):
        streams.append(_fit_stream(f"{queue}-{number}", queue, required, calls, everything, (start, end)))
    ring = _seen([seconds for seconds, answered in rungs if answered])
    unanswered = sum(not answered for _, answered in rungs) / len(rungs) if rungs else 0.0
    return Scenario(
        name=name,
        policy=policy,
        start=start,
        end=end,
        calls=tuple(streams),
        groups=tuple(_groups(day, start, end)),
        interval=HALF_HOUR,
        service_level=service_level or ServiceLevel(),
        phones=Phones(ring or constant(3.0), unanswered),
    )


def _stream_of(calls: CallStream) -> Stream:
    return calls.queue, calls.requirement.required


def _fit_stream(
    name: str,
    queue: str,
    required: tuple[Skill, ...],
    calls: Sequence[RecordedCall],
    everything: Sequence[RecordedCall],
    hours: tuple[float, float],
) -> CallStream:
    start, end = hours
    slots = Counter(int((call.at - start) // HALF_HOUR) for call in calls)
    categories = Counter(call.queued.category for call in calls if call.queued.category)
    offered_callback = [call for call in calls if call.outcome == "callback"]
    talk = _seen([call.talk for call in calls if call.talk is not None])
    return CallStream(
        name=name,
        queue=queue,
        per_hour=tuple(slots[index] * 3600.0 / HALF_HOUR for index in range(int((end - start) // HALF_HOUR))),
        requirement=Requirement(required),
        talk=talk or _seen([call.talk for call in everything if call.talk is not None]) or constant(180.0),
        wrap_up=_seen([call.wrap_up for call in calls if call.wrap_up is not None]) or AT_ONCE,
        patience=_patience(calls),
        categories=tuple((name, count / len(calls)) for name, count in sorted(categories.items())),
        vip=sum(call.queued.vip for call in calls) / len(calls),
        takes_callback=len(offered_callback) / len(calls),
    )


def _patience(calls: Sequence[RecordedCall]) -> Distribution:
    gave_up = [call.waited for call in calls if call.outcome == "abandoned"]
    return kaplan_meier(gave_up, [call.waited for call in calls if call.outcome != "abandoned"])


def _seen(values: Sequence[float]) -> Distribution | None:
    if not values:
        return None
    kept = np.quantile(values, np.linspace(0, 1, KEPT)).tolist() if len(values) > KEPT else sorted(values)
    return observed(tuple(round(value, 2) for value in kept))


def _groups(day: Recorded, start: float, end: float) -> list[Group]:
    """Agents with the same skills and shifts (to the half hour) together."""
    skills: dict[str, tuple[Skill, ...]] = {}
    since: dict[str, float] = {}
    shifts: dict[str, list[tuple[float, float]]] = defaultdict(list)

    def ends(agent: str, at: float) -> None:
        if agent in since:
            shifts[agent].append((since.pop(agent), at))

    for at, event in day.staff:
        if isinstance(event, ev.AgentDefined):
            skills[event.agent] = event.skills
        elif isinstance(event, ev.AgentRemoved):
            ends(event.agent, at)
        elif isinstance(event, ev.StatusSet) and event.status is ev.Status.AVAILABLE:
            since.setdefault(event.agent, at)
        elif isinstance(event, ev.StatusSet):
            ends(event.agent, at)
    for agent in list(since):
        ends(agent, day.end)
    alike: Counter[tuple[tuple[Skill, ...], tuple[tuple[float, float], ...]]] = Counter()
    for agent, spans in shifts.items():
        rounded = _rounded(spans, start, end)
        if rounded and skills.get(agent):
            alike[skills[agent], rounded] += 1
    ordered = sorted(alike.items(), key=str)
    return [Group(f"group-{number}", count, *key) for number, (key, count) in enumerate(ordered, 1)]


def _rounded(spans: Sequence[tuple[float, float]], start: float, end: float) -> tuple[tuple[float, float], ...]:
    merged: list[tuple[float, float]] = []
    for first, last in sorted(spans):
        if merged and first - merged[-1][1] < SHORTEST_BREAK:
            first, last = merged.pop()[0], last
        merged.append((first, last))
    found: list[tuple[float, float]] = []
    for first, last in merged:
        since = min(max(round(first / HALF_HOUR) * HALF_HOUR, start), end)
        until = min(max(round(last / HALF_HOUR) * HALF_HOUR, start), end)
        if found and since <= found[-1][1]:
            since = found.pop()[0]
        if until > since:
            found.append((since, until))
    return tuple(found)


def as_toml(scenario: Scenario, rules: str) -> str:
    """The scenario as a file that `simulate` reads again; its rules are those of the file `rules`."""
    lines = [
        f'name = "{scenario.name}"',
        f'rules = "{rules}"' if rules else "# rules: those of the hotline's defaults",
        f'start = "{_clock(scenario.start)}"',
        f'end = "{_clock(scenario.end)}"',
        f"interval = {scenario.interval / 60:g}",
        f"phones = {{ answered_after = {_shown(scenario.phones.answered_after)},"
        f" unanswered = {scenario.phones.unanswered:.4g} }}",
    ]
    for calls in scenario.calls:
        lines += [
            "",
            f'[calls."{calls.name}"]',
            f'queue = "{calls.queue}"',
            f"per_hour = [{', '.join(f'{rate:g}' for rate in calls.per_hour)}]",
            f"required = {_levels(calls.requirement.required)}",
            f"talk = {_shown(calls.talk)}",
            f"wrap_up = {_shown(calls.wrap_up)}",
            f"vip = {calls.vip:.4g}",
            f"takes_callback = {calls.takes_callback:.4g}",
        ]
        if calls.patience.values:
            lines.append(f"patience = {_shown(calls.patience)}")
        if calls.categories:
            shares = ", ".join(f'"{name}" = {share:.6f}' for name, share in calls.categories)
            lines.append(f"categories = {{ {shares} }}")
    for group in scenario.groups:
        shifts = ", ".join(f'"{_clock(since)}-{_clock(until)}"' for since, until in group.shifts)
        lines += [
            "",
            f'[agents."{group.name}"]',
            f"count = {group.count}",
            f"skills = {_levels(group.skills)}",
            f"shifts = [{shifts}]",
        ]
    return "\n".join(lines) + "\n"


def _shown(duration: Distribution) -> str:
    if not duration.values:
        return f"{duration.mean:g}" if duration.cv == 0 else f"{{ mean = {duration.mean:g}, cv = {duration.cv:g} }}"
    values = ", ".join(f"{value:g}" if isfinite(value) else "inf" for value in duration.values)
    if not duration.weights:
        return f"{{ values = [{values}] }}"
    return f"{{ values = [{values}], weights = [{', '.join(f'{weight:.6g}' for weight in duration.weights)}] }}"


def _levels(skills: Sequence[Skill]) -> str:
    return "{ " + ", ".join(f'"{skill.name}" = {skill.level}' for skill in skills) + " }" if skills else "{}"


def _clock(at: float) -> str:
    return f"{int(at // 3600):02}:{int(at % 3600 // 60):02}"
