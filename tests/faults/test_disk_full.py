"""The home's disk is full: calls go on, nothing blames anything else, and all is made good when there is room again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import pytest

from softphone.call import CallState
from tests.e2e import brisk
from tests.e2e.conftest import COMMAND, TREE, Hotline, make_home
from tests.faults.conftest import People

pytestmark = pytest.mark.e2e
MOUNT = 'mount -t tmpfs -o size=48m,mode=750 none "$1" && cp -r "$2"/. "$1" && shift 2 && exec "$@"'


class OnItsOwnDisk(Hotline):
    """A hotline whose home is a small disk of its own, which only its processes see; `inside` is that disk."""

    def spawn(self) -> None:
        template = self.home.with_name(f"{self.home.name}-template")
        template.mkdir(exist_ok=True)
        brisk.install(template)
        words = ["unshare", "-Urm", "sh", "-c", MOUNT, "sh", str(self.home), str(template), str(COMMAND), "run"]
        with self.home.with_name(f"{self.home.name}-output").open("a") as output:
            self.process = subprocess.Popen(
                words,
                cwd=TREE,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                text=True,
            )
        self.settings["outside"] = str(self.home)

    def wait_healthy(self, deadline: float = 60.0) -> None:
        super().wait_healthy(deadline)
        assert self.process is not None
        self.home = Path(f"/proc/{self.process.pid}/root{self.settings['outside']}")
        self.environment["SANSHENG_HOME"] = str(self.home)

    def end(self) -> None:
        """Leave no process behind: when the server is gone, nothing outside finds the notes of its children."""
        children = [pid for name in ("asterisk", "redis") if (pid := self.pid(name))]
        try:
            super().end()
        finally:
            for pid in children:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def fill(self) -> Path:
        """Take all the room there is."""
        file = self.home / "filler"
        with file.open("wb", buffering=0) as filler, suppress(OSError):
            while True:
                filler.write(bytes(1 << 16))
        with file.open("ab", buffering=0) as filler, suppress(OSError):
            while True:
                filler.write(b"x")
        return file


def may_mount() -> bool:
    return (
        subprocess.run(["unshare", "-Urm", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True).returncode == 0
    )


@pytest.fixture
def small() -> Iterator[OnItsOwnDisk]:
    if not may_mount():
        pytest.skip("this machine lets nobody mount a disk of their own")
    outside = make_home()
    hotline = OnItsOwnDisk(outside, {"SANSHENG_DRAIN_SECONDS": "0.5", "SANSHENG_RECORDING_OVERDUE_SECONDS": "2"})
    try:
        hotline.start()
        yield hotline
    finally:
        hotline.end()
        for folder in (outside, outside.with_name(f"{outside.name}-template")):
            shutil.rmtree(folder, ignore_errors=True)
        outside.with_name(f"{outside.name}-output").unlink(missing_ok=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Path:
    if not may_mount():
        pytest.skip("this machine lets nobody mount a disk of their own")
    return tmp_path


@pytest.fixture
async def people(small: OnItsOwnDisk) -> AsyncIterator[People]:
    async with AsyncExitStack() as stack:
        yield People(small, stack)


async def test_calls_are_taken_and_a_recording_is_joined_when_there_is_room_again(
    small: OnItsOwnDisk, people: People
) -> None:
    await people.sign_in("1001")
    call, leg = await people.talk("1001", "13800000001")
    filler = small.fill()
    await leg.hangup()
    await small.until(lambda: "is full: make room there" in str(small.health()["problems"]), "the disk is named", 20)
    assert "_PORT" not in str(small.health())
    assert call.state is CallState.TALKING
    refused = await small.command("agent", "status", "1001", "break", check=False)
    assert (refused.returncode, "port" in refused.stderr.lower()) == (1, False)
    # Whether the end of the conversation found room in the last page of Redis's file is chance: only then it is known
    # that there is something to join, and said that it cannot be.
    filler.unlink()
    await small.until(lambda: small.health()["ok"], "calls are taken again", 15)

    def joined() -> bool:
        log = (small.home / "log" / "server.log").read_text()
        return not small.warnings() and "a part of the server failed" not in log

    await small.until(joined, "the recording is joined, without a restart", 20)
    assert (await small.request("GET", "/api/v1/recordings"))["items"][0]["seconds"] > 0


def test_a_start_without_room_blames_the_disk(small_disk: Path) -> None:
    home = small_disk / "home"
    fill = (
        f'mount -t tmpfs -o size=256k none "{small_disk}"; mkdir -m 750 "{home}"; dd if=/dev/zero of="{home}/x" bs=4k; '
    )
    words = ["unshare", "-Urm", "sh", "-c", f'{fill} exec "$@"', "sh", str(COMMAND), "run"]
    environment = os.environ | {"SANSHENG_HOME": str(home)}
    done = subprocess.run(words, cwd=TREE, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "full" in done.stderr.splitlines()[-1] or "No space" in done.stderr.splitlines()[-1]
    assert "PORT" not in done.stderr.splitlines()[-1]
