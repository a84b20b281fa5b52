"""Every operation of the description, asked with what fits it and with what does not, on SQLite and on PostgreSQL: no
server error. Schemathesis makes the requests; hand-made ones stand beside it, for it has passed where they failed."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections import Counter
from functools import cache
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import requests
import schemathesis
from schemathesis import GenerationMode

from server.web.serve import HttpServer
from tests.redis_server import redis_server
from tests.server.web.api_server import TOKEN, running
from tests.server.web.made_requests import requests_of

__all__ = ["redis_server"]

BEARER = {"Authorization": f"Bearer {TOKEN}"}
INSTANTS = (
    *(
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "20270101",
        "1800000000",
        "2027-02-30",
        "nan",
        "-1",
        "1e999",
    ),
    *(
        "2027-01-01T00:00:00+99:99",
        "2027-01-01T24:00:00Z",
        "0000-00-00",
        "99999-01-01",
        "２０２７-01-01",
        "\u0000",
        "'",
    ),
)
CURSORS = (
    "WyJjYWxsIiwieCJd",
    "WyJjYWxsIiwxLjVd",
    "WyJjYWxsIix0cnVlXQ",
    "WyJjYWxsIiwxZTUwXQ",
    "W10",
    "bnVsbA",
    "W1tdXQ",
    "%00",
)
NUMBERS = ("0", "-1", "9007199254740993", "99999999999999999999", "1e3", "1.0", "٧", "x", "%00", "' OR 1=1 --")

PLACE = re.compile(r"\{\w+\}")


ENDLESS = frozenset({"/api/v1/stream"})
"""Answers that go on have tests of their own, in tests/server/web/live."""


async def served(server: Any) -> tuple[HttpServer, str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    http = HttpServer(server.application(), "127.0.0.1", port)
    await http.start()
    return http, f"http://127.0.0.1:{port}"


@cache
def requests_of_everything(description: str) -> tuple[Any, ...]:
    """For the tests of a process: to make them takes longer than to answer them."""
    schema = schemathesis.openapi.from_dict(json.loads(description))
    operations = [found.ok() for found in schema.get_all_operations() if found.ok().path not in ENDLESS]
    modes = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    return tuple(case for each in operations for mode in modes for case in requests_of(each, mode))


def ask_everything(base: str) -> tuple[list[str], Counter[int]]:
    """Ask every operation; (the server errors, how often each hundred of statuses was answered)."""
    wrong: list[str] = []
    answered: Counter[int] = Counter()
    with requests.Session() as session:
        session.trust_env = False  # or it looks for a proxy in the environment before each request
        description = session.get(f"{base}/api/v1/openapi.json", timeout=120).text
        for case in requests_of_everything(description):
            answer = case.call(base_url=base, session=session, headers=BEARER, timeout=120)
            answered[answer.status_code // 100] += 1
            if answer.status_code >= 500:
                wrong.append(f"{case.as_curl_command()} → {answer.status_code}")
    return wrong, answered


@pytest.mark.thorough
async def test_no_operation_answers_with_a_server_error(redis_server, database, tmp_path) -> None:
    async with running(redis_server, database, tmp_path) as server:
        await server.call(1)
        await server.queue(1, "13800138000")
        http, base = await served(server)
        try:
            wrong, answered = await asyncio.to_thread(ask_everything, base)
            assert wrong == []
            assert answered[2] > 50  # what fits was understood
            assert answered[4] > 50
        finally:
            await http.stop()


async def test_hand_made_inputs_are_refused_or_answered_and_never_a_server_error(
    redis_server, database, tmp_path
) -> None:
    async with running(redis_server, database, tmp_path) as server:
        await server.call(1)
        transport = httpx.ASGITransport(server.application(), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://hotline", headers=BEARER) as api:
            description = (await api.get("/api/v1/openapi.json")).json()
            for path, operations in description["paths"].items():
                if not path.startswith("/api/") or path in ENDLESS:
                    continue
                for number in NUMBERS if "{" in path else ("",):
                    filled = PLACE.sub(number if "%" in number else quote(number, safe=""), path)
                    for method in operations:
                        answer = await api.request(method, filled, json={} if method != "get" else None)
                        assert answer.status_code < 500, (method, filled, answer.text)
                for parameter in operations.get("get", {}).get("parameters", ()):
                    odd = {"since": INSTANTS, "until": INSTANTS, "day": INSTANTS, "cursor": CURSORS}.get(
                        parameter["name"], NUMBERS
                    )
                    if parameter["in"] == "query" and "{" not in path:
                        for value in odd:
                            answer = await api.get(f"{path}?{parameter['name']}={quote(value, safe='%')}")
                            assert answer.status_code < 500, (path, parameter["name"], value, answer.text)
                            if odd is not NUMBERS:
                                assert answer.status_code >= 400, (path, parameter["name"], value)
                                assert parameter["name"] in answer.json()["detail"] or "%" in value or value == "\0"
