"""Where a crash would hurt: at a point that is named, a server that is told so kills itself, once.

Off unless SANSHENG_FAULT names a point. Tests of recovery set it; nothing else does. The mark in SANSHENG_HOME lets the
server that is started again go on.
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
"""In the order of a call back's life."""
_NAME = os.environ.get("SANSHENG_FAULT", "")
_HOME = Path(os.environ.get("SANSHENG_HOME", "var"))


def reached(point: str) -> None:
    """This point was reached: nothing happens, or the process is gone."""
    if point != _NAME:
        return
    try:
        (_HOME / f"fault-{point}").touch(exist_ok=False)
    except FileExistsError:
        return
    os.kill(os.getpid(), signal.SIGKILL)
