"""Tickets over HTTP: from the call to the closed ticket, and what each role may do on the way."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import httpx
import pytest

import acd.events as acd
import ivr.events as ivr
from acd.callbacks.events import CallPlaced
from acd.policy.definitions import Skill
from server.usecases.principal import Role
from tests.redis_server import redis_server
from tests.server.web.api_server import OWNER, ApiServer, api, refused, server
from tickets.events import TicketRulesSet
from tickets.types import Field, FieldKind, TicketType

__all__ = ["api", "redis_server", "server"]

RE_DELIVERY = TicketType(
    "re-delivery",
    fields=(Field("order_number", longest=20), Field("pieces", FieldKind.NUMBER, least=1, most=99)),
    checklist=("order_number",),
    departments=("logistics", "network"),
)


@pytest.fixture
async def ticket(server: ApiServer) -> int:
    """The ticket of a complaint that agent 1001 has answered."""
    await server.tell(acd.AgentDefined("1001", "Li", (Skill("complaint", 5),), ("A",)))
    await server.tell(acd.AgentDefined("1002", "Wang", (Skill("complaint", 5),), ("A",)))
    await server.tell(acd.PhoneSeen("1001", True), acd.StatusSet("1001", acd.Status.AVAILABLE))
    await server.call(1)
    server.dispatcher.own(1, lambda command: None)
    await server.queue(1, "13800138000")
    leg = server.view.calls.get(1).leg  # type: ignore[union-attr]
    assert leg is not None
    await server.tell(acd.OfferAnswered(leg.offer), acd.Joined(1, "1001"))
    return 1


async def follow(server: ApiServer, **rules: Any) -> None:
    """The operator's rules, besides what is usual."""
    known = server.definitions.tickets
    server.definitions = replace(server.definitions, tickets=replace(known, **rules))
    await server.tell(TicketRulesSet(server.definitions.tickets))


async def bearer(server: ApiServer, role: Role, name: str, agent: str = "") -> dict[str, str]:
    _, token = await server.acts.tokens.create(OWNER, name=name, role=role, agent=agent)
    return {"Authorization": f"Bearer {token}"}


async def step(api: httpx.AsyncClient, state: str, **more: str) -> httpx.Response:
    return await api.post("/api/v1/tickets/1/state", json={"state": state, **more})


async def test_a_ticket_goes_forward_step_by_step_to_a_second_round_and_is_closed(
    server: ApiServer, api: httpx.AsyncClient, ticket: int
) -> None:
    assert "name the department" in refused(await step(api, "dispatched"), 409)
    for state, more in (("dispatched", {"department": "logistics"}), ("acknowledged", {}), ("in-progress", {})):
        answer = await step(api, state, **more)
        assert answer.status_code == 200, answer.text
        assert answer.json()["state"] == state.replace("-", "_")
    assert "next is resolved" in refused(await step(api, "dispatched", department="network"), 409)
    done = (await step(api, "resolved", why="sent again")).json()
    assert (done["department"], done["due_at"], done["overdue"]) == ("logistics", None, False)
    (promised,) = (await api.get("/api/v1/callbacks")).json()["items"]
    assert (promised["number"], promised["source"], promised["state"]) == ("13800138000", "follow_up", "pending")
    again = (await api.post("/api/v1/tickets/1/follow-up", json={"satisfied": False, "why": "still rude"})).json()
    assert (again["state"], again["round"], again["grade"]) == ("new", 2, "serious")
    (promised,) = (await api.get("/api/v1/callbacks")).json()["items"]
    assert promised["state"] == "cancelled"
    first, second = again["rounds"]
    assert (first["satisfied"], first["dispatches"], first["department"]) == (False, 1, "logistics")
    assert first["resolved_at"] is not None
    assert (second["resolved_at"], second["satisfied"], second["grade"]) == (None, None, "serious")
    await step(api, "resolved")
    closed = (await api.post("/api/v1/tickets/1/follow-up", json={"satisfied": True})).json()
    assert (closed["state"], closed["rounds"][1]["satisfied"]) == ("closed", True)
    assert closed["version"] == len(closed["history"])
    steps = [(line["from"], line["to"]) for line in closed["history"] if line["kind"] == "state"]
    assert steps[:5] == [
        ("new", "dispatched"),
        ("dispatched", "acknowledged"),
        ("acknowledged", "in_progress"),
        ("in_progress", "resolved"),
        ("resolved", "followed_up"),
    ]
    assert "a closed ticket is changed no more" in refused(await step(api, "resolved"), 409)
    assert 1 not in server.view.tickets


async def test_a_wrong_dispatch_is_put_right_before_it_is_acknowledged_and_counted(
    api: httpx.AsyncClient, ticket: int
) -> None:
    await step(api, "dispatched", department="logistics")
    assert "say why logistics was wrong" in refused(await step(api, "dispatched", department="network"), 409)
    moved = (await step(api, "dispatched", department="network", why="it is about the network")).json()
    assert (moved["department"], moved["dispatches"], moved["wrong_dispatches"]) == ("network", 2, 1)
    await step(api, "acknowledged")
    assert "cannot become dispatched" in refused(await step(api, "dispatched", department="logistics", why="x"), 409)


async def test_a_type_names_what_its_checklist_misses_and_bounds_its_fields(
    server: ApiServer, api: httpx.AsyncClient, ticket: int
) -> None:
    await follow(server, types=(RE_DELIVERY,))
    wrong = await api.patch("/api/v1/tickets/1", json={"fields": {"order_number": "7"}})
    assert "has no type" in refused(wrong, 409)
    for type, sentence in (("re-deliver", "there are re-delivery"), ("re-delivery", "")):
        answer = await api.patch("/api/v1/tickets/1", json={"type": type})
        assert answer.status_code == (409 if sentence else 200)
        assert sentence in answer.text
    assert "fill order_number first" in refused(await step(api, "dispatched", department="logistics"), 409)
    for fields, sentence in (
        ({"colour": "red"}, "has no field colour: its fields are order_number, pieces"),
        ({"order_number": "1" * 21}, "21 characters are too many"),
        ({"pieces": "many"}, "'many' is no number"),
        ({"pieces": "100"}, "at least 1 and at most 99"),
    ):
        assert sentence in refused(await api.patch("/api/v1/tickets/1", json={"fields": fields}), 409)
    filled = await api.patch("/api/v1/tickets/1", json={"fields": {"order_number": " 2027-7 ", "pieces": "3.50"}})
    assert filled.json()["fields"] == {"order_number": "2027-7", "pieces": "3.50"}
    assert "may go to logistics, network" in refused(await step(api, "dispatched", department="it"), 409)
    assert (await step(api, "dispatched", department="logistics")).status_code == 200


async def test_owner_category_accused_and_promise_stand_in_the_history(
    server: ApiServer, api: httpx.AsyncClient, ticket: int
) -> None:
    assert (await api.get("/api/v1/tickets/1")).json()["owner"] == "1001"
    changed = await api.patch(
        "/api/v1/tickets/1",
        json={
            "accused": "1001",
            "category": "unreasonable",
            "promised_for": "2099-01-15T18:00:00+08:00",
            "why": "the caller names the agent",
        },
    )
    assert "more than a year ahead" in refused(changed, 422)
    changed = await api.patch("/api/v1/tickets/1", json={"accused": "1001", "category": "unreasonable", "why": "named"})
    row = changed.json()
    assert (row["accused"], row["owner"], row["confirmed"], row["category"]) == (
        "1001",
        None,
        "unreasonable",
        "attitude",
    )
    assert server.acts.tickets.accused("13800138000") == {"1001"}
    assert await server.acts.tickets.accused_of([1, 2]) == {1: "1001"}
    assert "who cannot own it" in refused(await api.patch("/api/v1/tickets/1", json={"owner": "1001"}), 409)
    assert "no agent 9999" in refused(await api.patch("/api/v1/tickets/1", json={"owner": "9999"}), 422)
    assert "no category rude" in refused(await api.patch("/api/v1/tickets/1", json={"category": "rude"}), 422)
    row = (await api.patch("/api/v1/tickets/1", json={"owner": "1002", "why": "another agent"})).json()
    kinds = [(line["kind"], line["to"], line["by"]) for line in row["history"]][-4:]
    me = row["history"][-1]["by"]
    assert kinds == [
        ("accused", "1001", me),
        ("owner", None, me),
        ("category", "unreasonable", me),
        ("owner", "1002", me),
    ]
    audit = (await api.get("/api/v1/audit?act=tickets.assign")).json()["items"]
    assert [(each["subject"], each["reason"]) for each in audit] == [("ticket 1", "another agent")]
    accused = await bearer(server, Role.AGENT, "li", "1001")
    answer = await api.patch("/api/v1/tickets/1", json={"accused": "", "why": "not I"}, headers=accused)
    assert "ticket 1 is about agent 1001: somebody else works on it" in refused(answer, 403)
    agent = await bearer(server, Role.AGENT, "wang", "1002")
    row = (await api.patch("/api/v1/tickets/1", json={"accused": "", "why": "another one"}, headers=agent)).json()
    assert row["accused"] is None


async def test_authority_is_asked_for_and_answered_once(server: ApiServer, api: httpx.AsyncClient, ticket: int) -> None:
    agent = await bearer(server, Role.AGENT, "li", "1001")
    asked = await api.post("/api/v1/tickets/1/authority", json={"what": "refund of 200"}, headers=agent)
    assert asked.status_code == 200
    path = "/api/v1/tickets/1/authority/1/answer"
    assert "may not do tickets.authority" in refused(await api.post(path, json={"granted": True}, headers=agent), 403)
    assert "say why request 1 is refused" in refused(await api.post(path, json={"granted": False}), 409)
    row = (await api.post(path, json={"granted": True})).json()
    assert [(line["kind"], line["to"], line["why"]) for line in row["history"]][-2:] == [
        ("authority_asked", "request 1", "refund of 200"),
        ("authority_answered", "granted", None),
    ]
    assert "waits for no answer" in refused(await api.post(path, json={"granted": True}), 409)


async def test_a_department_sees_and_works_on_what_it_was_given_alone(
    server: ApiServer, api: httpx.AsyncClient, ticket: int
) -> None:
    logistics = await bearer(server, Role.DEPARTMENT, "logistics/wang")
    network = await bearer(server, Role.DEPARTMENT, "network")
    path = "/api/v1/tickets/1"
    assert "not yours" in refused(await api.get(path, headers=logistics), 403)
    await step(api, "dispatched", department="logistics")
    assert (await api.get(path, headers=logistics)).json()["caller"] == "13800138000"
    assert [row["id"] for row in (await api.get("/api/v1/tickets", headers=logistics)).json()["items"]] == [1]
    assert (await api.get("/api/v1/tickets", headers=network)).json()["items"] == []
    acknowledged = {"state": "acknowledged"}
    answer = await api.post(f"{path}/state", json=acknowledged, headers=network)
    assert "it is with logistics" in refused(answer, 403)
    answer = await api.post(f"{path}/state", json=acknowledged, headers=logistics)
    assert answer.json()["history"][-1]["by"] == "logistics/wang"
    await api.post(f"{path}/notes", json={"text": "仓库已发货\n第二行"}, headers=logistics)
    row = (await api.post(f"{path}/state", json={"state": "resolved"}, headers=logistics)).json()
    assert row["history"][-2]["to"] == "仓库已发货\n第二行"
    answer = await api.post(f"{path}/follow-up", json={"satisfied": True}, headers=logistics)
    assert "a department may not do tickets.follow-up" in refused(answer, 403)


async def test_what_makes_a_case_graver_and_whose_matter_it_is_only_go_up(api: httpx.AsyncClient, ticket: int) -> None:
    row = (await api.post("/api/v1/tickets/1/grade", json={"trigger": "reporter", "why": "of the evening news"})).json()
    assert (row["grade"], row["history"][-1]["why"]) == ("critical", "reporter: of the evening news")
    row = (await api.post("/api/v1/tickets/1/grade", json={"trigger": "compensation"})).json()
    assert (row["grade"], row["history"][-1]["kind"]) == ("critical", "note")
    answer = await api.post("/api/v1/tickets/1/grade", json={"trigger": "shouting"})
    assert "the triggers are reporter, regulator" in refused(answer, 409)
    for level in ("leader", "manager"):
        assert (await api.post("/api/v1/tickets/1/escalate", json={})).json()["level"] == level
    assert "the manager's already" in refused(await api.post("/api/v1/tickets/1/escalate", json={}), 409)


async def test_a_ticket_is_opened_by_hand_and_lists_are_by_what_is_asked(
    server: ApiServer, api: httpx.AsyncClient, ticket: int
) -> None:
    await follow(server, types=(RE_DELIVERY,))
    made = await api.post("/api/v1/tickets", json={"type": "re-delivery", "caller": "+86 138 0013 8009"})
    assert (made.status_code, made.json()["caller"], made.json()["call"]) == (201, "13800138009", None)
    assert [row["id"] for row in (await api.get("/api/v1/calls")).json()["items"]] == [1]
    assert "call 1 is about ticket 1 already" in refused(await api.post("/api/v1/tickets", json={"call": 1}), 409)
    assert "there is no call 99" in refused(await api.post("/api/v1/tickets", json={"call": 99}), 422)
    await api.patch("/api/v1/tickets/2", json={"fields": {"order_number": "1"}})
    await api.post("/api/v1/tickets/2/state", json={"state": "dispatched", "department": "logistics"})
    for query, found in (
        ("state=dispatched", [2]),
        ("department=logistics", [2]),
        ("type=re-delivery", [2]),
        ("owner=1001", [1]),
        ("category=attitude", [1]),
        ("caller=86-138-0013-8009", [2]),
        ("overdue=true", []),
        ("overdue=false", [2, 1]),
        ("grade=general&level=agent", [2, 1]),
    ):
        answer = await api.get(f"/api/v1/tickets?{query}")
        assert [row["id"] for row in answer.json()["items"]] == found, query
    for query, sentence in (
        ("state=nonsense", "'nonsense' is not a state; the states are new"),
        ("grade=worst", "is not a grade"),
        ("level=king", "is not a level"),
    ):
        assert sentence in refused(await api.get(f"/api/v1/tickets?{query}"), 400)
    assert refused(await api.get("/api/v1/tickets?overdue=maybe"), 422)
    assert refused(await api.get("/api/v1/tickets?colour=red"), 422)


async def test_the_customers_mark_in_a_follow_up_call_ends_the_round(
    server: ApiServer, api: httpx.AsyncClient, ticket: int
) -> None:
    await step(api, "resolved")
    (promised,) = server.view.callbacks.promises()
    await server.tell(CallPlaced(50, promised.id, promised.number))
    await server.tell(ivr.SatisfactionGiven(50, 1))
    row = (await api.get("/api/v1/tickets/1")).json()
    assert (row["state"], row["round"], row["grade"]) == ("new", 2, "serious")
    assert row["history"][-1]["why"] == "the customer gave 1 of 5 in the follow-up call 50"


async def test_metrics_count_open_tickets_by_state_and_overdue_ones_by_level(
    server: ApiServer, api: httpx.AsyncClient, ticket: int
) -> None:
    text = (await api.get("/metrics")).text
    assert 'sansheng_tickets_open{state="new"} 1.0' in text
    assert 'sansheng_tickets_overdue{level="leader"} 0.0' in text


async def test_of_two_acts_at_the_same_moment_the_second_is_told_what_the_first_did(
    api: httpx.AsyncClient, ticket: int
) -> None:
    both = await asyncio.gather(step(api, "in_progress"), step(api, "dispatched", department="logistics"))
    assert sorted(answer.status_code for answer in both) == [200, 409]
    (lost,) = [answer for answer in both if answer.status_code == 409]
    assert "ticket 1 is in_progress" in lost.text or "ticket 1 is dispatched" in lost.text
    seen = (await api.get("/api/v1/tickets/1")).headers["etag"]
    noted = await api.post("/api/v1/tickets/1/notes", json={"text": "a"}, headers={"If-Match": seen})
    assert noted.status_code == 200
    answer = await api.post("/api/v1/tickets/1/notes", json={"text": "b"}, headers={"If-Match": seen})
    assert answer.status_code == 412


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "1/state", {"state": "\u0000"}),
        ("POST", "1/state", {"state": "dispatched", "department": "x" * 81}),
        ("POST", "1/state", {"state": "dispatched", "department": "a\nb"}),
        ("POST", "1/notes", {"text": "\u0000"}),
        ("POST", "1/notes", {"text": " "}),
        ("POST", "1/notes", {"text": "x" * 4001}),
        ("POST", "1/notes", {"text": "\ud800"}),
        ("PATCH", "1", {}),
        ("PATCH", "1", {"promised_for": "0001-01-01T00:00:00+14:00"}),
        ("PATCH", "1", {"promised_for": "9999-12-31"}),
        ("PATCH", "1", {"promised_for": 20270101}),
        ("PATCH", "1", {"promised_for": "2020-01-01T00:00:00Z"}),
        ("PATCH", "1", {"fields": {"": "x"}}),
        ("PATCH", "1", {"fields": {f"a{each}": "x" for each in range(41)}}),
        ("PATCH", "1", {"fields": {"demand": "\u0007"}}),
        ("PATCH", "1", {"owner": "a b"}),
        ("POST", "1/authority/9007199254740993/answer", {"granted": True}),
        ("POST", "1/follow-up", {"satisfied": "perhaps"}),
        ("POST", "1/follow-up-call", {"after": "2999-01-01T00:00:00Z"}),
        ("POST", "9007199254740992/state", {"state": "resolved"}),
        ("GET", "?since=0001-01-01T00:00:00%2B14:00", None),
        ("GET", "?until=20270101", None),
        ("GET", "?cursor=WyJjYWxsIiwgMV0", None),
    ],
)
async def test_odd_requests_are_refused_with_a_problem(
    api: httpx.AsyncClient, ticket: int, method: str, path: str, body: dict[str, Any] | None
) -> None:
    url = f"/api/v1/tickets{'' if path.startswith('?') else '/'}{path}"
    content = None if body is None else json.dumps(body).encode()
    answer = await api.request(method, url, content=content, headers={"Content-Type": "application/json"})
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.json()["detail"]


async def test_the_forms_say_what_a_ticket_may_be_given(server, api) -> None:
    await follow(server, types=(RE_DELIVERY,), departments=("logistics", "network"))
    forms = (await api.get("/api/v1/tickets/forms", headers=await bearer(server, Role.DEPARTMENT, "logistics"))).json()
    (kind,) = forms["types"]
    assert (kind["name"], kind["checklist"], kind["departments"]) == (
        "re-delivery",
        ["order_number"],
        ["logistics", "network"],
    )
    plain = {"label": "", "choices": [], "longest": 200}
    assert kind["fields"][1] == {"name": "pieces", "kind": "number", **plain, "least": 1.0, "most": 99.0}
    assert forms["departments"] == ["logistics", "network"]
    assert "unreasonable" in forms["categories"]
