"""Reports over HTTP and by the command line, against real parts."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import openpyxl
import pytest

from acd.events import CallArrived, CallEnded, CallQueued
from acd.policy.definitions import Requirement, Skill
from server.storage.figures.catalogue import Terms, figures_of
from server.usecases.report_exports import PARTS, report_kinds
from tests.redis_server import redis_server
from tests.server.commands.test_callbacks_cli import served
from tests.server.commands.test_cli import home, sansheng
from tests.server.web.api_server import ApiServer, api, refused, server

__all__ = ["api", "home", "redis_server", "sansheng", "served", "server"]


def today() -> date:
    """The hotline's day now: the tests may run for a while after this module was read."""
    return datetime.now(ZoneInfo("Asia/Shanghai")).date()


async def a_call(server: ApiServer) -> None:
    now = datetime.now(UTC).timestamp()
    wanted = Requirement((Skill("complaint"),))
    await server.dispatcher.record(
        CallArrived(1, "13800138000", "4001", "PJSIP/1", "u1", now),
        CallQueued(1, "complaint", wanted, now, category="attitude"),
        CallEnded(1, "caller_hung_up"),
    )
    await server.acts.reports.shown()


async def test_a_day_is_reported_with_its_formulas(server, api) -> None:
    await a_call(server)
    found = (await api.get(f"/api/v1/reports/day?day={today()}&interval=3600&within=30")).json()
    assert (found["total"]["asked"], found["total"]["short_abandoned"], found["total"]["asa"]) == (1, 1, None)
    assert [row["queue"] for row in found["queues"]] == ["complaint"]
    assert len(found["intervals"]) == 24
    formulas = {figure["id"]: figure["formula"] for figure in found["figures"]}
    assert "≤ 30 s" in formulas["service_level"]
    assert set(found["total"]) == set(formulas)


@pytest.mark.parametrize("path", ["week", "month", "hourly", "range?first={today}&last={today}"])
async def test_longer_reports_hold_the_same_call(server, api, path) -> None:
    await a_call(server)
    found = (await api.get(f"/api/v1/reports/{path.format(today=today())}")).json()
    assert sum(row["asked"] for row in found["intervals"]) == 1


async def test_the_complaints_of_a_month(server, api, served) -> None:
    found = (await api.get("/api/v1/reports/complaints?day=2027-01-15")).json()
    assert (found["month"], found["total"]["complaints_opened"], len(found["days"])) == ("2027-01", 0, 31)
    assert (await served("report", "complaints", "--day", "2027-01-15", "--json")).json["month"] == "2027-01"
    assert (
        "2027-01: 0 complaints, 0 in the month before"
        in (await served("report", "complaints", "--day", "2027-01-15")).out
    )
    refused(await api.get("/api/v1/reports/complaints?day=0001-01-01"), 422)


async def test_mails_are_listed(server, api, served) -> None:
    assert (await api.get("/api/v1/reports/mails?limit=5")).json() == {"items": [], "next": None}
    assert (await served("report", "mails", "--json")).json == []


async def test_what_no_report_can_be_of_is_refused(server, api) -> None:
    refused(await api.get("/api/v1/reports/day?interval=420"), 400)
    for path in ("day?day=9999-12-31", "week?day=0001-01-01", "month?day=9999-12-31"):
        refused(await api.get(f"/api/v1/reports/{path}"), 422)
    refused(await api.get("/api/v1/reports/range?first=2027-02-01&last=2027-01-01"), 400)
    shift = "since=2027-01-15T08:07:00Z&until=2027-01-15T16:00:00Z"
    assert "quarter of an hour" in refused(await api.get(f"/api/v1/reports/shift?{shift}"), 400)
    refused(await api.get("/api/v1/reports/day?within=0"), 422)


async def test_the_command_line_gives_the_same_reports(server, served) -> None:
    await a_call(server)
    found = (await served("report", "day", "--day", str(today()), "--interval", "1h", "--json")).json
    assert found["total"]["asked"] == 1
    done = await served("report", "day")
    assert "接通率 connect rate: 0.0% = answered ÷ asked for an agent" in done.out
    for typed in (("week",), ("month",), ("range", "--from", str(today()), "--to", str(today()))):
        assert (await served("report", *typed, "--json")).json["total"]["asked"] == 1
    shift = ("--from", f"{today()}T00:00", "--to", f"{today()}T23:45")
    assert (await served("report", "shift", *shift, "--json")).json["total"]["calls"] in (0, 1)
    assert len((await served("report", "hourly", "--json")).json["intervals"]) == 24
    assert "write minutes" in (await served("report", "day", "--interval", "x")).err
    assert "write a day from 2000" in (await served("report", "day", "--day", "9999-12-31")).err


async def test_a_report_is_exported_as_the_rows_that_it_has(server, api) -> None:
    await a_call(server)
    asked = {"kind": "day-report", "format": "xlsx", "filters": {"day": str(today())}, "reason": "the month's meeting"}
    made = (await api.post("/api/v1/exports", json=asked)).json()
    file = await api.get(f"/api/v1/exports/{made['id']}/file")
    page = openpyxl.load_workbook(io.BytesIO(file.content)).worksheets[0]
    heads, *rows = page.iter_rows(values_only=True)
    found = [dict(zip(heads, row, strict=True)) for row in rows]
    assert [row["name"] for row in found if row["part"] == "queue"] == ["complaint"]
    assert sum(row["asked"] for row in found if row["part"] == "interval") == 1
    assert [(row["asked"], row["asa"]) for row in found if row["part"] == "total"] == [(1, "")]


async def test_the_rows_behind_a_cell_are_asked_for(server, api) -> None:
    await a_call(server)
    day = (await api.get("/api/v1/reports/day")).json()
    span = urlencode({"since": day["from"], "until": day["to"]})
    cell = (await api.get(f"/api/v1/reports/cell?figure=asked&of=queue&name=complaint&{span}")).json()
    assert (cell["value"], cell["count"], cell["whole"]) == (1, 1, True)
    assert cell["items"][0]["call"]["queue"] == "complaint"
    assert "there is no figure" in refused(await api.get(f"/api/v1/reports/cell?figure=x&{span}"), 400)
    turned = urlencode({"since": day["to"], "until": day["from"]})
    assert "ends after it began" in refused(await api.get(f"/api/v1/reports/cell?figure=asked&{turned}"), 400)


async def test_every_report_is_exported_with_the_terms_that_were_chosen(server, api) -> None:
    await a_call(server)
    span = {"first": str(today()), "last": str(today())}
    shift = {"since": f"{today()}T00:00", "until": f"{today()}T23:45"}
    for kind, filters in (
        ("range-report", span), ("shift-report", shift), ("hourly-sheet", {"day": str(today())}),
        ("complaint-statistics", {"day": str(today())}), ("week-report", {}), ("month-report", {}),
    ):  # fmt: skip
        asked = {"kind": kind, "format": "csv", "filters": filters | {"within": "7", "days": "3"}, "reason": "review"}
        made = (await api.post("/api/v1/exports", json=asked)).json()
        file = await api.get(f"/api/v1/exports/{made['id']}/file")
        assert file.content.startswith(b"\xef\xbb\xbfpart,name,"), kind
        assert len(file.text.splitlines()) > 1, kind
    lacking = {"kind": "range-report", "format": "csv", "filters": {"first": str(today())}, "reason": "review"}
    assert "needs last" in refused(await api.post("/api/v1/exports", json=lacking), 422)
    wrong = {"kind": "day-report", "format": "csv", "filters": {"within": "0"}, "reason": "review"}
    assert "from 1 to 3600" in refused(await api.post("/api/v1/exports", json=wrong), 422)


async def test_an_exported_service_level_is_that_of_the_chosen_t() -> None:
    found = {}
    for within in (5, 60):
        asked = {"within": str(within)}
        reports = SimpleNamespace(day=lambda who, day, interval, queue, terms: _whole(terms))
        pages = report_kinds(reports)["day-report"].rows(None, asked, 1)  # type: ignore[arg-type]
        found[within] = (await anext(pages))[-1]["service_level"]
    assert found == {5: 0.0, 60: 1.0}


async def _whole(terms: Terms) -> dict[str, Any]:
    total = figures_of({"asked": 1, "answered": 1, "wait:20": 1, "wait_ms": 20_000}, terms)
    return {name: [] for _, name in PARTS} | {"total": total, "from": "", "to": ""}
