"""The places of callers who were lost in the queue: who calls again soon has the old place.

A place is kept for a number, as the hotline shows it; nobody is known who withheld theirs.
"""

from __future__ import annotations

from typing import Any

import msgspec

from acd.events import CallQueued

_REMEMBERED = 10_000


class KeptPlaces:
    """The last place of each caller, and when it was lost (UTC epoch seconds)."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[float, CallQueued]] = {}

    def keep(self, asked: CallQueued, at: float) -> None:
        """The caller of this call was lost while waiting, through no act of the caller's."""
        if asked.caller:
            self.forget(asked.caller)
            self._kept[asked.caller] = at, asked
            while len(self._kept) > _REMEMBERED:
                del self._kept[next(iter(self._kept))]

    def forget(self, caller: str) -> None:
        """The caller waits again, or is served."""
        self._kept.pop(caller, None)

    def of(self, caller: str, queue: str, since: float) -> CallQueued | None:
        """The place that this caller lost in this queue since that instant."""
        at, asked = self._kept.get(caller, (0.0, None))
        return asked if asked is not None and asked.queue == queue and at >= since else None

    def snapshot(self) -> list[tuple[float, Any]]:
        """Everything, as JSON-able data."""
        return [(at, msgspec.to_builtins(asked)) for at, asked in self._kept.values()]

    def restore(self, data: Any) -> None:
        """The inverse of `snapshot`."""
        for at, asked in data:
            self.keep(msgspec.convert(asked, CallQueued), at)
