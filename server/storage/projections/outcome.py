"""How a call ended, in one word. The first rule that holds gives it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from server.storage.schema.tables import Call

SHORT = 5.0
"""Seconds in the queue below which giving up does not count as abandoning."""


class Outcome(StrEnum):
    HANDLED = "handled"
    ABANDONED = "abandoned"
    SHORT_ABANDONED = "short_abandoned"
    IN_IVR = "in_ivr"
    CALLBACK = "callback"
    MESSAGE = "message"
    OVERFLOWED = "overflowed"
    FAILED = "failed"
    UNREACHED = "unreached"
    """A call of the hotline's own that led to no conversation."""


def outcome_of(call: Call, short: float = SHORT) -> Outcome | None:
    """None for a call that goes on.

    A caller who spoke with an agent was handled, even if something else came later; a promise or a message counts
    before the way out of the queue that led to it; a call that was cut off by a fault of ours is failed, not abandoned.
    """
    if call.ended_at is None:
        return None
    if call.connected_at is not None:
        return Outcome.HANDLED
    if call.direction == "outbound":
        return Outcome.UNREACHED
    if call.promised:
        return Outcome.CALLBACK
    if call.message_left:
        return Outcome.MESSAGE
    if call.left_queue_at is not None or call.end_cause == "line_full":
        return Outcome.OVERFLOWED
    if call.end_cause == "lost":
        return Outcome.FAILED
    if call.queued_at is None:
        return Outcome.IN_IVR
    if call.end_cause == "hotline_hung_up":
        return Outcome.OVERFLOWED
    waited = (call.ended_at - call.queued_at).total_seconds()
    return Outcome.SHORT_ABANDONED if waited < short else Outcome.ABANDONED
