"""The half-typed form of a ticket over HTTP. Its version is its ETag: of two who type, the second one is told."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field, StringConstraints

from server.storage.drafts import Draft
from server.usecases.ticket_drafts import TicketDraftActs
from server.web.api.shapes import Body, Instant, Number, Who, instant, router
from server.web.problems import answers

FieldName = Annotated[str, StringConstraints(min_length=1, max_length=60)]
FieldText = Annotated[str, StringConstraints(max_length=4000)]


class DraftIn(Body):
    """A form as it is now, half typed."""

    form: dict[FieldName, FieldText] = Field(max_length=60, description="Field → what was typed.")


class DraftOut(BaseModel):
    """A form as it was typed last, by whom and when."""

    form: dict[str, str]
    by: str
    at: Instant


def ticket_draft_routes(acts: TicketDraftActs) -> APIRouter:
    """The routes of the forms of tickets."""
    routes = router("tickets")
    said = answers(404, 409, 422, 503)

    @routes.get("/tickets/{number}/draft", response_model=DraftOut, responses=said)
    async def show_draft(who: Who, number: Number) -> dict[str, Any]:
        """The form of this ticket as it was typed last. Without one: not found."""
        return _shown(await acts.show(who, number))

    @routes.put("/tickets/{number}/draft", response_model=DraftOut, responses=said)
    async def keep_draft(who: Who, number: Number, wanted: DraftIn) -> dict[str, Any]:
        """Keep the form as it is now. `If-Match` names the version that it was typed over."""
        return _shown(await acts.keep(who, number, wanted.form))

    @routes.delete("/tickets/{number}/draft", status_code=204, responses=said)
    async def drop_draft(who: Who, number: Number) -> None:
        """Forget the form: it was handed in, or is not wanted any more."""
        await acts.drop(who, number)

    def _shown(draft: Draft) -> dict[str, Any]:
        return {"form": dict(draft.form), "by": draft.by, "at": instant(draft.at)}

    return routes
