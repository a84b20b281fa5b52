"""From two mono files that Asterisk wrote to one stereo recording, with the same result however often it is tried.

The sources are only read here; they go when the closed recording is durable in the log (`discard`). So a crash at any
instant is followed by joining again, which makes the same bytes. Blocking and bound by the disk: run it in a thread.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np

from recordings.catalogue import Measured, Thresholds, judge
from recordings.events import RecordingClosed, RecordingMissing
from recordings.stereo import Level, Mono, interleave

BLOCK = 1 << 19
"""Samples joined at a time: a minute of audio in memory, however long the conversation."""
_PCM = 1
_EMPTY: Mono = np.zeros(0, dtype=np.int16)


class Store(Protocol):
    """Where recordings are kept."""

    def writing(self, key: str) -> AbstractContextManager[BinaryIO]:
        """A file that takes the key's place, durably, when the block ends well."""

    def sweep(self) -> int:
        """Remove what writers that crashed left unfinished, and say how many. Only while nobody writes."""


class Unusable(Exception):
    """A source file holds no audio that can be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Sources:
    """The two files of one recorded leg."""

    caller: Path
    agent: Path


@dataclass(frozen=True, slots=True)
class Joined:
    """A stereo recording in the store. `remarks` tell what was mended or missing, as sentences."""

    key: str
    sha256: str
    measured: Measured
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Nothing:
    """There was no audio on either side."""

    why: str


@dataclass(frozen=True, slots=True)
class Track:
    """One side's audio: int16 samples, shape (n,), `rate` a second."""

    samples: Mono
    rate: int
    remark: str = ""

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate


def join(sources: Sources, store: Store, key: str) -> Joined | Nothing:
    """Write the stereo WAV to `store` under `key`: caller left, agent right, the shorter side padded with silence.

    A side that is missing or unusable is silent and remarked upon; without both there is Nothing, and the store is
    not touched. Raises OSError when the disk does.
    """
    caller, agent = _track(sources.caller, "caller"), _track(sources.agent, "agent")
    tracks = [track for track in (caller, agent) if len(track.samples)]
    remarks = tuple(track.remark for track in (caller, agent) if track.remark)
    if not tracks:
        return Nothing("; ".join(remarks) or "neither side has any audio")
    rate = tracks[0].rate
    if any(track.rate != rate for track in tracks):
        return Nothing(f"the caller's side has {caller.rate} samples a second and the agent's {agent.rate}")
    levels = Level(), Level()
    digest = hashlib.sha256()
    length = max(len(track.samples) for track in tracks)
    with store.writing(key) as file:
        for block in _stereo(caller.samples, agent.samples, length, rate, levels):
            digest.update(block)
            file.write(block)
    measured = Measured(len(caller.samples) / rate, len(agent.samples) / rate, levels[0].dbfs(), levels[1].dbfs())
    return Joined(key, digest.hexdigest(), measured, remarks)


def concluded(
    recording: int, result: Joined | Nothing, talked: float | None = None, thresholds: Thresholds | None = None
) -> RecordingClosed | RecordingMissing:
    """The event to be logged; its alarms are about silence, missing sides and length (`talked` in seconds)."""
    if isinstance(result, Nothing):
        return RecordingMissing(recording, result.why)
    found = result.measured
    return RecordingClosed(
        recording,
        result.key,
        round(found.seconds, 3),
        2,
        result.sha256,
        found.caller_level,
        found.agent_level,
        judge(found, talked, thresholds) + result.remarks,
    )


def discard(sources: Sources) -> None:
    """Remove the two files. Only after the event of `concluded` is durable in the log."""
    for path in (sources.caller, sources.agent):
        path.unlink(missing_ok=True)


def set_aside(sources: Sources) -> None:
    """Keep files without usable audio under another name, for the operator to look into."""
    for path in (sources.caller, sources.agent):
        if path.exists():
            path.rename(path.with_name(f"{path.name}.unusable"))


def _track(path: Path, side: str) -> Track:
    try:
        return read_mono(path)
    except FileNotFoundError:
        return Track(_EMPTY, 8000, f"there is no file of the {side}'s side")
    except Unusable as unusable:
        return Track(_EMPTY, 8000, f"the file of the {side}'s side {unusable}")


def read_mono(path: Path) -> Track:
    """A mono 16-bit PCM WAV, not read before it is used.

    When Asterisk dies, the lengths in the header are still zero: then the audio goes to the end of the file. Raises
    FileNotFoundError, and Unusable for what is no such WAV.
    """
    size = path.stat().st_size
    if size == 0:
        raise Unusable("is empty")
    rate = 0
    with path.open("rb") as file:
        head = file.read(12)
        if len(head) < 12 or head[:4] != b"RIFF" or head[8:] != b"WAVE":
            raise Unusable("is cut off in its header" if b"RIFF".startswith(head[:4]) else "is not a WAV file")
        while len(chunk := file.read(8)) == 8:
            name, length = chunk[:4], int.from_bytes(chunk[4:], "little")
            if name == b"data":
                return _audio(path, rate, file.tell(), length, size)
            if name == b"fmt ":
                rate = _rate(file.read(length))
                file.seek(length % 2, 1)
            else:
                file.seek(length + length % 2, 1)
    raise Unusable("is cut off in its header")


def _rate(description: bytes) -> int:
    if len(description) < 16:
        raise Unusable("is cut off in its header")
    coding, channels, rate, _, _, bits = struct.unpack("<HHIIHH", description[:16])
    if (coding, channels, bits) != (_PCM, 1, 16) or not rate:
        raise Unusable(f"is not 16-bit mono PCM (coding {coding}, {channels} channels, {bits} bits)")
    return int(rate)


def _audio(path: Path, rate: int, start: int, length: int, size: int) -> Track:
    if not rate:
        raise Unusable("has audio before its description")
    there = size - start
    remark = ""
    if length == 0 < there:
        length, remark = there, f"the length of {path.name} was taken from the file's size"
    elif length > there:
        length, remark = there, f"{path.name} is shorter than its header says"
    samples = length // 2
    if samples == 0:
        raise Unusable("has no audio")
    return Track(np.memmap(path, dtype="<i2", mode="r", offset=start, shape=(samples,)), rate, remark)


def _stereo(caller: Mono, agent: Mono, length: int, rate: int, levels: tuple[Level, Level]) -> Iterator[bytes]:
    size = length * 4
    yield struct.pack(
        "<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + size, b"WAVE", b"fmt ", 16, _PCM, 2, rate, rate * 4, 4, 16, b"data", size
    )
    for start in range(0, length, BLOCK):
        end = min(start + BLOCK, length)
        sides = caller[start:end], agent[start:end]
        for level, side in zip(levels, sides, strict=True):
            level.add(side)
        yield interleave(*sides).astype("<i2", copy=False).tobytes()
