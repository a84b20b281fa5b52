"""Values at the edge of what a request can hold: each is refused with its parameter's name, or means what it says."""

from __future__ import annotations

import httpx
import pytest

from tests.redis_server import redis_server
from tests.server.web.api_server import api, refused, server

__all__ = ["api", "redis_server", "server"]


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/api/v1/calls?since=0001-01-01T00:00:00%2B14:00", "since"),
        ("/api/v1/calls?until=9999-12-31T23:59:59-14:00", "until"),
        ("/api/v1/calls?since=20270101", "since"),
        ("/api/v1/calls?until=20270101", "until"),
        ("/api/v1/reports/callback?day=9999-12-31", "day"),
        ("/api/v1/reports/callback?day=0001-01-01", "day"),
        ("/api/v1/calls?cursor=WyJjYWxsIiwieCJd", "cursor"),
        ("/api/v1/calls?cursor=WyJjYWxsIiwxLjVd", "cursor"),
        ("/api/v1/calls?cursor=WyJjYWxsIix0cnVlXQ", "cursor"),
        ("/api/v1/calls?cursor=WyJjYWxsIiwxZTUwXQ", "cursor"),
        ("/api/v1/tickets?state=nonsense", "state"),
        ("/api/v1/callbacks?state=nonsense", "state"),
        ("/api/v1/calls?outcome=nonsense", "outcome"),
    ],
)
async def test_a_question_with_an_odd_value_is_refused_by_name(api: httpx.AsyncClient, path: str, names: str) -> None:
    answer = await api.get(path)
    assert 400 <= answer.status_code < 500
    assert names in refused(answer, answer.status_code)


async def test_a_date_without_hyphens_is_no_instant(api: httpx.AsyncClient) -> None:
    body = {"number": "13800138000", "category": "attitude", "after": 20270101}
    answer = await api.post("/api/v1/callbacks", json=body)
    assert "after" in refused(answer, answer.status_code)


async def test_a_callers_calls_are_found_however_the_number_came(server, api: httpx.AsyncClient) -> None:
    for number, came in enumerate(("13800138000", "+8613800138000", "013800138000", "008613800138000"), 1):
        await server.call(number, server.definitions.party(came).shown)
    for asked in ("%2B8613800138000", "13800138000", "008613800138000"):
        found = (await api.get(f"/api/v1/calls?caller={asked}")).json()["items"]
        assert len(found) == 4, asked
