"""The knowledge base over HTTP: articles, cases and scripts."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from knowledge.articles import Kind
from knowledge.grams import MOST_QUERY
from server.usecases.knowledge import Draft, KnowledgeActs
from server.web.api.bulletins import LongText
from server.web.api.shapes import Asked, Body, Name, Number, Page, Reason, Who, Why, Word, router
from server.web.problems import answers

Version = Annotated[int, Field(ge=1, le=2**31)]


class KnowledgeAsked(Asked):
    """Which articles. With `q`, those in which all its words stand, those with them in the title first."""

    q: str | None = Field(None, max_length=MOST_QUERY, description="Words of one and more characters.")
    kind: Kind | None = None
    queue: str | None = Field(None, max_length=80, description="Of this queue, and those for every queue.")
    category: str | None = Field(None, max_length=80)
    callback: bool | None = Field(None, description="Scripts for callback mode, or those for other calls.")
    ticket: Annotated[int, Field(ge=1, le=2**53)] | None = None


class ArticleIn(Body):
    """An article. A queue and a category say where it is shown."""

    kind: Kind
    title: Name
    text: LongText
    queue: Word = ""
    category: Word = ""
    callback: bool = False
    ticket: Annotated[int, Field(ge=1, le=2**53)] | None = None

    def draft(self) -> Draft:
        """The article as acts take it."""
        return Draft(self.kind, self.title, self.text, self.queue, self.category, self.callback, self.ticket)


class ArticlePut(ArticleIn):
    """A new version; `version` is the one that was changed."""

    version: Version
    reason: Reason = ""


class Article(BaseModel):
    """An article without its text. `excerpt`: the place that was found."""

    id: int
    version: int
    kind: str
    title: str
    queue: str | None
    category: str | None
    callback: bool
    ticket: int | None
    created_at: str | None
    created_by: str | None
    saved_at: str | None
    saved_by: str | None
    excerpt: str | None = None


class ArticleVersion(BaseModel):
    """When and by which principal a version was saved."""

    version: int
    at: str
    by: str | None
    reason: str | None


class ArticleDetail(Article):
    """An article with its text and its versions, newest first."""

    text: str
    versions: list[ArticleVersion]


class ArticleGone(BaseModel):
    """An article was removed."""

    id: int


def knowledge_routes(acts: KnowledgeActs) -> APIRouter:
    """The routes of the knowledge base."""
    routes = router("knowledge")

    @routes.get("/knowledge", response_model=Page[Article], responses=answers(400, 422))
    async def list_articles(who: Who, asked: Annotated[KnowledgeAsked, Query()]) -> dict[str, Any]:
        """Articles, newest first, or those that are found."""
        which = asked.model_dump(include={"queue", "category", "callback", "ticket", "kind"}, exclude_none=True)
        return await acts.page(who, which, asked.q or "", asked.limit, asked.cursor or None)

    @routes.post("/knowledge", status_code=201, response_model=ArticleDetail, responses=answers(422, 503))
    async def add_article(who: Who, wanted: ArticleIn) -> dict[str, Any]:
        """A new article."""
        made = await acts.add(who, wanted.draft())
        await acts.shown()
        return await acts.now(made)

    @routes.get("/knowledge/{number}", response_model=ArticleDetail, responses=answers(404, 422))
    async def show_article(
        who: Who, number: Number, version: Annotated[Version | None, Query()] = None
    ) -> dict[str, Any]:
        """One article, in its latest version or an earlier one."""
        return await acts.show(who, number, version)

    @routes.put("/knowledge/{number}", response_model=ArticleDetail, responses=answers(404, 409, 422, 503))
    async def change_article(who: Who, number: Number, wanted: ArticlePut) -> dict[str, Any]:
        """Save a new version."""
        await acts.change(who, number, wanted.draft(), wanted.version, wanted.reason)
        await acts.shown()
        return await acts.now(number)

    @routes.delete("/knowledge/{number}", response_model=ArticleGone, responses=answers(404, 422, 503))
    async def remove_article(who: Who, number: Number, reason: Annotated[Why, Query()]) -> dict[str, Any]:
        """Remove an article; its versions stay in the records."""
        await acts.remove(who, number, reason)
        await acts.shown()
        return {"id": number}

    return routes
