"""When the sound of a call went one way only, read from the archived log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from acd.events import SoundReturned, SoundStopped
from server.storage.queries.paging import iso
from server.storage.schema.tables import Call, LogEntry, asked_for

_KINDS: dict[str, Any] = {kind.__name__: kind for kind in (SoundStopped, SoundReturned)}
_LONGEST = timedelta(days=1)
"""How long after its beginning a call is over, whatever the records say of its end."""


def one_way_sound(session: Session, call: Call) -> list[dict[str, Any]]:
    """Each time, in order: from which side no sound came, since when, and when it came again (null: it did not)."""
    if (began := call.offered_at) is None:
        return []
    until = call.ended_at or began + _LONGEST
    when = (LogEntry.at >= began.timestamp() - 1, LogEntry.at <= until.timestamp() + 1)
    wanted = select(LogEntry).where(asked_for(*_KINDS), *when).order_by(LogEntry.ms, LogEntry.seq)
    found: list[dict[str, Any]] = []
    for row in session.scalars(wanted):
        event: SoundStopped | SoundReturned = msgspec.json.decode(row.data, type=_KINDS[row.type])
        if event.call != call.id:
            continue
        if isinstance(event, SoundStopped):
            since = datetime.fromtimestamp(row.at - event.seconds, UTC)
            found.append({"since": iso(since), "agent": event.agent, "side": event.side, "until": None})
        elif found and (found[-1]["agent"], found[-1]["side"]) == (event.agent, event.side):
            found[-1]["until"] = iso(datetime.fromtimestamp(row.at, UTC))
    return found
