"""Callback mode over HTTP: promises, what people do to them, and the mode. Each act is an event.

Lists are never behind: what the server knows stands before what the records say. A promise that cannot be made is a
problem 422 where the request is wrong in itself, 409 where it cannot be now.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Annotated, Any, Protocol

from fastapi import FastAPI, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from acd.callbacks.engine import Callbacks
from acd.callbacks.events import Mode
from acd.callbacks.states import ModeView, PromiseState, PromiseView
from server.hotline.definitions import Definitions
from server.hotline.dispatcher import Dispatcher, NotLeading
from server.usecases.callbacks import CallbackActs, NoSuchPromise, NotPossible, Wish
from server.usecases.errors import CannotDo
from server.web.api import shapes
from server.web.api.floor_view import instant
from server.web.api.shapes import AGENT_ID, By, Instant, Planned, Reason, Why, Word
from server.web.caught_up import shown
from server.web.problems import Problem, answers

Number = Annotated[int, Path(ge=1, le=2**53)]
Masked = Annotated[bool, Query(description="Hide the middle of telephone numbers: 138****8000.")]


class Records(Protocol):
    """What is read."""

    async def promises(
        self, which: dict[str, Any], limit: int, cursor: str | None, mask: bool, book: Callbacks | None
    ) -> dict[str, Any]: ...
    async def promise(self, number: int, mask: bool, book: Callbacks | None) -> dict[str, Any] | None: ...
    async def modes(self, scope: str | None, limit: int) -> list[dict[str, Any]]: ...
    async def caught_up(self) -> None: ...


class House(Protocol):
    """What these routes stand on."""

    @property
    def dispatcher(self) -> Dispatcher: ...
    @property
    def definitions(self) -> Definitions: ...
    @property
    def records(self) -> Records: ...


class CallbacksAsked(shapes.Asked):
    """Which promises."""

    state: PromiseState | None = None
    number: str | None = Field(None, description="However it is written.")
    queue: str | None = None
    category: str | None = None
    task: bool | None = Field(None, description="Expired and unconfirmed ones that nobody has settled yet.")
    since: Instant | None = Field(None, description="Promised then or later.")
    until: Instant | None = Field(None, description="Promised before then.")
    masked: Masked = False

    def which(self, definitions: Definitions) -> dict[str, Any]:
        """The filters that were given; an empty one counts as none."""
        given = self.model_dump(exclude={"limit", "cursor", "masked"}, exclude_none=True)
        if self.number:
            given["number"] = definitions.callback_number(self.number)[0] or self.number
        return {name: each for name, each in given.items() if each != ""}


class Act(BaseModel):
    """Base of what is asked: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class CallbackIn(Act):
    """A call back that is to be promised. Category, queue or both say what it is about."""

    number: Annotated[Word, Field(min_length=1)]
    category: Word = ""
    queue: Word = ""
    after: Planned | None = Field(None, description="Not before.")
    language: str = Field("zh", pattern="^[a-z]{2}$")
    priority: int = Field(0, ge=-1000, le=1000)
    owner: str = Field("", pattern=f"{AGENT_ID}|^$", description="The agent to be preferred.")
    reason: Reason = ""
    by: By = "api"


class WhyIn(Act):
    """Who, and why."""

    reason: Why
    by: By = "api"


class PostponeIn(Act):
    """Not before `until`; the place stays."""

    until: Planned
    reason: Reason = ""
    by: By = "api"


class PriorityIn(Act):
    """Another place in the order."""

    priority: int = Field(ge=-1000, le=1000)
    reason: Reason = ""
    by: By = "api"


class ModeIn(Act):
    """A choice. `scope` is a queue or all; with `until` on and off return to auto by themselves."""

    mode: Mode
    scope: Word = "all"
    until: Planned | None = None
    reason: Reason = ""
    by: By = "api"


class Callback(BaseModel):
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


class CallbackDetail(Callback):
    """A promise with the history of its attempts."""

    model_config = ConfigDict(extra="allow")

    history: list[dict[str, Any]]


class CallbackMade(CallbackDetail):
    joined: bool = Field(description="The number had a promise for this category already: this is it.")


class CallbackMode(BaseModel):
    scope: str
    mode: Mode
    active: bool
    since: str
    until: str | None
    who: str | None
    reason: str | None
    rule: str | None


class ModeThen(CallbackMode):
    """What it was from `at` on."""

    at: str


def add_callbacks(api: FastAPI, house: House, guarded: dict[str, Any]) -> None:
    """Add the routes; `guarded` is what every one of them asks of the request."""
    acts = CallbackActs(house)
    _read(api, house, guarded)
    _act(api, house, acts, guarded)
    _mode(api, house, acts, guarded)


def _read(api: FastAPI, house: House, guarded: dict[str, Any]) -> None:
    tagged: dict[str, Any] = {**guarded, "tags": ["callbacks"]}

    @api.get("/api/v1/callbacks", response_model=shapes.Page[Callback], responses=answers(400, 401, 422), **tagged)
    async def list_callbacks(asked: Annotated[CallbacksAsked, Query()]) -> dict[str, Any]:
        """Promises to call back, newest first, settled ones too."""
        which = asked.which(house.definitions)
        try:
            book = await _book(house)
            return await house.records.promises(which, asked.limit, asked.cursor or None, asked.masked, book)
        except (ValueError, OverflowError) as error:
            raise Problem(400, "Wrong question", str(error)) from None

    @api.get("/api/v1/callbacks/{number}", response_model=CallbackDetail, responses=answers(401, 404, 422), **tagged)
    async def show_callback(number: Number, masked: Masked = False) -> dict[str, Any]:
        """One promise with the history of its attempts."""
        with suppress(NotLeading):
            await shown(house)  # the history comes from the records, and is not to be behind the state
        return await _detail(house, number, masked)


def _act(api: FastAPI, house: House, acts: CallbackActs, guarded: dict[str, Any]) -> None:
    acting: dict[str, Any] = {
        **guarded,
        "response_model": CallbackDetail,
        "responses": answers(401, 404, 409, 422, 503),
        "tags": ["callbacks"],
    }

    @api.post(
        "/api/v1/callbacks",
        status_code=201,
        response_model=CallbackMade,
        responses={200: {"model": CallbackMade}, **answers(401, 409, 422, 503)},
        tags=["callbacks"],
        **guarded,
    )
    async def ask_callback(wanted: CallbackIn, response: Response) -> dict[str, Any]:
        """Promise a call back; 200 with the first one where the number has a promise for this category already."""
        after = None if wanted.after is None else wanted.after.timestamp()
        wish = Wish(**wanted.model_dump(exclude={"after"}), after=after)
        with _refusals():
            view, made = await acts.ask(wish)
        response.status_code = 201 if made else 200
        return await _detail(house, view.id) | {"joined": not made}

    @api.post("/api/v1/callbacks/{number}/cancel", **acting)
    async def cancel_callback(number: Number, wanted: WhyIn) -> dict[str, Any]:
        """No more is to be done; an attempt under way is stopped."""
        return await _done(house, acts.cancel(number, by=wanted.by, reason=wanted.reason))

    @api.post("/api/v1/callbacks/{number}/postpone", **acting)
    async def postpone_callback(number: Number, wanted: PostponeIn) -> dict[str, Any]:
        """Not before that instant; the place stays."""
        until = wanted.until.timestamp()
        return await _done(house, acts.postpone(number, until, by=wanted.by, reason=wanted.reason))

    @api.post("/api/v1/callbacks/{number}/priority", **acting)
    async def prioritise_callback(number: Number, wanted: PriorityIn) -> dict[str, Any]:
        """Move it in the order."""
        return await _done(house, acts.prioritise(number, wanted.priority, by=wanted.by, reason=wanted.reason))

    @api.post("/api/v1/callbacks/{number}/settle", **acting)
    async def settle_callback(number: Number, wanted: WhyIn) -> dict[str, Any]:
        """The task that an expired promise became is done."""
        return await _done(house, acts.settle(number, by=wanted.by, reason=wanted.reason))


def _mode(api: FastAPI, house: House, acts: CallbackActs, guarded: dict[str, Any]) -> None:
    tagged: dict[str, Any] = {**guarded, "tags": ["callback mode"]}

    @api.get("/api/v1/callback-mode", response_model=shapes.Page[CallbackMode], responses=answers(401, 503), **tagged)
    async def show_modes() -> dict[str, Any]:
        """Callback mode now: of all, then of every queue."""
        return {"items": modes_of(house.dispatcher.state.callbacks.modes())}

    @api.put("/api/v1/callback-mode", response_model=CallbackMode, responses=answers(401, 422, 503), **tagged)
    async def set_mode(wanted: ModeIn) -> CallbackMode:
        """Choose for one queue, or for all: that replaces every queue's own choice."""
        until = None if wanted.until is None else wanted.until.timestamp()
        with _refusals():
            mode = await acts.set_mode(wanted.mode, wanted.scope, by=wanted.by, reason=wanted.reason, until=until)
        return modes_of([*house.dispatcher.state.callbacks.modes(), mode])[-1]

    @api.get(
        "/api/v1/callback-mode/history",
        response_model=shapes.Page[ModeThen],
        responses=answers(401, 422),
        **tagged,
    )
    async def mode_history(scope: str | None = None, limit: shapes.Limit = 100) -> dict[str, Any]:
        """What callback mode was, newest first: every change with who, why and by which rule."""
        await _book(house)
        return {"items": await house.records.modes(scope or None, limit)}


def modes_of(views: Sequence[ModeView]) -> list[CallbackMode]:
    """Callback mode of every scope. What never turned has been so since the first queue was known."""
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


async def _book(house: House) -> Callbacks | None:
    """The book of promises, after waiting for the records to know it too; None where another server leads."""
    try:
        await shown(house)
        return house.dispatcher.state.callbacks
    except NotLeading:
        return None


async def _detail(house: House, number: int, mask: bool = False) -> dict[str, Any]:
    found = await house.records.promise(number, mask, await _book(house))
    if found is None:
        raise Problem(404, "Not found", f"there is no callback {number}")
    return found


async def _done(house: House, act: Awaitable[PromiseView]) -> dict[str, Any]:
    with _refusals():
        view = await act
    return await _detail(house, view.id)


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except NotPossible as error:
        raise Problem(422, "Request cannot be used", str(error)) from None
    except NoSuchPromise as error:
        raise Problem(404, "Not found", str(error)) from None
    except CannotDo as error:
        raise Problem(409, "Cannot be done now", str(error)) from None
