"""Prompts and their sounds over HTTP: listed, heard, uploaded, rendered, undone."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field

from server.hotline.prompt_sounds import Sound
from server.usecases.prompts import PromptActs
from server.web.api.shapes import Body, Page, Reason, Who, instant, router
from server.web.problems import answers

PromptName = Annotated[str, Path(max_length=60, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
Language = Literal["zh", "en"]
Spoken = Annotated[str, Field(max_length=1000)]


class HeardOut(BaseModel):
    """A prompt in one language. `source`: whose sound callers hear; `level` is dBFS; `version` is of the operator's."""

    text: str
    source: Literal["own", "product", "none"]
    seconds: float | None
    level: float | None
    version: int | None


class UseOut(BaseModel):
    """A node that says it."""

    flow: str
    node: str


class PromptRow(BaseModel):
    """One prompt. `own`: the operator's, with a name that begins with own-. `piece`: of numbers and times."""

    id: str
    own: bool
    piece: bool
    about: str
    used: list[UseOut]
    languages: dict[str, HeardOut]


class SoundOut(BaseModel):
    """One version of the operator's sound. `how` is uploaded, recorded, rendered, undone or removed."""

    version: int
    at: str
    by: str
    how: str
    seconds: float
    rate: int
    level: float
    peak: float
    sha256: str
    converted: bool
    reason: str
    warnings: list[str]


class RenderIn(Body):
    """What the voice is to say."""

    text: Annotated[str, Field(min_length=1, max_length=1000)]
    reason: Reason = ""


class BackIn(Body):
    """The version to return to; 0 is the product's own, left out the one before."""

    to: int | None = Field(None, ge=0, le=1_000_000)
    reason: Reason = ""


def prompt_routes(acts: PromptActs) -> APIRouter:
    """The routes of prompts' sounds."""
    routes = router("prompts")
    wav = {"audio/wav": {"schema": {"type": "string", "format": "binary"}}}

    @routes.get("/prompt-sounds", response_model=Page[PromptRow])
    async def list_sounds(who: Who) -> dict[str, Any]:
        """Every prompt with its texts, its sounds and where it is used."""
        return {"items": await acts.listed(who)}

    @routes.get("/prompt-sounds/{prompt}/{language}", response_class=FileResponse, responses=answers(404, 422))
    async def hear(
        who: Who, prompt: PromptName, language: Language, version: Annotated[int | None, Query(ge=1)] = None
    ) -> FileResponse:
        """The sound that callers hear, or that of a version."""
        return FileResponse(await acts.hear(who, prompt, language, version), media_type="audio/wav")

    @routes.get(
        "/prompt-sounds/{prompt}/{language}/versions", response_model=Page[SoundOut], responses=answers(404, 422)
    )
    async def list_sound_versions(who: Who, prompt: PromptName, language: Language) -> dict[str, Any]:
        """Every version of the operator's sound, newest first."""
        return {"items": [_shown(each) for each in await acts.versions(who, prompt, language)]}

    @routes.post(
        "/prompt-sounds/{prompt}/{language}/import",
        response_model=SoundOut,
        responses=answers(404, 409, 413, 422, 503),
        openapi_extra={"requestBody": {"required": True, "content": wav}},
    )
    async def import_sound(
        who: Who,
        request: Request,
        prompt: PromptName,
        language: Language,
        how: Annotated[Literal["uploaded", "recorded"], Query()] = "uploaded",
        text: Annotated[Spoken | None, Query(description="What it says, where that is new.")] = None,
        reason: Annotated[Reason, Query()] = "",
    ) -> dict[str, Any]:
        """Upload a WAV, up to 20 MB; one that is not mono of 16 bits at 8 or 16 kHz is converted."""
        return _shown(await acts.put(who, prompt, language, await request.body(), how=how, text=text, reason=reason))

    @routes.post(
        "/prompt-sounds/{prompt}/{language}/render", response_model=SoundOut, responses=answers(404, 409, 422, 503)
    )
    async def render(who: Who, prompt: PromptName, language: Language, wanted: RenderIn) -> dict[str, Any]:
        """Let the product's voice say a text; it takes some seconds."""
        return _shown(await acts.render(who, prompt, language, wanted.text, wanted.reason))

    @routes.post(
        "/prompt-sounds/{prompt}/{language}/undo", response_model=SoundOut, responses=answers(404, 409, 422, 503)
    )
    async def undo_sound(who: Who, prompt: PromptName, language: Language, wanted: BackIn) -> dict[str, Any]:
        """Let callers hear a former version again."""
        return _shown(await acts.undo(who, prompt, language, wanted.to, wanted.reason))

    return routes


def _shown(sound: Sound) -> dict[str, Any]:
    return asdict(sound) | {"at": instant(sound.at), "warnings": list(sound.warnings)}
