"""From a voice to a telephone file: one level for all, no dead air, 8 kHz 16-bit mono PCM that Asterisk plays as it is.

Sound here is a float array at 8 kHz, full scale ±1.0; levels are dBFS of the RMS (a full-scale square wave is 0).
"""

from __future__ import annotations

import io
import wave
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float64]
Pcm = NDArray[np.int16]

RATE = 8000
SPEECH_LEVEL = -20.0
PEAK = -3.0

_FRAME = RATE // 100
_ACTIVE = 25.0
"""A frame counts as speech when it is at most this many dB below the loud ones (95th percentile)."""
_SILENT = 40.0
"""Trimmed off at the ends: frames that are this many dB below the loud ones."""
_LOOK = 40
"""Half width of the limiter, in samples: 5 ms."""


@dataclass(frozen=True, slots=True)
class Edges:
    """Silence left at the ends, in seconds."""

    lead_in: float
    lead_out: float


SENTENCE = Edges(0.06, 0.15)
PIECE = Edges(0.01, 0.04)
SYLLABLE = Edges(0.01, 0.08)


def master(speech: Samples, edges: Edges) -> Pcm:
    """Trim, fade, level and limit one prompt. ValueError when there is no speech in it."""
    speech = np.asarray(speech, np.float64) - np.mean(speech)
    speech = _fade(_trim(speech, edges))
    speech = speech * 10 ** ((SPEECH_LEVEL - speech_level(speech)) / 20)
    return to_pcm(limit(speech, 10 ** (PEAK / 20)))


def silence(seconds: float) -> Pcm:
    return np.zeros(round(seconds * RATE), np.int16)


def speech_level(sound: Samples) -> float:
    """RMS level of the spoken parts, in dBFS: pauses don't count. ValueError for silence."""
    power = np.mean(_frames(sound) ** 2, axis=1)
    loud = np.percentile(power, 95) if len(power) else 0.0
    if loud < 1e-8:
        raise ValueError("the voice gave silence instead of speech")
    active = power[power > loud * 10 ** (-_ACTIVE / 10)]
    return float(10 * np.log10(np.mean(active)))


def peak_level(sound: Samples) -> float:
    """Highest sample, in dBFS."""
    return float(20 * np.log10(max(np.max(np.abs(sound)), 1e-9)))


def limit(sound: Samples, ceiling: float) -> Samples:
    """Bring peaks under `ceiling` by turning down the 5 ms around them; what is under it stays untouched."""
    need = np.minimum(1.0, ceiling / np.maximum(np.abs(sound), 1e-12))
    if need.min() == 1.0:
        return sound
    width = 2 * _LOOK + 1
    padded = np.pad(need, 2 * _LOOK, constant_values=1.0)
    lowest = np.lib.stride_tricks.sliding_window_view(padded, width).min(axis=1)
    # A mean over windows that all contain the peak is no higher than the peak needs.
    gain = np.convolve(lowest, np.full(width, 1 / width), mode="valid")
    return sound * gain


def to_pcm(sound: Samples) -> Pcm:
    """Float to 16 bit, without dither, so that the same text gives the same bytes."""
    return np.clip(np.rint(sound * 32768.0), -32768, 32767).astype(np.int16)


def from_pcm(pcm: Pcm) -> Samples:
    return pcm.astype(np.float64) / 32768.0


def wav(pcm: Pcm) -> bytes:
    """A WAVE_FORMAT_PCM file, 8 kHz mono."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(pcm.astype("<i2").tobytes())
    return out.getvalue()


def unwav(data: bytes) -> Pcm:
    """The samples of a file as `wav` writes it. ValueError names what is different."""
    with wave.open(io.BytesIO(data), "rb") as file:
        shape = (file.getframerate(), file.getnchannels(), file.getsampwidth())
        if shape != (RATE, 1, 2):
            raise ValueError(
                "a prompt is 8 kHz, 1 channel, 16 bit; this one is {} Hz, {} channels, {} bytes".format(*shape)
            )
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.int16)


def _trim(sound: Samples, edges: Edges) -> Samples:
    power = np.mean(_frames(sound) ** 2, axis=1)
    loud = np.percentile(power, 95) if len(power) else 0.0
    if loud < 1e-8:
        raise ValueError("the voice gave silence instead of speech")
    heard = np.flatnonzero(power > loud * 10 ** (-_SILENT / 10))
    start, end = heard[0] * _FRAME, (heard[-1] + 1) * _FRAME
    lead_in, lead_out = round(edges.lead_in * RATE), round(edges.lead_out * RATE)
    before, after = min(start, lead_in), min(len(sound) - end, lead_out)
    return np.pad(sound[start - before : end + after], (lead_in - before, lead_out - after))


def _fade(sound: Samples) -> Samples:
    length = min(RATE // 200, len(sound) // 2)
    ramp = 0.5 - 0.5 * np.cos(np.pi * (np.arange(length) + 0.5) / length)
    faded = sound.copy()
    faded[:length] *= ramp
    faded[-length:] *= ramp[::-1]
    return faded


def _frames(sound: Samples) -> Samples:
    return sound[: len(sound) // _FRAME * _FRAME].reshape(-1, _FRAME)
