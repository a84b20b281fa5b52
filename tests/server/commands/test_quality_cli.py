"""`sansheng qa`, with a server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from quality.events import FormAdded
from server.hotline.quality_rules import FORM, product_form
from tests.redis_server import redis_server
from tests.server.commands.test_callbacks_cli import ACCOUNT, Asked, served
from tests.server.commands.test_cli import home, sansheng
from tests.server.usecases.test_quality import BEST, CALLS, conversation
from tests.server.web.api_server import ApiServer, server

__all__ = ["home", "redis_server", "sansheng", "served", "server"]

WEEK = "2026-W03"


@pytest.fixture
async def calls(server: ApiServer) -> None:
    """Sixty calls of three agents in one week."""
    events: list[object] = [FormAdded(product_form(), "product")]
    for call in range(1, CALLS + 1):
        events += conversation(call, f"100{call % 3 + 1}", talked=20.0 + 13.0 * (call % 40))
    await server.tell(*events)


@pytest.fixture
def marks(tmp_path: Path) -> str:
    """A marks file in which everything is right but the greeting."""
    file = tmp_path / "marks.toml"
    file.write_text("".join(f"{name} = {value}\n" for name, value in {**BEST, "greeting": 0}.items()))
    return str(file)


async def test_a_plan_a_sample_a_score_and_the_report(calls, served: Asked, marks: str) -> None:
    done = await served("qa", "plan", "add", "weekly", "--per-agent", "4", "--period", "week", "--seed", "spring")
    assert (done.code, done.out) == (0, "plan weekly: 4 calls of each agent a week, seed spring\n")
    job = (await served("qa", "draw", "weekly", "--period", WEEK, "--json")).json
    assert {"job", "seed", "frame", "strata", "calls"} <= set(job)
    assert set(job["strata"][0]) == {"agent", "category", "length", "risk", "N", "n"}
    assert (len(job["calls"]), sum(each["N"] for each in job["strata"])) == (12, CALLS)
    again = (await served("qa", "redraw", str(job["job"]), "--json")).json
    assert json.dumps(again["calls"]) == json.dumps(job["calls"])
    assert "the same 12 calls in the same order" in (await served("qa", "redraw", "1")).out
    scored = await served("qa", "score", str(job["calls"][0]), "--form", "complaint", "--marks", marks, "--json")
    assert (scored.json["score"], scored.json["reviewer"]) == (96.0, ACCOUNT)
    (row,) = (await served("qa", "score-list", "--json")).json
    assert (row["id"], row["call"]) == (1, job["calls"][0])
    assert "first by" in (await served("qa", "score-show", "1")).out
    report = (await served("qa", "report", "--period", WEEK, "--json")).json
    assert (report["mean"]["value"], report["mean"]["n"], report["mean"]["size"]) == (96.0, 1, CALLS)
    shown = (await served("qa", "report", "--period", WEEK)).out
    assert "mean        96 [-]" in shown
    (listed,) = (await served("qa", "job", "list", "--json")).json
    assert (listed["job"], listed["drawn_by"]) == (1, ACCOUNT)
    assert "stratum" in (await served("qa", "job", "show", "1")).out
    frame = (await served("qa", "job", "frame", "1")).out
    assert len(frame.splitlines()) == CALLS


async def test_refusals_are_one_sentence(calls, served: Asked, marks: str, tmp_path: Path) -> None:
    done = await served("qa", "redraw", "7")
    assert (done.code, done.err) == (1, "sansheng: there is no job 7: see `sansheng qa job list`\n")
    assert "no sampling plan" in (await served("qa", "draw", "weekly", "--period", WEEK)).err
    assert (await served("qa", "plan", "add", "weekly", "--period", "year")).code == 2
    broken = tmp_path / "broken.toml"
    broken.write_text("greeting = \n")
    done = await served("qa", "score", "1", "--form", "complaint", "--marks", str(broken))
    assert f"{broken}:1" in done.err
    done = await served("qa", "score", "1", "--form", "none", "--marks", marks)
    assert done.err == "sansheng: there is no form none; there are complaint\n"
    assert "no review 3" in (await served("qa", "appeal", "make", "3", "--why", "x")).err


async def test_a_plan_of_a_file_and_its_end(calls, served: Asked, tmp_path: Path) -> None:
    file = tmp_path / "plan.toml"
    file.write_text('lengths = [60]\nreviewers = ["wang"]\n[risk]\nkeywords = ["12315"]\n')
    made = (await served("qa", "plan", "add", "monthly", "--period", "month", "--file", str(file), "--json")).json
    assert (made["lengths"], made["reviewers"], made["period"]) == ([60.0], ["wang"], "month")
    assert "monthly" in (await served("qa", "plan", "list")).out
    assert (await served("qa", "plan", "end", "monthly")).out == "plan monthly draws no more\n"
    assert (await served("qa", "plan", "list")).out == "none\n"


async def test_forms_are_added_listed_and_shown(calls, served: Asked, tmp_path: Path) -> None:
    file = tmp_path / "complaint.toml"
    text = FORM.read_text(encoding="utf-8")
    file.write_text(text.replace("weight = 4", "weight = 5", 1))
    assert "a changed form is a new version, 2 or higher" in (await served("qa", "form", "add", str(file))).err
    file.write_text(file.read_text().replace("version = 1", "version = 2", 1))
    assert (await served("qa", "form", "add", str(file))).out.startswith("form complaint version 2")
    assert [each["version"] for each in (await served("qa", "form", "list", "--json")).json] == [1, 2]
    shown = (await served("qa", "form", "show", "complaint")).out
    assert "compliance fatal" in shown
    assert (await served("qa", "form", "show", "complaint", "--version", "1", "--json")).json["version"] == 1


async def test_lists_that_are_empty_say_so(calls, served: Asked) -> None:
    for typed in (("appeal", "list"), ("calibration", "list"), ("results", "list"), ("training", "list")):
        assert (await served("qa", *typed)).out == "none\n"
