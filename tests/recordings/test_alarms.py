"""What is wrong with a recording is an alarm until somebody settles it."""

from __future__ import annotations

import json

import recordings.alarms
from recordings.alarms import Alarms
from recordings.events import RecordingClosed, RecordingFaultFound, RecordingMissing, RecordingSettled

NOW = 1_800_000_000.0


def closed(number: int, *alarms: str) -> RecordingClosed:
    return RecordingClosed(number, "a.wav", 1.0, 2, "0" * 64, -20.0, -20.0, alarms)


def test_missing_silent_and_changed_recordings_are_alarms_until_they_are_settled() -> None:
    alarms = Alarms()
    alarms.receive(closed(1), NOW)
    assert alarms.sentence() == ""
    alarms.receive(RecordingMissing(2, "neither side has any audio"), NOW)
    alarms.receive(closed(3, "the caller's side is silent: -96 dBFS over 30 s"), NOW + 1)
    alarms.receive(RecordingFaultFound(1, "changed", "its file has another SHA-256"), NOW + 2)
    assert [(each.recording, each.what, each.since) for each in alarms] == [
        (2, "missing", NOW),
        (3, "suspicious", NOW + 1),
        (1, "changed", NOW + 2),
    ]
    assert alarms.sentence().startswith("3 recordings need a look (1 changed, 1 missing, 1 suspicious): see ")
    for number in (2, 3):
        alarms.receive(RecordingSettled(number, "wang", "the customer called back"), NOW)
    assert alarms.sentence().startswith("recording 1: its file has another SHA-256 (")
    alarms.receive(RecordingSettled(1, "wang", "restored"), NOW)
    assert (list(alarms), alarms.sentence(), alarms.count) == ([], "", 0)


def test_all_that_is_said_of_one_recording_is_one_alarm_of_the_worst_kind() -> None:
    alarms = Alarms()
    alarms.receive(closed(1, "the agent's side was not recorded"), NOW)
    for _ in range(2):
        alarms.receive(RecordingFaultFound(1, "removed", "its file is not in the store"), NOW + 5)
    (alarm,) = alarms
    assert (alarm.what, alarm.since) == ("removed", NOW)
    assert alarm.sentence == "recording 1: the agent's side was not recorded; its file is not in the store"


def test_a_file_of_nobody_is_an_alarm_without_a_number() -> None:
    alarms = Alarms()
    alarms.receive(RecordingFaultFound(0, "added", "99.wav is in the store, and no record tells of it"), NOW)
    assert alarms.sentence().startswith("a file that is no recording's: 99.wav is in the store")


def test_of_too_many_the_oldest_are_only_counted(monkeypatch) -> None:
    monkeypatch.setattr(recordings.alarms, "MOST", 2)
    alarms = Alarms()
    for number in range(1, 5):
        alarms.receive(RecordingMissing(number, "nothing was written"), NOW)
    assert ([each.recording for each in alarms], alarms.count) == ([3, 4], 4)


def test_alarms_survive_a_snapshot() -> None:
    alarms = Alarms()
    alarms.receive(RecordingMissing(2, "nothing was written"), NOW)
    alarms.receive(RecordingMissing(3, "nothing was written"), NOW)
    alarms.receive(RecordingSettled(3, "wang", "known"), NOW)
    again = Alarms.restore(json.loads(json.dumps(alarms.snapshot())))
    assert list(again) == list(alarms)
    assert [again.knows(number, "nothing was written") for number in (2, 3, 4)] == [True, True, False]
