"""Which bytes of a file a request wants (RFC 9110, section 14): one range, or the whole."""

from __future__ import annotations

import re

_ONE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class Unsatisfiable(Exception):
    """The range lies outside the file."""


def wanted(header: str, size: int) -> tuple[int, int] | None:
    """(first byte, how many) of a `Range` header; None for the whole file.

    A header that cannot be read, or names several ranges, counts as none, as the standard allows. Raises Unsatisfiable.
    """
    found = _ONE.fullmatch(header.replace(" ", ""))
    if found is None or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if not first:
        start, end = max(0, size - int(last)), size - 1
        if int(last) == 0:
            raise Unsatisfiable
    else:
        start, end = int(first), min(int(last), size - 1) if last else size - 1
        if last and int(last) < int(first):
            return None
    if start >= size:
        raise Unsatisfiable
    return start, end - start + 1


def matches(etag: str, header: str) -> bool:
    """Whether `If-None-Match` or `If-Range` names this etag."""
    return header.strip() == "*" or etag in [each.strip() for each in header.split(",")]
