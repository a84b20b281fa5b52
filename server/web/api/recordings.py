"""Recordings over HTTP: their data, their sound, and what keeps them whole."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Path, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from recordings.alarms import Alarm
from server.storage.sound import Sound
from server.usecases.recording_care import RecordingCareActs
from server.usecases.recordings import RecordingActs
from server.web.api.shapes import Asked, Body, Number, Page, Paging, Reason, Who, Why, cut, instant, router
from server.web.problems import answers, problem
from server.web.ranges import Span, Unsatisfiable, heads, matches, wanted

ENDINGS = {"audio/wav": "wav", "audio/webm": "webm"}
Purpose = Annotated[
    str,
    Query(
        max_length=200, description="Why: review, coaching, quality, complaint, dispute, legal, subject, operations."
    ),
]
PurposeHeader = Annotated[str, Header(alias="Sansheng-Purpose", max_length=200, description="As `purpose`.")]


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


class Mark(BaseModel):
    """A place on the time line, in seconds: talk_over, silence or pause. `until` is null for a pause without an end."""

    kind: str
    at: float
    until: float | None


class Peaks(BaseModel):
    """What a recording looks like: peaks from 0 to 127 for either side, levels in dBFS, the share of silence."""

    seconds: float
    per_second: int
    peaks: dict[Literal["caller", "agent"], list[int]]
    level: dict[Literal["caller", "agent"], float]
    silence: dict[Literal["caller", "agent"], float]
    marks: list[Mark]


class AlarmOut(BaseModel):
    """What is wrong with a recording (missing, suspicious, removed, changed, added), and since when it is known."""

    id: int
    what: str
    sentence: str
    since: str


class Alarms(BaseModel):
    """What nobody has settled."""

    items: list[AlarmOut]
    next: str | None = None


class ChainEnd(BaseModel):
    """The end of one day's chain; `last` is worth keeping elsewhere."""

    day: date
    recordings: int
    deleted: int
    last: str


class WhyIn(Body):
    """Why; it is kept with the act."""

    reason: Why


class PauseIn(Body):
    """Why nothing is to be recorded for a while."""

    reason: Reason = ""


class PausedOut(BaseModel):
    """Whether the call's conversation is paused; `until` is when recording goes on by itself."""

    call: int
    paused: bool
    until: str | None = None


def recording_routes(acts: RecordingActs, care: RecordingCareActs) -> APIRouter:
    """The routes of recordings."""
    routes = router("recordings")

    @routes.get("/recordings", response_model=Page[Recording], responses=answers(400, 422))
    async def list_recordings(who: Who, asked: Annotated[RecordingsAsked, Query()]) -> dict[str, Any]:
        """Closed recordings, newest first."""
        return await acts.page(who, asked.filters(), asked.limit, asked.cursor or None)

    @routes.get("/recordings/alarms", response_model=Alarms, responses=answers(400, 422))
    async def list_alarms(who: Who, asked: Annotated[Paging, Query()]) -> dict[str, Any]:
        """What is wrong with recordings and not settled, by recording."""
        return cut((_alarm(each) for each in care.alarms(who)), asked, "alarm", newest_first=False)

    @routes.get("/recordings/chains/{day}", response_model=ChainEnd, responses=answers(422))
    async def show_chain(who: Who, day: Annotated[date, Path(ge=date(2000, 1, 1), lt=date(2100, 1, 1))]) -> Any:
        """The end of the chain of one day of the hotline, YYYY-MM-DD."""
        return await care.chain(who, day)

    @routes.get("/recordings/{number}", response_model=RecordingDetail, responses=answers(404, 422))
    async def show_recording(who: Who, number: Number) -> dict[str, Any]:
        """One recording in any state, with its levels, its faults and its history."""
        return await acts.show(who, number)

    @routes.get(
        "/recordings/{number}/audio",
        response_class=Response,
        responses={
            200: {"content": {"audio/wav": {}, "audio/webm": {}}, "description": "The whole sound"},
            206: {"content": {"audio/wav": {}, "audio/webm": {}}, "description": "The range that was asked for"},
            304: {"description": "The client has it"},
            **answers(404, 409, 416, 422, 503),
        },
    )
    async def recording_audio(
        who: Who,
        number: Number,
        form: Annotated[
            Literal["wav", "opus"], Query(alias="format", description="Original, or Opus in WebM.")
        ] = "wav",
        purpose: Purpose = "",
        purpose_header: PurposeHeader = "",
        range_header: Annotated[str, Header(alias="Range")] = "",
        if_range: Annotated[str, Header(alias="If-Range")] = "",
        if_none_match: Annotated[str, Header(alias="If-None-Match")] = "",
    ) -> Response:
        """The sound: caller left, agent right. Its hash is checked first, and the listening is in the audit."""
        sound = await acts.listen(who, number, purpose or purpose_header, opus=form == "opus")
        return _sent(sound, number, range_header, if_range, if_none_match)

    @routes.get("/recordings/{number}/peaks", response_model=Peaks, responses=answers(404, 409, 422, 503))
    async def recording_peaks(
        who: Who, number: Number, purpose: Purpose = "", purpose_header: PurposeHeader = ""
    ) -> dict[str, Any]:
        """Peaks for the eye, and the marks on the time line."""
        return await acts.shape(who, number, purpose or purpose_header)

    @routes.post("/recordings/{number}/check", response_model=RecordingDetail, responses=answers(404, 409, 422, 503))
    async def check_recording(who: Who, number: Number) -> dict[str, Any]:
        """Hash the file now; 409 when it is not what was recorded, which is an alarm from then on."""
        return await acts.check(who, number)

    @routes.post("/recordings/{number}/settle", status_code=204, responses=answers(404, 422, 503))
    async def settle_alarm(who: Who, number: Annotated[int, Path(ge=0, le=2**53)], wanted: WhyIn) -> None:
        """Somebody looked into the alarm about this recording; 0: files that are no recording's."""
        await care.settle(who, number, wanted.reason)

    @routes.post("/recordings/{number}/hold", status_code=204, responses=answers(404, 409, 422, 503))
    async def hold_recording(who: Who, number: Number, wanted: WhyIn) -> None:
        """A legal hold: it is not deleted until it is released."""
        await care.hold(who, number, wanted.reason)

    @routes.post("/recordings/{number}/release", status_code=204, responses=answers(404, 409, 422, 503))
    async def release_recording(who: Who, number: Number, wanted: WhyIn) -> None:
        """The legal hold is over."""
        await care.release(who, number, wanted.reason)

    @routes.post("/calls/{number}/recording/pause", response_model=PausedOut, responses=answers(409, 422, 503))
    async def pause_recording(who: Who, number: Number, wanted: PauseIn | None = None) -> dict[str, Any]:
        """Record nothing of the conversation for a while; it goes on by itself."""
        until = await care.pause(who, number, wanted.reason if wanted else "")
        return {"call": number, "paused": True, "until": instant(until)}

    @routes.post("/calls/{number}/recording/resume", response_model=PausedOut, responses=answers(409, 422, 503))
    async def resume_recording(who: Who, number: Number) -> dict[str, Any]:
        """Record the conversation again."""
        await care.resume(who, number)
        return {"call": number, "paused": False}

    return routes


def _alarm(each: Alarm) -> dict[str, Any]:
    return {"id": each.recording, "what": each.what, "sentence": each.sentence, "since": instant(each.since)}


def _sent(sound: Sound, number: int, range_header: str, if_range: str, if_none_match: str) -> Response:
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": sound.etag,
        "Cache-Control": "private, no-store",
        "Content-Disposition": f'inline; filename="recording-{number}.{ENDINGS[sound.media_type]}"',
    }
    if if_none_match and matches(sound.etag, if_none_match):
        sound.file.close()
        return Response(status_code=304, headers=headers)
    try:
        spans = wanted(range_header, sound.size) if not if_range or if_range.strip() == sound.etag else []
    except Unsatisfiable:
        sound.file.close()
        sentence = f"the recording has {sound.size} bytes: ask for bytes=0-{sound.size - 1}"
        outside = {"Content-Range": f"bytes */{sound.size}"}
        return problem(416, "Range Not Satisfiable", sentence, headers=outside)
    if len(spans) > 1:
        return _in_parts(sound, spans, headers)
    start, length = (spans[0].start, spans[0].length) if spans else (0, sound.size)
    headers["Content-Length"] = str(length)
    if spans:
        headers["Content-Range"] = spans[0].content_range
    return StreamingResponse(
        sound.read(start, length),
        status_code=206 if spans else 200,
        media_type=sound.media_type,
        headers=headers,
    )


def _in_parts(sound: Sound, spans: Sequence[Span], headers: dict[str, str]) -> Response:
    """Several ranges: a body of parts, each with its own Content-Range."""
    boundary = secrets.token_hex(16)
    before, end = heads(spans, sound.media_type, boundary)
    length = sum(span.length for span in spans) + sum(map(len, before)) + len(end)
    parts = [(head, span.start, span.length) for head, span in zip(before, spans, strict=True)]
    kind = f"multipart/byteranges; boundary={boundary}"
    headers |= {"Content-Length": str(length), "Content-Type": kind}
    return StreamingResponse(sound.parts(parts, end), status_code=206, headers=headers)
