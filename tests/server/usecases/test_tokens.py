"""Access tokens: issued once, kept as a digest, and holding until they expire or are revoked."""

from __future__ import annotations

import time

import pytest

from server.hotline.access_tokens import digest
from server.hotline.state import HotlineState
from server.usecases.errors import Conflict, Invalid, NotFound
from server.usecases.principal import Role
from server.usecases.tokens import TokenActs
from tests.redis_server import redis_server
from tests.server.web.api_server import OWNER, ApiServer, api, refused, server

__all__ = ["api", "redis_server", "server"]


async def test_a_token_opens_the_api_until_it_is_revoked(server: ApiServer, api) -> None:
    made = (await api.post("/api/v1/tokens", json={"name": "wang", "role": "supervisor"})).json()
    assert (made["id"], made["role"], made["holds"], made["created_by"]) == (1, "supervisor", True, "administrator")
    bearer = {"Authorization": f"Bearer {made['token']}"}
    assert (await api.get("/api/v1/floor", headers=bearer)).status_code == 200
    assert "token" not in (await api.get("/api/v1/tokens")).json()["items"][0]
    gone = (await api.post("/api/v1/tokens/1/revoke", json={"reason": "left the company"})).json()
    assert (gone["holds"], gone["revoked_by"]) == (False, "administrator")
    assert "bearer token" in refused(await api.get("/api/v1/floor", headers=bearer), 401)
    assert "is revoked already" in refused(await api.post("/api/v1/tokens/1/revoke", json={}), 409)
    assert "there is no token 9" in refused(await api.post("/api/v1/tokens/9/revoke", json={}), 404)


async def test_what_a_holder_does_is_recorded_under_the_tokens_name(server: ApiServer, api) -> None:
    _, token = await server.acts.tokens.create(OWNER, name="wang", role=Role.SUPERVISOR)
    bearer = {"Authorization": f"Bearer {token}"}
    await api.put("/api/v1/callback-mode", json={"mode": "on"}, headers=bearer)
    assert (await api.get("/api/v1/callback-mode")).json()["items"][0]["who"] == "wang"


async def test_a_token_expires_by_itself(server: ApiServer) -> None:
    now = time.time()
    acts = TokenActs(server, clock=lambda: now)
    _, token = await acts.create(OWNER, name="guest", role=Role.QA, expires_at=now + 60)
    assert acts.principal(token, "here") is not None
    now += 61
    assert acts.principal(token, "here") is None
    again, _ = await acts.create(OWNER, name="guest", role=Role.QA)
    assert again.id == 2


async def test_only_digests_are_kept_in_log_snapshot_and_records(server: ApiServer) -> None:
    made, token = await server.acts.tokens.create(OWNER, name="wang", role=Role.SUPERVISOR)
    await server.tell()
    snapshot = server.dispatcher.state.snapshot()
    assert token.encode() not in snapshot
    assert digest(token).encode() in snapshot
    restored = HotlineState.restore(snapshot)
    assert restored.access_tokens.known(token) == made
    database = (server.home / "records.db").read_bytes()
    assert token.encode() not in database


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ({"role": Role.AGENT}, "give the work number"),
        ({"role": Role.LEADER, "agent": "1009"}, "there is no agent 1009"),
        ({"role": Role.SERVICE}, "give --scope"),
        ({"role": Role.SERVICE, "scopes": ["calls.fly"]}, "there is no scope calls.fly"),
        ({"role": Role.QA, "scopes": ["calls.read"]}, "scopes are for services"),
        ({"role": Role.QA, "expires_at": 1.0}, "in the past"),
        ({"role": Role.QA, "name": "Administrator"}, "is the name of the machine's owner"),
    ],
)
async def test_a_token_that_could_not_be_used_is_refused(server: ApiServer, wanted, sentence) -> None:
    with pytest.raises(Invalid, match=sentence):
        await server.acts.tokens.create(OWNER, **{"name": "x", **wanted})


async def test_two_tokens_that_hold_have_two_names(server: ApiServer) -> None:
    await server.acts.tokens.create(OWNER, name="wang", role=Role.QA)
    with pytest.raises(Conflict, match="a token named wang already"):
        await server.acts.tokens.create(OWNER, name="wang", role=Role.QA)
    with pytest.raises(NotFound):
        await server.acts.tokens.revoke(OWNER, 7)
