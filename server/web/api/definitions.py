"""The hotline's definitions over HTTP."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from server.usecases.definitions import DefinitionActs
from server.web.api.shapes import Who, router
from server.web.problems import answers


class Reloaded(BaseModel):
    """The file whose definitions hold now."""

    source: str


def definition_routes(acts: DefinitionActs) -> APIRouter:
    """The route of definitions."""
    routes = router("definitions")

    @routes.post("/definitions/reload", response_model=Reloaded, responses=answers(422, 503))
    async def reload(who: Who) -> dict[str, Any]:
        """Take over edited definitions now; they are also taken over by themselves when a file changes."""
        return {"source": await acts.reload(who)}

    return routes
