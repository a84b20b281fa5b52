"""A client of live rows for tests: it reads server-sent events of a real server and keeps the rows as a page does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx

from server.web.live.events import KEYS
from server.web.serve import HttpServer

DEADLINE = 5.0


class Page:
    """The rows by kind and key, as told."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[Any, Any]] = {}
        self.events: list[tuple[str, Any]] = []
        self.id = ""
        self.comments = 0
        self.over = False
        self._told = asyncio.Condition()

    def take(self, event: str, data: Any) -> None:
        if event == "snapshot":
            self.rows = {}
        for kind, rows in data["rows"].items():
            name = KEYS.get(kind, "id")
            self.rows.setdefault(kind, {}).update({row[name]: row for row in rows})
        for kind, keys in data.get("gone", {}).items():
            for key in keys:
                self.rows.get(kind, {}).pop(key, None)
        self.events.append((event, data))

    async def read(self, lines: AsyncIterator[str]) -> None:
        event = ""
        async for line in lines:
            if line.startswith(":"):
                self.comments += 1
            elif line.startswith("id: "):
                self.id = line[4:]
            elif line.startswith("event: "):
                event = line[7:]
            elif line.startswith("data: "):
                self.take(event, json.loads(line[6:]))
            async with self._told:
                self._told.notify_all()
        self.over = True
        async with self._told:
            self._told.notify_all()

    async def until(self, holds: Callable[[Page], Any]) -> Any:
        """Wait until the rows are so."""
        async with asyncio.timeout(DEADLINE), self._told:
            await self._told.wait_for(lambda: holds(self))
        return holds(self)


@asynccontextmanager
async def served(application: Any) -> AsyncIterator[str]:
    """The address of a real HTTP server for this application."""
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    http = HttpServer(application, "127.0.0.1", port)
    await http.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await application.state.streams.stop()
        await http.stop()


@asynccontextmanager
async def listening(address: str, token: str, *, only: str = "", after: str | None = None) -> AsyncIterator[Page]:
    """A page that listens."""
    headers = {"Authorization": f"Bearer {token}"} | ({"Last-Event-ID": after} if after is not None else {})
    page = Page()
    async with (
        httpx.AsyncClient(base_url=address, headers=headers, timeout=None) as client,
        client.stream("GET", "/api/v1/stream", params={"only": only} if only else None) as answer,
    ):
        assert answer.status_code == 200, await answer.aread()
        assert answer.headers["content-type"].startswith("text/event-stream")
        reading = asyncio.create_task(page.read(answer.aiter_lines()))
        try:
            await page.until(lambda page: page.events or page.over)
            yield page
        finally:
            reading.cancel()
            await asyncio.wait({reading})
