"""Law: a route is analysed when it is first asked for; a server that starts builds none of them.

FastAPI reads an endpoint's signature and builds a validator for each parameter and for the answer: a few milliseconds
a route, most of a second for all, in which nobody would be served.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from threading import RLock
from typing import Any

from fastapi.routing import APIRoute
from starlette.routing import Match, compile_path
from starlette.types import Receive, Scope, Send

_building = RLock()
"""The description is drawn in a thread, while requests go on."""
_OF_PATH = ("path_regex", "path_format", "param_convertors")


class LateRoute(APIRoute):
    """A route of FastAPI's, with path, methods and endpoint at once, and all else when it is first read.

    What is wrong with an endpoint's signature is raised then, not when the route is made.
    """

    def __init__(
        self,
        path: str,
        endpoint: Callable[..., Any],
        *,
        methods: set[str] | list[str] | None = None,
        include_in_schema: bool = True,
        **given: Any,
    ) -> None:
        self.path, self.endpoint, self.include_in_schema = path, endpoint, include_in_schema
        self.methods = {method.upper() for method in methods or ["GET"]}
        self._given: dict[str, Any] | None = given
        self._beginning = path.partition("{")[0]

    def __getattr__(self, name: str) -> Any:
        # Python asks here for what is not there yet.
        if name in _OF_PATH:
            self.path_regex, self.path_format, self.param_convertors = compile_path(self.path)
        else:
            self.built()
        try:
            return self.__dict__[name]
        except KeyError:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name) from None

    def built(self) -> None:
        """Analyse the endpoint now. Raises FastAPI's errors of a signature that cannot be served."""
        with _building:
            given, self._given = self._given, None
            if given is None:
                return
            super().__init__(
                self.path,
                self.endpoint,
                methods=self.methods,
                include_in_schema=self.include_in_schema,
                **given,
            )

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As FastAPI's; a path that begins otherwise is not compared any further."""
        if not scope.get("root_path") and not scope.get("path", "").startswith(self._beginning):
            return Match.NONE, {}
        return super().matches(scope)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As FastAPI's; the first request is analysed in a thread, so that calls go on meanwhile."""
        if self._given is not None and scope["method"] in (self.methods or ()):
            await asyncio.to_thread(self.built)
        await super().handle(scope, receive, send)
