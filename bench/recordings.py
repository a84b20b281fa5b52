"""How many seconds of a recording one core joins, draws and copies in a second: join with SHA-256 and levels, peaks,
Opus.

The sound is speech: the product's own prompts, which either side says in turn. Beside the Opus copy stands the one
that libopus makes when it is asked for nothing but the same bit rate. Times are those of the processor, not of the
clock.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def _package_of_this_name() -> None:
    """This script is called as a package is, and stands before it on the path of every script of this folder."""
    before = list(sys.path)
    sys.path[:] = [each for each in before if Path(each or ".").resolve() != HERE]
    sys.modules.pop("recordings", None)
    try:
        importlib.import_module("recordings")
    finally:
        sys.path[:] = before


_package_of_this_name()
if __name__ != "recordings":
    import argparse
    import hashlib
    import io
    import tempfile
    import time
    import wave
    from collections.abc import Callable
    from fractions import Fraction

    import numpy as np

    from recordings.envelope import Envelope
    from server.storage.derivation.copies import BIT_RATE, OpusWriter, derive
    from server.storage.recording_store import FolderStore
    from server.telephony.recording.media import Joined, Sources, join

PROMPTS = Path(__file__).parents[1] / "ivr" / "prompts"
RATE = 8000
BLOCK = 1 << 18
KEY = "2027/01/15/1.wav"
AIM = 300.0


def speech(seconds: int) -> np.ndarray:
    """Stereo speech, int16, shape (n, 2): the prompts, said by caller and agent in turn."""
    said: list[np.ndarray] = []
    for number, file in enumerate(sorted(PROMPTS.glob("*/*.wav"))):
        with wave.open(str(file)) as sound:
            track = np.frombuffer(sound.readframes(sound.getnframes()), dtype="<i2")
        part = np.zeros((len(track), 2), dtype=np.int16)
        part[:, number % 2] = track
        said.append(part)
    whole = np.concatenate(said)
    return np.tile(whole, (-(-seconds * RATE // len(whole)), 1))[: seconds * RATE]


def mono(path: Path, track: np.ndarray) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(track.astype("<i2").tobytes())


def blocks(sound: np.ndarray):
    return (sound[begin : begin + BLOCK] for begin in range(0, len(sound), BLOCK))


def times_real(seconds: int, work: Callable[[], object]) -> float:
    """How much faster than real time one core does it."""
    began = time.process_time()
    work()
    return seconds / (time.process_time() - began)


def plain_opus(sound: np.ndarray) -> None:
    """As libopus does it by itself."""
    import av

    with av.open(io.BytesIO(), "w", format="webm") as file:
        stream = file.add_stream("libopus", rate=RATE, layout="stereo")
        stream.bit_rate = BIT_RATE
        at = 0
        for block in blocks(sound):
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block).reshape(1, -1), "s16", "stereo")
            frame.sample_rate, frame.pts, frame.time_base = RATE, at, Fraction(1, RATE)
            at += len(block)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))


def our_opus(sound: np.ndarray) -> None:
    writer = OpusWriter(io.BytesIO(), RATE)
    for block in blocks(sound):
        writer.add(block)
    writer.close()


def peaks(sound: np.ndarray) -> None:
    envelope = Envelope(RATE)
    for block in blocks(sound):
        envelope.add(block)
    envelope.shape()


def measure(seconds: int) -> tuple[float, float]:
    """(Opus and peaks as the worker makes them, libopus by itself), in times real time."""
    sound = speech(seconds)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        sources = Sources(root / "1-1-caller.wav", root / "1-1-agent.wav")
        mono(sources.caller, sound[:, 0])
        mono(sources.agent, sound[:, 1])
        store = FolderStore(root / "store")
        joined: list[object] = []
        figures = {"join": times_real(seconds, lambda: joined.append(join(sources, store, KEY)))}
        (found,) = joined
        assert isinstance(found, Joined)
        figures["peaks"] = times_real(seconds, lambda: peaks(sound))
        figures["Opus"] = times_real(seconds, lambda: our_opus(sound))
        figures["libopus by itself"] = times_real(seconds, lambda: plain_opus(sound))
        figures["Opus and peaks"] = times_real(seconds, lambda: derive(store, KEY, found.sha256))
        with store.open(KEY) as file:
            assert hashlib.file_digest(file, "sha256").hexdigest() == found.sha256
        size = (root / "store" / KEY).with_suffix(".webm").stat().st_size
    for name, times in figures.items():
        print(f"{name:18} {times:8.0f} × real time", flush=True)
    print(f"{'size of the copy':18} {size / seconds * 3600 / 1e6:8.1f} MB an hour", flush=True)
    return figures["Opus and peaks"], figures["libopus by itself"]


def main() -> None:
    """Measure, and print the line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=int, default=1800, help="of sound")
    ours, theirs = measure(parser.parse_args().seconds)
    units = f"(× real time a core; aim {AIM:g})"
    print(f"recordings: ours={ours:.0f} theirs={theirs:.0f} ratio={ours / theirs:.2f} {units}")


if __name__ == "__main__":
    sys.exit(main())
