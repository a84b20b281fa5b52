"""The command line: what it prints, how it ends, and that nobody ever sees a traceback."""

from __future__ import annotations

import json
import os
import pwd
import resource
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from alembic.script import ScriptDirectory

import acd.events as acd
from acd.policy.definitions import Skill
from server import cli
from server.commands import run as running
from server.commands import shared
from server.config import Settings
from server.storage.database import open_database
from server.storage.projector import Projector
from server.storage.queries.records import Queries
from server.storage.recording_store import FolderStore
from server.storage.schema.migrate import config

COMMAND = Path(sys.executable).with_name("sansheng")


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Done]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without a server, on a port where nobody answers."""
    for variable in [name for name in os.environ if name.startswith("SANSHENG_")]:
        monkeypatch.delenv(variable)
    for variable in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(variable, raising=False)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        monkeypatch.setenv("SANSHENG_HTTP_PORT", str(probe.getsockname()[1]))
    monkeypatch.setenv("SANSHENG_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def sansheng(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command as a shell would, in this process."""

    def run(*typed: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["sansheng", *typed])
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = int(end.code or 0)
        out, err = capsys.readouterr()
        return Done(code, out, err)

    return run


@pytest.fixture
def records(home: Path, migrated_sqlite: Path, story) -> Path:
    """Records of one whole call and one agent."""
    shutil.copy(migrated_sqlite, home / "records.db")
    database = open_database(f"sqlite:///{home / 'records.db'}")
    story.tell(acd.AgentDefined("1001", "李明 [A]", (Skill("attitude", 3), Skill("complaint", 5)), ("A",)))
    story.whole_call()
    Projector(database.write).apply(story.entries)
    database.dispose()
    with FolderStore(home / "recordings").writing("2027/01/15/1.wav") as file:
        file.write(b"RIFF sound")
    return home


def words(text: str) -> list[str]:
    return text.split()


CALL_FIELDS = words(
    "id caller called queue category agent ticket recordings offered_at answered_at queued_at connected_at ended_at"
    " outcome satisfaction withheld called_name"
)


def test_calls_are_listed_with_exactly_the_fields_that_others_rely_on(records, sansheng) -> None:
    (call,) = sansheng("call", "list", "--json").json
    assert list(call) == CALL_FIELDS
    assert (call["id"], call["outcome"], call["satisfaction"], call["recordings"]) == (1, "handled", 5, [1])
    assert call["offered_at"].endswith("Z")


def test_recordings_tickets_and_agents_too(records, sansheng) -> None:
    (recording,) = sansheng("recording", "list", "--json").json
    assert list(recording) == words("id call agent ticket seconds channels sha256")
    (ticket,) = sansheng("ticket", "list", "--json").json
    assert list(ticket)[:6] == words("id call category grade state opened_at")
    (agent,) = sansheng("agent", "list", "--json").json
    assert list(agent) == words("id name skills status state since phone")
    assert agent["skills"] == {"attitude": 3, "complaint": 5}


def test_tables_show_times_in_the_hotlines_zone_and_keep_every_character(records, sansheng) -> None:
    (records / "hotline.toml").write_text('[calendar]\nzone = "Asia/Urumqi"\n', encoding="utf-8")
    heading, row = sansheng("call", "list").out.splitlines()
    assert heading.split()[:3] == ["id", "offered", "caller"]
    assert "2027-01-15 14:0" in row
    heading, row = sansheng("agent", "list").out.splitlines()
    assert "李明 [A]  attitude:3 complaint:5" in row


def test_columns_stand_below_each_other_in_chinese_too(records, sansheng) -> None:
    heading, row = sansheng("agent", "list").out.splitlines()
    wide = sum(character in "李明" for character in row)
    assert heading.index("skills") == row.index("attitude:3") + wide


def test_calls_are_filtered(records, sansheng) -> None:
    assert len(sansheng("call", "list", "--json", "--agent", "1001", "--outcome", "handled").json) == 1
    assert sansheng("call", "list", "--json", "--since", "2027-02-01").json == []
    assert len(sansheng("call", "list", "--json", "--until", "2027-02-01", "--caller", "13800138000").json) == 1
    assert sansheng("call", "list", "--queue", "media").out == "none\n"


def test_a_call_is_shown_with_its_decisions_and_the_reasons(records, sansheng) -> None:
    text = sansheng("call", "show", "1").out
    assert "offer: longest idle" in text
    assert "agent 1001: eligible, score 3 1" in text
    assert "agent 1002: on break: lunch" in text
    call = sansheng("call", "show", "1", "--json").json
    assert call["decisions"][0]["candidates"][1]["excluded"] == "on break: lunch"
    assert [leg["agent"] for leg in call["segments"]] == ["1001"]


def test_a_ticket_is_shown_with_its_history(records, sansheng) -> None:
    text = sansheng("ticket", "show", "1").out
    assert "opened" in text
    assert sansheng("ticket", "show", "1", "--json").json["calls"] == [1]


def test_an_agent_is_shown_with_how_the_time_was_spent(records, sansheng) -> None:
    assert "李明 [A]" in sansheng("agent", "show", "1001").out
    assert "intervals" in sansheng("agent", "show", "1001", "--json").json
    assert sansheng("agent", "show", "1009").err == "sansheng: there is no agent 1009: see `sansheng agent list`\n"


def test_a_recording_is_copied_out_whole_or_not_at_all(records, sansheng) -> None:
    target = records / "out.wav"
    done = sansheng("recording", "pull", "1", "--to", str(target))
    assert done.code == 0
    assert target.read_bytes() == b"RIFF sound"
    assert "30.0 s, sha256 " in done.out
    assert sansheng("recording", "pull", "1", "--to", str(target), "--purpose", "legal", "--reason", "court").code == 0
    assert "is no purpose" in sansheng("recording", "pull", "1", "--to", str(target), "--purpose", "fun").err
    done = sansheng("recording", "pull", "1", "--to", str(records / "no" / "out.wav"))
    assert (done.code, done.err) == (
        1,
        f"sansheng: {records}/no/out.wav cannot be written: No such file or directory\n",
    )
    (records / "recordings/2027/01/15/1.wav").unlink()
    assert "recording 1 is missing: 2027" in sansheng("recording", "pull", "1", "--to", str(target)).err
    assert "there is no recording 2" in sansheng("recording", "pull", "2", "--to", str(target)).err
    other, entry = audit_of(records)
    assert {each["reason"] for each in (other, entry)} == {"legal: court", "operations"}
    assert (entry["act"], entry["origin"], entry["subject"]) == ("recordings.pull", "command line", "recording 1")
    assert entry["by"] == f"{pwd.getpwuid(os.getuid()).pw_name} on this machine"


def test_of_a_recording_that_was_changed_nothing_is_copied(records, sansheng) -> None:
    (records / "recordings/2027/01/15/1.wav").write_bytes(b"RIFF s0und")
    target = records / "out.wav"
    done = sansheng("recording", "pull", "1", "--to", str(target))
    assert done.code == 1
    assert "recording 1 is changed: its file 2027/01/15/1.wav has another SHA-256: " in done.err
    assert not list(records.glob("*out.wav*"))
    assert audit_of(records) == []


def test_the_end_of_a_days_chain_is_shown(records, sansheng) -> None:
    end = sansheng("recording", "chain", "--day", "2027-01-15", "--json").json
    assert (end["recordings"], end["deleted"], len(end["last"])) == (1, 0, 64)
    assert end["last"] in sansheng("recording", "chain", "--day", "2027-01-15").out
    assert sansheng("recording", "chain", "--day", "2027-01-16", "--json").json["last"] == "0" * 64


def audit_of(home: Path) -> list[dict[str, Any]]:
    """The audit's entries, newest first."""
    database = open_database(f"sqlite:///{home / 'records.db'}")
    try:
        return Queries(database.read).audit_list().items
    finally:
        database.dispose()


def test_the_database_says_its_version_and_is_backed_up_while_in_use(records, sansheng) -> None:
    assert sansheng("db", "version", "--json").json["current"] is True
    copy = records / "backup.db"
    assert sansheng("db", "backup", "--to", str(copy)).code == 0
    os.replace(copy, records / "records.db")
    for rest in records.glob("records.db-*"):
        rest.unlink()
    assert len(sansheng("call", "list", "--json").json) == 1
    assert "is there already" in sansheng("db", "backup", "--to", str(records / "records.db")).err


def test_an_empty_database_is_migrated(home, sansheng) -> None:
    done = sansheng("db", "migrate")
    newest = ScriptDirectory.from_config(config()).get_current_head()
    assert (done.code, done.out) == (0, f"revision none → {newest}\n")
    assert sansheng("db", "migrate").out == f"revision {newest}: it was up to date\n"
    assert sansheng("call", "list", "--json").json == []


REFUSALS = [
    (("call", "list"), "there are no records in "),
    (("call", "show", "1"), "there are no records in "),
    (("db", "version"), "there are no records in "),
    (("agent", "add", "1001", "--name", "Li"), "no server was ever started in "),
    (("queue", "list"), "no server was ever started in "),
    (("demo", "call"), "no server was ever started in "),
    (("demo", "callback"), "no server was ever started in "),
    (("agent", "remove", "10 01"), "agent '10 01': a work number is 1 to 32 letters and digits"),
    (("demo", "call", "--digits", "abc"), "--digits abc: write keys of a telephone"),
    (("demo", "ivr", "--flow", "nix"), 'there is no flow "nix"'),
    (("agent", "add", "1001", "--name", "Li", "--skill", "complaint"), "--skill complaint: write NAME:LEVEL"),
    (("agent", "add", "1", "--name", "Li", "--secret", "12345678", "--contact", "sip:1@h"), "give one of them"),
]


@pytest.mark.parametrize(("typed", "sentence"), REFUSALS, ids=lambda each: " ".join(each)[:30])
def test_a_refusal_is_one_sentence_and_exit_1(sansheng, typed, sentence) -> None:
    done = sansheng(*typed)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("sansheng: ")
    assert sentence in done.err
    assert done.err.count("\n") == 1


def test_a_server_that_is_down_is_said_to_be_down(home, sansheng) -> None:
    (home / "secrets").mkdir()
    (home / "secrets" / "api-token").write_text("token\n")
    done = sansheng("agent", "status", "1001", "available")
    assert done.code == 1
    assert "no server answers at http://127.0.0.1:" in done.err
    assert "make run" in done.err


def test_a_wrong_setting_stops_every_command_with_its_name(sansheng, monkeypatch) -> None:
    monkeypatch.setenv("SANSHENG_SIP_PORT", "99999")
    for typed in (("run",), ("check",), ("doctor",), ("call", "list")):
        done = sansheng(*typed)
        assert (done.code, done.err) == (1, "sansheng: SANSHENG_SIP_PORT=99999: a port is a number from 1 to 65535\n")


@pytest.mark.parametrize(
    "typed",
    [
        (),
        ("nix",),
        ("call", "show", "first"),
        ("call", "list", "--limit", "0"),
        ("agent", "add", "1001"),
        ("agent", "status", "1001", "asleep"),
        ("recording", "pull", "1"),
        ("demo", "ivr", "--language", "fr"),
    ],
    ids=lambda typed: " ".join(typed) or "nothing",
)
def test_wrong_usage_ends_with_2(sansheng, typed) -> None:
    done = sansheng(*typed)
    assert done.code == 2
    assert "Usage: sansheng" in done.out + done.err
    assert "Traceback" not in done.err


def test_an_unexpected_error_is_one_sentence_and_its_details_are_kept(records, sansheng, monkeypatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the roof fell in")

    (records / "log").mkdir()
    monkeypatch.setattr("server.commands.records.show", broken)
    done = sansheng("call", "list")
    log = records / "log" / "commands.log"
    assert (done.code, done.out) == (1, "")
    assert done.err == f"sansheng: unexpected RuntimeError: the roof fell in; the details are in {log}\n"
    assert "Traceback" in log.read_text()


def test_records_that_are_no_database_are_refused(home, sansheng) -> None:
    (home / "records.db").write_bytes(b"this is no database, however long it may be" * 100)
    done = sansheng("call", "list")
    assert done.code == 1
    assert "the records cannot be read: file is not a database" in done.err


def test_check_prints_what_it_finds_and_ends_with_1_for_an_error(home, sansheng) -> None:
    done = sansheng("check")
    assert done.code == 0
    assert done.out.endswith("usable\n")
    (home / "hotline.toml").write_text('skills = ["a"]\n[queues.a]\nskill = "b"\n', encoding="utf-8")
    done = sansheng("check")
    assert done.code == 1
    assert f"error: {home}/hotline.toml:3: queues.a.skill: " in done.out
    (finding,) = (row for row in sansheng("check", "--json").json if row["severity"] == "error")
    assert (finding["line"], finding["key"]) == (3, "queues.a.skill")


def test_a_flow_is_tried_in_the_terminal(home, sansheng, monkeypatch) -> None:
    keys = iter(["1", "4", "", "5"])
    monkeypatch.setattr("builtins.input", lambda question: next(keys))
    text = sansheng("demo", "ivr", "--language", "en").out
    assert "waits in queue complaint, category attitude" in text
    assert "For a complaint, press one" in text
    assert "satisfaction 5" in text


def test_a_caller_who_hangs_up_ends_the_tryout(home, sansheng, monkeypatch) -> None:
    def gone(question: str) -> str:
        raise EOFError

    monkeypatch.setattr("builtins.input", gone)
    done = sansheng("demo", "ivr")
    assert done.code == 0
    assert "您好" in done.out
    assert "the caller hangs up" in done.out


def test_every_command_explains_itself(sansheng) -> None:
    text = sansheng("--help").out
    for name in words("run check doctor db agent queue call ticket recording demo"):
        assert f"\n  {name} " in text
        assert "Usage: sansheng" in sansheng(name, "--help").out


def test_the_welcome_fits_a_terminal_of_80_columns() -> None:
    assert max(map(len, running.welcome(Settings(home=Path("/tmp/x"))))) <= 80


def test_a_day_is_meant_in_the_hotlines_zone(home) -> None:
    assert shared.instant("2027-01-15", "--since").isoformat() == "2027-01-14T16:00:00+00:00"


def test_help_is_there_at_once() -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([str(COMMAND), "--help"], check=True, capture_output=True, timeout=60)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, server.cli; print(*sys.modules)"],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout.split()
    heavy = {"sqlalchemy", "fastapi", "pydantic", "twisted", "numpy", "httpx", "rich", "phonenumbers", "redis"}
    assert heavy & set(loaded) == set()
    assert after.ru_utime - before.ru_utime < 1.0
