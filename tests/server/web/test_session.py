"""Signing in: a session in a cookie, what it reaches, and how it ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from redis.exceptions import ConnectionError as NoConnection

import acd.events as acd
from acd.policy.definitions import Skill
from server.eventlog.user_events import UserAdded
from server.hotline.dispatcher import NotLeading
from server.storage.sessions import MOST_OF_ONE, Sessions, csrf_of
from server.usecases.permissions import Act
from server.usecases.principal import Role
from server.usecases.sign_in import LONGEST_CALL, SignInActs
from server.usecases.users import Wanted
from server.web.authentication import COOKIE, Authentication
from server.web.gate import Gate
from server.web.lasting import Lasting
from tests.redis_server import redis_server
from tests.server.web.api_server import OWNER, ApiServer, api, refused, server

__all__ = ["api", "redis_server", "server"]

PASSWORD = "correct horse battery"
WORSE, OTHER = "wrong horse battery", "another horse battery"
STORM = {"mode": "on", "reason": "storm"}


async def add(server: ApiServer, name: str = "wang", role: Role = Role.SUPERVISOR, **fields: Any) -> None:
    await server.acts.users.add(OWNER, name, Wanted(role=role, **fields), PASSWORD)


def browser_of(server: ApiServer, address: str = "127.0.0.1", base: str = "http://hotline") -> httpx.AsyncClient:
    """A browser that has no token."""
    transport = httpx.ASGITransport(server.application(), raise_app_exceptions=False, client=(address, 40000))
    return httpx.AsyncClient(transport=transport, base_url=base, headers={"Origin": base})


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
    for each in ("HttpOnly", "SameSite=strict", "Path=/"):
        assert each in cookie
    assert "Secure" not in cookie
    assert (await browser.get("/api/v1/session")).json() == shown
    done = await browser.put("/api/v1/callback-mode", json=STORM)
    assert done.status_code == 200, done.text
    assert (await browser.get("/api/v1/callback-mode")).json()["items"][0]["who"] == "wang"
    assert (await browser.delete("/api/v1/session")).status_code == 204
    assert (await browser.get("/api/v1/session")).status_code == 401


async def test_over_tls_the_cookie_is_secure(server: ApiServer) -> None:
    await add(server)
    async with browser_of(server, base="https://hotline") as browser:
        assert "; Secure" in (await sign_in(browser)).headers["set-cookie"]


async def test_a_token_shows_what_it_may_do_and_has_no_session_to_end(server: ApiServer, api) -> None:
    shown = (await api.get("/api/v1/session")).json()
    assert (shown["role"], shown["csrf"], shown["expires_at"]) == ("administrator", "", None)
    assert shown["acts"][Act.MANAGE_USERS] == "all"
    assert "revoke it" in refused(await api.delete("/api/v1/session"), 409)
    assert "sign in as a user" in refused(
        await api.post("/api/v1/session/password", json={"old": PASSWORD, "new": OTHER}), 409
    )
    assert (await api.get("/api/v1/session/ways", headers={"Authorization": ""})).json()["sign_in"] == ["password"]


async def test_the_session_is_kept_as_a_digest_and_the_password_as_argon2(server: ApiServer, browser) -> None:
    await add(server)
    await sign_in(browser)
    assert server.redis is not None
    kept = [key + (await server.redis.dump(key) or b"") for key in await server.redis.keys("*")]
    text = browser.cookies[COOKIE]
    assert not any(text.encode() in each or PASSWORD.encode() in each for each in kept)
    user = server.view.users.get("wang")
    assert user is not None
    assert user.digest.startswith("$argon2id$")


# Whose page asks


@pytest.mark.parametrize(
    ("headers", "sentence"),
    [
        ({"X-CSRF-Token": ""}, "send X-CSRF-Token"),
        ({"X-CSRF-Token": "0" * 64}, "send X-CSRF-Token"),
        ({"Origin": "http://elsewhere"}, "which is another site"),
        ({"Origin": "http://hotline:8401"}, "which is another site"),
        ({"Origin": "null"}, "which is another site"),
        ({"Origin": "http://hotline@elsewhere"}, "which is another site"),
        ({"Origin": "file://hotline"}, "which is another site"),
        ({"Sec-Fetch-Site": "same-site"}, "another site"),
        ({"Sec-Fetch-Site": "cross-site"}, "another site"),
        ({"Sec-Fetch-Site": "none"}, "another site"),
        ({"Origin": None}, "send Origin"),
    ],
)
async def test_a_change_of_another_sites_page_is_refused(server: ApiServer, browser, headers, sentence) -> None:
    await add(server)
    await sign_in(browser)
    for name, value in headers.items():
        browser.headers.pop(name, None)
        if value is not None:
            browser.headers[name] = value
    before = server.view.callbacks.modes()
    answer = await browser.put("/api/v1/callback-mode", json=STORM)
    assert sentence in refused(answer, 403)
    assert answer.json()["type"] == "/problems/cross-site"
    assert server.view.callbacks.modes() == before


async def test_one_of_origin_and_sec_fetch_site_is_enough(server: ApiServer, browser) -> None:
    await add(server)
    await sign_in(browser)
    del browser.headers["Origin"]
    browser.headers["Sec-Fetch-Site"] = "same-origin"
    assert (await browser.put("/api/v1/callback-mode", json=STORM)).status_code == 200


async def test_a_page_of_another_site_reads_nothing_with_the_cookie(server: ApiServer, browser) -> None:
    await add(server)
    await sign_in(browser)
    for site, status in (("same-origin", 200), ("none", 200), ("same-site", 403), ("cross-site", 403)):
        answer = await browser.get("/api/v1/session", headers={"Sec-Fetch-Site": site})
        assert answer.status_code == status, site


async def test_another_sites_page_cannot_sign_a_browser_in(server: ApiServer, browser) -> None:
    await add(server)
    browser.headers["Origin"] = "http://elsewhere"
    assert "another site" in refused(await sign_in(browser), 403)
    del browser.headers["Origin"]
    assert (await sign_in(browser)).status_code == 200, "a script is no page"


async def test_a_request_with_a_token_needs_neither_origin_nor_csrf_and_has_no_use_of_the_cookie(
    server: ApiServer, api, browser
) -> None:
    await add(server)
    await sign_in(browser)
    api.cookies.update(browser.cookies)
    assert (await api.put("/api/v1/callback-mode", json=STORM)).status_code == 200
    answer = await api.get("/api/v1/session", headers={"Authorization": "Bearer wrong"})
    assert answer.status_code == 401


# How a session begins and ends


async def test_a_sign_in_makes_a_new_session_and_ends_the_one_before(server: ApiServer, browser) -> None:
    await add(server)
    browser.cookies.set(COOKIE, "chosen-by-another", domain="hotline.local")
    await sign_in(browser)
    first = (
        browser.cookies[COOKIE] if len(browser.cookies) == 1 else browser.cookies.get(COOKIE, domain="hotline.local")
    )
    assert first != "chosen-by-another"
    await sign_in(browser)
    second = browser.cookies.get(COOKIE, domain="hotline.local")
    assert second != first
    assert await server.acts.sign_in.signed_in(str(first), "here") is None
    assert len(await server.sessions.all()) == 1


async def test_a_user_has_so_many_sessions_at_most(server: ApiServer) -> None:
    await add(server)
    texts = []
    for _ in range(MOST_OF_ONE + 2):
        _, text = await server.sessions.begin("wang", 0, by="password", origin="here", client="")
        texts.append(text)
        await asyncio.sleep(0.002)
    found = [await server.sessions.find(text) for text in texts]
    assert [each is None for each in found] == [True] * 2 + [False] * MOST_OF_ONE


async def test_a_session_ends_at_once_with_its_user_role_or_password(server: ApiServer, browser, api) -> None:
    await add(server)
    await add(server, "li")
    for path, body in (
        ("users/wang/disable", {"reason": "left"}),
        ("users/wang", {"role": "qa"}),
        ("users/wang/password", {"password": PASSWORD + "!"}),
    ):
        await server.acts.users.set_password(OWNER, "wang", PASSWORD)
        async with browser_of(server) as other:
            assert (await sign_in(browser)).status_code == 200
            assert (await sign_in(other, "li")).status_code == 200
            # Also where the session stands in Redis still: the server that stands by goes by the log.
            kept = await server.sessions.find(browser.cookies[COOKIE])
            answer = await api.request("PATCH" if path == "users/wang" else "POST", f"/api/v1/{path}", json=body)
            assert answer.status_code == 200, answer.text
            assert (await browser.get("/api/v1/session")).status_code == 401
            assert server.acts.sign_in.holds(kept) is None
            assert (await other.get("/api/v1/session")).status_code == 200
        if "disable" in path:
            assert (await sign_in(browser)).status_code == 401
            await api.post("/api/v1/users/wang/enable")


async def test_what_else_changes_of_a_user_holds_for_the_sessions_that_there_are(server: ApiServer, browser) -> None:
    await server.tell(acd.AgentDefined("1001", "Li", (Skill("complaint", 5),), ("A",), "sip:1001@127.0.0.1:5062"))
    await add(server, "li", Role.LEADER, teams=("A",))
    await sign_in(browser, "li")
    await server.acts.users.change(OWNER, "li", Wanted(display="李明", agent="1001", language="en"))
    shown = (await browser.get("/api/v1/session")).json()
    assert (shown["name"], shown["agent"], shown["teams"], shown["language"]) == ("李明", "1001", ["A"], "en")


async def test_a_user_chooses_another_password_and_stays_in_this_session_alone(server: ApiServer, browser) -> None:
    await add(server)
    async with browser_of(server, "192.0.2.7") as other:
        await sign_in(other)
        await sign_in(browser)
        for old, new, sentence in (
            (WORSE, OTHER, "the old password is another one"),
            (PASSWORD, "short", "shorter than 10"),
            (PASSWORD, PASSWORD, "is the old one"),
        ):
            answer = await browser.post("/api/v1/session/password", json={"old": old, "new": new})
            assert sentence in refused(answer, 422)
        done = await browser.post("/api/v1/session/password", json={"old": PASSWORD, "new": OTHER})
        assert done.status_code == 204, done.text
        assert (await browser.get("/api/v1/session")).status_code == 200
        assert (await other.get("/api/v1/session")).status_code == 401
    assert (await sign_in(browser)).status_code == 401
    assert (await sign_in(browser, password=OTHER)).status_code == 200


async def test_a_user_with_a_password_that_was_made_up_chooses_another_one_first(
    server: ApiServer, browser, api
) -> None:
    made = (await api.post("/api/v1/users", json={"name": "Zhao", "role": "supervisor"})).json()
    assert (made["name"], made["must_change_password"]) == ("zhao", True)
    shown = (await sign_in(browser, "zhao", made["password"])).json()
    assert shown["must_change_password"]
    answer = await browser.get("/api/v1/floor")
    assert answer.json()["type"] == "/problems/password-must-change"
    assert refused(answer, 403)
    await browser.post("/api/v1/session/password", json={"old": made["password"], "new": OTHER})
    assert (await browser.get("/api/v1/floor")).status_code == 200


async def test_sessions_are_listed_and_ended_ones_own_by_each_and_all_by_an_administrator(
    server: ApiServer, browser, api
) -> None:
    await add(server)
    await add(server, "li", Role.QA)
    async with browser_of(server, "192.0.2.7") as other:
        await sign_in(browser)
        await sign_in(other, "li")
        (own,) = (await browser.get("/api/v1/sessions")).json()["items"]
        assert (own["user"], own["own"], own["origin"]) == ("wang", True, "127.0.0.1")
        both = (await api.get("/api/v1/sessions")).json()["items"]
        assert [(row["user"], row["own"]) for row in both] == [("li", False), ("wang", False)]
        assert "there is no session" in refused(await browser.delete(f"/api/v1/sessions/{both[0]['id']}"), 404)
        assert (await api.delete(f"/api/v1/sessions/{both[0]['id']}?reason=strange")).status_code == 204
        assert (await other.get("/api/v1/session")).status_code == 401
        assert (await browser.delete(f"/api/v1/sessions/{own['id']}")).status_code == 204
        assert (await browser.get("/api/v1/session")).status_code == 401


async def test_a_token_with_a_users_name_has_none_of_the_users_sessions(server: ApiServer, browser, api) -> None:
    await add(server)
    await sign_in(browser)
    _, token = await server.acts.tokens.create(OWNER, name="wang", role=Role.QA)
    assert (await api.get("/api/v1/sessions", headers={"Authorization": f"Bearer {token}"})).json()["items"] == []


async def test_sign_ins_and_what_ends_them_are_in_the_audit(server: ApiServer, browser, api) -> None:
    await add(server)
    await sign_in(browser, "wang", WORSE)
    await sign_in(browser, "a password in the wrong field", "x")
    browser.headers["User-Agent"] = "Firefox"
    await sign_in(browser)
    (own,) = await server.sessions.all()
    await browser.delete("/api/v1/session")
    await server.tell()
    rows = (await api.get("/api/v1/audit")).json()["items"]
    told = [(row["act"], row["by"], row["role"], row["origin"], row["subject"]) for row in rows[:4]]
    assert told == [
        ("session.sign-out", "wang", "supervisor", "127.0.0.1", f"session {own.id}"),
        ("session.sign-in", "wang", "supervisor", "127.0.0.1", f"session {own.id} by password: Firefox"),
        ("session.refused", "a name that no user has", "-", "127.0.0.1", "wrong name or password"),
        ("session.refused", "wang", "supervisor", "127.0.0.1", "wrong name or password"),
    ]
    assert len((await api.get("/api/v1/audit?act=session.refused")).json()["items"]) == 2


# Time


class Clock:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def clock(server: ApiServer) -> Clock:
    clock = Clock()
    assert server.redis is not None
    server.sessions = Sessions(server.redis, clock=clock)
    acts = server.acts
    acts.sign_in = SignInActs(server, acts.users, clock=clock)
    server.authentication = Authentication(lambda: server.token, acts.tokens, acts.links, acts.sign_in)
    return clock


async def holds(server: ApiServer, text: str) -> bool:
    return await server.acts.sign_in.signed_in(text, "here") is not None


async def agent(server: ApiServer, *events: object) -> None:
    await server.tell(acd.AgentDefined("1001", "Li", (Skill("complaint", 5),), ("A",), "sip:1001@127.0.0.1:5062"))
    await server.tell(*events)
    await add(server, "li", Role.AGENT, agent="1001")


async def test_a_session_ends_when_it_is_idle_and_at_the_end_of_the_day(server: ApiServer, clock: Clock) -> None:
    await add(server)
    began = clock.now
    _, text = await server.sessions.begin("wang", 0, by="password", origin="here", client="")
    clock.now += server.sessions.idle - 1
    assert await holds(server, text)
    clock.now += server.sessions.idle - 1
    assert await holds(server, text), "it was used meanwhile"
    clock.now += server.sessions.idle + 1
    assert not await holds(server, text)
    _, text = await server.sessions.begin("wang", 0, by="password", origin="here", client="")
    while clock.now < began + server.sessions.longest * 2 and await holds(server, text):
        found = await server.sessions.find(text)
        clock.now += server.sessions.idle / 2
    assert found is not None
    assert found.ends_at <= clock.now < found.ends_at + server.sessions.idle


async def test_a_look_that_is_not_the_users_doing_keeps_no_session_going(server: ApiServer, clock: Clock) -> None:
    await add(server)
    _, text = await server.sessions.begin("wang", 0, by="password", origin="here", client="")
    clock.now += server.sessions.idle - 1
    assert await server.acts.sign_in.signed_in(text, "here", seen=False) is not None
    clock.now += 2
    assert not await holds(server, text)


async def test_an_agent_to_whom_a_call_may_come_is_not_idle(server: ApiServer, clock: Clock) -> None:
    await agent(server, acd.PhoneSeen("1001", True), acd.StatusSet("1001", acd.Status.AVAILABLE))
    _, text = await server.sessions.begin("li", 0, by="password", origin="here", client="")
    clock.now += server.sessions.idle * 3
    assert await holds(server, text)
    await server.tell(acd.StatusSet("1001", acd.Status.BREAK, "lunch"))
    assert await holds(server, text), "the look before was the agent's doing"
    clock.now += server.sessions.idle + 1
    assert not await holds(server, text)


async def test_a_page_asks_how_long_the_session_lasts_and_says_what_its_user_does(
    server: ApiServer, clock: Clock, browser
) -> None:
    await add(server)
    await sign_in(browser)
    idle = server.sessions.idle
    day = server.sessions.longest - idle
    clock.now += idle - 100
    assert (await browser.get("/api/v1/session/left")).json() == {"idle": 100, "day": day + 100, "after": idle}
    clock.now += 60
    assert (await browser.get("/api/v1/session/left")).json()["idle"] == 40, "to ask is no doing of the user"
    assert (await browser.post("/api/v1/session/seen")).json() == {"idle": idle, "day": day + 40, "after": idle}
    clock.now += idle + 1
    assert (await browser.get("/api/v1/session/left")).status_code == 401


async def test_a_session_that_a_call_may_come_to_does_not_end_for_want_of_doing(
    server: ApiServer, clock: Clock, browser
) -> None:
    await agent(server, acd.PhoneSeen("1001", True), acd.StatusSet("1001", acd.Status.AVAILABLE))
    await sign_in(browser, "li")
    clock.now += 10
    left = (await browser.get("/api/v1/session/left")).json()
    assert left == {"idle": None, "day": server.sessions.longest - 10, "after": server.sessions.idle}


async def test_a_token_has_no_session_that_ends(server: ApiServer, api) -> None:
    assert (await api.get("/api/v1/session/left")).json() == {"idle": None, "day": None, "after": None}


async def test_a_call_is_not_cut_off_by_the_end_of_its_agents_session(server: ApiServer, clock: Clock) -> None:
    await agent(server, acd.PhoneSeen("1001", True), acd.StatusSet("1001", acd.Status.AVAILABLE))
    _, text = await server.sessions.begin("li", 0, by="password", origin="here", client="")
    await server.call(1)
    server.dispatcher.own(1, lambda command: None)
    await server.queue(1)
    leg = server.view.calls.get(1).leg
    assert leg is not None
    await server.tell(acd.OfferAnswered(leg.offer), acd.Joined(1, "1001"))
    clock.now += server.sessions.longest + 60
    assert await holds(server, text)
    clock.now += LONGEST_CALL
    assert not await holds(server, text), "a call that never ends keeps no session for ever"


# What else may happen


async def test_a_server_that_stands_by_knows_sessions_and_begins_none(server: ApiServer, browser, monkeypatch) -> None:
    await add(server)
    await sign_in(browser)

    class Elsewhere:
        def __get__(self, *_: object) -> None:
            raise NotLeading("this server stands by, one leads: ask the server that leads", "https://one.example.com")

    leading = server.dispatcher
    del server.dispatcher
    monkeypatch.setattr(ApiServer, "dispatcher", Elsewhere(), raising=False)
    try:
        assert (await browser.get("/api/v1/session")).status_code == 200
        assert "ask the server that leads" in refused(await sign_in(browser), 503)
        ways = (await browser.get("/api/v1/session/ways")).json()
        assert ("one leads" in ways["standing_by"], ways["leader"]) == (True, "https://one.example.com")
        assert (await browser.delete("/api/v1/session")).status_code == 204
        assert (await browser.get("/api/v1/session")).status_code == 401
    finally:
        monkeypatch.undo()
        server.dispatcher = leading


async def test_while_redis_is_away_sessions_are_not_known_and_tokens_are(server: ApiServer, browser, api, monkeypatch):
    await add(server)
    await sign_in(browser)

    async def away(*_: object, **__: object) -> None:
        raise NoConnection("it is away")

    monkeypatch.setattr(server.sessions._redis, "get", away)
    assert "sessions cannot be read now" in refused(await browser.get("/api/v1/session"), 503)
    assert (await api.get("/api/v1/session")).status_code == 200


async def test_a_sign_in_that_is_long_is_not_read(server: ApiServer, browser) -> None:
    answer = await browser.post("/api/v1/session", json={"user": "wang", "password": "x" * 20_000})
    assert "longer than 10 kB" in refused(answer, 413)
    answer = await browser.post("/api/v1/session", json={"user": "wang", "password": "x" * 2_000})
    assert refused(answer, 422)
    answer = await browser.post("/api/v1/session", content=b'{"user": "wang", "password": "\\ud800"}')
    assert answer.status_code in (401, 422)


# Connections that last, and WebSockets


async def test_a_connection_that_lasts_ends_with_its_session_or_token(server: ApiServer) -> None:
    await add(server)
    lasting = Lasting(server.acts.sign_in, server.acts.tokens, every=0.02)
    session, text = await server.sessions.begin("wang", 0, by="password", origin="here", client="")
    signed_in = await server.acts.sign_in.signed_in(text, "here")
    made, token = await server.acts.tokens.create(OWNER, name="wallboard", role=Role.QA)

    def connection(state: dict[str, Any], **headers: str) -> Any:
        found = SimpleNamespace(scope={"state": state, "client": ("127.0.0.1", 1)}, headers=httpx.Headers(headers))
        found.app = None
        return found

    async with (
        lasting(connection({"signed_in": signed_in})) as of_session,
        lasting(connection({}, authorization=f"Bearer {token}")) as of_token,
        lasting(connection({}, authorization="Bearer a-token-for-tests")) as of_owner,
    ):
        await server.sessions.end(session.id)
        await asyncio.wait_for(of_session.wait(), 5)
        assert not of_token.is_set()
        await server.acts.tokens.revoke(OWNER, made.id)
        await asyncio.wait_for(of_token.wait(), 5)
        assert not of_owner.is_set()
    assert lasting._looking is None


async def websocket(server: ApiServer, headers: dict[str, str]) -> tuple[list[str], dict[str, Any]]:
    """What a WebSocket with these headers is told, and the state of its scope."""
    scope = {
        "type": "websocket",
        "path": "/ws/phone",
        "raw_path": b"/ws/phone",
        "query_string": b"",
        "scheme": "ws",
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "state": {},
    }
    told: list[str] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        told.append(message["type"])

    await Gate(application, server.authentication)(scope, receive, send)
    return told, scope["state"]  # type: ignore[return-value]


async def test_a_websocket_needs_a_session_and_a_page_of_this_server_or_a_token(server: ApiServer) -> None:
    await add(server)
    session, text = await server.sessions.begin("wang", 0, by="password", origin="here", client="")
    cookie = {"host": "hotline", "cookie": f"{COOKIE}={text}"}
    for headers, accepted in (
        ({"host": "hotline"}, False),
        (cookie, False),
        ({**cookie, "origin": "http://elsewhere"}, False),
        ({**cookie, "origin": "http://hotline"}, True),
        ({"host": "hotline", "authorization": "Bearer a-token-for-tests"}, True),
        ({"host": "hotline", "authorization": "Bearer wrong", "cookie": cookie["cookie"]}, False),
    ):
        told, state = await websocket(server, headers)
        assert told == ["websocket.accept" if accepted else "websocket.close"], headers
        assert ("principal" in state) is accepted
    told, state = await websocket(server, {**cookie, "origin": "http://hotline"})
    assert (state["principal"].name, state["principal"].sign_in) == ("wang", session.id)
    assert state["signed_in"].csrf == csrf_of(text)


async def test_a_name_is_given_once(server: ApiServer) -> None:
    await add(server)
    await server.tell(UserAdded("wang", "Another", "administrator", "a digest"))
    user = server.view.users.get("wang")
    assert user is not None
    assert user.role == "supervisor"
