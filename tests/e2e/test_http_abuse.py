"""Abusive requests at the HTTP port, or those of a broken program, cost other clients nothing.

Each test sends it at a running hotline, and makes good requests before, meanwhile and afterwards.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import httpx
import pytest

from tests.e2e.conftest import Hotline
from tests.e2e.raw_http import Raw, raw, request

pytestmark = pytest.mark.e2e
HALF_SENT = 10.0
"""Seconds after which the server ends what was only begun."""


def token_of(hotline: Hotline) -> str:
    return (hotline.home / "secrets" / "api-token").read_text().strip()


def descriptors_of(process: int) -> int:
    return len(os.listdir(f"/proc/{process}/fd"))


def logs_of(hotline: Hotline) -> list[str]:
    return [(hotline.home / name).read_text() for name in ("log/server.log", "output")]


async def goes_through(hotline: Hotline, source: str = "127.0.0.1") -> None:
    """A good request is answered within a second."""
    async with asyncio.timeout(1.0), raw(hotline.ports["HTTP"], source) as good:
        await good.send(request("GET", "/api/v1/agents", token_of(hotline)))
        assert (await good.answer()).status == 200


@asynccontextmanager
async def unharmed(hotline: Hotline) -> AsyncIterator[None]:
    """Good requests go through before, all the while, and afterwards, and the logs stay as they are."""
    await goes_through(hotline)
    said = logs_of(hotline)
    over = asyncio.Event()

    async def meanwhile() -> None:
        while not over.is_set():
            await goes_through(hotline)
            with suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), 0.2)

    going = asyncio.create_task(meanwhile())
    try:
        yield
    finally:
        over.set()
        await going
    await goes_through(hotline)
    more = "".join(now.removeprefix(then) for now, then in zip(logs_of(hotline), said, strict=True))
    assert "Traceback" not in more, more
    assert len(more) < 2000, more


async def test_a_body_is_asked_for_only_once_the_token_was_accepted(hotline: Hotline) -> None:
    post = "/api/v1/agents/7001/status"
    async with unharmed(hotline), AsyncExitStack() as stack:
        stranger = await stack.enter_async_context(raw(hotline.ports["HTTP"]))
        await stranger.send(request("POST", post, content_length="20", expect="100-continue"))
        answer = await stranger.answer()
        assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert answer.problem["title"] == "Not allowed"
        assert await stranger.closed(2) == b""

        known = await stack.enter_async_context(raw(hotline.ports["HTTP"]))
        await known.send(request("POST", post, token_of(hotline), content_length="22", expect="100-continue"))
        assert (await known.answer()).status == 100
        await known.send(b'{"status": "available"}')
        assert (await known.answer()).status in (404, 422)


async def test_a_body_is_read_up_to_a_megabyte(hotline: Hotline) -> None:
    async with unharmed(hotline), AsyncExitStack() as stack:
        told, chunked, whole = [await stack.enter_async_context(raw(hotline.ports["HTTP"])) for _ in range(3)]
        await told.send(request("PUT", "/api/v1/agents/7001", token_of(hotline), content_length="1000001"))
        assert "1 MB" in (await told.answer()).problem["detail"]
        await chunked.send(request("PUT", "/api/v1/agents/7001", token_of(hotline), transfer_encoding="chunked"))
        with suppress(ConnectionError):
            for _ in range(40):
                await chunked.send(b"8000\r\n" + bytes(0x8000) + b"\r\n")
        assert (await chunked.answer()).problem["status"] == 413
        await whole.send(request("PUT", "/api/v1/agents/7001", token_of(hotline), b'"' + b"x" * 999_998 + b'"'))
        assert (await whole.answer()).status == 422


@pytest.mark.parametrize(("path", "status"), [("/healthz", 405), ("/nothing", 404), ("/api/v1/callbacks", 401)])
async def test_a_body_without_an_end_is_not_listened_to_without_a_token(
    hotline: Hotline, path: str, status: int
) -> None:
    async with unharmed(hotline), raw(hotline.ports["HTTP"]) as endless:
        chunk = b"8000\r\n" + bytes(0x8000) + b"\r\n"
        await endless.send(request("POST", path, transfer_encoding="chunked") + 20 * chunk)
        assert (await endless.answer()).problem["status"] == status
        sent = 0
        with suppress(ConnectionError):
            async with asyncio.timeout(HALF_SENT):
                while True:
                    await endless.send(chunk)
                    sent += len(chunk)
        assert sent < 20_000_000  # a limit of ours, and what the kernel's buffers hold


@pytest.mark.parametrize(("authorised", "status"), [(False, 401), (True, 413)])
async def test_200_megabytes_are_refused_before_they_are_read(hotline: Hotline, authorised: bool, status: int) -> None:
    sent = 0

    def body() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(200):
            sent += 1_000_000
            yield bytes(1_000_000)

    headers = {"Content-Length": "200000000"}
    if authorised:
        headers["Authorization"] = f"Bearer {token_of(hotline)}"
    url = f"{hotline.api}/api/v1/callbacks"
    async with unharmed(hotline):
        answer = await asyncio.to_thread(httpx.post, url, content=body(), headers=headers, trust_env=False)
    assert answer.status_code == status
    assert sent < 20_000_000  # a limit of ours, and what the kernel's buffers hold


async def test_what_is_only_begun_ends_after_ten_seconds(hotline: Hotline) -> None:
    key = token_of(hotline)
    half_body = request("PUT", "/api/v1/agents/7001", key, content_length="500") + b"{"
    begun = {
        "silent": (b"", b"", None),
        "half a head": (b"GET /healthz HTTP/1.1\r\nho", b"", 408),
        "a head a byte a second": (b"GET /healthz HTTP/1.1\r\nx: ", b"x", 408),
        "half a body": (half_body, b"", 408),
        "a body a byte a second": (half_body, b" ", 408),
        "answered once, then half": (request("GET", "/healthz") + b"GET /", b"", 200),
    }

    async def ends(stack: AsyncExitStack, start: bytes, drop: bytes, status: int | None) -> float:
        connection = await stack.enter_async_context(raw(hotline.ports["HTTP"]))
        await connection.send(start)
        began = time.monotonic()

        async def drip() -> None:
            with suppress(ConnectionError):
                while drop:
                    await asyncio.sleep(1)
                    await connection.send(drop)

        dripping = asyncio.create_task(drip())
        try:
            if status is not None:
                answer = await connection.answer()
                assert answer.status == status
                assert status == 200 or answer.problem["detail"]
            await connection.closed()
        finally:
            dripping.cancel()
        return time.monotonic() - began

    async with unharmed(hotline), AsyncExitStack() as stack:
        took = await asyncio.gather(*(ends(stack, *each) for each in begun.values()))
        assert all(seconds < HALF_SENT + 2 for seconds in took), dict(zip(begun, took, strict=True))


async def test_many_idle_connections_leave_room_for_a_good_one(new_hotline: Callable[..., Hotline]) -> None:
    """From one address, from many, and from the very address of the good requests."""
    hotline = new_hotline(SANSHENG_HTTP_CONNECTIONS="512")
    await asyncio.to_thread(hotline.start)
    assert hotline.process is not None
    usual = descriptors_of(hotline.process.pid)
    async with unharmed(hotline), AsyncExitStack() as stack:
        for index in range(1500):
            source = f"127.0.0.{1 + index % 40}" if index >= 500 else "127.0.0.1"
            with suppress(ConnectionError):
                idle = await stack.enter_async_context(raw(hotline.ports["HTTP"], source))
                await idle.send(b"GET /" if index % 2 else b"")
            if not index % 100:
                await goes_through(hotline)
        await goes_through(hotline, "127.0.1.1")
        assert descriptors_of(hotline.process.pid) < usual + 600


async def test_a_client_that_does_not_read_the_answers_is_cut_off(hotline: Hotline) -> None:
    async with unharmed(hotline), raw(hotline.ports["HTTP"], limit=1024) as deaf:
        began = time.monotonic()
        with suppress(ConnectionError):
            async with asyncio.timeout(2 * HALF_SENT + 5):
                while True:  # without reading: the answers fill the buffers, and then nothing goes on
                    await deaf.send(request("GET", "/api/v1/openapi.json") * 20)
        assert time.monotonic() - began < 2 * HALF_SENT + 4


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x00\xff\x16\x03\x01\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\n\r\n", 505),
        (b"GET /healthz HTTP/1.1\r\nhost: x\r\nx: " + b"y" * 70_000 + b"\r\n\r\n", 431),
        (b"GET /healthz?" + b"y" * 12_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n", 414),
        (b"POST /healthz HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST /healthz HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ncontent-length: 5\r\n\r\nabcde", 400),
        (b"POST /healthz HTTP/1.0\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST /healthz HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip\r\n\r\n", 501),
        (b"GET /healthz%00 HTTP/1.1\r\nhost: x\r\n\r\n", 400),
        (b"GET /healthz?%zz HTTP/1.1\r\nhost: x\r\n\r\n", 400),
        (b"GET /healthz?%ff HTTP/1.1\r\nhost: x\r\n\r\n", 400),
        (b"GET //[ HTTP/1.1\r\nhost: [\r\n\r\n", 404),
        (b"GET http://[/ HTTP/1.1\r\nhost: [\r\n\r\n", 404),
        (b"GET /healthz/ HTTP/1.1\r\nhost: [\r\n\r\n", 404),
        (b"PATCH /healthz HTTP/1.1\r\nhost: [::\r\n\r\n", 405),
    ],
)
async def test_what_is_no_request_is_answered_by_a_problem(hotline: Hotline, sent: bytes, status: int) -> None:
    async with unharmed(hotline), raw(hotline.ports["HTTP"]) as wild:
        await wild.send(sent)
        answer = await wild.answer()
        assert (answer.status, answer.problem["status"]) == (status, status)


async def test_garbage_behind_a_request_ends_the_connection_after_its_answer(hotline: Hotline) -> None:
    async with unharmed(hotline), raw(hotline.ports["HTTP"]) as wild:
        await wild.send(request("GET", "/healthz") + b"\x00garbage\r\n\r\n" + request("GET", "/healthz"))
        assert (await wild.answer()).status == 200
        assert (await wild.answer()).problem["status"] == 400
        assert await wild.closed(2) == b""


@pytest.mark.parametrize("trusted", [True, False])
async def test_a_body_that_cannot_be_read_on_is_one_problem_and_no_error_of_the_server(
    hotline: Hotline, trusted: bool
) -> None:
    token = token_of(hotline) if trusted else "wrong"
    head = f"PUT /api/v1/callback-mode HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n"
    async with unharmed(hotline), raw(hotline.ports["HTTP"]) as wild:
        await wild.send(head.encode() + b'transfer-encoding: chunked\r\n\r\n5\r\n{"mod\r\nno chunk\r\n')
        assert (await wild.answer()).problem["status"] == 400
        assert await wild.closed(2) == b""


DEEP = b'{"number": ' + b"[" * 400_000 + b"]" * 400_000 + b"}"


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("GET", "/api/v1/calls?caller=%00", b""),
        ("GET", "/api/v1/calls?caller=%ff%fe%zz%", b""),
        ("GET", "/api/v1/calls/%ff", b""),
        ("GET", "/api/v1/calls/" + "9" * 5000, b""),
        ("GET", "/api/v1/agents/%F0%9F%92%A9%0d%0a", b""),
        ("GET", "/api/v1/calls?" + "&".join(f"a{index}=1" for index in range(1000)), b""),
        ("GET", "/api/v1/calls?limit=" + "9" * 5000, b""),
        ("GET", "/api/v1/calls?since=0001-01-01T00:00:00%2B14:00", b""),
        ("GET", "/api/v1/calls?until=9999-12-31T23:59:59-14:00", b""),
        ("GET", "/api/v1/reports/callback?day=9999-12-31", b""),
        ("GET", "/api/v1/reports/callback?day=0001-01-01", b""),
        ("GET", "/api/v1/calls?cursor=WyJjYWxsIiwieCJd", b""),
        ("GET", "/api/v1/calls?cursor=WyJjYWxsIiwxZTQwMF0", b""),
        ("GET", "/api/v1/callbacks?cursor=WyJjYWxsYmFja3MiLCJ4Il0", b""),
        ("POST", "/api/v1/callbacks", b'{"number": "13800138000", "category": "attitude", "after": 1e300}'),
        ("POST", "/api/v1/callbacks", b'{"number": 1' + b"0" * 5000 + b"}"),
        ("POST", "/api/v1/callbacks", b'{"number": "\\ud800", "category": "\\udfff", "\\ud801": NaN}'),
        ("POST", "/api/v1/callbacks", DEEP),
        ("POST", "/api/v1/callbacks", b'{"number": "\xff"}'),
        ("POST", "/api/v1/callbacks", b"{" + b", ".join(b'"a%d": 1' % index for index in range(15_000)) + b"}"),
        ("PUT", "/api/v1/agents/7001", b'{"name": "\\ud800"}'),
        ("PUT", "/api/v1/agents/7001", b'{"name": "x", "secret": "\\ud800"}'),
        ("PUT", "/api/v1/agents/7001", b'{"name": "x", "contact": "sip:\\ud800@x"}'),
        ("PUT", "/api/v1/agents/7001", b'{"name": "x", "skills": {"\\ud800": 1}}'),
        ("POST", "/api/v1/agents/7001/status", b'{"status": "available", "reason": "\\ud800"}'),
        ("POST", "/api/v1/calls/1/move", b'{"queue": "\\ud800"}'),
        ("POST", "/api/v1/calls/1/transfer", b'{"kind": "outside", "to": "\\ud800"}'),
        ("PUT", "/api/v1/callback-mode", b'{"mode": "on", "scope": "\\ud800"}'),
        ("PUT", "/api/v1/callback-mode", b'{"mode": "on", "until": "9999-12-31T23:59:59-14:00"}'),
        ("PUT", "/api/v1/callback-mode", b'{"mode": "auto", "reason": "\\ud800"}'),
        ("POST", "/api/v1/callbacks/1/postpone", b'{"until": "0001-01-01T00:00:00+14:00"}'),
    ],
)
async def test_odd_values_are_refused_with_a_problem(hotline: Hotline, method: str, target: str, body: bytes) -> None:
    async with unharmed(hotline), raw(hotline.ports["HTTP"]) as odd:
        await odd.send(request(method, target, token_of(hotline), body))
        answer = await odd.answer()
        assert 400 <= answer.status < 500, (answer.status, answer.body[:500])
        assert answer.problem["detail"]
        assert len(answer.body) < 20_000


async def test_metrics_and_health_are_not_worked_out_for_every_question(hotline: Hotline) -> None:
    async def ask(connection: Raw, path: str) -> bytes:
        await connection.send(request("GET", path))
        answer = await connection.answer()
        assert answer.status == 200
        return answer.body

    async with unharmed(hotline), AsyncExitStack() as stack:
        crowd = [await stack.enter_async_context(raw(hotline.ports["HTTP"])) for _ in range(30)]
        for path in ("/metrics", "/healthz", "/api/v1/openapi.json"):
            for _ in range(5):
                assert all(await asyncio.gather(*(ask(each, path) for each in crowd)))
