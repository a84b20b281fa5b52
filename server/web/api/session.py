"""Sign-in over HTTP: the session of a user, in a cookie that no page can read."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import unquote

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field, SecretStr

from server.usecases.permissions import Act, Reach, reach_of
from server.usecases.principal import Principal, Role
from server.usecases.sign_in import SignedIn, SignInActs
from server.web.api.shapes import Body, Sentence, Who, instant, router
from server.web.authentication import COOKIE, cookie_of, origin_of, session_of
from server.web.connections import whose
from server.web.origins import check_origin
from server.web.problems import answers

PROBLEM, PROBLEM_PATH = "sansheng_sign_in_problem", "/api/v1/session/ways"
"""The cookie with the sentence of a refusal by the OpenID provider, and where it is sent."""
Password = Annotated[SecretStr, Field(min_length=1, max_length=1000)]


class SignInIn(Body):
    """Who signs in. Capital letters in the name are taken as small ones."""

    user: str = Field(min_length=1, max_length=100, examples=["admin"])
    password: Password


class PasswordIn(Body):
    """The old password, and the new one."""

    old: Password
    new: Password


class CategoryOut(BaseModel):
    """A category in words. `under`: the one that it is a part of; `retired`: nothing new is given it."""

    name: str
    label: Sentence
    under: str | None
    retired: bool


class Session(BaseModel):
    """The principal of these requests, and what it may do. `csrf` goes into `X-CSRF-Token` of each change that is sent
    with the cookie; with a bearer token it is empty, and there is no need of it."""

    user: str
    name: str = Field(description="The name that people are shown.")
    role: Role
    agent: str | None
    teams: list[str]
    department: str | None
    language: str | None
    csrf: str
    expires_at: str | None
    must_change_password: bool
    acts: dict[str, Reach] = Field(description="Each act that the principal may do, and how far: own, team, all.")
    sign_in: list[str] = Field(description="How people can sign in here: password, oidc.")
    zone: str = Field(
        description="The hotline's time zone: people are shown instants in it.", examples=["Asia/Shanghai"]
    )
    categories: list[CategoryOut] = Field(description="What matters are sorted by, in the order of forms.")


class Left(BaseModel):
    """How long the session lasts from now, in seconds. A token's request has neither."""

    idle: float | None = Field(description="If the user does nothing; null while a call keeps the session.")
    day: float | None = Field(description="In any case: a session ends so many hours after the sign-in.")
    after: float | None = Field(description="What `idle` is when the user does something.")


class Ways(BaseModel):
    """How people can sign in. `problem` is why the OpenID provider's answer to this browser was refused just now.
    `standing_by`: people sign in at the server that this sentence names."""

    sign_in: list[str]
    standing_by: str | None
    leader: str | None = Field(description="Where its pages are, if it has told.")
    problem: str | None
    zone: str


def session_routes(acts: SignInActs, ways: Sequence[str] = ("password",)) -> APIRouter:
    """The routes of one's own session. `ways`: how people can sign in."""
    routes = router("session")

    @routes.post("/session", response_model=Session, responses=answers(401, 403, 422, 429, 503))
    async def sign_in(request: Request, response: Response, wanted: SignInIn) -> dict[str, Any]:
        """Sign in. The session is a new one, in the cookie `sansheng_session`; one that the browser had before ends."""
        check_origin(request.scope, request.headers, needed=False)
        origin = origin_of(request.scope)
        signed_in, text = await acts.sign_in(
            wanted.user,
            wanted.password.get_secret_value(),
            origin,
            counted_by(origin),
            client=request.headers.get("user-agent", ""),
            before=cookie_of(request.headers),
        )
        set_cookie(request, response, text, acts.longest)
        return _session(signed_in.principal, signed_in)

    @routes.get("/session", response_model=Session)
    async def session(request: Request, who: Who) -> dict[str, Any]:
        """Who asks, and what they may do."""
        return _session(who, session_of(request))

    @routes.get("/session/left", response_model=Left)
    async def time_left(request: Request, _who: Who) -> dict[str, Any]:
        """How long the session lasts. To ask is no doing of the user: it makes it no longer."""
        return _left(session_of(request))

    @routes.post("/session/seen", response_model=Left)
    async def seen(request: Request, _who: Who) -> dict[str, Any]:
        """The user does something in the page, as every other request says too: the session goes on."""
        return _left(session_of(request))

    @routes.delete("/session", status_code=204, responses=answers(409))
    async def sign_out(request: Request, response: Response, who: Who) -> None:
        """Sign out: the session ends at once, on every server."""
        await acts.sign_out(who)
        response.delete_cookie(COOKIE, path="/", secure=_secure(request), httponly=True, samesite="strict")

    @routes.post("/session/password", status_code=204, responses=answers(409, 422, 429, 503))
    async def choose_password(request: Request, who: Who, wanted: PasswordIn) -> None:
        """Choose another password. This session goes on, the user's others end."""
        old, new = wanted.old.get_secret_value(), wanted.new.get_secret_value()
        await acts.choose_password(who, cookie_of(request.headers), old, new)

    @routes.get("/session/ways", response_model=Ways)
    async def ways_to_sign_in(request: Request, response: Response) -> dict[str, Any]:
        """How people can sign in here. It needs no session."""
        problem = unquote(request.cookies.get(PROBLEM, ""))
        if problem:
            response.delete_cookie(PROBLEM, path=PROBLEM_PATH, secure=_secure(request), httponly=True, samesite="lax")
        leader = {"standing_by": acts.standing_by or None, "leader": acts.leader_address or None}
        return {"sign_in": [*ways], **leader, "problem": problem or None, "zone": acts.zone}

    def _left(signed_in: SignedIn | None) -> dict[str, Any]:
        if signed_in is None:
            return {"idle": None, "day": None, "after": None}
        left = acts.left(signed_in.session)
        return {"idle": left.idle, "day": left.day, "after": left.after}

    def _session(who: Principal, signed_in: SignedIn | None) -> dict[str, Any]:
        user = signed_in.user if signed_in is not None else None
        reach = {act.value: reach_of(who, act) for act in Act}
        return {
            "user": who.name,
            "name": user.display if user is not None else who.name,
            "role": who.role,
            "agent": who.agent or None,
            "teams": sorted(who.teams),
            "department": who.department or None,
            "language": (user.language or None) if user is not None else None,
            "csrf": signed_in.csrf if signed_in is not None else "",
            "expires_at": instant(signed_in.ends_at) if signed_in is not None else None,
            "must_change_password": user.must_change if user is not None else False,
            "acts": {act: each for act, each in reach.items() if each is not Reach.NONE},
            "sign_in": [*ways],
            "zone": acts.zone,
            "categories": [
                CategoryOut(
                    name=each.name,
                    label=Sentence(zh=each.zh, en=each.en),
                    under=each.under or None,
                    retired=each.retired,
                )
                for each in acts.categories
            ],
        }

    return routes


def set_cookie(request: Request, response: Response, text: str, seconds: float) -> None:
    """Give the browser its session."""
    response.set_cookie(
        COOKIE, text, max_age=int(seconds), path="/", secure=_secure(request), httponly=True, samesite="strict"
    )
    response.headers["Cache-Control"] = "no-store"


def counted_by(origin: str) -> str:
    """What attempts from this address are counted by: of IPv6 the network, since one subscriber has all of it."""
    try:
        return whose(origin)
    except (ValueError, ipaddress.AddressValueError):
        return origin


def _secure(request: Request) -> bool:
    return bool(request.scope["scheme"] in ("https", "wss"))
