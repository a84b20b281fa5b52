"""Lists and reports that somebody takes out of the hotline: asked for, approved or refused by another."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ExportAsked:
    """The principal wants this list as a file. `filters` are pairs of a name and a text.

    Role, work number and scopes are those with which the principal asked: the file holds what they reach.
    """

    export: int
    kind: str
    format: str
    filters: tuple[tuple[str, str], ...]
    by: str
    role: str
    agent: str = ""
    scopes: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ExportApproved:
    """The file may be fetched for a day."""

    export: int
    by: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ExportRefused:
    """The file is not to be had."""

    export: int
    by: str
    reason: str = ""
