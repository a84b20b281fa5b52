"""What tests of every part share: a database to be had on SQLite and on a real PostgreSQL, started once a run."""

from __future__ import annotations

import ctypes
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from server.provision import Tool, default_cache, provision

NOBODY = 65534
"""PostgreSQL refuses to run as root; a test run of root's gives it to this user."""
PR_SET_PDEATHSIG = 1


@dataclass
class PostgresServer:
    """A running PostgreSQL without durability, on a unix socket in `home`."""

    home: Path
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.home}"

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        return psycopg.connect(host=str(self.home), user="postgres", dbname=database, autocommit=True)

    def new_database(self) -> str:
        """Make an empty database and give its URL."""
        name = f"test_{next(self.numbers)}"
        with self.connect() as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.url(name)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    tool = provision("postgresql", default_cache(), lambda line: None)
    home = Path(tempfile.mkdtemp(prefix="sansheng-postgres-"))
    try:
        yield from _run_postgres(tool, home)
    finally:
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty database of its own, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'records.db'}"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_database()


def _run_postgres(tool: Tool, home: Path) -> Iterator[PostgresServer]:
    as_user: dict[str, object] = {}
    if os.geteuid() == 0:
        os.chown(home, NOBODY, NOBODY)
        as_user = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    environment = {**os.environ, **tool.env, "HOME": str(home)}
    prefix, reachable = _within_reach(tool, home, as_user)

    def argv(program: str, *args: object) -> list[str]:
        return [word.replace(prefix, reachable) if prefix else word for word in tool.argv(program, *args)]

    def run(*command: str) -> None:
        done = subprocess.run(
            command, env=environment, cwd=home, capture_output=True, text=True, timeout=120, **as_user
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"

    data = home / "data"
    run(*argv("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"))
    fast = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "listen_addresses=", "max_connections=50")
    options = [word for option in fast for word in ("-c", option)]
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            argv("postgres", "-D", data, "-k", home, *options),
            env=environment,
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=_end_with_parent,
            **as_user,
        )
    server = PostgresServer(home)
    try:
        _wait_until_ready(server, process)
        yield server
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def _within_reach(tool: Tool, home: Path, as_user: dict[str, object]) -> tuple[str, str]:
    """(prefix, where it can be read): a private prefix in a folder of root's is copied for the other user."""
    prefix = "" if tool.prefix is None else str(tool.prefix)
    if not prefix or not as_user:
        return prefix, prefix
    try:
        seen = subprocess.run(tool.argv("postgres", "--version"), capture_output=True, timeout=30, **as_user).returncode
    except OSError:
        seen = 1
    if seen == 0:
        return prefix, prefix
    shutil.copytree(prefix, home / "prefix", symlinks=True)
    return prefix, str(home / "prefix")


def _wait_until_ready(server: PostgresServer, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            server.connect().close()
        except psycopg.OperationalError:
            assert process.poll() is None, (server.home / "log").read_text()
            assert time.monotonic() < deadline, (server.home / "log").read_text()
            time.sleep(0.05)
        else:
            return


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)
