"""How instants, telephone numbers and texts of the records are written."""

from __future__ import annotations

from datetime import UTC, datetime


def iso(instant: datetime | None) -> str | None:
    """An instant as ISO 8601 in UTC with milliseconds, as `2027-01-15T08:00:00.250Z`."""
    if instant is None:
        return None
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def text_of_instant(instant: datetime) -> str:
    """An instant as SQLite's records have it, in UTC: `2027-01-15 08:00:00.250000`."""
    instant = instant if instant.tzinfo is UTC else instant.astimezone(UTC)
    return instant.isoformat(" ", "microseconds")[:26]


def words(text: str) -> str:
    """A text as the records have it: a NUL, which PostgreSQL cannot hold, is the replacement character."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}") if "\0" in text else text


def masked(number: str) -> str:
    """A telephone number with its middle hidden: `138****8000`. Short ones keep the last two digits only."""
    if len(number) >= 9:
        return f"{number[:3]}{'*' * (len(number) - 7)}{number[-4:]}"
    return "*" * max(0, len(number) - 2) + number[-2:] if len(number) > 2 else "*" * len(number)
