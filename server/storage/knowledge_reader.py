"""What the API reads of articles: asked from the loop and answered from a thread."""

from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy import Engine

from server.storage.queries.knowledge import ArticleFilter, KnowledgeQueries


class KnowledgeReader:
    """Answers of `KnowledgeQueries`. Each raises QueryError for a wrong question."""

    def __init__(self, engine: Engine) -> None:
        self._queries = KnowledgeQueries(engine)

    async def page(self, which: ArticleFilter, limit: int, cursor: str | None) -> dict[str, Any]:
        """One page of articles, newest first."""
        page = await asyncio.to_thread(self._queries.page, which, limit=limit, after=cursor)
        return {"items": page.items, "next": page.next}

    async def search(self, asked: str, which: ArticleFilter, limit: int) -> dict[str, Any]:
        """The articles that are found, on one page."""
        return {"items": await asyncio.to_thread(self._queries.search, asked, which, limit=limit), "next": None}

    async def show(self, article: int) -> dict[str, Any] | None:
        """One article with its text."""
        return await asyncio.to_thread(self._queries.show, article)

    async def version(self, article: int, version: int) -> str | None:
        """The text of a version."""
        return await asyncio.to_thread(self._queries.version, article, version)
