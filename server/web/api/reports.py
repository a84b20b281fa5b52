"""Reports over HTTP: the records in figures."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from server.storage.figures.catalogue import Terms
from server.storage.queries.figure_rows import CellAsked
from server.usecases.callbacks import CallbackActs
from server.usecases.reports import ReportActs
from server.web.api.calls import Call
from server.web.api.shapes import Day, Instant, Limit, Who, router
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


class FigureOut(BaseModel):
    """One figure: its names and its formula."""

    id: str
    zh: str
    en: str
    unit: str = Field(description="count, share (0 to 1), seconds, or points.")
    of: str = Field(description="calls, legs, agents, tickets, sorting, answers or house: in which lists it is given.")
    formula: str
    named: str = Field(description="What must be said with it.")


Value = int | float | None
Row = dict[str, Value | str]


class TermsOut(BaseModel):
    """What the reader chose: T of the service level, N of repeats; `short` is the limit of a short abandon."""

    within: int
    days: int
    short: float


class FiguresReport(BaseModel):
    """A period in figures, by their ids. Intervals, queues and categories sum to the total; `wholes` have the sums of
    categories that others are under."""

    model_config = ConfigDict(extra="allow")

    from_: str = Field(alias="from")
    to: str
    zone: str
    interval: int
    queue: str
    terms: TermsOut
    belongs: str = Field(description="To which interval and queue a call belongs.")
    figures: list[FigureOut]
    intervals: list[Row]
    queues: list[Row]
    categories: list[Row]
    wholes: list[Row] = Field(description="Each category that has parts, with what its parts have.")
    agents: list[Row]
    teams: list[Row]
    departments: list[Row]
    dispatchers: list[Row] = Field(description="Who dispatched tickets, and how many of their dispatches were wrong.")
    answers: list[Row] = Field(description="What customers answered in follow-up calls, as QUESTION: ANSWER.")
    total: dict[str, Value]


class HourlySheet(BaseModel):
    """Each team in each hour, and the whole in each hour."""

    day: str
    days: int
    interval: int
    zone: str
    terms: TermsOut
    figures: list[FigureOut]
    teams: list[Row]
    intervals: list[Row]


class ComplaintStatistics(BaseModel):
    """A month's complaints. `before` is the month before."""

    month: str
    zone: str
    figures: list[FigureOut]
    total: dict[str, Value]
    before: int
    days: list[Row]
    categories: list[Row]
    wholes: list[Row] = Field(description="Each category that has parts, with what its parts have.")
    departments: list[Row]


class CellRow(BaseModel):
    """One row that a cell counts; an offer is one of a callback, an attempt one to keep a promise, a sound one that
    went one way: `state` is the side from which none came, `id` its call."""

    kind: Literal[
        "call", "ticket", "round", "dispatch", "recording", "promise", "score", "time", "offer", "attempt", "sound"
    ]
    id: int | None = Field(description="Of the call, ticket, recording, promise or score; null for times and offers.")
    at: str | None
    until: str | None = Field(description="Of an agent's time; null while it goes on.")
    agent: str | None
    state: str | None
    call: Call | None = Field(description="The call that it is about.")


class CellOut(BaseModel):
    """What one cell of a report is made of. `unseen` rows are beyond the role's calls; not `whole`: there are more."""

    figure: str
    value: int | float | None
    count: int
    unseen: int
    whole: bool
    items: list[CellRow]


class MailOut(BaseModel):
    """One mail. `try_at` is when it is tried next, `error` why it was not taken."""

    id: str
    recipients: str
    subject: str
    made_at: str
    tries: int
    error: str | None
    try_at: str | None
    sent_at: str | None


class Mails(BaseModel):
    """Mails, newest first."""

    items: list[MailOut]
    next: str | None = None


def terms(
    within: Annotated[int, Query(ge=1, le=3600, description="T of the service level, in seconds.")] = 20,
    days: Annotated[int, Query(ge=1, le=31, description="N of repeats, in days.")] = 7,
) -> Terms:
    """What the reader of a report can choose."""
    return Terms(within, days)


Chosen = Annotated[Terms, Depends(terms)]


def report_routes(acts: CallbackActs, reports: ReportActs) -> APIRouter:
    """The routes of reports."""
    routes = router("reports")

    @routes.get("/reports/callback", response_model=CallbackReport, responses=answers(400, 422))
    async def callback_report(
        who: Who, day: Day | None = None, interval: Interval = 1800, queue: str | None = None
    ) -> dict[str, Any]:
        """Callback mode in one day of the hotline's zone (today if left out), by interval and queue."""
        return await acts.report(who, day, interval, queue or None)

    @routes.get("/reports/day", response_model=FiguresReport, responses=answers(400, 422))
    async def day_report(
        who: Who, chosen: Chosen, day: Day | None = None, interval: Interval = 1800, queue: str | None = None
    ) -> dict[str, Any]:
        """One day of the hotline's zone (today if left out) in figures."""
        return await reports.day(who, day, interval, queue or None, chosen)

    @routes.get("/reports/week", response_model=FiguresReport, responses=answers(400, 422))
    async def week_report(who: Who, chosen: Chosen, day: Day | None = None, queue: str | None = None) -> dict[str, Any]:
        """The week, Monday to Sunday, in which the day lies, by days."""
        return await reports.week(who, day, queue or None, chosen)

    @routes.get("/reports/month", response_model=FiguresReport, responses=answers(400, 422))
    async def month_report(
        who: Who, chosen: Chosen, day: Day | None = None, queue: str | None = None
    ) -> dict[str, Any]:
        """The month in which the day lies, by days."""
        return await reports.month(who, day, queue or None, chosen)

    @routes.get("/reports/range", response_model=FiguresReport, responses=answers(400, 422))
    async def range_report(who: Who, chosen: Chosen, first: Day, last: Day, queue: str | None = None) -> dict[str, Any]:
        """From the first day to the last, both in it, by days; a year at most."""
        return await reports.range(who, first, last, queue or None, chosen)

    @routes.get("/reports/shift", response_model=FiguresReport, responses=answers(400, 422))
    async def shift_report(
        who: Who, chosen: Chosen, since: Instant, until: Instant, interval: Interval = 3600
    ) -> dict[str, Any]:
        """One shift, from a quarter of an hour to another one."""
        return await reports.shift(who, since, until, interval, chosen)

    @routes.get("/reports/hourly", response_model=HourlySheet, responses=answers(400, 422))
    async def hourly_sheet(who: Who, chosen: Chosen, day: Day | None = None) -> dict[str, Any]:
        """Each team in each hour of the day (today if left out)."""
        return await reports.hourly(who, day, chosen)

    @routes.get("/reports/complaints", response_model=ComplaintStatistics, responses=answers(400, 422))
    async def complaint_statistics(who: Who, chosen: Chosen, day: Day | None = None) -> dict[str, Any]:
        """The complaints of the month in which the day lies, by category and department, beside the month before."""
        return await reports.complaints(who, day, chosen)

    @routes.get("/reports/cell", response_model=CellOut, responses=answers(400, 422))
    async def cell(
        who: Who,
        chosen: Chosen,
        figure: Annotated[str, Query(max_length=60, description="Its id; `promise.kept` of callback mode.")],
        since: Instant,
        until: Instant,
        of: Annotated[
            Literal[
                "total", "interval", "queue", "category", "whole", "agent", "team", "department", "dispatcher", "answer"
            ],
            Query(description="The list in which the cell stands."),
        ] = "total",
        name: Annotated[str, Query(max_length=120, description="The row's queue, category, agent and so on.")] = "",
        queue: Annotated[str | None, Query(max_length=120, description="Of a report of one queue.")] = None,
    ) -> dict[str, Any]:
        """The rows that make one cell of a report, each with its call."""
        return await reports.cell(who, CellAsked(figure, of, name, since, until, queue or None), chosen)

    @routes.get("/reports/mails", response_model=Mails, responses=answers(400, 422))
    async def mails(who: Who, limit: Annotated[Limit, Query()] = 30, cursor: str | None = None) -> dict[str, Any]:
        """The mails, with reports of 24 hours and about tickets, newest first: sent, or waiting and why."""
        return await reports.mails(who, limit, cursor or None)

    return routes
