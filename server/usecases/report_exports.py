"""Reports as rows for exports: a row for each interval, queue, category, team, agent and department, and the total.

A category that has parts has a row besides, `whole`, with the sum of itself and of them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from server import bounds
from server.storage.figures.catalogue import FIGURES, Terms
from server.storage.sheets import Row
from server.usecases.errors import Invalid
from server.usecases.exports import Kind
from server.usecases.principal import Principal
from server.usecases.reports import ReportActs

PARTS = (
    *(("interval", "intervals"), ("queue", "queues"), ("category", "categories")),
    *(("whole", "wholes"), ("team", "teams"), ("agent", "agents"), ("department", "departments")),
    *(("dispatcher", "dispatchers"), ("answer", "answers")),
)
COLUMNS = ("part", "name", "from", "to", *(figure.id for figure in FIGURES))
OF_COMPLAINTS = (
    *("tickets_due", "tickets_in_time", "tickets_dispatched", "wrong_dispatches", "tickets_settled", "first_desk_rate"),
)
TERMS = ("within", "days")
"""Filters that say with which T and N the figures are made."""
Ask = Callable[[Principal, Mapping[str, str]], Awaitable[Sequence[Row]]]


def report_kinds(reports: ReportActs) -> dict[str, Kind]:
    """The reports that can be exported, by name. A part without a figure leaves its cell empty."""

    async def day(who: Principal, asked: Mapping[str, str]) -> Sequence[Row]:
        interval = int(asked.get("interval", "1800"))
        return plain_rows(await reports.day(who, _day(asked), interval, asked.get("queue"), _terms(asked)))

    async def week(who: Principal, asked: Mapping[str, str]) -> Sequence[Row]:
        return plain_rows(await reports.week(who, _day(asked), asked.get("queue"), _terms(asked)))

    async def month(who: Principal, asked: Mapping[str, str]) -> Sequence[Row]:
        return plain_rows(await reports.month(who, _day(asked), asked.get("queue"), _terms(asked)))

    async def range_(who: Principal, asked: Mapping[str, str]) -> Sequence[Row]:
        first, last = (bounds.day(_given(asked, name)) for name in ("first", "last"))
        return plain_rows(await reports.range(who, first, last, asked.get("queue"), _terms(asked)))

    async def shift(who: Principal, asked: Mapping[str, str]) -> Sequence[Row]:
        since, until = (datetime.fromisoformat(_given(asked, name)) for name in ("since", "until"))
        return plain_rows(await reports.shift(who, since, until, int(asked.get("interval", "3600")), _terms(asked)))

    async def hourly(who: Principal, asked: Mapping[str, str]) -> Sequence[Row]:
        found = await reports.hourly(who, _day(asked), _terms(asked))
        return [_row(COLUMNS, row, part, row.get(part)) for part, name in PARTS for row in found.get(name, ())]

    async def complaints(who: Principal, asked: Mapping[str, str]) -> Sequence[Row]:
        return complaint_rows(await reports.complaints(who, _day(asked), _terms(asked)))

    of_day = ("day", *TERMS)
    return {
        "day-report": _kind(COLUMNS, (*of_day, "interval", "queue"), day),
        "week-report": _kind(COLUMNS, (*of_day, "queue"), week),
        "month-report": _kind(COLUMNS, (*of_day, "queue"), month),
        "range-report": _kind(COLUMNS, ("first", "last", *TERMS, "queue"), range_),
        "shift-report": _kind(COLUMNS, ("since", "until", *TERMS, "interval"), shift),
        "hourly-sheet": _kind(COLUMNS, of_day, hourly),
        "complaint-statistics": _kind(
            ("part", "name", "complaints", "before", "share", *OF_COMPLAINTS), of_day, complaints
        ),
    }


def plain_rows(report: Mapping[str, Any]) -> list[Row]:
    """A report as rows of `COLUMNS`."""
    rows = [_row(COLUMNS, row, part, row.get(part)) for part, name in PARTS for row in report[name]]
    ends = {"from": report["from"], "to": report["to"]}
    return [*rows, _row(COLUMNS, report["total"] | ends, "total", None)]


def complaint_rows(report: Mapping[str, Any]) -> list[Row]:
    """The complaint statistics of a month as rows: by day, category and department, and the total."""
    columns = ("part", "name", "complaints", "before", "share", *OF_COMPLAINTS)
    rows = [
        _row(columns, row, part, row.get(part))
        for part, name in (("day", "days"), *PARTS)
        for row in report.get(name, ())
    ]
    whole = report["total"] | {"complaints": report["total"]["complaints_opened"], "before": report["before"]}
    return [*rows, _row(columns, whole, "total", report["month"])]


def _row(columns: Sequence[str], values: Mapping[str, Any], part: str, name: Any) -> Row:
    return {column: values.get(column) for column in columns} | {"part": part, "name": name}


def _kind(columns: Sequence[str], filters: Sequence[str], ask: Ask) -> Kind:
    async def rows(who: Principal, asked: Mapping[str, str]) -> AsyncIterator[Sequence[Row]]:
        yield await ask(who, asked)

    return Kind(columns, filters, lambda who, asked, page: rows(who, asked))


def _day(asked: Mapping[str, str]) -> Any:
    return bounds.day(asked["day"]) if "day" in asked else None


def _terms(asked: Mapping[str, str]) -> Terms:
    usual = Terms()
    return Terms(int(asked.get("within", usual.within)), int(asked.get("days", usual.days)))


def _given(asked: Mapping[str, str], name: str) -> str:
    if name not in asked:
        raise Invalid("filter", f"this report needs {name}")
    return asked[name]
