"""Sign-in by an OpenID provider, a real one on 127.0.0.1: code flow with PKCE, and everything that must not get in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from joserfc import jwk

import acd.events as acd
from acd.policy.definitions import Skill
from server.config import Settings, SettingsError, load_settings
from server.hotline.dispatcher import NotLeading
from server.storage.begun_sign_ins import BegunSignIns
from server.usecases.principal import Role
from server.usecases.users import Wanted
from server.web.api.session import PROBLEM
from server.web.authentication import COOKIE
from server.web.openid import COOKIE as OPENID_COOKIE
from server.web.openid import WITHIN, OpenId, claim, openid_of
from tests.redis_server import redis_server
from tests.server.web.api_server import OWNER, ApiServer, api, new_application, refused, server
from tests.server.web.openid_provider import CLIENT, SECRET, Provider, running_provider
from tests.server.web.test_session import PASSWORD, Clock

__all__ = ["api", "redis_server", "server"]

WANG = {"sub": "4711", "preferred_username": "Wang.Fang", "name": "王芳", "groups": ["staff", "hotline-supervisors"]}
ROLES = (("hotline-supervisors", "supervisor"), ("hotline-agents", "agent"), ("hotline-admins", "administrator"))


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with running_provider() as made:
        made.person = dict(WANG)
        yield made


@pytest.fixture
def settings(provider: Provider, tmp_path: Path) -> Settings:
    (tmp_path / "client-secret").write_text(SECRET + "\n")
    return Settings(
        home=tmp_path,
        oidc_issuer=provider.issuer,
        oidc_client_id=CLIENT,
        oidc_client_secret_file=tmp_path / "client-secret",
        oidc_roles=ROLES,
    )


@pytest.fixture
async def clock() -> Clock:
    return Clock()


@pytest.fixture
async def browser(server: ApiServer, settings: Settings, clock: Clock) -> AsyncIterator[httpx.AsyncClient]:
    ApiServer.under_test = server
    assert server.redis is not None
    found = openid_of(settings, server.acts.openid, BegunSignIns(server.redis))
    assert found is not None
    found._clock = clock
    transport = httpx.ASGITransport(new_application(openid=found), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://hotline", trust_env=False) as client:
        yield client


async def to_the_provider(browser: httpx.AsyncClient, then: str = "/floor") -> str:
    """Begin, and let the provider name its person; the address to which it sends the browser back."""
    begun = await browser.get("/api/v1/session/oidc", params={"next": then})
    assert begun.status_code == 302, begun.text
    for each in ("HttpOnly", "SameSite=lax", "Path=/api/v1/session/oidc"):
        assert each in begun.headers["set-cookie"]
    async with httpx.AsyncClient(trust_env=False) as outside:
        answer = await outside.get(begun.headers["location"])
    assert answer.status_code == 302, answer.text
    return str(answer.headers["location"])


async def come_back(browser: httpx.AsyncClient, then: str = "/floor") -> httpx.Response:
    return await browser.get(await to_the_provider(browser, then))


def problem_of(answer: httpx.Response) -> str:
    """The sentence with which a refused browser comes to the first page."""
    assert answer.status_code == 302
    assert f"{COOKIE}=" not in answer.headers.get("set-cookie", "")
    assert answer.headers["location"] == "/"
    (told,) = (each for each in answer.headers.get_list("set-cookie") if each.startswith(PROBLEM))
    return unquote(told.partition("=")[2].partition(";")[0])


async def test_a_person_whom_the_provider_names_is_signed_in_with_the_role_of_the_claims(
    server: ApiServer, browser, provider, api
) -> None:
    answer = await come_back(browser)
    assert (answer.status_code, answer.headers["location"]) == (302, "/floor")
    cookies = answer.headers.get_list("set-cookie")
    assert any(each.startswith(COOKIE) and "SameSite=strict" in each and "HttpOnly" in each for each in cookies)
    shown = (await browser.get("/api/v1/session")).json()
    assert (shown["user"], shown["name"], shown["role"]) == ("wang.fang", "王芳", "supervisor")
    assert shown["sign_in"] == ["password", "oidc"]
    assert (await browser.get("/api/v1/session/ways")).json() == {
        "sign_in": ["password", "oidc"],
        "standing_by": None,
        "leader": None,
        "problem": None,
        "zone": "Asia/Shanghai",
    }
    user = server.view.users.get("wang.fang")
    assert user is not None
    assert (user.digest, user.subject) == ("", f"{provider.issuer}|4711")
    await server.tell()
    rows = (await api.get("/api/v1/audit")).json()["items"]
    assert [(row["act"], row["by"]) for row in rows] == [
        ("session.sign-in", "wang.fang"),
        ("users.manage", "OpenID provider"),
    ]
    assert "by oidc" in rows[0]["subject"]


async def test_what_the_provider_says_later_holds_from_the_next_sign_in(server: ApiServer, browser, provider) -> None:
    await server.tell(acd.AgentDefined("1001", "Li", (Skill("complaint", 5),), ("A",), "sip:1001@127.0.0.1:5062"))
    await come_back(browser)
    before = browser.cookies.get(COOKIE, domain="hotline.local")
    provider.person |= {"groups": "hotline-agents", "agent": 1001, "preferred_username": "another"}
    await come_back(browser)
    shown = (await browser.get("/api/v1/session")).json()
    assert (shown["user"], shown["role"], shown["agent"]) == ("wang.fang", "agent", "1001")
    assert len(server.view.users) == 1
    assert await server.acts.sign_in.signed_in(str(before), "here") is None, "another role, another session"


async def test_another_server_finishes_what_one_began(server: ApiServer, browser, settings) -> None:
    back = await to_the_provider(browser)
    assert server.redis is not None
    other = openid_of(settings, server.acts.openid, BegunSignIns(server.redis))
    transport = httpx.ASGITransport(new_application(openid=other), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://hotline", cookies=browser.cookies) as client:
        assert (await client.get(back)).headers["location"] == "/floor"
        assert (await client.get("/api/v1/session")).json()["user"] == "wang.fang"


async def test_a_server_that_stands_by_says_so_before_the_provider_is_asked(
    server: ApiServer, browser, monkeypatch
) -> None:
    back = await to_the_provider(browser)

    def standby(_: object) -> None:
        raise NotLeading("this server stands by, one leads: ask the server that leads")

    with monkeypatch.context() as there:
        there.setattr(ApiServer, "dispatcher", property(standby, lambda *_: None), raising=False)
        assert "one leads" in problem_of(await browser.get("/api/v1/session/oidc"))
        cookie = browser.cookies.get(OPENID_COOKIE, domain="hotline.local")
        assert "one leads" in problem_of(await browser.get(back))
    browser.cookies.set(OPENID_COOKIE, str(cookie), domain="hotline.local", path="/api/v1/session/oidc")
    assert (await browser.get(back)).headers["location"] == "/floor", "the code was not used up"


async def test_a_person_without_a_role_here_is_refused(server: ApiServer, browser, provider, api) -> None:
    provider.person["groups"] = ["staff"]
    assert "names no role here" in problem_of(await come_back(browser))
    provider.person |= {"groups": ["hotline-agents"]}
    assert "give the work number" in problem_of(await come_back(browser))
    provider.person |= {"groups": ["hotline-supervisors"], "preferred_username": "王芳"}
    assert "is no user's name" in problem_of(await come_back(browser))
    assert len(server.view.users) == 0
    await server.tell()
    rows = (await api.get("/api/v1/audit?act=session.refused")).json()["items"]
    assert len(rows) == 3


async def test_a_person_does_not_become_a_user_with_a_password_or_one_who_is_disabled(
    server: ApiServer, browser, provider
) -> None:
    await server.acts.users.add(OWNER, "admin", Wanted(role=Role.ADMINISTRATOR), PASSWORD)
    provider.person["preferred_username"] = "admin"
    assert "signs in with a password" in problem_of(await come_back(browser))
    provider.person["preferred_username"] = "wang"
    await come_back(browser)
    await server.acts.users.disable(OWNER, "wang")
    assert "disabled" in problem_of(await come_back(browser))


async def test_the_last_administrator_keeps_the_role_whatever_the_provider_says(
    server: ApiServer, browser, provider
) -> None:
    provider.person["groups"] = ["hotline-admins"]
    await come_back(browser)
    provider.person["groups"] = ["hotline-supervisors"]
    assert "is the last administrator" in problem_of(await come_back(browser))


async def test_a_user_of_the_provider_has_no_password_that_opens(server: ApiServer, browser) -> None:
    await come_back(browser)
    browser.cookies.clear()
    for password in ("", "x", PASSWORD):
        answer = await browser.post("/api/v1/session", json={"user": "wang.fang", "password": password})
        assert answer.status_code in (401, 422)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        ({"nonce": "another"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"aud": "another"}, "aud"),
        ({"aud": [CLIENT, "another"]}, "azp"),
        ({"iss": "http://elsewhere"}, "iss"),
        ({"exp": 1_700_000_000}, "expired"),
        ({"sub": ""}, "sub"),
        ({"sub": 4711}, "sub"),
    ],
)
async def test_a_token_that_is_not_for_this_sign_in_is_refused(
    server: ApiServer, browser, provider, spoil, sentence
) -> None:
    provider.spoil = spoil
    told = problem_of(await come_back(browser))
    assert "the provider's token cannot be used" in told
    assert len(server.view.users) == 0


async def test_a_token_that_another_key_signed_is_refused(server: ApiServer, browser, provider) -> None:
    provider.signing = jwk.RSAKey.generate_key(2048, parameters={"kid": "first"})
    assert "cannot be used" in problem_of(await come_back(browser))
    provider.key = provider.signing
    assert (await come_back(browser)).headers["location"] == "/floor", "a provider may have new keys"


async def test_an_answer_that_was_not_asked_for_in_this_browser_is_refused(server, browser, provider, clock) -> None:
    back = await to_the_provider(browser)
    kept = browser.cookies.get(OPENID_COOKIE, domain="hotline.local")
    browser.cookies.clear()
    assert "not begun in this browser" in problem_of(await browser.get(back))
    await to_the_provider(browser)
    assert "belongs to another sign-in" in problem_of(await browser.get(back))
    browser.cookies.set(OPENID_COOKIE, str(kept), domain="hotline.local", path="/api/v1/session/oidc")
    clock.now += WITHIN + 1
    assert "too long ago" in problem_of(await browser.get(back))
    clock.now -= WITHIN + 1
    browser.cookies.set(OPENID_COOKIE, str(kept), domain="hotline.local", path="/api/v1/session/oidc")
    assert (await browser.get(back)).headers["location"] == "/floor"
    browser.cookies.set(OPENID_COOKIE, str(kept), domain="hotline.local", path="/api/v1/session/oidc")
    assert "no token" in problem_of(await browser.get(back)), "a code holds once"
    assert "too long ago" in problem_of(await browser.get("/api/v1/session/oidc/callback"))


async def test_a_provider_that_refuses_or_is_away_is_told_in_words(
    server: ApiServer, browser, provider, settings
) -> None:
    provider.refuse = "access_denied"
    assert problem_of(await come_back(browser)) == "the provider refused: access_denied"
    for problem in ("the provider refused: access_denied", None):
        assert (await browser.get("/api/v1/session/ways")).json()["problem"] == problem, "told once"
    ApiServer.under_test = server
    away = replace(settings, oidc_issuer="http://127.0.0.1:1")
    found = OpenId(away, BegunSignIns(server.redis))
    transport = httpx.ASGITransport(new_application(openid=found), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://hotline") as client:
        assert "does not answer as one" in refused(await client.get("/api/v1/session/oidc"), 503)


@pytest.mark.parametrize("then", ["https://elsewhere/", "//elsewhere", "/\\elsewhere", "javascript:alert(1)", ""])
async def test_nobody_is_sent_elsewhere_after_the_sign_in(browser, then: str) -> None:
    assert (await come_back(browser, then)).headers["location"] == "/"


async def test_without_a_provider_there_is_nothing_to_find(server: ApiServer, api) -> None:
    for path in ("oidc", "oidc/callback"):
        assert "sign in with a password" in refused(await api.get(f"/api/v1/session/{path}"), 404)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"SANSHENG_OIDC_ISSUER": "http://login.example.com"}, "give the provider's issuer"),
        ({"SANSHENG_OIDC_ISSUER": "https://login.example.com"}, "belong together"),
        ({"SANSHENG_OIDC_CLIENT_ID": "desk"}, ""),
        ({"SANSHENG_OIDC_ROLES": "staff"}, "give values and roles"),
        ({"SANSHENG_OIDC_ROLES": "staff=king"}, "give values and roles"),
    ],
)
def test_settings_that_cannot_be_used_are_told(given: dict[str, str], sentence: str) -> None:
    if not sentence:
        assert load_settings(given).oidc_issuer == ""
        return
    with pytest.raises(SettingsError, match=sentence):
        load_settings(given)


def test_a_claim_is_found_by_its_name_or_its_path() -> None:
    claims: dict[str, Any] = {"a": ["x", 1, None, True], "b": {"c": ["y"]}, "d.e": "z", "f": {"g": "h"}}
    assert claim(claims, "a") == ["x", "1"]
    assert claim(claims, "b.c") == ["y"]
    assert claim(claims, "d.e") == ["z"]
    assert claim(claims, "b.none.more") == claim(claims, "f") == []
