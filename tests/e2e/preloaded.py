"""Servers and commands that begin with everything imported: imports are most of what a start costs.

One process for each that runs tests imports the server and waits; each server and command is a fork of it, in a session
of its own, with the environment, the folder and the output that it would have as a command.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module, reload
from pathlib import Path
from typing import Any

from tests.orphans import end_with_parent

TREE = Path(__file__).resolve().parents[2]
IMPORTED = (
    "server.cli",
    "server.commands.run",
    "server.definition_check",
    "server.election",
    "server.eventlog.unreadable",
    "server.hotline.standby",
    "server.leadership",
    "server.log_files",
    "server.mailing",
    "server.processes.liveness",
    "server.processes.sockets",
    "server.processes.heart",
    "server.startup",
    "server.storage.queries.day_mail",
    "server.storage.queries.records",
    "server.storage.queries.ticket_mail",
    "server.storage.retention",
    "server.storage.schema.migrate",
    "server.storage.trimming",
    "server.telephony.asterisk.ready",
    "server.usecases.recordings",
    "server.web.api.application",
    "server.web.certificates",
    "server.web.serve",
    "server.webhooks.delivery",
    "server.webhooks.sender",
    # What a server imports when it first needs it.
    "anyio._backends._asyncio",
    "httpcore",
    "provision",
    "pwdlib.hashers.argon2",
    "pydantic.v1",
    "sqlalchemy.dialects.sqlite",
    "sqlite3",
    "twisted.application.service",
    "twisted.internet.asyncioreactor",
)
"""All but `server.app` and `server.processes.children`, with which the reactor would be chosen."""


class Parent:
    """The process that servers are forked from; it ends with this one."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.preloaded"],
            cwd=TREE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )

    def ask(self, **question: Any) -> Any:
        """Its answer. Raises AssertionError when the process is gone."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._turn:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        assert answer, "the process that servers are forked from is gone"
        return json.loads(answer)


parent = cache(Parent)


class Server:
    """`sansheng run` with this environment, used as a `subprocess.Popen`; what it prints is appended to `output`.

    Other `words` make it another command; what it prints as errors may have a file of its own.
    """

    def __init__(
        self,
        command: Path,
        environment: Mapping[str, str],
        output: Path,
        words: Sequence[str] = ("run",),
        errors: Path | None = None,
    ) -> None:
        self.returncode: int | None = None
        self.pid: int = parent().ask(
            command=[str(command), *words],
            environment=dict(environment),
            output=str(output),
            errors=str(errors or output),
        )

    def poll(self) -> int | None:
        """The exit code, once it is over; the negative number of the signal that ended it."""
        if self.returncode is None:
            self.returncode = parent().ask(ended=self.pid)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """As `poll`, when it is over. Raises subprocess.TimeoutExpired."""
        end = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if end is not None and time.monotonic() > end:
                raise subprocess.TimeoutExpired("sansheng run", timeout or 0.0)
            time.sleep(0.01)
        return code

    def send_signal(self, number: int) -> None:
        """Nothing happens when it is over."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


def done(
    command: Path, words: Sequence[str], environment: Mapping[str, str], timeout: float
) -> subprocess.CompletedProcess[str]:
    """A command with these words, once it is over. Raises subprocess.TimeoutExpired."""
    with tempfile.TemporaryDirectory(prefix="ss-command-") as folder:
        output, errors = Path(folder) / "output", Path(folder) / "errors"
        process = Server(command, environment, output, words, errors)
        try:
            code = process.wait(timeout)
        finally:
            process.kill()
        return subprocess.CompletedProcess([str(command), *words], code, output.read_text(), errors.read_text())


class Prepared:
    """What each server would make at its start, made once."""

    def __init__(self) -> None:
        for name in IMPORTED:
            import_module(name)
        assert "twisted.internet.reactor" not in sys.modules, "a fork would have the loop of this process"
        from sqlalchemy.orm import configure_mappers

        from provision import default_cache, provision
        from server.hotline.parties import party
        from server.telephony.asterisk import documentation
        from server.web.description import application

        configure_mappers()
        party("13800138000", "CN", "a name")  # reads the patterns of numbers
        self.application = application()
        """Keeps the shapes of pages, which the API of a server then finds made."""
        if (data := provision("asterisk", default_cache(), lambda line: None).data) is not None:
            documentation.shortened(data / "documentation")
        self.records = _empty_records()

    def become(self, question: Mapping[str, Any]) -> None:
        """Be the command, and end with it; a server on SQLite finds the schema made."""
        from server import startup

        opened = startup.open_database

        def open_database(url: str) -> Any:
            if url.startswith("sqlite:///"):
                self._lay_out(Path(url.removeprefix("sqlite:///")))
            return opened(url)

        startup.open_database = open_database
        _become(question)

    def _lay_out(self, records: Path) -> None:
        if not records.exists():
            whole = records.with_suffix(f".{os.getpid()}")
            whole.write_bytes(self.records)
            with suppress(FileExistsError):  # another server was first
                records.hardlink_to(whole)
            whole.unlink()


def _empty_records() -> bytes:
    """An SQLite database with the newest schema and no rows."""
    from server.storage.database import open_database
    from server.storage.schema.migrate import migrate

    with tempfile.TemporaryDirectory(prefix="ss-records-") as folder:
        file = Path(folder) / "records.db"
        database = open_database(f"sqlite:///{file}")
        migrate(database.write)
        database.dispose()
        return file.read_bytes()


def _serve() -> None:
    """Fork servers, and tell how they ended, until the input ends."""
    prepared = Prepared()
    gc.freeze()
    for line in sys.stdin:
        question = json.loads(line)
        if (pid := question.get("ended")) is not None:
            ended, status = os.waitpid(pid, os.WNOHANG)
            answer = os.waitstatus_to_exitcode(status) if ended else None
        else:
            answer = os.fork()
            if answer == 0:
                prepared.become(question)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _become(question: Mapping[str, Any]) -> None:
    """Be the server, and end with it."""
    from server import cli, crash_points

    code: object = 1
    try:
        os.setsid()
        end_with_parent(signal.SIGTERM)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for descriptor, (name, flags) in enumerate(
            [
                (os.devnull, os.O_RDONLY),
                *((question[name], os.O_WRONLY | os.O_APPEND | os.O_CREAT) for name in ("output", "errors")),
            ]
        ):
            os.dup2(os.open(name, flags, 0o666), descriptor)
        os.closerange(3, 64)
        os.chdir(TREE)
        os.environ.clear()
        os.environ.update(question["environment"])
        reload(crash_points)  # it reads the environment once
        sys.argv = question["command"]
        cli.main()
        code = 0
    except SystemExit as end:
        code = end.code or 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 1)


if __name__ == "__main__":
    _serve()
