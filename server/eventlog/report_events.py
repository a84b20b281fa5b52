"""Signatures under the hand-over book."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HandoverSigned:
    """A leader signed the book of a shift [since, until), UTC epoch seconds; `team` is empty for the whole house.

    `side` is outgoing or incoming. The outgoing leader signs `content`, JSON. `digest` is its SHA-256 in
    hexadecimal, and the incoming leader signs the same one.
    """

    team: str
    since: float
    until: float
    side: str
    by: str
    digest: str
    content: str = ""
    note: str = ""
