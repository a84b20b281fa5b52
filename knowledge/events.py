"""What happened to bulletins, notices and articles, as the log keeps it. Instants are UTC epoch seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """Base of the knowledge's events."""


@dataclass(frozen=True, slots=True)
class BulletinPosted(Event):
    """Agents of these teams, or (empty) all, have something to read. `until`: it need not be read any more."""

    bulletin: int
    title: str
    text: str
    by: str = ""
    teams: tuple[str, ...] = ()
    until: float | None = None


@dataclass(frozen=True, slots=True)
class BulletinRead(Event):
    """An agent confirmed to have read it: the receipt."""

    bulletin: int
    agent: str


@dataclass(frozen=True, slots=True)
class BulletinWithdrawn(Event):
    """It is to be read no more."""

    bulletin: int
    by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class NoticePosted(Event):
    """Callers hear `prompt` from `since` to `until` (None: until it is ended), before the queues that are named, or
    (empty) all of them at the greeting. `text` is what it says, for people to read."""

    notice: int
    text: str
    prompt: str
    since: float
    until: float | None = None
    queues: tuple[str, ...] = ()
    by: str = ""


@dataclass(frozen=True, slots=True)
class NoticeEnded(Event):
    """Callers hear it no more."""

    notice: int
    by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ArticleSaved(Event):
    """A version of an article. `kind` is one of `articles.KINDS`; `queue`, `category` and `callback` say when it is
    shown."""

    article: int
    version: int
    kind: str
    title: str
    text: str
    queue: str = ""
    category: str = ""
    callback: bool = False
    ticket: int | None = None
    by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ArticleRemoved(Event):
    """It is found no more; its versions stay in the records."""

    article: int
    by: str = ""
    reason: str = ""
