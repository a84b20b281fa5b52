"""Law: a peer that does not finish the handshake of TLS counts as one that waits, and keeps nobody out.

The connection is counted as soon as it is accepted, before TLS. When the handshake is done, the connection of HTTP
takes its place.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable

from server.web.connections import Connection, Connections, Peer


class Handshake(asyncio.Protocol):
    """One connection until TLS stands. `connection` makes the one of HTTP, `patience` is in seconds."""

    def __init__(
        self,
        connections: Connections[Peer],
        context: ssl.SSLContext,
        connection: Callable[[], Connection],
        patience: float,
    ) -> None:
        self._all, self._context, self._connection, self._patience = connections, context, connection, patience
        self._transport: asyncio.Transport
        self._address = ""
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio's: the connection may exceed a limit."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.pause_reading()  # the bytes are for TLS
        peer = transport.get_extra_info("peername")
        self._address = self._all.address_of(peer[0]) if peer else ""
        goes = self._all.come(self, self._address)
        if goes is self:
            self.make_room()
            return
        if goes is not None:
            goes.make_room()
        self._task = asyncio.get_running_loop().create_task(self._shake())

    def make_room(self) -> None:
        """End it."""
        self._all.left(self, self._address)
        self._transport.abort()

    async def _shake(self) -> None:
        loop = asyncio.get_running_loop()
        early = _Early()
        try:
            transport = await loop.start_tls(
                self._transport,
                early,
                self._context,
                server_side=True,
                ssl_handshake_timeout=self._patience,
                ssl_shutdown_timeout=self._patience,
            )
        except (OSError, EOFError):  # SSLError and TimeoutError are OSErrors
            transport = None
        except asyncio.CancelledError:
            self._transport.abort()
            raise
        finally:
            self._all.left(self, self._address)
        if transport is None:
            self._transport.abort()
        else:
            early.hand_over(transport, self._connection())


class _Early(asyncio.Protocol):
    """Keeps what arrives with the end of the handshake, for the connection that is made then."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._lost: tuple[Exception | None] | None = None

    def data_received(self, data: bytes) -> None:
        self._data += data

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = (exc,)

    def hand_over(self, transport: asyncio.Transport, connection: Connection) -> None:
        if self._lost is not None:
            transport.abort()
            return
        transport.set_protocol(connection)
        connection.connection_made(transport)
        if self._data:
            connection.data_received(bytes(self._data))
