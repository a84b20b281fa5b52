"""`sansheng recording verify`: whatever is done to files or records after a recording was closed is found and named."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, delete, insert, select, update
from sqlalchemy.orm import Session

import recordings.events as rec
from recordings.chain import FIRST
from server import cli
from server.storage import integrity
from server.storage.database import Database, open_database
from server.storage.integrity import Integrity
from server.storage.projector import Projector
from server.storage.queries.chain import chain_end
from server.storage.recording_store import FolderStore, day_of, key_for
from server.storage.schema.recording_tables import Tombstone
from server.storage.schema.tables import Recording

DAY = 86_400.0
SHANGHAI = ZoneInfo("Asia/Shanghai")
Verify = Callable[..., tuple[int, list[tuple[str, str]], dict[str, Any]]]


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "recordings")


@pytest.fixture
def records(tmp_path: Path, store: FolderStore, story, migrated_sqlite: Path) -> Iterator[Database]:
    """Three recordings of 2027-01-15 and one of the 16th, each with its file."""
    shutil.copy(migrated_sqlite, tmp_path / "records.db")
    database = open_database(f"sqlite:///{tmp_path / 'records.db'}")
    for number in (1, 2, 3, 4):
        if number == 4:
            story.now += DAY
        story.tell(rec.RecordingStarted(number, number, "1001", "a", "b"))
        key = key_for(number, story.now)
        sound = f"sound {number}".encode() * 100
        with store.writing(key) as file:
            file.write(sound)
        digest = hashlib.sha256(sound).hexdigest()
        story.tell(rec.RecordingClosed(number, key, 1.0, 2, digest, -20.0, -20.0))
    Projector(database.write).apply(story.entries)
    yield database
    database.dispose()


@pytest.fixture
def verify(records, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Verify:
    """Runs the command: (exit code, [(kind, sentence)], JSON)."""
    for variable in [name for name in os.environ if name.startswith("SANSHENG_")]:
        monkeypatch.delenv(variable)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("SANSHENG_HOME", str(tmp_path))

    def run(*typed: str) -> tuple[int, list[tuple[str, str]], dict[str, Any]]:
        monkeypatch.setattr("sys.argv", ["sansheng", "recording", "verify", "--json", *typed])
        with pytest.raises(SystemExit) as end:
            cli.main()
        said = json.loads(capsys.readouterr().out)
        return int(end.value.code or 0), [(each["kind"], each["sentence"]) for each in said["findings"]], said

    return run


def change(engine: Engine, statement: Any) -> None:
    with Session(engine) as session, session.begin():
        session.execute(statement)


def test_recordings_that_nobody_touched_are_well(verify) -> None:
    code, found, said = verify()
    assert (code, found) == (0, [])
    assert [(each["day"], each["recordings"]) for each in said["days"]] == [("2027-01-15", 3), ("2027-01-16", 1)]


def test_one_day_alone_is_looked_at_and_its_last_link_compared_with_the_one_that_was_kept(verify, store) -> None:
    (store.root / "2027/01/16/4.wav").unlink()
    code, found, said = verify("--day", "2027-01-15")
    assert (code, found) == (0, [])
    (only,) = said["days"]
    assert verify("--day", "2027-01-15", "--last", only["last"])[0] == 0
    code, ((kind, sentence),), _ = verify("--day", "2027-01-15", "--last", FIRST)
    assert (code, kind) == (1, "removed")
    assert "the last link is not the one that was kept" in sentence
    assert verify("--day", "2027-01-17")[1] == []


def test_a_file_that_is_gone_was_removed(verify, store) -> None:
    (store.root / "2027/01/15/2.wav").unlink()
    assert verify()[:2] == (1, [("removed", "recording 2: its file 2027/01/15/2.wav is not in the store")])


@pytest.mark.parametrize("spoil", ["one byte", "cut off", "grown"])
def test_a_file_with_another_content_was_changed(verify, store, spoil: str) -> None:
    path = store.root / "2027/01/15/2.wav"
    sound = path.read_bytes()
    path.write_bytes({"one byte": b"S" + sound[1:], "cut off": sound[:-1], "grown": sound + b"."}[spoil])
    code, ((kind, sentence),), _ = verify()
    assert (code, kind) == (1, "changed")
    assert sentence.startswith("recording 2: its file 2027/01/15/2.wav has another SHA-256: ")


def test_a_file_that_cannot_be_read_is_a_finding_and_the_others_are_looked_at(verify, store) -> None:
    (store.root / "2027/01/15/3.wav").write_bytes(b"")
    (store.root / "2027/01/16/4.wav").unlink()
    (store.root / "2027/01/16").rmdir()
    (store.root / "2027/01/16").touch()
    code, found, _ = verify()
    assert code == 1
    assert [kind for kind, _ in found] == ["changed", "changed", "added"]
    assert "recording 4: its file 2027/01/16/4.wav cannot be read: Not a directory" in [each for _, each in found]


def test_a_file_of_no_record_was_added(verify, store) -> None:
    with store.writing("2027/01/15/99.wav") as file:
        file.write(b"?")
    expected = [("added", "2027/01/15/99.wav is in the store, and no record tells of it")]
    assert verify()[:2] == (1, expected)
    assert verify("--day", "2027-01-15")[1] == expected
    assert verify("--day", "2027-01-16")[1] == []


def test_a_recording_that_is_being_joined_was_not_added(verify, records, store, story) -> None:
    story.entries.clear()
    Projector(records.write).apply([story.tell(rec.RecordingStarted(5, 5, "1001", "a", "b"))])
    with store.writing(key_for(5, story.now)) as file:
        file.write(b"joined, and not in the records yet")
    assert verify()[:2] == (0, [])


def test_a_row_and_file_that_were_removed_show_in_the_chain_and_in_the_log(verify, records, store) -> None:
    change(records.write, delete(Recording).where(Recording.id == 2))
    (store.root / "2027/01/15/2.wav").unlink()
    code, found, _ = verify()
    assert code == 1
    assert found == [
        ("removed", "recording 3: position 2 of the chain is missing before it"),
        ("removed", "recording 2: the log closed it, and the records do not have it"),
    ]


def test_the_end_of_a_day_and_a_whole_day_cannot_be_cut_off_unnoticed(verify, records, store) -> None:
    change(records.write, delete(Recording).where(Recording.id.in_([3, 4])))
    for key in ("2027/01/15/3.wav", "2027/01/16/4.wav"):
        (store.root / key).unlink()
    assert verify()[1] == [
        ("removed", "recording 3: the log closed it, and the records do not have it"),
        ("removed", "recording 4: the log closed it, and the records do not have it"),
    ]


def test_a_file_that_was_exchanged_together_with_its_hash_in_the_records_shows(verify, records, store) -> None:
    (store.root / "2027/01/15/2.wav").write_bytes(b"other")
    forged = hashlib.sha256(b"other").hexdigest()
    change(records.write, update(Recording).where(Recording.id == 2).values(sha256=forged))
    ((kind, sentence),) = verify()[1]
    assert kind == "changed"
    assert "its link is not what it and the links before it give" in sentence
    assert "the records say of it what the log does not" in sentence


def test_a_row_that_the_log_never_closed_was_added(verify, records, store) -> None:
    with store.writing("2027/01/15/9.wav") as file:
        file.write(b"new")
    row = {"state": "closed", "path": "2027/01/15/9.wav", "sha256": hashlib.sha256(b"new").hexdigest()}
    forged = insert(Recording).values(
        id=9,
        call=1,
        agent="1001",
        caller_file="",
        agent_file="",
        problem="",
        day="2027-01-15",
        place=4,
        link="?",
        **row,
    )
    change(records.write, forged)
    assert [kind for kind, _ in verify()[1]] == ["changed", "added"]


def test_a_recording_is_read_in_blocks(records, store, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    class Watched:
        def __init__(self, file: Any) -> None:
            self.file = file

        def __enter__(self) -> Watched:
            return self

        def __exit__(self, *_: object) -> None:
            self.file.close()

        def read(self, size: int) -> bytes:
            sizes.append(size)
            return bytes(self.file.read(size))

    class Slow:
        keys = staticmethod(store.keys)

        def open(self, key: str) -> Any:
            return Watched(store.open(key))

    monkeypatch.setattr(integrity, "_BLOCK", 64)
    assert list(Integrity(records.read, Slow()).findings()) == []
    assert set(sizes) == {64}


def test_a_day_that_is_none_is_refused_in_a_sentence(records, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("SANSHENG_HOME", str(tmp_path))
    for typed, said in (
        (("--day", "yesterday"), "--day yesterday: write a day such as 2027-01-15"),
        (("--last", FIRST), "--last is the last link of one day: name it with --day"),
    ):
        monkeypatch.setattr("sys.argv", ["sansheng", "recording", "verify", *typed])
        with pytest.raises(SystemExit) as end:
            cli.main()
        assert end.value.code == 1
        assert said in capsys.readouterr().err


def test_what_is_found_is_one_line_each(records, store, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("SANSHENG_HOME", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["sansheng", "recording", "verify"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert not end.value.code
    assert capsys.readouterr().out == "4 recordings of all days: nothing was removed, changed or added\n"
    (store.root / "2027/01/15/2.wav").unlink()
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 1
    line = "removed  2027-01-15  recording 2: its file 2027/01/15/2.wav is not in the store\n"
    assert capsys.readouterr().out == line


def test_a_recording_belongs_to_the_day_of_the_hotline(verify, records, store, story) -> None:
    """It is closed at two in the morning in Shanghai, when it is still the day before in UTC."""
    story.entries.clear()
    story.now += 10 * 3600
    started = story.tell(rec.RecordingStarted(5, 5, "1001", "a", "b"))
    key = key_for(5, started.at, SHANGHAI)
    with store.writing(key) as file:
        file.write(b"in the night")
    digest = hashlib.sha256(b"in the night").hexdigest()
    story.tell(rec.RecordingClosed(5, key, 1.0, 2, digest, -20.0, -20.0, day=day_of(story.now, SHANGHAI)))
    Projector(records.write).apply(story.entries)
    assert (key, records_of(records, "2027-01-17")) == ("2027/01/17/5.wav", [5])
    assert verify()[:2] == (0, [])
    code, found, told = verify("--day", "2027-01-17")
    assert (code, found, told["days"][0]["recordings"]) == (0, [], 1)
    assert verify("--day", "2027-01-16")[2]["days"][0]["recordings"] == 1, "that of before the log knew the day"


def records_of(records: Database, day: str) -> list[int]:
    with Session(records.read) as session:
        return sorted(session.scalars(select(Recording.id).where(Recording.day == day)))


# Links of the second version, tombstones, derived files


@pytest.fixture
def covered(tmp_path: Path, store: FolderStore, story, records) -> Database:
    """A fifth recording whose link covers call, agent, start and length."""
    story.entries.clear()
    story.tell(rec.RecordingStarted(5, 5, "1001", "a", "b"))
    started, key = round(story.now, 3), key_for(5, story.now)
    with store.writing(key) as file:
        file.write(b"sound 5")
    digest = hashlib.sha256(b"sound 5").hexdigest()
    closed = rec.RecordingClosed(
        5, key, 1.5, 2, digest, -20.0, -20.0, call=5, agent="1001", started_at=started, chain=2
    )
    story.tell(closed)
    Projector(records.write).apply(story.entries)
    return records


def test_problems_say_what_is_missing_and_what_is_changed(verify, store) -> None:
    (store.root / "2027/01/15/1.wav").unlink()
    (store.root / "2027/01/15/2.wav").write_bytes(b"?")
    code, _, said = verify()
    assert code == 1
    assert [(each["id"], each["what"]) for each in said["problems"]] == [(1, "missing"), (2, "changed")]


def test_old_and_new_links_are_verified_alike(covered, verify) -> None:
    assert verify()[:2] == (0, [])
    with Session(covered.read) as session:
        assert [link.startswith("2:") for link in session.scalars(select(Recording.link).order_by(Recording.id))] == [
            False,
            False,
            False,
            False,
            True,
        ]


@pytest.mark.parametrize("forged", [{"call": 6}, {"agent": "1002"}, {"seconds": 1.4}, {"link": "f" * 64}])
def test_what_a_link_covers_cannot_be_changed_unseen(covered, verify, forged: dict[str, Any]) -> None:
    change(covered.write, update(Recording).where(Recording.id == 5).values(**forged))
    code, ((kind, sentence),), _ = verify()
    assert (code, kind) == (1, "changed")
    assert sentence.startswith("recording 5: ")


def test_a_deletion_is_a_link_of_its_day_and_what_was_deleted_stays_in_the_chain(covered, verify, store, story) -> None:
    story.entries.clear()
    story.tell(rec.RecordingDeleted(2, "its time was over", "retention", "2027-01-16"))
    story.tell(rec.RecordingDeleted(2, "again", "retention", "2027-01-16"))
    Projector(covered.write).apply(story.entries)
    assert [kind for kind, _ in verify()[1]] == ["added"]  # the file is there still
    store.delete("2027/01/15/2.wav")
    code, found, said = verify()
    assert (code, found) == (0, [])
    ends = {each["day"]: each["last"] for each in said["days"]}
    assert ends["2027-01-16"].startswith("2:")
    assert chain_end(covered.read, date(2027, 1, 16)).last == ends["2027-01-16"]
    assert chain_end(covered.read, date(2027, 1, 16)).deleted == 1
    change(covered.write, update(Tombstone).values(why="never was"))
    assert [kind for kind, _ in verify("--day", "2027-01-16")[1]] == ["changed"]


def test_a_deletion_that_the_log_does_not_know_is_found(covered, verify, store) -> None:
    store.delete("2027/01/15/2.wav")
    change(covered.write, update(Recording).where(Recording.id == 2).values(state="deleted", path=""))
    code, ((kind, sentence),), _ = verify()
    assert (code, kind) == (1, "removed")
    assert sentence == "recording 2: the records say deleted, and the log does not"


def test_derived_files_of_a_recording_are_nobodys_fault_and_those_of_nobody_are(verify, store) -> None:
    for key in ("2027/01/15/1.webm", "2027/01/15/1.marks.json"):
        with store.writing(key) as file:
            file.write(b"made")
    assert verify()[:2] == (0, [])
    with store.writing("2027/01/15/77.webm") as file:
        file.write(b"made")
    assert [sentence for _, sentence in verify()[1]] == [
        "2027/01/15/77.webm is in the store, and no record tells of it"
    ]
