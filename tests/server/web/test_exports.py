"""Exports: approval by another, what the file holds and for whom, no cell that is a formula."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import httpx
import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import acd.events as acd
import recordings.events as rec
from server.hotline.exports import TRANSITIONS
from server.storage.sheets import Sheet, neutral, write
from server.usecases.principal import Role
from tests.redis_server import redis_server
from tests.server.web.api_server import OWNER, api, refused, server

__all__ = ["api", "redis_server", "server"]

NASTY = ['=HYPERLINK("http://x","y")', "+8613800138000", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "＝1", "张三", 'a,b\n"c"']


async def holder(server, role: Role, name: str = "", agent: str = "") -> dict[str, str]:
    _, token = await server.acts.tokens.create(OWNER, name=name or role, role=role, agent=agent)
    return {"Authorization": f"Bearer {token}"}


async def ask(api, bearer: dict[str, str], **wanted: object) -> httpx.Response:
    return await api.post("/api/v1/exports", json={"kind": "calls", "reason": "the month", **wanted}, headers=bearer)


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_no_cell_is_a_formula_and_every_text_comes_back(tmp_path, kind: str) -> None:
    rows = [{"text": text, "n": place, "more": [1, 2], "none": None} for place, text in enumerate(NASTY)]
    file = tmp_path / f"a.{kind}"
    assert write(Sheet("calls", ("text", "n", "more", "none"), rows), kind, file) == len(NASTY)
    assert [each.name for each in tmp_path.iterdir()] == [file.name]
    if kind == "csv":
        assert file.read_bytes().startswith(b"\xef\xbb\xbf")
        heads, *found = csv.reader(io.StringIO(file.read_bytes().decode("utf-8-sig"), newline=""))
        assert heads == ["text", "n", "more", "none"]
        assert [row[0] for row in found] == [f"'{each}" if each[0] in "=+-@\t\r＝" else each for each in NASTY]
    else:
        page = openpyxl.load_workbook(file)["calls"]
        assert all(cell.data_type != "f" for row in page.iter_rows() for cell in row)
        cells = [row[0].value for row in page.iter_rows(min_row=2)]
        assert [each.replace("_x000D_", "\r") for each in cells] == NASTY
        assert sum(row[1].value for row in page.iter_rows(min_row=2)) == sum(range(len(NASTY)))


@given(st.one_of(st.text(), st.integers(), st.floats(allow_nan=False), st.none(), st.lists(st.text())))
def test_a_cell_of_csv_begins_with_nothing_that_a_spreadsheet_reads_as_a_formula(value: object) -> None:
    cell = neutral(value)
    assert not (isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")))


async def test_one_asks_another_approves_and_the_asker_fetches(server, api) -> None:
    for number in range(1, 6):
        await server.call(number)
    qa, boss = await holder(server, Role.QA), await holder(server, Role.SUPERVISOR)
    made = await ask(api, qa)
    assert (made.status_code, made.json()["state"]) == (201, "waiting")
    path = f"/api/v1/exports/{made.json()['id']}"
    assert "another person has to approve it" in refused(await api.get(f"{path}/file", headers=qa), 409)
    assert refused(await api.post(f"{path}/approve", json={}, headers=qa), 403)
    assert (await api.post(f"{path}/approve", json={"reason": "fine"}, headers=boss)).json()["state"] == "approved"
    assert "is for qa alone" in refused(await api.get(f"{path}/file", headers=boss), 403)
    got = await api.get(f"{path}/file", headers=qa)
    assert got.headers["content-disposition"] == 'attachment; filename="sansheng-calls-1.csv"'
    rows = list(csv.DictReader(io.StringIO(got.content.decode("utf-8-sig"))))
    assert [row["id"] for row in rows] == ["5", "4", "3", "2", "1"]
    assert {row["caller"] for row in rows} == {"138****8000"}  # QA sees no numbers
    assert rows[0]["offered_at"].endswith("+08:00")
    await server.tell()
    acts = [(row["act"], row["by"]) for row in (await api.get("/api/v1/audit")).json()["items"]]
    assert acts[:3] == [("exports.ask", "qa"), ("exports.approve", "supervisor"), ("exports.ask", "qa")]


async def test_nobody_approves_their_own_and_a_refused_one_is_not_to_be_had(server, api) -> None:
    boss, other = await holder(server, Role.SUPERVISOR), await holder(server, Role.SUPERVISOR, "other")
    path = f"/api/v1/exports/{(await ask(api, boss)).json()['id']}"
    assert "another person approves it" in refused(await api.post(f"{path}/approve", json={}, headers=boss), 403)
    assert (await api.post(f"{path}/refuse", json={"reason": "no need"}, headers=other)).json()["state"] == "refused"
    assert "nothing is left to be decided" in refused(await api.post(f"{path}/approve", json={}, headers=other), 409)
    assert refused(await api.get(f"{path}/file", headers=boss), 409)
    qa = await holder(server, Role.QA)
    assert (await api.get("/api/v1/exports", headers=qa)).json()["items"] == []
    assert refused(await api.get(path, headers=qa), 404)


async def test_an_administrator_exports_outright_and_the_sums_of_the_file_are_those_of_the_records(
    server, api, tmp_path
) -> None:
    seconds = {1: 12.5, 2: 30.25, 3: 7.0}
    for number, length in seconds.items():
        await server.call(number)
        await server.tell(rec.RecordingStarted(number, number, "1001", "in.wav", "out.wav"))
        await server.tell(rec.RecordingClosed(number, f"{number}.wav", length, 2, "ab" * 32, -20.0, -20.0))
    made = (await ask(api, {}, kind="recordings", format="xlsx")).json()
    assert (made["state"], made["decided_by"]) == ("approved", made["asked_by"])
    got = await api.get(f"/api/v1/exports/{made['id']}/file")
    page = openpyxl.load_workbook(io.BytesIO(got.content))["recordings"]
    heads = [cell.value for cell in page[1]]
    column = heads.index("seconds")
    found = {row[0].value: row[column].value for row in page.iter_rows(min_row=2)}
    assert found == seconds
    rows = (await api.get("/api/v1/recordings")).json()["items"]
    assert sum(found.values()) == sum(row["seconds"] for row in rows) == 49.75


async def test_an_export_holds_what_its_asker_reaches(server, api) -> None:
    from dataclasses import replace

    server.definitions = replace(server.definitions, teams={"A": ("1009",)})
    for agent, team, call in (("1001", "A", 1), ("1002", "B", 2)):
        await server.tell(acd.AgentDefined(agent, agent, (), (team,), f"sip:{agent}@127.0.0.1:5062"))
        await server.call(call)
        server.dispatcher.own(call, lambda command: None)
        await server.queue(call)
        await server.tell(acd.CallPulled(call, agent, "x", ""))
    await server.tell(acd.AgentDefined("1009", "1009", (), ("C",), "sip:1009@127.0.0.1:5062"))
    leader = await holder(server, Role.LEADER, agent="1009")
    boss = await holder(server, Role.SUPERVISOR)
    listed = [row["id"] for row in (await api.get("/api/v1/calls", headers=leader)).json()["items"]]
    path = f"/api/v1/exports/{(await ask(api, leader)).json()['id']}"
    await api.post(f"{path}/approve", json={}, headers=boss)
    got = (await api.get(f"{path}/file", headers=leader)).content.decode("utf-8-sig")
    assert [int(row["id"]) for row in csv.DictReader(io.StringIO(got))] == listed
    assert refused(await ask(api, leader, kind="audit"), 422)


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ({"kind": "secrets"}, "there is no list secrets"),
        ({"filters": {"colour": "red"}}, "have no filter colour"),
        ({"filters": {"since": "20270101"}}, "since: write a day"),
        ({"filters": {"outcome": "nonsense"}}, "the outcomes are"),
        ({"kind": "callbacks", "filters": {"state": "nonsense"}}, "state:"),
        ({"kind": "recordings", "filters": {"call": "x"}}, "call:"),
        ({"kind": "callback-report", "filters": {"interval": "7"}}, "does not divide a day"),
        ({"format": "pdf"}, "body.format"),
        ({"reason": ""}, "body.reason"),
    ],
)
async def test_what_cannot_be_exported_is_refused_when_it_is_asked_for(api, wanted, sentence) -> None:
    answer = await ask(api, {}, **wanted)
    assert sentence in refused(answer, answer.status_code)


async def test_every_kind_can_be_exported_in_every_format(server, api) -> None:
    await server.call(1)
    await server.queue(1)
    await api.post("/api/v1/callbacks", json={"number": "13800138000", "category": "attitude"})
    today = f"{datetime.now(ZoneInfo('Asia/Shanghai')):%F}"
    spans = {
        "range-report": {"first": today, "last": today},
        "shift-report": {"since": f"{today}T00:00", "until": f"{today}T23:45"},
    }
    for kind in server.acts.exports.kinds:
        for form in ("csv", "xlsx"):
            made = (await ask(api, {}, kind=kind, format=form, filters=spans.get(kind, {}))).json()
            got = await api.get(f"/api/v1/exports/{made['id']}/file")
            assert got.status_code == 200, (kind, form, got.text)


async def test_a_file_is_kept_for_a_day(server, api) -> None:
    acts = server.acts.exports
    number = (await ask(api, {})).json()["id"]
    await api.get(f"/api/v1/exports/{number}/file")
    assert [each.name for each in (server.home / "exports").iterdir()] == [f"{number}.csv"]
    now = acts._clock()
    acts._clock = lambda: now + 86_500
    assert "ask for it again" in refused(await api.get(f"/api/v1/exports/{number}/file"), 409)
    acts.tidy()
    assert list((server.home / "exports").iterdir()) == []


def test_the_page_on_exports_shows_the_state_machine() -> None:
    from pathlib import Path

    page = (Path(__file__).parents[3] / "docs" / "exports.md").read_text(encoding="utf-8")
    for (state, signal), following in TRANSITIONS.items():
        assert f"| {state} | {signal} | {following} |" in page


async def test_customers_and_lists_are_exported_with_approval_as_other_lists_are(server, api) -> None:
    for number in range(3):
        body = {"name": f"=Wang {number}", "numbers": [f"1380013800{number}"], "class": "vip" if number else "plain"}
        assert (await api.post("/api/v1/customers", json=body)).status_code == 201
    until = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    rules = {"name": "refusals", "purpose": "p", "queue": "complaint", "owner": "o", "consent": "c", "until": until}
    assert (await api.post("/api/v1/lists", json={**rules, "proof": "contract 7"})).status_code == 201
    await api.post("/api/v1/lists/1/import", content=b"number,name\n13800138001,Li\n13800138002,Bo\n")
    supervisor, other = await holder(server, Role.SUPERVISOR, "wang"), await holder(server, Role.SUPERVISOR, "li")

    async def exported(kind: str, form: str, **filters: str) -> bytes:
        asked = (await ask(api, supervisor, kind=kind, format=form, filters=filters)).json()
        assert asked["state"] == "waiting"
        assert refused(await api.get(f"/api/v1/exports/{asked['id']}/file", headers=supervisor), 409)
        await api.post(f"/api/v1/exports/{asked['id']}/approve", json={}, headers=other)
        return (await api.get(f"/api/v1/exports/{asked['id']}/file", headers=supervisor)).content

    table = (await exported("customers", "csv", **{"class": "vip"})).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(table)))
    assert [row["name"] for row in rows] == ["'=Wang 2", "'=Wang 1"]
    page = openpyxl.load_workbook(io.BytesIO(await exported("lists", "xlsx")))["lists"]
    heads, row = ([cell.value for cell in each] for each in page.iter_rows())
    found = dict(zip(heads, row, strict=True))
    assert (found["name"], found["state"], found["lines_waiting"]) == ("refusals", "running", 2)
    lines = list(csv.DictReader(io.StringIO((await exported("list-lines", "csv", list="1")).decode("utf-8-sig"))))
    found_lines = [(row["list"], row["name"], row["proof"]) for row in lines]
    assert found_lines == [("1", each, "contract 7") for each in ("Li", "Bo")]
    assert "there is no state 'asleep'" in refused(
        await ask(api, supervisor, kind="list-lines", filters={"state": "asleep"}), 422
    )
    qa = await holder(server, Role.QA)
    assert "may not do lists.read" in refused(await ask(api, qa, kind="lists"), 403)
