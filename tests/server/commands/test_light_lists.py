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
sys.argv = ["sansheng", *sys.argv[1:]]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print("\\nloaded", *sys.modules)
"""
LISTS = ("call list", "call list --since 2027-01-15", "ticket list --state new", "recording list", "callback list",
         "report day", "report hourly", "report callback", "call show 1")  # fmt: skip


@pytest.mark.parametrize("typed", LISTS)
def test_a_list_loads_no_part_of_the_server(typed: str, filled: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *typed.split()],
        env={"SANSHENG_HOME": str(filled), "PATH": ""},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.rsplit("\nloaded ", 1)[1].split())
    assert "sqlalchemy" in loaded
    assert HEAVY & loaded == set()


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
