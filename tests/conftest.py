"""Shared by all tests: a database, on SQLite and on a real PostgreSQL started once a run; a story to log."""

from __future__ import annotations

import gc
import hashlib
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import psycopg
import pytest
import structlog
import typer.main
import typer.testing
from hypothesis import settings
from sqlalchemy import make_url, text

import acd.events as acd
import ivr.events as ivr
import recordings.events as rec
import tickets.events as tickets
from acd.decisions import Candidate, Decision
from acd.policy.definitions import Requirement, Skill
from provision import Tool, default_cache, provision
from server.eventlog.derived_events import Decided
from server.eventlog.log import Entry
from server.storage.database import Database, open_database
from server.storage.schema.migrate import migrate
from server.storage.schema.tables import Base
from tests.ending import pytest_configure, pytest_testnodeready
from tests.orphans import with_parent

pytest_plugins = ("tests.processor_time",)
__all__ = ["pytest_configure", "pytest_testnodeready"]

# Every run tries the same examples, so that what fails has changed. HYPOTHESIS_PROFILE=search tries new ones.
# An example has no deadline: on a busy machine each of them may take long.
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("search", derandomize=False, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

# What is imported and collected stays to the end: to look through it for garbage is an eighth of a collection's time.
gc.disable()

SLOWEST = (
    "server/web/test_whole_api",
    "e2e/desk/test_walks",
    "e2e/desk/test_quality_pages",
    "e2e/test_calling_back",
    "e2e/test_transfers",
    "faults/test_callback_killed",
    "e2e/test_taking_numbers",
    "faults/test_others_killed",
    "faults/test_server_killed",
    "e2e/desk/test_floor",
    "e2e/desk/test_ticket_pages",
    "e2e/test_peak",
    "e2e/test_broken_off",
    "e2e/desk/test_admin",
    "e2e/desk/test_agent_desk",
    "e2e/desk/test_page_phone_sound",
    "faults/test_disk_full",
    "e2e/test_numbers",
    "e2e/test_phone_transfers",
    "faults/test_two_servers",
    "e2e/test_demo_load",
    "faults/test_callback_taken_over",
    "e2e/test_menus",
    "e2e/test_sound",
    "e2e/test_trunks",
    "e2e/test_away",
    "server/web/test_every_door",
    "fuzz/test_fuzz",
    "server/storage/test_figures_report",
    "quality/test_simulation",
    "acd/floor/test_oracles",
)
"""Files of tests that take longest, longest first: so no process is left with one of them when the others are done."""


WAITING = ("tests/e2e/", "tests/faults/", "tests/dialplan/")
"""Folders of tests that mostly wait for calls; the other tests compute."""
WAITED = 0.85
"""The place in the order, as a share of the whole, at which the last of those that wait begins."""


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "redis_server" in getattr(item, "fixturenames", ()):
            item.add_marker("redis")
    files = list(dict.fromkeys(_file(item) for item in items))
    slowest = {f"tests/{name}.py": place for place, name in enumerate(SLOWEST)}
    files.sort(key=lambda file: slowest.get(file, len(slowest)))
    waiting = [file for file in files if file.startswith(WAITING)]
    computing = [file for file in files if not file.startswith(WAITING)]
    # Side by side, so that the processor has work while calls ring, and calls have a processor.
    order = {file: WAITED * place / len(waiting) for place, file in enumerate(waiting)}
    order |= {file: place / len(computing) for place, file in enumerate(computing)}
    items.sort(key=lambda item: order[_file(item)])


def _file(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]


NOBODY = 65534
"""PostgreSQL refuses to run as root; a test run of root's gives it to this user."""
SOUND_SHA256 = hashlib.sha256(b"RIFF sound").hexdigest()
"""Of the recording of a whole call."""


@dataclass
class PostgresServer:
    """A running PostgreSQL without durability, on a unix socket in `home`."""

    home: Path
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.home}"

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        return psycopg.connect(host=str(self.home), user="postgres", dbname=database, autocommit=True)

    @contextmanager
    def new_database(self, template: str = "template1") -> Iterator[str]:
        """URL of an empty database or of a copy of `template`, which nobody has open; it is dropped at the end."""
        name = f"test_{next(self.numbers)}"
        with self.connect() as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
            yield self.url(name)
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    tool = provision("postgresql", default_cache(), lambda line: None)
    home = Path(tempfile.mkdtemp(prefix="sansheng-postgres-"))
    try:
        yield from _run_postgres(tool, home)
    finally:
        shutil.rmtree(home, ignore_errors=True)


BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]


@pytest.fixture(params=BOTH)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of an empty database of its own, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'records.db'}"
    else:
        server: PostgresServer = request.getfixturevalue("postgres")
        with server.new_database() as url:
            yield url


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with the newest schema and no rows, to be copied: a migration takes longer than most tests."""
    path = tmp_path_factory.mktemp("records") / "migrated.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def _migrated_postgres(postgres: PostgresServer) -> Iterator[str]:
    with postgres.new_database() as url:
        _migrate(url)
        yield url


@pytest.fixture(params=BOTH)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An open database with the newest schema and no rows, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_sqlite"), tmp_path / "records.db")
        database = open_database(f"sqlite:///{tmp_path / 'records.db'}")
    else:
        database = open_database(request.getfixturevalue("_migrated_postgres"))
        with database.write.begin() as connection:
            connection.execute(text(f"TRUNCATE {', '.join(Base.metadata.tables)}"))
    yield database
    database.dispose()


@contextmanager
def shared_database(request: pytest.FixtureRequest) -> Iterator[Database]:
    """For a fixture of a module, with `params=BOTH`: a database with the newest schema that its tests only read."""
    with _shared_url(request) as url:
        yield from _opened(url)


@contextmanager
def filled_database(
    request: pytest.FixtureRequest, fill: Callable[[Database], object]
) -> Iterator[Callable[[], AbstractContextManager[Database]]]:
    """For a fixture of a module, with `params=BOTH`: its tests open copies of a database that is filled once."""
    with _shared_url(request) as filled:
        for database in _opened(filled):
            fill(database)

        @contextmanager
        def copy() -> Iterator[Database]:
            with ExitStack() as stack:
                if request.param == "sqlite":
                    folder = stack.enter_context(tempfile.TemporaryDirectory())
                    shutil.copy(filled.removeprefix("sqlite:///"), folder)
                    url = f"sqlite:///{folder}/records.db"
                else:
                    server: PostgresServer = request.getfixturevalue("postgres")
                    url = stack.enter_context(server.new_database(str(make_url(filled).database)))
                yield from _opened(url)

        yield copy


@contextmanager
def _shared_url(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "sqlite":
        path = request.getfixturevalue("tmp_path_factory").mktemp("records") / "records.db"
        shutil.copy(request.getfixturevalue("migrated_sqlite"), path)
        yield f"sqlite:///{path}"
    else:
        with request.getfixturevalue("postgres").new_database() as url:
            _migrate(url)
            yield url


def _opened(url: str) -> Iterator[Database]:
    database = open_database(url)
    try:
        yield database
    finally:
        database.dispose()


def _migrate(url: str) -> None:
    database = open_database(url)
    migrate(database.write)
    database.dispose()


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
            preexec_fn=with_parent(signal.SIGQUIT),
            **as_user,
        )
    server = PostgresServer(home)
    try:
        _wait_until_ready(server, process)
        yield server
    finally:
        process.send_signal(signal.SIGQUIT)
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


@dataclass
class Story:
    """Log entries as a leader would append them, a second apart unless told otherwise."""

    began: float = 1_800_000_000.0
    now: float = 1_800_000_000.0
    entries: list[Entry] = field(default_factory=list)

    def tell(self, *events: object, later: float = 1.0, after: str = "") -> Entry:
        """These happened, one after another; the last entry."""
        for event in events:
            self.now += later
            entry_id = f"{int(self.now * 1000)}-{len(self.entries)}"
            self.entries.append(Entry(entry_id, self.now, event, after))
        return self.entries[-1]

    def arrive(self, call: int = 1, caller: str = "13800138000") -> Entry:
        return self.tell(acd.CallArrived(call, caller, "4001", f"PJSIP/{call}", f"u{call}", self.now + 0.8, "one"))

    def queue(self, call: int = 1, category: str = "attitude") -> Entry:
        wanted = Requirement((Skill("complaint"),), (Skill(category),))
        return self.tell(acd.CallQueued(call, "complaint", wanted, self.now + 1, category=category))

    def offer(self, cause: Entry, call: int = 1, number: int = 1, agent: str = "1001") -> Entry:
        candidates = (Candidate(agent, "", (3.0, 1.0)), Candidate("1002", "on break: lunch"))
        decision = Decision(call, "offer", "longest idle", self.now, "complaint", agent, number, candidates=candidates)
        return self.tell(Decided(decision), later=0.01, after=cause.id)

    def serve(self, call: int = 1, number: int = 1, agent: str = "1001") -> Entry:
        """Queued, offered, answered, joined."""
        self.offer(self.queue(call), call, number, agent)
        return self.tell(acd.OfferRinging(number), acd.OfferAnswered(number), acd.Joined(call, agent))

    def whole_call(self, call: int = 1, agent: str = "1001") -> Entry:
        """From the INVITE to the closed recording, with ticket, offer and recording of the call's own number."""
        self.arrive(call)
        self.tell(ivr.FieldSet(call, "business", "complaint"), ivr.FieldSet(call, "category", "attitude"))
        limit = self.began + 90_000
        self.tell(tickets.TicketOpened(call, call, "13800138000", "complaint", "attitude", "general", limit))
        self.serve(call, call, agent)
        self.tell(rec.RecordingStarted(call, call, agent, "a-caller.wav", "a-agent.wav"))
        self.tell(acd.ConversationEnded(call, agent, "agent", talked=30.0, held=2.0), later=30)
        self.tell(ivr.SatisfactionGiven(call, 5), acd.CallEnded(call, "caller_hung_up"))
        return self.tell(rec.RecordingClosed(call, f"2027/01/15/{call}.wav", 30.0, 2, SOUND_SHA256, -20.0, -23.0))


@pytest.fixture(scope="session", autouse=True)
def _plain_tracebacks() -> None:
    """Logged errors as Python writes them: printing every local variable of a server takes minutes."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
        ]
    )


@pytest.fixture(scope="session", autouse=True)
def _commands_are_built_once() -> Iterator[None]:
    """To build all commands takes longer than to run one of them, so each process of tests builds them once."""
    once = cache(typer.main.get_command)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.main, "get_command", once)
        patch.setattr(typer.testing, "_get_command", once)
        yield


@pytest.fixture(autouse=True)
def _umask_as_before() -> Iterator[None]:
    """Commands that run within the test process tighten the umask for themselves, not for the tests after them."""
    before = os.umask(0o077)
    os.umask(before)
    yield
    os.umask(before)


@pytest.fixture
def story() -> Story:
    return Story()
