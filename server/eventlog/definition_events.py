"""Definitions that were published: the texts of the operator's files as one numbered version after the other."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DefinitionsPublished:
    """From this version on these parts have these texts; None: the product's own text holds again.

    A part is `hotline`, `holidays`, `prompts` or `flow.NAME`. `how` is published, undone (the texts of version
    `restores` hold again), by hand (the files of server `node` were edited there) or found (they were there before any
    version).
    """

    version: int
    changed: tuple[tuple[str, str | None], ...]
    by: str = ""
    role: str = ""
    reason: str = ""
    how: str = "published"
    restores: int = 0
    node: str = ""


@dataclass(frozen=True, slots=True)
class DefinitionsRefused:
    """The leader could not take this version over: the texts of the version before hold again. `why` is a sentence."""

    version: int
    why: str
