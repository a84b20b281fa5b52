"""Outbound lists: whom the hotline calls for a purpose, with a consent that can be proved, in a window, until an end.

Each line becomes a promise of callback mode when it is its turn; what comes of the promise comes of the line. Changed
only by events and by what the server says of promises, in the order of the log.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

DAY = 86_400.0
PROOF_KEPT = 30 * DAY
"""Seconds after a list's end for which the proof of consent is kept, at least."""
REMEMBER = PROOF_KEPT + DAY
BEHIND = -1_000_000
"""The priority of a list that stands behind all live callers and promises."""
MOST_LINES = 10_000
_RECORDING = re.compile(r"recording ([0-9]{1,15}) at [0-9]+(\.[0-9]+)?", re.IGNORECASE)
_KEY = re.compile(r"call ([0-9]{1,15}) key [0-9*#]{1,10}", re.IGNORECASE)


class ListState(StrEnum):
    """The state of a list."""

    RUNNING = "running"
    PAUSED = "paused"
    ENDED = "ended"


class LineState(StrEnum):
    """The state of one line."""

    WAITING = "waiting"
    CALLING = "calling"
    """A promise is made for it."""
    REACHED = "reached"
    NOT_REACHED = "not_reached"
    STOPPED = "stopped"
    """A person or the customer ended it."""
    REFUSED = "refused"
    """It may not be called: do not call, no number of an allowed kind."""


class LineSignal(StrEnum):
    """What changes the state of a line."""

    ASKED = "its turn has come"
    KEPT = "an agent spoke with the customer"
    GIVEN_UP = "not reached in all attempts, or in time"
    CANCELLED = "the promise is cancelled"
    PUT_BACK = "the list is paused"
    REFUSED = "it may not be called"


TRANSITIONS: dict[tuple[LineState, LineSignal], LineState] = {
    (LineState.WAITING, LineSignal.ASKED): LineState.CALLING,
    (LineState.WAITING, LineSignal.REFUSED): LineState.REFUSED,
    (LineState.CALLING, LineSignal.KEPT): LineState.REACHED,
    (LineState.CALLING, LineSignal.GIVEN_UP): LineState.NOT_REACHED,
    (LineState.CALLING, LineSignal.CANCELLED): LineState.STOPPED,
    (LineState.CALLING, LineSignal.PUT_BACK): LineState.WAITING,
}
"""The whole state machine; `docs/outbound.md` is drawn from it."""

SIGNALS = {
    "kept": LineSignal.KEPT,
    "broken": LineSignal.GIVEN_UP,
    "expired": LineSignal.GIVEN_UP,
    "cancelled": LineSignal.CANCELLED,
}
"""What the state of a promise, by its name, says of its line."""


MADE = "pending"
"""The state of a promise that was just made."""


@dataclass(frozen=True, slots=True)
class ListRules:
    """A list's rules. Instants are UTC epoch seconds, durations seconds, `window` is "09:00-18:00".

    `consent` says what the customers agreed to, `proof` where that can be seen for all lines; a line may have its own.
    `delays`: (outcome of an attempt, seconds until the next) where they differ from the queue's.
    """

    name: str
    purpose: str
    queue: str
    owner: str
    consent: str
    until: float
    proof: str = ""
    category: str = ""
    since: float = 0.0
    window: str = ""
    attempts: int = 3
    delays: tuple[tuple[str, float], ...] = ()
    priority: int = BEHIND
    yields: bool = False
    """Whether a call that rings already is called off for a caller who waits."""


@dataclass(frozen=True, slots=True)
class Line:
    """One customer to be called. `number` is in the form that is dialled, `proof` as `proof_of` reads it."""

    line: int
    number: str
    name: str = ""
    ref: str = ""
    note: str = ""
    proof: str = ""


@dataclass(slots=True)
class Called:
    """A line and what came of it."""

    line: Line
    state: LineState = LineState.WAITING
    promise: int = 0
    attempts: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    """How often each outcome of an attempt came."""
    why: str = ""
    at: float = 0.0
    """The instant of the last change."""


@dataclass(slots=True)
class OutboundList:
    """One list."""

    id: int
    rules: ListRules
    at: float
    by: str = ""
    state: ListState = ListState.RUNNING
    over_at: float | None = None
    lines: dict[int, Called] = field(default_factory=dict)
    waiting: dict[int, None] = field(default_factory=dict)
    """Lines that wait for their turn, in order."""

    def state_at(self, now: float) -> ListState:
        """The state at this instant: past its end a list is ended without anybody's doing."""
        return ListState.ENDED if self.rules.until <= now else self.state

    def counts(self) -> dict[str, int]:
        """How many lines are in each state."""
        found = dict.fromkeys((each.value for each in LineState), 0)
        for each in self.lines.values():
            found[each.state.value] += 1
        return found


def entry_of(list_: int, line: int) -> str:
    """What a promise keeps of the line that it is for."""
    return f"{list_}/{line}"


def proof_of(text: str) -> tuple[str, int]:
    """(recording, call or other; its number or 0) of a proof: `recording 45 at 12.5`, `call 123 key 1`, or any text."""
    if (found := _RECORDING.fullmatch(text.strip())) is not None:
        return "recording", int(found[1])
    if (found := _KEY.fullmatch(text.strip())) is not None:
        return "call", int(found[1])
    return "other", 0


class ListRegister:
    """All lists that run, are paused, or ended less than 31 days ago."""

    def __init__(self) -> None:
        self._lists: dict[int, OutboundList] = {}
        self._by_promise: dict[int, tuple[int, int]] = {}
        self.last = 0
        self.changes = 0
        """How often the register has changed."""

    # Questions

    def __iter__(self) -> Iterator[OutboundList]:
        return iter(self._lists.values())

    def get(self, number: int) -> OutboundList | None:
        """The list of this number."""
        return self._lists.get(number)

    def of_entry(self, entry: str) -> tuple[OutboundList, Called] | None:
        """The list and the line of a promise's entry."""
        number, _, line = entry.partition("/")
        found = self._lists.get(int(number)) if number.isdecimal() and line.isdecimal() else None
        called = found.lines.get(int(line)) if found is not None else None
        return (found, called) if found is not None and called is not None else None

    def next_of(self, list_: OutboundList) -> Called | None:
        """The line whose turn it is."""
        line = next(iter(list_.waiting), None)
        return list_.lines[line] if line is not None else None

    def recordings_held(self, now: float) -> frozenset[int]:
        """Recordings that prove a consent and must be kept."""
        return self._held("recording", now)

    def calls_held(self, now: float) -> frozenset[int]:
        """Calls whose keys prove a consent and must be kept."""
        return self._held("call", now)

    def _held(self, kind: str, now: float) -> frozenset[int]:
        held = set()
        for each in self._lists.values():
            over = min(each.over_at or each.rules.until, each.rules.until)
            if over + PROOF_KEPT > now:
                proofs = (each.rules.proof, *(called.line.proof for called in each.lines.values()))
                held |= {number for found, number in map(proof_of, proofs) if found == kind}
        return frozenset(held)

    # The log

    def created(self, number: int, rules: ListRules, by: str, at: float) -> None:
        """A list begins."""
        self._forget_old(at)
        self._lists[number] = OutboundList(number, rules, at, by)
        self.last = max(self.last, number)
        self.changes += 1

    def loaded(self, number: int, lines: tuple[Line, ...], at: float) -> None:
        """Lines are added."""
        if (found := self._lists.get(number)) is not None:
            for line in lines:
                found.lines[line.line] = Called(line, at=at)
                found.waiting[line.line] = None
            self.changes += 1

    def turned(self, number: int, state: ListState, at: float) -> None:
        """A list is paused, goes on, or ends; an ended one stays so."""
        found = self._lists.get(number)
        if found is not None and found.state is not ListState.ENDED:
            found.state = state
            found.over_at = at if state is ListState.ENDED else None
            self.changes += 1

    def refused(self, number: int, line: int, why: str, at: float) -> None:
        """A line is not called."""
        if (found := self._lists.get(number)) is not None and (called := found.lines.get(line)) is not None:
            self._signal(found, called, LineSignal.REFUSED, why, at)

    def attempted(self, promise: int, outcome: str, at: float) -> None:
        """An attempt ended so."""
        list_, line = self._by_promise.get(promise, (0, 0))
        if (found := self._lists.get(list_)) is not None:
            called = found.lines[line]
            called.outcomes[outcome] = called.outcomes.get(outcome, 0) + 1
            called.at = at
            self.changes += 1

    def promised(self, entry: str, promise: int, state: str, attempts: int, why: str, at: float) -> None:
        """The promise for a line is now in this state (by its name)."""
        found = self.of_entry(entry)
        if found is None:
            return
        list_, called = found
        if called.state is LineState.WAITING and state == MADE and promise != called.promise:
            called.promise = promise
            self._by_promise[promise] = (list_.id, called.line.line)
            self._signal(list_, called, LineSignal.ASKED, why, at)
        if called.promise != promise:
            return
        called.attempts, called.why, called.at = attempts, why, at
        signal = SIGNALS.get(state)
        if signal is LineSignal.CANCELLED and list_.state is ListState.PAUSED:
            signal = LineSignal.PUT_BACK
        if signal is not None:
            self._signal(list_, called, signal, why, at)
            self._by_promise.pop(promise, None)
        self.changes += 1

    def _signal(self, list_: OutboundList, called: Called, signal: LineSignal, why: str, at: float) -> None:
        after = TRANSITIONS.get((called.state, signal))
        if after is None:
            return
        called.state, called.why, called.at = after, why, at
        if after is LineState.WAITING:
            list_.waiting[called.line.line] = None
        else:
            list_.waiting.pop(called.line.line, None)
        self.changes += 1

    def _forget_old(self, now: float) -> None:
        for each in list(self._lists.values()):
            if min(each.over_at or each.rules.until, each.rules.until) + REMEMBER < now:
                del self._lists[each.id]
        self._by_promise = {promise: at for promise, at in self._by_promise.items() if at[0] in self._lists}

    # As JSON

    def snapshot(self) -> dict[str, Any]:
        """Everything, as JSON has it."""
        return {"lists": [asdict(each) for each in self._lists.values()], "last": self.last}

    @classmethod
    def restore(cls, data: dict[str, Any] | None) -> ListRegister:
        """The inverse of `snapshot`, from decoded JSON; None: a snapshot of before there were lists."""
        made = cls()
        if data is None:
            return made
        for row in data["lists"]:
            rules = ListRules(**row["rules"])
            rules = replace(rules, delays=tuple((outcome, seconds) for outcome, seconds in rules.delays))
            lines = {
                int(key): Called(**{**called, "line": Line(**called["line"]), "state": LineState(called["state"])})
                for key, called in row["lines"].items()
            }
            waiting = {int(line): None for line in row["waiting"]}
            state = ListState(row["state"])
            list_ = OutboundList(row["id"], rules, row["at"], row["by"], state, row["over_at"], lines, waiting)
            made._lists[list_.id] = list_
            for line, called in lines.items():
                if called.state is LineState.CALLING:
                    made._by_promise[called.promise] = (list_.id, line)
        made.last = data["last"]
        return made
