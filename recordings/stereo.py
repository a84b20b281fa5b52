"""Caller left, agent right: two mono tracks become one stereo track, and each side's level is told in dBFS.

Tracks are numpy arrays of int16, shape (n,); both begin at the same instant (the bridge), so the shorter one is
padded with silence at its end.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Mono = NDArray[np.int16]
Stereo = NDArray[np.int16]

FULL_SCALE = 32768.0
FLOOR = -96.0
"""What a silent track's level is said to be, in dBFS: below the smallest 16-bit signal."""


def interleave(caller: Mono, agent: Mono) -> Stereo:
    """The two as one array of shape (n, 2), n being the longer one's length."""
    joined = np.zeros((max(len(caller), len(agent)), 2), dtype=np.int16)
    joined[: len(caller), 0] = caller
    joined[: len(agent), 1] = agent
    return joined


@dataclass(slots=True)
class Level:
    """RMS of a track that comes in blocks, relative to full scale: a full-scale sine has -3.0 dBFS."""

    samples: int = 0
    energy: int = 0

    def add(self, block: Mono) -> None:
        """Take in the next block of the track."""
        # Whole numbers: exact, and no BLAS, whose threads would spin on every core for a sum as short as this.
        self.energy += int(np.square(block, dtype=np.int64).sum())
        self.samples += len(block)

    def dbfs(self) -> float:
        """In dB, rounded to 0.01; `FLOOR` for silence and for nothing at all."""
        if self.energy == 0:
            return FLOOR
        rms = math.sqrt(self.energy / self.samples) / FULL_SCALE
        return max(FLOOR, round(20 * math.log10(rms), 2))
