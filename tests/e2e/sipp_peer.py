"""sipp as a peer: one run is one scenario, bounded in calls and time, on ports of its own, and leaves no process.

async with sipp.run("agent", calls=1) as agent:          # waits at agent.contact
    async with sipp.run("caller", server=..., digits="11") as caller:
        outcome = await caller.done()
"""

from __future__ import annotations

import asyncio
import contextlib
import csv
import os
import re
import signal
import socket
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import quoteattr

from provision import Tool
from softphone.audio import ALAW, RATE, Tone
from tests.e2e.captures import duration, keys_as_capture

SCENARIOS = Path(__file__).parent / "sipp"
HOST = "127.0.0.1"

_INFO = """  <send retrans="4000">
    <![CDATA[

      INFO [next_url] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport
      [routes]
      From: <sip:[caller]@[local_ip]:[local_port]>;tag=[call_number]
      To: <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]
      Call-ID: [call_id]
      CSeq: {cseq} INFO
      Contact: <sip:[caller]@[local_ip]:[local_port]>
      Max-Forwards: 70
      Content-Type: application/dtmf-relay
      Content-Length: [len]

      Signal={digit}
      Duration=100

    ]]>
  </send>
  <recv response="200"/>
"""
_OPTIONS = '<recv request="OPTIONS" optional="true" next="options"/>'
_ANSWER = """<label id="options"/>
  <send>
    <![CDATA[

      SIP/2.0 200 OK
      [last_Via:]
      [last_From:]
      [last_To:];tag=[pid]-[call_number]
      [last_Call-ID:]
      [last_CSeq:]
      Content-Length: 0

    ]]>
  </send>"""
_AGAIN = """  <recv request="BYE" timeout="{milliseconds}" ontimeout="press{number}" next="bye"/>
  <label id="press{number}"/>
{info}"""
_AS_MEANT = re.compile(
    r"\d{4}-\d\d-\d\d\t[\d:.]+\t[\d.]+: Call-Id: \S+ receive timeout on message [^:]*:\d+, jumping to label "
    r"\d+?(?=\d{4}-\d\d-\d\d\t|\s|$)"
)
"""What sipp writes of a time-out that a scenario waits for."""
_MOST_PRESSES = 60
"""sipp reads no scenario of more than 64 KiB."""
_PAUSE = '  <pause milliseconds="{milliseconds}"/>\n'


class SippFailedError(Exception):
    """A run of sipp that did not end as it should."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a run. `answer_seconds` is INVITE to 200 OK of each call, in order of answer."""

    exit_code: int
    calls: int
    successful: int
    failed: int
    answer_seconds: tuple[float, ...] = ()
    errors: str = ""

    def check(self, calls: int | None = None) -> Outcome:
        """Itself, if every call went by the scenario (and there were `calls` of them); else raises SippFailedError."""
        if self.failed or self.exit_code != 0 or (calls is not None and self.successful != calls):
            raise SippFailedError(
                f"{self.successful} calls of {calls or self.calls} went by the scenario, {self.failed} failed "
                f"(exit {self.exit_code}): {self.errors[:1500] or 'no word why'}"
            )
        return self


@dataclass(slots=True)
class Run:
    """A sipp that is running. `contact` is where it is reached."""

    process: asyncio.subprocess.Process
    folder: Path
    port: int
    name: str
    limit: float
    waits: bool
    """It waits for calls rather than makes them."""
    user: str = "sipp"
    _outcome: Outcome | None = field(default=None)

    @property
    def contact(self) -> str:
        return f"sip:{self.user}@{HOST}:{self.port}"

    async def done(self) -> Outcome:
        """Wait until it is through; one that waits for calls takes no more and ends those it has.

        Raises TimeoutError after its limit.
        """
        if self._outcome is None:
            if self.waits and self.process.returncode is None:
                self.process.send_signal(signal.SIGUSR1)
            try:
                await asyncio.wait_for(self.process.wait(), self.limit + 10)
            except TimeoutError:
                raise TimeoutError(
                    f"sipp's {self.name} was not through after {self.limit:g} s: {self._errors()}"
                ) from None
            self._outcome = self._read()
        return self._outcome

    async def stop(self) -> None:
        """End it at once, calls and all."""
        for sign, patience in ((signal.SIGTERM, 2.0), (signal.SIGKILL, 5.0)):
            if self.process.returncode is None:
                with contextlib.suppress(ProcessLookupError, TimeoutError):
                    self.process.send_signal(sign)
                    await asyncio.wait_for(self.process.wait(), patience)

    def told(self) -> str:
        """What it has done so far, in words: to be read when a test fails."""
        outcome = self._read() if self.process.returncode is not None else None
        return f"{self.name} at {self.port}: {outcome or 'is running'}, {self._errors() or 'no errors'}"

    def logged(self) -> list[str]:
        """What the scenario has put in its log so far, a line each."""
        return (self.folder / "scenario.log").read_text().splitlines() if self._has("scenario.log") else []

    async def listening(self, within: float = 5.0) -> None:
        """Wait until its port is taken. Raises SippFailedError if it ended instead."""
        deadline = asyncio.get_running_loop().time() + within
        while _free(self.port):
            if self.process.returncode is not None or asyncio.get_running_loop().time() > deadline:
                raise SippFailedError(f"sipp's {self.name} does not listen on port {self.port}: {self._errors()}")
            await asyncio.sleep(0.01)

    def _read(self) -> Outcome:
        code = self.process.returncode
        assert code is not None
        rows = list(csv.DictReader((self.folder / "stat.csv").open(), delimiter=";")) if self._has("stat.csv") else []
        last = rows[-1] if rows else {}
        # One that waits is asked by OPTIONS too, which sipp counts as calls: its scenarios count for themselves.
        names = ("offered(C)", "through(C)") if self.waits else ("TotalCallCreated", "SuccessfulCall(C)")
        calls, good, bad = (int(last.get(name) or 0) for name in (*names, "FailedCall(C)"))
        times: list[float] = []
        for path in self.folder.glob("*_rtt.csv"):
            times += [float(row["response_time_ms"]) / 1000 for row in csv.DictReader(path.open(), delimiter=";")]
        return Outcome(code, calls, good, bad, tuple(times), self._errors())

    def _has(self, name: str) -> bool:
        return (self.folder / name).exists()

    def _errors(self) -> str:
        """sipp's own word about what went wrong; without one, what it printed."""
        found = next((name for name in ("errors.log", "output") if self._has(name)), None)
        return _AS_MEANT.sub("", (self.folder / found).read_text(errors="replace")).strip() if found else ""


class Sipp:
    """Runs scenarios of the folder `sipp` with the given sip-tester."""

    def __init__(self, tool: Tool) -> None:
        self.tool = tool

    @contextlib.asynccontextmanager
    async def run(
        self,
        scenario: str,
        *,
        server: tuple[str, int] | None = None,
        number: str = "4008001234",
        caller: str = "13800001111",
        callers: Sequence[str] = (),
        calls: int = 1,
        rate: float = 10.0,
        at_once: int = 200,
        digits: str = "",
        via: str = "info",
        gap: float = 0.3,
        again: str = "",
        talk: float = 1.0,
        ring: float = 0.2,
        code: int = 486,
        tone: Tone | None = None,
        port: int = 0,
        limit: float = 30.0,
    ) -> AsyncIterator[Run]:
        """Start a scenario; leaving the context ends it.

        `server` is the address that a caller calls; without it sipp waits for calls at `port` (0: a free one). `calls`
        is how many a caller makes, `rate` how many start a second, `at_once` how many run. `digits` are pressed `gap`
        seconds apart once the call is answered, `via` info or rfc2833 (that needs root). `callers` have one call each,
        in this order; `again` is a key that a scenario presses every second or so until the end. `talk`, `ring`,
        `limit` are seconds; `code` refuses.
        """
        sound = tone or Tone(1000 if server else 600)
        with tempfile.TemporaryDirectory(prefix="sipp-") as name:
            folder = Path(name)
            (folder / "tone.alaw").write_bytes(ALAW.encode(sound.samples(0, 2 * RATE)))
            values = {
                "[ring]": str(round(ring * 1000)),
                "[talk]": str(round(talk * 1000)),
                "[code]": str(code),
                "[caller]": "[field0]" if callers else caller,
                "[tone]": str(folder / "tone.alaw"),
                "<!-- options -->": _OPTIONS,
                "<!-- answer to options -->": _ANSWER,
            }
            text = (SCENARIOS / f"{scenario}.xml").read_text(encoding="utf-8")
            text = text.replace("<!-- digits -->", _pressing(folder, digits, via, gap))
            text = text.replace("<!-- presses -->", _pressing_again(again, 2 + len(digits), limit))
            for mark, value in values.items():
                text = text.replace(mark, value)
            (folder / "scenario.xml").write_text(text, encoding="utf-8")
            port = port or free_port()
            arguments = (
                f"-sf scenario.xml -i {HOST} -mi {HOST} -bind_local -p {port} -mp {free_ports(min(4 * calls, 400))}"
            )
            arguments += f" -ci {HOST} -cp {free_port()} -l {at_once} -d {round(talk * 1000)} -timeout {round(limit)}s"
            arguments += " -nostdin -aa -skip_rlimit -trace_err -error_file errors.log -trace_stat -stf stat.csv -fd 1"
            arguments += " -trace_logs -log_file scenario.log"
            if callers:
                calls = len(callers)
                (folder / "callers.csv").write_text("\n".join(("SEQUENTIAL", *callers)) + "\n")
                arguments += " -inf callers.csv"
            if server:
                arguments += f" -m {calls} -r {max(1, round(rate * 10))} -rp 10s -timeout_error"
                arguments += f" -s {number} -trace_rtt -rtt_freq 1 {server[0]}:{server[1]}"
            with (folder / "output").open("wb") as output:
                process = await asyncio.create_subprocess_exec(
                    *self.tool.argv("sipp", *arguments.split()),
                    cwd=folder,
                    env={**os.environ, **self.tool.env, "TERM": "dumb"},
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.DEVNULL,
                    stderr=output,
                )
            running = Run(process, folder, port, scenario, limit, waits=server is None)
            try:
                if server is None:
                    await running.listening()
                yield running
            finally:
                await running.stop()


def _pressing(folder: Path, digits: str, via: str, gap: float) -> str:
    """The part of a scenario in which `digits` are pressed."""
    pause = _PAUSE.format(milliseconds=round(gap * 1000))
    if via == "info":
        return "".join(pause + _INFO.format(cseq=number, digit=digit) for number, digit in enumerate(digits, 2))
    if via != "rfc2833":
        raise ValueError(f"digits go via info or rfc2833, not {via}")
    if not digits:
        return ""
    capture = folder / "keys.pcap"
    capture.write_bytes(keys_as_capture(digits, gap=gap))
    # Only after the keys may the tone start.
    lasting = _PAUSE.format(milliseconds=round(duration(digits, gap=gap) * 1000))
    return f"{pause}  <nop><action><exec play_pcap_audio={quoteattr(str(capture))}/></action></nop>\n{lasting}"


def free_port() -> int:
    """A UDP port that is free now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def free_ports(count: int = 4) -> int:
    """The first of `count` free UDP ports in a row, even: sipp takes four for each call."""
    for _ in range(100):
        first = free_port() // 2 * 2
        if first + count < 65536 and all(_free(first + offset) for offset in range(count)):
            return first
    raise OSError(f"no {count} UDP ports in a row are free on {HOST}")


def _free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def _pressing_again(key: str, cseq: int, limit: float, every: float = 1.2) -> str:
    """The part of a scenario in which a key is pressed until a goodbye comes, for about a minute at most."""
    if not key:
        return ""
    return "".join(
        _AGAIN.format(
            milliseconds=round(every * 1000),
            number=number,
            info=_INFO.format(cseq=cseq + number, digit=key).replace(
                '<recv response="200"/>', '<recv request="BYE" optional="true" next="bye"/>\n  <recv response="200"/>'
            ),
        )
        for number in range(min(round(limit / every), _MOST_PRESSES))
    )
