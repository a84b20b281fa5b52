"""One sound file of several prompts, for places where Asterisk takes only one (Dial's announcements).

A joined file is named by what it was made of, so it is made once, and anew when a prompt was rendered again.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import wave
from collections.abc import Sequence
from pathlib import Path

PROMPT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
FORMAT = (1, 2, 8000)
"""Channels, bytes a sample, samples a second."""


def joined(prompts: Path, ids: Sequence[str], folder: Path) -> Path:
    """Join `<prompts>/<id>.wav` in order; the path without ending, as Asterisk's applications take it.

    A prompt that is missing or no 8 kHz 16-bit mono WAV is left out: saying less is better than refusing the call.
    Raises FileNotFoundError when nothing is left, ValueError for an id that is no name, OSError when the disk is full.
    """
    for name in ids:
        if not PROMPT.fullmatch(name):
            raise ValueError(f"{name!r} is no prompt id: letters, digits, '-' and '_'")
    sources = [path for name in ids if (path := prompts / f"{name}.wav").is_file()]
    marks = [f"{path}|{(stat := path.stat()).st_size}|{stat.st_mtime_ns}" for path in sources]
    target = folder / hashlib.sha256("\n".join(marks).encode()).hexdigest()[:20]
    ready = target.with_suffix(".wav")
    if not ready.exists():
        parts = [part for path in sources if (part := _samples(path))]
        if not parts:
            raise FileNotFoundError(f"no prompt of {', '.join(ids) or 'none'} in {prompts}: run `make prompts`")
        folder.mkdir(parents=True, exist_ok=True)
        _write(ready, b"".join(parts))
    return target


def _samples(path: Path) -> bytes:
    try:
        with wave.open(str(path), "rb") as file:
            if (file.getnchannels(), file.getsampwidth(), file.getframerate()) != FORMAT:
                return b""
            return file.readframes(file.getnframes())
    except (wave.Error, EOFError):
        return b""


def _write(path: Path, samples: bytes) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    draft = Path(name)
    try:
        with open(descriptor, "wb") as raw, wave.open(raw, "wb") as file:
            file.setnchannels(FORMAT[0])
            file.setsampwidth(FORMAT[1])
            file.setframerate(FORMAT[2])
            file.writeframes(samples)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
