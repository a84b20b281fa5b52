"""Deletion on a person's request over HTTP."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from server.usecases.recording_deletion import RecordingDeletionActs
from server.web.api.shapes import Body, Line, Who, Why, router
from server.web.problems import answers


class PersonIn(Body):
    """Whose data, and why. Nothing is deleted while `dry_run` holds."""

    number: Annotated[str, Field(min_length=1, max_length=40), Line]
    reason: Why
    dry_run: bool = True


class Deleted(BaseModel):
    """Recordings by number, files of messages, and rows in which the number was erased, by table."""

    recordings: list[int]
    messages: int
    rows: dict[str, int]


class Stays(BaseModel):
    """What stays, and why."""

    what: str
    why: str


class PersonOut(BaseModel):
    """What was deleted, or would be (`done` is false)."""

    number: str
    done: bool
    deleted: Deleted
    stays: list[Stays]


def privacy_routes(acts: RecordingDeletionActs) -> APIRouter:
    """The routes of privacy."""
    routes = router("privacy")

    @routes.post("/privacy/delete", response_model=PersonOut, responses=answers(409, 422, 503))
    async def delete_person(who: Who, wanted: PersonIn) -> dict[str, Any]:
        """Delete what is kept of the person with this number, and say what stays and why."""
        return await acts.delete_person(who, wanted.number, wanted.reason, wanted.dry_run)

    return routes
