"""The kinds of problems, where their `type` leads to. No token is needed."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from server.web.late_route import LateRoute
from server.web.problem_types import TYPES
from server.web.problems import answers, problem


class Kind(BaseModel):
    """One kind of problem: what happened, and what to do."""

    type: str
    status: int
    title: str
    advice: str


class Kinds(BaseModel):
    """All kinds."""

    items: list[Kind]


def problem_routes() -> APIRouter:
    """The routes of problems."""
    routes = APIRouter(tags=["problems"], route_class=LateRoute)
    kinds = {
        name: Kind(type=each.uri, status=each.status, title=each.title, advice=each.advice)
        for name, each in TYPES.items()
    }

    @routes.get("/problems", response_model=Kinds)
    async def list_problems() -> Kinds:
        """Every kind of problem that this API answers with."""
        return Kinds(items=list(kinds.values()))

    @routes.get("/problems/{name}", response_model=Kind, responses=answers(404, 422))
    async def show_problem(name: str) -> Kind | JSONResponse:
        """One kind of problem."""
        return kinds.get(name) or problem(404, "Not found", f"there is no problem {name[:40]}: see /problems")

    return routes
