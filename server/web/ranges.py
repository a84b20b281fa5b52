"""Which bytes of a file a request wants (RFC 9110, section 14): the whole, one range, or some in parts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

MOST = 8
"""Ranges that one request may name. Players ask for one or two; many small ones are somebody's attack."""
_SPEC = re.compile(r"(\d{0,18})-(\d{0,18})")


class Unsatisfiable(Exception):
    """Every range lies outside the file."""


@dataclass(frozen=True, slots=True)
class Span:
    """`length` bytes from `start` on, of a file of `size`."""

    start: int
    length: int
    size: int

    @property
    def content_range(self) -> str:
        """As the header `Content-Range` has it."""
        return f"bytes {self.start}-{self.start + self.length - 1}/{self.size}"


def wanted(header: str, size: int) -> list[Span]:
    """The ranges of a `Range` header that lie in the file, in the order in which they are named; none for the whole
    file.

    A header that cannot be read, or names more than `MOST` ranges or some that overlap, counts as none, as the standard
    allows. Raises Unsatisfiable when no range lies in the file.
    """
    unit, equals, named = header.replace(" ", "").partition("=")
    if unit != "bytes" or not equals:
        return []
    found = [_SPEC.fullmatch(each) for each in named.split(",") if each]
    if not found or len(found) > MOST:
        return []
    spans: list[Span] = []
    for each in found:
        if each is None or each.groups() == ("", "") or (all(each.groups()) and int(each[2]) < int(each[1])):
            return []
        if (span := _span(each[1], each[2], size)) is not None:
            spans.append(span)
    if not spans:
        raise Unsatisfiable
    return [] if _overlap(spans) else spans


def _span(first: str, last: str, size: int) -> Span | None:
    """None outside the file."""
    if not first:
        start, end = max(0, size - int(last)), size - 1
    else:
        start, end = int(first), min(int(last), size - 1) if last else size - 1
    return Span(start, end - start + 1, size) if start < size and end >= start else None


def _overlap(spans: Sequence[Span]) -> bool:
    ordered = sorted(spans, key=lambda span: span.start)
    return any(left.start + left.length > right.start for left, right in pairwise(ordered))


def heads(spans: Sequence[Span], media_type: str, boundary: str) -> tuple[list[bytes], bytes]:
    """(what stands before each part of a body of the type multipart/byteranges, what stands at its end)."""
    return [
        f"\r\n--{boundary}\r\nContent-Type: {media_type}\r\nContent-Range: {span.content_range}\r\n\r\n".encode()
        for span in spans
    ], f"\r\n--{boundary}--\r\n".encode()


def matches(etag: str, header: str) -> bool:
    """Whether `If-None-Match` or `If-Range` names this etag."""
    return header.strip() == "*" or etag in [each.strip() for each in header.split(",")]
