"""Callback mode turns on when a peak lasts and off when it is over, never back and forth; a forced mode comes first.

A queue in auto is *above* when a call waits and a new caller would wait longer than `on_above`, or more than `on_ratio`
calls wait for each agent, or no agent is there. It turns on after `hold` seconds above without a break. It is *below*
when it is not above, and the wait is below `off_below` or no call waits. It turns off after `dwell` seconds below
without a break.
A full list does not turn the mode off: it only stops the offers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import msgspec

from acd.callbacks.events import Mode, ModeSet
from acd.callbacks.policy import CallbackPolicy, CallbackRules, completed
from acd.callbacks.states import Ground, ModeView, Opinion, Pressure
from acd.timers import Timers

ALL = "all"
"""The scope of a choice for all queues, as it is shown."""
FULL_ENDS = 0.9
"""A full list is open again below this share of what the staff can do."""
_MODE = 0
_AT_REST = "callers are held"


class ChosenMode:
    """What a person chose for one scope, until when, and who and why."""

    __slots__ = ("due", "mode", "reason", "until", "who")

    SAVED: ClassVar[tuple[str, ...]] = ("until", "who", "reason", "due")

    def __init__(self) -> None:
        self.mode = Mode.AUTO
        self.until: float | None = None
        self.who = ""
        self.reason = ""
        self.due: float | None = None

    def take(self, event: ModeSet) -> None:
        """This was chosen."""
        self.mode, self.who, self.reason = event.mode, event.by, event.reason
        self.until = event.until if event.mode is not Mode.AUTO else None

    def like(self, other: ChosenMode) -> None:
        """The same choice as another."""
        self.mode, self.who, self.reason, self.until = other.mode, other.who, other.reason, other.until

    def is_over(self, now: float) -> bool:
        """Whether the choice ended by itself."""
        return self.until is not None and self.until <= now

    def end(self) -> None:
        """Back to auto."""
        self.mode, self.who, self.reason, self.until = Mode.AUTO, "", "", None


class QueueMode(ChosenMode):
    """The mode of one queue."""

    __slots__ = (
        "above_since",
        "active",
        "below_since",
        "full",
        "lingers",
        "pending",
        "pressure",
        "queue",
        "rule",
        "since",
    )

    SAVED: ClassVar[tuple[str, ...]] = (
        *ChosenMode.SAVED,
        "active",
        "since",
        "rule",
        "full",
        "above_since",
        "below_since",
        "lingers",
        "pending",
    )

    def __init__(self, queue: str, now: float) -> None:
        super().__init__()
        self.queue = queue
        self.active = False
        self.since = now
        self.rule = _AT_REST
        self.full = False
        self.above_since: float | None = None
        self.below_since: float | None = None
        self.lingers = False
        """Auto turned it on, so it ends after a dwell. A mode that was forced on ends at once."""
        self.pressure = Pressure(queue, 0, 0, 0.0, None)
        self.pending = 0
        """Live promises of this queue, as last observed."""

    def view(self) -> ModeView:
        """The mode as others see it."""
        rule = f"{self.rule}; the list is full: {self.pending} promised" if self.full else self.rule
        return ModeView(
            self.queue, self.mode, self.active, self.since, self.until, self.who, self.reason, rule, self.full
        )

    def turn(self, active: bool, rule: str, now: float) -> None:
        """Active or not from now on, by this rule."""
        if active is not self.active:
            self.active, self.since = active, now
        self.rule = rule


class Modes:
    """The modes of all queues. `changed` collects the scopes whose view changed since the last `take_changes`."""

    def __init__(self) -> None:
        self.policy = CallbackPolicy()
        self.all = ChosenMode()
        self.queues: dict[str, QueueMode] = {}
        self.timers = Timers()
        self.changed: dict[str, None] = {}
        self._active: list[str] = []
        self._full = False
        self._since = 0.0
        """Which queues are active, whether all of these are full, and since when any or none is."""

    # What happens

    def set_policy(self, policy: CallbackPolicy, now: float) -> None:
        """New rules take effect at once."""
        self.policy = policy
        for mode in self.queues.values():
            self._look(mode, now)
        self._sum_up(now)

    def choose(self, event: ModeSet, now: float) -> None:
        """A person chose a mode for one queue or for all. A choice that is over already means auto."""
        if event.scope in ("", ALL):
            self.all.take(event)
            if self.all.is_over(now):
                self.all.end()
            self.timers.arm(_MODE, "", self.all, self.all.until)
            for mode in self.queues.values():
                mode.like(self.all)
                self._obey(mode, now)
            self.changed[ALL] = None
        else:
            mode = self.of(event.scope, now)
            mode.take(event)
            if mode.is_over(now):
                mode.end()
            self._obey(mode, now)
        self._sum_up(now)

    def observe(self, pressures: Iterable[Pressure], pending: Mapping[str, int], now: float) -> None:
        """Take in how busy every queue is; a queue that is missing does not exist any more."""
        seen = set()
        for pressure in pressures:
            mode = self.queues.get(pressure.queue)
            if mode is None:
                mode = self.of(pressure.queue, now)
            seen.add(pressure.queue)
            promised = pending.get(pressure.queue, 0)
            if mode.pressure != pressure or mode.pending != promised:
                mode.pressure, mode.pending = pressure, promised
                self._look(mode, now)
        if len(seen) < len(self.queues):
            for name in [name for name in self.queues if name not in seen]:
                self.timers.arm(_MODE, name, self.queues.pop(name), None)
                self.changed.pop(name, None)
            self._sum_up(now)
        elif self.changed:
            self._sum_up(now)

    def let_time_pass(self, now: float) -> None:
        """Handle choices that are over, peaks that lasted and dwells that ended."""
        while (key := self.timers.pop(now)) is not None:
            name = str(key[1])
            if name:
                self._look(self.queues[name], now)
            elif self.all.is_over(now):
                self.all.end()
                self.changed[ALL] = None
        if self.changed:
            self._sum_up(now)

    def take_changes(self) -> list[ModeView]:
        """The views that changed, the one for all queues first."""
        names, self.changed = sorted(self.changed, key=lambda name: (name != ALL, name)), {}
        return [self.for_all() if name == ALL else self.queues[name].view() for name in names]

    # What can be seen

    def of(self, queue: str, now: float) -> QueueMode:
        """The mode of a queue; a new queue begins with the choice for all."""
        mode = self.queues.get(queue)
        if mode is None:
            mode = self.queues[queue] = QueueMode(queue, now)
            mode.like(self.all)
            if mode.mode is not Mode.AUTO:
                self._obey(mode, now)
        return mode

    def view(self, queue: str) -> ModeView:
        """One queue's mode; an unknown queue has the choice for all."""
        mode = self.queues.get(queue)
        if mode is not None:
            return mode.view()
        choice, forced = self.all, self.all.mode is Mode.ON
        rule = _forced(choice) if choice.mode is not Mode.AUTO else _AT_REST
        return ModeView(queue, choice.mode, forced, self._since, choice.until, choice.who, choice.reason, rule)

    def for_all(self) -> ModeView:
        """The choice for all queues. It is active when any queue is."""
        choice, active = self.all, bool(self._active)
        rule = f"active for {', '.join(self._active) or 'no queue'}"
        return ModeView(
            ALL, choice.mode, active, self._since, choice.until, choice.who, choice.reason, rule, self._full
        )

    def opinion(self, queue: str) -> Opinion | None:
        """What the rules think of one queue's mode; None for a queue that is not known."""
        mode = self.queues.get(queue)
        if mode is None:
            return None
        rules, pressure = self.policy.of(queue), mode.pressure
        auto, turns_at = mode.mode is Mode.AUTO, None
        if why_above(pressure, rules):
            ground, limit = _above(pressure, rules)
            if auto and not mode.active and mode.above_since is not None:
                turns_at = mode.above_since + rules.hold
            return Opinion(True, ground, limit, pressure, mode.above_since, turns_at)
        if why_below(pressure, rules):
            ground = Ground.SHORT_WAIT if pressure.waiting else Ground.NOBODY_WAITS
            if auto and mode.active and mode.below_since is not None:
                turns_at = mode.below_since + rules.dwell
            return Opinion(False, ground, rules.off_below, pressure, mode.below_since, turns_at)
        return Opinion(mode.active, Ground.BETWEEN, rules.on_above, pressure, None, None)

    # Turning

    def _obey(self, mode: QueueMode, now: float) -> None:
        """Apply a person's choice at once. Back in auto, a mode that was forced on ends without a dwell."""
        if mode.mode is not Mode.AUTO:
            mode.turn(mode.mode is Mode.ON, _forced(mode), now)
        mode.lingers = False
        self.changed[mode.queue] = None
        self._look(mode, now, freed=mode.mode is Mode.AUTO)

    def _look(self, mode: QueueMode, now: float, *, freed: bool = False) -> None:
        """PromiseSignal the mode if the rules say so, and set its timer. `freed`: a forced mode went back to auto."""
        rules, pressure = self.policy.of(mode.queue), mode.pressure
        before = (mode.active, mode.full, mode.mode)
        if mode.is_over(now):
            mode.end()
            mode.lingers, freed = False, True
        above = why_above(pressure, rules)
        if not above:
            mode.above_since = None
        elif mode.above_since is None:
            mode.above_since = now
        below = "" if above else why_below(pressure, rules)
        if not below:
            mode.below_since = None
        elif mode.below_since is None:
            mode.below_since = now
        if freed:
            mode.rule = above or below or f"p50 wait is between {rules.off_below:g} and {rules.on_above:g} s"
        due = mode.until
        if mode.mode is Mode.AUTO:
            if not mode.active and mode.above_since is not None:
                due = mode.above_since + rules.hold
                if due <= now:
                    mode.turn(True, above, now)
                    mode.lingers, due = True, None
            elif mode.active and mode.below_since is not None:
                due = mode.below_since + rules.dwell if mode.lingers else now
                if due <= now:
                    mode.turn(False, below, now)
                    due = None
        mode.full = self._is_full(mode, rules)
        self.timers.arm(_MODE, mode.queue, mode, due)
        if (mode.active, mode.full, mode.mode) != before:
            self.changed[mode.queue] = None

    @staticmethod
    def _is_full(mode: QueueMode, rules: CallbackRules) -> bool:
        """Whether more is promised than the staff can do. Without staff the list is never full."""
        staff, handling = mode.pressure.staff, mode.pressure.handling
        if not staff or handling <= 0:
            return False
        can = staff * 3600.0 / handling * rules.full_hours
        return mode.pending >= (can * FULL_ENDS if mode.full else can)

    def _sum_up(self, now: float) -> None:
        active = [name for name in sorted(self.queues) if self.queues[name].active]
        full = bool(active) and all(self.queues[name].full for name in active)
        if not self._since or bool(active) is not bool(self._active):
            self._since = now
        if (active, full) != (self._active, self._full):
            self._active, self._full = active, full
            self.changed[ALL] = None

    # As JSON

    def snapshot(self) -> dict[str, Any]:
        """Everything, as JSON has it."""
        queues = [
            [mode.queue, mode.mode.value, msgspec.to_builtins(mode.pressure)]
            + [getattr(mode, name) for name in QueueMode.SAVED]
            for mode in self.queues.values()
        ]
        choice = [self.all.mode.value, *(getattr(self.all, name) for name in ChosenMode.SAVED)]
        return {
            "policy": msgspec.to_builtins(self.policy),
            "all": choice,
            "active": list(self._active),
            "full": self._full,
            "since": self._since,
            "queues": queues,
        }

    @staticmethod
    def restore(data: dict[str, Any]) -> Modes:
        """The modes of a snapshot."""
        modes = Modes()
        modes.policy = msgspec.convert(completed(data["policy"]), CallbackPolicy)
        modes._active, modes._full, modes._since = list(data["active"]), data["full"], data["since"]
        mode, *values = data["all"]
        modes._restore(modes.all, "", mode, dict(zip(ChosenMode.SAVED, values, strict=True)))
        for queue, chosen, pressure, *values in data["queues"]:
            found = modes.queues[queue] = QueueMode(queue, 0.0)
            found.pressure = msgspec.convert(pressure, Pressure)
            modes._restore(found, queue, chosen, dict(zip(QueueMode.SAVED, values, strict=True)))
        return modes

    def _restore(self, choice: ChosenMode, name: str, mode: str, values: dict[str, Any]) -> None:
        choice.mode = Mode(mode)
        due = values.pop("due")
        for key, value in values.items():
            setattr(choice, key, value)
        self.timers.arm(_MODE, name, choice, due)


def why_above(pressure: Pressure, rules: CallbackRules) -> str:
    """Why callbacks should be offered, in words; empty when they should not."""
    waiting, staff, wait = pressure.waiting, pressure.staff, pressure.wait
    if not waiting:
        return ""
    if not staff:
        return f"{waiting} waiting and nobody is there"
    if wait is not None and wait > rules.on_above:
        return f"p50 wait {wait:.0f} s is above {rules.on_above:g} s"
    if waiting > rules.on_ratio * staff:
        return f"{waiting} waiting for {staff} agents is more than {rules.on_ratio:g} each"
    return ""


def _above(pressure: Pressure, rules: CallbackRules) -> tuple[Ground, float]:
    """Which limit is passed, of a queue that is above."""
    if not pressure.staff:
        return Ground.NOBODY_THERE, 0.0
    if pressure.wait is not None and pressure.wait > rules.on_above:
        return Ground.LONG_WAIT, rules.on_above
    return Ground.MANY_WAIT, rules.on_ratio


def why_below(pressure: Pressure, rules: CallbackRules) -> str:
    """Why callers can wait in the queue again, in words; empty when they cannot."""
    if not pressure.waiting:
        return "nobody waits"
    if pressure.wait is not None and pressure.wait < rules.off_below:
        return f"p50 wait {pressure.wait:.0f} s is below {rules.off_below:g} s"
    return ""


def _forced(choice: ChosenMode) -> str:
    return f"forced {choice.mode.value}" + (f" by {choice.who}" if choice.who else "")
