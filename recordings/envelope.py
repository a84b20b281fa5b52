"""What a recording looks like: peaks for the eye, and the places worth hearing. All of it can be made again.

Sound comes in blocks of int16, shape (n, 2), caller left and agent right. A side speaks in a bucket of 1/20 s whose
level is above a threshold; short pauses between words belong to the speech.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recordings.stereo import FLOOR, FULL_SCALE, Stereo

PER_SECOND = 20
"""Peaks a second."""
SIDES = ("caller", "agent")
_Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """When a place is worth hearing. Levels in dBFS, the rest in seconds."""

    speech_above: float = -45.0
    pause_within: float = 0.5
    """A side that is silent for less goes on speaking."""
    talk_over: float = 1.5
    long_silence: float = 10.0


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in the recording, in seconds from its start: `talk_over` or `silence`."""

    kind: str
    at: float
    until: float


@dataclass(frozen=True, slots=True)
class Shape:
    """The peaks of either side (0 to 127, so many a second), levels, the share of the time in which it is silent."""

    seconds: float
    per_second: int
    peaks: dict[str, list[int]]
    level: dict[str, float]
    silence: dict[str, float]
    marks: tuple[Mark, ...]

    @property
    def talk_over(self) -> float:
        """Seconds in which both sides spoke at once, for longer than a word."""
        return round(sum(mark.until - mark.at for mark in self.marks if mark.kind == "talk_over"), 2)

    def values(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)


class Envelope:
    """Takes blocks in (`add`) and tells the shape at the end. `rate` is in samples a second."""

    def __init__(self, rate: int, sensitivity: Sensitivity | None = None) -> None:
        self._rate, self._limits = rate, sensitivity or Sensitivity()
        self._bucket = rate // PER_SECOND
        self._rest: Stereo = np.zeros((0, 2), dtype=np.int16)
        self._samples = 0
        self._peaks: list[NDArray[np.uint8]] = []
        self._power: list[NDArray[np.float64]] = []

    def add(self, block: Stereo) -> None:
        """The next samples."""
        self._samples += len(block)
        if len(self._rest):
            block = np.concatenate((self._rest, block))
        whole = len(block) // self._bucket * self._bucket
        self._rest = block[whole:].copy()
        if whole:
            self._take(block[:whole])

    def _take(self, block: Stereo) -> None:
        # One side after the other, each in one piece: strided sums are several times slower.
        tracks = np.ascontiguousarray(block.T).reshape(2, -1, self._bucket)
        highest, lowest = tracks.max(axis=2).astype(np.int32), tracks.min(axis=2).astype(np.int32)
        self._peaks.append((np.maximum(highest, -lowest) >> 8).clip(0, 127).astype(np.uint8))
        sound = tracks.astype(np.float32)
        self._power.append(np.einsum("sbi,sbi->sb", sound, sound).astype(np.float64))

    def shape(self) -> Shape:
        """The shape of all that was added."""
        if len(self._rest):
            tail = np.zeros((self._bucket, 2), dtype=np.int16)
            tail[: len(self._rest)] = self._rest
            self._rest = self._rest[:0]
            self._take(tail)
        empty = np.zeros((2, 0))
        peaks = np.concatenate(self._peaks, axis=1) if self._peaks else empty.astype(np.uint8)
        power = np.concatenate(self._power, axis=1) if self._power else empty
        threshold = (FULL_SCALE * 10 ** (self._limits.speech_above / 20)) ** 2 * self._bucket
        speaks = [_bridged(each, self._buckets(self._limits.pause_within)) for each in power > threshold]
        sides = list(zip(SIDES, range(2), strict=True))
        return Shape(
            round(self._samples / self._rate, 3),
            PER_SECOND,
            {side: peaks[at].tolist() for side, at in sides},
            {side: self._level(float(power[at].sum())) for side, at in sides},
            {side: round(1.0 - float(speaks[at].mean()), 3) if len(speaks[at]) else 1.0 for side, at in sides},
            tuple(self._marks(*speaks)),
        )

    def _marks(self, caller: _Flags, agent: _Flags) -> Iterator[Mark]:
        limits = self._limits
        for kind, flags, least in (
            ("talk_over", caller & agent, limits.talk_over),
            ("silence", ~(caller | agent), limits.long_silence),
        ):
            for begin, end in _runs(flags):
                if end - begin >= self._buckets(least):
                    yield Mark(kind, begin / PER_SECOND, min(end / PER_SECOND, self._samples / self._rate))

    def _level(self, energy: float) -> float:
        if not energy or not self._samples:
            return FLOOR
        return max(FLOOR, round(20 * math.log10(math.sqrt(energy / self._samples) / FULL_SCALE), 2))

    @staticmethod
    def _buckets(seconds: float) -> int:
        return round(seconds * PER_SECOND)


def _runs(flags: _Flags) -> list[tuple[int, int]]:
    """(begin, end) of each stretch that is true."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype(np.int8)))
    return [(int(begin), int(end)) for begin, end in edges.reshape(-1, 2)]


def _bridged(flags: _Flags, gap: int) -> _Flags:
    """The flags with the gaps between two true ones filled that are shorter than `gap`."""
    filled = flags.copy()
    for begin, end in _runs(~flags):
        if begin > 0 and end < len(flags) and end - begin < gap:
            filled[begin:end] = True
    return filled
