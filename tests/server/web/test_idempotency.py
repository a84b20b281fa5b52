"""Requests with an Idempotency-Key, against a real Redis: done once, answered alike, also after a restart."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from server.usecases.callbacks import CallbackActs
from tests.redis_server import redis_server
from tests.server.web.api_server import TOKEN, api, new_application, refused, server

__all__ = ["api", "redis_server", "server"]

ASKED = {"number": "13800138000", "category": "attitude"}
KEY = {"Idempotency-Key": "8e03978e-40d5-43e8-bc93-6894a57f9324"}


def restarted_server() -> httpx.AsyncClient:
    transport = httpx.ASGITransport(new_application(), raise_app_exceptions=False)
    return httpx.AsyncClient(
        transport=transport, base_url="http://hotline", headers={"Authorization": f"Bearer {TOKEN}"}
    )


async def test_the_same_request_is_done_once_and_answered_alike_after_a_restart_too(server, api) -> None:
    first = await api.post("/api/v1/callbacks", json=ASKED, headers=KEY)
    assert first.status_code == 201
    async with restarted_server() as restarted:
        for client in (api, restarted):
            again = await client.post("/api/v1/callbacks", json=ASKED, headers=KEY)
            assert (again.status_code, again.content) == (201, first.content)
            assert again.headers["content-type"] == "application/json"
            assert again.headers["idempotency-replayed"] == "true"
    other = await api.post("/api/v1/callbacks", json=ASKED, headers={"Idempotency-Key": "another"})
    assert other.status_code == 200  # the promise is there already


async def test_a_key_that_was_used_for_another_request_is_refused(api) -> None:
    await api.post("/api/v1/callbacks", json=ASKED, headers=KEY)
    for path, body in (("/api/v1/callbacks", {**ASKED, "queue": "media"}), ("/api/v1/definitions/reload", None)):
        answer = await api.post(path, json=body, headers=KEY)
        assert "another request had this Idempotency-Key" in refused(answer, 422)
        assert answer.json()["type"] == "/problems/key-used"


async def test_a_refusal_is_kept_as_any_answer(server, api) -> None:
    first = await api.post("/api/v1/callbacks/99/cancel", json={"reason": "x"}, headers=KEY)
    assert refused(first, 404)
    again = await api.post("/api/v1/callbacks/99/cancel", json={"reason": "x"}, headers=KEY)
    assert (again.status_code, again.content) == (404, first.content)
    assert again.headers["content-type"] == "application/problem+json"


async def test_two_at_once_are_done_once(server, api, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()
    ask = CallbackActs.ask

    async def slowly(*args: object) -> object:
        begun.set()
        await go_on.wait()
        return await ask(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(CallbackActs, "ask", slowly)
    one = asyncio.create_task(api.post("/api/v1/callbacks", json=ASKED, headers=KEY))
    await begun.wait()
    other = await api.post("/api/v1/callbacks", json=ASKED, headers=KEY)
    assert refused(other, 409)
    assert (other.json()["type"], other.headers["retry-after"]) == ("/problems/in-progress", "1")
    # A server that was started anew does not know what became of it.
    async with restarted_server() as restarted:
        unknown = await restarted.post("/api/v1/callbacks", json=ASKED, headers=KEY)
        assert unknown.json()["type"] == "/problems/outcome-unknown"
    go_on.set()
    assert (await one).status_code == 201


async def test_a_secret_that_is_shown_once_is_not_in_redis(server, api) -> None:
    made = await api.post("/api/v1/tokens", json={"name": "wang", "role": "supervisor"}, headers=KEY)
    again = await api.post("/api/v1/tokens", json={"name": "wang", "role": "supervisor"}, headers=KEY)
    assert again.json()["token"] == made.json()["token"]
    kept = [await server.redis.get(key) for key in await server.redis.keys("sansheng:answer:*")]
    assert len(kept) == 1
    assert made.json()["token"].encode() not in kept[0]
    assert b"wang" not in kept[0]
    assert 86_000 < await server.redis.ttl((await server.redis.keys("sansheng:answer:*"))[0]) <= 86_400


async def test_keys_belong_to_their_principal(server, api) -> None:
    token = (await api.post("/api/v1/tokens", json={"name": "wang", "role": "supervisor"})).json()["token"]
    await api.post("/api/v1/callbacks", json=ASKED, headers=KEY)
    bearer = {"Authorization": f"Bearer {token}"}
    other = await api.post("/api/v1/callbacks", json=ASKED, headers={**KEY, **bearer})
    assert (other.status_code, other.json()["joined"]) == (200, True)


@pytest.mark.parametrize("key", ["", "x" * 256, "k\u00e9y"])
async def test_a_key_that_cannot_be_one_is_refused(api, key: str) -> None:
    answer = await api.post("/api/v1/callbacks", json=ASKED, headers={"Idempotency-Key": key.encode("latin-1")})
    assert "Idempotency-Key must be" in refused(answer, 400)
