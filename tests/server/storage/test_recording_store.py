"""The store: what a name stands for is complete, or not there."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from server.storage.recording_store import FolderStore, ObjectError, key_for


@pytest.fixture
def store(tmp_path):
    return FolderStore(tmp_path / "store")


def test_what_was_written_can_be_opened_and_what_was_not_is_named(store):
    with store.writing("2027/01/15/1.wav") as file:
        file.write(b"sound" * 1000)
    with store.open("2027/01/15/1.wav") as file:
        assert file.read() == b"sound" * 1000
    with pytest.raises(ObjectError, match=r"2027/01/15/2\.wav is not in the store"):
        store.open("2027/01/15/2.wav")


def test_a_key_is_the_day_in_utc_and_the_number():
    assert key_for(17, 1_800_000_000.0) == "2027/01/15/17.wav"


def test_a_key_in_a_zone_is_the_day_there():
    at = 1_800_000_000.0 + 10 * 3600
    assert key_for(17, at) == "2027/01/15/17.wav"
    assert key_for(17, at, ZoneInfo("Asia/Shanghai")) == "2027/01/16/17.wav"


def test_a_write_that_fails_leaves_the_older_object_as_it_was(store):
    with store.writing("a.wav") as file:
        file.write(b"first")

    def fail():
        with store.writing("a.wav") as file:
            file.write(b"second")
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fail()
    with store.open("a.wav") as file:
        assert file.read() == b"first"
    assert [path.name for path in store.root.iterdir()] == ["a.wav"]


def test_what_a_crashed_writer_left_is_swept_away_and_nothing_else(store):
    with store.writing("a/b.wav") as file:
        file.write(b"whole")
    (store.root / "a" / ".unfinished-x").write_bytes(b"half")
    assert store.sweep() == 1
    assert list(store.keys()) == ["a/b.wav"]


def test_keys_are_listed_in_order_and_what_is_half_written_is_none(store):
    for key in ("b/2.wav", "a/1.wav", "b/10.wav"):
        with store.writing(key) as file:
            file.write(b"whole")
    (store.root / "a" / ".unfinished-x").write_bytes(b"half")
    assert list(store.keys()) == ["a/1.wav", "b/10.wav", "b/2.wav"]
    assert list(store.keys("b")) == ["b/10.wav", "b/2.wav"]
    assert list(store.keys("c")) == []


@pytest.mark.parametrize("key", ["", "/etc/passwd", "../x.wav", "a/../../x.wav", "a\0b", ".unfinished-x"])
def test_a_key_that_leads_out_of_the_store_is_refused(store, key):
    with pytest.raises(ObjectError, match="is not a key of the store"), store.writing(key):
        pass
