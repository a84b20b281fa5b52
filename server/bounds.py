"""Law: a value from outside is finite, plausible and bounded before it enters an event.

Numbers, instants and texts come from Asterisk's channels, from files of other programs, from requests. Each function
returns the value as an event may hold it, or raises ValueError with a sentence; the edge then decides whether to refuse
the value or leave it out. A caller is never turned away for it.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, tzinfo
from math import isfinite
from unicodedata import category

DAY = 86_400.0
EARLIEST = 946_684_800.0
"""2000-01-01 in UTC epoch seconds: no fact of this hotline is earlier."""
LATEST = 4_102_444_800.0
"""2100-01-01: no plan is later, and every calendar reaches as far."""
AHEAD = DAY
"""Seconds by which the clock of a peer may be ahead of ours: no fact is later than that."""
LONGEST = 200
"""Characters of a text, unless the edge says otherwise."""
MOST = 2**53
"""The largest number that every reader of JSON reads exactly."""
_DAY = r"\d{4}-\d{2}-\d{2}"
_INSTANT = re.compile(rf"{_DAY}([T ]\d{{2}}:\d{{2}}(:\d{{2}}([.,]\d{{1,9}})?)?(Z|[+-]\d{{2}}(:?\d{{2}})?)?)?", re.ASCII)
_RIGHT = "write a day or an instant from 2000 to 2099, such as 2027-01-15 or 2027-01-15T08:30:00+08:00"


def number(value: object) -> float:
    """A finite number, out of a text or a value of JSON."""
    try:
        found = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{_shown(value)} is not a number") from None
    if not isfinite(found):
        raise ValueError(f"{_shown(value)} is not a finite number")
    return found


def happened(value: object, now: float) -> float:
    """The instant of a fact, UTC epoch seconds: from 2000 to a day from `now`."""
    found = number(value)
    if not EARLIEST <= found <= now + AHEAD:
        raise ValueError(f"{found:.15g} is not an instant from 2000 to now")
    return found


def planned(value: object) -> float:
    """The instant of a plan, UTC epoch seconds: from 2000 to 2099."""
    found = number(value)
    if not EARLIEST <= found < LATEST:
        raise ValueError(f"{found:.15g} is not an instant from 2000 to 2099")
    return found


def instant(value: object, zone: tzinfo = UTC) -> datetime:
    """An instant from 2000 to 2099, in UTC, out of a text of ISO 8601 with hyphens and colons: a day, or day and time.

    `zone` holds where the text names none. A number is no instant: 20270101 would be a day of 1970.
    """
    if isinstance(value, datetime):
        value = value.isoformat()
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        raise ValueError(_RIGHT)
    try:
        found = datetime.fromisoformat(value.replace(",", "."))
        found = (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
        inside = EARLIEST <= found.timestamp() < LATEST
    except (ValueError, OverflowError):
        raise ValueError(_RIGHT) from None
    if not inside:
        raise ValueError(_RIGHT)
    return found


def day(value: object) -> date:
    """A day from 2000 to 2099, out of a text such as 2027-01-15."""
    right = "write a day from 2000 to 2099, such as 2027-01-15"
    if isinstance(value, date) and not isinstance(value, datetime):
        value = value.isoformat()
    if not isinstance(value, str) or not re.fullmatch(_DAY, value, re.ASCII):
        raise ValueError(right)
    try:
        found = date.fromisoformat(value)
    except ValueError:
        raise ValueError(right) from None
    if not 2000 <= found.year < 2100:
        raise ValueError(right)
    return found


def seconds(value: object, longest: float = DAY) -> float:
    """A duration from 0 to `longest` seconds."""
    found = number(value)
    if not 0 <= found <= longest:
        raise ValueError(f"{found:.15g} is not a duration from 0 to {longest:g} seconds")
    return found


def whole(value: object, most: int = MOST) -> int:
    """A whole number from 0 to `most`."""
    try:
        found = int(value)  # type: ignore[call-overload]
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{_shown(value)} is not a whole number") from None
    if not 0 <= found <= most:
        raise ValueError(f"{_shown(value)} is not a whole number from 0 to {most}")
    return int(found)


def is_line(text: str) -> bool:
    """Whether the text is one line: printable, without line ends and control characters. Every space is allowed."""
    return text.isprintable() or all(each.isprintable() or category(each) == "Zs" for each in text)


def line(text: str, longest: int = LONGEST) -> str:
    """The text as one line of at most `longest` characters; line ends become spaces, unprintable characters go."""
    if len(text) <= longest and text.isprintable():
        return text
    kept = (each if each.isprintable() else " " if each.isspace() else "" for each in text[: 4 * longest])
    return " ".join("".join(kept).split())[:longest]


def _shown(value: object) -> str:
    return line(repr(value)[:200], 40)
