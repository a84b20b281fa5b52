"""A frame is kept packed: its lines say much the same of each call, and a month of a large hotline must fit the log.

Packed is zlib, then base64, cut into parts. What is unpacked is compared with the digest by whoever uses it.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence

PART = 256_000
"""Characters of a part, at most."""


def pack(lines: str) -> list[str]:
    """The lines of a frame in parts, one at least."""
    packed = base64.b64encode(zlib.compress(lines.encode(), 9)).decode()
    return [packed[start : start + PART] for start in range(0, len(packed), PART)]


def unpack(parts: Sequence[str]) -> str:
    """The lines that `pack` was given. Raises ValueError for what is none of them."""
    try:
        return zlib.decompress(base64.b64decode("".join(parts), validate=True)).decode()
    except zlib.error as error:
        raise ValueError(f"a stored frame cannot be unpacked: {error}") from None
