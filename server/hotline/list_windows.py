"""When the lines of an outbound list are called: in its window, within the hotline's own hours for calls."""

from __future__ import annotations

from functools import lru_cache
from zoneinfo import ZoneInfo

from ivr.calendar import Calendar
from server.hotline.definitions import Definitions
from tables.errors import TableError

_ROUNDS = 60


@lru_cache(maxsize=64)
def window_of(written: str, zone: ZoneInfo) -> Calendar:
    """The hours of every day, such as "09:00-18:00"; empty: always. Raises ValueError with a sentence."""
    if not written:
        return Calendar.always_open()
    try:
        hours = Calendar.from_dict({"hours": {"every_day": [written], "holidays": [written]}})
    except TableError as error:
        raise ValueError(f"the window {written[:40]}: {error.sentence}") from None
    return Calendar(zone, hours.weekly, on_holidays=None)


def opens_at(definitions: Definitions, written: str, now: float) -> float | None:
    """The first instant from `now` on inside both; None when they do not meet within two months."""
    window, at = window_of(written, definitions.calendar.zone), now
    for _ in range(_ROUNDS):
        allowed = definitions.calls_allowed(at)
        opens = window.next_open(allowed)
        if opens is None:
            return None
        if opens == allowed:
            return opens
        at = opens
    return None
