"""What happened to a recording after it began, as the API and the command line show it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from server.storage.queries.paging import iso
from server.storage.schema.recording_tables import RecordingStep


def recording_steps(session: Session, number: int) -> list[RecordingStep]:
    """The steps of one recording, in order."""
    wanted = select(RecordingStep).where(RecordingStep.recording == number)
    return list(session.scalars(wanted.order_by(RecordingStep.ms, RecordingStep.seq)))


def serialise_step(step: RecordingStep) -> dict[str, Any]:
    """One step under its outside names."""
    return {
        "at": iso(step.at),
        "kind": step.kind,
        "by": step.by or None,
        "reason": step.reason or None,
        "until": iso(step.until),
    }


def is_held(steps: Sequence[RecordingStep]) -> bool:
    """Whether a legal hold stands."""
    holds = [step.kind for step in steps if step.kind in ("held", "released")]
    return bool(holds) and holds[-1] == "held"


def pauses(steps: Sequence[RecordingStep], began: datetime | None) -> list[dict[str, Any]]:
    """Marks on the recording's time line, in seconds from its start. A pause without an end lasted to the end."""
    marks: list[dict[str, Any]] = []
    for step in steps:
        at = max(0.0, round((step.at - began).total_seconds(), 3)) if began is not None else 0.0
        if step.kind == "paused":
            marks.append({"kind": "pause", "at": at, "until": None})
        elif step.kind == "resumed" and marks and marks[-1]["until"] is None:
            marks[-1]["until"] = at
    return marks
