"""Guessing: it becomes slow for the address that guesses, and locks nobody out."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncIterator

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.storage.attempts import ALLOWANCE, FREE, LONGEST_WAIT, REFILL, Attempts
from server.usecases.passwords import Passwords
from server.usecases.principal import Role
from server.usecases.sign_in import MOST_REFUSED
from server.usecases.users import Wanted
from tests.redis_server import RedisServer, redis_server
from tests.server.web.api_server import OWNER, QUICK, ApiServer, api, refused, server
from tests.server.web.test_session import PASSWORD, WORSE, Clock, browser_of, sign_in

__all__ = ["api", "redis_server", "server"]

OFFICE, HOME, STRANGER = "192.0.2.1", "198.51.100.7", "203.0.113.9"


@pytest.fixture
async def clock(server: ApiServer) -> Clock:
    clock = Clock()
    assert server.redis is not None
    server.attempts = Attempts(server.redis, clock)
    for name in ("wang", "li"):
        await server.acts.users.add(OWNER, name, Wanted(role=Role.SUPERVISOR), PASSWORD)
    return clock


@pytest.fixture
async def office(server: ApiServer) -> AsyncIterator[httpx.AsyncClient]:
    async with browser_of(server, OFFICE) as client:
        yield client


@pytest.fixture
async def stranger(server: ApiServer) -> AsyncIterator[httpx.AsyncClient]:
    async with browser_of(server, STRANGER) as client:
        yield client


async def test_wrong_attempts_wait_longer_and_longer(clock: Clock, stranger) -> None:
    for _ in range(FREE):
        assert "try again" in refused(await sign_in(stranger, password=WORSE), 401)
    waits = []
    for _ in range(12):
        answer = await sign_in(stranger, password=WORSE)
        assert "too many wrong attempts" in refused(answer, 429)
        waits.append(int(answer.headers["retry-after"]))
        clock.now += waits[-1]
        assert (await sign_in(stranger, password=WORSE)).status_code == 401
    assert waits == [min(2**step, LONGEST_WAIT) for step in range(12)]


async def test_the_right_password_waits_too_where_its_user_never_signed_in(clock: Clock, stranger) -> None:
    for _ in range(FREE):
        await sign_in(stranger, password=WORSE)
    answer = await sign_in(stranger)
    assert answer.status_code == 429
    clock.now += int(answer.headers["retry-after"])
    assert (await sign_in(stranger)).status_code == 200
    assert (await sign_in(stranger, password=WORSE)).status_code == 401, "attempts count anew"


async def test_guesses_from_elsewhere_keep_nobody_out(clock: Clock, office, stranger) -> None:
    for _ in range(FREE * 2):
        await sign_in(stranger, password=WORSE)
    assert (await sign_in(stranger)).status_code == 429
    assert (await sign_in(office)).status_code == 200


async def test_where_the_user_signed_in_before_the_right_password_always_gets_through(clock: Clock, office) -> None:
    assert (await sign_in(office)).status_code == 200
    seen = [(await sign_in(office, password=WORSE)).status_code for _ in range(FREE * 8)]
    assert seen == [401] * FREE + [429] * (FREE * 7), "wrong ones are told to wait"
    assert (await sign_in(office)).status_code == 200
    clock.now += 91 * 86_400
    for _ in range(FREE):
        await sign_in(office, password=WORSE)
    assert (await sign_in(office)).status_code == 429, "an address is forgotten after 90 days"


async def test_an_address_that_tries_many_names_has_to_wait_and_the_known_ones_do_not(
    clock: Clock, server: ApiServer, office
) -> None:
    await sign_in(office)
    for number in range(ALLOWANCE):
        assert (await sign_in(office, f"user{number}")).status_code == 401
    answer = await sign_in(office, "user99")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, str(int(REFILL)))
    assert (await sign_in(office, "li")).status_code == 429, "never signed in here"
    assert (await sign_in(office)).status_code == 200, "signed in here before"
    async with browser_of(server, HOME) as elsewhere:
        assert (await sign_in(elsewhere, "li")).status_code == 200
    clock.now += REFILL
    assert (await sign_in(office, "li")).status_code == 200
    assert (await sign_in(office, "user99")).status_code == 401, "the right password was free"


async def test_an_ipv6_network_counts_as_one_address(clock: Clock, server: ApiServer) -> None:
    for number in range(FREE):
        async with browser_of(server, f"2001:db8::{number}") as client:
            assert (await sign_in(client, password=WORSE)).status_code == 401
    async with browser_of(server, "2001:db8::ffff") as client:
        assert (await sign_in(client, password=WORSE)).status_code == 429


async def test_the_owners_token_works_whatever_was_tried(clock: Clock, office, api) -> None:
    for number in range(ALLOWANCE + 5):
        await sign_in(office, f"user{number}")
    api.headers["X-Forwarded-For"] = OFFICE
    assert (await api.get("/api/v1/users")).status_code == 200


async def test_attempts_at_the_same_moment_are_counted_each(clock: Clock, server: ApiServer) -> None:
    charges = await asyncio.gather(*(server.attempts.charge("wang", STRANGER) for _ in range(40)))
    assert sum(not charge.wait for charge in charges) == FREE


async def test_the_audit_takes_no_flood(clock: Clock, server: ApiServer, api) -> None:
    for number in range(MOST_REFUSED + 10):
        async with browser_of(server, f"10.0.{number}.1") as client:
            await sign_in(client, password=WORSE)
    await server.tell()
    rows = (await api.get("/api/v1/audit?act=session.refused")).json()["items"]
    assert len(rows) == MOST_REFUSED


async def test_an_unknown_name_a_disabled_user_and_a_wrong_password_are_told_alike(
    clock: Clock, server: ApiServer, stranger
) -> None:
    await server.acts.users.disable(OWNER, "li")
    told = [
        (await sign_in(stranger, name, password)).json()
        for name, password in (("nobody", PASSWORD), ("li", PASSWORD), ("wang", WORSE))
    ]
    assert told[0] == told[1] == told[2]


async def test_an_unknown_name_takes_as_long_as_a_wrong_password() -> None:
    passwords = Passwords()
    digest = await passwords.digest(PASSWORD)
    await passwords.check(WORSE, "")  # the digest that nobody has is made once
    took: dict[str, list[float]] = {"": [], digest: []}
    for _ in range(5):
        for each in took:
            began = time.perf_counter()
            assert not await passwords.check(WORSE, each)
            took[each].append(time.perf_counter() - began)
    unknown, wrong = (min(each) for each in took.values())
    assert 0.5 < unknown / wrong < 2, (statistics.median(took[""]), statistics.median(took[digest]))


async def test_no_more_digests_are_computed_at_once_than_allowed(monkeypatch) -> None:
    passwords, now, most = Passwords(QUICK, at_once=2), 0, 0
    digest = await passwords.digest(PASSWORD)
    real = asyncio.to_thread

    async def counted(*given, **named):
        nonlocal now, most
        now += 1
        most = max(most, now)
        try:
            return await real(*given, **named)
        finally:
            now -= 1

    monkeypatch.setattr(asyncio, "to_thread", counted)
    strangers = [passwords.check(WORSE, digest) for _ in range(20)]
    known = [passwords.check(PASSWORD, digest, known=True) for _ in range(20)]
    assert await asyncio.gather(*strangers, *known) == [False] * 20 + [True] * 20
    assert most <= 4


@given(
    st.lists(st.tuples(st.booleans(), st.booleans(), st.floats(0, 400)), min_size=1, max_size=60),
)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_however_attempts_come_few_are_looked_at(redis_server: RedisServer, steps) -> None:
    """Of wrong attempts of one pair in any minute no more are looked at than waits of 1, 2, 4 … s allow."""

    async def run() -> None:
        clock, redis = Clock(), redis_server.connect()
        await redis.flushall()
        attempts = Attempts(redis, clock)
        looked: list[float] = []
        for same, other, pause in steps:
            clock.now += pause / 40 if same else pause
            if other:
                await attempts.charge("another", HOME)
            if not (await attempts.charge("wang", STRANGER)).wait:
                looked.append(clock.now)
        for place, at in enumerate(looked):
            if place >= FREE:
                assert at - looked[place - 1] >= min(LONGEST_WAIT, 2 ** (place - FREE)) - 0.01
        await redis.aclose()

    asyncio.run(run())
