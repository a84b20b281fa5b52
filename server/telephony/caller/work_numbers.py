"""The sentence that tells a caller who is going to speak, as one file: Dial plays the caller one file, not several."""

from __future__ import annotations

import asyncio
from pathlib import Path

import structlog

from server.telephony.asterisk.joined import joined
from server.telephony.channels.dial import work_number

_log = structlog.get_logger("work_numbers")


class WorkNumbers:
    """Joins prompts out of `prompts` (a folder per language) into `cache`, once for each agent and language."""

    def __init__(self, prompts: Path, cache: Path) -> None:
        self._prompts, self._cache = prompts, cache
        self._made: dict[tuple[str, str], str] = {}

    async def file(self, agent: str, language: str) -> str:
        """The file's path as Asterisk wants it, without extension; empty when it cannot be made."""
        key = (agent, language)
        if key not in self._made:
            pieces = work_number(agent, language)
            try:
                self._made[key] = str(
                    await asyncio.to_thread(joined, self._prompts / language, pieces, self._cache / language)
                )
            except OSError as error:
                _log.error("the work number cannot be said", agent=agent, why=str(error))
                return ""
        return self._made[key]
