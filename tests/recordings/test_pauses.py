"""A paused recording is paused until it is resumed, closed, or its time is over."""

from __future__ import annotations

import json

from recordings.events import RecordingClosed, RecordingDropped, RecordingLeftOut, RecordingPaused, RecordingResumed
from recordings.pauses import LONGEST, Pauses

NOW = 1_800_000_000.0


def test_a_pause_has_an_end_from_its_beginning() -> None:
    pauses = Pauses()
    pauses.receive(RecordingPaused(3, 1, "1001", "agent 1001", "card number", NOW + 60), NOW)
    pauses.receive(RecordingPaused(4, 2, "1002", "agent 1002"), NOW)
    assert [(each.recording, each.until) for each in pauses] == [(3, NOW + 60), (4, NOW + LONGEST)]
    again = Pauses.restore(json.loads(json.dumps(pauses.snapshot())))
    assert list(again) == list(pauses)
    pauses.receive(RecordingResumed(3, 1, "1001"), NOW + 10)
    pauses.receive(RecordingClosed(4, "a.wav", 1.0, 2, "0" * 64, -20.0, -20.0), NOW + 10)
    assert list(pauses) == []


def test_what_is_left_out_is_silent_to_the_end_whoever_resumes() -> None:
    pauses = Pauses()
    pauses.receive(RecordingLeftOut(3, 1, "1001", "queue media is not recorded"), NOW)
    pauses.receive(RecordingResumed(3, 1, "1001", "agent 1001"), NOW)
    again = Pauses.restore(json.loads(json.dumps(pauses.snapshot())))
    assert again.left_out(3) == "queue media is not recorded"
    assert [again.silent(number) for number in (3, 4)] == [True, False]
    again.receive(RecordingDropped(3, "queue media is not recorded"), NOW)
    assert (again.left_out(3), again.silent(3)) == ("", False)
