"""A half-typed form is kept for those who may work on its ticket, and of two who type, the second one is told."""

from __future__ import annotations

import httpx

from tests.server.web.api_server import ApiServer, api, redis_server, refused, server

__all__ = ["api", "redis_server", "server"]


async def ticket(api: httpx.AsyncClient) -> str:
    made = await api.post("/api/v1/tickets", json={"category": "attitude", "caller": "13800138000"})
    assert made.status_code == 201, made.text
    return f"/api/v1/tickets/{made.json()['id']}/draft"


async def test_a_form_is_kept_as_it_was_typed_until_it_is_handed_in(server: ApiServer, api: httpx.AsyncClient) -> None:
    path = await ticket(api)
    assert "nobody has typed" in refused(await api.get(path), 404)
    kept = await api.put(path, json={"form": {"note": "客户说快递员", "category": "attitude"}})
    assert kept.status_code == 200
    assert (await api.get(path)).json() == kept.json()
    assert kept.json()["form"] == {"note": "客户说快递员", "category": "attitude"}
    assert (await api.delete(path)).status_code == 204
    refused(await api.get(path), 404)


async def test_the_second_of_two_who_type_is_told(server: ApiServer, api: httpx.AsyncClient) -> None:
    path = await ticket(api)
    first = await api.put(path, json={"form": {"note": "one"}}, headers={"If-None-Match": "*"})
    assert first.status_code == 200
    refused(await api.put(path, json={"form": {"note": "other"}}, headers={"If-None-Match": "*"}), 412)
    version = (await api.get(path)).headers["etag"]
    assert (await api.put(path, json={"form": {"note": "two"}}, headers={"If-Match": version})).status_code == 200
    refused(await api.put(path, json={"form": {"note": "late"}}, headers={"If-Match": version}), 412)
    assert (await api.get(path)).json()["form"] == {"note": "two"}


async def test_a_form_has_limits_and_belongs_to_a_ticket(server: ApiServer, api: httpx.AsyncClient) -> None:
    path = await ticket(api)
    refused(await api.put(path, json={"form": {"note": "x" * 4001}}), 422)
    refused(await api.put(path, json={"form": {str(number): "" for number in range(61)}}), 422)
    refused(await api.put("/api/v1/tickets/404/draft", json={"form": {}}), 404)
