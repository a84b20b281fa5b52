"""A list is there at once: it loads nothing that it does not need. Counted, not timed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

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
LISTS = ("call list", "call list --since 2027-01-15", "ticket list --state new", "recording list", "callback list",
         "report day", "report hourly", "report callback", "call show 1")  # fmt: skip


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
        assert "sqlalchemy" in modules.split()
        assert HEAVY & set(modules.split()) == set(), typed


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
