"""Webhooks over HTTP: subscriptions, their secrets, and what was given up."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from server.hotline.webhooks import TYPES
from server.usecases.webhooks import OVERLAP, Seen, WebhookActs
from server.web.api.shapes import Body, Limit, Line, Name, Number, Page, Paging, Reason, Who, Word, cut, instant, router
from server.web.problems import answers


class WebhookIn(Body):
    """A subscription. Telephone numbers are masked unless `whole_numbers`."""

    name: Name
    url: Annotated[str, Field(min_length=1, max_length=2000), Line]
    types: list[Word] = Field(min_length=1, max_length=50, description=f"{', '.join(TYPES)}, GROUP.* or *")
    whole_numbers: bool = False


class RotateIn(Body):
    """A new secret; the one before signs beside it for `overlap` seconds."""

    overlap: float = Field(OVERLAP, ge=0, le=30 * 86_400)


class ResendIn(Body):
    """One dead letter, or all."""

    id: Word = ""


class Webhook(BaseModel):
    """A subscription, without its secret. `waiting` and `dead` are messages that it has not received."""

    id: int
    name: str
    url: str
    types: list[str]
    whole_numbers: bool
    added_at: str
    added_by: str | None
    suspended: str | None = Field(description="Why nothing is sent; null: it is.")
    waiting: int
    dead: int
    problem: str | None


class WebhookMade(Webhook):
    """A subscription that was just added."""

    secret: str = Field(description="For checking signatures; no other answer shows it.")


class Removed(BaseModel):
    """The number of a subscription that is over."""

    id: int


class Secret(BaseModel):
    """A new secret; no other answer shows it."""

    secret: str


class DeadLetter(BaseModel):
    """A message that was given up."""

    id: str
    type: str
    at: str
    attempts: int
    problem: str
    data: dict[str, Any]


class Resent(BaseModel):
    """How many messages are sent again."""

    count: int


class EventOut(BaseModel):
    """A type of event. `json_schema` is of the whole body of its message."""

    type: str
    says: str
    json_schema: dict[str, Any] = Field(alias="schema")


class Events(BaseModel):
    """Every type of event."""

    items: list[EventOut]


class Pinged(BaseModel):
    """The webhook that is to get a ping."""

    id: int


def webhook_routes(acts: WebhookActs) -> APIRouter:
    """The routes of webhooks."""
    routes = router("webhooks")

    @routes.get("/webhooks", response_model=Page[Webhook], responses=answers(400, 422))
    async def list_webhooks(who: Who, asked: Annotated[Paging, Query()]) -> dict[str, Any]:
        """Every subscription."""
        return cut((_shown(each) for each in await acts.list(who)), asked, "webhook", newest_first=False)

    @routes.post("/webhooks", status_code=201, response_model=WebhookMade, responses=answers(422, 503))
    async def add_webhook(who: Who, wanted: WebhookIn) -> dict[str, Any]:
        """Subscribe. The answer is the only place where the secret is shown."""
        made, secret = await acts.add(who, wanted.name, wanted.url, wanted.types, whole_numbers=wanted.whole_numbers)
        return {**_shown(Seen(made)), "secret": secret}

    @routes.get("/webhooks/events", response_model=Events)
    async def list_events(who: Who) -> dict[str, Any]:
        """Every type of event with the JSON Schema of its message."""
        return {"items": acts.events(who)}

    @routes.post("/webhooks/{number}/ping", status_code=202, response_model=Pinged, responses=answers(404, 422, 503))
    async def ping_webhook(who: Who, number: Number) -> dict[str, Any]:
        """Send a message of the type webhook.ping, behind what waits already."""
        await acts.ping(who, number)
        return {"id": number}

    @routes.get("/webhooks/{number}", response_model=Webhook, responses=answers(404, 422))
    async def show_webhook(who: Who, number: Number) -> dict[str, Any]:
        """One subscription."""
        return _shown(await acts.show(who, number))

    @routes.delete("/webhooks/{number}", response_model=Removed, responses=answers(404, 422, 503))
    async def remove_webhook(who: Who, number: Number, reason: Annotated[Reason, Query()] = "") -> dict[str, Any]:
        """End the subscription; what was not sent yet is dropped."""
        await acts.remove(who, number, reason)
        return {"id": number}

    @routes.post("/webhooks/{number}/rotate", response_model=Secret, responses=answers(404, 422, 503))
    async def rotate_secret(who: Who, number: Number, wanted: RotateIn) -> dict[str, Any]:
        """Make a new secret. Messages carry signatures by both until the overlap is over."""
        return {"secret": await acts.rotate(who, number, wanted.overlap)}

    @routes.post("/webhooks/{number}/resume", response_model=Webhook, responses=answers(404, 422, 503))
    async def resume_webhook(who: Who, number: Number) -> dict[str, Any]:
        """Send on at once, after a suspension or while a message waits for its next attempt."""
        await acts.resume(who, number)
        return _shown(await acts.show(who, number))

    @routes.get("/webhooks/{number}/dead", response_model=Page[DeadLetter], responses=answers(400, 404, 422))
    async def list_dead_letters(
        who: Who, number: Number, limit: Limit = 100, cursor: str | None = None
    ) -> dict[str, Any]:
        """Messages that were given up, newest first."""
        return await acts.dead(who, number, limit, cursor or None)

    @routes.post("/webhooks/{number}/resend", response_model=Resent, responses=answers(400, 404, 422, 503))
    async def resend(who: Who, number: Number, wanted: ResendIn) -> dict[str, Any]:
        """Send one dead letter again, or all."""
        return {"count": await acts.resend(who, number, wanted.id)}

    return routes


def _shown(seen: Seen) -> dict[str, Any]:
    added = seen.webhook.added
    return {
        "id": added.webhook,
        "name": added.name,
        "url": added.url,
        "types": list(added.types),
        "whole_numbers": added.whole_numbers,
        "added_at": instant(seen.webhook.added_at),
        "added_by": added.by or None,
        "suspended": seen.webhook.suspended or None,
        "waiting": seen.waiting,
        "dead": seen.dead,
        "problem": seen.problem or None,
    }
