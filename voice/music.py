"""Music on hold, made from nothing but this page: `python -m voice.music` writes it to ivr/music.

A piece is a circle. Every note that rings past the end goes on at the start, and so do the room and the filter: no
seam is heard. Everything is soft, even and inside the telephone's band, so that no caller takes it for a dead
or a broken line. Same page, same bytes.

Sound here is a float array at 8 kHz, full scale ±1.0; time is in seconds, pitch in Hz, levels in dBFS of the RMS.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voice.mastering import RATE, to_pcm, wav

Samples = NDArray[np.float64]

FOLDER = Path(__file__).parents[1] / "ivr" / "music"

LEVEL = -26.0
LOW, HIGH = 90.0, 3300.0
"""The band that is kept, in Hz; 10 % below and 3 % above there is nothing left."""

_PENTATONIC = (0, 2, 4, 7, 9)
_WET = 0.22


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece as written down. Notes are degrees of the pentatonic scale on `tonic`: 0 the tonic, 5 an octave up.

    `melody`: bars of (degree, or None for a rest, and beats). `harmony`: a chord per bar, in degrees, bass first.
    """

    name: str
    tonic: float
    tempo: float
    beats: int
    melody: Sequence[Sequence[tuple[int | None, float]]]
    harmony: Sequence[Sequence[int]]
    seed: int

    @property
    def bar(self) -> float:
        return self.beats * 60 / self.tempo

    @property
    def seconds(self) -> float:
        return self.bar * len(self.melody)

    def pitch(self, degree: int) -> float:
        octave, step = divmod(degree, 5)
        return float(self.tonic * 2 ** (octave + _PENTATONIC[step] / 12))


_STILL_A = (
    ((5, 1.5), (6, 0.5), (7, 1), (9, 1)),
    ((8, 2), (7, 1), (6, 1)),
    ((5, 1), (7, 1), (6, 0.5), (5, 0.5), (4, 1)),
    ((5, 3), (None, 1)),
)
_STILL_B = (
    ((8, 1.5), (9, 0.5), (10, 1), (9, 1)),
    ((8, 1), (7, 1), (8, 2)),
    ((7, 1), (6, 1), (5, 1), (6, 1)),
    ((7, 3), (None, 1)),
)
_STILL_END = (
    ((4, 1), (5, 1), (6, 1), (8, 1)),
    ((5, 4),),
)
_STILL_CHORDS_A = ((0, 2, 3), (-1, 2, 5), (-2, 1, 3), (0, 3, 5))
_STILL_CHORDS_B = ((-1, 2, 4), (-2, 1, 3), (-1, 1, 4), (0, 2, 3))

STILL_WATER = Piece(
    name="still-water",
    tonic=196.0,
    tempo=60.0,
    beats=4,
    melody=(*_STILL_A, *_STILL_A, *_STILL_B, *_STILL_A, *_STILL_END),
    harmony=(*_STILL_CHORDS_A, *_STILL_CHORDS_A, *_STILL_CHORDS_B, *_STILL_CHORDS_A, (-2, 1, 3), (0, 2, 5)),
    seed=1,
)

_LIGHT_A = (
    ((4, 1), (5, 1), (7, 1)),
    ((8, 2), (7, 1)),
    ((6, 1), (7, 1), (5, 1)),
    ((4, 3),),
)
_LIGHT_B = (
    ((7, 1), (8, 1), (9, 1)),
    ((10, 2), (9, 1)),
    ((8, 1.5), (7, 0.5), (6, 1)),
    ((7, 3),),
)
_LIGHT_C = (
    ((9, 2), (8, 1)),
    ((7, 1), (6, 1), (5, 1)),
    ((6, 1), (5, 1), (3, 1)),
    ((4, 2), (None, 1)),
)
_LIGHT_CHORDS = ((-1, 1, 4), (-2, 1, 3), (0, 2, 3), (-1, 2, 4))

FIRST_LIGHT = Piece(
    name="first-light",
    tonic=174.61,
    tempo=72.0,
    beats=3,
    melody=(*_LIGHT_A, *_LIGHT_B, *_LIGHT_A, *_LIGHT_C, *_LIGHT_B, *_LIGHT_A, *_LIGHT_C),
    harmony=_LIGHT_CHORDS * 7,
    seed=2,
)

PIECES = (STILL_WATER, FIRST_LIGHT)


def compose(piece: Piece) -> Samples:
    """The whole piece, levelled; it can be repeated without end."""
    dry = np.zeros(round(piece.seconds * RATE))
    hand = np.random.RandomState(piece.seed)
    beat = 60 / piece.tempo
    for number, (bar, chord) in enumerate(zip(piece.melody, piece.harmony, strict=True)):
        start = number * piece.bar
        _add(dry, start - 0.6, _pad([piece.pitch(degree) for degree in chord], piece.bar + 1.2) * 0.10)
        _add(dry, start, _pluck(piece.pitch(chord[0]), 0.9) * 0.30)
        for step in range(1, 2 * piece.beats):
            # Broken chords keep the line alive under the long notes, a little late, as a hand would.
            tone = piece.pitch(chord[1 + step % 2] + (5 if step % 4 == 3 else 0))
            when = start + step * beat / 2 + hand.uniform(0, 0.012)
            _add(dry, when, _pluck(tone, 0.7) * hand.uniform(0.10, 0.14))
        at = start
        for note, beats in bar:
            if note is not None:
                _add(dry, at + hand.uniform(0, 0.015), _pluck(piece.pitch(note), 1.3) * hand.uniform(0.38, 0.46))
            at += beats * beat
    sound = _band(dry + _WET * _room(dry, piece.seed))
    loudness = float(np.sqrt(np.mean(sound**2)))
    return sound * (10 ** (LEVEL / 20) / loudness)


def main() -> int:
    FOLDER.mkdir(exist_ok=True)
    for piece in PIECES:
        sound = compose(piece)
        (FOLDER / f"{piece.name}.wav").write_bytes(wav(to_pcm(sound)))
        peak = 20 * np.log10(np.max(np.abs(sound)))
        sys.stdout.write(f"{piece.name}: {piece.seconds:.1f} s, {LEVEL} dBFS, peak {peak:.1f} dBFS\n")
    return 0


def _add(circle: Samples, start: float, note: Samples) -> None:
    """Lay a note on the circle; what rings past the end goes on at the start."""
    places = (round(start * RATE) + np.arange(len(note))) % len(circle)
    np.add.at(circle, places, note)


def _pluck(pitch: float, ring: float) -> Samples:
    """A soft plucked string: high partials start lower and die sooner."""
    time = np.arange(round(ring * 3.5 * RATE)) / RATE
    note = np.zeros_like(time)
    for partial in range(1, 13):
        frequency = pitch * partial * np.sqrt(1 + 0.00012 * partial**2)
        if frequency > HIGH:
            break
        strength = np.sin(np.pi * partial * 0.23) / partial**1.35
        note += strength * np.sin(2 * np.pi * frequency * time) * np.exp(-time / (ring / (1 + 0.35 * (partial - 1))))
    return _swell(note, 0.006, 0.08)


def _pad(pitches: Sequence[float], seconds: float) -> Samples:
    """A soft held chord, each voice a slightly beating pair."""
    time = np.arange(round(seconds * RATE)) / RATE
    chord = np.zeros_like(time)
    for pitch in pitches:
        for detune, share in ((-0.21, 0.5), (0.21, 0.5)):
            for partial, strength in ((1, 1.0), (2, 0.35), (3, 0.15), (4, 0.06)):
                chord += share * strength * np.sin(2 * np.pi * (pitch + detune) * partial * time)
    return _swell(chord, 1.2, 1.2)


def _swell(note: Samples, attack: float, release: float) -> Samples:
    """Fade in and out, so that nothing begins or ends with a click."""
    for seconds, part in ((attack, slice(None)), (release, slice(None, None, -1))):
        length = min(round(seconds * RATE), len(note))
        note[part][:length] *= 0.5 - 0.5 * np.cos(np.pi * np.arange(length) / length)
    return note


def _room(dry: Samples, seed: int) -> Samples:
    """The piece in a small hall: an echo of fading noise, folded round the circle."""
    time = np.arange(round(1.8 * RATE)) / RATE
    echo = np.random.RandomState(seed).standard_normal(len(time)) * np.exp(-time / 0.45)
    echo[: round(0.012 * RATE)] = 0
    echo = np.convolve(echo, np.hanning(7) / 3, mode="same")
    echo /= np.sqrt(np.sum(echo**2))
    spectrum = np.fft.rfft(dry) * np.fft.rfft(echo, len(dry))
    return np.fft.irfft(spectrum, len(dry))


def _band(sound: Samples) -> Samples:
    """Only what a telephone carries: LOW to HIGH, with slopes one tenth wide."""
    frequency = np.fft.rfftfreq(len(sound), 1 / RATE)
    rise = np.clip((frequency - 0.9 * LOW) / (0.1 * LOW), 0, 1)
    fall = np.clip((HIGH - frequency) / (0.03 * HIGH) + 1, 0, 1)
    shape = np.sin(np.pi / 2 * rise) ** 2 * np.sin(np.pi / 2 * fall) ** 2
    return np.fft.irfft(np.fft.rfft(sound) * shape, len(sound))


if __name__ == "__main__":
    sys.exit(main())
