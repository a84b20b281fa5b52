"""Law: a server whose event loop stands still is ended, so that Asterisk takes it for a server that is gone.

A frozen server (suspended, or with a loop that blocks) keeps its connections, and Asterisk waits on them for ever. The
server beats: its loop writes a byte into a pipe. A process of its own, this file run by path, reads the pipe and ends
the server with SIGKILL when no byte came for so long. The server's own end closes the pipe, and the watchdog goes too.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

_SLICE = 0.5
"""Seconds between two looks."""
_ASLEEP = 2.0
"""Seconds by which a look may come late; beyond it the machine slept, or this process did, and the server with it."""


class Heart:
    """Beats for one server, and keeps its watchdog, from `begin` to `stop`.

    `seconds` without a beat end the server; `log` is the file that a last line goes to.
    """

    def __init__(self, seconds: float, log: Path) -> None:
        self._seconds, self._log = seconds, log
        self._pipe: int | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._next: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Start the watchdog, and beat in the running loop. Raises OSError."""
        reading, self._pipe = os.pipe()
        os.set_blocking(self._pipe, False)
        words = [
            sys.executable,
            "-I",
            "-S",
            __file__,
            str(reading),
            str(os.getpid()),
            str(self._seconds),
            str(self._log),
        ]
        try:
            self._process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, pass_fds=(reading,), start_new_session=True, cwd="/"
            )
        finally:
            os.close(reading)
        self._beat()

    def stop(self) -> None:
        """End the watchdog."""
        if self._next is not None:
            self._next.cancel()
        if self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(2)

    def _beat(self) -> None:
        if self._pipe is not None:
            with contextlib.suppress(OSError):
                os.write(self._pipe, b".")
            self._next = asyncio.get_running_loop().call_later(min(1.0, self._seconds / 8), self._beat)


def watch(pipe: int, server: int, seconds: float, log: Path) -> None:
    """Return when the pipe is closed; end the process `server`, whose child this is, after `seconds` without a byte."""
    held = os.pidfd_open(server)
    if os.getppid() != server:
        return
    poll = select.poll()
    poll.register(pipe, select.POLLIN)
    quiet = 0.0
    while quiet < seconds:
        began = time.monotonic()
        if poll.poll(_SLICE * 1000):
            if not os.read(pipe, 4096):
                return
            quiet = 0.0
        else:
            passed = time.monotonic() - began
            quiet = quiet + passed if passed < _SLICE + _ASLEEP else 0.0
    signal.pidfd_send_signal(held, signal.SIGKILL)
    _say(
        f"the server did nothing for {seconds:g} s and was ended: Asterisk keeps its callers until a server is there",
        log,
    )


def _say(sentence: str, log: Path) -> None:
    line = {"event": sentence, "level": "error", "timestamp": datetime.now(UTC).isoformat()}
    with contextlib.suppress(OSError):
        sys.stderr.write(f"sansheng: {sentence}\n")
        sys.stderr.flush()
    with contextlib.suppress(OSError), log.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    watch(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4]))
