"""From when on the floor's pages show that a queue is in trouble: `[thresholds]` of the operator's definitions.

A queue's own table stands before the rules for all. They colour pages; they route no call.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tables.errors import TableError
from tables.values import Table, known


@dataclass(frozen=True, slots=True)
class QueueThresholds:
    """Of one queue. Shares are from 0 to 1, times in seconds."""

    service_level: float = 0.8
    """The goal: this share answered …"""
    within: int = 20
    """… within so many seconds."""
    service_level_low: float = 0.6
    """Below this share it is bad."""
    wait_long: float = 60.0
    """A caller who waits longer is shown as a warning …"""
    wait_too_long: float = 120.0
    """… and longer than this as an alarm."""
    abandon_high: float = 0.05
    """More than this share hung up in the queue."""


@dataclass(frozen=True, slots=True)
class ThresholdRules:
    """For all queues, and for those that have their own."""

    usual: QueueThresholds = QueueThresholds()
    queues: Mapping[str, QueueThresholds] = field(default_factory=dict)

    def of(self, queue: str) -> QueueThresholds:
        """One queue's."""
        return self.queues.get(queue, self.usual)


def read_thresholds(table: Table, queues: Iterable[str]) -> ThresholdRules:
    """The rules of `[thresholds]` and `[thresholds.QUEUE]`. Raises TableError."""
    names = tuple(queues)
    own = [known(name, names, table.at(name), "queue") for name in table.data if isinstance(table.data[name], dict)]
    plain = {name: value for name, value in table.data.items() if name not in own}
    usual = _read(Table(plain, table.key), QueueThresholds())
    return ThresholdRules(usual, {name: _read(table.table(name), usual) for name in own})


def _read(table: Table, usual: QueueThresholds) -> QueueThresholds:
    read = QueueThresholds(
        service_level=table.number("service_level", usual.service_level, least=0.0, most=1.0),
        within=table.integer("within", usual.within, least=1, most=120),
        service_level_low=table.number("service_level_low", usual.service_level_low, least=0.0, most=1.0),
        wait_long=table.number("wait_long", usual.wait_long, least=1.0, most=3600.0),
        wait_too_long=table.number("wait_too_long", usual.wait_too_long, least=1.0, most=3600.0),
        abandon_high=table.number("abandon_high", usual.abandon_high, least=0.0, most=1.0),
    )
    table.done()
    if read.service_level_low > read.service_level:
        raise TableError(table.at("service_level_low"), f"is above the goal of {read.service_level:g}")
    if read.wait_too_long < read.wait_long:
        raise TableError(table.at("wait_too_long"), f"is below wait_long, {read.wait_long:g}")
    return read
