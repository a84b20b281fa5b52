"""Law: a change with If-Match is done only if its resource is still what the client has seen.

The resource of a change is the longest part of its path that can be fetched: of POST /tickets/7/state it is /tickets/7.
Each answer to GET on such a resource has an ETag. A change with a condition fetches the resource first, as the same
principal, from records that show everything up to now; such changes of one resource are done one after the other, and
are written only by the lead under which the condition held (`server.usecases.conditions`).
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Any
from weakref import WeakValueDictionary

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.usecases.conditions import Checked, checked
from server.web.problems import problem

CHANGES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_PROBLEM = {
    "description": "A problem",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemOut"}}},
}
_TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')


class Preconditions:
    """ASGI middleware behind the gate. `routes` are the application's; `settled` waits until the records show what has
    happened up to now; `condition` gives what a condition on a resource is bound to."""

    def __init__(
        self,
        app: ASGIApp,
        routes: Callable[[], Iterable[Any]],
        settled: Callable[[], Awaitable[None]],
        condition: Callable[[str], Checked | None] = lambda resource: None,
    ) -> None:
        self.app, self._routes, self._settled, self._condition = app, routes, settled, condition
        self._resources: list[tuple[str, Route, frozenset[str], int]] | None = None
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI's."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        headers = Headers(scope=scope)
        if scope["method"] == "GET" and self.resource_of(scope["path"], CHANGES) == scope["path"]:
            return await self._tagged(scope, receive, send, headers.get("if-none-match"))
        wanted, unwanted = headers.get("if-match"), headers.get("if-none-match")
        if scope["method"] not in CHANGES or (wanted is None and unwanted is None):
            return await self.app(scope, receive, send)
        resource = self.resource_of(scope["path"], frozenset({scope["method"]}))
        if resource is None:
            return await self.app(scope, receive, send)
        lock = self._locks.setdefault(resource, asyncio.Lock())
        async with lock:
            await self._settled()
            condition = self._condition(resource)
            if refused := await self._refusal(scope, resource, wanted, unwanted):
                return await refused(scope, receive, send)
            with checked(condition):
                return await self.app(scope, receive, send)

    def resource_of(self, path: str, methods: frozenset[str]) -> str | None:
        """The resource that one of these methods on this path would change; None if it changes none that can be
        fetched."""
        if self._resources is None:
            self._resources = _resources(self._routes())
        for beginning, route, possible, parts in self._resources:
            if possible & methods and path.startswith(beginning) and route.path_regex.fullmatch(path):
                return "/".join(path.split("/")[:parts])
        return None

    async def _tagged(self, scope: Scope, receive: Receive, send: Send, known: str | None) -> None:
        answer = await self._whole(scope, receive)
        if answer.status_code == 200:
            tag = tag_of(answer)
            if known is not None and (
                known.strip() == "*" or tag in [each.removeprefix("W/") for each in _tags(known)]
            ):
                answer = Response(status_code=304)
            MutableHeaders(raw=answer.raw_headers)["ETag"] = tag
        await answer(scope, receive, send)

    async def _refusal(self, scope: Scope, resource: str, wanted: str | None, unwanted: str | None) -> Response | None:
        fetched = {**scope, "method": "GET", "path": resource, "raw_path": resource.encode(), "query_string": b""}

        async def nothing() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        answer = await self._whole(fetched, nothing)
        if answer.status_code not in (200, 404):
            return answer
        tag = tag_of(answer) if answer.status_code == 200 else None
        if wanted is not None and (tag is None or (wanted.strip() != "*" and tag not in _tags(wanted))):
            what = f"{resource} has changed since: get it again, and decide anew" if tag else f"there is no {resource}"
            return problem(412, "Changed since", what, headers={"ETag": tag} if tag else None)
        if unwanted is not None and tag is not None and (unwanted.strip() == "*" or tag in _tags(unwanted)):
            return problem(412, "Changed since", f"{resource} exists already", headers={"ETag": tag})
        return None

    async def _whole(self, scope: Scope, receive: Receive) -> Response:
        """The whole answer of the application."""
        answer, body = Response(), bytearray()

        async def take(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.status_code, answer.raw_headers = message["status"], list(message["headers"])
            elif message["type"] == "http.response.body":
                body.extend(message.get("body", b""))

        await self.app(scope, receive, take)
        answer.body = bytes(body)
        return answer


def tag_of(answer: Response) -> str:
    """The ETag of a resource: its route's, its `version`, or else the hash of what was shown."""
    headers = MutableHeaders(raw=answer.raw_headers)
    if "etag" in headers:
        return headers["etag"]
    if headers.get("content-type", "").startswith("application/json"):
        shown = json.loads(bytes(answer.body))
        version = shown.get("version") if isinstance(shown, dict) else None
        if isinstance(version, int) and not isinstance(version, bool):
            return f'"v{version}"'
    return f'"{hashlib.sha256(bytes(answer.body)).hexdigest()[:32]}"'


def describe_headers(drawn: dict[str, Any], routes: Iterable[Any]) -> None:
    """Add to a description the request headers that hold for many operations: Idempotency-Key, If-Match."""
    changing = {route.path for route, _ in _changing(routes)}
    for path, operations in drawn["paths"].items():
        for method, operation in operations.items():
            headers = {}
            if method == "post" and path.startswith("/api/"):
                headers["Idempotency-Key"] = "The same key and body are done once, and answered alike, for 24 hours."
            if method.upper() in CHANGES and path in changing:
                headers["If-Match"] = "The ETag of the resource as it was seen; 412 if it has changed since."
            for name, sentence in headers.items():
                operation.setdefault("parameters", []).append(
                    {"name": name, "in": "header", "required": False, "description": sentence}
                    | {"schema": {"type": "string", "minLength": 1, "maxLength": 255}}
                )
            statuses = ("400", "409", "422") if "Idempotency-Key" in headers else ()
            for status in (*statuses, *(("412",) if "If-Match" in headers else ())):
                operation["responses"].setdefault(status, _PROBLEM)


def _tags(header: str) -> list[str]:
    return _TAG.findall(header)


def _resources(routes: Iterable[Any]) -> list[tuple[str, Route, frozenset[str], int]]:
    """(how a path begins, the route that it then has to match, methods, how many parts of the path are the
    resource's)."""
    routes = list(routes)
    own: dict[str, Route] = {}
    for route in routes:
        if isinstance(route, Route):
            own.setdefault(route.path, route)
    found: list[tuple[str, Route, frozenset[str], int]] = []
    for route, part in _changing(routes):
        methods = CHANGES & (route.methods or set())
        for each in (route, own[part]):
            found.append((each.path.partition("{")[0], each, methods, len(part.split("/"))))
    return found


def _changing(routes: Iterable[Any]) -> list[tuple[Route, str]]:
    """The routes that change a resource, each with the longest part of its path that can be fetched, as a path with
    parameters."""
    known = [each for each in routes if isinstance(each, Route) and each.path.startswith("/api/v1/")]
    gets = {each.path for each in known if "GET" in (each.methods or ())}
    puts = {each.path for each in known if "PUT" in (each.methods or ())}
    found = []
    for route in known:
        if not CHANGES & (route.methods or set()):
            continue
        parts = route.path.split("/")
        for count in range(len(parts), 3, -1):
            part = "/".join(parts[:count])
            if part in gets and (part.endswith("}") or part in puts):
                found.append((route, part))
                break
    return found
