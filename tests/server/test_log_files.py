"""Log files are rotated by size and by age, and a flood of lines becomes one line."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path
from typing import TextIO, cast

import pytest
import structlog

from server import log_files
from server.log_files import Floods, Limits, LogFile, keep

DAY = 86_400.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "server.log"


def kept(path: Path) -> list[str]:
    return sorted(each.name for each in path.parent.iterdir())


def test_a_large_file_is_put_aside_and_the_oldest_goes(path: Path) -> None:
    file = LogFile(path, Limits(1000, DAY, 2))
    for number in range(100):
        file.write(f"{number:099d}\n")
    file.close()
    assert kept(path) == ["server.log", "server.log.1", "server.log.2"]
    assert all(each.stat().st_size <= 1000 for each in path.parent.iterdir())
    assert int(path.read_text().splitlines()[-1]) == 99
    assert int(path.with_name("server.log.1").read_text().splitlines()[-1]) == 89


def test_an_old_file_is_put_aside_once_after_a_restart_too(path: Path) -> None:
    path.write_text("yesterday\n")
    os.utime(path, (path.stat().st_mtime - DAY,) * 2)
    file = LogFile(path, Limits(1000, DAY, 2))
    file.write("today\n")
    file.write("today\n")
    file.close()
    assert path.read_text() == "today\ntoday\n"
    assert path.with_name("server.log.1").read_text() == "yesterday\n"
    assert kept(path) == ["server.log", "server.log.1"]


def test_a_disk_that_takes_nothing_stops_no_call(tmp_path: Path) -> None:
    LogFile(tmp_path / "no folder" / "server.log", Limits(1000, DAY, 2)).write("a line\n")


def test_a_full_disk_raises_nothing_and_lines_are_written_when_there_is_room(path: Path, tmp_path: Path) -> None:
    path.symlink_to("/dev/full")
    file = LogFile(path, Limits(1000, DAY, 2))
    logger = structlog.WriteLogger(cast(TextIO, file))
    for _ in range(3):
        logger.info("a line that is lost")
    path.unlink()
    logger.info("there is room")
    assert path.read_text() == "there is room\n"


def test_what_a_program_writes_on_after_its_file_was_copied_stands_in_the_new_one(path: Path) -> None:
    words = ["sh", "-c", f"exec >>'{path}'; echo one; echo written >&2; read _; echo two"]
    writer = subprocess.Popen(words, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert writer.stderr is not None
        assert writer.stderr.readline() == b"written\n"
        LogFile(path, Limits(1, DAY, 2), copied=True).doRollover()
        writer.communicate(b"\n", timeout=5)
    finally:
        writer.kill()
        writer.wait()
    assert path.read_text() == "two\n"
    assert path.with_name("server.log.1").read_text() == "one\n"


def test_a_flood_is_told_in_one_line() -> None:
    floods, passed = Floods(), 0
    for number in range(log_files.MOST + 5):
        try:
            floods(None, "warning", {"event": "a caller knocked", "number": number})
            passed += 1
        except structlog.DropEvent:
            pass
    assert floods(None, "error", {"event": "a caller knocked"})
    assert floods(None, "warning", {"event": "another thing"})
    assert passed == log_files.MOST
    with structlog.testing.capture_logs() as lines:
        floods.minute_over()
        floods.minute_over()
    assert [(each["kind"], each["level"], each["left_out"]) for each in lines] == [("a caller knocked", "warning", 5)]
    assert floods(None, "warning", {"event": "a caller knocked"})


async def test_files_of_others_are_looked_after_and_opened_anew(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_files, "EVERY", 0.01)
    opened = asyncio.Event()

    async def reopen() -> None:
        opened.set()

    other, limits = path.with_name("messages"), Limits(2, DAY, 2)
    for each in (path, other):
        LogFile(each, limits).write("a line")
    files = [LogFile(path, limits, copied=True)]
    keeping = asyncio.ensure_future(keep(Floods(), files, [(LogFile(other, limits), reopen)]))
    try:
        await asyncio.wait_for(opened.wait(), 5)
    finally:
        keeping.cancel()
    assert kept(path) == ["messages.1", "server.log", "server.log.1"]
