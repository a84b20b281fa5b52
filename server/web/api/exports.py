"""Exports over HTTP: asked for by one, approved by another, fetched as a file."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field

from server.hotline import exports as hotline
from server.hotline.exports import ExportState
from server.usecases.exports import ExportActs
from server.web.api.shapes import Body, Number, Page, Paging, Reason, Who, Why, Word, cut, instant, router
from server.web.problems import answers

MEDIA = {"csv": "text/csv; charset=utf-8", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}


class ExportIn(Body):
    """A list or report as a file, and why it is wanted."""

    kind: Word = Field(description="calls, tickets, recordings, callbacks, callback-report …")
    format: Literal["csv", "xlsx"] = "csv"
    filters: dict[Word, Word] = Field(default_factory=dict, max_length=20, description="As the list has them.")
    reason: Why


class DecisionIn(Body):
    """Why it is approved."""

    reason: Reason = ""


class RefusalIn(Body):
    """Why it is refused."""

    reason: Why


class Export(BaseModel):
    """An export. `until`: it waits, or can be fetched, up to then."""

    id: int
    kind: str
    format: str
    filters: dict[str, str]
    state: ExportState
    asked_by: str
    asked_at: str
    reason: str
    decided_by: str | None
    decided_at: str | None
    why: str | None
    until: Annotated[str | None, Field()]


def export_routes(acts: ExportActs) -> APIRouter:
    """The routes of exports."""
    routes = router("exports")

    def shown(export: hotline.Export) -> dict[str, Any]:
        asked = export.asked
        return {
            "id": export.id,
            "kind": asked.kind,
            "format": asked.format,
            "filters": dict(asked.filters),
            "state": acts.state(export),
            "asked_by": asked.by,
            "asked_at": instant(export.asked_at),
            "reason": asked.reason,
            "decided_by": export.decided_by or None,
            "decided_at": instant(export.decided_at) if export.decided_at else None,
            "why": export.why or None,
            "until": None if export.until is None else instant(export.until),
        }

    @routes.get("/exports", response_model=Page[Export], responses=answers(400, 422))
    async def list_exports(who: Who, asked: Annotated[Paging, Query()]) -> dict[str, Any]:
        """The exports of the last 30 days, newest first: one's own, or all for who may approve."""
        return cut((shown(each) for each in acts.list(who)), asked, "export")

    @routes.post("/exports", status_code=201, response_model=Export, responses=answers(400, 422, 503))
    async def ask_export(who: Who, wanted: ExportIn) -> dict[str, Any]:
        """Ask for a file; it waits for another person unless the role may export outright."""
        return shown(await acts.ask(who, wanted.kind, wanted.format, wanted.filters, wanted.reason))

    @routes.get("/exports/{number}", response_model=Export, responses=answers(404, 422))
    async def show_export(who: Who, number: Number) -> dict[str, Any]:
        """One export."""
        return shown(acts.show(who, number))

    @routes.post("/exports/{number}/approve", response_model=Export, responses=answers(404, 409, 422, 503))
    async def approve_export(who: Who, number: Number, wanted: DecisionIn) -> dict[str, Any]:
        """Allow another's export: it can be fetched for a day."""
        return shown(await acts.approve(who, number, wanted.reason))

    @routes.post("/exports/{number}/refuse", response_model=Export, responses=answers(404, 409, 422, 503))
    async def refuse_export(who: Who, number: Number, wanted: RefusalIn) -> dict[str, Any]:
        """Refuse an export."""
        return shown(await acts.refuse(who, number, wanted.reason))

    @routes.get("/exports/{number}/file", response_class=FileResponse, responses=answers(404, 409, 422, 503))
    async def fetch_export(who: Who, number: Number) -> FileResponse:
        """The file, for its asker. The first time it is made meanwhile."""
        file = await acts.fetch(who, number)
        name = f"sansheng-{acts.show(who, number).asked.kind}-{number}{file.suffix}"
        return FileResponse(file, media_type=MEDIA[file.suffix[1:]], filename=name)

    return routes
