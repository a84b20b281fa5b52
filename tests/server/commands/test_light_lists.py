"""A list is there at once: it loads nothing that it does not need. Counted, not timed."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.main import get_command

from server.cli import COMMANDS, build

OF_OTHER_LISTS = {
    *("acd.events", "tickets.events", "server.storage.schema.quality_tables", "server.storage.schema.callback_tables"),
}
HEAVY = {
    *("alembic", "fastapi", "httpx", "numpy", "panoramisk", "phonenumbers", "psycopg", "redis", "rich", "soundfile"),
    *("starlette", "structlog", "twisted", "uvicorn", "server.eventlog.log", "server.hotline.definitions", "ivr.check"),
}
PROGRAM = """
import sys
from server.cli import main
for typed in sys.argv[1:]:
    sys.argv = ["sansheng", *typed.split()]
    try:
        main()
    except SystemExit as end:
        assert not end.code, (typed, end.code)
    print("\\nloaded by", typed, ":", *sys.modules)
"""
LISTS = ("call list", "call list --since 2027-01-15", "ticket list --state new", "recording list", "agent list",
         "callback list", "report day", "report hourly", "report callback", "call show 1")  # fmt: skip


def test_a_list_loads_no_part_of_the_server(filled: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *LISTS],  # in one process, since to start one takes longest
        env={"SANSHENG_HOME": str(filled), "PATH": ""},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    loaded = [line for line in done.stdout.splitlines() if line.startswith("loaded by ")]
    assert len(loaded) == len(LISTS)
    for line in loaded:
        typed, _, modules = line.removeprefix("loaded by ").partition(" : ")
        is_list = typed.partition(" ")[2].startswith("list")
        assert ("sqlalchemy" in modules.split()) != is_list, typed
        assert HEAVY & set(modules.split()) == set(), typed
        if is_list and not typed.startswith("callback"):
            assert OF_OTHER_LISTS & set(modules.split()) == set(), typed


ROWS = {
    "/api/v1/tickets": {"id": 7, "category": "attitude", "state": "new", "grade": "general"},
    "/api/v1/calls": {"id": 8, "caller": "138", "queue": "complaint"},
    "/api/v1/recordings": {"id": 9, "call": 8, "sha256": "ab"},
}


class Answers(BaseHTTPRequestHandler):
    """A server of this home that knows one row of each list."""

    asked: list[tuple[str, str]] = []  # noqa: RUF012

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.asked.append((self.path, self.headers["Authorization"]))
        body = json.dumps({"items": [ROWS[path]], "next": None}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


def test_a_list_that_the_running_server_answers_loads_no_records_and_no_other_command(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "api-token").write_text("owner")
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        environment = {"SANSHENG_HOME": str(tmp_path), "PATH": "", "SANSHENG_HTTP_PORT": str(server.server_address[1])}
        for typed, own, found in (
            ("ticket list --state new --json", "tickets", '"id": 7'),
            ("call list --caller 138 --json", "records", '"id": 8'),
            ("recording list --json", "recordings", '"id": 9'),
        ):
            done = subprocess.run(
                [sys.executable, "-c", PROGRAM, typed],
                env=environment, capture_output=True, text=True, timeout=60, check=False,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
            assert found in done.stdout
            modules = set(done.stdout.rpartition(" : ")[2].split())
            assert {"sqlalchemy", "asyncio", "acd.events", *HEAVY} & modules == set(), typed
            commands = {each for each in modules if each.startswith("server.commands.")}
            light = {f"server.commands.{name}" for name in (own, "output", "shared", "floor")}
            assert commands - {"server.commands.commands"} <= light, typed
        server.shutdown()
    assert [path for path, _ in Answers.asked] == [
        "/api/v1/tickets?state=new&limit=100",
        "/api/v1/calls?caller=138&limit=100",
        "/api/v1/recordings?limit=100",
    ]
    assert {bearer for _, bearer in Answers.asked} == {"Bearer owner"}


def test_one_first_word_is_built_as_in_the_whole_command_line() -> None:
    whole = get_command(build())
    assert list(whole.commands) == sorted(COMMANDS, key=list(whole.commands).index)  # type: ignore[attr-defined]
    assert set(whole.commands) == set(COMMANDS)  # type: ignore[attr-defined]
    for word in ("run", "ticket"):
        alone = get_command(build(word))
        assert list(alone.commands) == [word]  # type: ignore[attr-defined]
        assert alone.commands[word].help == whole.commands[word].help  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def filled(tmp_path_factory, migrated_sqlite) -> Path:
    """A home with records of one call."""
    from server.storage.database import open_database
    from server.storage.projector import Projector
    from tests.conftest import Story

    home = tmp_path_factory.mktemp("home")
    (home / "records.db").write_bytes(migrated_sqlite.read_bytes())
    story = Story()
    story.whole_call()
    database = open_database(f"sqlite:///{home / 'records.db'}")
    Projector(database.write).apply(story.entries)
    database.dispose()
    return home
