"""Telephone sound as numbers: 8 kHz mono int16 in, G.711 bytes out, and levels measured one way everywhere.

Levels are in dBFS where a sine of full scale has 0 dB, so `Tone(1000, -10)` measures -10 by either yardstick below.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
import soundfile
from numpy.typing import NDArray

RATE = 8000
"""Samples a second; G.711 knows no other."""

Samples = NDArray[np.int16]

SILENT_DBFS = -120.0
"""What silence measures: the logarithm of nothing is not a number to compare with."""


@dataclass(frozen=True, slots=True)
class Codec:
    """One law of G.711, as two tables. `encode` takes the code whose value lies nearest."""

    name: str
    payload_type: int
    decoded: NDArray[np.int16]
    encoded: NDArray[np.uint8]

    def encode(self, samples: Samples) -> bytes:
        """One byte a sample."""
        return self.encoded[samples.view(np.uint16)].tobytes()

    def decode(self, payload: bytes) -> Samples:
        """One sample a byte."""
        return self.decoded[np.frombuffer(payload, np.uint8)]


def _codec(name: str, payload_type: int, decoded: NDArray[np.int32]) -> Codec:
    # From the top down, so that of mu-law's two zeros the one that networks call silence (0xFF) is taken.
    values, first = np.unique(decoded[::-1], return_index=True)
    middles = (values[1:] + values[:-1]) / 2
    every = np.arange(65536, dtype=np.uint16).view(np.int16)
    encoded = (255 - first)[np.searchsorted(middles, every, side="right")].astype(np.uint8)
    return Codec(name, payload_type, decoded.astype(np.int16), encoded)


def _alaw() -> NDArray[np.int32]:
    code = np.arange(256, dtype=np.int32) ^ 0x55
    segment = (code & 0x70) >> 4
    size = ((code & 0x0F) << 4) + np.where(segment == 0, 8, 0x108)
    size <<= np.maximum(segment - 1, 0)
    return np.where(code & 0x80, size, -size)


def _ulaw() -> NDArray[np.int32]:
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    size = ((((code & 0x0F) << 3) + 0x84) << ((code & 0x70) >> 4)) - 0x84
    return np.where(code & 0x80, -size, size)


ALAW = _codec("PCMA", 8, _alaw())
ULAW = _codec("PCMU", 0, _ulaw())
CODECS = {codec.payload_type: codec for codec in (ALAW, ULAW)}


class Source(Protocol):
    """Sound as a function of position, so that a stream stays in phase when a part of it is left out."""

    def samples(self, start: int, count: int) -> Samples:
        """`count` samples from sample number `start` on."""


@dataclass(frozen=True, slots=True)
class Silence:
    """Packets of nothing: the line is up and quiet."""

    def samples(self, start: int, count: int) -> Samples:
        return np.zeros(count, np.int16)


QUIET = Silence()


@dataclass(frozen=True, slots=True)
class Tone:
    """A sine of `hz` at `dbfs`."""

    hz: float
    dbfs: float = -10.0

    def samples(self, start: int, count: int) -> Samples:
        if self.hz == round(self.hz) and count <= RATE:
            # A whole number of waves fills a second, which is then the same again and again.
            return _two_seconds(self.hz, self.dbfs)[start % RATE :][:count]
        return _sine(self.hz, self.dbfs, start, count)


def _sine(hz: float, dbfs: float, start: int, count: int) -> Samples:
    peak = 32767 * 10 ** (dbfs / 20)
    return np.rint(peak * np.sin(2 * np.pi * hz * np.arange(start, start + count) / RATE)).astype(np.int16)


@lru_cache(maxsize=128)
def _two_seconds(hz: float, dbfs: float) -> Samples:
    sound = np.tile(_sine(hz, dbfs, 0, RATE), 2)
    sound.flags.writeable = False
    return sound


@dataclass(frozen=True, slots=True)
class Wave:
    """A sound file, mixed to mono and brought to 8 kHz; silence after its end, or from the start again."""

    path: Path
    again: bool = False

    def samples(self, start: int, count: int) -> Samples:
        sound = _read(self.path)
        if start + count <= len(sound):
            return sound[start : start + count]
        at = np.arange(start, start + count)
        if self.again:
            at %= len(sound)
        part = np.zeros(count, np.int16)
        part[at < len(sound)] = sound[at[at < len(sound)]]
        return part


@lru_cache(maxsize=32)
def _read(path: Path) -> Samples:
    sound, rate = soundfile.read(str(path), dtype="float64", always_2d=True)
    if not len(sound):
        raise ValueError(f"{path} holds no sound: a source needs at least one sample")
    mono = sound.mean(axis=1)
    if rate != RATE:
        mono = np.interp(np.arange(0, len(mono), rate / RATE), np.arange(len(mono)), mono)
    samples: Samples = np.rint(mono * 32767).astype(np.int16)
    return samples


def level_dbfs(samples: Samples) -> float:
    """Level of all there is in `samples`."""
    if not len(samples):
        return SILENT_DBFS
    return _dbfs(float(np.sqrt(2 * np.mean(np.square(samples.astype(np.float64))))))


def tone_level(samples: Samples, hz: float) -> float:
    """Level of the sine of `hz` in `samples`. Over T seconds, what lies more than 2/T Hz beside it does not count."""
    if not len(samples):
        return SILENT_DBFS
    window = np.hanning(len(samples) + 2)[1:-1]
    turns = np.exp(-2j * np.pi * hz * np.arange(len(samples)) / RATE)
    return _dbfs(float(2 * abs(np.sum(samples * window * turns)) / np.sum(window)))


def _dbfs(peak: float) -> float:
    return max(SILENT_DBFS, 20 * float(np.log10(max(peak, 1e-9) / 32768)))
