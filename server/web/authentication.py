"""The bearer token of a request names its principal (an access token, or the token file of the home), or the cookie of
a session does.

The token file belongs to the machine's owner. A change with it over loopback is recorded under the account of the
process that asks, which the kernel knows; the text of a request is never believed.
"""

from __future__ import annotations

import ipaddress
import pwd
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from fastapi import Request
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection, cookie_parser
from starlette.types import Scope

from server.usecases.links import SIGNATURE, LinkActs
from server.usecases.principal import Principal, Role
from server.usecases.sign_in import SignedIn, SignInActs
from server.usecases.tokens import OWNER, TokenActs
from server.web.origins import check_cookie_request
from server.web.problems import Problem

_TABLES = {4: Path("/proc/net/tcp"), 6: Path("/proc/net/tcp6")}
_SAFE = ("GET", "HEAD")
COOKIE = "sansheng_session"
"""The cookie with the text of a session."""
NO_DOING = "/api/v1/session/left"
"""What a page asks without its user: it keeps no session from ending."""
BEFORE_THE_PASSWORD = ("/api/v1/session", "/api/v1/session/password", NO_DOING, "/api/v1/session/seen")
"""What a user reaches who has to choose another password first."""


class Authentication:
    """`owner_token` gives the content of the home's token file, `links` knows signed links, `sessions` the sessions."""

    def __init__(
        self,
        owner_token: Callable[[], str],
        tokens: TokenActs,
        links: LinkActs | None = None,
        sessions: SignInActs | None = None,
    ) -> None:
        self._owner_token, self._tokens, self._links, self._sessions = owner_token, tokens, links, sessions

    async def __call__(self, scope: Scope, headers: Headers) -> Principal | None:
        """The principal of this request or WebSocket; None without a valid token and without a session that holds.

        What a session's cookie came with is checked too: raises Problem for a page of another site, and RedisError
        while sessions cannot be read. The session itself is in the scope's state then, see `session_of`.
        """
        text = cookie_of(headers)
        if "authorization" in headers or not text or self._sessions is None:
            return self._by_token(scope, headers)
        signed_in = await self._sessions.signed_in(text, origin_of(scope), seen=scope["path"] != NO_DOING)
        if signed_in is None:
            return self._by_token(scope, headers)
        check_cookie_request(scope, headers, signed_in.csrf)
        if signed_in.user.must_change and scope["path"] not in BEFORE_THE_PASSWORD:
            raise Problem(403, "Password must be changed", "choose another password first: POST /session/password")
        scope.setdefault("state", {})["signed_in"] = signed_in
        return signed_in.principal

    def _by_token(self, scope: Scope, headers: Headers) -> Principal | None:
        token = bearer_of(headers)
        client = scope.get("client")
        origin = origin_of(scope)
        if self._links is not None and is_link(scope) and "authorization" not in headers:
            return self._links.principal(scope["path"], scope["query_string"].decode("latin-1"), origin)
        if not token:
            return None
        if secrets.compare_digest(token.encode(), self._owner_token().encode()):
            account = "" if scope.get("method", "GET") in _SAFE else account_of(client, scope.get("server"))
            return Principal(f"{account} on this machine" if account else OWNER, Role.ADMINISTRATOR, origin)
        return self._tokens.principal(token, origin)


def bearer_of(headers: Headers) -> str:
    """The bearer token of the request; empty without one."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def cookie_of(headers: Headers) -> str:
    """The text of the session that the browser has; empty without one."""
    return cookie_parser(headers.get("cookie", "")).get(COOKIE, "")


def origin_of(scope: Scope) -> str:
    """The address that the request came from."""
    client = scope.get("client")
    return str(client[0]) if client else "http"


def session_of(request: HTTPConnection) -> SignedIn | None:
    """The session of this request or WebSocket; None when it came with a token."""
    found: SignedIn | None = request.scope.get("state", {}).get("signed_in")
    return found


def is_link(scope: Scope) -> bool:
    """Whether the request is by a signed link."""
    return scope.get("method") in _SAFE and f"{SIGNATURE}=".encode() in scope["query_string"]


async def principal_of(request: Request) -> Principal:
    """The principal that the gate found for this request."""
    # Asynchronous, though it waits for nothing: FastAPI runs what is not in a thread of its own.
    who: Principal = request.state.principal
    return who


def account_of(client: tuple[str, int] | None, server: tuple[str, int | None] | None) -> str:
    """The account of the process at the client's end of a connection over loopback; empty when it is not known."""
    if client is None or server is None or server[1] is None:
        return ""
    with suppress(OSError, ValueError, KeyError):
        address = ipaddress.ip_address(client[0])
        if address.is_loopback:
            ends = (_kernel(client[0], client[1]), _kernel(server[0], server[1]))
            for line in _TABLES[address.version].read_text("ascii").splitlines()[1:]:
                fields = line.split()
                if (fields[1], fields[2]) == ends:
                    return pwd.getpwuid(int(fields[7])).pw_name
    return ""


def _kernel(address: str, port: int) -> str:
    """An end of a connection as /proc/net/tcp writes it: words of the address in the machine's order, and the port."""
    packed = ipaddress.ip_address(address).packed
    words = [packed[start : start + 4][::-1].hex() for start in range(0, len(packed), 4)]
    return f"{''.join(words)}:{port:04x}".upper()
