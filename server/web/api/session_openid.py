"""Sign-in by an OpenID provider: the browser goes there, comes back, and has a session."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

import structlog
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from redis.exceptions import RedisError

from server.hotline.dispatcher import NotLeading
from server.usecases.errors import ActRefused
from server.usecases.openid import OpenIdActs
from server.web.api.session import PROBLEM, PROBLEM_PATH, set_cookie
from server.web.api.shapes import router
from server.web.authentication import cookie_of, origin_of
from server.web.openid import COOKIE, WITHIN, OpenId, OpenIdError
from server.web.problems import Problem, answers

PATH = "/api/v1/session/oidc"
BACK = f"{PATH}/callback"
_log = structlog.get_logger("openid")


def openid_routes(acts: OpenIdActs, provider: OpenId | None) -> APIRouter:
    """The two routes; without a provider there are none to find."""
    routes = router("session")

    @routes.get("/session/oidc", status_code=302, response_class=RedirectResponse, responses=answers(404, 422, 503))
    async def begin(request: Request, then: Annotated[str, Query(alias="next", max_length=200)] = "/") -> Response:
        """Go to the provider. `next` is the page to which the browser goes when it is signed in."""
        found = _there(provider)
        try:
            acts.require_lead()
            begun = await found.begin(f"{_here(request)}{BACK}", _own(then))
        except OpenIdError as error:
            raise Problem(503, "Service Unavailable", str(error)) from None
        except NotLeading as error:
            return _refused(request, str(error))
        answer = _redirect(begun.url)
        answer.set_cookie(
            COOKIE, begun.cookie, max_age=WITHIN, path=PATH, secure=_secure(request), httponly=True, samesite="lax"
        )
        return answer

    @routes.get("/session/oidc/callback", status_code=302, response_class=RedirectResponse, responses=answers(404))
    async def finish(request: Request) -> Response:
        """Come back from the provider: sign in, and go to the page that was wanted. After a refusal the
        first page finds the sentence in `/session/ways`."""
        found, origin = _there(provider), origin_of(request.scope)
        try:
            acts.require_lead()  # before the provider's code is used up
            person = await found.finish(request.cookies.get(COOKIE, ""), request.query_params)
            signed_in, text = await acts.sign_in(
                person.subject,
                person.claims,
                origin,
                client=request.headers.get("user-agent", ""),
                before=cookie_of(request.headers),
            )
        except (OpenIdError, ActRefused, NotLeading) as error:
            _log.warning("a sign-in by the provider was refused", origin=origin, error=str(error))
            answer = _refused(request, str(error))
        except RedisError as error:
            _log.warning("a sign-in by the provider failed", origin=origin, error=str(error))
            answer = _refused(request, "sessions cannot be kept now: try again later")
        else:
            answer = _redirect(person.then)
            set_cookie(request, answer, text, signed_in.ends_at - signed_in.session.began_at)
        answer.delete_cookie(COOKIE, path=PATH, secure=_secure(request), httponly=True, samesite="lax")
        return answer

    return routes


def _there(provider: OpenId | None) -> OpenId:
    if provider is None:
        raise Problem(404, "Not found", "there is no OpenID provider here: sign in with a password")
    return provider


def _redirect(url: str) -> RedirectResponse:
    return RedirectResponse(url, 302, headers={"Cache-Control": "no-store"})


def _refused(request: Request, sentence: str) -> RedirectResponse:
    """To the first page, which is told the sentence when it asks how to sign in: an address could be anybody's link."""
    answer = _redirect("/")
    answer.set_cookie(
        PROBLEM,
        quote(sentence[:500]),
        max_age=120,
        path=PROBLEM_PATH,
        secure=_secure(request),
        httponly=True,
        samesite="lax",
    )
    return answer


def _own(path: str) -> str:
    """A path of this server; the first page for what leads elsewhere."""
    own = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if own else "/"


def _here(request: Request) -> str:
    return f"{request.scope['scheme']}://{request.headers.get('host', '')}"


def _secure(request: Request) -> bool:
    return bool(request.scope["scheme"] == "https")
