"""Which sound each prompt has, as the log says it: every server of the hotline gives its callers the same.

The latest versions of each prompt are known, so that a server that was away has them for an undo, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from server.eventlog.definition_events import PromptSoundSet

KEPT = 10
"""Versions of a prompt in one language of which the sound stands beside the log."""
Kept = tuple[float, PromptSoundSet]
"""When it was set (UTC epoch seconds), and what."""


class SharedSounds:
    """The operator's sounds by prompt and language."""

    def __init__(self) -> None:
        self.count = 0
        """How many were ever set: another number says that something changed."""
        self._kept: dict[tuple[str, str], list[Kept]] = {}

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """(prompt, language) of each."""
        return iter(sorted(self._kept))

    def versions(self, prompt: str, language: str) -> list[Kept]:
        """The versions that are kept, oldest first; the last one holds."""
        return list(self._kept.get((prompt, language), ()))

    def receive(self, event: object, at: float) -> None:
        """Take in an event of the log; events of other kinds change nothing."""
        if isinstance(event, PromptSoundSet):
            self.count += 1
            kept = self._kept.setdefault((event.prompt, event.language), [])
            kept.append((at, event))
            del kept[:-KEPT]

    def snapshot(self) -> dict[str, Any]:
        """Everything, as `restore` takes it after JSON."""
        return {"count": self.count, "kept": [each for kept in self._kept.values() for each in kept]}

    @classmethod
    def restore(cls, values: dict[str, Any] | None) -> SharedSounds:
        """The inverse of `snapshot`, from decoded JSON; None for a snapshot of before sounds stood in the log."""
        made = cls()
        if values:
            for at, event in msgspec.convert(values["kept"], list[Kept]):
                made._kept.setdefault((event.prompt, event.language), []).append((at, event))
            made.count = values["count"]
        return made
