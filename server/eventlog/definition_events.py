"""Definitions that were published: the operator's files as numbered versions, and the sounds of prompts."""

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


@dataclass(frozen=True, slots=True)
class PromptSoundSet:
    """From now on callers of this language hear this version of the prompt's sound.

    Its bytes stand beside the log under `sha256`; an empty one: the product's own sound holds again. `how` is uploaded,
    recorded, rendered, undone, removed or found (it was in the home of server `node` before). Levels are dBFS.
    """

    prompt: str
    language: str
    version: int
    sha256: str = ""
    by: str = ""
    how: str = "uploaded"
    reason: str = ""
    seconds: float = 0.0
    rate: int = 0
    level: float = 0.0
    peak: float = 0.0
    converted: bool = False
    warnings: tuple[str, ...] = ()
    node: str = ""
