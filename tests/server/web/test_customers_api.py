"""Customers over HTTP and on the command line: files, marks, and a table of which nothing is taken in by halves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from acd.callbacks.states import PromiseState
from customers.events import MarkPut
from customers.marks import DAY, Mark
from server.hotline.standing import standing
from server.usecases.permissions import Act
from server.usecases.principal import Role
from tests.redis_server import redis_server
from tests.server.commands.test_callbacks_cli import served
from tests.server.commands.test_cli import home, sansheng
from tests.server.web.api_server import OWNER, ApiServer, api, refused, server

__all__ = ["api", "home", "redis_server", "sansheng", "served", "server"]

MOBILE, DESK, OTHER = "13800138000", "010-6552 9988", "13800138001"


async def added(api, **values) -> dict:
    answer = await api.post("/api/v1/customers", json={"name": "Wang", "numbers": [MOBILE, DESK], **values})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_customer_is_added_found_by_any_number_changed_and_removed(server: ApiServer, api) -> None:
    made = await added(api, **{"class": "vip", "region": "北京", "registered_on": "2020-01-05", "identity": "1234"})
    assert made["numbers"] == ["+8613800138000", "+861065529988"]
    assert (made["class"], made["identity_kept"], made["marks"]) == ("vip", True, [])
    for written in ("+86 138 0013 8000", "01065529988"):
        (found,) = (await api.get("/api/v1/customers", params={"number": written})).json()["items"]
        assert found["id"] == made["id"]
    assert (await api.get("/api/v1/customers", params={"name": "Wa", "class": "vip"})).json()["items"] == [found]
    assert (await api.get("/api/v1/customers", params={"name": "W%"})).json()["items"] == []
    changed = (await api.patch(f"/api/v1/customers/{made['id']}", json={"numbers": [OTHER], "note": "moved"})).json()
    assert (changed["numbers"], changed["note"], changed["class"]) == (["+8613800138001"], "moved", "vip")
    put = (await api.put(f"/api/v1/customers/{made['id']}", json={"name": "Wang Wei", "numbers": [OTHER]})).json()
    assert (put["name"], put["note"], put["class"], put["identity_kept"]) == ("Wang Wei", None, None, True)
    assert "1234" not in str(server.view.customers.snapshot())
    gone = await api.delete(f"/api/v1/customers/{made['id']}", params={"reason": "asked for it"})
    assert gone.json() == {"id": made["id"]}
    assert refused(await api.get(f"/api/v1/customers/{made['id']}"), 404).startswith("there is no customer 1")
    assert (await api.get("/api/v1/customers")).json()["items"] == []


async def test_a_number_of_another_customer_and_what_is_no_number_are_refused(api) -> None:
    await added(api)
    answer = await api.post("/api/v1/customers", json={"name": "Li", "numbers": [MOBILE]})
    assert refused(answer, 409) == "+8613800138000 belongs to customer 1 already: take it out there first"
    answer = await api.post("/api/v1/customers", json={"name": "Li", "numbers": ["anonymous"]})
    assert "is no telephone number" in refused(answer, 422)
    assert "needs a name, a number" in refused(await api.post("/api/v1/customers", json={}), 409)
    answer = await api.post("/api/v1/customers", json={"name": "Li", "identity": "12"})
    assert "4 to 20 digits" in refused(answer, 422)


async def test_a_nuisance_is_proposed_confirmed_obeyed_and_lifted(server: ApiServer, api) -> None:
    body = {"number": OTHER, "mark": "nuisance", "reason": "shouts"}
    put = (await api.post("/api/v1/customers/marks", json=body)).json()
    assert (put["state"], put["by"]) == ("proposed", "administrator")
    assert put["until"] > put["at"]

    def nuisance() -> bool:
        now = server.dispatcher.state.at
        found = standing(server.view.customers, server.definitions, OTHER, now)
        assert ("nuisance" in found.lists) is found.nuisance
        return found.nuisance

    assert not nuisance()
    assert "is marked nuisance already: proposed" in refused(await api.post("/api/v1/customers/marks", json=body), 409)
    change = {"number": OTHER, "mark": "nuisance"}
    confirmed = (await api.post("/api/v1/customers/marks/confirm", json=change)).json()
    assert (confirmed["state"], confirmed["confirmed_by"]) == ("in_force", "administrator")
    assert nuisance()
    lifted = (await api.post("/api/v1/customers/marks/lift", json={**change, "reason": "said sorry"})).json()
    assert (lifted["state"], lifted["lifted_reason"]) == ("lifted", "said sorry")
    assert not nuisance()
    assert "nothing to do" in refused(await api.post("/api/v1/customers/marks/lift", json=change), 409)
    states = (await api.get("/api/v1/customers/marks", params={"state": "lifted"})).json()["items"]
    assert [row["number"] for row in states] == ["+8613800138001"]


async def test_do_not_call_cancels_what_is_promised_and_refuses_a_callback(server: ApiServer, api) -> None:
    await added(api)
    made = (await api.post("/api/v1/callbacks", json={"number": MOBILE, "category": "attitude"})).json()
    body = {"number": DESK, "mark": "do_not_call", "reason": "asked for it"}
    assert (await api.post("/api/v1/customers/marks", json=body)).json()["state"] == "in_force"
    promise = server.view.callbacks.promise(made["id"])
    assert promise is not None
    assert (promise.state, promise.reason) == (
        PromiseState.CANCELLED,
        "marked do not call: asked for it, by administrator",
    )
    answer = await api.post("/api/v1/callbacks", json={"number": MOBILE, "category": "attitude"})
    assert "is marked do not call" in refused(answer, 409)
    (row,) = (await api.get("/api/v1/customers", params={"mark": "do_not_call"})).json()["items"]
    assert row["marks"] == ["do_not_call"]


async def test_an_expired_mark_is_shown_as_expired(server: ApiServer, api) -> None:
    await server.tell(MarkPut("+8613800138001", Mark.NUISANCE, "1001", "", server.dispatcher.state.at - DAY))
    (row,) = (await api.get("/api/v1/customers/marks")).json()["items"]
    assert row["state"] == "expired"
    assert (await api.get("/api/v1/customers/marks", params={"state": "proposed"})).json()["items"] == []
    assert len((await api.get("/api/v1/customers/marks", params={"state": "expired"})).json()["items"]) == 1
    body = {"number": OTHER, "mark": "nuisance", "reason": "again"}
    assert (await api.post("/api/v1/customers/marks", json=body)).status_code == 201


async def test_digits_are_checked_and_never_kept_and_guessers_are_locked_out(server: ApiServer, api) -> None:
    made = await added(api, identity="4321")
    await server.call(1)
    path = f"/api/v1/customers/{made['id']}/verify"
    assert (await api.post(path, json={"digits": "4321", "call": 1})).json() == {"verified": True}
    for _ in range(5):
        assert (await api.post(path, json={"digits": "9876", "call": 1})).json() == {"verified": False}
    assert "too many wrong answers" in refused(await api.post(path, json={"digits": "4321", "call": 1}), 409)
    await server.tell()
    assert (await api.get("/api/v1/calls/1")).json()["verified"] is True
    rows = (await api.get("/api/v1/audit?act=customers.verify")).json()["items"]
    assert rows[0]["subject"] == "customer 1 in call 1"
    assert "9876" not in str(rows)


async def test_a_table_with_a_bad_line_takes_nothing_in_unless_it_is_skipped(server: ApiServer, api) -> None:
    table = "姓名,电话,级别\n王,13800138000,vip\n李,none,\n".encode("gb18030")
    report = (await api.post("/api/v1/customers/import", content=table)).json()
    assert (report["encoding"], report["taken"], report["created"]) == ("gb18030", False, 1)
    (fault,) = report["bad"]
    assert (fault["line"], fault["column"]) == (3, "电话")
    assert len(server.view.customers) == 0
    report = (await api.post("/api/v1/customers/import?skip_bad=true&source=a.csv", content=table)).json()
    assert (report["taken"], report["created"], len(report["bad"])) == (True, 1, 1)
    again = (await api.post("/api/v1/customers/import?skip_bad=true", content=table)).json()
    assert (again["created"], again["changed"], again["unchanged"]) == (0, 0, 1)
    await server.tell()
    (row,) = (await api.get("/api/v1/customers")).json()["items"]
    assert (row["name"], row["class"]) == ("王", "vip")


async def test_a_table_changes_the_columns_that_it_has_and_no_line_joins_two_customers(server: ApiServer, api) -> None:
    await added(api, region="北京", identity="1234")
    await added(api, name="Li", numbers=[OTHER])
    table = b"number,class,identity\n13800138000,gold,1234\n13800138001;13800138000,vip,\n"
    report = (await api.post("/api/v1/customers/import?skip_bad=1", content=table)).json()
    assert [(bad["line"], bad["why"]) for bad in report["bad"]] == [(3, "it belongs to customers 1 and 2")] or [
        bad["why"] for bad in report["bad"]
    ] == ["+8613800138000 stands in line 2 too"]
    found = server.view.customers.file(1)
    assert (found.customer_class, found.region, found.name) == ("gold", "北京", "Wang")
    assert found.numbers == ("+8613800138000",)


@pytest.mark.thorough
async def test_a_large_table_is_taken_and_one_that_is_too_large_is_refused(server: ApiServer, api) -> None:
    lines = "".join(f"1380{number:07},{'x' * 90}\n" for number in range(12_000))
    report = (await api.post("/api/v1/customers/import", content=f"number,note\n{lines}".encode())).json()
    assert (report["taken"], report["created"]) == (True, 12_000)
    assert len(server.view.customers) == 12_000
    assert "20 MB" in refused(await api.post("/api/v1/customers/import", content=b"x" * 20_000_001), 413)


async def test_an_agent_sees_masked_numbers_and_proposes_and_a_supervisor_confirms(server: ApiServer, api) -> None:
    await added(api)
    _, token = await server.acts.tokens.create(OWNER, name="qa", role=Role.QA)
    bearer = {"Authorization": f"Bearer {token}"}
    (row,) = (await api.get("/api/v1/customers", headers=bearer)).json()["items"]
    assert row["numbers"][0] == "+86*******8000"
    body = {"number": MOBILE, "mark": "nuisance", "reason": "shouts"}
    assert (await api.post("/api/v1/customers/marks", json=body, headers=bearer)).status_code == 201
    answer = await api.post("/api/v1/customers/marks/confirm", json={**body, "until": None}, headers=bearer)
    assert f"may not do {Act.CONFIRM_MARK}" in refused(answer, 403)


async def test_the_commands_do_the_same(server: ApiServer, served, tmp_path) -> None:
    file = tmp_path / "customers.csv"
    file.write_text("name,number,class\nWang,13800138000,vip\nLi,x,\n", encoding="utf-8-sig")
    done = await served("customer", "import", str(file))
    assert done.code == 1
    assert "line 3, column number: x is no telephone number: write digits" in done.err
    assert "nothing is taken in" in done.out
    done = await served("customer", "import", str(file), "--skip-bad", "--json")
    assert (done.code, done.json["created"]) == (0, 1)
    (row,) = (await served("customer", "list", "--class", "vip", "--json")).json
    assert row["name"] == "Wang"
    assert (await served("customer", "show", "138 0013 8000", "--json")).json["id"] == row["id"]
    done = await served("customer", "mark", MOBILE, "nuisance", "--reason", "shouts")
    assert "nuisance is proposed until" in done.out
    assert "nuisance is in force" in (await served("customer", "confirm", MOBILE)).out
    (put,) = (await served("customer", "marks", "--state", "in_force", "--json")).json
    assert put["mark"] == "nuisance"
    assert "lifted" in (await served("customer", "unmark", MOBILE, "nuisance")).out
    assert (await served("customer", "set", str(row["id"]), "--class", "")).code == 0
    assert (await served("customer", "list", "--class", "vip")).out.strip() == "none"
    done = await served("customer", "remove", str(row["id"]), "--reason", "asked for it")
    assert "is removed" in done.out
    assert "nobody's file has the number" in (await served("customer", "show", MOBILE)).err


def test_a_definition_list_and_a_class_are_one_standing(server: ApiServer) -> None:
    definitions = replace(server.definitions, lists={"vip": frozenset({"+8613800138000"})})
    assert standing(server.view.customers, definitions, MOBILE, 1.0).vip
    assert not standing(server.view.customers, server.definitions, MOBILE, 1.0).vip
    nobody = standing(server.view.customers, definitions, "", 1.0)
    assert (nobody.vip, nobody.nuisance, nobody.may_record, nobody.fields) == (False, False, True, {})


async def test_the_flow_knows_of_a_caller_who_is_not_to_be_recorded(server: ApiServer, api) -> None:
    def recorded(number: str) -> str:
        return standing(server.view.customers, server.definitions, number, server.dispatcher.state.at).fields.get(
            "recorded", ""
        )

    assert recorded(MOBILE) == ""
    body = {"number": MOBILE, "mark": "do_not_record", "reason": "asked for it"}
    assert (await api.post("/api/v1/customers/marks", json=body)).status_code == 201
    assert (recorded(MOBILE), recorded(OTHER)) == ("no", "")
    rules = replace(server.definitions.recordings, lists={"staff": False})
    staff = {"staff": frozenset({"+8613800138001"})}
    server.definitions = replace(server.definitions, recordings=rules, lists=staff)
    assert recorded(OTHER) == "no"


async def test_a_department_sees_the_customers_of_its_own_open_tickets_alone(server: ApiServer, api) -> None:
    mine = await added(api)
    other = await added(api, numbers=[OTHER], name="Li")
    _, token = await server.acts.tokens.create(OWNER, name="logistics/zhao", role=Role.DEPARTMENT)
    bearer = {"Authorization": f"Bearer {token}"}

    async def seen() -> list[int]:
        found = await api.get("/api/v1/customers", headers=bearer)
        return [each["id"] for each in found.json()["items"]]

    assert await seen() == []
    for number, department in ((MOBILE, "logistics"), (OTHER, "network")):
        opened = await api.post("/api/v1/tickets", json={"caller": number, "business": "complaint"})
        body = {"state": "dispatched", "department": department}
        assert (await api.post(f"/api/v1/tickets/{opened.json()['id']}/state", json=body)).status_code == 200
    for number in (MOBILE, OTHER):
        mark = {"number": number, "mark": "do_not_call", "reason": "asked"}
        await api.post("/api/v1/customers/marks", json=mark)
    assert await seen() == [mine["id"]]
    assert (await api.get(f"/api/v1/customers/{mine['id']}", headers=bearer)).json()["name"] == "Wang"
    assert "no open ticket with logistics" in refused(
        await api.get(f"/api/v1/customers/{other['id']}", headers=bearer), 403
    )
    found = await api.get("/api/v1/customers", params={"number": OTHER}, headers=bearer)
    assert found.json()["items"] == []
    marks = (await api.get("/api/v1/customers/marks", headers=bearer)).json()["items"]
    assert len(marks) == 1
    assert (await api.get("/api/v1/customers/marks", params={"number": OTHER}, headers=bearer)).json()["items"] == []
    for state in ("acknowledged", "resolved", "followed_up", "closed"):
        await api.post("/api/v1/tickets/1/state", json={"state": state})
    assert await seen() == []


async def test_a_list_shows_what_was_just_taken_in(server: ApiServer, api, monkeypatch: pytest.MonkeyPatch) -> None:
    waited, caught_up = [], server.records.caught_up

    async def wait() -> None:
        waited.append(True)
        await caught_up()

    monkeypatch.setattr(server.records, "caught_up", wait)
    await api.post("/api/v1/customers/import", content=f"name,number\nWang,{MOBILE}\n".encode())
    listed = (await api.get("/api/v1/customers")).json()["items"]
    assert ([each["name"] for each in listed], waited) == (["Wang"], [True])
