"""Reports over HTTP: the records in figures."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from server.usecases.callbacks import CallbackActs
from server.web.api.shapes import Who, router
from server.web.problems import answers

Interval = Annotated[int, Query(ge=60, le=86_400, description="Seconds; must divide a day.")]


class Figures(BaseModel):
    """Of one queue, or of all. Waits are seconds from the original call; `open` promises are not settled."""

    model_config = ConfigDict(extra="allow")

    queue: str
    offered: int
    accepted: int
    promised: int
    connected: int
    kept: int
    broken: int
    expired: int
    cancelled: int
    open: int
    unconfirmed: int
    attempts: int
    abandoned_by_us: int
    outcomes: dict[str, int] = Field(description="Attempts by outcome.")
    wait: dict[str, float] | None


class CallbackReport(BaseModel):
    """One day. Intervals sum to it."""

    day: str
    zone: str
    interval: int
    belongs: str = Field(description="To which interval a promise belongs.")
    intervals: list[Figures]
    queues: list[Figures]
    total: Figures


def report_routes(acts: CallbackActs) -> APIRouter:
    """The routes of reports."""
    routes = router("reports")

    @routes.get("/reports/callback", response_model=CallbackReport, responses=answers(400, 422))
    async def callback_report(
        who: Who, day: date | None = None, interval: Interval = 1800, queue: str | None = None
    ) -> dict[str, Any]:
        """Callback mode in one day of the hotline's zone (today if left out), by interval and queue."""
        return await acts.report(who, day, interval, queue or None)

    return routes
