"""Law: a page reaches Asterisk through the server alone, as the endpoint of its own sign-in, as fast as a phone may.

`WS /ws/phone` is passed on to Asterisk's `/ws`, which listens on loopback. The page must have the phone of its
sign-in, and is disconnected when that ends. Each frame of the page is one message that `sip_guard` lets through, of a
bounded size, at a bounded rate. Either side's end is the other's, and so is a peer's that takes nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass

import structlog
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Subprotocol

from server.hotline.dispatcher import NotLeading
from server.tasks import first_of
from server.usecases.browser_phones import BrowserPhoneActs
from server.usecases.errors import ActRefused, Forbidden
from server.usecases.page_phones import Line
from server.usecases.principal import Principal
from server.web.problems import problem
from server.web.sip_guard import Guard

PATH = "/ws/phone"
SUBPROTOCOL = "sip"
MOST_FRAME = 32_768
"""Bytes of a message, from either side."""
MOST_AT_ONCE, A_SECOND = 60, 20
"""Messages that a page may send at once, and in each second after that: a call takes some ten."""
PATIENCE = 10.0
"""Seconds within which a peer takes a message."""
REFUSED, AWAY = 1008, 1012
"""Close codes; `server.usecases.page_phones` has the others."""
_log = structlog.get_logger("phone_socket")


class PhoneSocket:
    """The endpoint. `asterisk` is the URL of Asterisk's WebSocket."""

    def __init__(self, acts: BrowserPhoneActs, asterisk: str) -> None:
        self._acts, self._asterisk = acts, asterisk

    async def serve(self, socket: WebSocket) -> None:
        """Serve one page until either side ends. The gate has found the principal, and a cookie's own origin."""
        if SUBPROTOCOL in socket.scope.get("subprotocols", ()):
            await self._connect(socket, socket.state.principal)
        else:
            await _refuse(socket, problem(400, "Bad Request", f"ask for the subprotocol {SUBPROTOCOL}"))

    async def _connect(self, socket: WebSocket, who: Principal) -> None:
        try:
            attached = self._acts.connect(who, socket.query_params.get("id", ""))
            with attached as line:
                await self._serve(socket, who, line)
        except NotLeading as error:
            await _refuse(socket, problem(503, "Not leading", str(error)))
        except ActRefused as error:
            status, title = (
                (403, "Not allowed for this role")
                if isinstance(error, Forbidden)
                else (
                    409,
                    "Cannot be done now",
                )
            )
            await _refuse(socket, problem(status, title, str(error)))

    async def _serve(self, socket: WebSocket, who: Principal, line: Line) -> None:
        try:
            upstream = await connect(
                self._asterisk,
                subprotocols=[Subprotocol(SUBPROTOCOL)],
                compression=None,
                max_size=2 * MOST_FRAME,
                max_queue=64,
                open_timeout=5,
                close_timeout=2,
                ping_interval=None,
                user_agent_header=None,
                proxy=None,
            )
        except (OSError, TimeoutError, InvalidHandshake) as error:
            _log.warning("Asterisk takes no browsers' phones", why=str(error))
            await _refuse(socket, problem(503, "Service Unavailable", "Asterisk does not answer: try again"))
            return
        async with upstream:
            await socket.accept(subprotocol=SUBPROTOCOL)
            _log.info("a page's phone is connected", device=line.device, who=who.name)
            code, why = await self._pass_on(socket, upstream, line)
        _log.info("a page's phone is disconnected", device=line.device, code=code, why=why)
        with suppress(RuntimeError, WebSocketDisconnect, TimeoutError, OSError):
            async with asyncio.timeout(PATIENCE):
                await socket.close(code, why[:100])

    async def _pass_on(self, socket: WebSocket, upstream: ClientConnection, line: Line) -> tuple[int, str]:
        """Until one of the sides is over: the close code for the page, and why."""
        tasks = [
            asyncio.ensure_future(each)
            for each in (
                _to_asterisk(socket, upstream, Guard(line.device)),
                _to_page(socket, upstream),
                _told(line),
            )
        ]
        try:
            over = await first_of(*tasks)
            return tasks[min(over)].result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


@dataclass(slots=True)
class Allowance:
    """So many messages at once, and so many in each second after that. Instants are of a monotonic clock."""

    left: float = MOST_AT_ONCE
    at: float = 0.0

    def take(self, now: float) -> bool:
        """Whether one more may come now."""
        self.left = min(float(MOST_AT_ONCE), self.left + (now - self.at) * A_SECOND)
        self.at = now
        self.left -= 1
        return self.left >= 0


async def _to_asterisk(socket: WebSocket, upstream: ClientConnection, guard: Guard) -> tuple[int, str]:
    allowance = Allowance(at=time.monotonic())
    while True:
        message = await socket.receive()
        if message["type"] != "websocket.receive":
            return 1000, "the page has gone"
        text = message.get("text")
        if text is None:
            return REFUSED, "SIP comes as text"
        if not allowance.take(time.monotonic()):
            return REFUSED, "too many messages"
        if refused := guard.refuses(text):
            _log.warning("a page's message is refused", why=refused, begins=text[:40])
            return REFUSED, refused
        try:
            await _in_time(upstream.send(text))
        except (ConnectionClosed, TimeoutError):
            return AWAY, "Asterisk has gone"


async def _to_page(socket: WebSocket, upstream: ClientConnection) -> tuple[int, str]:
    try:
        async for message in upstream:
            await _in_time(
                socket.send_text(message if isinstance(message, str) else message.decode("utf-8", "replace"))
            )
    except ConnectionClosed:
        pass
    except (TimeoutError, OSError, RuntimeError, WebSocketDisconnect):
        return REFUSED, "the page takes nothing"
    return AWAY, "Asterisk has gone"


async def _told(line: Line) -> tuple[int, str]:
    return await line.ended(), "the phone is signed off, or in another page"


async def _in_time(sending: Awaitable[None]) -> None:
    async with asyncio.timeout(PATIENCE):
        await sending


async def _refuse(socket: WebSocket, refusal: Response) -> None:
    with suppress(RuntimeError, OSError):
        await socket.send_denial_response(refusal)
