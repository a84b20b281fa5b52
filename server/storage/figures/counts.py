"""What reports count, by name. Counts are whole numbers, so that sums are exact; times are in milliseconds.

Two sets of counts make a third by addition, whatever they are of: a day is the sum of its intervals, a team the sum of
its agents. Waits are counted in steps that are as fine as the figures need: 1 s up to 2 min, 5 s up to 10 min, 30 s up
to 1 h, 5 min beyond. A percentile is the upper end of the step in which it lies, so that it is never too good.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import ceil, floor

Counts = dict[str, int]

SLOT = 900
"""Seconds of an interval in which counts are kept. Slots begin with the epoch: every zone's quarters of an hour."""
BLOCK = 16
"""Slots of a block, 4 hours: many enough to make a month's report short, and few at the edges of a zone's days."""
LONGEST_GAP = 31
"""Days beyond which a number that calls again is no repeat."""
NEVER = 0
_STEPS = ((120, 1), (600, 5), (3600, 30))
_LAST_STEP, _LONGEST = 300, 86_400
_CONTACT = "contact"
RESOLUTION = "1 s up to 2 min, 5 s up to 10 min, 30 s up to 1 h, 5 min beyond; the upper end of the step is given"


def slot_of(instant: float) -> int:
    """The slot in which this instant (UTC epoch seconds) lies."""
    return floor(instant / SLOT)


def step_of(seconds: float) -> int:
    """The upper end, in whole seconds, of the step in which this wait lies; 0 for no wait at all."""
    if seconds <= 0:
        return 0
    for limit, step in _STEPS:
        if seconds <= limit:
            return ceil(seconds / step) * step
    return min(_LONGEST, ceil(seconds / _LAST_STEP) * _LAST_STEP)


def days_of(seconds: float | None) -> int:
    """A gap between two calls in days begun, from 1 to `LONGEST_GAP`; `NEVER` for none, or a longer one."""
    if seconds is None:
        return NEVER
    days = max(1, ceil(seconds / 86_400))
    return days if days <= LONGEST_GAP else NEVER


def add(to: Counts, more: Mapping[str, int], times: int = 1) -> None:
    """Add these counts, or with `times=-1` take them away. A count of 0 is none."""
    for name, count in more.items():
        total = to.get(name, 0) + times * count
        if total:
            to[name] = total
        else:
            to.pop(name, None)


def merge(to: Counts, more: Mapping[str, int]) -> None:
    """Add counts of which none is negative."""
    get = to.get
    for name, count in more.items():
        to[name] = get(name, 0) + count


def total(many: Iterable[Mapping[str, int]]) -> Counts:
    """The sum."""
    found: Counts = {}
    for each in many:
        merge(found, each)
    return found


class Sums(dict[str, int]):
    """Counts that are only read: their waits are put in order once, and their contacts found."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        super().__init__(counts)
        self.ordered: dict[str, list[tuple[int, int]]] = {}
        self.met: list[tuple[int, int, int]] = []
        for key, count in counts.items():
            name, colon, upper = key.partition(":")
            if name == _CONTACT:
                before, _, after = upper.partition(":")
                self.met.append((int(before), int(after), count))
            elif colon:
                self.ordered.setdefault(name, []).append((int(upper), count))
        for steps_of_name in self.ordered.values():
            steps_of_name.sort()


def steps(counts: Mapping[str, int], name: str) -> list[tuple[int, int]]:
    """(upper end in seconds, how many) of the waits of this name, shortest first."""
    if isinstance(counts, Sums):
        return counts.ordered.get(name, [])
    prefix = f"{name}:"
    return sorted((int(key[len(prefix) :]), count) for key, count in counts.items() if key.startswith(prefix))


def within(counts: Mapping[str, int], name: str, seconds: float) -> int:
    """How many waits of this name were no longer: exact for whole seconds up to 2 min."""
    return sum(count for upper, count in steps(counts, name) if upper <= seconds)


def percentile(counts: Mapping[str, int], name: str, share: float) -> int | None:
    """The wait in seconds that this share (0 to 1) did not exceed; None of nobody."""
    found = steps(counts, name)
    wanted = ceil(sum(count for _, count in found) * share)
    seen = 0
    for upper, count in found:
        seen += count
        if seen >= max(1, wanted):
            return upper
    return None


def contacts(counts: Mapping[str, int]) -> list[tuple[int, int, int]]:
    """(days since the contact before, days until the next one, how many); `NEVER` for none within `LONGEST_GAP`."""
    return (counts if isinstance(counts, Sums) else Sums(counts)).met
