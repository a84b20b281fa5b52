"""Writes down what prompts say, by Whisper. Runs inside the kit's environment, by path, importing nothing of Sansheng.

    python listener.py MODEL JOBS

JOBS is a JSON list of {"file", "language", "text"}; for each it writes a JSON line {"heard", "sounds"}; `sounds`
gives each Chinese character of text and heard its pinyin, so that words that sound alike can be counted as heard.
"""

from __future__ import annotations

import json
import sys
import wave
from pathlib import Path
from typing import Any

import numpy as np
import soxr  # type: ignore[import-not-found, import-untyped, unused-ignore]
from faster_whisper import WhisperModel  # type: ignore[import-not-found]
from pypinyin import Style, lazy_pinyin  # type: ignore[import-not-found]

RATE = 16_000
STYLE = {"zh": "以下是普通话的句子。", "en": None}
"""Asks for simplified characters and punctuation; it gives away no word of the prompts."""


def sound(path: str) -> Any:
    with wave.open(path, "rb") as file:
        pcm = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        speech = soxr.resample(pcm.astype(np.float32) / 32768, file.getframerate(), RATE)
    return np.pad(speech, RATE // 2)


def main() -> None:
    model, jobs = sys.argv[1:]
    whisper = WhisperModel(model, device="cpu", compute_type="int8", cpu_threads=2)
    for job in json.loads(Path(jobs).read_text("utf-8")):
        segments, _ = whisper.transcribe(
            sound(job["file"]),
            language=job["language"],
            initial_prompt=STYLE[job["language"]],
            beam_size=5,
            temperature=0,
            condition_on_previous_text=False,
        )
        heard = "".join(segment.text for segment in segments).strip()
        characters = sorted({character for character in heard + job["text"] if "\u4e00" <= character <= "\u9fff"})
        sounds = {character: lazy_pinyin(character, style=Style.TONE3)[0] for character in characters}
        sys.stdout.write(json.dumps({"heard": heard, "sounds": sounds}, ensure_ascii=False) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
