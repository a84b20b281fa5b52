"""Recordings that are not closed, and faults of recordings."""

from __future__ import annotations

import json

import pytest

from recordings.catalogue import Catalogue, Measured, judge
from recordings.events import RecordingClosed, RecordingMissing, RecordingStarted

NOW = 1_800_000_000.0


def started(number, call=1, agent="1001"):
    return RecordingStarted(number, call, agent, f"{number}-caller.wav", f"{number}-agent.wav")


def closed(number):
    return RecordingClosed(number, "a.wav", 1.0, 2, "0" * 64, -20.0, -20.0)


def test_a_recording_is_unfinished_until_it_is_closed_or_missing():
    catalogue = Catalogue()
    for number in (3, 1, 2):
        catalogue.receive(started(number, call=number), NOW)
    catalogue.receive(closed(1), NOW)
    catalogue.receive(RecordingMissing(3, "nothing was written"), NOW)
    catalogue.receive(closed(9), NOW)
    assert [each.recording for each in catalogue.unfinished()] == [2]


def test_a_recording_is_overdue_so_long_after_its_conversation_ended():
    catalogue = Catalogue()
    catalogue.receive(started(1), NOW)
    assert catalogue.overdue(NOW + 7200, 60) == []
    catalogue.conversation_ended(1, NOW + 100, "1001", 95.0)
    catalogue.conversation_ended(1, NOW + 150)
    assert catalogue.overdue(NOW + 160, 60) == []
    assert [(each.recording, each.talked) for each in catalogue.overdue(NOW + 160.1, 60)] == [(1, 95.0)]


@pytest.mark.parametrize("settled", [closed(1), RecordingMissing(1, "nothing was written")])
def test_what_is_overdue_is_so_until_it_is_closed_or_missing(settled):
    catalogue = Catalogue()
    catalogue.receive(started(1), NOW)
    catalogue.conversation_ended(1, NOW)
    assert catalogue.overdue(NOW + 3 * 86400, 60)
    catalogue.receive(settled, NOW + 3 * 86400)
    assert catalogue.overdue(NOW + 4 * 86400, 60) == []


def test_the_end_of_one_agents_part_leaves_the_others_recording_running():
    catalogue = Catalogue()
    catalogue.receive(started(1), NOW)
    catalogue.receive(started(2, agent="1002"), NOW)
    catalogue.conversation_ended(1, NOW, "1001")
    assert [each.recording for each in catalogue.overdue(NOW + 61, 60)] == [1]
    catalogue.conversation_ended(1, NOW)
    assert [each.recording for each in catalogue.overdue(NOW + 61, 60)] == [1, 2]


def test_a_restored_catalogue_is_the_one_that_was_kept():
    catalogue = Catalogue()
    catalogue.receive(started(1), NOW)
    catalogue.receive(started(2, call=2), NOW)
    catalogue.conversation_ended(2, NOW + 1, "1001", 3.0)
    again = Catalogue.restore(json.loads(json.dumps(catalogue.snapshot())))
    assert again.unfinished() == catalogue.unfinished()
    assert again.snapshot() == catalogue.snapshot()


@pytest.mark.parametrize(
    ("measured", "talked", "alarms"),
    [
        (Measured(30, 30, -20, -25), 30.0, ()),
        (Measured(30, 29, -20, -25), None, ()),
        (Measured(30, 30, -96, -25), None, ("the caller's side is silent: -96 dBFS over 30 s",)),
        (Measured(2, 2, -96, -96), None, ()),
        (Measured(30, 0, -20, -96), None, ("the agent's side was not recorded",)),
        (Measured(30, 20, -20, -20), None, ("the agent's side is 10.0 s shorter than the other",)),
        (Measured(10, 10, -20, -20), 60.0, ("the recording has 10 s of a conversation of 60 s",)),
    ],
)
def test_alarms_say_what_is_suspicious(measured, talked, alarms):
    assert judge(measured, talked) == alarms
