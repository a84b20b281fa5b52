"""Which version of the definitions is in force, and the texts of its files, as the log has it.

A server that was away takes the texts from here; the records have the versions before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import msgspec

from server.eventlog.definition_events import DefinitionsPublished, DefinitionsRefused

REMEMBERED = 50
"""So many versions are known by their heads without asking the records."""


@dataclass(frozen=True, slots=True)
class Head:
    """A version without its texts. `refused` says why it is not in force; empty: it was taken over."""

    version: int
    at: float
    parts: tuple[str, ...]
    by: str = ""
    role: str = ""
    reason: str = ""
    how: str = "published"
    restores: int = 0
    node: str = ""
    refused: str = ""


class Published:
    """The operator's texts by part. A part without one has the product's own text."""

    def __init__(self) -> None:
        self.version = 0
        """The version in force; 0 before the first."""
        self.last = 0
        """The number of the last version that was ever published, in force or not."""
        self._texts: dict[str, str] = {}
        self._former: dict[str, str | None] = {}
        self._heads: dict[int, Head] = {}

    @property
    def texts(self) -> Mapping[str, str]:
        """Part → the operator's text in force."""
        return MappingProxyType(self._texts)

    def heads(self, since: int = 0) -> list[Head]:
        """The latest versions above `since`, newest first; those that were refused too."""
        return sorted((each for each in self._heads.values() if each.version > since), key=lambda each: -each.version)

    def head_of(self, part: str) -> Head | None:
        """The version that gave a part its present text, as far as it is remembered."""
        return next((each for each in self.heads() if part in each.parts and not each.refused), None)

    def receive(self, event: object, at: float) -> None:
        """Take in an event of the log; events of other kinds change nothing."""
        if isinstance(event, DefinitionsPublished):
            self._former = {part: self._texts.get(part) for part, _ in event.changed}
            self._put(dict(event.changed))
            self.last = max(self.last, event.version)
            parts = tuple(part for part, _ in event.changed)
            self._heads[event.version] = Head(
                event.version, at, parts, event.by, event.role, event.reason, event.how, event.restores, event.node
            )
            self.version = event.version
            for old in sorted(self._heads)[:-REMEMBERED]:
                del self._heads[old]
        elif isinstance(event, DefinitionsRefused) and event.version == self.version:
            self._put(self._former)
            self._heads[event.version] = replace(self._heads[event.version], refused=event.why)
            self._former = {}
            self.version = max((each.version for each in self._heads.values() if not each.refused), default=0)

    def _put(self, texts: Mapping[str, str | None]) -> None:
        for part, text in texts.items():
            if text is None:
                self._texts.pop(part, None)
            else:
                self._texts[part] = text

    def snapshot(self) -> dict[str, Any]:
        """Everything, as `restore` takes it after JSON."""
        return {
            "version": self.version,
            "last": self.last,
            "texts": self._texts,
            "former": self._former,
            "heads": list(self._heads.values()),
        }

    @classmethod
    def restore(cls, values: dict[str, Any] | None) -> Published:
        """The inverse of `snapshot`, from decoded JSON; None for a snapshot of before there were versions."""
        made = cls()
        if values:
            made.version, made.last = values["version"], values["last"]
            made._texts, made._former = dict(values["texts"]), dict(values["former"])
            heads = msgspec.convert(values["heads"], list[Head])
            made._heads = {each.version: each for each in heads}
        return made
