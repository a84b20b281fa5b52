"""`sansheng callback` and `sansheng report`, with a server and without one."""

from __future__ import annotations

import asyncio
import os
import pwd
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

import acd.events as acd
from server.commands import shared
from server.web.serve import HttpServer
from tests.redis_server import redis_server
from tests.server.commands.test_cli import Done, Run, home, sansheng
from tests.server.web.api_server import TOKEN, server

__all__ = ["home", "redis_server", "sansheng", "server"]

ZONE = ZoneInfo("Asia/Shanghai")
FIELDS = [
    "id", "number", "category", "queue", "state", "attempts", "promised_at", "queued_at", "due_at", "call", "reason",
    "source", "connected_at",
]  # fmt: skip
MODE = ["scope", "mode", "active", "since", "until", "who", "reason", "rule"]

ACCOUNT = f"{pwd.getpwuid(os.getuid()).pw_name} on this machine"

Asked = Callable[..., Awaitable[Done]]


@pytest.fixture
async def served(server, home, sansheng: Run, monkeypatch) -> AsyncIterator[Asked]:
    """Runs commands while a server answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    monkeypatch.setenv("SANSHENG_HTTP_PORT", str(port))
    monkeypatch.setenv("SANSHENG_TRUNK", "sip:127.0.0.1:5090")
    (home / "secrets").mkdir()
    (home / "secrets" / "api-token").write_text(TOKEN)
    http = HttpServer(server.application(), "127.0.0.1", port)
    await http.start()

    async def run(*typed: str) -> Done:
        return await asyncio.to_thread(sansheng, *typed)

    yield run
    await http.stop()


async def add(served: Asked, *typed: str) -> Done:
    return await served("callback", "add", "--number", "13800138000", "--category", "attitude", *typed)


async def test_a_call_back_is_promised_listed_and_joined(served) -> None:
    done = await add(served)
    assert done.code == 0
    assert done.out.startswith("callback 1 to 13800138000 is promised: pending, due 20")
    again = await add(served)
    assert (again.code, again.out.split(":")[0]) == (0, "callback 1 to 13800138000 was promised already")
    (row,) = (await served("callback", "list", "--json")).json
    assert list(row) == FIELDS
    assert (row["number"], row["category"], row["queue"], row["state"]) == (
        "13800138000",
        "attitude",
        "complaint",
        "pending",
    )
    assert (await served("callback", "list", "--json", "--state", "kept")).json == []
    assert "13800138000  attitude" in (await served("callback", "list")).out


async def test_after_is_the_next_such_time_in_the_hotlines_zone(served) -> None:
    made = (await add(served, "--after", "18:00", "--json")).json
    due = datetime.fromisoformat(made["due_at"]).astimezone(ZONE)
    assert (due.hour, due.minute) == (18, 0)
    assert 0 < (due - datetime.now(UTC)).total_seconds() <= 86_400


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        (("add", "--number", "abc", "--category", "attitude"), "abc is not a telephone number: write digits only"),
        (("add", "--number", "1380013800", "--category", "attitude"), "is not a valid number in CN"),
        (("add", "--number", "4001234567", "--category", "attitude"), "of a kind that is not called back"),
        (("add", "--number", "+14155552671", "--category", "attitude"), "abroad is not called back"),
        (("add", "--number", "1001", "--category", "attitude"), "1001 is an agent's number"),
        (("add", "--number", "13800138000", "--category", "weather"), "there is no category weather"),
        (("add", "--number", "13800138000", "--after", "soon"), "--after soon: write a day or an instant"),
        (("show", "7"), "there is no callback 7"),
        (("cancel", "7", "--reason", "x"), "there is no callback 7"),
        (("mode", "on", "--queue", "weather"), "there is no queue weather"),
        (("mode", "--queue", "weather"), "there is no queue weather"),
        (("mode", "--reason", "x"), "go with on, off or auto"),
        (("mode", "auto", "--until", "18:00"), "auto has no end"),
    ],
    ids=lambda each: " ".join(each)[:40] if isinstance(each, tuple) else "",
)
async def test_a_refusal_is_one_sentence_and_exit_1(server, served, typed, sentence) -> None:
    await server.tell(acd.AgentDefined("1001", "Li", ()))
    done = await served("callback", *typed)
    assert (done.code, done.out) == (1, "")
    assert sentence in done.err
    assert done.err.count("\n") == 1


async def test_a_promise_is_shown_postponed_moved_and_cancelled(served) -> None:
    await add(served, "--reason", "asks after the refund")
    assert "due 20" in (await served("callback", "postpone", "1", "--until", "18:00")).out
    assert (await served("callback", "prioritise", "1", "--priority", "50")).out == "callback 1 has priority 50\n"
    shown = (await served("callback", "show", "1", "--json")).json
    assert (shown["priority"], shown["history"]) == (50, [])
    done = await served("callback", "cancel", "1", "--reason", "solved by mail")
    assert done.out == "callback 1 is cancelled\n"
    assert f"solved by mail, by {ACCOUNT}" in (await served("callback", "show", "1")).out
    assert (await served("callback", "tasks", "--json")).json == []


async def test_the_mode_is_listed_and_set(served) -> None:
    rows = (await served("callback", "mode", "--json")).json
    assert [list(row) for row in rows] == [MODE] * len(rows)
    assert (rows[0]["scope"], rows[0]["mode"]) == ("all", "auto")
    rows = (await served("callback", "mode", "on", "--reason", "peak", "--until", "18:00", "--json")).json
    assert {(row["mode"], row["active"], row["who"]) for row in rows} == {("on", True, ACCOUNT)}
    assert all(row["until"] for row in rows)
    await served("callback", "mode", "off", "--queue", "media")
    (row,) = (await served("callback", "mode", "--queue", "media", "--json")).json
    assert (row["mode"], row["active"]) == ("off", False)


async def test_without_a_server_the_records_are_shown(server, served, home, sansheng, monkeypatch) -> None:
    await add(served)
    await server.tell(acd.Tick())
    monkeypatch.setenv("SANSHENG_HTTP_PORT", "9")
    (row,) = (await asyncio.to_thread(sansheng, "callback", "list", "--json")).json
    assert (row["id"], row["state"]) == (1, "pending")
    listed = await served("callback", "list", "--json", "--number", "+86 138 0013 8000")
    assert [each["id"] for each in listed.json] == [1]
    assert (await served("callback", "list", "--json", "--number", "nobody")).json == []
    assert (await served("callback", "show", "1", "--json")).json["id"] == 1
    done = await add(served)
    assert (done.code, "no server answers" in done.err) == (1, True)


async def test_the_report_says_where_a_promise_belongs(server, served) -> None:
    await add(served)
    await server.tell(acd.Tick())
    done = await served("report", "callback", "--interval", "1h")
    assert "a promise belongs to the interval in which it was made" in done.out
    assert "the day" in done.out
    found = (await served("report", "callback", "--json")).json
    assert (found["total"]["promised"], found["total"]["open"]) == (1, 1)
    for typed, sentence in (
        (("--interval", "7m"), "does not divide a day"),
        (("--interval", "often"), "write minutes, hours or a day"),
        (("--day", "monday"), "--day monday: write a day from 2000 to 2099"),
    ):
        done = await served("report", "callback", *typed)
        assert (done.code, sentence in done.err) == (1, True)


async def test_without_a_trunk_it_is_said_that_no_calls_go_out(served, monkeypatch) -> None:
    monkeypatch.delenv("SANSHENG_TRUNK")
    done = await add(served)
    assert done.code == 0
    assert "no calls go out: set up a trunk first" in done.err


def test_the_next_such_time_is_today_or_tomorrow(home) -> None:
    morning = datetime(2027, 1, 15, 10, 0, tzinfo=ZONE)
    for text, wanted in (
        ("18:00", datetime(2027, 1, 15, 18, 0, tzinfo=ZONE)),
        ("09:30", datetime(2027, 1, 16, 9, 30, tzinfo=ZONE)),
        ("today 18:00", datetime(2027, 1, 15, 18, 0, tzinfo=ZONE)),
        ("tomorrow 18:00", datetime(2027, 1, 16, 18, 0, tzinfo=ZONE)),
        ("2027-01-20T18:00", datetime(2027, 1, 20, 18, 0, tzinfo=ZONE)),
        ("2027-01-20T18:00+00:00", datetime(2027, 1, 20, 18, 0, tzinfo=UTC)),
    ):
        assert shared.ahead(text, "--after", morning) == wanted
    with pytest.raises(shared.Refused):
        shared.ahead("25:00", "--after", morning)
