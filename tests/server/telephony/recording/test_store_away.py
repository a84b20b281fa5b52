"""A store that is away or full loses nothing: the sound waits, that is an alarm, and everything goes on by itself."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import wave
from pathlib import Path

import numpy as np
import pytest

import acd.events as acd
import recordings.events as rec
from server.config import Settings
from server.storage.recording_store import FolderStore, day_of, key_for
from server.storage.stores import Store, open_store
from server.telephony.recording import joiner
from server.telephony.recording.joiner import Joiner
from tests.redis_server import redis_server
from tests.s3_server import BUCKET, s3_server
from tests.server.web.api_server import ApiServer, server
from tests.small_disk import fill, small_disk

__all__ = ["redis_server", "server"]


async def spoken(server: ApiServer, folder: Path) -> list[Path]:
    """A conversation that is over; its two files."""
    files = [folder / "1-1-caller.wav", folder / "1-1-agent.wav"]
    for file, hertz in zip(files, (1000, 600), strict=True):
        with wave.open(str(file), "wb") as sound:
            sound.setparams((1, 2, 8000, 0, "NONE", ""))
            tone = np.sin(np.arange(16_000) * 2 * np.pi * hertz / 8000) * 8000
            sound.writeframes(tone.astype("<i2").tobytes())
    await server.tell(rec.RecordingStarted(1, 1, "1001", str(files[0]), str(files[1])))
    await server.tell(acd.CallEnded(1, "caller_hung_up"))
    return files


def joiner_of(server: ApiServer, store: Store) -> Joiner:
    return Joiner(server.dispatcher, server.view, store, key_for, day_of)


async def until(holds) -> None:
    for _ in range(600):
        if holds():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it did not come to pass")


async def test_a_recording_waits_for_a_bucket_that_is_away(
    server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joiner, "_RETRY", 0.2)
    files = await spoken(server, tmp_path)
    with s3_server() as bucket:
        store = open_store(Settings(home=tmp_path, recordings=f"s3://{BUCKET}/hotline"), bucket.environment)
        bucket.kill()
        joining = joiner_of(server, store)
        running = asyncio.create_task(joining.run())
        joining.final(1)
        await until(lambda: "s3://recordings/hotline does not take" in joining.problem)
        assert all(map(Path.exists, files))
        await asyncio.to_thread(bucket.start)
        await until(lambda: server.view.recordings.get(1) is None and not joining.problem)
        (key,) = await asyncio.to_thread(lambda: list(store.keys()))
        row = await closed(server)
        assert (row["path"], row["problem"], row["link"][:2]) == (key, None, "2:")
        assert not any(map(Path.exists, files))
        running.cancel()


async def closed(server: ApiServer) -> dict:
    await server.tell()
    row = await server.records.one("recordings", 1)
    assert row is not None
    assert row["state"] == "closed"
    return row


async def test_a_recording_waits_for_room_on_a_full_disk(
    server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full for as long as every flush to it says so."""
    monkeypatch.setattr(joiner, "_RETRY", 0.1)
    files = await spoken(server, tmp_path)
    store = FolderStore(tmp_path / "recordings")
    joining = joiner_of(server, store)

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    running = asyncio.create_task(joining.run())
    with monkeypatch.context() as disk:
        disk.setattr("server.storage.recording_store.os.fsync", full)
        joining.final(1)
        await until(lambda: "No space left on device" in joining.problem)
        assert list(store.keys()) == []
        assert all(map(Path.exists, files))
    await until(lambda: server.view.recordings.get(1) is None and not joining.problem)
    assert list(store.keys()) == [(await closed(server))["path"]]
    running.cancel()


async def test_a_recording_waits_for_room_on_a_small_disk_that_is_really_full(
    server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joiner, "_RETRY", 0.1)
    files = await spoken(server, tmp_path)
    with small_disk(tmp_path / "disk", 256 << 10) as disk:
        store = FolderStore(disk / "recordings")
        ballast = fill(disk)
        joining = joiner_of(server, store)
        running = asyncio.create_task(joining.run())
        joining.final(1)
        await until(lambda: "No space left on device" in joining.problem)
        assert list(store.keys()) == []
        assert all(map(Path.exists, files))
        ballast.unlink()
        await until(lambda: server.view.recordings.get(1) is None and not joining.problem)
        row = await closed(server)
        assert list(store.keys()) == [row["path"]]
        with store.open(row["path"]) as file:
            assert hashlib.file_digest(file, "sha256").hexdigest() == row["sha256"]
        assert not any(map(Path.exists, files))
        running.cancel()
