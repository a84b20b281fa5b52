"""What `sansheng doctor` looks at. A check looks and says; it changes nothing, and needs no running server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    OK = "ok"
    WARN = "warn"
    """Calls are taken, but somebody should do something."""
    FAIL = "fail"
    """Calls are not taken, or will not be, or something is being lost."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check says. A line that is not ok says what to do."""

    check: str
    verdict: Verdict
    sentence: str


Findings = Iterator[Finding]


def ok(check: str, sentence: str) -> Finding:
    return Finding(check, Verdict.OK, sentence)


def warn(check: str, sentence: str) -> Finding:
    return Finding(check, Verdict.WARN, sentence)


def fail(check: str, sentence: str) -> Finding:
    return Finding(check, Verdict.FAIL, sentence)
