"""The FastAGI server: Asterisk connects, a handler talks to the caller, the connection ends.

The law: a connection costs the others nothing, and only Asterisk's are served. A header has limits and a deadline and
proves by a token that it is its channel's; a handler's errors end its connection and nothing else, and a peer that has
vanished is noticed. The caller's dialplan goes on in every case.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory, connectionDone
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure

from server.tasks import BackgroundTasks
from server.telephony.agi.call import AgiCall, Recorded
from server.telephony.agi.wire import (
    AgiDead,
    AgiError,
    AgiGone,
    AgiHangup,
    AgiProtocolError,
    AgiRefused,
    AgiReply,
    AgiRequest,
    decode,
    parse_header,
)
from server.telephony.tokens import ChannelTokens

__all__ = [
    "AgiCall",
    "AgiDead",
    "AgiError",
    "AgiFactory",
    "AgiGone",
    "AgiHangup",
    "AgiProtocolError",
    "AgiRefused",
    "AgiReply",
    "AgiRequest",
    "Recorded",
]

Handler = Callable[[AgiCall], Awaitable[None]]
Confirm = Callable[[AgiCall], Awaitable[bool]]

MAX_HEADERS = 256
"""Asterisk sends some 25 headers and at most 127 arguments."""
MAX_HEADER_LINE = 8_192
MAX_REPLY_LINE = 65_536
KEEPALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 60_000}
"""A vanished peer is noticed in 60 s, whether we are waiting (seconds, seconds, probes) or have written (ms)."""

_log = structlog.get_logger("agi")


class AgiFactory(Factory):
    """Listens for Asterisk: `reactor.listenTCP(port, AgiFactory(handler))` on an asyncio reactor.

    `handler(call)` runs as an asyncio task of its own for every connection whose token fits. Meanwhile `confirm(call)`
    asks Asterisk whether it has such a channel; False ends the connection. `deadline` is how long a header may take,
    in seconds.
    """

    noisy = False

    def __init__(
        self, handler: Handler, tokens: ChannelTokens, *, confirm: Confirm | None = None, deadline: float = 5.0
    ) -> None:
        self.handler = handler
        self.tokens = tokens
        self.confirm = confirm
        self.deadline = deadline
        self.draining = False
        self.refused = 0
        """How many connections were closed because what came was not Asterisk's."""
        self._confirming = BackgroundTasks(_log, "Asterisk could not be asked for a channel")
        self._connections: set[AgiConnection] = set()
        self._calls: dict[AgiCall, asyncio.Task[None]] = {}

    @property
    def calls(self) -> frozenset[AgiCall]:
        """The calls whose handlers are running."""
        return frozenset(self._calls)

    def buildProtocol(self, addr: IAddress | None) -> AgiConnection | None:
        """Twisted's: a connection, or None (closed at once, the dialplan tries the next server) while draining."""
        return None if self.draining else AgiConnection(self)

    async def drain(self, timeout: float) -> int:
        """Take no more calls and wait up to `timeout` seconds for those there are; how many are left."""
        self.draining = True
        if self._calls:
            await asyncio.wait(list(self._calls.values()), timeout=timeout)
        return len(self._calls)

    async def close(self, timeout: float = 5.0) -> None:
        """End every connection now; cancelled handlers have `timeout` seconds. Asterisk's dialplans go on."""
        self.draining = True
        tasks = list(self._calls.values())
        for task in tasks:
            task.cancel()
        for connection in list(self._connections):
            connection.drop("the server is closing")
        if tasks:
            await asyncio.wait(tasks, timeout=timeout)

    def connection_began(self, connection: AgiConnection) -> None:
        """Called by a connection when it is there."""
        self._connections.add(connection)

    def connection_over(self, connection: AgiConnection) -> None:
        """Called by a connection when it is gone; its handler may still be running."""
        self._connections.discard(connection)

    def call_began(self, call: AgiCall, connection: AgiConnection) -> None:
        """Called by a connection when its header is complete: the handler starts."""
        self._calls[call] = task = asyncio.get_running_loop().create_task(self._handle(call))

        def over(_: asyncio.Task[None]) -> None:
            # A callback and no `finally`: a task that is cancelled before its first step runs neither.
            del self._calls[call]
            connection.close()

        task.add_done_callback(over)
        if self.confirm is not None:
            self._confirming.start(self._confirm(self.confirm, call, connection))

    async def _confirm(self, confirm: Confirm, call: AgiCall, connection: AgiConnection) -> None:
        if not await confirm(call) and not call.hung_up:
            connection.drop("Asterisk has no such channel")

    async def _handle(self, call: AgiCall) -> None:
        who = {"channel": call.channel, "unique_id": call.unique_id, "script": call.script}
        try:
            await self.handler(call)
        except AgiHangup as end:
            _log.debug("the caller hung up", why=str(end), **who)
        except AgiError as problem:
            _log.warning("an AGI session ended early", why=str(problem), **who)
        except asyncio.CancelledError:
            _log.info("an AGI session was cancelled", **who)
        except Exception:
            _log.exception("an AGI session failed; its dialplan goes on", **who)


class AgiConnection(LineOnlyReceiver):
    """One connection: a header block, then replies."""

    delimiter = b"\n"
    MAX_LENGTH = MAX_HEADER_LINE

    def __init__(self, agi: AgiFactory) -> None:
        self.agi = agi
        self.call: AgiCall | None = None
        self._env: dict[str, str] = {}
        self._over = False
        self._timer: asyncio.TimerHandle | None = None
        self._why = "the connection to Asterisk was lost"

    def connectionMade(self) -> None:
        """Twisted's: the deadline for the header begins."""
        self._transport.setTcpNoDelay(True)
        self._transport.setTcpKeepAlive(True)
        for option, value in KEEPALIVE.items():
            if hasattr(socket, option):
                self._transport.getHandle().setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self.agi.deadline, self.drop, f"no whole header in {self.agi.deadline:g} s")
        self.agi.connection_began(self)

    def lineReceived(self, line: bytes) -> None:
        """Twisted's: a line of the header, or of a reply."""
        if self._over:
            return  # it came in one piece with what the connection was closed for
        try:
            text = decode(line)
            if self.call is not None:
                self.call.line_came(text)
            elif text:
                self._header_came(text)
            else:
                self._header_ended()
        except AgiProtocolError as problem:
            self.agi.refused += 1
            self.drop(str(problem))

    def lineLengthExceeded(self, line: bytes) -> None:
        """Twisted's: too long to be AGI."""
        self.agi.refused += 1
        self.drop(f"a line of more than {self.MAX_LENGTH} bytes, beginning {line[:40]!r}")

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Twisted's: the command that waits for a reply fails."""
        self._over = True
        self._cancel_timer()
        self.agi.connection_over(self)
        if self.call is not None:
            self.call.connection_ended(self._why)

    def close(self) -> None:
        """Send what is left and close: at most one command, which the kernel takes at once."""
        if not self._over:
            self._over = True
            if self.call is not None:
                self.call.connection_ended("the session is over")
            self._transport.loseConnection()

    def drop(self, why: str) -> None:
        """Cut the connection off, and say why in the log."""
        if not self._over:
            self._over = True
            self._why = why
            channel = self.call.channel if self.call is not None else self._env.get("channel", "")
            _log.warning("an AGI connection was closed", why=why, peer=str(self._transport.getPeer()), channel=channel)
            self._transport.abortConnection()

    @property
    def _transport(self) -> Any:
        # Twisted's TCP transports are not typed.
        return self.transport

    def _send(self, line: bytes) -> None:
        """Send at once what the kernel takes, rather than in the loop's next turn: the caller waits for it.

        One command is under way at a time, so nothing that was sent earlier can still be on its way to the kernel.
        """
        try:
            sent = self._transport.getHandle().send(line)
        except OSError:
            sent = 0
        if sent < len(line):
            self._transport.write(line[sent:])

    def _header_came(self, text: str) -> None:
        if len(self._env) >= MAX_HEADERS:
            raise AgiProtocolError(f"more than {MAX_HEADERS} headers")
        key, value = parse_header(text)
        if key in self._env:
            raise AgiProtocolError(f"agi_{key} came twice")
        self._env[key] = value

    def _header_ended(self) -> None:
        for key in ("request", "channel", "uniqueid"):
            if key not in self._env:
                raise AgiProtocolError(f"the header has no agi_{key}")
        call = AgiCall(self._env, self._send)
        if not self.agi.tokens.fits(call.unique_id, call.query.get("token", "")):
            raise AgiProtocolError("the token is not this channel's: see SANSHENG_CHANNEL_SECRET")
        self.call = call
        self._cancel_timer()
        self.MAX_LENGTH = MAX_REPLY_LINE
        self.agi.call_began(self.call, self)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
