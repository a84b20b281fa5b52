"""A day as the log has it: the calls and when they came, what became of each, and the agents who were there.

Instants are put on the clock of the day: seconds from its midnight in the hotline's zone. Calls of the hotline's own
making are left out: nobody called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from acd import events as ev
from acd.callbacks.events import CallPlaced
from acd.policy.definitions import Policy
from server.eventlog.derived_events import AgentNoted, Decided
from server.eventlog.log import Entry

Rung = tuple[float, bool]
"""Seconds that a phone rang, and whether it was answered."""


@dataclass(slots=True)
class RecordedCall:
    """One call that waited. `outcome` is handled, abandoned, callback, message, goodbye or waiting."""

    at: float
    queued: ev.CallQueued
    outcome: str = "waiting"
    waited: float = 0.0
    agent: str = ""
    talk: float | None = None
    wrap_up: float | None = None
    rungs: list[Rung] = field(default_factory=list)


@dataclass
class Recorded:
    """`staff` begins with how things stood at midnight. `policies` are the rules in force, the first being those of
    the day's beginning."""

    start: float
    end: float
    calls: dict[int, RecordedCall] = field(default_factory=dict)
    staff: list[tuple[float, ev.Event]] = field(default_factory=list)
    policies: list[Policy] = field(default_factory=list)


def record(entries: Iterable[Entry], since: float, until: float) -> Recorded:
    """The day [since, until) (UTC epoch seconds) of a log that is told from its beginning."""
    recorder = _Recorder(since, until)
    for entry in entries:
        if entry.at >= until:
            break
        recorder.hear(entry)
    return recorder.finish()


class _Recorder:
    def __init__(self, since: float, until: float) -> None:
        self.since, self.until = since, until
        self.day = Recorded(0.0, until - since)
        self.defined: dict[str, ev.AgentDefined] = {}
        self.status: dict[str, ev.StatusSet] = {}
        self.phones: dict[str, ev.PhoneSeen] = {}
        self.before: Policy | None = None
        self.offers: dict[int, tuple[int, str, float]] = {}
        self.answered: dict[int, float] = {}
        self.placed: set[int] = set()
        self.writing: dict[str, tuple[int, float]] = {}
        self.handlers: dict[type, Callable[[Any, float], None]] = {
            CallPlaced: self._placed,
            ev.CallQueued: self._queued,
            ev.OfferAnswered: self._offer_answered,
            ev.OfferFailed: self._offer_failed,
            ev.ConversationEnded: self._conversation_ended,
            ev.CallLeftQueue: self._left,
            ev.CallEnded: self._ended,
            Decided: self._decided,
            AgentNoted: self._noted,
        }

    def hear(self, entry: Entry) -> None:
        event, at = entry.event, entry.at - self.since
        if isinstance(event, (ev.AgentDefined, ev.AgentRemoved, ev.StatusSet, ev.PhoneSeen)):
            self._staff(event, at)
        elif isinstance(event, ev.PolicySet):
            if at < 0:
                self.before = event.policy
            else:
                self.day.policies.append(event.policy)
        elif (handler := self.handlers.get(type(event))) is not None:
            handler(event, at)

    def finish(self) -> Recorded:
        standing: list[ev.Event] = []
        for agent, defined in self.defined.items():
            standing.append(defined)
            standing += [each[agent] for each in (self.phones, self.status) if agent in each]
        self.day.staff[:0] = [(0.0, event) for event in standing]
        if self.before is not None:
            self.day.policies.insert(0, self.before)
        return self.day

    def _staff(self, event: Any, at: float) -> None:
        if at >= 0:
            self.day.staff.append((at, event))
        elif isinstance(event, ev.AgentDefined):
            self.defined[event.agent] = event
        elif isinstance(event, ev.AgentRemoved):
            for known in (self.defined, self.status, self.phones):
                known.pop(event.agent, None)
        elif isinstance(event, ev.StatusSet):
            self.status[event.agent] = event
        else:
            self.phones[event.agent] = event

    def _placed(self, event: CallPlaced, at: float) -> None:
        self.placed.add(event.call)

    def _queued(self, event: ev.CallQueued, at: float) -> None:
        if at >= 0 and event.call not in self.day.calls and event.call not in self.placed:
            queued = replace(event, queued_at=event.queued_at - self.since)
            self.day.calls[event.call] = RecordedCall(at, queued)

    def _decided(self, event: Decided, at: float) -> None:
        decision = event.decision
        if decision.offer:
            self.offers[decision.offer] = (decision.call, decision.agent, at)

    def _offer_answered(self, event: ev.OfferAnswered, at: float) -> None:
        call, agent, rang_at = self.offers.pop(event.offer, (0, "", at))
        found = self.day.calls.get(call)
        if found is not None and found.outcome == "waiting":
            found.rungs.append((at - rang_at, True))
            found.outcome, found.agent, found.waited = "handled", agent, at - found.at
            self.answered[call] = at

    def _offer_failed(self, event: ev.OfferFailed, at: float) -> None:
        call, _, rang_at = self.offers.pop(event.offer, (0, "", at))
        found = self.day.calls.get(call)
        if found is not None and event.outcome in (ev.Outcome.NO_ANSWER, ev.Outcome.DECLINED, ev.Outcome.BUSY):
            found.rungs.append((at - rang_at, False))

    def _conversation_ended(self, event: ev.ConversationEnded, at: float) -> None:
        found = self.day.calls.get(event.call)
        if found is not None and found.talk is None and event.call in self.answered:
            found.talk = at - self.answered.pop(event.call)
            self.writing[event.agent] = (event.call, at)

    def _noted(self, event: AgentNoted, at: float) -> None:
        if event.state != "wrap_up" and event.agent in self.writing:
            call, began = self.writing.pop(event.agent)
            self.day.calls[call].wrap_up = at - began

    def _left(self, event: ev.CallLeftQueue, at: float) -> None:
        self._waited_until(event.call, event.why if event.why in ("callback", "goodbye") else "message", at)

    def _ended(self, event: ev.CallEnded, at: float) -> None:
        self._waited_until(event.call, "abandoned" if event.cause == "caller_hung_up" else "waiting", at)

    def _waited_until(self, call: int, outcome: str, at: float) -> None:
        found = self.day.calls.get(call)
        if found is not None and found.outcome == "waiting":
            found.outcome, found.waited = outcome, at - found.at
