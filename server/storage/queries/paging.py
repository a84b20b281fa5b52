"""Lists are given page by page. A cursor is opaque: it names the last row seen, so that new rows shift nothing."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from server.storage.notation import iso, masked

if TYPE_CHECKING:
    from sqlalchemy import Select
    from sqlalchemy.orm import Session

__all__ = [
    "Page",
    "QueryError",
    "check_limit",
    "cut",
    "decode_cursor",
    "decode_place",
    "encode_cursor",
    "encode_place",
    "iso",
    "masked",
    "page_of",
    "page_of_entries",
]

LARGEST_PAGE = 1000
_LARGEST_KEY = 2**63 - 1
_LONGEST_KEY = 200


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


def page_of_entries(
    session: Session, wanted: Select[Any], table: Any, kind: str, limit: int, after: str | None
) -> tuple[Sequence[Any], str | None]:
    """As `page_of`, for rows whose key is the place of an entry in the log, (ms, seq)."""
    from sqlalchemy import tuple_

    check_limit(limit)
    key = tuple_(table.ms, table.seq)
    if after is not None:
        wanted = wanted.where(key < tuple_(*decode_place(kind, after, int, int)))
    rows = session.scalars(wanted.order_by(table.ms.desc(), table.seq.desc()).limit(limit + 1)).all()
    more, rows = len(rows) > limit, rows[:limit]
    return rows, encode_place(kind, rows[-1].ms, rows[-1].seq) if more else None


def cut(
    rows: Iterable[dict[str, Any]], kind: str, key: str, limit: int, after: str | None, *, newest_first: bool = True
) -> dict[str, Any]:
    """A page of rows that are in memory: {"items", "next"}. They are put in the order of `key`, a number or a text.

    Raises QueryError for a bad limit or cursor.
    """
    check_limit(limit)
    found = sorted(rows, key=lambda row: row[key], reverse=newest_first)
    if after is not None:
        (seen,) = decode_place(kind, after, type(found[0][key]) if found else object)
        found = [row for row in found if (row[key] < seen if newest_first else row[key] > seen)]
    following = encode_place(kind, found[limit - 1][key]) if len(found) > limit else None
    return {"items": found[:limit], "next": following}


def check_limit(limit: int) -> None:
    """Raises QueryError unless `limit` is from 1 to `LARGEST_PAGE`."""
    if not 1 <= limit <= LARGEST_PAGE:
        raise QueryError(f"`limit` is {limit}: it must be from 1 to {LARGEST_PAGE}")


def encode_cursor(kind: str, key: int) -> str:
    """The cursor of a list of this kind that goes on after the row with this key."""
    return base64.urlsafe_b64encode(json.dumps([kind, key]).encode()).decode().rstrip("=")


def encode_place(kind: str, *parts: int | str) -> str:
    """The cursor of a list of this kind that goes on after the row with this key of several parts."""
    return base64.urlsafe_b64encode(json.dumps([kind, list(parts)]).encode()).decode().rstrip("=")


def decode_place(kind: str, cursor: str, *types: type) -> tuple[Any, ...]:
    """The parts of the key in a cursor, of these types. Raises QueryError for what is none, or one of another list."""
    found, parts = _decoded(cursor)
    fits = isinstance(parts, list) and len(parts) == len(types)
    if found != kind or not fits or not all(map(_is, parts, types)):
        raise QueryError(f"cursor {cursor!r} is not one of the {kind} list: use `next` of the page before")
    return tuple(parts)


def _is(part: object, wanted: type) -> bool:
    if isinstance(part, bool) or not isinstance(part, int | str) or not isinstance(part, wanted):
        return False
    return 0 <= part <= _LARGEST_KEY if isinstance(part, int) else len(part) <= _LONGEST_KEY and "\0" not in part


def _decoded(cursor: str) -> tuple[Any, Any]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        found, key = json.loads(base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, TypeError, RecursionError):
        return None, None
    return found, key


def decode_cursor(kind: str, cursor: str) -> int:
    """The key in a cursor. Raises QueryError for what is none, or one of another list."""
    found, key = _decoded(cursor)
    if found != kind or not isinstance(key, int) or isinstance(key, bool) or not 0 <= key <= _LARGEST_KEY:
        raise QueryError(f"cursor {cursor!r} is not one of the {kind} list: use `next` of the page before")
    return key
