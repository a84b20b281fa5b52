"""The points at which a crash would do most harm: an armed server kills itself at one of them, once.

Tests of recovery arm a server: SANSHENG_FAULT names a file with the point's name, which the server removes before it
dies. Without the variable nothing happens.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

POINTS = (
    "number_taken",
    "promise_placed",
    "offer_made",
    "line_opened",
    "agent_answered",
    "attempt_recorded",
    "customer_dialled",
    "customer_answered",
    "answer_recorded",
    "joined",
    "conversation_ended",
    "attempt_ended",
)
"""In the order of a callback's life."""
_ARMED = os.environ.get("SANSHENG_FAULT", "")


def reached(point: str) -> None:
    """Mark that this point was reached; the process ends here if it is the armed one."""
    if not _ARMED:
        return
    armed = Path(_ARMED)
    if armed.exists() and armed.read_text(encoding="utf-8") == point:
        armed.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
