"""Acts on the knowledge base: articles, cases and scripts are found, and saved in versions that nobody changes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from knowledge.articles import Kind
from knowledge.events import ArticleRemoved, ArticleSaved
from server.storage.queries.knowledge import ArticleFilter
from server.usecases.errors import Conflict, Invalid, NotFound
from server.usecases.permissions import Act
from server.usecases.principal import Principal
from server.usecases.server import Acts, Server


@dataclass(frozen=True, slots=True)
class Draft:
    """An article as it is to be. `callback`: a script for callback mode; `ticket` is the one that a case comes from."""

    kind: Kind
    title: str
    text: str
    queue: str = ""
    category: str = ""
    callback: bool = False
    ticket: int | None = None


class KnowledgeActs(Acts):
    """Every act raises Forbidden, NotFound, Invalid or Conflict, and NotLeading where it changes something."""

    def __init__(self, server: Server, clock: Callable[[], float] = time.time) -> None:
        super().__init__(server, clock)
        self._saving = asyncio.Lock()

    async def page(
        self, who: Principal, filters: Mapping[str, Any], asked: str, limit: int, cursor: str | None
    ) -> dict[str, Any]:
        """Articles, newest first; with a question those in which all its words stand. Raises QueryError."""
        self.permissions.require(who, Act.READ_KNOWLEDGE)
        await self._server.records.caught_up()
        which = ArticleFilter(**filters)
        if asked.strip():
            return await self._server.records.knowledge.search(asked, which, limit)
        return await self._server.records.knowledge.page(which, limit, cursor)

    async def show(self, who: Principal, article: int, version: int | None = None) -> dict[str, Any]:
        """One article with its text and its versions; the text of an earlier version if one is asked for."""
        self.permissions.require(who, Act.READ_KNOWLEDGE)
        return await self.now(article, version)

    async def now(self, article: int, version: int | None = None) -> dict[str, Any]:
        """The article after an act on it."""
        await self._server.records.caught_up()
        found = await self._server.records.knowledge.show(article)
        if found is None:
            raise NotFound(f"there is no article {article}: see `sansheng knowledge list`")
        if version is not None and version != found["version"]:
            text = await self._server.records.knowledge.version(article, version)
            if text is None:
                raise NotFound(f"article {article} has no version {version}: there are 1 to {found['version']}")
            found |= {"text": text, "version": version}
        return found

    async def add(self, who: Principal, draft: Draft) -> int:
        """A new article; returns its number."""
        self.permissions.require(who, Act.WRITE_KNOWLEDGE)
        self._check(draft)
        async with self._saving:
            number = self._view.board.last_article + 1
            await self._save(who, number, 1, draft, "")
        return number

    async def change(self, who: Principal, article: int, draft: Draft, version: int, reason: str = "") -> None:
        """A new version of an article. `version` is the one that was changed: another one since then is a Conflict."""
        self.permissions.require(who, Act.WRITE_KNOWLEDGE)
        self._check(draft)
        async with self._saving:
            latest = self._known(article)
            if version != latest:
                raise Conflict(f"article {article} is at version {latest}, yours began at {version}: read it again")
            await self._save(who, article, latest + 1, draft, reason)

    async def remove(self, who: Principal, article: int, reason: str) -> None:
        """Let an article be found no more; its versions stay in the records."""
        self.permissions.require(who, Act.REMOVE_KNOWLEDGE)
        self._known(article)
        gone = ArticleRemoved(article, who.name, reason)
        await self._record(who, Act.REMOVE_KNOWLEDGE, gone, subject=f"article {article}: removed", reason=reason)

    def _known(self, article: int) -> int:
        latest = self._view.board.version(article)
        if not latest:
            raise NotFound(f"there is no article {article}: see `sansheng knowledge list`")
        return latest

    def _check(self, draft: Draft) -> None:
        definitions = self._server.definitions
        try:
            definitions.matter("", draft.queue)
        except ValueError as error:
            raise Invalid("matter", str(error)) from None
        if draft.category and draft.category not in {each.name for each in definitions.categories.told()}:
            known = ", ".join(definitions.categories.offered)
            raise Invalid("matter", f"there is no category {draft.category}: there are {known}")
        if draft.callback and draft.kind is not Kind.SCRIPT:
            raise Invalid("kind", "only scripts are apart in callback mode: leave callback out")

    async def _save(self, who: Principal, number: int, version: int, draft: Draft, reason: str) -> None:
        saved = ArticleSaved(
            number,
            version,
            draft.kind.value,
            draft.title,
            draft.text,
            draft.queue,
            draft.category,
            draft.callback,
            draft.ticket,
            who.name,
            reason,
        )
        subject = f"article {number}, version {version}: {draft.title}"
        await self._record(who, Act.WRITE_KNOWLEDGE, saved, subject=subject, reason=reason)
