"""A leg's two files tell how long was spoken, and until when."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from recordings.layout import Packets
from server.telephony.channels.leg_files import LegFiles, add_counted, counted, part, parts, prefix_of


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


def test_the_parts_after_holds_count_too(files: LegFiles, tmp_path: Path) -> None:
    for name, seconds in (("7-1", 3), ("7-1+25300", 2), ("7-1+9000", 1), ("7-11", 9), ("7-1+x", 9)):
        for side in ("caller", "agent"):
            (tmp_path / f"{name}-{side}.wav").write_bytes(bytes(44 + 16_000 * seconds))
    assert files.seconds(7, 1) == 6.0
    assert [each.begins for each in parts(tmp_path / "7-1")] == [0.0, 9.0, 25.3]
    assert part(tmp_path / "7-1", 25.3).agent.name == "7-1+25300-agent.wav"


def test_counts_come_back_as_they_were_written_and_a_line_cut_off_is_left_out(tmp_path: Path) -> None:
    prefix = prefix_of(tmp_path / "7-1-caller.wav")
    add_counted(prefix, [Packets(0.2, 1, 1)])
    assert counted(prefix) == [], "without sound there is nothing to lay out"
    (tmp_path / "7-1-caller.wav").touch()
    packets = [Packets(0.5, 10, 12), Packets(1.0, 35, 12, 2.048)]
    add_counted(prefix, packets[:1])
    add_counted(prefix, packets[1:])
    with (tmp_path / "7-1-packets").open("a") as file:
        file.write("1500 4")
    assert counted(prefix) == packets
