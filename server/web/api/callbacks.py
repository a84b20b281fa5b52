"""Callback mode over HTTP: promises, acts on them, and the mode. Each act is an event.

Lists are never behind: what the server knows stands before what the records say.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from acd.callbacks.events import Mode
from acd.callbacks.states import ModeView, PromiseState
from server.usecases.callbacks import CallbackActs, Wish
from server.web.api.shapes import (
    AGENT_ID,
    Asked,
    Body,
    Instant,
    Limit,
    Number,
    Page,
    Planned,
    Reason,
    Who,
    Why,
    Word,
    instant,
    router,
)
from server.web.problems import answers

Masked = Annotated[bool, Query(description="Hide the middle of telephone numbers: 138****8000.")]


class CallbacksAsked(Asked):
    """Which promises."""

    state: PromiseState | None = None
    number: str | None = Field(None, description="However it is written.")
    queue: str | None = None
    category: str | None = None
    owner: str | None = Field(None, description="The work number of the agent who is asked first.")
    task: bool | None = Field(None, description="Expired and unconfirmed promises that are not settled.")
    since: Instant | None = Field(None, description="Promised then or later.")
    until: Instant | None = Field(None, description="Promised before then.")
    masked: Masked = False

    def which(self) -> dict[str, Any]:
        """The filters that were given; an empty one counts as none."""
        given = self.model_dump(exclude={"limit", "cursor", "masked"}, exclude_none=True)
        return {name: each for name, each in given.items() if each != ""}


class CallbackIn(Body):
    """A callback to promise. Category, queue or both say what it is about."""

    number: Annotated[Word, Field(min_length=1)]
    category: Word = ""
    queue: Word = ""
    after: Planned | None = Field(None, description="Not before.")
    language: str = Field("zh", pattern="^[a-z]{2}$")
    priority: int = Field(0, ge=-1000, le=1000)
    owner: str = Field("", pattern=f"{AGENT_ID}|^$", description="The agent who is asked first.")
    reason: Reason = ""


class WhyIn(Body):
    """Why."""

    reason: Why


class PostponeIn(Body):
    """Call not before `until`; the place stays."""

    until: Planned
    reason: Reason = ""


class PriorityIn(Body):
    """Another place in the order."""

    priority: int = Field(ge=-1000, le=1000)
    reason: Reason = ""


class ModeIn(Body):
    """A choice. `scope` is a queue or all; with `until` on and off return to auto by themselves."""

    mode: Mode
    scope: Word = "all"
    until: Planned | None = None
    reason: Reason = ""


class Callback(BaseModel):
    """A promise to call back."""

    id: int
    number: str
    category: str | None
    queue: str
    state: PromiseState
    attempts: int
    promised_at: str | None
    queued_at: str | None
    due_at: str | None
    call: int | None
    reason: str | None
    source: str | None = Field(description="How it was asked for: flow, queue, fallback, line_full, api, agent, …")
    connected_at: str | None = Field(description="When agent and customer spoke in the call that kept it, or does.")


class CallbackDetail(Callback):
    """A promise with the history of its attempts."""

    model_config = ConfigDict(extra="allow")

    history: list[dict[str, Any]]


class CallbackMade(CallbackDetail):
    """A promise that was asked for."""

    joined: bool = Field(description="The number had a promise for this category already: this is it.")


class CallbackMode(BaseModel):
    """Callback mode of a queue, or of all; `active`: numbers are taken now."""

    scope: str
    mode: Mode
    active: bool
    since: str
    until: str | None
    who: str | None
    reason: str | None
    rule: str | None


class ModeThen(CallbackMode):
    """The mode from `at` on."""

    at: str


def callback_routes(acts: CallbackActs) -> APIRouter:
    """The routes of promises and of the mode."""
    routes = router("callbacks")
    acting: dict[str, Any] = {"response_model": CallbackDetail, "responses": answers(404, 409, 422, 503)}

    @routes.get("/callbacks", response_model=Page[Callback], responses=answers(400, 422))
    async def list_callbacks(who: Who, asked: Annotated[CallbacksAsked, Query()]) -> dict[str, Any]:
        """Promises to call back, newest first, settled ones too."""
        return await acts.page(who, asked.which(), asked.limit, asked.cursor or None, mask=asked.masked)

    @routes.get("/callbacks/{number}", response_model=CallbackDetail, responses=answers(404, 422))
    async def show_callback(who: Who, number: Number, masked: Masked = False) -> dict[str, Any]:
        """One promise with the history of its attempts."""
        return await acts.show(who, number, mask=masked)

    @routes.post(
        "/callbacks",
        status_code=201,
        response_model=CallbackMade,
        responses={200: {"model": CallbackMade}, **answers(409, 422, 503)},
    )
    async def ask_callback(who: Who, wanted: CallbackIn, response: Response) -> dict[str, Any]:
        """Promise a callback; 200 with the first one where the number has a promise for this category already."""
        after = None if wanted.after is None else wanted.after.timestamp()
        view, made = await acts.ask(who, Wish(**wanted.model_dump(exclude={"after"}), after=after))
        response.status_code = 201 if made else 200
        return await acts.now(who, view.id) | {"joined": not made}

    @routes.post("/callbacks/{number}/cancel", **acting)
    async def cancel_callback(who: Who, number: Number, wanted: WhyIn) -> dict[str, Any]:
        """Cancel the promise; the hotline stops an attempt under way."""
        await acts.cancel(who, number, wanted.reason)
        return await acts.now(who, number)

    @routes.post("/callbacks/{number}/postpone", **acting)
    async def postpone_callback(who: Who, number: Number, wanted: PostponeIn) -> dict[str, Any]:
        """Call not before that instant; the promise keeps its place."""
        await acts.postpone(who, number, wanted.until.timestamp(), wanted.reason)
        return await acts.now(who, number)

    @routes.post("/callbacks/{number}/priority", **acting)
    async def prioritise_callback(who: Who, number: Number, wanted: PriorityIn) -> dict[str, Any]:
        """Give the promise another place in the order."""
        await acts.prioritise(who, number, wanted.priority, wanted.reason)
        return await acts.now(who, number)

    @routes.post("/callbacks/{number}/settle", **acting)
    async def settle_callback(who: Who, number: Number, wanted: WhyIn) -> dict[str, Any]:
        """Settle an expired or unconfirmed promise: its task is done."""
        await acts.settle(who, number, wanted.reason)
        return await acts.now(who, number)

    @routes.post("/callbacks/{number}/nobody", **acting)
    async def nobody_there(who: Who, number: Number) -> dict[str, Any]:
        """A machine has answered: the attempt ends as one, both lines are hung up, and the customer is called again."""
        await acts.nobody_there(who, number)
        return await acts.now(who, number)

    @routes.get("/callback-mode", response_model=Page[CallbackMode])
    async def show_modes(who: Who) -> dict[str, Any]:
        """Callback mode now: for all, then for every queue."""
        return {"items": modes_of(acts.modes(who))}

    @routes.put("/callback-mode", response_model=CallbackMode, responses=answers(422, 503))
    async def set_mode(who: Who, wanted: ModeIn) -> CallbackMode:
        """Choose for one queue, or for all: that replaces every queue's own choice."""
        until = None if wanted.until is None else wanted.until.timestamp()
        mode = await acts.set_mode(who, wanted.mode, wanted.scope, wanted.reason, until)
        return modes_of([*acts.modes_now(), mode])[-1]

    @routes.get("/callback-mode/history", response_model=Page[ModeThen], responses=answers(400, 422))
    async def mode_history(
        who: Who, scope: str | None = None, limit: Limit = 100, cursor: str | None = None
    ) -> dict[str, Any]:
        """The changes of callback mode, newest first, each with its principal, reason and rule."""
        return await acts.mode_history(who, scope or None, limit, cursor or None)

    return routes


def modes_of(views: Sequence[ModeView]) -> list[CallbackMode]:
    """Callback mode of every scope. A scope without a change has been so since the first queue was known."""
    began = min((view.since for view in views if view.since), default=0.0)
    return [
        CallbackMode(
            scope=view.scope,
            mode=view.mode,
            active=view.active,
            since=instant(view.since or began),
            until=None if view.until is None else instant(view.until),
            who=view.who or None,
            reason=view.reason or None,
            rule=view.rule or None,
        )
        for view in views
    ]
