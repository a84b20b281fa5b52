"""Law: the event loop beats as long as it turns, for the `watchdog` that ends a server whose loop stands still."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from pathlib import Path

from server.processes import watchdog


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
            watchdog.__file__,
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
