"""Changes that are only proposed: the texts that would come of them, and what a check says about those."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from server.hotline.definition_changes import KeyChange, with_value, without
from server.hotline.definition_files import MOST_BYTES, PART, file_of, part_of, product_text
from server.hotline.examination import Found
from server.usecases.errors import Invalid
from tables.errors import Key, TableError

_UNSET = object()


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a part: its whole `text` (None: the product's own again), or one `key` set to a value, or
    removed."""

    part: str
    text: Any = _UNSET
    key: Key = ()
    value: Any = _UNSET

    @property
    def is_whole(self) -> bool:
        """Whether the whole text is given."""
        return self.text is not _UNSET


@dataclass(frozen=True, slots=True)
class Proposal:
    """All texts that would hold, and those of the parts that differ; None: the product's own."""

    texts: dict[str, str]
    changed: dict[str, str | None]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check found; `part` and `file` say where, `own` whether that is the operator's file."""

    severity: str
    part: str
    file: str
    own: bool
    line: int
    key: str
    sentence: str


@dataclass(frozen=True, slots=True)
class PartDiff:
    """What a part's change means: as a unified diff, and key by key. `was_own`, `is_own`: not the product's text."""

    part: str
    file: str
    was_own: bool
    is_own: bool
    unified: str
    keys: list[KeyChange] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Checked:
    """The answer to a proposal on top of `version`."""

    version: int
    findings: list[Finding]
    changes: list[PartDiff]

    @property
    def errors(self) -> list[Finding]:
        """What stands in the way of publishing: a fault of the product's own prompts does not."""
        return [each for each in self.findings if each.severity == "error" and (each.own or each.part)]


def proposed(changes: Iterable[Change], texts: Mapping[str, str]) -> Proposal:
    """What would hold after these changes, one after the other. Raises Invalid."""
    now: dict[str, str | None] = dict(texts)
    for change in changes:
        if not PART.fullmatch(change.part):
            raise Invalid(
                "definitions", f"there is no part {change.part[:60]}: hotline, holidays, prompts or flow.NAME"
            )
        now[change.part] = _plain(_changed(change, now.get(change.part)))
    changed = {part: text for part, text in now.items() if text != texts.get(part)}
    return Proposal({part: text for part, text in now.items() if text is not None}, changed)


def _changed(change: Change, own: str | None) -> str | None:
    if change.is_whole:
        if change.text is not None and len(change.text.encode("utf-8", "replace")) > MOST_BYTES:
            raise Invalid("definitions", f"{file_of(change.part)} has at most {MOST_BYTES // 1000} kB")
        return None if change.text is None else str(change.text)
    text = own if own is not None else product_text(change.part) or ""
    try:
        if change.value is _UNSET:
            return without(text, change.key)
        return with_value(text, change.key, change.value)
    except TableError as error:
        raise Invalid("definitions", f"{file_of(change.part)}: {error}") from None


def _plain(text: str | None) -> str | None:
    """As a file that is written and read again has it."""
    if text is None:
        return None
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Invalid("definitions", "this text holds half a character") from None
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def finding(found: Found, folder: Path, home: Path) -> Finding:
    """What was found in a folder on trial, as of the home."""
    own = found.file.is_relative_to(folder)
    part = part_of(found.file)
    file = str(found.file.relative_to(folder)) if own else file_of(part) if part else str(found.file)
    sentence = found.sentence.replace(str(folder), str(home))
    return Finding(found.severity, part if own or part else "", file, own, found.line, found.key, sentence)
