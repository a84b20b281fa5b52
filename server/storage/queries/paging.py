"""Lists are given page by page. A cursor is opaque: it names the last row seen, so that new rows shift nothing."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select
from sqlalchemy.orm import Session

from server.storage.notation import iso, masked

__all__ = [
    "Page",
    "QueryError",
    "check_limit",
    "decode_cursor",
    "encode_cursor",
    "iso",
    "masked",
    "page_of",
]

LARGEST_PAGE = 1000
_LARGEST_KEY = 2**63 - 1


class QueryError(ValueError):
    """A question that cannot be answered as asked; the message says what would be right."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page. `next` is the cursor of the page after it, None on the last one."""

    items: list[dict[str, Any]]
    next: str | None


def page_of(
    session: Session, wanted: Select[Any], key: Any, kind: str, limit: int, after: str | None
) -> tuple[Sequence[Any], str | None]:
    """(rows with the greatest keys first, cursor of the page after them or None)."""
    check_limit(limit)
    if after is not None:
        wanted = wanted.where(key < decode_cursor(kind, after))
    rows = session.scalars(wanted.order_by(key.desc()).limit(limit + 1)).all()
    more = len(rows) > limit
    rows = rows[:limit]
    return rows, encode_cursor(kind, getattr(rows[-1], key.key)) if more else None


def check_limit(limit: int) -> None:
    """Raises QueryError unless `limit` is from 1 to `LARGEST_PAGE`."""
    if not 1 <= limit <= LARGEST_PAGE:
        raise QueryError(f"`limit` is {limit}: it must be from 1 to {LARGEST_PAGE}")


def encode_cursor(kind: str, key: int) -> str:
    """The cursor of a list of this kind that goes on after the row with this key."""
    return base64.urlsafe_b64encode(json.dumps([kind, key]).encode()).decode().rstrip("=")


def decode_cursor(kind: str, cursor: str) -> int:
    """The key in a cursor. Raises QueryError for what is none, or one of another list."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        found, key = json.loads(base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, TypeError, RecursionError):
        found, key = None, None
    if found != kind or not isinstance(key, int) or isinstance(key, bool) or not 0 <= key <= _LARGEST_KEY:
        raise QueryError(f"cursor {cursor!r} is not one of the {kind} list: use `next` of the page before")
    return key
