"""Recordings over HTTP: their data, not their sound."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from server.usecases.recordings import RecordingActs
from server.web.api.shapes import Asked, Number, Page, Who, router
from server.web.problems import answers


class RecordingsAsked(Asked):
    """Which recordings."""

    call: Annotated[int, Field(ge=1, le=2**53)] | None = None
    agent: str | None = None


class Recording(BaseModel):
    """A closed recording."""

    id: int
    call: int | None
    agent: str | None
    ticket: int | None
    seconds: float | None
    channels: int | None
    sha256: str | None


class RecordingDetail(Recording):
    """A recording in any state."""

    model_config = ConfigDict(extra="allow")

    state: str


def recording_routes(acts: RecordingActs) -> APIRouter:
    """The routes of recordings."""
    routes = router("recordings")

    @routes.get("/recordings", response_model=Page[Recording], responses=answers(400, 422))
    async def list_recordings(who: Who, asked: Annotated[RecordingsAsked, Query()]) -> dict[str, Any]:
        """Closed recordings, newest first."""
        return await acts.page(who, asked.filters(), asked.limit, asked.cursor or None)

    @routes.get("/recordings/{number}", response_model=RecordingDetail, responses=answers(404, 422))
    async def show_recording(who: Who, number: Number) -> dict[str, Any]:
        """One recording in any state, with its levels and its faults."""
        return await acts.show(who, number)

    return routes
