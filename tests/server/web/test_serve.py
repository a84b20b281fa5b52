"""The server's HTTP headers tell strangers nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from server.web.serve import HttpServer
from tests.dialplan.conftest import free_port


async def application(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.mark.parametrize(("name", "headers"), [("", []), ("PBX", [b"server: PBX"])])
async def test_http_names_the_server_only_if_it_is_told_to(name: str, headers: list[bytes]) -> None:
    port = free_port()
    server = HttpServer(application, "127.0.0.1", port, name=name)
    await server.start()
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        lines = (await asyncio.wait_for(reader.read(), 5)).split(b"\r\n")
        writer.close()
    finally:
        await server.stop()
    assert lines[0] == b"HTTP/1.1 204 No Content"
    assert [line for line in lines if line.lower().startswith(b"server:")] == headers
