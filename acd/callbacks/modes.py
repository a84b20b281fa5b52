"""Callback mode turns on when a peak holds and off when it is over, never back and forth; a person's word comes first.

A queue in auto is *above* when somebody waits and a newcomer would wait longer than `on_above`, or more than `on_ratio`
calls wait for each agent, or no agent is there. It turns on after `hold` seconds above without a break. It is *below*
when it is not above, and the wait is below `off_below` or nobody waits. It turns off after `dwell` seconds below
without a break.
A full list takes back no mode: it only stops the offers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import msgspec

from acd.callbacks.events import Mode, ModeSet
from acd.callbacks.policy import CallbackPolicy, CallbackRules
from acd.callbacks.states import ModeView, Pressure
from acd.timers import Timers

ALL = "all"
"""The scope of everybody's choice, as it is shown."""
FULL_ENDS = 0.9
"""A full list takes offers again below this share of what the staff can do."""
_MODE = 0
_AT_REST = "callers are held"


class Choice:
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
        self.mode, self.who, self.reason = event.mode, event.by, event.reason
        self.until = event.until if event.mode is not Mode.AUTO else None

    def like(self, other: Choice) -> None:
        self.mode, self.who, self.reason, self.until = other.mode, other.who, other.reason, other.until

    def is_over(self, now: float) -> bool:
        return self.until is not None and self.until <= now

    def end(self) -> None:
        self.mode, self.who, self.reason, self.until = Mode.AUTO, "", "", None


class QueueMode(Choice):
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
        *Choice.SAVED,
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
        """Auto turned it on: so it ends with a dwell. What a person had turned on ends at once."""
        self.pressure = Pressure(queue, 0, 0, 0.0, None)
        self.pending = 0
        """Promises that are still to be kept, as last looked at."""

    def view(self) -> ModeView:
        rule = f"{self.rule}; the list is full: {self.pending} promised" if self.full else self.rule
        return ModeView(
            self.queue, self.mode, self.active, self.since, self.until, self.who, self.reason, rule, self.full
        )

    def turn(self, active: bool, rule: str, now: float) -> None:
        if active is not self.active:
            self.active, self.since = active, now
        self.rule = rule


class Modes:
    """The modes of all queues. `changed` collects whose view is another one since it was last taken."""

    def __init__(self) -> None:
        self.policy = CallbackPolicy()
        self.all = Choice()
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
        """A person's word, for one queue or for all. One that is over before it began says auto."""
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
        """See how busy every queue is; queues that are not among them are gone."""
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
        """Choices that are over, peaks that held, dwells that ended."""
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
        """The views that changed, everybody's first."""
        names, self.changed = sorted(self.changed, key=lambda name: (name != ALL, name)), {}
        return [self.everybody() if name == ALL else self.queues[name].view() for name in names]

    # What can be seen

    def of(self, queue: str, now: float) -> QueueMode:
        """The mode of a queue, which is made known by this."""
        mode = self.queues.get(queue)
        if mode is None:
            mode = self.queues[queue] = QueueMode(queue, now)
            mode.like(self.all)
            if mode.mode is not Mode.AUTO:
                self._obey(mode, now)
        return mode

    def view(self, queue: str) -> ModeView:
        """One queue's mode; an unknown one has everybody's."""
        mode = self.queues.get(queue)
        if mode is not None:
            return mode.view()
        choice, forced = self.all, self.all.mode is Mode.ON
        rule = _forced(choice) if choice.mode is not Mode.AUTO else _AT_REST
        return ModeView(queue, choice.mode, forced, self._since, choice.until, choice.who, choice.reason, rule)

    def everybody(self) -> ModeView:
        """The choice for all. It is active when any queue is."""
        choice, active = self.all, bool(self._active)
        rule = f"active for {', '.join(self._active) or 'no queue'}"
        return ModeView(
            ALL, choice.mode, active, self._since, choice.until, choice.who, choice.reason, rule, self._full
        )

    # The law

    def _obey(self, mode: QueueMode, now: float) -> None:
        """A person's word counts at once; back in auto no dwell holds what a person had turned on."""
        if mode.mode is not Mode.AUTO:
            mode.turn(mode.mode is Mode.ON, _forced(mode), now)
        mode.lingers = False
        self.changed[mode.queue] = None
        self._look(mode, now, freed=mode.mode is Mode.AUTO)

    def _look(self, mode: QueueMode, now: float, *, freed: bool = False) -> None:
        """Turn what is to be turned, and set the next instant. `freed`: a person lets it turn by itself again."""
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
        """Whether more is promised than the staff can do. Without staff nothing but a number can be taken: never."""
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
        queues = [
            [mode.queue, mode.mode.value, msgspec.to_builtins(mode.pressure)]
            + [getattr(mode, name) for name in QueueMode.SAVED]
            for mode in self.queues.values()
        ]
        choice = [self.all.mode.value, *(getattr(self.all, name) for name in Choice.SAVED)]
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
        modes = Modes()
        modes.policy = msgspec.convert(data["policy"], CallbackPolicy)
        modes._active, modes._full, modes._since = list(data["active"]), data["full"], data["since"]
        mode, *values = data["all"]
        modes._restore(modes.all, "", mode, dict(zip(Choice.SAVED, values, strict=True)))
        for queue, chosen, pressure, *values in data["queues"]:
            found = modes.queues[queue] = QueueMode(queue, 0.0)
            found.pressure = msgspec.convert(pressure, Pressure)
            modes._restore(found, queue, chosen, dict(zip(QueueMode.SAVED, values, strict=True)))
        return modes

    def _restore(self, choice: Choice, name: str, mode: str, values: dict[str, Any]) -> None:
        choice.mode = Mode(mode)
        due = values.pop("due")
        for key, value in values.items():
            setattr(choice, key, value)
        self.timers.arm(_MODE, name, choice, due)


def why_above(pressure: Pressure, rules: CallbackRules) -> str:
    """Why numbers should be taken, as words; empty when they should not."""
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


def why_below(pressure: Pressure, rules: CallbackRules) -> str:
    """Why callers can be held again, as words; empty when they cannot."""
    if not pressure.waiting:
        return "nobody waits"
    if pressure.wait is not None and pressure.wait < rules.off_below:
        return f"p50 wait {pressure.wait:.0f} s is below {rules.off_below:g} s"
    return ""


def _forced(choice: Choice) -> str:
    return f"forced {choice.mode.value}" + (f" by {choice.who}" if choice.who else "")
