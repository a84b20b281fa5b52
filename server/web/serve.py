"""Uvicorn on the loop that Twisted runs: it serves, and leaves signals to Twisted.

How many may be connected, and how slow they may be, is in `connections`.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
from collections.abc import Iterator
from functools import partial
from typing import Any

import uvicorn

from server.web.connections import INCOMPLETE, PATIENCE, Connection, Connections, Socket
from server.web.phone_socket import MOST_FRAME

PING = 10.0
"""Seconds between two pings of a WebSocket, and within which each must be answered."""
BACKLOG = 64
"""Connections that asyncio accepts at once: each has a file descriptor before the server can refuse it."""


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are Twisted's."""
        yield


class HttpServer:
    """One listening HTTP server for an ASGI application."""

    def __init__(
        self,
        application: Any,
        host: str,
        port: int,
        *,
        name: str = "",
        connections: int = 512,
        of_one_address: int = 64,
        patience: float = PATIENCE,
    ) -> None:
        # Calls need at least half of the file descriptors.
        most = min(connections, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2)
        kept: Connections[Connection] = Connections(most, of_one_address)
        config = uvicorn.Config(
            application,
            host=host,
            port=port,
            http=partial(Connection, kept, patience),  # type: ignore[arg-type]
            ws=Socket,
            ws_max_size=MOST_FRAME,
            ws_ping_interval=PING,
            ws_ping_timeout=PING,
            ws_per_message_deflate=False,
            h11_max_incomplete_event_size=INCOMPLETE,
            backlog=BACKLOG,
            log_config=None,
            log_level="error",
            access_log=False,
            lifespan="off",
            server_header=False,
            headers=[("Server", name)] if name else [],
            timeout_graceful_shutdown=2,
        )
        self._server = _Server(config)
        self._where = f"{host}:{port}"
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Return when the server listens. Raises OSError when another program has the port."""

        async def serve() -> None:
            # Uvicorn ends the process when it cannot bind; a task may not.
            try:
                await self._server.serve()
            except SystemExit:
                raise OSError(f"{self._where} is in use: stop the other program, or set SANSHENG_HTTP_PORT") from None

        self._task = asyncio.create_task(serve())
        while not self._server.started:
            if self._task.done():
                self._task.result()
                raise OSError(f"{self._where} cannot be listened on")
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """Finish the requests in progress and close."""
        self._server.should_exit = True
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=5)
