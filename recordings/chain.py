"""The closed recordings of one day form a chain: each link hashes the link before it and what it stands for.

To remove, change, add or reorder a recording breaks every link after it. The last link of a day, kept
elsewhere (in the shift's hand-over, in a report), also shows that the end was not cut off.

A link of the second version begins with `2:` and also covers call, agent, start and length; a deletion is such a link
too, a tombstone. Links of the first version are those of recordings that an earlier release closed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

FIRST = "0" * 64
"""What stands before a day's first link."""
SECOND = "2:"
"""What a link of the second version begins with."""


@dataclass(frozen=True, slots=True)
class Covered:
    """What a link of the second version covers besides the recording's number and SHA-256.

    `started_at` is UTC epoch seconds and `seconds` the length, both to the millisecond. `deleted`: this link is the
    tombstone of a recording that was deleted on this day; the sentence says why.
    """

    call: int
    agent: str
    started_at: float
    seconds: float
    deleted: str = ""

    def text(self) -> str:
        """As it is hashed."""
        return (
            f"{self.call}\n{self.agent}\n{round(self.started_at * 1000)}\n{round(self.seconds * 1000)}\n{self.deleted}"
        )


@dataclass(frozen=True, slots=True)
class Link:
    """One closed recording, or one tombstone, in its day's chain; `position` counts from 1."""

    position: int
    recording: int
    sha256: str
    link: str
    covered: Covered | None = None


class Kind(StrEnum):
    """What happened to a recording after it was closed."""

    REMOVED = "removed"
    CHANGED = "changed"
    ADDED = "added"


@dataclass(frozen=True, slots=True)
class Fault:
    """Where a chain is broken, and how. What was removed stood before or behind `recording`; 0: the day has none."""

    kind: Kind
    recording: int
    sentence: str


def link_hash(
    previous: str, day: str, position: int, recording: int, sha256: str, covered: Covered | None = None
) -> str:
    """The link of one recording, SHA-256 in hex, behind `2:` in the second version (with `covered`).

    `day` is YYYY-MM-DD, `sha256` the recording's hash in hex.
    """
    text = f"{previous}\n{day}\n{position}\n{recording}\n{sha256}"
    if covered is None:
        return hashlib.sha256(text.encode()).hexdigest()
    return SECOND + hashlib.sha256(f"{text}\n{covered.text()}".encode()).hexdigest()


def verify(day: str, links: Iterable[Link], last: str | None = None) -> list[Fault]:
    """The faults of one day's chain, in order; none when it is whole. `last` is its last link as kept elsewhere."""
    faults: list[Fault] = []
    previous, expected, recording = FIRST, 1, 0
    for each in links:
        recording = each.recording
        if each.position != expected:
            sentence = f"position {expected} of the chain is missing before it"
            faults.append(Fault(Kind.REMOVED, recording, sentence))
        elif _expected(previous, day, each) != each.link:
            sentence = "its link is not what it and the links before it give"
            faults.append(Fault(Kind.CHANGED, recording, sentence))
        previous, expected = each.link, each.position + 1
    if last is not None and last != previous:
        sentence = "the last link is not the one that was kept: the end of the chain was cut off, or has grown"
        faults.append(Fault(Kind.REMOVED, recording, sentence))
    return faults


def _expected(previous: str, day: str, each: Link) -> str:
    covered = each.covered if each.link.startswith(SECOND) else None
    return link_hash(previous, day, each.position, each.recording, each.sha256, covered)
