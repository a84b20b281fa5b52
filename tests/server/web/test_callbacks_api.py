"""Callback mode over HTTP, against real parts."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import acd.events as acd
from acd.callbacks.events import AttemptEnded, AttemptOutcome, AttemptStarted, CallPlaced
from acd.policy.definitions import Requirement, Skill
from tests.redis_server import redis_server
from tests.server.web.api_server import ApiServer, api, refused, server

__all__ = ["api", "redis_server", "server"]

FIELDS = [
    "id",
    "number",
    "category",
    "queue",
    "state",
    "attempts",
    "promised_at",
    "queued_at",
    "due_at",
    "call",
    "reason",
    "source",
    "connected_at",
]
JSON = {"Content-Type": "application/json"}
LI = {"number": "138 0013 8000", "category": "attitude"}


async def promise(api, **wanted: Any) -> dict[str, Any]:
    answer = await api.post("/api/v1/callbacks", json={**LI, **wanted})
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


async def attempt(server: ApiServer, number: int, call: int, outcome: AttemptOutcome) -> None:
    """The promise stands in line as this call, is dialled, and nobody is reached."""
    now = server.dispatcher.state.at
    wanted = Requirement((Skill("complaint"),))
    await server.tell(
        CallPlaced(call, number, "13800138000", "01065529988", "one"),
        acd.CallQueued(call, "complaint", wanted, now, caller="13800138000", category="attitude", promised=True),
        AttemptStarted(call, number, 1, 1, "1001", 30.0),
        AttemptEnded(call, number, 1, outcome),
        acd.CallEnded(call, "unreached"),
    )


async def test_a_promise_is_made_and_shown_with_exactly_the_fields_that_others_rely_on(server, api) -> None:
    answer = await api.post("/api/v1/callbacks", json=LI)
    assert answer.status_code == 201
    made = answer.json()
    assert (made["id"], made["number"], made["category"], made["queue"]) == (1, "13800138000", "attitude", "complaint")
    assert (made["state"], made["attempts"], made["joined"], made["history"]) == ("pending", 0, False, [])
    (row,) = (await api.get("/api/v1/callbacks")).json()["items"]
    assert list(row) == FIELDS
    assert row["promised_at"] == row["queued_at"] == made["due_at"]


async def test_a_second_one_for_the_same_matter_is_the_first_and_another_matter_is_another(server, api) -> None:
    first = await promise(api)
    again = await api.post("/api/v1/callbacks", json={**LI, "number": "+8613800138000"})
    assert (again.status_code, again.json()["id"], again.json()["joined"]) == (200, first["id"], True)
    assert (await promise(api, category="system"))["id"] == 2
    assert [row["id"] for row in (await api.get("/api/v1/callbacks?number=13800138000")).json()["items"]] == [2, 1]


async def test_after_is_not_before_and_keeps_the_place(server, api) -> None:
    after = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=6)
    made = await promise(api, after=after.isoformat())
    assert datetime.fromisoformat(made["due_at"]) == after
    assert datetime.fromisoformat(made["queued_at"]) < after


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ({"number": "abc"}, "abc is not a telephone number: write digits only"),
        ({"number": "1380013800"}, "is not a valid number in CN"),
        ({"number": "138001380001"}, "is not a valid number in CN"),
        ({"number": "+14155552671"}, "abroad is not called back"),
        ({"number": "4001234567"}, "is of a kind that is not called back"),
        ({"number": "1001"}, "1001 is an agent's number: give the customer's"),
        ({"category": "weather"}, "there is no category weather: there are process"),
        ({"queue": "weather"}, "there is no queue weather: there are complaint"),
        ({"owner": "1009"}, "there is no agent 1009"),
        ({"after": "2099-01-01"}, "more than a year ahead"),
        ({"after": "0001-01-01T00:00:00+14:00"}, "body.after: write a day or an instant from 2000 to 2099"),
        ({"after": "9999-12-31T23:59:59-12:00"}, "body.after: write a day or an instant from 2000 to 2099"),
        ({"after": 1e999}, "body.after: "),
        ({"priority": 1e999}, "body.priority: "),
        ({"priority": float("nan")}, "body.priority: "),
        ({"reason": "two\nlines"}, "body.reason: write it in one line"),
        ({"by": "9001"}, "body.by"),
        ({"category": "a\u202eb"}, "body.category: write it in one line"),
        ({"reason": "x" * 201}, "body.reason: "),
    ],
)
async def test_what_cannot_be_promised_is_refused_in_a_sentence_and_changes_nothing(
    server, api, wanted, sentence
) -> None:
    await server.tell(acd.AgentDefined("1001", "Li", (Skill("complaint", 5),)))
    assert sentence in refused(
        await api.post("/api/v1/callbacks", content=json.dumps({**LI, **wanted}), headers=JSON), 422
    )
    assert (await api.get("/api/v1/callbacks")).json()["items"] == []


async def test_an_agent_finds_the_promises_that_are_the_agents_own(server, api) -> None:
    await server.tell(acd.AgentDefined("1001", "Li", (Skill("complaint", 5),)))
    await promise(api)
    await promise(api, category="system", owner="1001")
    assert [row["id"] for row in (await api.get("/api/v1/callbacks?owner=1001")).json()["items"]] == [2]
    await api.post("/api/v1/callbacks/2/cancel", json={"reason": "solved"})
    assert [row["state"] for row in (await api.get("/api/v1/callbacks?owner=1001")).json()["items"]] == ["cancelled"]
    assert (await api.get("/api/v1/callbacks?owner=1002")).json()["items"] == []


async def test_a_number_is_promised_no_more_than_the_limit(server, api) -> None:
    for category in ("attitude", "system", "usage"):
        await promise(api, category=category)
    answer = await api.post("/api/v1/callbacks", json={**LI, "category": "process"})
    assert "13800138000 was promised 3 calls in 24 hours" in refused(answer, 409)


async def test_numbers_are_masked_when_asked(server, api) -> None:
    await promise(api)
    (row,) = (await api.get("/api/v1/callbacks?masked=true")).json()["items"]
    assert row["number"] == "138****8000"
    assert (await api.get("/api/v1/callbacks/1?masked=true")).json()["number"] == "138****8000"


async def test_a_promise_is_cancelled_with_a_reason_once(server, api) -> None:
    await promise(api)
    assert "reason" in refused(await api.post("/api/v1/callbacks/1/cancel", json={}), 422)
    answer = await api.post("/api/v1/callbacks/1/cancel", json={"reason": "solved by mail"})
    assert (answer.json()["state"], answer.json()["reason"]) == ("cancelled", "solved by mail, by administrator")
    again = await api.post("/api/v1/callbacks/1/cancel", json={"reason": "again"})
    assert "callback 1 is cancelled: nothing is left to be changed" in refused(again, 409)
    assert [row["state"] for row in (await api.get("/api/v1/callbacks?state=cancelled")).json()["items"]] == [
        "cancelled"
    ]
    assert (await api.get("/api/v1/callbacks?state=pending")).json()["items"] == []


async def test_a_promise_is_postponed_but_not_into_the_past(server, api) -> None:
    made = await promise(api)
    later = datetime.fromtimestamp(int(time.time()) + 7200, UTC)
    body = {"until": later.isoformat(), "reason": "in a meeting"}
    moved = (await api.post("/api/v1/callbacks/1/postpone", json=body)).json()
    assert datetime.fromisoformat(moved["due_at"]) == later
    assert moved["queued_at"] == made["queued_at"]
    answer = await api.post("/api/v1/callbacks/1/postpone", json={"until": "2020-01-01"})
    assert "in the past" in refused(answer, 422)


async def test_a_promise_that_stands_in_line_moves_there_too(server, api) -> None:
    await promise(api)
    await server.tell(
        CallPlaced(7, 1, "13800138000"),
        acd.CallQueued(7, "complaint", Requirement((Skill("complaint"),)), server.dispatcher.state.at, promised=True),
    )
    moved = (await api.post("/api/v1/callbacks/1/priority", json={"priority": 50})).json()
    assert (moved["priority"], moved["call"]) == (50, 7)
    assert [each.priority for each in server.dispatcher.state.floor.waiting()] == [50]


async def test_a_callback_that_does_not_exist_is_named(server, api) -> None:
    assert "there is no callback 7" in refused(await api.get("/api/v1/callbacks/7"), 404)
    assert "there is no callback 7" in refused(await api.post("/api/v1/callbacks/7/cancel", json={"reason": "x"}), 404)
    await promise(api)
    assert "is pending and no task" in refused(await api.post("/api/v1/callbacks/1/settle", json={"reason": "x"}), 409)
    assert "query.state" in refused(await api.get("/api/v1/callbacks?state=great"), 422)
    assert "cursor" in refused(await api.get("/api/v1/callbacks?cursor=x"), 400)


async def test_pages_follow_one_another_while_promises_are_made(server, api) -> None:
    for last in range(5):
        await promise(api, number=f"1380013800{last}")
    first = (await api.get("/api/v1/callbacks?limit=2")).json()
    await promise(api, number="13800138009")
    second = (await api.get("/api/v1/callbacks", params={"limit": 2, "cursor": first["next"]})).json()
    third = (await api.get("/api/v1/callbacks", params={"limit": 2, "cursor": second["next"]})).json()
    assert [[row["id"] for row in page["items"]] for page in (first, second, third)] == [[5, 4], [3, 2], [1]]
    assert third["next"] is None


async def test_lists_are_never_behind_even_when_the_records_are(server, api, monkeypatch) -> None:
    for last in range(3):
        await promise(api, number=f"1380013800{last}")

    async def at_once() -> None:
        pass

    monkeypatch.setattr(server.records, "caught_up", at_once)
    await api.post("/api/v1/callbacks/2/cancel", json={"reason": "solved"})
    await promise(api, number="13800138009")
    rows = (await api.get("/api/v1/callbacks?state=pending")).json()["items"]
    assert [row["id"] for row in rows] == [4, 3, 1]
    first = (await api.get("/api/v1/callbacks?limit=2")).json()
    assert [row["id"] for row in first["items"]] == [4, 3]
    second = (await api.get("/api/v1/callbacks", params={"limit": 2, "cursor": first["next"]})).json()
    assert [(row["id"], row["state"]) for row in second["items"]] == [(2, "cancelled"), (1, "pending")]


async def test_a_promise_shows_the_history_of_its_attempts_and_so_does_the_call(server, api) -> None:
    await server.tell(acd.AgentDefined("1001", "Li", (Skill("complaint", 5),)))
    await promise(api)
    await attempt(server, 1, 7, AttemptOutcome.BUSY)
    shown = (await api.get("/api/v1/callbacks/1")).json()
    assert (shown["state"], shown["attempts"], shown["reason"]) == ("pending", 1, "busy")
    (tried,) = shown["history"]
    assert (tried["attempt"], tried["call"], tried["agent"], tried["outcome"]) == (1, 7, "1001", "busy")
    call = (await api.get("/api/v1/calls/7")).json()
    assert (call["caller"], call["outcome"], call["direction"], call["promise"]) == (
        "13800138000",
        "unreached",
        "outbound",
        1,
    )
    assert call["attempts"] == shown["history"]


async def test_the_mode_is_listed_set_and_kept_with_person_and_reason(server, api) -> None:
    rows = (await api.get("/api/v1/callback-mode")).json()["items"]
    assert rows[0]["scope"] == "all"
    assert list(rows[0]) == ["scope", "mode", "active", "since", "until", "who", "reason", "rule"]
    body = {"mode": "on", "scope": "media", "reason": "press day"}
    answer = (await api.put("/api/v1/callback-mode", json=body)).json()
    assert (answer["scope"], answer["mode"], answer["active"], answer["who"]) == ("media", "on", True, "administrator")
    assert answer["rule"] == "forced on by administrator"
    await api.put("/api/v1/callback-mode", json={"mode": "off", "reason": "over"})
    rows = (await api.get("/api/v1/callback-mode")).json()["items"]
    assert {row["mode"] for row in rows} == {"off"}
    history = (await api.get("/api/v1/callback-mode/history?scope=media")).json()["items"]
    assert [(row["mode"], row["active"]) for row in history][:2] == [("off", False), ("on", True)]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"mode": "on", "scope": "weather"}, "there is no queue weather: there are complaint"),
        ({"mode": "auto", "until": "2099-01-01"}, "auto has no end"),
        ({"mode": "on", "until": "2020-01-01"}, "until is in the past"),
        ({"mode": "sometimes"}, "body.mode"),
    ],
)
async def test_a_mode_that_cannot_be_is_refused(server, api, body, sentence) -> None:
    assert sentence in refused(await api.put("/api/v1/callback-mode", json=body), 422)


async def test_queues_and_the_floor_tell_callers_on_the_line_from_those_who_are_called_back(server, api) -> None:
    await promise(api)
    await server.call(1)
    await server.queue(1)
    await server.tell(
        CallPlaced(7, 1, "13800138000"),
        acd.CallQueued(7, "complaint", Requirement((Skill("complaint"),)), server.dispatcher.state.at, promised=True),
    )
    await api.put("/api/v1/callback-mode", json={"mode": "on", "scope": "complaint"})
    queues = {row["name"]: row for row in (await api.get("/api/v1/queues")).json()["items"]}
    assert (queues["complaint"]["waiting"], queues["complaint"]["promised"]) == (1, 1)
    assert queues["complaint"]["callback"] == {"mode": "on", "active": True}
    assert (queues["media"]["promised"], queues["media"]["callback"]["active"]) == (0, False)
    waiting = (await api.get("/api/v1/floor")).json()["waiting"]
    assert {row["call"]: row["promised"] for row in waiting} == {1: False, 7: True}


async def test_metrics_count_promises_attempts_and_the_mode(server, api) -> None:
    await promise(api)
    await server.tell(acd.AgentDefined("1001", "Li", (Skill("complaint", 5),)))
    await attempt(server, 1, 7, AttemptOutcome.BUSY)
    await api.put("/api/v1/callback-mode", json={"mode": "on", "scope": "media"})
    text = (await api.get("/metrics")).text
    for line in (
        'sansheng_callback_promises{state="pending"} 1.0',
        'sansheng_callback_attempts_total{outcome="busy"} 1.0',
        'sansheng_callback_mode_active{queue="media"} 1.0',
        'sansheng_callback_mode_active{queue="orders"} 0.0',
    ):
        assert line in text


async def test_the_report_is_given_over_http_too(server, api) -> None:
    await promise(api)
    report = (await api.get("/api/v1/reports/callback")).json()
    assert (report["total"]["promised"], report["total"]["open"]) == (1, 1)
    assert "does not divide a day" in refused(await api.get("/api/v1/reports/callback?interval=420"), 400)
    assert "query.day" in refused(await api.get("/api/v1/reports/callback?day=monday"), 422)
