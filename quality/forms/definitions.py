"""A form is a value with a version, and what it says never changes: another word or weight is another version.

`digest` is what tells two forms apart; every score names name, version and digest of the form that it was made by.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any


class Critical(StrEnum):
    """The side that a failed critical question is a fault toward: 客户, 业务, 合规."""

    CUSTOMER = "customer"
    BUSINESS = "business"
    COMPLIANCE = "compliance"


@dataclass(frozen=True, slots=True)
class Question:
    """One question. A mark is 0 to `levels`: with 1 it is no or yes, with more a scale."""

    id: str
    zh: str
    en: str
    weight: float = 1.0
    levels: int = 1
    may_be_na: bool = False
    """Whether it may be marked as not applicable; its weight then counts for nothing."""
    critical: Critical | None = None
    cap: float | None = None
    """A no holds the whole score down to this."""
    fatal: bool = False
    """A no makes the whole score 0."""
    hint_zh: str = ""
    hint_en: str = ""

    @property
    def answers(self) -> tuple[str, ...]:
        """The categories of a mark, as agreement counts them."""
        return (*(str(level) for level in range(self.levels + 1)), *(("na",) if self.may_be_na else ()))


@dataclass(frozen=True, slots=True)
class Section:
    """Questions under one heading."""

    id: str
    zh: str
    en: str
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class Form:
    """A form 质检表 in one version. Scores are 0 to 100; `pass_mark` 合格分 and more is a pass."""

    name: str
    version: int
    zh: str
    en: str
    pass_mark: float
    sections: tuple[Section, ...]

    @property
    def questions(self) -> tuple[Question, ...]:
        """All questions, in the order of the form."""
        return tuple(each for section in self.sections for each in section.questions)

    @property
    def digest(self) -> str:
        """SHA-256 in hex of everything that the form says."""
        return hashlib.sha256(json.dumps(_said(self), sort_keys=True, ensure_ascii=False).encode()).hexdigest()

    def __str__(self) -> str:
        return f"{self.name} version {self.version}"


def _said(value: Form | Section | Question) -> dict[str, Any]:
    """What differs from the default: a field that a later release adds changes no digest of a form without it."""
    found: dict[str, Any] = {}
    for each in fields(value):
        own = getattr(value, each.name)
        if isinstance(own, tuple):
            found[each.name] = [_said(inner) for inner in own]
        elif own != each.default:
            found[each.name] = own
    return found
