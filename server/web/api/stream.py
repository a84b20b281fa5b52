"""Live rows over HTTP, as server-sent events: see `server.web.live` and docs/live.md."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response
from starlette.types import Receive, Scope, Send

from server.usecases.errors import Invalid
from server.web.api.shapes import Who, router
from server.web.connections import CHUNKS
from server.web.lasting import lasting
from server.web.live.events import KINDS, StreamChanges, StreamSnapshot
from server.web.live.streams import Streams
from server.web.live.telling import Stream
from server.web.problems import answers

_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
_REFERENCES = "#/components/schemas/{name}"


class EventStream(Response):
    """An answer that goes on until the stream, its sign-in, or the client's connection ends."""

    media_type = "text/event-stream"

    def __init__(self, streams: Streams, stream: Stream, request: Request) -> None:
        super().__init__(headers=_HEADERS)
        del self.headers["content-length"]
        self._streams, self._stream, self._request = streams, stream, request

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI's."""
        stream = self._stream
        async with lasting(self._request)(self._request) as signed_out:
            ends = [asyncio.ensure_future(each) for each in (_gone(receive), signed_out.wait())]
            for each in ends:
                each.add_done_callback(lambda _: stream.close())
            try:
                await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
                stream.write = scope.get("extensions", {}).get(CHUNKS)
                while (told := await stream.next()) is not None and not ends[0].done():
                    await send({"type": "http.response.body", "body": told, "more_body": True})
                await send({"type": "http.response.body", "body": b"", "more_body": False})
            finally:
                for each in ends:
                    each.cancel()
                self._streams.leave(stream)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def stream_routes(streams: Streams) -> APIRouter:
    """The route of live rows."""
    routes = router("now")
    content = {"text/event-stream": {"schema": {"$ref": _REFERENCES.format(name="StreamSnapshot")}}}
    described: dict[int | str, dict[str, Any]] = {
        200: {
            "description": "Events `snapshot` (data: StreamSnapshot), then `rows` (data: StreamChanges).",
            "content": content,
        }
    }

    @routes.get("/stream", status_code=200, response_class=EventStream, responses=described | answers(409, 422))
    async def follow_live_rows(
        request: Request,
        who: Who,
        only: Annotated[str, Query(max_length=200, description=f"Kinds with commas between: {', '.join(KINDS)}.")] = "",
        last_event_id: Annotated[str | None, Header(max_length=64)] = None,
    ) -> EventStream:
        """What may be seen of the floor, and what changes on it, as server-sent events that go on."""
        kinds = tuple(each.strip() for each in only.split(",") if each.strip())
        for kind in kinds:
            if kind not in KINDS:
                raise Invalid("kind", f"there is no kind {kind}: there are {', '.join(KINDS)}")
        return EventStream(streams, streams.open(who, kinds, last_event_id), request)

    return routes


def describe_rows(schemas: dict[str, Any]) -> None:
    """Add the shapes of the rows to a description's."""
    _, shapes = msgspec.json.schema_components((StreamSnapshot, StreamChanges), ref_template=_REFERENCES)
    for name, shape in shapes.items():
        schemas[_name(name)] = _renamed(shape)


_ALSO_ELSEWHERE = {"QueueMode": "StreamQueueMode"}
"""Shapes of rows whose name another shape of the description has."""


def _name(name: str) -> str:
    return _ALSO_ELSEWHERE.get(name, name)


def _renamed(shape: Any) -> Any:
    if isinstance(shape, Mapping):
        return {
            key: _REFERENCES.format(name=_name(value.rpartition("/")[2])) if key == "$ref" else _renamed(value)
            for key, value in shape.items()
        }
    return [_renamed(each) for each in shape] if isinstance(shape, list) else shape
