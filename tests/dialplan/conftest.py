"""A real Asterisk on free ports with the real dialplan, scripted FastAGI servers, and the events of management."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import wave
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from provision import default_cache, provision
from server.telephony.asterisk.configure import AMI_SECRET, CHANNEL_SECRET, arguments, configure, secret
from server.telephony.asterisk.ready import ready
from server.telephony.asterisk.site import AgentPhone, Site
from server.telephony.tokens import ChannelTokens
from softphone.phone import Phone
from tests.orphans import with_parent

ROOT = Path(__file__).resolve().parents[2]
TONES = {
    "fallback-sorry": 410,
    "fallback-number": 450,
    "fallback-key-number": 490,
    "fallback-category": 530,
    "fallback-thanks": 570,
    "line-full": 610,
    "agent-server-away": 650,
    "goodbye": 690,
    **{f"digit-{digit}": 1500 + 40 * digit for digit in range(10)},
    "digit-yao": 1480,
    "pause": 200,
}
PORTS = 240
"""For sound. A tenth of the callers' is for those who are being refused: what comes within a tenth of a second in a
flood of a hundred a second. Where more come at once than that, Asterisk refuses before the dialplan can (488)."""
MUSIC, WHISPER, ANNOUNCEMENT = 350, 1700, 1300


def tone(path: Path, hertz: int, seconds: float) -> None:
    """A prompt that a test can tell from any other by ear."""
    count = int(8000 * seconds)
    samples = (int(6000 * math.sin(2 * math.pi * hertz * i / 8000)) for i in range(count))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))


def free_port() -> int:
    """A port that is free for TCP and UDP now."""
    while True:
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            with contextlib.suppress(OSError):
                udp.bind(("127.0.0.1", tcp.getsockname()[1]))
                return int(tcp.getsockname()[1])


@dataclass
class Session:
    """One AGI connection, as a test's server sees it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    env: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)

    async def command(self, line: str) -> str:
        """Send a command and wait for its reply; HANGUP lines in between are skipped."""
        self.writer.write(line.encode() + b"\n")
        while True:
            reply = (await self.reader.readline()).decode()
            if not reply:
                raise ConnectionError("Asterisk closed the session")
            if not reply.startswith("HANGUP"):
                return reply.strip()

    async def get(self, name: str) -> str:
        reply = await self.command(f"GET VARIABLE {name}")
        match = re.search(r"\((.*)\)$", reply)
        return match[1] if match else ""

    async def set(self, name: str, value: str) -> None:
        await self.command(f'SET VARIABLE {name} "{value}"')


class Server:
    """A FastAGI server that can be started, stopped and killed in the middle of a session."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.paths: list[str] = []
        self._server: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []

    async def start(self, handler: Callable[[Session], Awaitable[None]]) -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._writers.append(writer)
            session = Session(reader, writer)
            try:
                while line := (await reader.readline()).decode().strip():
                    name, _, value = line.partition(": ")
                    session.env[name] = value
                url = urlsplit(session.env["agi_request"])
                session.query = dict(parse_qsl(url.query, keep_blank_values=True))
                self.paths.append(url.path.strip("/"))
                await handler(session)
            except (ConnectionError, asyncio.CancelledError):
                pass
            finally:
                writer.close()

        self._server = await asyncio.start_server(serve, "127.0.0.1", self.port)

    async def die(self) -> None:
        """Stop listening and drop every session, as a killed process does."""
        if self._server:
            self._server.close()
            for writer in self._writers:
                writer.close()
            self._writers.clear()
            self._server = None
            await asyncio.sleep(0)


class Management:
    """The events of one Asterisk in order, and actions."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.events: list[dict[str, str]] = []
        self.bytes = 0
        self._reader, self._writer = reader, writer
        self._news = asyncio.Event()
        self._task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        while True:
            block = await self._reader.readuntil(b"\r\n\r\n")
            fields = dict(line.split(": ", 1) for line in block.decode().splitlines() if ": " in line)
            fields["_bytes"] = str(len(block))
            self.events.append(fields)
            self._news.set()

    async def expect(self, within: float = 5.0, **fields: str) -> dict[str, str]:
        """The first message with these fields, from the past or the future."""
        seen = 0
        async with asyncio.timeout(within):
            while True:
                for event in self.events[seen:]:
                    if all(event.get(name) == value for name, value in fields.items()):
                        return event
                seen = len(self.events)
                self._news.clear()
                await self._news.wait()

    async def action(self, name: str, **fields: str) -> dict[str, str]:
        number = f"{name}-{len(self.events)}"
        lines = [f"Action: {name}", f"ActionID: {number}", *(f"{key}: {value}" for key, value in fields.items())]
        self._writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        return await self.expect(ActionID=number)

    async def close(self) -> None:
        self._task.cancel()
        self._writer.close()
        await asyncio.gather(self._task, return_exceptions=True)


@dataclass
class Machine:
    """A running Asterisk."""

    site: Site
    process: subprocess.Popen[bytes]
    argv: Callable[..., list[str]]
    servers: tuple[Server, Server]

    @property
    def tokens(self) -> ChannelTokens:
        return ChannelTokens(secret(self.site.layout, CHANNEL_SECRET))

    def phone(self, user: str, **options: object) -> Phone:
        return Phone(user, "127.0.0.1", self.site.sip_port, **options)  # type: ignore[arg-type]

    def command(self, text: str) -> str:
        """Asterisk's command line."""
        words = self.argv("asterisk", "-C", self.site.layout.etc / "asterisk.conf", "-rx", text)
        return subprocess.run(words, capture_output=True, text=True, check=False, timeout=10).stdout

    @property
    def log(self) -> str:
        return (self.site.layout.log / "messages").read_text(errors="replace")

    @contextlib.contextmanager
    def changed(self, **change: object) -> Iterator[None]:
        """Other settings for a while, taken over without a restart."""
        try:
            for module in configure(replace(self.site, **change), agents()).reloads:  # type: ignore[arg-type]
                self.command(f"module reload {module}")
            yield
        finally:
            for module in configure(self.site, agents()).reloads:
                self.command(f"module reload {module}")

    @property
    def terminal(self) -> str:
        """What Asterisk and its scripts print."""
        return (self.site.home / "terminal.log").read_text(errors="replace")

    async def settle(self) -> None:
        """A short while between two looks at something outside."""
        await asyncio.sleep(0.05)

    def spooled(self) -> list[Path]:
        return sorted(self.site.layout.callbacks.glob("*.json"))


FIXED = {"1001": free_port(), "1003": free_port()}


@pytest.fixture(scope="session")
def asterisk() -> Iterator[Machine]:
    """One Asterisk for the whole run: agents 1001 and 1003 at fixed addresses, 1002 with a secret."""
    tool = provision("asterisk", default_cache(), print)
    assert tool.modules
    assert tool.data
    home = Path(tempfile.mkdtemp(prefix="sansheng-dialplan-"))
    (home / "zh").mkdir()
    (home / "music").mkdir()
    for name, hertz in TONES.items():
        tone(home / "zh" / f"{name}.wav", hertz, 0.1 if name.startswith("digit") else 0.4)
    tone(home / "zh" / "whisper.wav", WHISPER, 1.5)
    tone(home / "zh" / "announcement.wav", ANNOUNCEMENT, 0.7)
    tone(home / "music" / "a.wav", MUSIC, 20)
    servers = (Server(free_port()), Server(free_port()))
    site = Site(
        home=home,
        modules=tool.modules,
        data=tool.data,
        prompts={"zh": home / "zh"},
        python=Path(sys.executable),
        dialplan=ROOT / "dialplan",
        music={"default": home / "music"},
        sip_port=free_port(),
        ami_port=free_port(),
        http_port=free_port(),
        rtp_ports=(20000 + os.getpid() % 80 * PORTS, 20000 + os.getpid() % 80 * PORTS + PORTS - 1),
        servers=tuple(f"127.0.0.1:{server.port}" for server in servers),
        trunk=f"sip:127.0.0.1:{free_port()}",
        away_after=2,
        max_calls=4,
    )
    configure(site, agents())
    words = tool.argv("asterisk", *arguments(site))
    with running(words, home) as process:
        asyncio.run(ready(site))
        yield Machine(site, process, tool.argv, servers)


@contextlib.contextmanager
def running(words: list[str], home: Path) -> Iterator[subprocess.Popen[bytes]]:
    """An Asterisk with this home, which is removed afterwards."""
    with (home / "terminal.log").open("wb") as out:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
            preexec_fn=with_parent(signal.SIGKILL),
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(home, ignore_errors=True)


def agents() -> list[AgentPhone]:
    fixed = [AgentPhone(agent, contact=f"sip:{agent}@127.0.0.1:{port}") for agent, port in FIXED.items()]
    return [*fixed, AgentPhone("1002", secret="secret-of-1002")]


@pytest.fixture
async def machine(asterisk: Machine) -> AsyncIterator[Machine]:
    """The Asterisk with no server up and nothing in the spool; a test starts the servers it wants."""
    for path in asterisk.site.layout.callbacks.iterdir():
        path.unlink(missing_ok=True)  # the script of an earlier test's caller may be storing a number yet
    yield asterisk
    for server in asterisk.servers:
        await server.die()
        server.paths.clear()


@pytest.fixture
async def management(asterisk: Machine) -> AsyncIterator[Management]:
    """Management as the server's own user sees it."""
    site = asterisk.site
    reader, writer = await asyncio.open_connection("127.0.0.1", site.ami_port)
    await reader.readline()
    link = Management(reader, writer)
    try:
        await link.action("Login", Username="sansheng", Secret=secret(site.layout, AMI_SECRET))
        yield link
    finally:
        await link.close()


@pytest.fixture
def fixed_ports() -> dict[str, int]:
    """Where the phones of the agents with a fixed address are."""
    return FIXED


@contextlib.contextmanager
def another(machine: Machine, phones: list[AgentPhone] | None = None, **change: object) -> Iterator[Machine]:
    """A second Asterisk beside the first one, with `change` in its site; it need not become ready."""
    home = Path(tempfile.mkdtemp(prefix="sansheng-another-"))
    own = {"home": home, "sip_port": free_port(), "ami_port": free_port(), "http_port": free_port()}
    site = replace(machine.site, **{**own, "rtp_ports": (19000, 19099), **change})  # type: ignore[arg-type]
    configure(site, phones)
    try:
        with running(machine.argv("asterisk", *arguments(site)), home) as process:
            yield Machine(site, process, machine.argv, machine.servers)
    finally:
        shutil.rmtree(site.home, ignore_errors=True)
