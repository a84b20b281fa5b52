"""From a log entry to rows, for what happens to recordings after they began: pauses, holds, faults, deletion."""

from __future__ import annotations

import recordings.events as rec
from recordings.chain import Covered, link_hash
from server.eventlog.log import Entry
from server.storage.projections.rows import Rows, entry_key, utc
from server.storage.projections.rules import Rules
from server.storage.schema.recording_tables import RecordingStep, Tombstone

RULES = Rules()


@RULES.on(rec.RecordingPaused)
def _(event: rec.RecordingPaused, entry: Entry, rows: Rows) -> None:
    _write(rows, entry, event.recording, "paused", event.by, event.reason, event.until)


@RULES.on(rec.RecordingResumed)
def _(event: rec.RecordingResumed, entry: Entry, rows: Rows) -> None:
    _write(rows, entry, event.recording, "resumed", event.by, "" if event.by else "the time of the pause was over")


@RULES.on(rec.RecordingLeftOut)
def _(event: rec.RecordingLeftOut, entry: Entry, rows: Rows) -> None:
    rows.recordings[event.recording].problem = event.why
    _write(rows, entry, event.recording, "left_out", "", event.why)


@RULES.on(rec.RecordingDropped)
def _(event: rec.RecordingDropped, entry: Entry, rows: Rows) -> None:
    recording = rows.recordings[event.recording]
    recording.state, recording.problem = "left_out", event.why


@RULES.on(rec.RecordingHeld)
def _(event: rec.RecordingHeld, entry: Entry, rows: Rows) -> None:
    _write(rows, entry, event.recording, "held", event.by, event.reason)


@RULES.on(rec.RecordingReleased)
def _(event: rec.RecordingReleased, entry: Entry, rows: Rows) -> None:
    _write(rows, entry, event.recording, "released", event.by, event.reason)


@RULES.on(rec.RecordingFaultFound)
def _(event: rec.RecordingFaultFound, entry: Entry, rows: Rows) -> None:
    _write(rows, entry, event.recording, event.kind, "", event.sentence)


@RULES.on(rec.RecordingSettled)
def _(event: rec.RecordingSettled, entry: Entry, rows: Rows) -> None:
    _write(rows, entry, event.recording, "settled", event.by, event.reason)


@RULES.on(rec.RecordingDeleted)
def _(event: rec.RecordingDeleted, entry: Entry, rows: Rows) -> None:
    recording = rows.recordings[event.recording]
    if recording.state == "deleted":
        return
    place, previous = rows.chain_end(event.day)
    covered = Covered(recording.call or 0, recording.agent, entry.at, 0.0, event.why)
    link = link_hash(previous, event.day, place + 1, event.recording, recording.sha256, covered)
    rows.lengthen_chain(event.day, place + 1, link)
    recording.state, recording.path = "deleted", ""
    stone = Tombstone(recording=event.recording, day=event.day, place=place + 1, link=link)
    stone.why, stone.by, stone.deleted_at = event.why, event.by, utc(round(entry.at, 3))
    rows.add(stone)
    _write(rows, entry, event.recording, "deleted", event.by, event.why)


def _write(rows: Rows, entry: Entry, number: int, kind: str, by: str, reason: str, until: float = 0.0) -> None:
    ms, seq = entry_key(entry.id)
    rows.add(
        RecordingStep(
            ms=ms,
            seq=seq,
            recording=number,
            at=utc(entry.at),
            kind=kind,
            by=by,
            reason=reason,
            until=utc(until) if until else None,
        )
    )
