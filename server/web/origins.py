"""Law: what a browser asks with a session's cookie was asked by a page of this server.

The cookie is sent by itself, so it does not show which page asked. A change needs the session's token in a header,
which only a page that could read an answer has, and the browser's word on where the request came from.
"""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

from server.web.problems import Problem

TOKEN_HEADER = "x-csrf-token"
SAFE = ("GET", "HEAD", "OPTIONS")
_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


def cross_site(sentence: str) -> Problem:
    """The refusal."""
    return Problem(403, "Cross-site request", sentence)


def check_cookie_request(scope: Scope, headers: Headers, csrf: str) -> None:
    """Raises Problem unless a page of this server asked. `csrf` is the session's token."""
    check_origin(scope, headers, needed=scope["type"] == "websocket" or scope["method"] not in SAFE)
    if scope["type"] == "http" and scope["method"] not in SAFE:
        given = headers.get(TOKEN_HEADER, "")
        if not hmac.compare_digest(given.encode("utf-8", "replace"), csrf.encode()):
            raise cross_site("send X-CSRF-Token with the `csrf` of this session: GET /api/v1/session shows it")


def check_origin(scope: Scope, headers: Headers, *, needed: bool) -> None:
    """Raises Problem where the browser says that another site asked; with `needed`, also where it says nothing."""
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    # A WebSocket's Sec-Fetch-Site is that of its page; "none" is an address that the user typed.
    fine = ("same-origin",) if needed else ("same-origin", "none")
    if site is not None and site not in fine:
        raise cross_site("this request came from a page of another site")
    if origin is not None and not _own(origin, scope, headers):
        raise cross_site(f"this request came from a page of {origin[:100]}, which is another site")
    if needed and origin is None and site is None:
        raise cross_site("send Origin: a change with a session's cookie says which page asks")


def _own(origin: str, scope: Scope, headers: Headers) -> bool:
    """Whether this is the origin of the server as the browser addressed it. Behind a proxy that is not named in the
    settings the server does not know of the proxy's TLS: a page over TLS is then taken for its own."""
    try:
        page, here = urlsplit(origin), urlsplit(f"//{headers.get('host', '')}")
        secure = scope["scheme"] in ("https", "wss")
        if page.scheme not in (("https",) if secure else ("http", "https")):
            return False
        default = _PORTS[page.scheme]
        return bool(page.hostname) and (page.hostname, page.port or default) == (here.hostname, here.port or default)
    except ValueError:
        return False
