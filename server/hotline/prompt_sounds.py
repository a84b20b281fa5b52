"""The operator's sounds of prompts: taken in from any WAV, kept in versions, and put before the product's own.

`prompts/<language>/<prompt>.wav` of the home is what callers hear; `prompts/versions/<language>/<prompt>/` has every
version with what is known of it. A sound that callers hear is mono, plain PCM of 16 bits, at 8 or 16 kHz.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import wave
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from ivr.saying import LANGUAGES
from server.hotline import own_prompts

RATE = 8000
LEAST = 0.1
"""Seconds of the shortest prompt."""
_NOTHING, _QUIET, _LOUD = -45.0, -30.0, -12.0
"""dBFS: no peak above the first, no level of speech outside the others."""
_FLOOR = -100.0


@dataclass(frozen=True, slots=True)
class Sound:
    """What is known of one version. `level` (RMS of what is not silence) and `peak` are dBFS. `how` is uploaded,
    recorded, rendered, undone or removed (the product's own sound is heard again); `warnings` are sentences."""

    version: int
    at: float
    by: str
    how: str
    seconds: float = 0.0
    rate: int = 0
    level: float = 0.0
    peak: float = 0.0
    sha256: str = ""
    converted: bool = False
    reason: str = ""
    warnings: tuple[str, ...] = ()


def taken_in(data: bytes) -> tuple[bytes, dict[str, Any]]:
    """(the WAV that callers can hear, what is known of it). Raises ValueError with a sentence."""
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            if file.format not in ("WAV", "WAVEX", "RF64"):
                raise ValueError(f"this is no WAV file but {file.format}: save it as WAV (PCM)")
            rate, channels, plain = file.samplerate, file.channels, file.subtype == "PCM_16"
            if not file.frames or file.frames / rate > own_prompts.LONGEST or file.frames / rate < LEAST:
                seconds = file.frames / max(rate, 1)
                raise ValueError(
                    f"this prompt lasts {seconds:.1f} s: from {LEAST:g} to {own_prompts.LONGEST:g} s it may"
                )
            samples = file.read(dtype="float64", always_2d=True).mean(axis=1)
    except (soundfile.LibsndfileError, RuntimeError, EOFError) as error:
        why = str(error).partition(": ")[2] or str(error)
        raise ValueError(f"this is no WAV file that can be played: {why.strip().rstrip('.')}") from None
    if not np.all(np.isfinite(samples)):
        raise ValueError("this is no WAV file that can be played: it holds values that are no numbers")
    good = plain and channels == 1 and rate in own_prompts.RATES and data[:4] == b"RIFF"
    heard = samples if good else _resampled(samples, rate)
    pcm = np.clip(np.round(heard * 32768), -32768, 32767).astype("<i2")
    peak, level = _decibels(float(np.max(np.abs(heard), initial=0.0))), _level(heard, rate if good else RATE)
    if peak < _NOTHING:
        raise ValueError("nothing is heard in this recording: is the microphone on?")
    made = data if good else _wav(pcm)
    return made, {
        "seconds": round(len(heard) / (rate if good else RATE), 3),
        "rate": rate if good else RATE,
        "level": round(level, 1),
        "peak": round(peak, 1),
        "sha256": hashlib.sha256(made).hexdigest(),
        "converted": not good,
        "warnings": tuple(_warnings(samples, level)),
    }


def _warnings(samples: np.ndarray[Any, Any], level: float) -> list[str]:
    found = []
    if np.mean(np.abs(samples) >= 0.999) > 0.0005:
        found.append("the recording is overdriven: speak softer, or turn the microphone down")
    if level < _QUIET:
        found.append(f"the recording is quiet ({level:.0f} dBFS): the other prompts are at about -20")
    if level > _LOUD:
        found.append(f"the recording is loud ({level:.0f} dBFS): the other prompts are at about -20")
    return found


def _level(samples: np.ndarray[Any, Any], rate: int) -> float:
    """RMS of the blocks of 20 ms that are not silence."""
    size = max(1, rate // 50)
    blocks = samples[: len(samples) // size * size].reshape(-1, size)
    power = np.mean(blocks**2, axis=1) if len(blocks) else np.array([np.mean(samples**2)])
    spoken = power[power > np.max(power) / 1000]
    return _decibels(float(np.sqrt(np.mean(spoken)))) if len(spoken) else _FLOOR


def _decibels(value: float) -> float:
    return float(20 * np.log10(value)) if value > 0 else _FLOOR


def _resampled(samples: np.ndarray[Any, Any], rate: int) -> np.ndarray[Any, Any]:
    """At 8 kHz, by a windowed sinc that lets nothing above 3.6 kHz through."""
    if rate == RATE:
        return samples
    step = rate / RATE
    cutoff = min(0.45, 0.45 * RATE / rate)
    half = int(np.ceil(32 / (2 * cutoff)))
    places = np.arange(int(len(samples) / step)) * step
    first = np.floor(places).astype(int)
    padded = np.concatenate([np.zeros(half), samples, np.zeros(half + 1)])
    offsets = np.arange(-half + 1, half + 1)
    made = np.empty(len(places))
    for start in range(0, len(places), 4096):
        here = slice(start, start + 4096)
        distance = offsets[None, :] - (places[here] - first[here])[:, None]
        weights = 2 * cutoff * np.sinc(2 * cutoff * distance) * (0.5 + 0.5 * np.cos(np.pi * distance / half))
        made[here] = np.sum(padded[first[here][:, None] + half + offsets[None, :]] * weights, axis=1)
    return made


def _wav(pcm: np.ndarray[Any, Any]) -> bytes:
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(pcm.tobytes())
    return made.getvalue()


class PromptSounds:
    """The sounds of one home."""

    def __init__(self, home: Path) -> None:
        self._own = own_prompts.folder(home)

    def heard(self, prompt: str, language: str) -> Path | None:
        """The file that callers of this language hear; None if there is none. Another language's counts for none."""
        own, product = self._file(prompt, language), own_prompts.PROMPTS / language / f"{prompt}.wav"
        return own if own.exists() else product if product.exists() else None

    def is_own(self, prompt: str, language: str) -> bool:
        """Whether callers hear the operator's sound."""
        return self._file(prompt, language).exists()

    def own(self) -> list[tuple[str, str]]:
        """(language, prompt) of every sound of the operator's."""
        return [
            (language, file.stem) for language in LANGUAGES for file in sorted((self._own / language).glob("*.wav"))
        ]

    def versions(self, prompt: str, language: str) -> list[Sound]:
        """Every version that was kept, newest first."""
        found = []
        for file in self._kept(prompt, language).glob("*.json"):
            try:
                values = json.loads(file.read_text(encoding="utf-8"))
                found.append(Sound(**values | {"warnings": tuple(values.get("warnings", ()))}))
            except (OSError, ValueError, TypeError):
                continue  # a file that a hand has broken is no version
        return sorted(found, key=lambda each: -each.version)

    def of_version(self, prompt: str, language: str, version: int) -> Path | None:
        """The sound of a version; None if it has none."""
        file = self._kept(prompt, language) / f"{version}.wav"
        return file if file.exists() else None

    def put(
        self, prompt: str, language: str, data: bytes | None, known: dict[str, Any], version: int | None = None
    ) -> Sound:
        """Let callers hear this from now on, as this version or the next; None: the product's own again. Raises
        OSError."""
        last = self.versions(prompt, language)
        current = self._file(prompt, language)
        if not last and current.exists():  # it was there before versions were kept
            before = {"at": current.stat().st_mtime, "by": "", "how": "uploaded"}
            with suppress(ValueError):
                before |= taken_in(current.read_bytes())[1]
            last = [self._keep(prompt, language, 1, current.read_bytes(), before)]
        following = last[0].version + 1 if last else 1
        made = self._keep(prompt, language, following if version is None else version, data, known)
        if data is None:
            current.unlink(missing_ok=True)
        else:
            _write(current, data)
        return made

    def _keep(self, prompt: str, language: str, version: int, data: bytes | None, known: dict[str, Any]) -> Sound:
        folder = self._kept(prompt, language)
        sound = Sound(version=version, **known)
        if data is not None:
            _write(folder / f"{version}.wav", data)
        _write(folder / f"{version}.json", json.dumps(asdict(sound), ensure_ascii=False).encode())
        return sound

    def _file(self, prompt: str, language: str) -> Path:
        return self._own / language / f"{prompt}.wav"

    def _kept(self, prompt: str, language: str) -> Path:
        return self._own / "versions" / language / prompt


def _write(target: Path, data: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    half_done = target.with_name(f".{target.name}.part")
    half_done.write_bytes(data)
    os.replace(half_done, target)
