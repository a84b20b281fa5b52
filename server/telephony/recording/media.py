"""From the mono files that Asterisk wrote to one stereo recording, with the same result however often it is tried.

Each part of the conversation stands at its time (`recordings.layout`); holds and pauses are silent. The sources are
only read here; they go when the closed recording is durable in the log (`discard`). So a crash at any instant is
followed by joining again, which makes the same bytes. Blocking and bound by the disk: run it in a thread.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np

from recordings.catalogue import Measured, Thresholds, Unfinished, judge
from recordings.envelope import Envelope
from recordings.events import RecordingClosed, RecordingMissing
from recordings.layout import Packets, Part, lay_out
from recordings.stereo import Level, Mono, Stereo, interleave
from server.telephony.channels.leg_files import PACKETS, PartFiles, counted, parts, prefix_of

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
    """The files of one recorded leg, found by those of its first part."""

    caller: Path
    agent: Path

    def parts(self) -> list[PartFiles]:
        """The first part and those after holds."""
        first, *later = parts(prefix_of(self.caller))
        return [PartFiles(first.begins, self.caller, self.agent), *later]

    def packets(self) -> list[Packets]:
        """The packets that were counted while a side sent none at times."""
        return counted(prefix_of(self.caller))

    def files(self) -> list[Path]:
        """Every file that there is."""
        prefix = prefix_of(self.caller)
        sound = [file for each in self.parts() for file in (each.caller, each.agent)]
        return [file for file in (*sound, prefix.with_name(prefix.name + PACKETS)) if file.exists()]


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


def join(
    sources: Sources, store: Store, key: str, lasted: float | None = None, talked: float | None = None
) -> Joined | Nothing:
    """Write the stereo WAV to `store` under `key`: caller left, agent right, each part at its time.

    `lasted` is how long the conversation was, holds included, and `talked` without them: the recording is not shorter.
    A side that is missing or unusable is silent and remarked upon; without any sound there is Nothing, and the store is
    not touched. Raises OSError when the disk does.
    """
    found = [_sides(each) for each in sources.parts()]
    tracks = [track for sides in found for track in sides if len(track.samples)]
    remarks = tuple(track.remark for sides in found for track in sides if track.remark)
    if not tracks:
        return Nothing("; ".join(remarks) or "neither side has any audio")
    rate = tracks[0].rate
    if odd := next((track.rate for track in tracks if track.rate != rate), None):
        return Nothing(f"one file has {rate} samples a second and another one {odd}")
    longest = [max(len(caller.samples), len(agent.samples)) for caller, agent in found]
    begun = [each.begins for each in sources.parts()]
    made = [Part(at, count / rate) for at, count in zip(begun, longest, strict=True)]
    placed = lay_out(made, sources.packets(), talked)
    pieces = [
        _Piece(round(each.at * rate), round(each.start * rate), round(each.end * rate), *found[each.part])
        for each in placed.pieces
    ]
    length = max(pieces[-1].end, round((lasted or 0.0) * rate))
    levels, envelope = (Level(), Level()), Envelope(rate)
    digest = hashlib.sha256()
    with store.writing(key) as file:
        for place, block in enumerate(_stereo(pieces, length, rate, levels)):
            digest.update(block)
            file.write(block)
            if place:  # behind the header
                envelope.add(np.frombuffer(block, dtype="<i2").reshape(-1, 2))
    seconds = [sum(len(part[side].samples) for part in found) / rate for side in (0, 1)]
    measured = Measured(seconds[0], seconds[1], levels[0].dbfs(), levels[1].dbfs(), length / rate, placed.covered)
    measured = replace(measured, talk_over=envelope.shape().talk_over)
    return Joined(key, digest.hexdigest(), measured, remarks)


def concluded(
    recording: int,
    result: Joined | Nothing,
    talked: float | None = None,
    thresholds: Thresholds | None = None,
    day: str = "",
    started: Unfinished | None = None,
) -> RecordingClosed | RecordingMissing:
    """The event to be logged; its alarms are about silence, missing sides and length (`talked`: seconds, no holds).

    `day` is the hotline's, now; with `started` the recording's link covers call, agent and start too.
    """
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
        day,
        **({} if started is None else _covered(started)),
        talk_over=found.talk_over,
    )


def _covered(started: Unfinished) -> dict[str, Any]:
    at = round(started.started_at, 3)
    return {"call": started.call, "agent": started.agent, "started_at": at, "chain": 2}


def discard(sources: Sources) -> None:
    """Remove the files. Only after the event of `concluded` is durable in the log."""
    for path in sources.files():
        path.unlink(missing_ok=True)


def set_aside(sources: Sources) -> None:
    """Keep files without usable audio under another name, for the operator to look into."""
    for path in sources.files():
        path.rename(path.with_name(f"{path.name}.unusable"))


def _sides(files: PartFiles) -> tuple[Track, Track]:
    return _track(files.caller, "caller"), _track(files.agent, "agent")


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


@dataclass(frozen=True, slots=True)
class _Piece:
    """Both sides' sound from sample `start` of their part on, at sample `at` of the recording, up to `end`."""

    at: int
    start: int
    end: int
    caller: Track
    agent: Track


def _stereo(pieces: Sequence[_Piece], length: int, rate: int, levels: tuple[Level, Level]) -> Iterator[bytes]:
    size = length * 4
    yield struct.pack(
        "<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + size, b"WAVE", b"fmt ", 16, _PCM, 2, rate, rate * 4, 4, 16, b"data", size
    )
    place = 0
    for piece in pieces:
        yield from _silence(max(0, piece.at - place))
        place = max(place, piece.at)
        for begin in range(place, piece.end, BLOCK):
            end = min(begin + BLOCK, piece.end)
            since, until = begin - piece.at + piece.start, end - piece.at + piece.start
            sides = piece.caller.samples[since:until], piece.agent.samples[since:until]
            for level, side in zip(levels, sides, strict=True):
                level.add(side)
            block: Stereo = np.zeros((end - begin, 2), dtype=np.int16)
            heard = interleave(*sides)
            block[: len(heard)] = heard
            yield block.astype("<i2", copy=False).tobytes()
        place = max(place, piece.end)
    yield from _silence(length - place)


def _silence(samples: int) -> Iterator[bytes]:
    for begin in range(0, samples, BLOCK):
        yield bytes(4 * min(BLOCK, samples - begin))
