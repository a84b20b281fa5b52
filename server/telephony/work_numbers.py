"""The sentence that tells a caller who is going to speak, as one file: Dial plays the caller one file, not several."""

from __future__ import annotations

import asyncio
import hashlib
import os
import wave
from collections.abc import Sequence
from pathlib import Path

from server.telephony.dial import work_number


class WorkNumbers:
    """Joins prompts out of `prompts` (a folder per language) into `cache`, once for each agent and language."""

    def __init__(self, prompts: Path, cache: Path) -> None:
        self._prompts, self._cache = prompts, cache
        self._made: dict[tuple[str, str], str] = {}

    async def file(self, agent: str, language: str) -> str:
        """The file's path as Asterisk wants it, without extension; empty when it cannot be made."""
        key = (agent, language)
        if key not in self._made:
            self._made[key] = await asyncio.to_thread(self._make, agent, language)
        return self._made[key]

    def _make(self, agent: str, language: str) -> str:
        pieces = [self._prompts / language / f"{prompt}.wav" for prompt in work_number(agent, language)]
        pieces = [piece for piece in pieces if piece.exists()]
        if not pieces:
            return ""
        digest = hashlib.sha256(repr([(str(each), each.stat().st_mtime_ns) for each in pieces]).encode()).hexdigest()
        target = self._cache / f"{language}-{agent}-{digest[:12]}.wav"
        if not target.exists():
            self._cache.mkdir(parents=True, exist_ok=True)
            _join(pieces, target)
        return str(target.with_suffix(""))


def _join(pieces: Sequence[Path], target: Path) -> None:
    draft = target.with_suffix(f".{os.getpid()}")
    with wave.open(str(draft), "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        for piece in pieces:
            with wave.open(str(piece), "rb") as sound:
                out.writeframes(sound.readframes(sound.getnframes()))
    draft.replace(target)
