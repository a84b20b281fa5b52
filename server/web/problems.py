"""Every refusal over HTTP is a problem (RFC 9457): one shape, one place, one sentence that says what to do."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from redis.exceptions import RedisError
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

from server.eventlog.log import Unwritable
from server.hotline.dispatcher import NotLeading
from server.storage.queries.paging import QueryError
from server.usecases.errors import (
    ActRefused,
    Changed,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    TooManyAttempts,
    WrongSignIn,
)
from server.usecases.page_phones import PhoneInUse
from server.web.problem_types import type_of

MEDIA_TYPE = "application/problem+json"
MOST_ERRORS, MOST_DETAIL = 20, 2_000
"""The most errors that a problem names, and the most characters of its sentence: a request may have more."""
REFUSALS: dict[type[ActRefused], tuple[int, str]] = {
    NotFound: (404, "Not found"),
    Invalid: (422, "Value cannot be used"),
    Conflict: (409, "Cannot be done now"),
    PhoneInUse: (409, "Phone in use"),
    Forbidden: (403, "Not allowed for this role"),
    WrongSignIn: (401, "Wrong sign-in"),
    TooManyAttempts: (429, "Too many attempts"),
    Changed: (412, "Changed since"),
}
_log = structlog.get_logger("api")


class Problem(Exception):
    """A refusal: HTTP status, a short title, and a sentence that says what to do."""

    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.title, self.detail = status, title, detail


class Wrong(BaseModel):
    """One error in a request."""

    where: str = Field(description="body, query or path, and the field", examples=["body.skills.complaint"])
    sentence: str


class ProblemOut(BaseModel):
    """A problem as an answer shows it."""

    type: str = Field("about:blank", description="/problems/NAME, which explains the kind of problem.")
    title: str
    status: int
    detail: str
    reason: str | None = Field(None, description="Of a value that cannot be used: why, in one word.")
    errors: list[Wrong] = []


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems that a route may answer with, as OpenAPI wants them."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemOut"}}},
        }
        for status in statuses
    }


def problem(
    status: int,
    title: str,
    detail: str,
    *,
    errors: Sequence[Wrong] = (),
    headers: dict[str, str] | None = None,
    reason: str | None = None,
) -> JSONResponse:
    """The answer. Its type follows from status and title, see `problem_types`."""
    named = [Wrong(where=_shown(each.where, 100), sentence=_shown(each.sentence, 300)) for each in errors]
    kind = type_of(status, title)
    body = ProblemOut(
        type=kind, title=title, status=status, detail=_shown(detail, MOST_DETAIL), reason=reason, errors=named
    )
    left_out = {name for name, wanted in (("errors", errors), ("reason", reason)) if not wanted}
    wanted = body.model_dump(exclude=left_out)
    return JSONResponse(wanted, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def unavailable(error: RedisError) -> JSONResponse:
    """The answer while sessions cannot be read."""
    sentence = f"sessions cannot be read now: {type(error).__name__}"
    return problem(503, "Service Unavailable", sentence, headers={"Retry-After": "2"})


def answer_with_problems(api: FastAPI) -> None:
    """Let this application answer every error with a problem."""

    @api.exception_handler(Problem)
    async def refused(_: Request, error: Problem) -> JSONResponse:
        headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else None
        return problem(error.status, error.title, error.detail, headers=headers)

    @api.exception_handler(ActRefused)
    async def act_refused(_: Request, error: ActRefused) -> JSONResponse:
        status, title = next(REFUSALS[each] for each in type(error).__mro__ if each in REFUSALS)
        headers = {"Retry-After": str(error.wait)} if isinstance(error, TooManyAttempts) else None
        reason = error.reason if isinstance(error, Invalid) else None
        return problem(status, title, str(error), reason=reason, headers=headers)

    @api.exception_handler(QueryError)
    async def wrong_question(_: Request, error: QueryError) -> JSONResponse:
        return problem(400, "Wrong question", str(error))

    @api.exception_handler(NotLeading)
    async def elsewhere(_: Request, error: NotLeading) -> JSONResponse:
        return problem(503, "Not leading", str(error), headers={"Retry-After": "2"})

    @api.exception_handler(RedisError)
    async def away(_: Request, error: RedisError) -> JSONResponse:
        return unavailable(error)

    @api.exception_handler(Unwritable)
    async def unwritable(_: Request, error: Unwritable) -> JSONResponse:
        return problem(422, "Value cannot be used", str(error), reason="unwritable")

    @api.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        wrong = [
            Wrong(where=_place(each["loc"]), sentence=each["msg"].removeprefix("Value error, "))
            for each in error.errors()[:MOST_ERRORS]
        ]
        detail = "; ".join(f"{each.where}: {each.sentence}" for each in wrong)
        return problem(422, "Request cannot be used", detail, errors=wrong)

    @api.exception_handler(HTTPException)
    async def other(request: Request, error: HTTPException) -> JSONResponse:
        path = request.scope["path"]  # `request.url` cannot be read from every path and Host
        headers = {name.lower(): value for name, value in (error.headers or {}).items()}
        title, detail = HTTPStatus(error.status_code).phrase, str(error.detail)
        match error.status_code:
            case 400:  # bytes that are no text are no JSON either
                return problem(422, "Request cannot be used", "body: this is no JSON")
            case 404:
                title, detail = "No such path", f"there is no {path}: see /api/v1/openapi.json"
            case 405:
                headers["allow"] = ", ".join(_methods(request))
                detail = f"{request.method} {path} is not possible: use {headers['allow']}"
        return problem(error.status_code, title, detail, headers=headers)

    @api.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> JSONResponse:
        _log.error("a request failed", method=request.method, path=request.scope["path"], exc_info=error)
        return problem(500, "Internal error", "this request failed: the server's log says why")


def _methods(request: Request) -> list[str]:
    """The methods of this path; one path may have several routes."""
    routes = [route for route in request.app.routes if isinstance(route, Route)]
    found = [route.methods or set() for route in routes if route.matches(request.scope)[0] is not Match.NONE]
    return sorted(set().union(*found))


def _shown(text: str, most: int) -> str:
    """A text of the request that an answer can contain: short, and in UTF-8 (JSON may name half a character)."""
    whole = text.encode("utf-8", "replace").decode()
    return whole if len(whole) <= most else whole[: most - 1] + "…"


def _place(parts: Sequence[int | str]) -> str:
    return ".".join(str(part) for part in parts)
