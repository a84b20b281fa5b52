"""No other user of the machine can read callers' data, however wide the home and the umask were."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e import brisk
from tests.e2e.conftest import Hotline

pytestmark = pytest.mark.e2e


@pytest.fixture
def no_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def open_to_others(home: Path) -> list[str]:
    """What others may read or write in the home, once its own mode has been relaxed."""
    found = []
    for path in (each for each in home.rglob("*") if not each.is_symlink()):
        mode = path.stat().st_mode
        if mode & (stat.S_IRWXO | stat.S_IWGRP):
            found.append(f"{path.relative_to(home)} {mode:o}")
    return found


async def test_a_wide_home_is_closed_and_whatever_a_call_leaves_in_it(
    new_hotline: Callable[..., Hotline], no_umask: None
) -> None:
    hotline = new_hotline()
    brisk.install(hotline.home)
    hotline.home.chmod(0o777)
    hotline.start()
    assert stat.S_IMODE(hotline.home.stat().st_mode) == 0o750
    await hotline.command("demo", "call")
    await hotline.command("db", "backup", "--to", str(hotline.home / "saved.db"))
    made = {str(path.relative_to(hotline.home)) for path in hotline.home.rglob("*")}
    assert any(path.endswith(".wav") and path.startswith("recordings/") for path in made), sorted(made)
    assert {"records.db", "redis/redis.sock", "log/server.log", "asterisk/asterisk.pid", "saved.db"} <= made
    # What the test itself put there is not the hotline's.
    own = ("output", "hotline.toml", "flows")
    assert [each for each in open_to_others(hotline.home) if not each.startswith(own)] == []
    diagnosis = (await hotline.command("doctor", check=False)).stdout
    assert not any("open to others" in line for line in diagnosis.splitlines())
    (hotline.home / "saved.db").unlink()  # of the test's own choice: nothing says what a deletion does with it


async def test_a_shared_folder_is_refused_as_a_home(new_hotline: Callable[..., Hotline]) -> None:
    hotline = new_hotline()
    (hotline.home / "thesis.txt").touch()
    hotline.home.chmod(0o755)
    hotline.spawn()
    assert hotline.process is not None
    assert hotline.process.wait(30) == 1
    assert "holds other things: set SANSHENG_HOME to a folder of its own" in hotline.output()
    assert sorted(path.name for path in hotline.home.iterdir()) == ["output", "thesis.txt"]
    (hotline.home / "thesis.txt").unlink()
