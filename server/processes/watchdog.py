"""Law: a server whose event loop stands still is ended, so that Asterisk takes it for a server that is gone.

A frozen server (suspended, or with a loop that blocks) keeps its connections, and Asterisk waits on them for ever. The
server beats (`heart`): its loop writes a byte into a pipe. A process of its own, this file run by path, reads the pipe
and ends the server with SIGKILL when no byte came for so long. The server's own end closes the pipe, and the watchdog
goes too. It imports little: each server starts one.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time

_SLICE = 0.5
"""Seconds between two looks."""
_ASLEEP = 2.0
"""Seconds by which a look may come late; beyond it the machine slept, or this process did, and the server with it."""


def watch(pipe: int, server: int, seconds: float, log: str) -> None:
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


def _say(sentence: str, log: str) -> None:
    import json
    from datetime import UTC, datetime

    line = {"event": sentence, "level": "error", "timestamp": datetime.now(UTC).isoformat()}
    with contextlib.suppress(OSError):
        sys.stderr.write(f"sansheng: {sentence}\n")
        sys.stderr.flush()
    with contextlib.suppress(OSError), open(log, "a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    watch(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4])
