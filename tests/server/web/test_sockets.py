"""A WebSocket is taken where there is one, stays counted as a connection, and leaves no place taken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus

from server.web.phone_socket import A_SECOND, MOST_AT_ONCE, MOST_FRAME, Allowance
from server.web.serve import HttpServer
from tests.dialplan.conftest import free_port

Port = int


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Echoes texts; answers HTTP with 204."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        return
    await receive()
    await send({"type": "websocket.accept", "subprotocol": "sip"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})


@pytest.fixture
async def port() -> AsyncIterator[Port]:
    """A server that lets two connections of an address in."""
    port = free_port()
    server = HttpServer(application, "127.0.0.1", port, of_one_address=2)
    await server.start()
    yield port
    await server.stop()


def socket(port: Port, path: str = "/ws/phone") -> Any:
    return connect(f"ws://127.0.0.1:{port}{path}", subprotocols=["sip"], proxy=None)  # type: ignore[list-item]


async def test_sockets_are_counted_and_leave_their_place(port: Port) -> None:
    async with socket(port) as one, socket(port) as two:
        for each in (one, two):
            await each.send("hello")
            assert await each.recv() == "hello"
        with pytest.raises((InvalidStatus, InvalidMessage, ConnectionClosed, OSError)):
            await socket(port)
        await one.send("still there")
        assert await one.recv() == "still there"
    async with asyncio.timeout(5):
        while True:
            try:
                async with socket(port) as again:
                    await again.send("hello")
                    assert await again.recv() == "hello"
                return
            except (InvalidStatus, InvalidMessage, OSError):
                await asyncio.sleep(0.05)


async def test_a_wish_to_upgrade_has_no_effect_elsewhere(port: Port) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await socket(port, "/api/v1/calls")
    assert refused.value.response.status_code == 204
    async with httpx.AsyncClient(trust_env=False) as client:
        assert (await client.get(f"http://127.0.0.1:{port}/ws/phone")).status_code == 204


async def test_a_message_that_is_too_long_ends_the_connection(port: Port) -> None:
    async with socket(port) as one:
        await one.send("x" * (MOST_FRAME + 1))
        with pytest.raises(ConnectionClosed):
            await one.recv()
        assert one.close_code == 1009


def test_a_page_may_send_as_much_as_calls_need_and_no_flood() -> None:
    allowance = Allowance(at=0.0)
    assert sum(allowance.take(0.0) for _ in range(200)) == MOST_AT_ONCE
    allowance = Allowance(at=0.0)
    assert all(allowance.take(at / A_SECOND) for at in range(2000))
