"""Reading reports: the records in figures. A day is one of the hotline's zone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from server.storage.figures.catalogue import Terms
from server.storage.mail_outbox import MailOutbox
from server.storage.queries.figure_rows import CellAsked, rows_of
from server.storage.queries.figures_report import (
    Period,
    between,
    complaints,
    days,
    hourly,
    month_of,
    range_of,
    report,
    week_of,
)
from server.storage.queries.paging import QueryError
from server.usecases.permissions import Act
from server.usecases.principal import Principal
from server.usecases.records import masks
from server.usecases.server import Acts

HOUR = 3600
LONGEST = timedelta(days=367)


class ReportActs(Acts):
    """Every act raises Forbidden, and QueryError for a period that cannot be."""

    async def day(
        self, who: Principal, day: date | None, interval: int, queue: str | None, terms: Terms | None
    ) -> dict[str, Any]:
        """One day (today if None) by intervals of so many seconds."""
        zone = self._zone(who)
        return await self._report(lambda: days(day or self._today(zone), zone, interval=interval), queue, terms)

    async def week(self, who: Principal, day: date | None, queue: str | None, terms: Terms | None) -> dict[str, Any]:
        """The week, Monday to Sunday, in which this day lies, by days."""
        zone = self._zone(who)
        return await self._report(lambda: week_of(day or self._today(zone), zone), queue, terms)

    async def month(self, who: Principal, day: date | None, queue: str | None, terms: Terms | None) -> dict[str, Any]:
        """The month in which this day lies, by days."""
        zone = self._zone(who)
        return await self._report(lambda: month_of(day or self._today(zone), zone), queue, terms)

    async def range(
        self, who: Principal, first: date, last: date, queue: str | None, terms: Terms | None
    ) -> dict[str, Any]:
        """From the first day to the last, both in it, by days."""
        zone = self._zone(who)
        return await self._report(lambda: range_of(first, last, zone), queue, terms)

    async def shift(
        self, who: Principal, since: datetime, until: datetime, interval: int, terms: Terms | None
    ) -> dict[str, Any]:
        """From a quarter of an hour to another one."""
        zone = self._zone(who)
        return await self._report(lambda: between(since, until, zone, interval=interval), None, terms)

    async def hourly(self, who: Principal, day: date | None, terms: Terms | None) -> dict[str, Any]:
        """Each team in each hour of the day."""
        zone = self._zone(who)
        period = days(day or self._today(zone), zone, interval=HOUR)
        return await self._server.records.asked(hourly, period, now=self._now(), terms=terms)

    async def complaints(self, who: Principal, day: date | None, terms: Terms | None) -> dict[str, Any]:
        """The complaint statistics of the month in which this day lies."""
        zone = self._zone(who)
        return await self._server.records.asked(
            complaints, day or self._today(zone), zone, now=self._now(), terms=terms, wholes=self._wholes()
        )

    async def cell(self, who: Principal, asked: CellAsked, terms: Terms) -> dict[str, Any]:
        """The rows behind one cell of a report, each with its call; those beyond the role's calls are counted alone."""
        self.permissions.require(who, Act.READ_REPORTS)
        if not timedelta() < asked.until - asked.since <= LONGEST:
            raise QueryError(f"a cell ends after it began, and spans {LONGEST.days} days at most")
        agents = self.permissions.agents(who, Act.READ_CALLS)
        mask = masks(who, Act.READ_CALLS)
        found = await self._server.records.asked(
            rows_of, asked, now=self._now(), terms=terms, mask=mask, agents=agents, wholes=self._wholes()
        )
        named = self._server.definitions.numbers.named
        return found | {"items": [row | {"call": row["call"] and named(row["call"])} for row in found["items"]]}

    async def mails(self, who: Principal, limit: int, cursor: str | None = None) -> dict[str, Any]:
        """A page of the mails, with reports of 24 hours and about tickets, newest first: sent, or waiting and why."""
        self.permissions.require(who, Act.READ_REPORTS)
        return await self._server.records.asked(lambda engine: MailOutbox(engine).page(limit, cursor))

    async def _report(self, period: Callable[[], Period], queue: str | None, terms: Terms | None) -> dict[str, Any]:
        return await self._server.records.asked(
            report, period(), now=self._now(), queue=queue, terms=terms, wholes=self._wholes()
        )

    def _wholes(self) -> dict[str, tuple[str, ...]]:
        return self._server.definitions.categories.wholes()

    def _zone(self, who: Principal) -> ZoneInfo:
        self.permissions.require(who, Act.READ_REPORTS)
        return self._server.definitions.calendar.zone

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)

    def _today(self, zone: ZoneInfo) -> date:
        return self._now().astimezone(zone).date()
