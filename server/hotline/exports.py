"""Exports as the log has them: who asked for what, and whether it may be fetched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import msgspec

from server.eventlog.export_events import ExportApproved, ExportAsked, ExportRefused

DAY = 86_400.0
KEPT, PATIENCE, REMEMBERED = DAY, 7 * DAY, 30 * DAY
"""Seconds for which an approved export can be fetched, one waits for an approval, and one is listed."""


class ExportState(StrEnum):
    """The state of an export."""

    WAITING = "waiting"
    APPROVED = "approved"
    REFUSED = "refused"
    EXPIRED = "expired"


TRANSITIONS: dict[tuple[ExportState, str], ExportState] = {
    (ExportState.WAITING, "approved by another"): ExportState.APPROVED,
    (ExportState.WAITING, "refused"): ExportState.REFUSED,
    (ExportState.WAITING, "7 days are over"): ExportState.EXPIRED,
    (ExportState.APPROVED, "24 hours are over"): ExportState.EXPIRED,
}
"""The whole state machine; docs/exports.md shows it."""


@dataclass(frozen=True, slots=True)
class Export:
    """One export. Instants are UTC epoch seconds."""

    asked: ExportAsked
    asked_at: float
    decided: ExportState = ExportState.WAITING
    decided_by: str = ""
    decided_at: float = 0.0
    why: str = ""

    @property
    def id(self) -> int:
        """The export's number."""
        return self.asked.export

    @property
    def until(self) -> float | None:
        """The end of its state; None for one that was refused."""
        ends = {ExportState.WAITING: self.asked_at + PATIENCE, ExportState.APPROVED: self.decided_at + KEPT}
        return ends.get(self.decided)

    def state(self, now: float) -> ExportState:
        """The state at `now` (UTC epoch seconds)."""
        return ExportState.EXPIRED if self.until is not None and now >= self.until else self.decided


class Exports:
    """The exports of the last 30 days, by number."""

    def __init__(self) -> None:
        self._by_id: dict[int, Export] = {}
        self.last = 0
        """The number of the last export that was ever asked for."""

    def __iter__(self) -> Iterator[Export]:
        return iter(self._by_id.values())

    def get(self, number: int) -> Export | None:
        """The export of this number."""
        return self._by_id.get(number)

    def receive(self, event: object, at: float) -> None:
        """Take in an event of the log; events of other kinds change nothing."""
        if isinstance(event, ExportAsked):
            for number in [each.id for each in self if each.asked_at < at - REMEMBERED]:
                del self._by_id[number]
            self._by_id[event.export] = Export(event, at)
            self.last = max(self.last, event.export)
        elif isinstance(event, ExportApproved | ExportRefused):
            known = self.get(event.export)
            if known is not None and known.state(at) is ExportState.WAITING:
                state = ExportState.APPROVED if isinstance(event, ExportApproved) else ExportState.REFUSED
                self._by_id[event.export] = replace(
                    known, decided=state, decided_by=event.by, decided_at=at, why=event.reason
                )

    def snapshot(self) -> dict[str, Any]:
        """Everything, as `restore` takes it after JSON."""
        return {"last": self.last, "exports": list(self)}

    @classmethod
    def restore(cls, values: dict[str, Any] | None) -> Exports:
        """The inverse of `snapshot`, from decoded JSON; None for a snapshot of before there were exports."""
        made = cls()
        for each in (values or {}).get("exports", ()):
            known = msgspec.convert(each, Export)
            made._by_id[known.id] = known
        made.last = (values or {}).get("last", 0)
        return made
