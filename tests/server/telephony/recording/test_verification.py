"""The server verifies every recording at a time of day; what it finds is an alarm until somebody settles it."""

from __future__ import annotations

import hashlib
import os
import threading
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

import recordings.events as rec
from server.storage.recording_store import StoreAway, day_of
from server.telephony.recording.verification import LOWEST, Verification, in_idle_thread, next_at
from tests.redis_server import redis_server
from tests.server.web.api_server import ApiServer, server

__all__ = ["redis_server", "server"]

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture
async def kept(server: ApiServer) -> ApiServer:
    """Three recordings with their files."""
    for number in (1, 2, 3):
        sound, key = f"sound {number}".encode(), f"2027/01/15/{number}.wav"
        with server.sound.store.writing(key) as file:
            file.write(sound)
        digest = hashlib.sha256(sound).hexdigest()
        at = round(server.dispatcher.state.at, 3)
        closed = rec.RecordingClosed(number, key, 1.0, 2, digest, -20.0, -20.0, (), day_of(at), number, "1001", at, 2)
        await server.tell(rec.RecordingStarted(number, number, "1001", "a", "b"), closed)
    return server


def verification(server: ApiServer) -> Verification:
    return Verification(server.dispatcher, server.view, server.acts.recordings.integrity, "03:30", lambda: SHANGHAI)


async def test_what_was_changed_or_removed_is_an_alarm_once(kept: ApiServer) -> None:
    nightly = verification(kept)
    assert await nightly.verify()
    assert list(kept.view.recording_alarms) == []
    kept.sound.store.delete("2027/01/15/1.wav")
    with kept.sound.store.writing("2027/01/15/2.wav") as file:
        file.write(b"another sound")
    with kept.sound.store.writing("2027/01/15/99.wav") as file:
        file.write(b"?")
    for _ in range(2):
        assert await nightly.verify()
    assert [(each.recording, each.what, len(each.sentences)) for each in kept.view.recording_alarms] == [
        (1, "removed", 1),
        (2, "changed", 1),
        (0, "added", 1),
    ]
    await kept.tell(rec.RecordingSettled(1, "wang", "known"))
    assert await nightly.verify()
    assert {each.recording for each in kept.view.recording_alarms} == {0, 2}  # settled: it is known to be missing


async def test_a_store_that_is_away_says_nothing_about_recordings(kept: ApiServer, monkeypatch) -> None:
    def away(key: str) -> None:
        raise StoreAway("s3://recordings does not answer")

    nightly = verification(kept)
    with monkeypatch.context() as patched:
        patched.setattr(kept.sound.store, "open", away)
        assert not await nightly.verify()
    assert "be verified (s3://recordings does not answer)" in nightly.problem
    assert list(kept.view.recording_alarms) == []
    assert await nightly.verify()
    assert nightly.problem == ""


async def test_the_work_is_done_by_a_thread_of_the_lowest_priority() -> None:
    def work() -> tuple[int, int]:
        return os.getpriority(os.PRIO_PROCESS, 0), threading.get_ident()

    before = os.getpriority(os.PRIO_PROCESS, 0)
    assert await in_idle_thread(work) != (before, threading.get_ident())
    assert (await in_idle_thread(work))[0] == LOWEST
    assert os.getpriority(os.PRIO_PROCESS, 0) == before
    with pytest.raises(ZeroDivisionError):
        await in_idle_thread(lambda: 1 // 0)


def test_the_time_of_day_is_the_hotlines() -> None:
    now = datetime(2027, 1, 15, 3, 30, tzinfo=SHANGHAI).timestamp()
    assert next_at("03:30", now - 1, SHANGHAI) == now
    assert next_at("03:30", now, SHANGHAI) == now + 86_400
    berlin = ZoneInfo("Europe/Berlin")
    before_the_change = datetime(2027, 3, 27, 12, 0, tzinfo=berlin).timestamp()
    then = datetime.fromtimestamp(next_at("03:30", before_the_change, berlin), berlin)
    assert (then.day, then.hour, then.minute) == (28, 3, 30)
