"""Uvicorn on the loop that Twisted runs: it serves, and leaves signals to Twisted.

How many may be connected, and how slow they may be, is in `connections`.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import ssl
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import uvicorn

from server.web.connections import INCOMPLETE, PATIENCE, Connection, Connections, Peer, Socket
from server.web.edge import Networks
from server.web.handshakes import Handshake
from server.web.phone_socket import MOST_FRAME

PING = 10.0
"""Seconds between two pings of a WebSocket, and within which each must be answered."""
BACKLOG = 64
"""Connections that asyncio accepts at once: each has a file descriptor before the server can refuse it."""


class _Server(uvicorn.Server):
    """`listen` opens the port; uvicorn's own way counts no connection before the handshake of TLS."""

    def __init__(self, config: uvicorn.Config, kept: Connections[Peer], tls: ssl.SSLContext | None, patience: float):
        super().__init__(config)
        self._kept, self._tls, self._patience = kept, tls, patience

    async def startup(self, sockets: list[Any] | None = None) -> None:
        """uvicorn's. Raises OSError when another program has the port."""
        config = self.config

        def connection() -> Connection:
            made = config.http_protocol_class(config=config, server_state=self.server_state, app_state={})  # type: ignore[call-arg]
            assert isinstance(made, Connection)
            return made

        def accepted() -> asyncio.Protocol:
            if self._tls is None:
                return connection()
            return Handshake(self._kept, self._tls, connection, self._patience)

        loop = asyncio.get_running_loop()
        self.servers = [await loop.create_server(accepted, config.host, config.port, backlog=config.backlog)]
        self.started = True

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are Twisted's."""
        yield


class HttpServer:
    """One listening HTTP server for an ASGI application. With `tls` it speaks TLS; a connection from `proxies` stands
    for many clients."""

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
        tls: ssl.SSLContext | None = None,
        proxies: Sequence[str] = (),
    ) -> None:
        # Calls need at least half of the file descriptors.
        most = min(connections, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2)
        kept: Connections[Peer] = Connections(most, of_one_address, Networks(proxies))
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
            proxy_headers=False,  # see `edge`
            log_config=None,
            log_level="error",
            access_log=False,
            lifespan="off",
            server_header=False,
            headers=[("Server", name)] if name else [],
            timeout_graceful_shutdown=2,
        )
        self._server = _Server(config, kept, tls, patience)
        self._where = f"{host}:{port}"
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Return when the server listens. Raises OSError when another program has the port."""

        async def serve() -> None:
            try:
                await self._server.serve()
            except OSError:
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
