"""Where a crash would hurt: at a point that is named, a server that is told so kills itself, once.

Off unless SANSHENG_FAULT names a file, which holds the point's name and goes before the server does. Tests of recovery
set it; nothing else does.
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
    """This point was reached: nothing happens, or the process is gone."""
    if not _ARMED:
        return
    armed = Path(_ARMED)
    if armed.exists() and armed.read_text(encoding="utf-8") == point:
        armed.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
