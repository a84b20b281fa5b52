"""Acts on the hotline's definitions."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from ivr.holidays import Holidays, chinese_holidays, with_own_years
from server.hotline.definition_files import HOLIDAYS
from server.hotline.dispatcher import NotLeading
from server.hotline.holidays import own_years, written
from server.usecases.audit import audited
from server.usecases.definition_trial import Change
from server.usecases.definition_versions import VersionActs
from server.usecases.errors import Invalid
from server.usecases.permissions import Act
from server.usecases.principal import Principal
from server.usecases.server import Acts, Server
from tables.errors import TableError


class DefinitionActs(Acts):
    """Acts raise Forbidden and NotLeading."""

    def __init__(self, server: Server, versions: VersionActs, clock: Callable[[], float] = time.time) -> None:
        super().__init__(server, clock)
        self._versions = versions

    async def reload(self, who: Principal) -> str:
        """Take over edited definitions; returns the file in force. Raises Invalid for definitions with errors."""
        self.permissions.require(who, Act.RELOAD_DEFINITIONS)
        leader = self._server.dispatcher  # a server that stands by refuses before it takes anything over
        try:
            source = await self._versions.edited()
        except ValueError as error:
            raise Invalid("definitions", str(error)) from None
        await leader.record(*audited(who, Act.RELOAD_DEFINITIONS, source))
        return source

    def holidays(self, who: Principal, year: int) -> dict[str, Any]:
        """The public holidays of a year in force: days, make-up workdays, and whether they are known completely."""
        self.permissions.require(who, Act.READ_FLOOR)
        found = self._server.definitions.calendar.holidays
        return _of_year(found if found.years else chinese_holidays(), year)

    async def set_holidays(
        self, who: Principal, year: int, days: Iterable[str], makeup_days: Iterable[str], source: str = ""
    ) -> dict[str, Any]:
        """Take over a year's public holidays in place of what was known of it. The home's `holidays.toml` keeps them.

        A day is written 2027-02-05, a span 2027-02-05/2027-02-11. Raises Invalid.
        """
        self.permissions.require(who, Act.SET_HOLIDAYS)
        if not self._server.dispatcher:
            raise NotLeading("another server leads")
        table = {"days": list(days), "makeup_days": list(makeup_days)}
        try:
            taken = with_own_years(Holidays(), {str(year): table})
        except TableError as error:
            raise Invalid("holidays", str(error)) from None
        try:
            text = await asyncio.to_thread(self._with_year, year, taken, source)
        except ValueError as error:
            raise Invalid("definitions", str(error)) from None
        changes = [Change(HOLIDAYS, text=text)]
        await self._versions.put(who, Act.SET_HOLIDAYS, changes, f"public holidays of {year}", source)
        return _of_year(taken, year)

    def _with_year(self, year: int, taken: Holidays, source: str) -> str:
        tables: dict[int, tuple[Iterable[date], Iterable[date], str]] = dict(own_years(self._server.home))
        tables[year] = (taken.days, taken.makeup_days, source)
        return written(tables)


def _of_year(holidays: Holidays, year: int) -> dict[str, Any]:
    return {
        "year": year,
        "known": year in holidays.years,
        "days": [day.isoformat() for day in sorted(holidays.days) if day.year == year],
        "makeup_days": [day.isoformat() for day in sorted(holidays.makeup_days) if day.year == year],
    }
