"""Which connections may stay, and which requests are refused by their head alone."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.usecases.principal import Principal, Role
from server.web.connections import Connections, whose
from server.web.gate import Gate


def test_of_one_address_the_one_that_waited_longest_makes_room() -> None:
    connections: Connections[int] = Connections(100, 3)
    assert [connections.come(number, "a") for number in (1, 2, 3)] == [None] * 3
    connections.is_busy(1, "a")
    assert connections.come(4, "a") == 2
    connections.left(2, "a")
    connections.waits(1, "a")
    assert connections.come(5, "a") == 3


def test_where_each_is_being_answered_the_newcomer_goes() -> None:
    connections: Connections[int] = Connections(100, 2)
    for number in (1, 2):
        connections.come(number, "a")
        connections.is_busy(number, "a")
    assert connections.come(3, "a") == 3


def test_where_all_have_too_many_the_address_that_has_most_makes_room() -> None:
    connections: Connections[int] = Connections(5, 4)
    for number, address in enumerate("baaaa"):
        assert connections.come(number, address) is None
    assert connections.come(9, "c") == 1


@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from("abc"), st.sampled_from(["busy", "wait", "leave"]))))
def test_there_are_never_more_than_the_limits_allow(acts: list[tuple[int, str, str]]) -> None:
    connections: Connections[tuple[int, str]] = Connections(8, 4)
    there: dict[tuple[int, str], None] = {}
    for number, address, act in acts:
        who = (number, address)
        if who not in there:
            there[who] = None
            goes = connections.come(who, address)
            if goes is not None:
                connections.left(goes, goes[1])
                connections.left(goes, goes[1])  # told twice, it counts once
                del there[goes]
        elif act == "busy":
            connections.is_busy(who, address)
        elif act == "wait":
            connections.waits(who, address)
        else:
            connections.left(who, address)
            del there[who]
        assert len(there) <= 8
        assert all(sum(each[1] == of for each in there) <= 4 for of in "abc")


@pytest.mark.parametrize(
    ("host", "counts_as"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
    ],
)
def test_an_address_counts_as_one_peer(host: str, counts_as: str) -> None:
    assert whose(host) == counts_as


async def test_a_body_is_not_touched_before_the_token_was_accepted() -> None:
    touched = []

    async def receive() -> Any:
        touched.append("read")
        return {"type": "http.request", "body": b"{}", "more_body": False}

    async def send(message: Any) -> None:
        touched.append(message.get("status"))

    async def app(scope: Any, receive: Any, send: Any) -> None:
        touched.append((await receive())["body"])

    async def authenticate(_: Any, headers: Any) -> Principal | None:
        token = headers.get("authorization") == "Bearer token"
        return Principal("li", Role.SUPERVISOR, "test") if token else None

    async def ask(path: str, *headers: tuple[bytes, bytes]) -> list[Any]:
        touched.clear()
        scope = {"type": "http", "http_version": "1.1", "method": "POST", "path": path, "raw_path": path.encode()}
        async with asyncio.timeout(5):
            await Gate(app, authenticate)(scope | {"query_string": b"", "headers": list(headers)}, receive, send)
        return list(touched)

    has_token = (b"authorization", b"Bearer token")
    assert await ask("/api/v1/calls") == [401, None]
    assert await ask("/api/v1/calls", has_token) == ["read", b"{}"]
    assert await ask("/api/v1/calls", has_token, (b"content-length", b"1000001")) == [413, None]
    assert await ask("/healthz", (b"content-length", b"2")) == [b""]
