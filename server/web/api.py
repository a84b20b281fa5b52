"""The HTTP API: reads the records, and turns requests into events. Errors are problem details (RFC 9457)."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Protocol

from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from pydantic import BaseModel, ConfigDict, Field

import acd.events as acd
from acd.definitions import Skill
from acd.events import Status
from server.dispatcher import Dispatcher, NotLeading


class Problem(Exception):
    """A refusal: HTTP status, a short title, and a sentence that says what to do."""

    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.title, self.detail = status, title, detail


class Records(Protocol):
    """What the API reads: a page is (rows, cursor of the next page or None)."""

    async def page(self, kind: str, filters: dict[str, str], limit: int, cursor: str | None) -> dict[str, Any]: ...
    async def one(self, kind: str, number: int) -> dict[str, Any] | None: ...
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
    def token(self) -> str: ...
    @property
    def skills(self) -> frozenset[str]: ...
    @property
    def registry(self) -> CollectorRegistry: ...

    def problems(self) -> list[str]: ...
    async def reload(self) -> str: ...


class AgentIn(BaseModel):
    """An agent to add or change."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.]{0,31}$")
    name: str = Field(min_length=1, max_length=80)
    skills: dict[str, Annotated[int, Field(ge=1, le=10)]] = Field(default_factory=dict)
    teams: list[str] = Field(default_factory=list)
    secret: str = ""
    contact: str = ""


class StatusIn(BaseModel):
    """A status to be set."""

    model_config = ConfigDict(extra="forbid")

    status: Status
    reason: str = Field("", max_length=80)


_bearer = HTTPBearer(auto_error=False)
KINDS = ("calls", "tickets", "recordings", "agents")


def make_api(house: House) -> FastAPI:
    """The application; `house` is everything that it may touch."""
    api = FastAPI(title="Sansheng", version="1", openapi_url="/api/v1/openapi.json", docs_url=None, redoc_url=None)

    async def allowed(given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> None:
        if given is None or not secrets.compare_digest(given.credentials.encode(), house.token.encode()):
            raise Problem(401, "Not allowed", "give a valid bearer token")

    guarded: dict[str, Any] = {"dependencies": [Depends(allowed)]}

    @api.exception_handler(Problem)
    async def refused(_: Request, error: Problem) -> JSONResponse:
        return _problem(error.status, error.title, error.detail)

    @api.exception_handler(NotLeading)
    async def elsewhere(_: Request, error: NotLeading) -> JSONResponse:
        return _problem(503, "Not leading", str(error))

    @api.get("/healthz")
    async def healthz() -> JSONResponse:
        problems = house.problems()
        return JSONResponse({"ok": not problems, "problems": problems}, status_code=503 if problems else 200)

    @api.get("/metrics")
    async def metrics() -> PlainTextResponse:
        return PlainTextResponse(generate_latest(house.registry), media_type=CONTENT_TYPE_LATEST)

    def listing(kind: str) -> Callable[..., Awaitable[dict[str, Any]]]:
        async def rows(request: Request, limit: int = 100, cursor: str | None = None) -> dict[str, Any]:
            filters = {key: value for key, value in request.query_params.items() if key not in ("limit", "cursor")}
            try:
                return await house.records.page(kind, filters, min(max(limit, 1), 1000), cursor)
            except ValueError as error:
                raise Problem(400, "Wrong filter", str(error)) from None

        return rows

    for kind in KINDS:
        api.get(f"/api/v1/{kind}", name=f"list_{kind}", **guarded)(listing(kind))

    @api.get("/api/v1/{kind}/{number}", **guarded)
    async def one(kind: str, number: int) -> dict[str, Any]:
        found = await house.records.one(kind, number) if kind in KINDS else None
        if found is None:
            raise Problem(404, "Not found", f"there is no {kind.removesuffix('s')} {number}")
        return found

    @api.put("/api/v1/agents/{agent}", **guarded)
    async def put_agent(agent: str, wanted: AgentIn) -> dict[str, Any]:
        unknown = sorted(set(wanted.skills) - house.skills)
        if unknown:
            known = ", ".join(sorted(house.skills))
            raise Problem(422, "Unknown skill", f"there is no skill {', '.join(unknown)}: there are {known}")
        try:
            await house.phones.set(wanted.id, wanted.secret, wanted.contact)
        except ValueError as error:
            raise Problem(422, "Phone cannot be used", str(error)) from None
        skills = tuple(Skill(name, level) for name, level in sorted(wanted.skills.items()))
        await house.dispatcher.record(
            acd.AgentDefined(wanted.id, wanted.name, skills, tuple(wanted.teams), wanted.contact, by="api")
        )
        await house.records.caught_up()
        how = f"reached at {wanted.contact}" if wanted.contact else "one that registers"
        return {"id": wanted.id, "message": f"agent {wanted.id} {wanted.name}: the phone is {how}"}

    @api.delete("/api/v1/agents/{agent}", **guarded)
    async def delete_agent(agent: str) -> dict[str, Any]:
        _known(house, agent)
        await house.dispatcher.record(acd.AgentRemoved(agent, by="api"))
        await house.phones.remove(agent)
        await house.records.caught_up()
        return {"id": agent}

    @api.post("/api/v1/agents/{agent}/status", **guarded)
    async def set_status(agent: str, wanted: StatusIn) -> dict[str, Any]:
        _known(house, agent)
        await house.dispatcher.record(acd.StatusSet(agent, wanted.status, wanted.reason, by="api"))
        await house.records.caught_up()
        return _agent(house, agent)

    @api.post("/api/v1/agents/{agent}/wrap-up/end", **guarded)
    async def end_wrap_up(agent: str) -> dict[str, Any]:
        _known(house, agent)
        await house.dispatcher.record(acd.WrapUpEnded(agent))
        await house.records.caught_up()
        return _agent(house, agent)

    @api.post("/api/v1/definitions/reload", **guarded)
    async def reload() -> dict[str, Any]:
        try:
            return {"source": await house.reload()}
        except ValueError as error:
            raise Problem(422, "Definitions cannot be used", str(error)) from None

    return api


def _known(house: House, agent: str) -> None:
    if house.dispatcher.state.floor.agent(agent) is None:
        raise Problem(404, "Not found", f"there is no agent {agent}: add one with `sansheng agent add {agent} …`")


def _agent(house: House, agent: str) -> dict[str, Any]:
    now = house.dispatcher.state.floor.agent(agent)
    if now is None:
        raise Problem(404, "Not found", f"there is no agent {agent}")
    return {"id": agent, "status": str(now.status), "state": str(now.state)}


def _problem(status: int, title: str, detail: str) -> JSONResponse:
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return JSONResponse(body, status_code=status, media_type="application/problem+json")
