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
        ("/api/v1/calls?since=1800000000", "since"),
        ("/api/v1/calls?since=2100-01-01", "since"),
        ("/api/v1/calls?since=1999-12-31", "since"),
        ("/api/v1/callbacks?until=20270101", "until"),
        ("/api/v1/reports/callback?day=20270101", "day"),
        ("/api/v1/calls?queue=nonsense", "queue"),
        ("/api/v1/calls?agent=nonsense", "agent"),
        ("/api/v1/tickets?category=nonsense", "category"),
        ("/api/v1/recordings?agent=nonsense", "agent"),
        ("/api/v1/callbacks?queue=nonsense", "queue"),
        ("/api/v1/callbacks?category=nonsense", "category"),
        ("/api/v1/callback-mode/history?scope=nonsense", "scope"),
        ("/api/v1/reports/callback?queue=nonsense", "queue"),
        ("/api/v1/audit?act=nonsense", "act"),
    ],
)
async def test_a_question_with_an_odd_value_is_refused_by_name(api: httpx.AsyncClient, path: str, names: str) -> None:
    answer = await api.get(path)
    assert 400 <= answer.status_code < 500
    assert names in refused(answer, answer.status_code)


async def test_a_date_without_hyphens_is_no_instant(api: httpx.AsyncClient) -> None:
    for after in (20270101, "20270101", 1.8e9):
        body = {"number": "13800138000", "category": "attitude", "after": after}
        answer = await api.post("/api/v1/callbacks", json=body)
        assert "after" in refused(answer, answer.status_code)


async def test_a_callers_calls_are_found_however_the_number_came(server, api: httpx.AsyncClient) -> None:
    for number, came in enumerate(("13800138000", "+8613800138000", "013800138000", "008613800138000"), 1):
        await server.call(number, server.definitions.party(came).shown)
    for asked in ("%2B8613800138000", "13800138000", "008613800138000"):
        found = (await api.get(f"/api/v1/calls?caller={asked}")).json()["items"]
        assert len(found) == 4, asked


async def test_the_public_holidays_of_a_year_are_taken_over_and_shown(server, api: httpx.AsyncClient) -> None:
    before = (await api.get("/api/v1/holidays/2031")).json()
    assert (before["known"], before["makeup_days"]) == (False, [])
    assert "2031-10-01" in before["days"]
    body = {"days": ["2031-01-01", "2031-01-22/2031-01-28"], "makeup_days": ["2031-02-01"], "source": "the notice"}
    taken = await api.put("/api/v1/holidays/2031", json=body)
    assert taken.status_code == 200, taken.text
    after = (await api.get("/api/v1/holidays/2031")).json()
    assert after == taken.json()
    assert (after["known"], len(after["days"]), after["makeup_days"]) == (True, 8, ["2031-02-01"])
    wrong = await api.put("/api/v1/holidays/2031", json={"days": ["2032-01-01"]})
    assert "is not in 2031" in refused(wrong, 422)
    await api.put("/api/v1/holidays/2032", json={"days": ["2032-01-01"]})
    assert (await api.get("/api/v1/holidays/2031")).json() == after
