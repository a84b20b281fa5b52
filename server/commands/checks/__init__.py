"""The checks of `sansheng doctor`, for its command. A check reads and reports; it changes nothing, and needs no server.

Begin with `service` (the hotline), then `machine` (versions, disk, clock) and `sockets` (ports).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    OK = "ok"
    WARN = "warn"
    """Calls are taken, but the operator should act."""
    FAIL = "fail"
    """Calls are not taken, or will not be, or data is being lost."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check. A sentence that is not ok says what to do."""

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
