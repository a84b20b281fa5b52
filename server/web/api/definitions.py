"""The hotline's definitions over HTTP."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from server.usecases.definitions import DefinitionActs
from server.web.api.shapes import Body, Reason, Who, Word, router
from server.web.problems import answers


class Reloaded(BaseModel):
    """The file whose definitions hold now."""

    source: str


Year = Annotated[int, Path(ge=2000, le=2099)]
Days = Annotated[list[Word], Field(max_length=100, examples=[["2027-01-01", "2027-02-05/2027-02-11"]])]


class HolidaysIn(Body):
    """Public holidays of a year, days or spans; make-up days are weekend days that are worked."""

    days: Days
    makeup_days: Days = Field(default_factory=list)
    source: Reason = Field("", description="Where they were announced.")


class HolidaysOf(BaseModel):
    """A year's public holidays. Of a year that is not known, only the statutory days are there."""

    year: int
    known: bool
    days: list[str]
    makeup_days: list[str]


def definition_routes(acts: DefinitionActs) -> APIRouter:
    """The route of definitions."""
    routes = router("definitions")

    @routes.post("/definitions/reload", response_model=Reloaded, responses=answers(422, 503))
    async def reload(who: Who) -> dict[str, Any]:
        """Take over edited definitions now; they are also taken over by themselves when a file changes."""
        return {"source": await acts.reload(who)}

    @routes.get("/holidays/{year}", response_model=HolidaysOf, responses=answers(422))
    async def show_holidays(who: Who, year: Year) -> dict[str, Any]:
        """The public holidays of a year that are in force."""
        return acts.holidays(who, year)

    @routes.put("/holidays/{year}", response_model=HolidaysOf, responses=answers(422, 503))
    async def set_holidays(who: Who, year: Year, wanted: HolidaysIn) -> dict[str, Any]:
        """Take over the public holidays of a year, in place of what was known of it."""
        return await acts.set_holidays(who, year, wanted.days, wanted.makeup_days, wanted.source)

    return routes
