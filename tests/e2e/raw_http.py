"""HTTP as bytes on a socket, for requests that no client library would send."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

GIVE_UP = 30.0


@dataclass
class Answer:
    """One answer; `body` is read up to its length."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def problem(self) -> dict[str, Any]:
        """The problem, after looking at its shape."""
        assert self.headers["content-type"] == "application/problem+json", (self.status, self.headers, self.body)
        found: dict[str, Any] = json.loads(self.body)
        assert found["status"] == self.status
        assert found["title"]
        assert found["detail"]
        return found


@dataclass
class Raw:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> Answer:
        """The next answer, an interim one (100) too."""
        async with asyncio.timeout(GIVE_UP):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:-2])}
            return Answer(
                int(head[0].split()[1]), headers, await self.reader.readexactly(int(headers.get("content-length", 0)))
            )

    async def closed(self, within: float = GIVE_UP) -> bytes:
        """What else comes until the server has closed the connection."""
        async with asyncio.timeout(within):
            rest = b""
            with suppress(ConnectionError):
                while data := await self.reader.read(65_536):
                    rest += data
            return rest


@asynccontextmanager
async def raw(port: int, source: str = "127.0.0.1", limit: int = 1 << 16) -> AsyncIterator[Raw]:
    """A connection from this address of the machine."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0), limit=limit)
    try:
        yield Raw(reader, writer)
    finally:
        writer.transport.abort()


def request(method: str, target: str, token: str = "", body: bytes = b"", **more: str) -> bytes:
    """A whole request; `more` are further headers, with _ for -."""
    lines = [f"{method} {target} HTTP/1.1", "host: hotline"]
    if token:
        lines.append(f"authorization: Bearer {token}")
    if body:
        lines += ["content-type: application/json", f"content-length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in more.items()]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body
