"""How much of speech the Opus copy keeps, in numbers: so its complexity is chosen by what it is worth.

Beside the sound stands its copy: the distance of their spectra in decibels (log-spectral distance, where somebody
speaks), the same by band, and the segmental signal-to-noise ratio.
"""

from __future__ import annotations

import io
import wave
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from server.storage.derivation.copies import COMPLEXITY, OpusWriter

RATE = 8000
PROMPTS = Path(__file__).parents[3] / "ivr" / "prompts"
WINDOW, STEP = 256, 128
BANDS = ((100, 300), (300, 800), (800, 1600), (1600, 2600), (2600, 3400))
"""In hertz; a telephone's line has no more."""
Sound = NDArray[np.float64]


@dataclass(frozen=True)
class Kept:
    """`distance` and `bands` in dB: less is better; `ratio` in dB: more is better."""

    distance: float
    bands: tuple[float, ...]
    ratio: float


@cache
def conversation() -> NDArray[np.int16]:
    """Prompts in both languages, said by either side in turn and at times at once, over the noise of a line."""
    said = []
    for language in ("zh", "en"):
        for file in sorted((PROMPTS / language).glob("*.wav"))[::4]:
            with wave.open(str(file)) as prompt:
                said.append(np.frombuffer(prompt.readframes(prompt.getnframes()), dtype="<i2"))
    said = [each for each in said if len(each) > 1.5 * RATE][:16]
    sides = []
    for number, each in enumerate(said):
        other = np.resize(said[number - 1], len(each)) if number % 5 == 4 else np.zeros_like(each)
        sides.append(np.stack((each, other) if number % 2 else (other, each), axis=1))
    sound = np.concatenate(sides)
    noise = np.random.default_rng(1).normal(0, 20, sound.shape)
    return np.clip(sound + noise, -32768, 32767).astype(np.int16)


def copied(sound: NDArray[np.int16], complexity: int) -> NDArray[np.int16]:
    file = io.BytesIO()
    writer = OpusWriter(file, RATE, complexity)
    writer.add(sound)
    writer.close()
    file.seek(0)
    with av.open(file) as copy:
        (stream,) = copy.streams.audio
        back = av.AudioResampler(format="s16", layout="stereo", rate=RATE)
        frames = [part for frame in (*copy.decode(stream), None) for part in back.resample(frame)]
    return np.concatenate([frame.to_ndarray().reshape(-1, 2) for frame in frames])


def power(track: Sound) -> Sound:
    frames = np.lib.stride_tricks.sliding_window_view(track, WINDOW)[::STEP] * np.hanning(WINDOW)
    return np.abs(np.fft.rfft(frames, axis=1)) ** 2


def decibels(after: Sound, before: Sound, floor: Sound | float) -> Sound:
    return np.asarray(10 * np.log10((after + floor) / (before + floor)))


def kept(sound: NDArray[np.int16], copy: NDArray[np.int16]) -> Kept:
    length = min(len(sound), len(copy))
    hertz = np.fft.rfftfreq(WINDOW, 1 / RATE)
    distances, bands, ratios = [], [], []
    for side in (0, 1):
        before, after = sound[:length, side].astype(float), copy[:length, side].astype(float)
        spectra = power(before), power(after)
        speaks = spectra[0].sum(axis=1) > WINDOW * 2e5
        was, became = (each[speaks] for each in spectra)
        floor = was.max(axis=1, keepdims=True) * 1e-4
        distances.append(np.mean(np.sqrt(np.mean(decibels(became, was, floor) ** 2, axis=1))))
        parts = [(hertz >= low) & (hertz < high) for low, high in BANDS]
        of = [[each[:, part].sum(axis=1) for part in parts] for each in (became, was)]
        bands.append([np.sqrt(np.mean(decibels(b, w, 1e3) ** 2)) for b, w in zip(*of, strict=True)])
        whole = length // 160 * 160
        signal, copied_signal = (each[:whole].reshape(-1, 160) for each in (before, after))
        energy = (signal**2).sum(axis=1)
        heard = energy > 160 * 200**2
        error = ((signal - copied_signal) ** 2).sum(axis=1)[heard]
        ratios.append(np.clip(10 * np.log10(energy[heard] / (error + 1)), -10, 35).mean())
    return Kept(float(np.mean(distances)), tuple(np.mean(bands, axis=0)), float(np.mean(ratios)))


@pytest.mark.thorough
def test_the_copy_keeps_speech_and_a_higher_complexity_would_keep_no_more() -> None:
    sound = conversation()
    ours, higher = (kept(sound, copied(sound, complexity)) for complexity in (COMPLEXITY, 5))
    assert ours.distance < 3.8
    assert ours.ratio > 8.0
    assert max(ours.bands) < 4.2
    assert ours.distance < higher.distance + 0.1
    assert ours.ratio > higher.ratio - 0.2


def test_the_measure_tells_a_copy_that_lost_something() -> None:
    sound = conversation()[: 10 * RATE]
    same = kept(sound, sound)
    assert (same.distance, same.bands, same.ratio) == (0.0, (0.0,) * len(BANDS), pytest.approx(35.0, abs=1.0))
    spectrum = np.fft.rfft(sound.astype(float), axis=0)
    spectrum[len(spectrum) // 2 :] = 0
    dull = np.fft.irfft(spectrum, len(sound), axis=0).astype(np.int16)
    lost = kept(sound, dull)
    assert lost.distance > 6.0
    assert lost.bands[4] > 10.0
    assert lost.bands[1] < 1.0
