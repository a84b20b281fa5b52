"""Entries that cannot be read: set aside whole, once, in a bounded file, until somebody has settled them."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from server.commands.checks import Verdict, service
from server.config import Settings
from server.eventlog.log import Entry, entry_of
from server.eventlog.unreadable import NAME, SetAside, read


def poison(number: int = 1, **fields: bytes) -> Entry:
    row = {b"t": b"CallArrived", b"e": b'{"call": null}', b"at": b"1790000000.5"}
    return entry_of(f"1790000000000-{number}", row | {name.encode(): value for name, value in fields.items()})


def test_an_entry_is_kept_whole_with_the_reason_and_when(tmp_path: Path) -> None:
    SetAside(tmp_path).keep(poison(e=b"\xff{\n", at=b"nan"))
    (line,) = (tmp_path / NAME).read_text().splitlines()
    kept = json.loads(line)
    assert kept["id"] == "1790000000000-1"
    assert kept["why"] == "CallArrived cannot be read: at nan is no instant"
    assert kept["set_aside_at"].endswith("+00:00")
    assert kept["fields"]["t"] == "CallArrived"
    assert base64.b64decode(kept["fields"]["e"]["base64"]) == b"\xff{\n"


def test_each_entry_is_set_aside_once_also_after_a_restart_and_when_it_is_settled(tmp_path: Path) -> None:
    first = SetAside(tmp_path)
    for entry in (poison(1), poison(2), poison(1)):
        first.keep(entry)
    assert (first.count, len((tmp_path / NAME).read_text().splitlines())) == (2, 2)
    second = SetAside(tmp_path)
    second.keep(poison(2))
    assert second.count == 2
    assert second.problem.startswith("2 entries of the log cannot be read and are set aside: `sansheng doctor`")
    (tmp_path / NAME).rename(tmp_path / f"{NAME}.settled")
    assert (second.count, second.problem) == (0, "")
    third = SetAside(tmp_path)
    for each in (second, third):
        each.keep(poison(2))
        assert each.count == 0
    third.keep(poison(3))
    assert third.problem.startswith("1 entry of the log cannot be read and is set aside")


def test_the_file_is_bounded_and_what_comes_beyond_is_counted(tmp_path: Path) -> None:
    aside = SetAside(tmp_path, most=1000)
    for number in range(1, 30):
        aside.keep(poison(number))
    assert aside.count == 29
    assert 700 < (tmp_path / NAME).stat().st_size <= 1000


def test_a_line_that_was_cut_off_spoils_no_other(tmp_path: Path) -> None:
    SetAside(tmp_path).keep(poison(1))
    with (tmp_path / NAME).open("ab") as file:
        file.write(b'{"id": "1790000000000-2", "why": "half a')
    aside = SetAside(tmp_path)
    aside.keep(poison(2))
    aside.keep(poison(3))
    assert [each["id"][-1] for each in read(tmp_path / NAME)] == ["1", "2", "3"]


def test_a_folder_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    aside = SetAside(tmp_path)
    (tmp_path / NAME).mkdir()
    aside.keep(poison(1))
    assert aside.count == 1


def test_the_doctor_names_the_first_one_and_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    settings = Settings(home=tmp_path)
    assert [line.verdict for line in service.check_unreadable(settings)] == [Verdict.OK]
    aside = SetAside(tmp_path / "log")
    aside.keep(poison(1))
    aside.keep(poison(2))
    (line,) = service.check_unreadable(settings)
    assert line.verdict is Verdict.FAIL
    assert "2 entries of the log cannot be read and are set aside" in line.sentence
    assert "1790000000000-1: CallArrived cannot be read: Expected `int`, got `null` - at `$.call`." in line.sentence
    assert f"mv {tmp_path}/log/unreadable " in line.sentence
