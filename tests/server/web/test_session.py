"""Signing in: a session in a cookie, what it reaches, and how it ends."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from server.usecases.permissions import Act
from server.usecases.principal import Role
from server.usecases.users import Wanted
from tests.redis_server import redis_server
from tests.server.web.api_server import OWNER, ApiServer, api, server

__all__ = ["api", "redis_server", "server"]

PASSWORD = "correct horse battery"
ORIGIN = {"Origin": "http://hotline"}


async def add(server: ApiServer, name: str = "wang", role: Role = Role.SUPERVISOR, **fields: Any) -> None:
    await server.acts.users.add(OWNER, name, Wanted(role=role, **fields), PASSWORD)


def browser_of(server: ApiServer, address: str = "127.0.0.1") -> httpx.AsyncClient:
    """A browser that has no token."""
    transport = httpx.ASGITransport(server.application(), raise_app_exceptions=False, client=(address, 40000))
    return httpx.AsyncClient(transport=transport, base_url="http://hotline", headers=ORIGIN)


async def sign_in(browser: httpx.AsyncClient, name: str = "wang", password: str = PASSWORD) -> httpx.Response:
    """Sign in, and send the session's token with what follows."""
    answer = await browser.post("/api/v1/session", json={"user": name, "password": password})
    if answer.status_code == 200:
        browser.headers["X-CSRF-Token"] = answer.json()["csrf"]
    return answer


@pytest.fixture
async def browser(server: ApiServer) -> AsyncIterator[httpx.AsyncClient]:
    async with browser_of(server) as client:
        yield client


async def test_a_user_signs_in_works_and_signs_out(server: ApiServer, browser) -> None:
    await add(server)
    answer = await sign_in(browser, "Wang")
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    assert (shown["user"], shown["role"], shown["agent"]) == ("wang", "supervisor", None)
    assert shown["acts"][Act.SET_MODE] == "all"
    assert Act.MANAGE_USERS not in shown["acts"]
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("sansheng_session=")
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Path=/" in cookie
    assert "Secure" not in cookie
    assert (await browser.get("/api/v1/session")).json() == shown
    done = await browser.put("/api/v1/callback-mode", json={"mode": "on", "reason": "storm"})
    assert done.status_code == 200, done.text
    assert (await browser.get("/api/v1/callback-mode")).json()["items"][0]["who"] == "wang"
    assert (await browser.delete("/api/v1/session")).status_code == 204
    assert (await browser.get("/api/v1/session")).status_code == 401
