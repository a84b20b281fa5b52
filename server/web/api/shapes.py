"""Shapes that requests and answers over HTTP share; the shapes of one resource stand in its module.

OpenAPI is drawn from the shapes. Instants are ISO 8601 in UTC. What has no value yet is null. Shapes of one record
(`…Detail`) may hold more than is named.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Annotated, Any, Generic, TypeVar

from fastapi import APIRouter, Depends, Path
from fastapi.security import HTTPBearer
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from server import bounds
from server.storage.queries import paging
from server.usecases.principal import Principal
from server.web.authentication import principal_of
from server.web.instants import instant
from server.web.late_route import LateRoute
from server.web.problems import answers

__all__ = ["instant"]

Item = TypeVar("Item")
AGENT_ID = r"^[A-Za-z0-9][A-Za-z0-9_.]{0,31}$"

Number = Annotated[int, Path(ge=1, le=2**53)]
AgentId = Annotated[str, Path(pattern=AGENT_ID, description="Work number, such as 1001.")]
Who = Annotated[Principal, Depends(principal_of)]
"""The principal of a request, found by the gate from the token."""


def _instant(value: object) -> datetime:
    return bounds.instant(value)


def _day(value: object) -> date:
    return bounds.day(value)


Instant = Annotated[datetime, BeforeValidator(_instant)]
"""From 2000 to 2099; UTC where a request names no zone."""
Day = Annotated[date, BeforeValidator(_day)]
"""From 2000 to 2099."""
Planned = Instant
"""An instant that goes into an event."""


def _in_one_line(text: str) -> str:
    if not text.isprintable() or text != text.strip():
        raise ValueError("write it in one line, without control characters or space around it")
    return text


def _without_line_ends(text: str) -> str:
    if not bounds.is_line(text):
        raise ValueError("write it in one line, without control characters")
    return text


Line = AfterValidator(_without_line_ends)
"""For every text that goes into an event."""
Word = Annotated[str, Field(max_length=80), Line]
Reason = Annotated[str, Field(max_length=200, description="Why; it is kept with the act."), Line]
Why = Annotated[Reason, Field(min_length=1)]
Name = Annotated[str, Field(min_length=1, max_length=80), AfterValidator(_in_one_line)]
Limit = Annotated[int, Field(ge=1, le=1000, description="How many at most.")]


class Body(BaseModel):
    """Base of a request's fields: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class Asked(Body):
    """The filters and the page of every list."""

    limit: Limit = 100
    cursor: str | None = Field(None, description="`next` of the page before.")

    def filters(self) -> dict[str, str]:
        """The filters that were given; an empty one counts as none."""
        given = self.model_dump(exclude={"limit", "cursor"}, exclude_none=True)
        texts = {name: each.isoformat() if isinstance(each, datetime) else str(each) for name, each in given.items()}
        return {name: each for name, each in texts.items() if each}


class Paging(Body):
    """The page of a list that is short as a rule."""

    limit: Limit = 1000
    cursor: str | None = Field(None, description="`next` of the page before.")


def cut(
    rows: Iterable[dict[str, Any]], asked: Paging, kind: str, key: str = "id", *, newest_first: bool = True
) -> dict[str, Any]:
    """The page of a list that is in memory, in the order of `key`."""
    return paging.cut(rows, kind, key, asked.limit, asked.cursor or None, newest_first=newest_first)


class Sentence(BaseModel):
    """A sentence in both languages."""

    model_config = ConfigDict(populate_by_name=True)

    zh: str = Field(serialization_alias="zh-CN", validation_alias="zh-CN")
    en: str


class Page(BaseModel, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    next: str | None = Field(None, description="Cursor of the page after this one; null on the last.")


def router(tag: str) -> APIRouter:
    """Routes under /api/v1 that need a token; the gate asks for it before a route is found."""
    bearer = HTTPBearer(auto_error=False, description="An access token, or the token in `secrets/api-token`.")
    return APIRouter(
        prefix="/api/v1",
        tags=[tag],
        dependencies=[Depends(bearer)],
        responses=answers(401, 403),
        route_class=LateRoute,
    )
