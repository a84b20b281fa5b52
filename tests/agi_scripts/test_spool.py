"""The spool: an entry is there whole, or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from agi_scripts.spool import Entry, plausible, put

ENTRY = Entry("0b6e", "13800001111", "13800001111", "attitude", "4008001234", 1000.5, call=7, complete=True)


def test_an_entry_is_one_file_of_plain_fields(tmp_path: Path) -> None:
    path = put(tmp_path / "spool" / "callbacks", ENTRY)
    assert path.name == "0b6e.json"
    assert json.loads(path.read_text()) == {
        "id": "0b6e",
        "caller": "13800001111",
        "number": "13800001111",
        "category": "attitude",
        "called": "4008001234",
        "taken_at": 1000.5,
        "call": 7,
        "complete": True,
        "language": "zh",
        "full": False,
        "channel": "",
    }
    assert [entry.name for entry in path.parent.iterdir()] == ["0b6e.json"]


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        put(tmp_path, ENTRY)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "good"),
    [
        ("13800001111", True),
        ("+8613800001111", True),
        ("95588", True),
        ("9558", False),
        ("1" * 16, False),
        ("", False),
        ("anonymous", False),
        ("138 0000", False),
        ("13800001111\n", False),
        ("١٣٨٠٠٠٠", False),
    ],
)
def test_a_number_is_plausible_when_a_person_could_be_reached_there(number: str, good: bool) -> None:
    assert plausible(number) is good
