"""Played again, a log must lead to the same decisions: the first that differs is a fault, and this finds it.

With the same rules there is none. With other rules a log cannot be played word for word, since what happened after the
first different decision did not happen; so the day's calls and agents are played in virtual time instead, once with the
rules of that day and once with the others, and the two are compared call by call.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from acd.floor.engine import Floor
from acd.policy.definitions import Policy
from server.eventlog.derived_events import Decided
from server.eventlog.log import Entry
from server.hotline.state import HotlineState
from simulation.engine import Played, play
from simulation.fates import CallFate
from simulation.fit import fit, playable
from simulation.measures import Measured, measure
from simulation.recorded import Recorded, RecordedCall
from simulation.scenario import Scenario, ServiceLevel


@dataclass(frozen=True, slots=True)
class Difference:
    """A note of the log, and what was noted again in its place (None: nothing on either side). `at` is the log's
    instant, UTC epoch seconds; `cause` the id of the entry that both follow from."""

    at: float
    cause: str
    recorded: object | None
    again: object | None

    def __str__(self) -> str:
        if self.recorded is None:
            return f"the log has nothing of {_named(self.again)}"
        if self.again is None:
            return f"{_named(self.recorded)} does not come about again"
        if type(self.recorded) is not type(self.again):
            return f"the log has {_named(self.recorded)}, again it is {_named(self.again)}"
        parts = [f"{name} {was!r}, again {now!r}" for name, was, now in _unlike(self.recorded, self.again)]
        return f"{_named(self.recorded)}: {'; '.join(parts)}"


@dataclass(slots=True)
class Replayed:
    """What was played of the day, and the first difference, if any."""

    entries: int = 0
    notes: int = 0
    decisions: int = 0
    first: Difference | None = None


def replay(entries: Iterable[Entry], since: float, until: float, state: HotlineState | None = None) -> Replayed:
    """Play a log from its beginning, or from where `state` stands, and compare every note of [since, until) (UTC epoch
    seconds) with the one made again. Stops at the first difference."""
    state, result = state or HotlineState(), Replayed()
    made: dict[str, deque[object]] = {}
    when: dict[str, float] = {}
    for each in state.unwritten:
        made.setdefault(each.after, deque()).append(each.note)
        when[each.after] = each.at
    state.unwritten.clear()
    for entry in entries:
        if entry.at >= until:
            break
        counted = entry.at >= since
        result.entries += counted
        if not entry.after:
            state.play(entry)
            if state.unwritten:
                made[entry.id] = deque(each.note for each in state.unwritten)
                when[entry.id] = entry.at
                state.unwritten.clear()
            continue
        state.position = entry.id
        notes = made.get(entry.after)
        again = notes.popleft() if notes else None
        if not notes:
            made.pop(entry.after, None)
        if counted:
            result.notes += 1
            result.decisions += isinstance(entry.event, Decided)
            if again != entry.event:
                result.first = Difference(entry.at, entry.after, entry.event, again)
                return result
            skipped = next(iter(made), "")
            if skipped and since <= when[skipped] < entry.at and _order(skipped) < _order(entry.after):
                # Notes stand in the order of their causes: an older one that is still missing was never written.
                result.first = Difference(when[skipped], skipped, None, made[skipped][0])
                return result
    return result


def _order(entry: str) -> tuple[int, int]:
    milliseconds, _, sequence = entry.partition("-")
    return int(milliseconds), int(sequence or 0)


def _named(note: object) -> str:
    inner = note.decision if isinstance(note, Decided) else note
    kind = f"decision {inner.kind}" if isinstance(note, Decided) else type(inner).__name__  # type: ignore[attr-defined]
    about = [f"{key} {value}" for key in ("call", "agent", "offer") if (value := getattr(inner, key, None))]
    return f"{kind} ({', '.join(about)})" if about else kind


def _unlike(recorded: object, again: object) -> list[tuple[str, Any, Any]]:
    if isinstance(recorded, Decided) and isinstance(again, Decided):
        recorded, again = recorded.decision, again.decision
    if not is_dataclass(recorded) or not is_dataclass(again):
        return [("it was", recorded, again)]
    pairs = [(each.name, getattr(recorded, each.name), getattr(again, each.name)) for each in fields(recorded)]
    return [(name, was, now) for name, was, now in pairs if was != now]


# With other rules


@dataclass(frozen=True, slots=True)
class Changed:
    """One call that went another way. Waits are seconds."""

    call: int
    queue: str
    before: tuple[str, str, float]
    after: tuple[str, str, float]
    """Outcome, agent, wait."""


@dataclass(frozen=True)
class WhatIf:
    """A day three times: as recorded, played with its own rules, played with the others."""

    scenario: Scenario
    recorded: dict[str, Measured]
    before: dict[str, Measured]
    after: dict[str, Measured]
    changed: list[Changed]
    taken: dict[str, tuple[int, int]]
    """Agent → calls taken before and after."""
    reloads: int
    """How often the rules were changed on that day; it is played with the first."""


def what_if(day: Recorded, rules: Policy, level: ServiceLevel | None = None, seed: int = 1) -> WhatIf:
    """What other rules would have changed on a recorded day. Raises NothingRecorded."""
    scenario = fit(day, "", level)
    again = playable(day, seed)
    before = play(again, Floor(), scenario.policy)
    after = play(again, Floor(), rules)
    return WhatIf(
        scenario=scenario,
        recorded=measure(scenario, _as_it_was(day, before)),
        before=measure(scenario, before),
        after=measure(scenario, after),
        changed=[
            Changed(was.arrival.queued.call, was.arrival.queued.queue, _fate(was), _fate(now))
            for was, now in zip(before.fates, after.fates, strict=True)
            if (was.outcome, was.agent) != (now.outcome, now.agent) or abs(was.waited - now.waited) > 0.5
        ],
        taken=_taken(before, after),
        reloads=max(0, len(day.policies) - 1),
    )


def _as_it_was(day: Recorded, like: Played) -> Played:
    """The recorded fates, over the same agents and times as the played ones."""
    fates, busy = [], dict.fromkeys(like.busy, 0.0)
    for fate in like.fates:
        call: RecordedCall = day.calls[fate.arrival.queued.call]
        handling = (call.talk or 0.0) + (call.wrap_up or 0.0)
        fates.append(CallFate(fate.arrival, call.outcome, call.waited, call.agent, call.queued.queue, handling))
        if call.agent:
            busy[call.agent] = busy.get(call.agent, 0.0) + handling
    return Played(like.day, fates, busy, like.staffed, like.skills)


def _fate(fate: CallFate) -> tuple[str, str, float]:
    return fate.outcome, fate.agent, fate.waited


def _taken(before: Played, after: Played) -> dict[str, tuple[int, int]]:
    agents = sorted({*before.staffed, *after.staffed})

    def count(played: Played, agent: str) -> int:
        return sum(fate.agent == agent and fate.outcome == "handled" for fate in played.fates)

    return {agent: (count(before, agent), count(after, agent)) for agent in agents}
