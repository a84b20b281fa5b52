"""A leg's two files tell how long was spoken, and until when."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from server.telephony.channels.leg_files import LegFiles


@pytest.fixture
def files(tmp_path: Path) -> LegFiles:
    return LegFiles(lambda call, offer: tmp_path / f"{call}-{offer}")


def test_a_leg_without_files_was_not_spoken_in(files: LegFiles) -> None:
    assert (files.seconds(7, 1), files.grew_until(7, 1)) == (0.0, None)


def test_the_longer_file_tells_the_seconds_and_the_newer_one_the_end(files: LegFiles, tmp_path: Path) -> None:
    caller, agent = tmp_path / "7-1-caller.wav", tmp_path / "7-1-agent.wav"
    caller.write_bytes(bytes(44 + 16_000 * 3))
    agent.write_bytes(bytes(44 + 16_000 * 2))
    os.utime(caller, (1_800_000_000, 1_800_000_000))
    os.utime(agent, (1_800_000_005, 1_800_000_005))
    assert files.seconds(7, 1) == 3.0
    assert files.grew_until(7, 1) == 1_800_000_005
