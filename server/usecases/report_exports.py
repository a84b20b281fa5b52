"""Reports as rows for exports: a row for each interval, queue, category, team, agent and department, and the total."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from server import bounds
from server.storage.figures.catalogue import FIGURES, Terms
from server.storage.sheets import Row
from server.usecases.exports import Kind
from server.usecases.principal import Principal
from server.usecases.reports import ReportActs

PARTS = (
    *(("interval", "intervals"), ("queue", "queues"), ("category", "categories"), ("team", "teams")),
    *(("agent", "agents"), ("department", "departments"), ("dispatcher", "dispatchers")),
    ("answer", "answers"),
)
COLUMNS = ("part", "name", "from", "to", *(figure.id for figure in FIGURES))


def report_kinds(reports: ReportActs) -> dict[str, Kind]:
    """The reports that can be exported, by name. A part without a figure leaves its cell empty."""

    def day(who: Principal, filters: Mapping[str, str], page: int) -> AsyncIterator[Sequence[Row]]:
        return _rows(reports, "day", who, filters)

    def week(who: Principal, filters: Mapping[str, str], page: int) -> AsyncIterator[Sequence[Row]]:
        return _rows(reports, "week", who, filters)

    def month(who: Principal, filters: Mapping[str, str], page: int) -> AsyncIterator[Sequence[Row]]:
        return _rows(reports, "month", who, filters)

    return {
        "day-report": Kind(COLUMNS, ("day", "interval", "queue"), day),
        "week-report": Kind(COLUMNS, ("day", "queue"), week),
        "month-report": Kind(COLUMNS, ("day", "queue"), month),
    }


def plain_rows(report: Mapping[str, Any]) -> list[Row]:
    """A report as rows of `COLUMNS`."""
    rows = [
        dict.fromkeys(COLUMNS) | row | {"part": part, "name": row.get(part)}
        for part, name in PARTS
        for row in report[name]
    ]
    ends = {"from": report["from"], "to": report["to"]}
    rows.append(dict.fromkeys(COLUMNS) | report["total"] | ends | {"part": "total", "name": None})
    return [{name: row[name] for name in COLUMNS} for row in rows]


async def _rows(
    reports: ReportActs, span: str, who: Principal, filters: Mapping[str, str]
) -> AsyncIterator[Sequence[Row]]:
    day = bounds.day(filters["day"]) if "day" in filters else None
    queue = filters.get("queue")
    if span == "day":
        found = await reports.day(who, day, int(filters.get("interval", "1800")), queue, Terms())
    elif span == "week":
        found = await reports.week(who, day, queue, Terms())
    else:
        found = await reports.month(who, day, queue, Terms())
    yield plain_rows(found)
