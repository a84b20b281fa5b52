"""Law: both sides of a comparison stand on one Asterisk, in one run, and no process or file of it is left afterwards.

A `RunningHotline` is a whole hotline of its own, with its own home and free ports: server, Redis, Asterisk. Beside
the hotline, on the same Asterisk, stands a plain dialplan, with app_queue where it is asked for: what somebody would
have without the server.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx

from provision import default_cache, provision
from server.hotline.definitions import FLOWS, PROMPTS

TREE = Path(__file__).resolve().parent.parent
COMMAND = Path(sys.executable).with_name("sansheng")
HOST = "127.0.0.1"
HOTLINE = "4008001234"
STARTING = 60.0
STOPPING = 40.0
_TICKS = os.sysconf("SC_CLK_TCK")

ADMIT_ALL = "[admission]\nmax_calls = 0\nmax_calls_per_second = 0\n"
"""For the hotline's definitions: without admission limits the benchmark measures the limit of the machine."""


class RigError(Exception):
    """A part that the comparison needs is missing; the text names it."""


@dataclass(frozen=True, slots=True)
class Answering:
    """A hotline definition: one queue, and the flow that its callers go through. Both as TOML."""

    definitions: str = ""
    flow: str = ""


def prompt(name: str) -> str:
    """A prompt of the hotline in Chinese, as Asterisk needs it: absolute, without extension."""
    return str(PROMPTS / "zh" / name)


def standard_flow() -> str:
    """The hotline's own flow, without the question that follows the conversation."""
    text = (FLOWS / "hotline.toml").read_text(encoding="utf-8")
    if 'served = "survey"' not in text:
        raise RigError("the hotline's flow asks no survey after the conversation: say here how it is left out")
    return text.replace('served = "survey"', 'served = "goodbye"')


def free_ports(count: int) -> list[int]:
    """Free ports, on UDP and TCP; all are held until the last is found, so that they differ."""
    found: list[int] = []
    with ExitStack() as held:
        while len(found) < count:
            tcp = held.enter_context(closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)))
            udp = held.enter_context(closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)))
            tcp.bind((HOST, 0))
            with suppress(OSError):
                udp.bind((HOST, tcp.getsockname()[1]))
                found.append(int(tcp.getsockname()[1]))
    return found


class RunningHotline:
    """One hotline, as a context: entered, calls can be taken; left, every process is gone. `tree` is the checkout that
    it runs from, with its environment in .venv."""

    def __init__(self, answering: Answering, *, rtp_ports: int = 1000, tree: Path = TREE) -> None:
        self._tree = tree
        own = tree / ".venv" / "bin" / "sansheng"
        self._command = own if own.exists() else COMMAND
        # A control socket's path has a limit, so the home has a short one.
        self.home = Path(tempfile.mkdtemp(prefix="ss-bench-"))
        (self.home / "flows").mkdir()
        if answering.definitions:
            (self.home / "hotline.toml").write_text(answering.definitions, encoding="utf-8")
        if answering.flow:
            (self.home / "flows" / "hotline.toml").write_text(answering.flow, encoding="utf-8")
        names = ("SIP", "HTTP", "AGI", "AMI", "ASTERISK_HTTP")
        self._ports = dict(zip(names, free_ports(len(names)), strict=True))
        # Below the ports that the kernel gives out; runs side by side rarely begin at the same one.
        first = 10_000 + 100 * (self._ports["SIP"] % 80)
        foreign = ("DATABASE_URL", "REDIS_URL")
        self._environment = {
            name: value
            for name, value in os.environ.items()
            if name not in foreign and (not name.startswith("SANSHENG_") or name == "SANSHENG_CACHE")
        } | {
            "SANSHENG_HOME": str(self.home),
            "SANSHENG_RTP_PORTS": f"{first}-{first + rtp_ports - 1}",
            "SANSHENG_DRAIN_SECONDS": "0",
            **{f"SANSHENG_{name}_PORT": str(port) for name, port in self._ports.items()},
        }
        self._server: subprocess.Popen[bytes] | None = None
        self._tool = provision("asterisk", default_cache(), lambda line: print(line, file=sys.stderr))

    @property
    def sip(self) -> tuple[str, int]:
        """The SIP address that callers call."""
        return HOST, self._ports["SIP"]

    # From start to end

    def __enter__(self) -> Self:
        # A signal that ends the run ends all its processes, too.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        try:
            self._start()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def _start(self) -> None:
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        with (self.home / "output").open("wb") as output:
            self._server = subprocess.Popen(
                [str(self._command), "run"],
                cwd=self._tree,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        end = time.monotonic() + STARTING
        while not self._healthy():
            if self._server.poll() is not None or time.monotonic() > end:
                raise RigError(f"the hotline did not start:\n{self.output()}")
            time.sleep(0.05)

    def _healthy(self) -> bool:
        with suppress(httpx.HTTPError):
            return httpx.get(f"{self._api}/healthz", timeout=5, trust_env=False).status_code == 200
        return False

    def add_plain_side(self, plain: str, queues: str = "") -> None:
        """Put a dialplan beside the hotline's, and queues for app_queue.

        Callers arrive in the context `from-trunk`: what is written under `[from-trunk](+)` is an extension there.
        """
        etc = self.home / "asterisk" / "etc"
        (etc / "extra.conf").write_text(plain, encoding="utf-8")
        if queues:
            modules = self._tool.modules
            if modules is None or not (modules / "app_queue.so").exists():
                raise RigError("this Asterisk has no app_queue: install its package asterisk-modules")
            (etc / "queues.conf").write_text(queues, encoding="utf-8")
            # The hotline's Asterisk finds no modules but its own.
            (self.home / "asterisk" / "modules" / "app_queue.so").symlink_to(modules / "app_queue.so")
        self.asterisk("dialplan reload")
        self.admit_all()

    def admit_all(self) -> None:
        """Take away the limits of admission; to be said again after agents were added, which reads them anew."""
        for name in ("MAX_CALLS", "CALLS_PER_SECOND"):
            self.asterisk(f"dialplan set global {name} 0")

    async def load_queues(self) -> None:
        """Load app_queue, once the endpoints of its members are there, and wait until it deems them reachable.

        Asterisk asks new phones within their first 15 seconds whether they are there. Raises RigError.
        """
        loaded = await asyncio.to_thread(self.asterisk, "module load app_queue.so")
        if "Loaded" not in loaded:
            raise RigError(f"app_queue cannot be loaded: {loaded.strip()}")
        end = time.monotonic() + 25.0
        while "(Unavailable)" in (shown := await asyncio.to_thread(self.asterisk, "queue show")):
            if time.monotonic() > end:
                raise RigError(f"app_queue does not reach its members:\n{shown}")
            await asyncio.sleep(0.5)

    def restart(self) -> None:
        """Stop in order, and return when the next server of this home takes calls."""
        if self._server is not None:
            self._server.send_signal(signal.SIGINT)
            self._server.wait(STOPPING)
        self._start()

    def _end(self) -> None:
        server = self._server
        if server is not None and server.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                server.send_signal(signal.SIGINT)
                server.wait(STOPPING)
            if server.poll() is None:
                server.kill()
                server.wait(10)
        for name in ("asterisk", "redis"):
            if (pid := self._child(name)) is not None:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.home, ignore_errors=True)

    def output(self) -> str:
        """The last lines of the server's and Asterisk's output."""
        files = (self.home / "output", self.home / "log/server.log", self.home / "asterisk/log/messages")
        texts = (f"--- {file.name}\n{file.read_text(errors='replace')[-3000:]}" for file in files if file.exists())
        return "\n".join(texts)

    # Requests to it

    def asterisk(self, command: str) -> str:
        """Run a command on Asterisk's own command line; returns its answer. Raises RigError."""
        config = self.home / "asterisk/etc/asterisk.conf"
        done = subprocess.run(
            self._tool.argv("asterisk", "-C", config, "-rx", command),
            env={**os.environ, **self._tool.env},
            capture_output=True,
            text=True,
            timeout=20,
        )
        if done.returncode:
            raise RigError(f"Asterisk refused {command!r}: {done.stdout}{done.stderr}")
        return done.stdout

    async def add_agents(self, contacts: Mapping[str, str], skills: Mapping[str, int]) -> None:
        """Agents at fixed contacts (agent → SIP URI), signed out."""
        async with self._client() as client:
            puts = []
            for agent, contact in contacts.items():
                body = {"id": agent, "name": f"Agent {agent}", "skills": dict(skills), "contact": contact}
                puts.append(_ask(client, "PUT", f"/api/v1/agents/{agent}", body))
            await asyncio.gather(*puts)
        self.admit_all()

    async def set_status(self, agents: list[str], status: str) -> None:
        """Sign agents in (`available`) or out (`signed_out`)."""
        async with self._client() as client:
            await asyncio.gather(
                *(_ask(client, "POST", f"/api/v1/agents/{agent}/status", {"status": status}) for agent in agents)
            )

    async def channels(self) -> int:
        """Channels on Asterisk now: one for each caller and each agent."""
        text = await asyncio.to_thread(self.asterisk, "core show channels count")
        return int(text.split(" active channel")[0].split()[-1])

    async def quiet(self, within: float) -> bool:
        """Wait until no channel is left on Asterisk; says whether that was so within so many seconds."""
        end = time.monotonic() + within
        while await self.channels():
            if time.monotonic() > end:
                return False
            await asyncio.sleep(0.25)
        return True

    def cpu(self) -> dict[str, float]:
        """Seconds of processor time that each process has taken so far, its threads included."""
        pids = {"Asterisk": self._child("asterisk"), "Redis": self._child("redis")}
        if self._server is not None:
            pids["server"] = self._server.pid
        return {name: cpu_of(pid) for name, pid in pids.items() if pid is not None}

    def _child(self, name: str) -> int | None:
        """The process id of `asterisk` or `redis`, if it runs."""
        try:
            text = (self.home / name / f"{name}.pid").read_text().strip()
            pid = int(json.loads(text)["pid"]) if text.startswith("{") else int(text.split()[0])
            os.kill(pid, 0)
        except (OSError, ValueError, LookupError):
            return None
        return pid

    @property
    def _api(self) -> str:
        return f"http://{HOST}:{self._ports['HTTP']}"

    def _client(self) -> httpx.AsyncClient:
        token = (self.home / "secrets/api-token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}"}
        limits = httpx.Limits(max_connections=32)  # the hotline lets one address hold 64
        return httpx.AsyncClient(base_url=self._api, headers=headers, timeout=60, limits=limits, trust_env=False)


async def _ask(client: httpx.AsyncClient, method: str, path: str, body: Mapping[str, Any]) -> None:
    answer = await client.request(method, path, json=body)
    if answer.is_error:
        raise RigError(f"{method} {path}: {answer.status_code} {answer.text}")


def cpu_of(pid: int) -> float:
    """Processor seconds of one process, user and system; 0 when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS
