"""The API against real parts: Redis, the dispatcher, the projector and SQLite. Only telephones are played."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import httpx
import pytest

import acd.events as acd
import ivr.events as ivr
from server.hotline import definitions
from server.hotline.breaks import BreakReason, Breaks
from tables.toml import DefinitionFault
from tests.redis_server import redis_server
from tests.server.web.api_server import api, refused, server

__all__ = ["api", "redis_server", "server"]

LI = {"name": "Li", "skills": {"complaint": 5}, "contact": "sip:1001@127.0.0.1:5062"}


async def test_health_is_200_when_calls_can_be_taken_and_503_with_reasons_when_not(server, api) -> None:
    server.doubtful = ["the edited definitions cannot be used"]
    answer = await api.get("/healthz", headers={"Authorization": ""})
    assert answer.status_code == 200
    assert answer.json() == {"ok": True, "problems": [], "warnings": ["the edited definitions cannot be used"]}
    server.wrong = ["Redis does not answer"]
    answer = await api.get("/healthz")
    assert (answer.status_code, answer.json()["ok"], answer.json()["problems"]) == (
        503,
        False,
        ["Redis does not answer"],
    )


async def test_metrics_are_shown_to_prometheus_under_their_names(server, api) -> None:
    await server.call(1)
    server.dispatcher.state.differences["Decided reads otherwise"] = 3
    answer = await api.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    text = answer.text
    for line in ("sansheng_calls_total 1.0", "sansheng_answer_seconds_count 1.0", 'sansheng_calls_now{stage="'):
        assert line in text
    assert 'sansheng_log_notes_differ_total{difference="Decided reads otherwise"} 3.0' in text


@pytest.mark.parametrize("header", [{"Authorization": ""}, {"Authorization": "Bearer wrong"}])
async def test_without_the_token_nothing_is_told(api, header) -> None:
    answer = await api.get("/api/v1/calls", headers=header)
    assert "bearer token" in refused(answer, 401)
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_what_is_not_there_is_a_problem_too(api) -> None:
    assert "there is no /api/v1/kalls" in refused(await api.get("/api/v1/kalls"), 404)
    answer = await api.patch("/api/v1/calls")
    assert "PATCH /api/v1/calls" in refused(answer, 405)
    assert answer.headers["allow"] == "GET"
    assert (await api.patch("/api/v1/agents/1001")).headers["allow"] == "DELETE, GET, PUT"
    assert "there is no call 7" in refused(await api.get("/api/v1/calls/7"), 404)
    assert "there is no agent 7" in refused(
        await api.post("/api/v1/agents/7/status", json={"status": "available"}), 404
    )


@pytest.mark.parametrize(
    ("path", "where"),
    [
        ("/api/v1/calls?limit=0", "query.limit"),
        ("/api/v1/calls?limit=1001", "query.limit"),
        ("/api/v1/calls?colour=red", "query.colour"),
        ("/api/v1/calls?since=yesterday", "query.since"),
        ("/api/v1/calls/seven", "path.number"),
        ("/api/v1/tickets/0", "path.number"),
        ("/api/v1/recordings?call=x", "query.call"),
    ],
)
async def test_a_question_that_cannot_be_asked_says_where_it_is_wrong(api, path, where) -> None:
    answer = await api.get(path)
    assert where in refused(answer, 422)
    assert [each["where"] for each in answer.json()["errors"]] == [where]


async def test_an_unknown_outcome_and_a_wrong_cursor_are_refused(api) -> None:
    assert "the outcomes are" in refused(await api.get("/api/v1/calls?outcome=great"), 400)
    assert "cursor 'x' is not one" in refused(await api.get("/api/v1/calls?cursor=x"), 400)
    assert "cursor" in refused(await api.get("/api/v1/tickets", params={"cursor": await cursor_of_calls(api)}), 400)


async def cursor_of_calls(api: httpx.AsyncClient) -> str:
    from server.storage.queries.paging import encode_cursor

    return encode_cursor("call", 5)


async def test_pages_follow_one_another_without_gap_or_repetition_while_calls_come_in(server, api) -> None:
    for number in range(1, 6):
        await server.call(number)
    first = (await api.get("/api/v1/calls?limit=2")).json()
    await server.call(6)
    second = (await api.get("/api/v1/calls", params={"limit": 2, "cursor": first["next"]})).json()
    third = (await api.get("/api/v1/calls", params={"limit": 2, "cursor": second["next"]})).json()
    assert [[row["id"] for row in page["items"]] for page in (first, second, third)] == [[5, 4], [3, 2], [1]]
    assert third["next"] is None


async def test_calls_are_found_by_caller_and_by_time(server, api) -> None:
    await server.call(1, "13800138000")
    await server.call(2, "13900139000")
    assert [row["id"] for row in (await api.get("/api/v1/calls?caller=13900139000")).json()["items"]] == [2]
    assert (await api.get("/api/v1/calls?since=2099-01-01")).json()["items"] == []
    assert len((await api.get("/api/v1/calls?until=2099-01-01T00:00:00%2B08:00")).json()["items"]) == 2
    assert len((await api.get("/api/v1/calls?caller=&outcome=&cursor=")).json()["items"]) == 2


async def test_a_call_shows_its_ticket_and_its_decisions(server, api) -> None:
    await api.put("/api/v1/agents/1001", json=LI)
    await api.post("/api/v1/agents/1001/status", json={"status": "available"})
    await server.call(1)
    await server.tell(ivr.FieldSet(1, "business", "complaint"))
    await server.queue(1)
    call = (await api.get("/api/v1/calls/1")).json()
    assert (call["queue"], call["category"], call["ticket"]) == ("complaint", "attitude", 1)
    assert [(each["kind"], each["agent"]) for each in call["decisions"]] == [("offer", "1001")]
    ticket = (await api.get("/api/v1/tickets/1")).json()
    assert (ticket["calls"], ticket["state"]) == ([1], "new")


async def test_queues_show_the_waiting_calls_and_the_agents_who_could_take_them(server, api) -> None:
    await api.put("/api/v1/agents/1001", json=LI)
    await api.post("/api/v1/agents/1001/status", json={"status": "break", "reason": "lunch"})
    await server.call(1)
    await server.queue(1)
    rows = {row["name"]: row for row in (await api.get("/api/v1/queues")).json()["items"]}
    assert list(rows) == ["complaint", "inquiry", "orders", "partnership", "media"]
    complaint = rows["complaint"]
    assert (complaint["waiting"], complaint["agents"], complaint["available"], complaint["ready"]) == (1, 1, 0, 0)
    assert rows["inquiry"]["agents"] == 0


async def test_the_reasons_of_a_break_are_listed_as_the_operator_named_them(server, api) -> None:
    tea = BreakReason("tea", "茶歇", "Tea", key="1", limit=600.0)
    server.definitions = replace(server.definitions, breaks=Breaks((tea, BreakReason("busy", "示忙", "Busy"))))
    assert (await api.get("/api/v1/breaks")).json()["items"] == [
        {"name": "tea", "label": {"zh-CN": "茶歇", "en": "Tea"}, "key": "1", "limit": 600.0},
        {"name": "busy", "label": {"zh-CN": "示忙", "en": "Busy"}, "key": None, "limit": None},
    ]


async def test_the_floor_shows_waiting_calls_in_order(server, api) -> None:
    for number in (1, 2):
        await server.call(number)
        await server.queue(number)
    floor = (await api.get("/api/v1/floor")).json()
    assert [(row["call"], row["position"], row["agent"]) for row in floor["waiting"]] == [(1, 1, None), (2, 2, None)]


@pytest.mark.parametrize("name", ["anonymous", "Anonymous", "global", "unknown", "13800138000", "4008001234", "110"])
async def test_an_agent_whose_number_is_a_callers_or_a_part_of_sip_is_refused(server, api, name) -> None:
    answer = await api.put(f"/api/v1/agents/{name}", json=LI)
    assert f"{name} is no work number" in refused(answer, 422)
    assert server.phones.known == {}
    # One who was added under an earlier release can still be changed.
    await server.tell(acd.AgentDefined(name, "Li", (), (), ""))
    assert (await api.put(f"/api/v1/agents/{name}", json=LI)).status_code == 200


async def test_an_agent_is_added_changed_and_removed(server, api) -> None:
    assert (await api.put("/api/v1/agents/1001", json=LI)).json()["id"] == "1001"
    assert server.phones.known["1001"].contact == "sip:1001@127.0.0.1:5062"
    assert (await api.put("/api/v1/agents/1001", json={"name": "Li Ming", "teams": ["A"]})).status_code == 200
    agent = (await api.get("/api/v1/agents/1001")).json()
    assert (agent["name"], agent["skills"], agent["teams"], agent["contact"]) == ("Li Ming", {}, ["A"], None)
    assert (await api.delete("/api/v1/agents/1001")).json() == {"id": "1001"}
    assert (await api.get("/api/v1/agents")).json()["items"] == []
    assert "there is no agent 1001" in refused(await api.get("/api/v1/agents/1001"), 404)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"name": "Li", "skills": {"swimming": 5}}, "there is no skill swimming"),
        ({"name": "Li", "skills": {"complaint": 11}}, "body.skills.complaint"),
        ({"name": ""}, "body.name"),
        ({"name": "Li\n[general]"}, "body.name: write it in one line"),
        ({"id": "1002", "name": "Li"}, "the path names agent 1001 and the body 1002"),
        ({"name": "Li", "contact": "1001@nowhere"}, "is no SIP address"),
        ({"name": "Li", "secret": "short"}, "a secret is 8 to 128"),
        ({"name": "Li", "nick": "L"}, "body.nick"),
    ],
)
async def test_an_agent_that_could_not_work_is_refused_and_changes_nothing(server, api, body, sentence) -> None:
    assert sentence in refused(await api.put("/api/v1/agents/1001", json=body), 422)
    assert server.dispatcher.state.floor.agent("1001") is None


@pytest.mark.parametrize("content", [b"{", b"\xff\x1b"])
async def test_a_body_that_is_no_json_is_a_problem(api, content) -> None:
    answer = await api.put("/api/v1/agents/1001", content=content, headers={"Content-Type": "application/json"})
    assert "body" in refused(answer, 422)


async def test_definitions_are_taken_over_and_wrong_ones_are_refused_with_their_place(server, api) -> None:
    file = server.home / "hotline.toml"
    file.write_text('skills = ["complaint", "swimming"]\n[queues.complaint]\nskill = "complaint"\n', encoding="utf-8")
    assert (await api.post("/api/v1/definitions/reload")).json() == {"source": str(file)}
    assert (await api.put("/api/v1/agents/1001", json={"name": "Li", "skills": {"swimming": 1}})).status_code == 200
    file.write_text("skills = [1]\n", encoding="utf-8")
    assert f"{file}:1: skills" in refused(await api.post("/api/v1/definitions/reload"), 422)
    with pytest.raises(DefinitionFault):
        definitions.load(server.home)


async def test_a_fault_of_ours_is_a_problem_without_details(server, api, monkeypatch) -> None:
    async def broken(*_: object) -> Any:
        raise RuntimeError("a secret detail")

    monkeypatch.setattr(server.records, "page", broken)
    answer = await api.get("/api/v1/calls")
    assert "secret" not in refused(answer, 500)


async def test_a_server_that_leads_no_more_says_so(server, api) -> None:
    await server.dispatcher.stop()
    answer = await api.put("/api/v1/agents/1001", json=LI)
    assert "does not lead" in refused(answer, 503)
    assert answer.headers["retry-after"]


async def test_the_description_names_every_route_and_only_shapes_that_exist(api) -> None:
    drawn = (await api.get("/api/v1/openapi.json")).json()
    assert drawn["openapi"].startswith("3.1")
    assert {"/healthz", "/api/v1/calls", "/api/v1/calls/{number}", "/api/v1/agents/{agent}/status"} <= set(
        drawn["paths"]
    )
    text = json.dumps(drawn)
    used = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert used <= set(drawn["components"]["schemas"])
    assert "HTTPValidationError" not in text
    for path, methods in drawn["paths"].items():
        for method, route in methods.items():
            assert route["responses"], (path, method)
            if path.startswith("/api/v1/"):
                assert route["security"], (path, method)
                assert "401" in route["responses"], (path, method)


async def test_what_is_answered_has_the_shape_that_was_described(server, api) -> None:
    await server.call(1)
    drawn = (await api.get("/api/v1/openapi.json")).json()
    shape = drawn["components"]["schemas"]["Call"]
    row = (await api.get("/api/v1/calls")).json()["items"][0]
    assert set(row) == set(shape["properties"]) == set(shape["required"])
