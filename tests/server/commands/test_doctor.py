"""The doctor looks at a real machine and a real home, and says what to do about what is not well."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest
from trustme import CA

import acd.events as acd
import recordings.events as rec
from acd.callbacks.states import PromiseState, PromiseView
from server import cli
from server.commands.checks import Finding, Verdict, certificates, machine, service, sockets
from server.config import Settings
from server.eventlog.derived_events import PromiseNoted
from server.hotline import definitions
from server.storage.database import open_database
from server.storage.projector import Projector
from server.storage.schema.migrate import migrate
from tests.server.telephony.asterisk.test_trunk_certificate import write_pair

NOBODY = sockets.HomeProcesses({})


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A home that was never used, and ports that nobody holds."""
    home = tmp_path / "home"
    home.mkdir(mode=0o750)
    names = ("sip_port", "http_port", "agi_port", "ami_port", "asterisk_http_port")
    return Settings(home=home, **{name: free_port() for name in names})


def those(lines: Iterator[Finding], verdict: Verdict) -> list[str]:
    return [line.sentence for line in lines if line.verdict is verdict]


Doctor = Callable[[], tuple[int, list[dict[str, str]]]]


@pytest.fixture
def doctor(settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Doctor:
    """`sansheng doctor --json` for this home."""
    for variable in [name for name in os.environ if name.startswith("SANSHENG_") and name != "SANSHENG_CACHE"]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("SANSHENG_HOME", str(settings.home))
    for name in ("sip", "http", "agi", "ami", "asterisk_http"):
        monkeypatch.setenv(f"SANSHENG_{name.upper()}_PORT", str(getattr(settings, f"{name}_port")))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("REDIS_URL", raising=False)

    def run() -> tuple[int, list[dict[str, str]]]:
        monkeypatch.setattr(sys, "argv", ["sansheng", "doctor", "--json"])
        with pytest.raises(SystemExit) as end:
            cli.main()
        return int(end.value.code or 0), json.loads(capsys.readouterr().out)

    return run


def test_a_home_that_was_never_used_is_well(doctor) -> None:
    code, lines = doctor()
    assert [line for line in lines if line["verdict"] == "fail"] == []
    assert code == 0
    looked_at = {line["check"] for line in lines}
    assert looked_at >= {"settings", "server", "ports", "versions", "definitions", "sounds", "disk", "clock"}
    assert looked_at >= {"permissions", "limits", "log", "records", "callbacks"}
    assert any("no server runs" in line["sentence"] for line in lines)


def test_something_that_fails_ends_with_1(doctor, settings) -> None:
    (settings.home / "hotline.toml").write_text("skills = 3\n")
    code, lines = doctor()
    assert code == 1
    (line,) = (line for line in lines if line["verdict"] == "fail")
    assert line["check"] == "definitions"
    assert "1 error, see `sansheng check`; the first: hotline.toml:1: skills is a list" in line["sentence"]


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM], ids=["tcp", "udp"])
@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
def test_a_port_that_a_stranger_holds_is_named_with_the_stranger_and_the_setting(settings, kind, address) -> None:
    with closing(socket.socket(socket.AF_INET, kind)) as stranger:
        stranger.bind((address, settings.sip_port))
        if kind is socket.SOCK_STREAM:
            stranger.listen()
        (sentence,) = those(sockets.check_ports(settings, NOBODY), Verdict.FAIL)
    assert f"port {settings.sip_port} (SIP) is held by " in sentence
    assert f"(process {os.getpid()}): stop it, or set SANSHENG_SIP_PORT to a free port" in sentence


def test_a_port_that_this_home_holds_itself_is_ours(settings) -> None:
    with closing(socket.socket()) as ours:
        ours.bind(("127.0.0.1", settings.http_port))
        ours.listen()
        lines = list(sockets.check_ports(settings, sockets.HomeProcesses({"server": os.getpid()})))
    assert f"port {settings.http_port} (API) is ours" in those(iter(lines), Verdict.OK)
    # The server runs, and yet nobody listens where calls are handed over.
    assert any(f"port {settings.agi_port} " in sentence for sentence in those(iter(lines), Verdict.FAIL))


def test_the_server_of_a_home_is_known_by_its_lock(settings) -> None:
    assert sockets.home_processes(settings) == NOBODY
    with (settings.home / "lock").open("w"):
        assert sockets.home_processes(settings).pids == {"server": os.getpid()}


def test_what_answers_in_the_place_of_the_server_is_no_server(settings) -> None:
    with closing(socket.socket()) as stranger:
        stranger.bind(("127.0.0.1", settings.http_port))
        stranger.listen()
        stranger.settimeout(10)

        def answer() -> None:
            connection, _ = stranger.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")

        answering = Thread(target=answer)
        answering.start()
        (sentence,) = those(service.check_server(settings, NOBODY), Verdict.FAIL)
        answering.join()
    assert "is not Sansheng: set SANSHENG_HTTP_PORT" in sentence


def test_secrets_that_others_may_read_fail_with_what_to_do(settings) -> None:
    secrets = settings.home / "secrets"
    secrets.mkdir(mode=0o700)
    (secrets / "ami").touch(mode=0o600)
    assert those(machine.check_permissions(settings, NOBODY), Verdict.FAIL) == []
    (secrets / "ami").chmod(0o644)
    (sentence,) = those(machine.check_permissions(settings, NOBODY), Verdict.FAIL)
    assert sentence == f"{secrets}/ami may be read by others: chmod go-rwx {secrets}/ami"


def test_a_home_that_everybody_may_look_into_is_a_warning(settings) -> None:
    settings.home.chmod(0o755)
    found = those(machine.check_permissions(settings, NOBODY), Verdict.WARN)
    assert any(f"chmod g-w,o= {settings.home}" in sentence for sentence in found)


def test_what_others_may_read_in_the_home_is_a_warning(settings) -> None:
    settings.home.chmod(0o750)
    records = settings.home / "records.db"
    records.touch()
    records.chmod(0o640)
    assert not any("records.db" in line.sentence for line in machine.check_permissions(settings, NOBODY))
    records.chmod(0o644)
    found = those(machine.check_permissions(settings, NOBODY), Verdict.WARN)
    assert any(f"chmod g-w,o= {records}" in sentence for sentence in found)


def test_a_process_of_another_user_is_a_warning(settings) -> None:
    settings.home.chmod(0o750)
    found = those(machine.check_permissions(settings, sockets.HomeProcesses({"redis": os.getpid()})), Verdict.WARN)
    assert not any("another user" in sentence for sentence in found)
    if os.geteuid() == 0:
        os.chown(settings.home, 65534, -1)
        found = those(machine.check_permissions(settings, sockets.HomeProcesses({"redis": os.getpid()})), Verdict.WARN)
        assert any("another user" in sentence for sentence in found)


def test_a_variable_that_is_no_setting_is_a_warning(settings, monkeypatch) -> None:
    monkeypatch.setenv("SANSHENG_SIPPORT", "5070")
    sentences = those(service.check_settings(settings), Verdict.WARN)
    assert any(sentence.startswith("SANSHENG_SIPPORT is no setting") for sentence in sentences)


def test_numbers_that_nobody_took_in_are_counted(settings) -> None:
    spool = settings.home / "spool" / "callbacks"
    spool.mkdir(parents=True)
    for name in ("a.json", "b.json"):
        (spool / name).write_text("{}")
    assert those(service.check_spool(settings, NOBODY), Verdict.WARN) == []
    (spool / "a.json").touch()
    os.utime(spool / "a.json", (time.time() - 600,) * 2)
    (sentence,) = those(service.check_spool(settings, NOBODY), Verdict.WARN)
    assert "1 number taken while no server answered" in sentence


@pytest.mark.parametrize(
    "end", [acd.ConversationEnded(1, "1001", "agent", talked=3.0), acd.CallEnded(1, "caller_hung_up")]
)
def test_a_recording_that_is_overdue_is_found_until_it_is_settled(settings, story, end) -> None:
    database = open_database(settings.records_url)
    migrate(database.write)
    story.now = story.began = 1_700_000_000.0
    story.arrive()
    story.serve()
    story.tell(rec.RecordingStarted(1, 1, "1001", "a-caller.wav", "a-agent.wav"), end)
    Projector(database.write).apply(story.entries)
    (sentence,) = those(service.check_records(settings, NOBODY), Verdict.WARN)
    after = "60 s after the conversation: start the server, which joins them; the first is 1"
    assert sentence == f"1 recording neither joined nor missing {after}"
    Projector(database.write).apply([story.tell(rec.RecordingMissing(1, "nothing was written"))])
    database.dispose()
    assert those(service.check_records(settings, NOBODY), Verdict.WARN) == []


def test_a_database_that_is_behind_the_product_says_how_to_migrate(settings) -> None:
    open_database(settings.records_url).write.connect().close()
    (sentence,) = those(service.check_records(settings, NOBODY), Verdict.WARN)
    assert "sansheng db migrate" in sentence


def test_a_database_that_is_none_fails(settings) -> None:
    (settings.home / "records.db").write_bytes(b"this is no database" * 100)
    (sentence,) = those(service.check_records(settings, NOBODY), Verdict.FAIL)
    assert "file is not a database; nothing is lost" in sentence


def test_few_files_for_many_calls_are_a_warning() -> None:
    assert those(machine.check_limits(NOBODY, 10), Verdict.WARN) == []
    assert any("ulimit -n" in each for each in those(machine.check_limits(NOBODY, 10_000_000), Verdict.WARN))


def test_few_ports_for_many_calls_are_a_warning(settings) -> None:
    assert those(machine.check_audio_ports(settings, 200), Verdict.WARN) == []
    (sentence,) = those(machine.check_audio_ports(settings, 400), Verdict.WARN)
    assert "carries 333 calls, max_calls is 400: the line is full at 333; lower max_calls, or give 1200" in sentence


def test_the_clock_and_the_disk_are_looked_at(settings) -> None:
    assert any("runs evenly" in line.sentence for line in machine.check_clock())
    assert any("a flush takes" in line.sentence for line in machine.check_disk(settings.root))


def test_promises_without_a_trunk_are_named_and_so_is_a_number_that_is_missing(settings, story) -> None:
    assert "no calls go out without a trunk" in those(service.check_calling_back(settings), Verdict.OK)[0]
    promise = PromiseView(
        1, "13800138000", "complaint", "", "zh", PromiseState.PENDING, 0, *[story.now] * 4, 0, None, 0, "", "api"
    )
    story.tell(PromiseNoted(promise))
    database = open_database(settings.records_url)
    migrate(database.write)
    Projector(database.write).apply(story.entries)
    database.dispose()
    (sentence,) = those(service.check_calling_back(settings), Verdict.WARN)
    assert sentence.startswith("1 promised call cannot be made without a trunk: set one up")
    trunked = replace(settings, trunk="sip:127.0.0.1:5090")
    (sentence,) = those(service.check_calling_back(trunked), Verdict.WARN)
    assert sentence == "calls go out over sip:127.0.0.1:5090 and show no number; 1 promise"
    text = definitions.DEFAULTS.read_text(encoding="utf-8").replace('outgoing = ""', 'outgoing = "01065529988"')
    (settings.home / "hotline.toml").write_text(text, encoding="utf-8")
    (sentence,) = those(service.check_calling_back(trunked), Verdict.OK)
    assert "show 01065529988" in sentence


def test_certificates_are_looked_at_though_no_server_runs(settings: Settings) -> None:
    (settings.home / "hotline.toml").write_text('[trunks.secure]\naddress = "192.0.2.1"\ntransport = "tls"\n')
    folder = settings.home / "secrets" / "sip"
    folder.mkdir(parents=True)
    assert list(certificates.check_certificates(settings)) == []
    own = replace(settings, tls_cert=folder / "certificate.pem", tls_key=folder / "key.pem")
    assert len(those(certificates.check_certificates(own), Verdict.FAIL)) == 1
    write_pair(folder, CA())
    assert len(those(certificates.check_certificates(own), Verdict.OK)) == 2
    write_pair(folder, CA(), datetime.now(UTC) + timedelta(days=13))
    assert all("renew it" in each for each in those(certificates.check_certificates(own), Verdict.WARN))
    (folder / "key.pem").write_text("half")
    of_the_api, of_the_trunks = those(certificates.check_certificates(own), Verdict.FAIL)
    assert "the server does not start with them" in of_the_api
    assert "trunks with TLS do not take them" in of_the_trunks
