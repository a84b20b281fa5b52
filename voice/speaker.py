"""Says lines with Kokoro. Runs inside the kit's environment, by path: it imports nothing of Sansheng.

    python speaker.py MODEL VOCABULARY VOICES JOBS OUT

JOBS is a JSON list of {"text", "language", "voice", "speed", "readings", "pause", "cut", …}; for the n-th it writes
OUT/n.f32, little-endian float32 at 8 kHz, and a line with n to standard output.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime  # type: ignore[import-not-found]
import soxr  # type: ignore[import-not-found, import-untyped, unused-ignore]

VOICE_RATE = 24_000
RATE = 8000
STOP = "台"
"""Begins with a stop, behind which a lone syllable can be cut off."""
CUT_SPEED = 0.9


class Chinese:
    """Text to phonemes by jieba, pinyin and misaki's table. `readings`: word → pinyin with tones, `chong2 ting1`."""

    def __init__(self) -> None:
        import jieba  # type: ignore[import-not-found]
        from misaki.zh import ZHG2P  # type: ignore[import-not-found]

        jieba.setLogLevel("ERROR")
        self._jieba = jieba
        self._table = ZHG2P

    def __call__(self, text: str, readings: dict[str, str]) -> str:
        for word in readings:
            self._jieba.add_word(word, freq=10**7)
        text = self._table.map_punctuation(text)
        parts = re.findall("[\u4e00-\u9fff]+|[^\u4e00-\u9fff]+", text)
        return "".join(self._words(part, readings) if "\u4e00" <= part[0] <= "\u9fff" else part for part in parts)

    def _words(self, text: str, readings: dict[str, str]) -> str:
        said = []
        for word in self._jieba.lcut(text):
            if word in readings:
                said.append("".join(self._table.py2ipa(syllable) for syllable in readings[word].split()))
            else:
                said.append(self._table.word2ipa(word))
        return " ".join(said).replace("\u032f", "")


class English:
    """Text to phonemes by espeak-ng, in the alphabet Kokoro learned. `readings`: word → a spelling that sounds so."""

    def __init__(self) -> None:
        from misaki.espeak import EspeakFallback  # type: ignore[import-not-found]

        self._espeak = EspeakFallback(british=False)

    def __call__(self, text: str, readings: dict[str, str]) -> str:
        for word, spelling in readings.items():
            text = text.replace(word, spelling)
        return str(self._espeak(SimpleNamespace(text=text))[0])


class Kokoro:
    """The model and its voices."""

    def __init__(self, model: Path, vocabulary: Path, voices: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 2
        self._session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        self._vocabulary: dict[str, int] = json.loads(vocabulary.read_text("utf-8"))["vocab"]
        self._voices = voices

    def say(self, phonemes: str, voice: str, speed: float) -> Any:
        """Phonemes to float32 at 24 kHz. Voices are tables of one style per length."""
        unknown = {phoneme for phoneme in phonemes if phoneme not in self._vocabulary}
        if unknown:
            raise ValueError(
                f"the voice does not know {unknown} in {phonemes!r}: give the word a reading in the manifest"
            )
        tokens = [self._vocabulary[phoneme] for phoneme in phonemes]
        styles = np.fromfile(self._voices / f"{voice}.bin", "<f4").reshape(-1, 256)
        inputs = {
            "tokens": np.array([[0, *tokens, 0]], np.int64),
            "style": styles[len(tokens) - 1][None],
            "speed": np.array([speed], np.float32),
        }
        return self._session.run(None, inputs)[0].ravel()


def breaths(text: str) -> list[str]:
    """Whole sentences, each said by itself."""
    return [part.strip() for part in re.findall(r"[^。.！!？?]+[。.！!？?]?", text) if part.strip()]


def trimmed(speech: Any) -> Any:
    """Without the silence around it, so that the pause between two sentences is the one asked for."""
    loud = np.flatnonzero(np.abs(speech) > 0.01 * np.max(np.abs(speech)))
    margin = VOICE_RATE // 50
    return speech[max(0, loud[0] - margin) : loud[-1] + margin]


def first_syllable(speech: Any) -> Any:
    """Of two syllables, the one before the stop: cut in the closure, the quietest place, a little before the burst."""
    frame = VOICE_RATE // 200
    power = np.mean(speech[: len(speech) // frame * frame].reshape(-1, frame) ** 2, axis=1)
    sounding = np.flatnonzero(power > 0.0036 * np.percentile(power, 95))
    start, length = sounding[0], sounding[-1] - sounding[0]
    early, late = start + int(0.28 * length), start + int(0.65 * length)
    closure = early + int(np.argmin(np.convolve(power, np.ones(3), "same")[early:late]))
    syllable = speech[: (closure - 2) * frame].copy()
    fade = VOICE_RATE // 50
    syllable[-fade:] *= 0.5 + 0.5 * np.cos(np.pi * np.arange(fade) / fade)
    return syllable


def write(path: Path, speech: Any) -> None:
    """Store it at the telephone's rate, and say so."""
    soxr.resample(speech, VOICE_RATE, RATE, quality="VHQ").astype("<f4").tofile(path)
    sys.stdout.write(f"{path.stem}\n")
    sys.stdout.flush()


def main() -> None:
    model, vocabulary, voices, jobs, out = (Path(argument) for argument in sys.argv[1:])
    kokoro = Kokoro(model, vocabulary, voices)
    languages: dict[str, Any] = {}
    for number, job in enumerate(json.loads(jobs.read_text("utf-8"))):
        language = job["language"]
        if language not in languages:
            languages[language] = {"zh": Chinese, "en": English}[language]()
        say = languages[language]
        if job["cut"]:
            phonemes = say(job["text"], job["readings"]) + say(STOP, {})
            speech = first_syllable(kokoro.say(phonemes + ".", job["voice"], CUT_SPEED * job["speed"]))
            write(out / f"{number}.f32", speech)
            continue
        pause = np.zeros(round(job["pause"] * VOICE_RATE), np.float32)
        spoken: list[Any] = []
        for breath in breaths(job["text"]):
            phonemes = say(breath, job["readings"])
            spoken += [trimmed(kokoro.say(phonemes, job["voice"], job["speed"])), pause]
        write(out / f"{number}.f32", np.concatenate(spoken[:-1]))


if __name__ == "__main__":
    main()
