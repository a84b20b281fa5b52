"""All bulletins and notices that matter now, and the heads of articles: what is read, heard and saved, by the log.

Changed only by `receive`. Texts of articles stand in the records alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from knowledge.events import (
    ArticleRemoved,
    ArticleSaved,
    BulletinPosted,
    BulletinRead,
    BulletinWithdrawn,
    Event,
    NoticeEnded,
    NoticePosted,
)

REMEMBER = 90 * 86_400.0
"""Seconds for which what is over stays known here; the records keep it."""


@dataclass(frozen=True, slots=True)
class Bulletin:
    """One bulletin with its receipts: who read it, and when. `over_at` is None while it is to be read."""

    posted: BulletinPosted
    at: float
    over_at: float | None = None
    read: dict[str, float] = field(default_factory=dict)

    def concerns(self, teams: Iterable[str]) -> bool:
        """Whether an agent of these teams is to read it."""
        return not self.posted.teams or not set(self.posted.teams).isdisjoint(teams)

    def stands(self, now: float) -> bool:
        """Whether it is to be read at this instant."""
        ended = self.posted.until is not None and self.posted.until <= now
        return self.over_at is None and not ended


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice to callers."""

    posted: NoticePosted
    at: float
    over_at: float | None = None

    def in_force(self, now: float) -> bool:
        """Whether callers hear it at this instant."""
        posted = self.posted
        return self.over_at is None and posted.since <= now and (posted.until is None or now < posted.until)


class Board:
    """Bulletins and notices by number; of articles the latest version and whether it is removed."""

    def __init__(self) -> None:
        self._bulletins: dict[int, Bulletin] = {}
        self._notices: dict[int, Notice] = {}
        self._versions: dict[int, int] = {}
        self.last_bulletin = self.last_notice = self.last_article = 0
        self.changes = 0
        """How often the board has changed."""

    # Questions

    def bulletin(self, number: int) -> Bulletin | None:
        """The bulletin of this number."""
        return self._bulletins.get(number)

    def bulletins(self) -> list[Bulletin]:
        """Every bulletin that is remembered, newest first."""
        return list(reversed(self._bulletins.values()))

    def unread(self, agent: str, teams: Iterable[str], now: float) -> list[Bulletin]:
        """What this agent of these teams has still to read, newest first."""
        own = tuple(teams)
        return [each for each in self.bulletins() if each.stands(now) and each.concerns(own) and agent not in each.read]

    def notice(self, number: int) -> Notice | None:
        """The notice of this number."""
        return self._notices.get(number)

    def notices(self) -> list[Notice]:
        """Every notice that is remembered, newest first."""
        return list(reversed(self._notices.values()))

    def said(self, queue: str, now: float) -> list[NoticePosted]:
        """The notices in force before this queue, or (empty) at the greeting, the first one that was posted first."""
        standing = (each.posted for each in self._notices.values() if each.in_force(now))
        return [each for each in standing if (queue in each.queues if queue else not each.queues)]

    def version(self, article: int) -> int:
        """The latest version of this article; 0 for none, and for one that was removed."""
        return self._versions.get(article, 0)

    # The log

    def receive(self, event: object, at: float) -> None:
        """Take in an event of the log; events of other kinds change nothing."""
        if not isinstance(event, Event):
            return
        self.changes += 1
        match event:
            case BulletinPosted():
                self._forget_old(at)
                self._bulletins[event.bulletin] = Bulletin(event, at)
                self.last_bulletin = max(self.last_bulletin, event.bulletin)
            case BulletinRead():
                if (known := self._bulletins.get(event.bulletin)) is not None:
                    known.read.setdefault(event.agent, at)
            case BulletinWithdrawn():
                if (known := self._bulletins.get(event.bulletin)) is not None and known.over_at is None:
                    self._bulletins[event.bulletin] = replace(known, over_at=at)
            case NoticePosted():
                self._forget_old(at)
                self._notices[event.notice] = Notice(event, at)
                self.last_notice = max(self.last_notice, event.notice)
            case NoticeEnded():
                if (notice := self._notices.get(event.notice)) is not None and notice.over_at is None:
                    self._notices[event.notice] = replace(notice, over_at=at)
            case ArticleSaved():
                self._versions[event.article] = event.version
                self.last_article = max(self.last_article, event.article)
            case ArticleRemoved():
                self._versions.pop(event.article, None)

    def _forget_old(self, now: float) -> None:
        for bulletin in list(self._bulletins.values()):
            end = bulletin.over_at or bulletin.posted.until
            if end is not None and end + REMEMBER < now:
                del self._bulletins[bulletin.posted.bulletin]
        for notice in list(self._notices.values()):
            end = notice.over_at or notice.posted.until
            if end is not None and end + REMEMBER < now:
                del self._notices[notice.posted.notice]

    # As JSON

    def snapshot(self) -> dict[str, Any]:
        """Everything, as JSON has it."""
        return {
            "bulletins": list(self._bulletins.values()),
            "notices": list(self._notices.values()),
            "versions": list(self._versions.items()),
            "last": [self.last_bulletin, self.last_notice, self.last_article],
        }

    @classmethod
    def restore(cls, data: dict[str, Any] | None) -> Board:
        """The inverse of `snapshot`, from decoded JSON; None: a snapshot of before there was a board."""
        made = cls()
        if data is None:
            return made
        for row in data["bulletins"]:
            posted = BulletinPosted(**{**row["posted"], "teams": tuple(row["posted"]["teams"])})
            made._bulletins[posted.bulletin] = Bulletin(posted, row["at"], row["over_at"], row["read"])
        for row in data["notices"]:
            told = NoticePosted(**{**row["posted"], "queues": tuple(row["posted"]["queues"])})
            made._notices[told.notice] = Notice(told, row["at"], row["over_at"])
        made._versions = dict(data["versions"])
        made.last_bulletin, made.last_notice, made.last_article = data["last"]
        return made
