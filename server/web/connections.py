"""Law: neither one address nor one slow peer keeps the others out.

A connection waits (for the rest of a request, or for the next one) or is busy (a request is being answered). When
there are too many of one address, or in all, the server closes the one that has waited longest: a client that only
holds connections loses them, and a request that is sent at once goes through. A peer that waits too long, or takes no
answer, is cut off.
"""

from __future__ import annotations

import asyncio
import ipaddress
import sys
from collections.abc import Callable, Container, Hashable
from typing import Any, Generic, Protocol, TypeVar

import h11
from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, ASGISendEvent, Scope
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from server.web.phone_socket import PATH
from server.web.problems import problem

CHUNKS = "sansheng.chunks"
"""The ASGI extension with `Connection.write_chunk`, for an answer in HTTP/1.1."""
SOCKETS = frozenset({PATH})
"""Paths at which a WebSocket is taken; elsewhere a wish to upgrade has no effect."""

PATIENCE = 10.0
"""Seconds for a whole head to arrive, and between two looks at whether an answer is being taken."""
LEAST_TAKEN = 16_384
"""Bytes of an answer that a peer must take between two looks."""
MOST_THROWN_AWAY = 4_000_000
"""Bytes of bodies that were answered before they were read, on one connection."""
INCOMPLETE = 16_384
"""Bytes of a head that is not whole yet."""

C = TypeVar("C", bound=Hashable)


class Peer(Hashable, Protocol):
    """A connection that counts."""

    def make_room(self) -> None:
        """End it: another one has come."""


class Connections(Generic[C]):
    """The connections of each address; which of them to close when one more comes. `proxies` have as many as there may
    be in all: they are not one client."""

    def __init__(self, most: int, most_of_one: int, proxies: Container[str] = ()) -> None:
        self._most, self._most_of_one, self._proxies = most, most_of_one, proxies
        self._of: dict[str, dict[C, None]] = {}
        """Address → its connections; those that wait, longest first, are in `_waiting` too."""
        self._waiting: dict[str, dict[C, None]] = {}
        self._all = 0

    def come(self, who: C, address: str) -> C | None:
        """A connection has come and waits. Returns the connection to close for it: None, another, or itself."""
        mine = self._of.setdefault(address, {})
        mine[who] = None
        self._all += 1
        self.waits(who, address)
        if len(mine) > self._most_of_one and address not in self._proxies:
            return next(iter(self._waiting[address]))
        if self._all > self._most:
            # Of the address with the most, among those with a waiting one; the new connection's own counts last.
            most = max(self._waiting, key=lambda each: (len(self._of[each]), each != address))
            return next(iter(self._waiting[most]))
        return None

    def address_of(self, host: str) -> str:
        """What a connection from this host is counted by."""
        return host if host in self._proxies else whose(host)

    def waits(self, who: C, address: str) -> None:
        """The connection waits from now on."""
        self._waiting.setdefault(address, {})[who] = None

    def is_busy(self, who: C, address: str) -> None:
        """The connection is being answered from now on: it is not closed for another."""
        self._forget(self._waiting, who, address)

    def left(self, who: C, address: str) -> None:
        """The connection is gone."""
        if self._forget(self._of, who, address):
            self._all -= 1
        self._forget(self._waiting, who, address)

    @staticmethod
    def _forget(table: dict[str, dict[C, None]], who: C, address: str) -> bool:
        of_address = table.get(address, {})
        known = who in of_address
        of_address.pop(who, None)
        if not of_address:
            table.pop(address, None)
        return known


def whose(host: str) -> str:
    """The address that counts: of IPv6 the /64 network, since one subscriber has all of it."""
    address = ipaddress.ip_address(host.partition("%")[0])
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(address.ipv4_mapped or ipaddress.ip_network((address, 64), strict=False).network_address)


class Socket(WebSocketsSansIOProtocol):
    """A connection that has become a WebSocket. `on_lost` is called when it is gone."""

    on_lost: Callable[[], None] = staticmethod(lambda: None)

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio's."""
        super().connection_lost(exc)
        self.on_lost()

    async def send(self, message: ASGISendEvent) -> None:
        """ASGI's. A refusal in words is an answer as good as an upgrade: nothing is missing then."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and self.close_sent:
            self.handshake_complete = True


class Connection(H11Protocol):
    """One connection, as uvicorn serves it, with a limit on each step that a peer can leave undone."""

    def __init__(self, connections: Connections[Peer], patience: float = PATIENCE, **given: Any) -> None:
        super().__init__(**given)
        self._serve, self.app = self.app, self._extended
        self._all, self._patience = connections, patience
        self._address, self._busy, self._stuck, self._unsent = "", False, False, 0
        self._thrown_away = 0
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """asyncio's: the connection may exceed a limit."""
        super().connection_made(transport)
        self._address = self._all.address_of(self.client[0]) if self.client else ""
        goes = self._all.come(self, self._address)
        self._watch()
        if goes is self:
            self._refuse(503, "Service Unavailable", "there are too many connections: try again in a moment")
        elif goes is not None:
            goes.make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio's."""
        self._stop_watching()
        self._all.left(self, self._address)
        super().connection_lost(exc)

    def make_room(self) -> None:
        """End a connection on which nothing is being answered."""
        self._all.left(self, self._address)
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """asyncio's: the rest of a body that is answered already is discarded, up to a limit.

        Closing at once would let the kernel throw away the answer, too, before a peer has read it.
        """
        if self.conn.our_state is h11.DONE and self.conn.their_state is h11.SEND_BODY:
            self._thrown_away += len(data)
            if self._thrown_away > MOST_THROWN_AWAY:
                self.transport.close()
                return
        super().data_received(data)

    # Parts of an answer that goes on

    async def _extended(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if scope["type"] == "http" and scope["http_version"] == "1.1":
            extensions: dict[Any, Any] = scope.setdefault("extensions", {})
            extensions[CHUNKS] = self.write_chunk
        await self._serve(scope, receive, send)

    def write_chunk(self, chunk: bytes) -> bool:
        """Write a part of the answer that has begun, framed as a chunk of HTTP/1.1; False if the client does not take
        it now, or is gone. It waits for nobody and costs a tenth of a message of ASGI's."""
        if self._stuck or self.cycle is None or self.cycle.disconnected or self.transport.is_closing():
            return False
        self.transport.write(chunk)
        return True

    # Waiting and busy

    def handle_events(self) -> None:
        """uvicorn's: a request may have begun."""
        super().handle_events()
        self._turned()

    def on_response_complete(self) -> None:
        """uvicorn's: the connection waits for the next request, or it has begun."""
        super().on_response_complete()
        self._turned()

    def _turned(self) -> None:
        busy = self.cycle is not None and not self.cycle.response_complete
        if busy == self._busy:
            return
        self._busy = busy
        if busy:
            self._all.is_busy(self, self._address)
        elif not self.transport.is_closing():
            self._all.waits(self, self._address)
        self._watch()

    # WebSockets

    def _should_upgrade_to_ws(self) -> bool:
        return self.scope["path"] in SOCKETS and super()._should_upgrade_to_ws()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """uvicorn's: a WebSocket goes on with this connection, which stays counted, and busy."""
        self._stop_watching()
        self._all.is_busy(self, self._address)
        super().handle_websocket_upgrade(event)
        protocol = self.transport.get_protocol()
        assert isinstance(protocol, Socket)
        protocol.on_lost = self._socket_lost

    def _socket_lost(self) -> None:
        self._all.left(self, self._address)

    # Deadlines

    def pause_writing(self) -> None:
        """asyncio's: the peer does not take the answer as fast as it is written."""
        super().pause_writing()
        self._stuck = True
        self._watch()

    def resume_writing(self) -> None:
        """asyncio's."""
        super().resume_writing()
        self._stuck = False
        self._watch()

    def _watch(self) -> None:
        """Look again after `patience`, if something is expected of the peer by then."""
        self._stop_watching()
        if self._stuck or not self._busy or self.transport.is_closing():
            self._unsent = self.transport.get_write_buffer_size()
            self._timer = self.loop.call_later(self._patience, self._late)

    def _stop_watching(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _late(self) -> None:
        unsent = self.transport.get_write_buffer_size()
        if unsent and unsent <= self._unsent - LEAST_TAKEN:
            self._watch()
        elif unsent or self.transport.is_closing():
            self.transport.abort()
        elif self.conn.trailing_data[0]:
            self._refuse(408, "Request Timeout", f"the request was not whole within {self._patience:g} seconds")
        else:
            self.transport.close()

    # Refusing

    def send_400_response(self, msg: str) -> None:
        """uvicorn's, for bytes that h11 could not read: a problem, with the status that h11 names."""
        error = sys.exc_info()[1]
        status = error.error_status_hint if isinstance(error, h11.RemoteProtocolError) else 400
        self._refuse(status, STATUS_PHRASES[status].decode(), f"this is no HTTP request: {error or msg}")

    def _refuse(self, status: int, title: str, sentence: str) -> None:
        """Answer without the application, as far as an answer can still be sent, and close."""
        answer = problem(status, title, sentence)
        headers = [*answer.raw_headers, (b"connection", b"close")]
        try:
            head = h11.Response(status_code=status, headers=headers, reason=STATUS_PHRASES[status])
            for event in (head, h11.Data(data=bytes(answer.body)), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        except h11.LocalProtocolError:
            pass  # another answer has begun
        if self.cycle is not None and not self.cycle.response_complete:
            # Later answers of the application are dropped: for it the peer is gone.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.close()
        self._watch()
