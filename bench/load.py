"""Law: load is sipp, bounded in calls and in time, and no part of it goes on afterwards.

All agents are one sipp that listens on every address of the loopback: agent n is reached at its own address, as a
fixed phone's address must be its own. Each caller's run is a sipp of its own.
"""

from __future__ import annotations

import asyncio
import csv
import os
import signal
import socket
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from rig import HOST, RigError, cpu_of, free_ports

from provision import default_cache, provision
from softphone.audio import ALAW, RATE, Tone

SCENARIOS = Path(__file__).with_name("sipp")
TALK_MS = 3500
"""From an agent's answer to hanging up, the sentences before the conversation included."""
PATIENT_MS = 3000
"""A call that ends sooner after the last digit had no conversation."""
_CALLERS_SOUND, _AGENTS_SOUND = 22_000, 27_000


@dataclass(frozen=True, slots=True)
class Tried:
    """The results of one run of callers."""

    calls: int
    failed: int
    answers: tuple[float, ...]
    """Seconds from INVITE to 200 OK."""
    cpu: float
    """Processor seconds of the callers."""
    first_failure: str = ""

    def answer(self, share: float) -> float:
        """A percentile of the answering time in seconds; infinite if nobody was answered."""
        return float(np.percentile(self.answers, share)) if self.answers else float("inf")


class Load:
    """Agents, for as long as the context lasts, and callers who come by runs. Files are in `folder`."""

    def __init__(self, server: tuple[str, int], folder: Path) -> None:
        self._server, self._folder = server, folder
        self._tool = provision("sip-tester", default_cache(), lambda line: None)
        self._port = free_ports(1)[0]
        self._agents: asyncio.subprocess.Process | None = None
        self._runs = 0

    async def __aenter__(self) -> Self:
        self._folder.mkdir()
        (self._folder / "agents").mkdir()
        for name, hertz in (("callers", 1000), ("agents", 600)):
            sound = self._folder / f"{name}.alaw"
            sound.write_bytes(ALAW.encode(Tone(hertz).samples(0, 2 * RATE)))
            text = (SCENARIOS / f"{name}.xml").read_text(encoding="utf-8")
            text = text.replace("[tone]", str(sound)).replace("[local_ip]", HOST)
            (self._folder / f"{name}.xml").write_text(text, encoding="utf-8")
        words = f"-i 0.0.0.0 -p {self._port} -mp {_AGENTS_SOUND} -d {TALK_MS} -timeout 600s"
        self._agents = await self._sipp("agents", self._folder / "agents", words.split())
        for _ in range(100):
            if self._agents.returncode is not None:
                raise RigError(f"sipp's agents ended: {_last_words(self._folder / 'agents')}")
            with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
                try:
                    probe.bind(("0.0.0.0", self._port))
                except OSError:
                    return self
            await asyncio.sleep(0.05)
        await _end(self._agents)
        raise RigError("sipp's agents do not listen")

    async def __aexit__(self, *_: object) -> None:
        if self._agents is not None:
            await _end(self._agents)

    def contacts(self, agents: Sequence[str]) -> dict[str, str]:
        """The SIP address of each agent."""
        return {
            agent: f"sip:{agent}@127.0.{1 + index // 200}.{1 + index % 200}:{self._port}"
            for index, agent in enumerate(agents)
        }

    def cpu(self) -> dict[str, float]:
        """Processor seconds of the agents so far."""
        return {"sipp": cpu_of(self._agents.pid) if self._agents is not None else 0.0}

    async def call(self, number: str, rate: float, calls: int, *, within: float) -> Tried:
        """Place `calls` calls, `rate` a second; those that are not over `within` seconds have failed."""
        self._runs += 1
        folder = self._folder / f"run-{self._runs}"
        folder.mkdir()
        host, port = self._server
        words = f"-i {HOST} -p {free_ports(1)[0]} -mp {_CALLERS_SOUND} -d {PATIENT_MS}"
        words += f" -timeout {round(within)}s -timeout_error -key step {self._runs:02}"
        words += f" -m {calls} -r {round(rate * 10)} -rp 10s -l {calls}"
        words += f" -s {number} -trace_rtt -rtt_freq 1 {host}:{port}"
        process = await self._sipp("callers", folder, words.split())
        cpu = 0.0
        try:
            async with asyncio.timeout(within + 10):
                while process.returncode is None:
                    cpu = cpu_of(process.pid) or cpu
                    with suppress(TimeoutError):
                        await asyncio.wait_for(process.wait(), 0.2)
        except TimeoutError:
            pass
        finally:
            await _end(process)
        return _read(folder, calls, cpu)

    async def _sipp(self, scenario: str, folder: Path, words: Sequence[str]) -> asyncio.subprocess.Process:
        common = f"-sf ../{scenario}.xml -mi {HOST} -ci {HOST} -cp {free_ports(1)[0]} -nostdin -skip_rlimit"
        common += " -trace_err -error_file errors.log -trace_stat -stf stat.csv -fd 1"
        with (folder / "output").open("wb") as output:
            return await asyncio.create_subprocess_exec(
                *self._tool.argv("sipp", *common.split(), *words),
                cwd=folder,
                env={**os.environ, **self._tool.env, "TERM": "dumb"},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=output,
            )


async def _end(process: asyncio.subprocess.Process) -> None:
    for sign, patience in ((signal.SIGTERM, 2.0), (signal.SIGKILL, 5.0)):
        if process.returncode is None:
            with suppress(ProcessLookupError, TimeoutError):
                process.send_signal(sign)
                await asyncio.wait_for(process.wait(), patience)


def _read(folder: Path, calls: int, cpu: float) -> Tried:
    """A call that did not follow the scenario to its end has failed, whatever sipp reports."""
    good = 0
    with suppress(OSError):
        rows = list(csv.DictReader((folder / "stat.csv").open(), delimiter=";"))
        good = int(rows[-1]["SuccessfulCall(C)"]) if rows else 0
    answers: list[float] = []
    for path in folder.glob("*_rtt.csv"):
        answers += [float(row["response_time_ms"]) / 1000 for row in csv.DictReader(path.open(), delimiter=";")]
    failed = calls - good
    return Tried(calls, failed, tuple(answers), cpu, _last_words(folder) if failed else "")


def _last_words(folder: Path) -> str:
    """The first line in which sipp said what went wrong."""
    for name in ("errors.log", "output"):
        with suppress(OSError):
            for line in (folder / name).read_text(errors="replace").splitlines():
                if ": " in line and not line.startswith("sipp:"):
                    return line.strip()[:300]
    return "sipp does not say why"
