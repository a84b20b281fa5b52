"""What the files of a leg tell of a conversation that nobody watched: how long it was, and when it ended."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

_WAV_HEADER = 44
_BYTES_A_SECOND = 16_000
"""8,000 samples of 16 bits: what MixMonitor writes."""


class LegFiles:
    """`prefix(call, offer)` is the path of that leg's files without their ending."""

    def __init__(self, prefix: Callable[[int, int], Path]) -> None:
        self.prefix = prefix

    def grew_until(self, call: int, offer: int) -> float | None:
        """UTC epoch seconds of the last write; None without files."""
        return max((file.stat().st_mtime for file in self._files(call, offer)), default=None)

    def seconds(self, call: int, offer: int) -> float:
        """Seconds of sound; 0 when nothing was recorded, so that nobody spoke."""
        longest = max((file.stat().st_size for file in self._files(call, offer)), default=0)
        return max(0.0, (longest - _WAV_HEADER) / _BYTES_A_SECOND)

    def _files(self, call: int, offer: int) -> list[Path]:
        prefix = self.prefix(call, offer)
        files = (prefix.with_name(prefix.name + side) for side in ("-caller.wav", "-agent.wav"))
        return [file for file in files if file.exists()]
