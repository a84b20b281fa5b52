"""Reports over HTTP: the records in figures."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any, Protocol
from zoneinfo import ZoneInfo

from fastapi import FastAPI, Query
from pydantic import BaseModel, ConfigDict, Field

from server.hotline.definitions import Definitions
from server.web.problems import Problem, answers

Interval = Annotated[int, Query(ge=60, le=86_400, description="Seconds; must divide a day.")]


class Records(Protocol):
    """What is read."""

    async def callback_report(self, day: date, zone: ZoneInfo, interval: int, queue: str | None) -> dict[str, Any]: ...


class House(Protocol):
    """What these routes stand on."""

    @property
    def definitions(self) -> Definitions: ...
    @property
    def records(self) -> Records: ...


class Figures(BaseModel):
    """Of one queue, or of all. Waits are seconds from the original call; `open` promises are still to be kept."""

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
    outcomes: dict[str, int] = Field(description="Attempts by how they ended.")
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


def add_reports(api: FastAPI, house: House, guarded: dict[str, Any]) -> None:
    """Add the routes; `guarded` is what every one of them asks of the request."""

    @api.get(
        "/api/v1/reports/callback",
        response_model=CallbackReport,
        responses=answers(400, 401, 422),
        tags=["reports"],
        **guarded,
    )
    async def callback_report(
        day: date | None = None, interval: Interval = 1800, queue: str | None = None
    ) -> dict[str, Any]:
        """Callback mode in one day of the hotline's zone, by interval and queue."""
        zone = house.definitions.calendar.zone
        wanted = day or datetime.now(UTC).astimezone(zone).date()
        try:
            return await house.records.callback_report(wanted, zone, interval, queue or None)
        except ValueError as error:
            raise Problem(400, "Wrong question", str(error)) from None
