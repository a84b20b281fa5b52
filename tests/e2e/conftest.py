"""A whole hotline for tests that place real calls: its own home, free ports, a real server process."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import numpy as np
import pytest
import pytest_asyncio
import soundfile
from redis import Redis

from server.hotline.definitions import PROMPTS
from server.storage.database import open_database
from server.storage.queries.records import Queries
from server.telephony.asterisk.joined import joined
from server.telephony.channels.dial import work_number
from softphone.phone import Call, Phone
from tests.e2e import brisk, preloaded
from tests.e2e.preloaded import Server
from tests.orphans import with_parent
from tests.told_files import untold_files, untold_keys

TREE = Path(__file__).resolve().parents[2]
COMMAND = Path(sys.executable).with_name("sansheng")
START_DEADLINE = 60.0
SETTLE = 15.0


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, on UDP or TCP, as far as can be told."""
    found: list[int] = []
    while len(found) < count:
        with (
            closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as tcp,
            closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as udp,
        ):
            tcp.bind(("127.0.0.1", 0))
            port = tcp.getsockname()[1]
            with suppress(OSError):
                udp.bind(("127.0.0.1", port))
                if port not in found:
                    found.append(port)
    return found


@dataclass
class Hotline:
    """One installation under test. `settings` are environment variables on top of the usual ones.

    `preloaded`: the server begins with everything imported, instead of by its command.
    """

    home: Path
    settings: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[str] | Server | None = None
    preloaded: bool = True

    def __post_init__(self) -> None:
        names = ("SIP", "SIP_TLS", "HTTP", "AGI", "AMI", "ASTERISK_HTTP")
        self.ports = dict(zip(names, free_ports(len(names)), strict=True))
        # A block of its own below the ephemeral ports, by the SIP port, so that runs side by side rarely share one.
        first = 10_000 + 200 * (self.ports["SIP"] % 100)
        self.environment = os.environ | {
            "SANSHENG_HOME": str(self.home),
            "SANSHENG_RTP_PORTS": f"{first}-{first + 199}",
            # Tests read the log: it is not trimmed under them.
            "SANSHENG_SNAPSHOT_SECONDS": "3600",
            **{f"SANSHENG_{name}_PORT": str(port) for name, port in self.ports.items()},
            **self.settings,
        }
        self.environment.pop("DATABASE_URL", None)
        self.environment.pop("REDIS_URL", None)
        self.environment |= self.settings

    @property
    def sip_port(self) -> int:
        return self.ports["SIP"]

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.ports['HTTP']}"

    # The server process

    def start(self) -> None:
        """Start the server and return when a call could be taken."""
        self.spawn()
        self.wait_healthy()

    def spawn(self) -> None:
        """Start the server and return at once."""
        if self.preloaded:
            self.process = Server(COMMAND, self.environment, self.home / "output")
            return
        output = (self.home / "output").open("a")
        self.process = subprocess.Popen(
            [str(COMMAND), "run"],
            cwd=TREE,
            env=self.environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            text=True,
            preexec_fn=with_parent(signal.SIGTERM),
        )
        output.close()

    def wait_healthy(self, deadline: float = START_DEADLINE) -> None:
        end = time.monotonic() + deadline
        while True:
            health = self.health()
            if health.get("ok"):
                return
            assert self.process is not None
            if self.process.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"the server is not ready: {health}\n{self.output()}")
            time.sleep(0.05)

    def health(self) -> dict[str, Any]:
        try:
            return dict(json.loads(self._asked("GET", "/healthz", None, {}, 5)[1]))
        except (OSError, HTTPException) as error:
            return {"ok": False, "problems": [f"no answer: {error}"]}

    def warnings(self) -> list[str]:
        """What `health` warns of, but for holidays that are not announced yet: those depend on the day."""
        return [each for each in self.health()["warnings"] if "public holidays" not in each]

    def kill(self) -> None:
        """kill -9 of the server alone: Asterisk and Redis go on."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    def stop(self, deadline: float = 60.0) -> int:
        """An orderly stop, as Ctrl-C; the exit code."""
        assert self.process is not None
        self._all_told()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(deadline)

    def _all_told(self) -> None:
        """Of each kind of file of the home, and of each key of its Redis, it is said what a deletion does with it."""
        assert (left := untold_files(self.home)) == [], left
        if (socket := self.home / "redis" / "redis.sock").exists() and self.pid("redis"):
            with Redis(unix_socket_path=str(socket)) as redis:
                assert untold_keys(redis) == []

    def end(self) -> None:
        """Leave no process behind, whatever the test did; what it leaves in the home is of a known kind."""
        if self.process is not None and self.process.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                self.process.send_signal(signal.SIGINT)
                self.process.send_signal(signal.SIGINT)
                self.process.wait(30)
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait(10)
        try:
            if self.home.exists():
                self._all_told()
        finally:
            for name in ("asterisk", "redis"):
                if pid := self.pid(name):
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)

    def pid(self, child: str) -> int | None:
        """The process of `asterisk` or `redis`, if it runs."""
        try:
            text = (self.home / child / f"{child}.pid").read_text()
        except FileNotFoundError:
            return None
        pid = int(json.loads(text)["pid"]) if text.strip().startswith("{") else int(text.split()[0])
        with suppress(ProcessLookupError):
            os.kill(pid, 0)
            return pid
        return None

    def output(self) -> str:
        """The ends of what the server printed and logged."""
        parts = []
        for file in (self.home / "output", self.home / "log" / "server.log", self.home / "asterisk/log/messages"):
            if file.exists():
                parts.append(f"--- {file.name}\n" + file.read_text(errors="replace")[-4000:])
        return "\n".join(parts)

    # What a user does

    def cli(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run `sansheng …` for this installation. Not where phones are on the line: `command` is for that."""
        with suppress(RuntimeError):
            asyncio.get_running_loop()
            raise AssertionError("cli() would silence every phone for seconds: `await command(…)` instead")
        done = preloaded.done(COMMAND, words, self.environment, timeout=60)
        if check and done.returncode:
            raise AssertionError(f"sansheng {' '.join(words)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    async def command(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """As `cli`, while the phones of this process go on."""
        return await asyncio.to_thread(self.cli, *words, check=check)

    async def request(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the API, as the command line does."""
        token = (self.home / "secrets" / "api-token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        sent = None if body is None else json.dumps(body).encode()
        try:
            status, answer = await asyncio.to_thread(self._asked, method, path, sent, headers, 20)
        except (OSError, HTTPException) as error:
            raise httpx.TransportError(str(error)) from error
        if status >= 400:
            raise AssertionError(f"{method} {path}: {status} {answer.decode()}")
        return json.loads(answer) if answer else None

    def _asked(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str], timeout: float
    ) -> tuple[int, bytes]:
        """Status and body of one answer. A client of httpx takes longer to be made than the request takes."""
        asking = HTTPConnection("127.0.0.1", self.ports["HTTP"], timeout=timeout)
        try:
            asking.request(method, quote(path, safe="/?&=%:+,;@!$'()*~[]"), body, headers)
            answer = asking.getresponse()
            return answer.status, answer.read()
        finally:
            asking.close()

    @asynccontextmanager
    async def agent(
        self,
        number: str,
        *,
        status: str = "available",
        teams: Sequence[str] = (),
        announced: bool = False,
        **skills: int,
    ) -> AsyncIterator[Phone]:
        """An agent with a softphone at a fixed contact; removed afterwards. `announced`: callers hear the number."""
        if not announced:
            self.hush(number)
        async with Phone(number, "127.0.0.1", self.sip_port) as phone:
            body = {"name": f"Agent {number}", "skills": skills, "teams": list(teams), "contact": phone.contact}
            await self.request("PUT", f"/api/v1/agents/{number}", body)
            await self.request("POST", f"/api/v1/agents/{number}/status", {"status": status})
            try:
                yield phone
            finally:
                with suppress(AssertionError, httpx.TransportError):
                    await self.request("DELETE", f"/api/v1/agents/{number}")

    def hush(self, agent: str) -> None:
        """The sentence with this agent's number takes no time: each conversation would begin seconds later."""
        for language in ("zh", "en"):
            folder = self.home / "cache" / "work-numbers" / language
            made = joined(PROMPTS / language, work_number(agent, language), folder)
            soundfile.write(made.with_suffix(".wav"), np.zeros(400, np.int16), 8000)

    def caller(self, number: str = "13800138000") -> Phone:
        """A caller's softphone, to be opened with `async with`."""
        return Phone(number, "127.0.0.1", self.sip_port)

    async def until(self, holds: Callable[[], Any], what: str, within: float = SETTLE) -> Any:
        """Wait until `holds` gives something true, and give that."""
        end = time.monotonic() + within
        while True:
            if found := await asyncio.to_thread(holds):
                return found
            if time.monotonic() > end:
                raise AssertionError(f"not within {within:g} s: {what}\n{self.output()}")
            await asyncio.sleep(0.05)

    # What the records say

    @cached_property
    def records(self) -> Queries:
        return Queries(open_database(f"sqlite:///{self.home / 'records.db'}").read)

    def newest(self, caller: str) -> dict[str, Any] | None:
        """The newest call of this caller, as `call list` has it."""
        return next((row for row in self.records.call_list(limit=100).items if row["caller"] == caller), None)

    async def queued(self, caller: str, within: float = SETTLE) -> dict[str, Any]:
        """Wait until this caller's newest call is in a queue."""

        def found() -> dict[str, Any] | None:
            row = self.newest(caller)
            return row if row and row["queued_at"] and not row["ended_at"] else None

        return dict(await self.until(found, f"{caller} waits in a queue", within))

    async def agent_is(self, number: str, within: float = SETTLE, **expected: str) -> dict[str, Any]:
        """Wait until `agent list` says this of the agent."""

        def found() -> dict[str, Any] | None:
            row = self.agent_row(number)
            return row if row and all(row[key] == value for key, value in expected.items()) else None

        return dict(await self.until(found, f"agent {number} is {expected}", within))

    def agent_row(self, number: str) -> dict[str, Any] | None:
        """The agent, as `agent list` has it."""
        return next((row for row in self.records.agent_list() if row["id"] == number), None)

    async def ended_call(self, caller: str, within: float = SETTLE) -> dict[str, Any]:
        """The newest call of this caller, as `call show` has it, once it is over and its recordings are settled."""

        def found() -> dict[str, Any] | None:
            row = self.newest(caller)
            if row is None or row["ended_at"] is None:
                return None
            shown = self.records.call_show(row["id"])
            assert shown is not None
            joined = [segment["offer"] for segment in shown["segments"] if segment["joined_at"] is not None]
            settled = all(self._settled(recording) for recording in joined)
            return self.records.call_show(row["id"]) if settled else None  # as it is once they are settled

        return dict(await self.until(found, f"the call of {caller} is over and recorded", within))

    def _settled(self, recording: int) -> bool:
        """Whether a recording is closed, or known to be missing."""
        shown = self.records.recording_show(recording)
        return shown is not None and shown["state"] in ("closed", "missing")


def make_home() -> Path:
    """A fresh home with a short path: a control socket's path has a limit."""
    return Path(tempfile.mkdtemp(prefix="ss-"))


@contextmanager
def running(hotline: Hotline) -> Iterator[Hotline]:
    """The hotline runs; afterwards it is stopped in order, and nothing is left of it."""
    try:
        hotline.start()
        yield hotline
        hotline.stop()
    finally:
        hotline.end()
        shutil.rmtree(hotline.home, ignore_errors=True)


@pytest.fixture(scope="session")
def shared_hotline() -> Iterator[Hotline]:
    """One running hotline for all tests that leave it as they found it."""
    hotline = Hotline(make_home(), preloaded=False)
    brisk.install(hotline.home)
    with running(hotline):
        yield hotline


@pytest.fixture
def new_hotline() -> Iterator[Callable[..., Hotline]]:
    """Makes hotlines that a test may break; each is ended afterwards."""
    made: list[Hotline] = []

    def make(**settings: str) -> Hotline:
        hotline = Hotline(make_home(), settings)
        made.append(hotline)
        return hotline

    yield make
    with ExitStack() as all_of_them:
        for hotline in made:
            all_of_them.callback(shutil.rmtree, hotline.home, ignore_errors=True)
            all_of_them.callback(hotline.end)


@pytest_asyncio.fixture
async def hotline(shared_hotline: Hotline) -> AsyncIterator[Hotline]:
    """The shared hotline, without agents and calls."""
    yield shared_hotline


async def hears_tone(call: Call, hz: float, within: float = 10.0, above: float = -12.0) -> None:
    """Wait until the other side's tone has been heard for half a second: nothing that merely sounds a little like it.

    So much of a conversation is in its recording too, however late the recorder's thread is. `above` is in dBFS; the
    tone of a phone has -10.
    """
    await call.rtp.heard(hz, above=above, within=within, window=0.5)
