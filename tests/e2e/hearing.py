"""Which prompts a caller heard, and in which order: the sound that came is compared with the sound files themselves.

The comparison runs in a thread: a phone that waits for it sends no sound, and its keys come late.

A prompt is known by its first second. The comparison is a normalised cross-correlation, so that neither level nor
G.711 matter; two prompts that begin alike are told apart by what goes on longer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import soundfile
from numpy.typing import NDArray

from server.hotline.definitions import PROMPTS
from softphone.audio import RATE, Samples
from softphone.call import Call

_ALIKE = 0.75
"""Correlation from which two sounds are the same."""
_TEMPLATE = RATE
_BLOCK = 1 << 17

Sound = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Heard:
    """A prompt, and when it began: seconds of sound since the answer."""

    prompt: str
    at: float
    likeness: float


@lru_cache(maxsize=512)
def _template(prompt: str, language: str) -> tuple[int, Sound]:
    """(samples of silence before it, the first second after that)."""
    samples, _ = soundfile.read(PROMPTS / language / f"{prompt}.wav", dtype="float64")
    loud = np.flatnonzero(np.abs(samples) > 0.02)
    start = int(loud[0]) if len(loud) else 0
    return start, samples[start : start + _TEMPLATE]


def _best(heard: Sound, template: Sound) -> tuple[int, float]:
    """Where the template fits best, and how well: 1 is perfect."""
    size = len(template)
    if len(heard) < size:
        return 0, 0.0
    length = 1 << (len(heard) + size - 1).bit_length()
    product = np.fft.irfft(np.fft.rfft(heard, length) * np.conj(np.fft.rfft(template, length)), length)
    score = product[: len(heard) - size + 1]
    squares = np.concatenate(([0.0], np.cumsum(heard**2)))
    energy = np.sqrt(np.maximum(squares[size:] - squares[:-size], 1e-4))
    likeness = score / (energy * np.sqrt(np.sum(template**2)))
    place = int(np.argmax(likeness))
    return place, float(likeness[place])


def prompts(language: str = "zh") -> list[str]:
    """Every prompt that is long enough to be known by its sound."""
    found = []
    for file in sorted((PROMPTS / language).glob("*.wav")):
        if soundfile.info(file).duration > 0.8:
            found.append(file.stem)
    return found


async def heard(
    call: Call, among: Iterable[str] | None = None, language: str = "zh", since: float = 0.0
) -> list[Heard]:
    """What was heard from `since` seconds on, each prompt once, in order. Name those in question: to compare with all
    of them takes seconds."""
    return await asyncio.to_thread(_heard, call.rtp.samples(), list(among or prompts(language)), language, since)


def _heard(sound: Samples, among: list[str], language: str, since: float) -> list[Heard]:
    samples = sound.astype(np.float64)[int(since * RATE) :] / 32768
    found = []
    for prompt in among:
        lead, template = _template(prompt, language)
        place, likeness = _best(samples, template)
        if likeness >= _ALIKE:
            found.append(Heard(prompt, since + (place - lead) / RATE, round(likeness, 2)))
    return sorted(found, key=lambda each: each.at)


async def said(call: Call, among: Iterable[str] | None = None, language: str = "zh", since: float = 0.0) -> list[str]:
    """The prompts that were heard, in order: `heard` without the times."""
    return [each.prompt for each in await heard(call, among, language, since)]


async def hears(call: Call, prompt: str, *, language: str = "zh", within: float = 10.0, since: float = 0.0) -> Heard:
    """Wait until the caller has heard how this prompt begins. Raises AssertionError saying what was heard instead."""
    lead, template = _template(prompt, language)
    end = asyncio.get_running_loop().time() + within
    looked = int(since * RATE)
    while True:
        samples = call.rtp.samples()
        if len(samples) - looked >= len(template):
            new = samples[looked:].astype(np.float64) / 32768
            place, likeness = await asyncio.to_thread(_best, new, template)
            if likeness >= _ALIKE:
                return Heard(prompt, (looked + place - lead) / RATE, round(likeness, 2))
            looked = len(samples) - len(template)
        if asyncio.get_running_loop().time() > end:
            till = now(call)
            instead = ", ".join(f"{each.prompt} at {each.at:.1f}" for each in await heard(call, language=language))
            raise AssertionError(
                f"{prompt} was not heard from {since:.1f} to {till:.1f} s; of each prompt the best was: {instead}"
            )
        await asyncio.sleep(0.1)


def now(call: Call) -> float:
    """How much sound has come, in seconds: what `since` is counted in."""
    return len(call.rtp.samples()) / RATE
