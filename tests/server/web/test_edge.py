"""Where a request came from, and what every answer keeps browsers from doing."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from server.usecases.principal import Role
from server.usecases.users import Wanted
from server.web.edge import HSTS, Edge, Networks
from tests.redis_server import redis_server
from tests.server.web.api_server import OWNER, ApiServer, api, new_application, server
from tests.server.web.test_session import PASSWORD, sign_in

__all__ = ["api", "redis_server", "server"]

PROXY = "192.0.2.10"


async def seen(client: str, headers: dict[str, str], proxies: tuple[str, ...] = (PROXY, "10.0.0.0/8")) -> Any:
    """The address and the scheme that the application is told."""
    found: list[Any] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        found.append((scope["client"][0], scope["scheme"]))

    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "client": (client, 1), "scheme": "http", "path": "/", "headers": raw}
    await Edge(application, proxies)(scope, None, None)  # type: ignore[arg-type]
    return found[0]


@pytest.mark.parametrize(
    ("client", "headers", "expected"),
    [
        (PROXY, {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}, ("203.0.113.9", "https")),
        (PROXY, {"X-Forwarded-For": "1.1.1.1, 203.0.113.9, 10.1.2.3"}, ("203.0.113.9", "http")),
        (PROXY, {"X-Forwarded-For": "203.0.113.9:4711"}, ("203.0.113.9", "http")),
        (PROXY, {"X-Forwarded-For": "[2001:db8::9]:4711"}, ("2001:db8::9", "http")),
        (PROXY, {"X-Forwarded-For": "2001:db8::9"}, ("2001:db8::9", "http")),
        ("::ffff:192.0.2.10", {"X-Forwarded-For": "203.0.113.9"}, ("203.0.113.9", "http")),
        (PROXY, {"X-Forwarded-For": "not an address"}, (PROXY, "http")),
        (PROXY, {"X-Forwarded-For": "10.1.2.3, 10.1.2.4"}, (PROXY, "http")),
        (PROXY, {}, (PROXY, "http")),
        ("203.0.113.9", {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "https"}, ("203.0.113.9", "http")),
    ],
)
async def test_a_named_proxys_word_counts_and_nobody_elses(client, headers, expected) -> None:
    assert await seen(client, headers) == expected


async def test_without_named_proxies_not_even_this_machine_is_believed() -> None:
    assert await seen("127.0.0.1", {"X-Forwarded-For": "203.0.113.9"}, ()) == ("127.0.0.1", "http")


def test_what_is_no_address_is_in_no_network() -> None:
    assert "nonsense" not in Networks(["0.0.0.0/0"])
    assert "10.1.2.3" in Networks(["10.0.0.0/8"])
    assert "10.1.2.3" not in Networks(["::/0"])


async def test_answers_have_the_headers_of_a_careful_server(server: ApiServer, api) -> None:
    answer = await api.get("/api/v1/floor")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "strict-transport-security" not in answer.headers
    transport = httpx.ASGITransport(server.application())
    async with httpx.AsyncClient(transport=transport, base_url="https://hotline") as client:
        assert (await client.get("/healthz")).headers["strict-transport-security"] == HSTS


async def test_behind_a_proxy_with_tls_a_page_signs_in_with_a_secure_cookie(server: ApiServer) -> None:
    await server.acts.users.add(OWNER, "wang", Wanted(role=Role.SUPERVISOR), PASSWORD)
    ApiServer.under_test = server
    transport = httpx.ASGITransport(new_application(proxies=(PROXY,)), client=(PROXY, 1))
    headers = {"Origin": "https://hotline", "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
    async with httpx.AsyncClient(transport=transport, base_url="http://hotline", headers=headers) as browser:
        answer = await sign_in(browser)
        assert answer.status_code == 200, answer.text
        assert "; Secure" in answer.headers["set-cookie"]
        (session,) = await server.sessions.all()
        assert session.origin == "203.0.113.9"
        browser.headers["Origin"] = "http://hotline"
        assert (await sign_in(browser)).json()["type"] == "/problems/cross-site"
