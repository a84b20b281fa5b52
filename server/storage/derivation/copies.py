"""One recording becomes an Opus copy in WebM and a file of peaks and marks, both made again if lost.

The original is hashed while it is read; of another one than was recorded nothing is made. The copy's own hash stands
with the marks, so that a copy that was changed is not handed out either.
"""

from __future__ import annotations

import hashlib
import struct
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import numpy as np

from recordings.envelope import Envelope
from recordings.stereo import Stereo
from server.storage.recording_store import MARKS, OPUS, ObjectError, derived_key
from server.storage.stores import Store

BIT_RATE = 24_000
COMPLEXITY = 1
"""At 8 kHz speech sounds alike up to 3, which takes half as long again."""
FRAME = 60
"""Milliseconds a packet: longer ones are quicker to make, and smaller."""
VERSION = 1
_BLOCK = 1 << 18
"""Frames read at a time."""
_HEADER = 44


class Changed(Exception):
    """The original is not the one that was recorded."""


def derive(store: Store, key: str, sha256: str) -> dict[str, Any]:
    """Make both files and return what the second says. Raises Changed, ObjectError, OSError."""
    with tempfile.TemporaryFile() as made:
        with store.open(key) as original:
            said = _copied(original, made, sha256)
        made.seek(0)
        said["opus_sha256"] = hashlib.file_digest(made, "sha256").hexdigest()
        made.seek(0)
        for ending in (MARKS, OPUS):
            store.delete(derived_key(key, ending))
        with store.writing(derived_key(key, OPUS)) as file:
            while block := made.read(1 << 20):
                file.write(block)
    with store.writing(derived_key(key, MARKS)) as file:
        file.write(msgspec.json.encode(said))
    return said


def derived(store: Store, key: str, sha256: str) -> dict[str, Any] | None:
    """What was derived from this original; None when nothing was, or from another one, or by an older release."""
    try:
        with store.open(derived_key(key, MARKS)) as file:
            said: dict[str, Any] = msgspec.json.decode(file.read())
        fits = said["sha256"] == sha256 and said["version"] == VERSION
    except (ObjectError, msgspec.DecodeError, KeyError, TypeError):
        return None
    return said if fits else None


def _copied(original: BinaryIO, made: BinaryIO, sha256: str) -> dict[str, Any]:
    digest = hashlib.sha256()
    head = original.read(_HEADER)
    digest.update(head)
    rate = wav_rate(head)
    envelope = Envelope(rate)
    encoder = OpusWriter(made, rate)
    for block in _blocks(original, digest):
        envelope.add(block)
        encoder.add(block)
    encoder.close()
    if digest.hexdigest() != sha256:
        raise Changed(f"its SHA-256 is {digest.hexdigest()}")
    return {"version": VERSION, "sha256": sha256, **envelope.shape().values()}


def wav_rate(head: bytes) -> int:
    """Samples a second of one of our recordings, by its header. Raises Changed for another kind of file."""
    if len(head) < _HEADER or head[:4] != b"RIFF" or head[36:40] != b"data":
        raise Changed("it is no WAV file of ours")
    coding, channels, rate = struct.unpack("<HHI", head[20:28])
    if (coding, channels) != (1, 2):
        raise Changed("it is no stereo PCM")
    return int(rate)


def _blocks(original: BinaryIO, digest: Any) -> Iterator[Stereo]:
    while data := original.read(_BLOCK * 4):
        digest.update(data)
        whole = len(data) // 4 * 4
        yield np.frombuffer(data[:whole], dtype="<i2").reshape(-1, 2)


class OpusWriter:
    """Stereo blocks become Opus in WebM: made for speech, 24 kbit/s."""

    def __init__(self, file: BinaryIO | Path, rate: int, complexity: int = COMPLEXITY) -> None:
        import av

        self._frame = av.AudioFrame
        self._container = av.open(file, "w", format="webm", container_options={"fflags": "+bitexact"})
        options = {
            "application": "voip",
            "compression_level": str(complexity),
            "b": str(BIT_RATE),
            "frame_duration": str(FRAME),
        }
        self._stream = self._container.add_stream("libopus", rate=rate, layout="stereo", options=options)
        self._stream.bit_rate = BIT_RATE
        self._rate, self._at = rate, 0

    def add(self, block: Stereo) -> None:
        """The next samples, int16, shape (n, 2)."""
        if not len(block):
            return
        frame = self._frame.from_ndarray(np.ascontiguousarray(block).reshape(1, -1), format="s16", layout="stereo")
        frame.sample_rate = self._rate
        frame.pts, frame.time_base = self._at, Fraction(1, self._rate)
        self._at += len(block)
        self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        """Write the end; the file stays open."""
        self._container.mux(self._stream.encode(None))
        self._container.close()
