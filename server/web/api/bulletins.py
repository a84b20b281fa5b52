"""Bulletins to agents with their receipts, incident notices to callers, and own prompts over HTTP."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from pydantic import AfterValidator, BaseModel, Field

from knowledge.board import Bulletin, Notice
from server.usecases.bulletins import BulletinActs
from server.web.api.shapes import (
    AGENT_ID,
    Body,
    Name,
    Number,
    Page,
    Paging,
    Planned,
    Reason,
    Who,
    Word,
    cut,
    instant,
    router,
)
from server.web.problems import answers


def _plain(text: str) -> str:
    if not text.strip() or not all(each.isprintable() or each in "\n\t" for each in text):
        raise ValueError("write plain text, without control characters")
    return text


LongText = Annotated[str, Field(min_length=1, max_length=20_000), AfterValidator(_plain)]
"""A text with line ends."""
PromptId = Annotated[str, Field(max_length=60, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$|^$")]


class BulletinIn(Body):
    """A bulletin to the agents of some teams, or (none named) to all."""

    title: Name
    text: LongText
    teams: list[Word] = Field(default_factory=list, max_length=50)
    until: Planned | None = None


class ReadIn(Body):
    """Whose receipt it is; left out, the principal's own."""

    agent: str = Field("", pattern=f"{AGENT_ID}|^$")


class WhyIn(Body):
    """Why."""

    reason: Reason = ""


class Receipt(BaseModel):
    """An agent has read it."""

    agent: str
    at: str


class BulletinOut(BaseModel):
    """A bulletin. `stands`: it is to be read now; `missing` are the agents who have not read it."""

    id: int
    title: str
    text: str
    teams: list[str]
    at: str
    by: str | None
    until: str | None
    stands: bool
    read: list[Receipt]
    missing: list[str]


class NoticeIn(Body):
    """A notice to callers: of some queues, or (none named) to all at the greeting."""

    text: Name
    prompt: PromptId = Field("", description="A prompt of the manifest, or an own one; left out: notice-incident.")
    queues: list[Word] = Field(default_factory=list, max_length=50)
    since: Planned | None = None
    until: Planned | None = None


class NoticeOut(BaseModel):
    """An incident notice."""

    id: int
    text: str
    prompt: str
    queues: list[str]
    since: str
    until: str | None
    by: str | None
    in_force: bool
    ended_at: str | None


class PromptOut(BaseModel):
    """An own prompt, and the languages in which it is there."""

    id: str
    languages: list[str]


class PromptKept(BaseModel):
    """An own prompt was written."""

    id: str
    language: str
    seconds: float


class BulletinsAsked(Paging):
    """Which bulletins."""

    unread: bool = Field(False, description="Those that the agent who asks has still to read.")
    standing: bool = Field(False, description="Those that are to be read now.")


class NoticesAsked(Paging):
    """Which incident notices."""

    in_force: bool = Field(False, description="Those that callers hear now.")


def bulletin_routes(acts: BulletinActs) -> APIRouter:
    """The routes of bulletins, notices and own prompts."""
    routes = router("bulletins")

    def shown(each: Bulletin) -> dict[str, Any]:
        posted = each.posted
        return {
            "id": posted.bulletin,
            "title": posted.title,
            "text": posted.text,
            "teams": list(posted.teams),
            "at": instant(each.at),
            "by": posted.by or None,
            "until": None if posted.until is None else instant(posted.until),
            "stands": acts.stands(each),
            "read": [{"agent": agent, "at": instant(at)} for agent, at in sorted(each.read.items())],
            "missing": acts.missing(each),
        }

    def noticed(each: Notice) -> dict[str, Any]:
        posted = each.posted
        return {
            "id": posted.notice,
            "text": posted.text,
            "prompt": posted.prompt,
            "queues": list(posted.queues),
            "since": instant(posted.since),
            "until": None if posted.until is None else instant(posted.until),
            "by": posted.by or None,
            "in_force": acts.in_force(each),
            "ended_at": None if each.over_at is None else instant(each.over_at),
        }

    @routes.get("/bulletins", response_model=Page[BulletinOut], responses=answers(400, 422))
    async def list_bulletins(who: Who, asked: Annotated[BulletinsAsked, Query()]) -> dict[str, Any]:
        """Bulletins of the last 90 days, newest first."""
        found = acts.bulletins(who, unread=asked.unread, standing=asked.standing)
        return cut(map(shown, found), asked, "bulletin")

    @routes.post("/bulletins", status_code=201, response_model=BulletinOut, responses=answers(422, 503))
    async def post_bulletin(who: Who, wanted: BulletinIn) -> dict[str, Any]:
        """Post a bulletin."""
        until = None if wanted.until is None else wanted.until.timestamp()
        return shown(await acts.post(who, wanted.title, wanted.text, wanted.teams, until))

    @routes.post("/bulletins/{number}/read", response_model=BulletinOut, responses=answers(404, 422, 503))
    async def read_bulletin(who: Who, number: Number, wanted: ReadIn) -> dict[str, Any]:
        """Give the receipt: this agent has read it."""
        return shown(await acts.read(who, number, wanted.agent))

    @routes.post("/bulletins/{number}/withdraw", response_model=BulletinOut, responses=answers(404, 409, 422, 503))
    async def withdraw_bulletin(who: Who, number: Number, wanted: WhyIn) -> dict[str, Any]:
        """Let nobody have to read it any more."""
        return shown(await acts.withdraw(who, number, wanted.reason))

    @routes.get("/notices", response_model=Page[NoticeOut], responses=answers(400, 422))
    async def list_notices(who: Who, asked: Annotated[NoticesAsked, Query()]) -> dict[str, Any]:
        """Incident notices of the last 90 days, newest first."""
        return cut(map(noticed, acts.notices(who, in_force=asked.in_force)), asked, "notice")

    @routes.post("/notices", status_code=201, response_model=NoticeOut, responses=answers(422, 503))
    async def post_notice(who: Who, wanted: NoticeIn) -> dict[str, Any]:
        """Post an incident notice; callers hear it at once, or from `since` on."""
        since = None if wanted.since is None else wanted.since.timestamp()
        until = None if wanted.until is None else wanted.until.timestamp()
        return noticed(await acts.post_notice(who, wanted.text, wanted.prompt, wanted.queues, since, until))

    @routes.post("/notices/{number}/end", response_model=NoticeOut, responses=answers(404, 409, 422, 503))
    async def end_notice(who: Who, number: Number, wanted: WhyIn) -> dict[str, Any]:
        """End a notice; no caller hears it from now on."""
        return noticed(await acts.end_notice(who, number, wanted.reason))

    @routes.get("/prompts", response_model=Page[PromptOut], responses=answers(400, 422))
    async def list_prompts(who: Who, asked: Annotated[Paging, Query()]) -> dict[str, Any]:
        """The operator's own prompts."""
        rows = ({"id": id_, "languages": each} for id_, each in acts.prompts(who).items())
        return cut(rows, asked, "prompt", newest_first=False)

    @routes.put(
        "/prompts/{prompt}",
        response_model=PromptKept,
        responses=answers(409, 413, 422, 503),
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"audio/wav": {"schema": {"type": "string", "format": "binary"}}},
            }
        },
    )
    async def put_prompt(
        who: Who,
        request: Request,
        prompt: Annotated[str, Path(max_length=60, description="own- and letters, digits and -")],
        language: Annotated[Literal["zh", "en"], Query()] = "zh",
    ) -> dict[str, Any]:
        """Upload an own prompt: a mono WAV of 16 bits at 8 or 16 kHz, up to 1 MB."""
        seconds = await acts.upload(who, prompt, language, await request.body())
        return {"id": prompt, "language": language, "seconds": seconds}

    return routes
