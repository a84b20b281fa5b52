"""Law: a request is judged by its head, and its body is read only for a principal, up to a size and a time.

The gate answers a refused request with a problem, before it reads or asks for its body (100-continue). The rest of
that body is discarded after the answer, see `connections`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from urllib.parse import unquote_to_bytes

from fastapi.responses import JSONResponse
from redis.exceptions import RedisError
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.usecases.principal import Principal
from server.web.authentication import is_link
from server.web.problems import Problem, problem, unavailable

MOST_BODY = 1_000_000
"""Bytes."""
MOST_HEAD, MOST_TARGET = 16_384, 8_192
"""Bytes of all headers, and of path and query."""
MOST_SIGN_IN = 10_000
"""Bytes of a sign-in, which anybody may send."""
MOST_IMPORT = 20_000_000
"""Bytes of a table that is taken in as a whole, at a path that ends in `/import`."""
BODY_TIME = 10.0
"""Seconds that a body may take from the end of the head to its own."""
_NO_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_OIDC = "/api/v1/session/oidc"
OPEN = frozenset({"/healthz", "/metrics", "/api/v1/openapi.json", "/api/v1/session/ways", _OIDC, f"{_OIDC}/callback"})
SIGN_IN = ("POST", "/api/v1/session")
"""The request that nobody has signed in for yet; its body is read like any other."""


class Gate:
    """ASGI middleware: every path under /api except the description and the sign-in needs a token or a session, and so
    does every WebSocket.

    `authenticate` gives the principal of a request by its scope, which routes find as `request.state.principal`; None
    when the request has neither. It raises Problem to refuse in other words.
    """

    def __init__(self, app: ASGIApp, authenticate: Callable[[Scope, Headers], Awaitable[Principal | None]]) -> None:
        self.app, self._authenticate = app, authenticate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI's."""
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        headers = Headers(scope=scope)
        if scope["type"] == "websocket":
            if await self._stranger(scope, headers) is None:
                return await self.app(scope, receive, send)
            await receive()
            return await send({"type": "websocket.close", "code": 1008})
        # A client that asked whether to send its body may send it after a refusal, or not: the connection cannot go on.
        early = _closing(send) if "expect" in headers else send
        if refused := await self._wrong(scope, headers):
            return await refused(scope, receive, early)
        body: bytes | None = b""
        if _reads_body(scope):
            try:
                body = await _whole(receive, _most(scope))
            except _TooLong:
                return await _too_long(scope)(scope, receive, send)
            except TimeoutError:
                late = problem(408, "Request Timeout", f"the body did not arrive within {BODY_TIME:g} seconds")
                return await late(scope, receive, _closing(send))
            if body is None:
                return None  # the peer has gone
            early = send
        left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def receiving() -> Message:
            return left.pop() if left else await receive()

        return await self.app(scope, receiving, early)

    async def _wrong(self, scope: Scope, headers: Headers) -> JSONResponse | None:
        """The refusal that the head alone deserves; None if there is none."""
        chunked = "transfer-encoding" in headers
        over = {"Connection": "close"}
        if scope["http_version"] not in ("1.0", "1.1"):
            return problem(505, "HTTP Version Not Supported", "ask in HTTP/1.1", headers=over)
        if chunked and ("content-length" in headers or scope["http_version"] == "1.0"):
            sentence = "where the body ends is said in two ways: send Content-Length alone"
            return problem(400, "Bad Request", sentence, headers=over)
        target = scope.get("raw_path", b"") + b"?" + scope["query_string"]
        if len(target) > MOST_TARGET:
            return problem(414, "URI Too Long", f"path and query are longer than {MOST_TARGET} bytes")
        if sum(len(name) + len(value) for name, value in scope["headers"]) > MOST_HEAD:
            return problem(431, "Request Header Fields Too Large", f"the headers are longer than {MOST_HEAD} bytes")
        if not _is_text(target):
            return problem(400, "Bad Request", "path and query must be UTF-8 without control characters, with % as %25")
        if _guarded(scope) and (refused := await self._stranger(scope, headers)):
            return refused
        # h11 has seen to it that this is a number.
        if _reads_body(scope) and int(headers.get("content-length", 0)) > _most(scope):
            return _too_long(scope)
        return None

    async def _stranger(self, scope: Scope, headers: Headers) -> JSONResponse | None:
        """The refusal for a request without a principal; None when there is one, which the state has then."""
        try:
            who = await self._authenticate(scope, headers)
        except Problem as error:
            return problem(error.status, error.title, error.detail)
        except RedisError as error:
            return unavailable(error)
        if who is not None:
            scope.setdefault("state", {})["principal"] = who
            return None
        if is_link(scope) and "authorization" not in headers:
            return problem(401, "Link not valid", "this link is over, or was changed: ask for a new one")
        sentence = "give a valid bearer token, or sign in"
        return problem(401, "Not allowed", sentence, headers={"WWW-Authenticate": "Bearer"})


class _TooLong(Exception):
    pass


async def _whole(receive: Receive, most: int) -> bytes | None:
    """The body; None when the peer has gone. Raises _TooLong, TimeoutError."""
    body = bytearray()
    async with asyncio.timeout(BODY_TIME):
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return None
            body += message.get("body", b"")
            if len(body) > most:
                raise _TooLong
            if not message.get("more_body", False):
                return bytes(body)


def _closing(send: Send) -> Send:
    async def closing(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), (b"connection", b"close")]
        await send(message)

    return closing


def _is_text(target: bytes) -> bool:
    if _NO_ESCAPE.search(target):
        return False
    try:
        text = unquote_to_bytes(target).decode()
    except UnicodeDecodeError:
        return False
    return not any(character < " " or character == "\x7f" for character in text)


def _guarded(scope: Scope) -> bool:
    path: str = scope["path"]
    return path.startswith("/api/") and path not in OPEN and (scope["method"], path) != SIGN_IN


def _reads_body(scope: Scope) -> bool:
    return _guarded(scope) or (scope["method"], scope["path"]) == SIGN_IN


def _most(scope: Scope) -> int:
    if (scope["method"], scope["path"]) == SIGN_IN:
        return MOST_SIGN_IN
    return MOST_IMPORT if scope["method"] == "POST" and scope["path"].endswith("/import") else MOST_BODY


def _too_long(scope: Scope) -> JSONResponse:
    most = _most(scope)
    shown = f"{most // 1_000_000} MB" if most >= 1_000_000 else f"{most // 1_000} kB"
    return problem(413, "Content Too Large", f"the body is longer than {shown}: send less")
