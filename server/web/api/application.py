"""The HTTP API: reads the records and the floor, and turns requests into events. Nothing is decided here.

Under /api/v1 a bearer token is asked for; /healthz, /metrics and the description itself are for everybody who can
reach the port. Errors are problems (see `problems`).
"""

from __future__ import annotations

import json
import time
from datetime import date
from typing import Annotated, Any, Protocol
from zoneinfo import ZoneInfo

from fastapi import Depends, FastAPI, Path, Query, Response
from fastapi.responses import PlainTextResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

import acd.events as acd
from acd.callbacks.engine import Callbacks
from acd.policy.definitions import Skill
from server.hotline.definitions import Definitions
from server.hotline.dispatcher import Dispatcher
from server.usecases.errors import ConversationActs, SupervisorActs
from server.web.api import floor_view, shapes
from server.web.api.callbacks import add_callbacks
from server.web.api.conversations import add_floor
from server.web.api.reports import add_reports
from server.web.caught_up import shown
from server.web.gate import Gate, accepted
from server.web.problems import Problem, ProblemOut, answer_with_problems, answers


class Records(Protocol):
    """What the API reads: a page is {"items": rows, "next": cursor of the next page or None}."""

    async def page(self, kind: str, filters: dict[str, str], limit: int, cursor: str | None) -> dict[str, Any]: ...
    async def one(self, kind: str, number: int) -> dict[str, Any] | None: ...
    async def promises(
        self, which: dict[str, Any], limit: int, cursor: str | None, mask: bool, book: Callbacks | None
    ) -> dict[str, Any]: ...
    async def promise(self, number: int, mask: bool, book: Callbacks | None) -> dict[str, Any] | None: ...
    async def modes(self, scope: str | None, limit: int) -> list[dict[str, Any]]: ...
    async def callback_report(self, day: date, zone: ZoneInfo, interval: int, queue: str | None) -> dict[str, Any]: ...
    async def caught_up(self) -> None: ...


class Phones(Protocol):
    """What the API does to agents' telephones."""

    async def set(self, agent: str, secret: str, contact: str) -> None: ...
    async def remove(self, agent: str) -> None: ...


class House(Protocol):
    """What the API stands on."""

    @property
    def dispatcher(self) -> Dispatcher: ...
    @property
    def records(self) -> Records: ...
    @property
    def phones(self) -> Phones: ...
    @property
    def conversations(self) -> ConversationActs: ...
    @property
    def supervisors(self) -> SupervisorActs: ...
    @property
    def token(self) -> str: ...
    @property
    def skills(self) -> frozenset[str]: ...
    @property
    def definitions(self) -> Definitions: ...
    @property
    def registry(self) -> CollectorRegistry: ...

    def problems(self) -> list[str]: ...
    def warnings(self) -> list[str]: ...
    async def reload(self) -> str: ...


Number = Annotated[int, Path(ge=1, le=2**53)]
Agent = Annotated[str, Path(pattern=shapes.AGENT_ID, description="Work number, such as 1001.")]

METRICS_KEPT = 1.0
"""Seconds for which the metrics are answered as they were counted."""

_bearer = HTTPBearer(auto_error=False, description="The token in `secrets/api-token` of the home.")


def make_api(house: House) -> FastAPI:
    """The application; `house` is everything that it may touch."""

    async def allowed(given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> None:
        # The gate has asked already, by the path alone.
        if given is None or not accepted(f"Bearer {given.credentials}", house.token):
            raise Problem(401, "Not allowed", "give a valid bearer token")

    api = FastAPI(
        title="Sansheng 三声",
        version="1",
        summary="A complaint hotline: calls, agents, queues, tickets, recordings.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    api.add_middleware(Gate, token=lambda: house.token)
    answer_with_problems(api)
    guarded: dict[str, Any] = {"dependencies": [Depends(allowed)]}
    _watch(api, house)
    _read(api, house, guarded)
    _agents(api, house, guarded)
    add_floor(api, house, guarded)
    add_callbacks(api, house, guarded)
    add_reports(api, house, guarded)
    _describe(api)
    return api


def _watch(api: FastAPI, house: House) -> None:
    @api.get("/healthz", response_model=shapes.Health, responses={503: {"model": shapes.Health}}, tags=["watch"])
    async def healthz(response: Response) -> dict[str, Any]:
        """200 when a call could be taken now, 503 with the reasons otherwise."""
        problems = house.problems()
        response.status_code = 503 if problems else 200
        return {"ok": not problems, "problems": problems, "warnings": house.warnings()}

    counted, at = b"", -METRICS_KEPT

    @api.get("/metrics", response_class=PlainTextResponse, tags=["watch"])
    async def metrics() -> PlainTextResponse:
        """For Prometheus; counted once a second at most, since anybody may ask, and every promise is gone through."""
        nonlocal counted, at
        if time.monotonic() >= at + METRICS_KEPT:
            counted, at = generate_latest(house.registry), time.monotonic()
        return PlainTextResponse(counted, media_type=CONTENT_TYPE_LATEST)


def _read(api: FastAPI, house: House, guarded: dict[str, Any]) -> None:
    async def page(kind: str, asked: shapes.Asked) -> dict[str, Any]:
        try:
            return await house.records.page(kind, asked.filters(), asked.limit, asked.cursor or None)
        except (ValueError, OverflowError) as error:
            raise Problem(400, "Wrong question", str(error)) from None

    async def one(kind: str, number: int) -> dict[str, Any]:
        found = await house.records.one(kind, number)
        if found is None:
            raise Problem(404, "Not found", f"there is no {kind.removesuffix('s')} {number}")
        return found

    lists: dict[str, Any] = {**guarded, "responses": answers(400, 401, 422), "tags": ["records"]}
    singles: dict[str, Any] = {**guarded, "responses": answers(401, 404, 422), "tags": ["records"]}

    @api.get("/api/v1/calls", response_model=shapes.Page[shapes.Call], **lists)
    async def list_calls(asked: Annotated[shapes.CallsAsked, Query()]) -> dict[str, Any]:
        """Calls, newest first."""
        return await page("calls", asked)

    @api.get("/api/v1/calls/{number}", response_model=shapes.CallDetail, **singles)
    async def show_call(number: Number) -> dict[str, Any]:
        """One call with its legs, and every decision with its reasons."""
        return await one("calls", number)

    @api.get("/api/v1/tickets", response_model=shapes.Page[shapes.Ticket], **lists)
    async def list_tickets(asked: Annotated[shapes.TicketsAsked, Query()]) -> dict[str, Any]:
        """Tickets, newest first."""
        return await page("tickets", asked)

    @api.get("/api/v1/tickets/{number}", response_model=shapes.TicketDetail, **singles)
    async def show_ticket(number: Number) -> dict[str, Any]:
        """One ticket with its calls, recordings and history."""
        return await one("tickets", number)

    @api.get("/api/v1/recordings", response_model=shapes.Page[shapes.Recording], **lists)
    async def list_recordings(asked: Annotated[shapes.RecordingsAsked, Query()]) -> dict[str, Any]:
        """Closed recordings, newest first."""
        return await page("recordings", asked)

    @api.get("/api/v1/recordings/{number}", response_model=shapes.RecordingDetail, **singles)
    async def show_recording(number: Number) -> dict[str, Any]:
        """One recording in any state, with its levels and what is wrong with it."""
        return await one("recordings", number)

    now: dict[str, Any] = {**guarded, "responses": answers(401), "tags": ["now"]}

    @api.get("/api/v1/queues", response_model=shapes.Page[shapes.Queue], **now)
    async def list_queues() -> dict[str, Any]:
        """Every queue as it is now."""
        return {"items": floor_view.queues(house.dispatcher.state.floor, house.dispatcher.state.callbacks, time.time())}

    @api.get("/api/v1/floor", response_model=shapes.Floor, **now)
    async def show_floor() -> shapes.Floor:
        """Who waits, in the order in which calls will be taken, and every agent's status and state."""
        return floor_view.floor(house.dispatcher.state.floor, time.time())


def _agents(api: FastAPI, house: House, guarded: dict[str, Any]) -> None:
    reading: dict[str, Any] = {**guarded, "responses": answers(401, 404, 422), "tags": ["agents"]}
    changing: dict[str, Any] = {**guarded, "responses": answers(401, 404, 422, 503), "tags": ["agents"]}

    @api.get("/api/v1/agents", response_model=shapes.Page[shapes.Agent], **reading)
    async def list_agents() -> dict[str, Any]:
        """All agents, by number."""
        return await house.records.page("agents", {}, 1000, None)

    @api.get("/api/v1/agents/{agent}", response_model=shapes.Agent, **reading)
    async def show_agent(agent: Agent) -> dict[str, Any]:
        """One agent."""
        rows = (await house.records.page("agents", {}, 1000, None))["items"]
        found: dict[str, Any] | None = next((row for row in rows if row["id"] == agent), None)
        if found is None:
            raise _unknown(agent)
        return found

    @api.put("/api/v1/agents/{agent}", response_model=shapes.AgentPut, **changing)
    async def put_agent(agent: Agent, wanted: shapes.AgentIn) -> dict[str, Any]:
        """Add an agent, or change one: what is given replaces what was."""
        if wanted.id not in (None, agent):
            raise Problem(422, "Two numbers", f"the path names agent {agent} and the body {wanted.id}: name one")
        unknown = sorted(set(wanted.skills) - house.skills)
        if unknown:
            known = ", ".join(sorted(house.skills))
            raise Problem(422, "Unknown skill", f"there is no skill {', '.join(unknown)}: there are {known}")
        try:
            await house.phones.set(agent, wanted.secret, wanted.contact)
        except ValueError as error:
            raise Problem(422, "Phone cannot be used", str(error)) from None
        skills = tuple(Skill(name, level) for name, level in sorted(wanted.skills.items()))
        await house.dispatcher.record(
            acd.AgentDefined(agent, wanted.name, skills, tuple(wanted.teams), wanted.contact, by="api")
        )
        await shown(house)
        how = f"reached at {wanted.contact}" if wanted.contact else "one that registers"
        return {"id": agent, "message": f"agent {agent} {wanted.name}: the phone is {how}"}

    @api.delete("/api/v1/agents/{agent}", response_model=shapes.AgentGone, **changing)
    async def delete_agent(agent: Agent) -> dict[str, Any]:
        """Remove an agent; the records stay."""
        _now(house, agent)
        await house.dispatcher.record(acd.AgentRemoved(agent, by="api"))
        await house.phones.remove(agent)
        await shown(house)
        return {"id": agent}

    @api.post("/api/v1/agents/{agent}/status", response_model=shapes.AgentNow, **changing)
    async def set_status(agent: Agent, wanted: shapes.StatusIn) -> shapes.AgentNow:
        """Set the status. It takes effect as soon as no call stands in the way."""
        _now(house, agent)
        await house.dispatcher.record(acd.StatusSet(agent, wanted.status, wanted.reason, by=wanted.by))
        await shown(house)
        return _now(house, agent)

    @api.post("/api/v1/agents/{agent}/wrap-up/end", response_model=shapes.AgentNow, **changing)
    async def end_wrap_up(agent: Agent) -> shapes.AgentNow:
        """The write-up is done, as far as the queue's rules let it end early."""
        _now(house, agent)
        await house.dispatcher.record(acd.WrapUpEnded(agent))
        await shown(house)
        return _now(house, agent)

    @api.post(
        "/api/v1/definitions/reload",
        response_model=shapes.Reloaded,
        responses=answers(401, 422, 503),
        tags=["definitions"],
        **guarded,
    )
    async def reload() -> dict[str, Any]:
        """Take over edited definitions now; they are also taken over by themselves when a file changes."""
        try:
            return {"source": await house.reload()}
        except ValueError as error:
            raise Problem(422, "Definitions cannot be used", str(error)) from None


def _describe(api: FastAPI) -> None:
    """The description names the shape of a problem; FastAPI's own shape of a refusal is never answered.

    It is written once: anybody may ask for it.
    """
    draw = api.openapi

    def openapi() -> dict[str, Any]:
        if api.openapi_schema is None:
            drawn = draw()
            schemas = drawn["components"]["schemas"]
            for name in ("HTTPValidationError", "ValidationError"):
                schemas.pop(name, None)
            problem = ProblemOut.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(problem.pop("$defs", {}))
            schemas["ProblemOut"] = problem
        assert api.openapi_schema is not None
        return api.openapi_schema

    api.openapi = openapi  # type: ignore[method-assign]
    written = b""

    @api.get("/api/v1/openapi.json", include_in_schema=False)
    async def description() -> Response:
        nonlocal written
        written = written or json.dumps(api.openapi(), ensure_ascii=False).encode()
        return Response(written, media_type="application/json")


def _now(house: House, agent: str) -> shapes.AgentNow:
    now = house.dispatcher.state.floor.agent(agent)
    if now is None:
        raise _unknown(agent)
    return shapes.AgentNow(id=agent, status=str(now.status), state=str(now.state))


def _unknown(agent: str) -> Problem:
    return Problem(404, "Not found", f"there is no agent {agent}: add one with `sansheng agent add {agent} …`")
