"""From a sample to its figures, as people ask for it over HTTP: log, register, records and routes are real."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import acd.events as acd
import ivr.events as ivr
import tickets.events as tickets
from acd.policy.definitions import Skill
from quality.draw import Job
from quality.events import FormAdded
from quality.rollup import TrainingRules
from server.eventlog.quality_events import QualityRulesSet
from server.eventlog.user_events import UserAdded
from server.hotline.quality_rules import product_form
from server.hotline.state import HotlineState
from server.usecases.principal import Principal, Role
from server.usecases.quality import QualityActs
from server.usecases.quality_clock import draw_by_the_clock
from server.usecases.quality_drafts import Drafts
from tests.redis_server import redis_server
from tests.server.web.api_server import OWNER, ApiServer, api, refused, server

__all__ = ["api", "redis_server", "server"]

AGENTS = ("1001", "1002", "1003")
CALLS = 60
FORM = product_form()
BEST = {each.id: each.levels for each in FORM.questions}
PEOPLE = {"wang": Role.QA, "zhao": Role.QA, "qian": Role.QA, "sun": Role.SUPERVISOR}
ROOT = "/api/v1/qa"
CAME_IN = datetime(2026, 1, 13, 10, tzinfo=ZoneInfo("Asia/Shanghai"))
"""When all calls came in."""


class Desk:
    """The server, and what each person asks of it."""

    def __init__(self, server: ApiServer, api: Any, tokens: dict[str, str]) -> None:
        self.server, self._api, self._tokens = server, api, tokens
        self.week = f"{CAME_IN:%G-W%V}"

    async def ask(self, who: str, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self._tokens[who]}"} if who else {}
        return await self._api.request(method, f"{ROOT}/{path}", json=body, headers=headers)

    async def raw(self, who: str, path: str, body: Any) -> Any:
        """As JSON may be written, with halves of characters too."""
        headers = {"Authorization": f"Bearer {self._tokens[who]}", "Content-Type": "application/json"}
        return await self._api.post(f"{ROOT}/{path}", content=json.dumps(body), headers=headers)

    async def done(self, who: str, method: str, path: str, body: Any = None) -> Any:
        answer = await self.ask(who, method, path, body)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    async def draw(self, seed: str = "spring", **plan: Any) -> dict[str, Any]:
        await self.done("sun", "POST", "plans", {"name": "weekly", "per_agent": 5, "seed": seed, **plan})
        return await self.done("sun", "POST", "jobs", {"plan": "weekly", "period": self.week})

    async def score(self, who: str, call: int, **marks: Any) -> dict[str, Any]:
        return await self.done(who, "POST", "scores", {"call": call, "form": "complaint", "marks": {**BEST, **marks}})


def conversation(
    call: int, agent: str, *, talked: float, satisfaction: int = 5, at: float = CAME_IN.timestamp()
) -> list[object]:
    """A call that an agent answered, as the log has it."""
    return [
        acd.CallArrived(call, f"138001{call:05d}", "4001", f"PJSIP/{call}", f"u{call}", at, "one"),
        ivr.FieldSet(call, "business", "complaint"),
        ivr.FieldSet(call, "category", ("attitude", "process", "system")[call % 3]),
        acd.Joined(call, agent),
        acd.ConversationEnded(call, agent, "caller", talked, 0.0),
        ivr.SatisfactionGiven(call, satisfaction),
        acd.CallEnded(call, "caller_hung_up"),
    ]


@pytest.fixture
async def desk(server: ApiServer, api) -> Desk:
    """Sixty calls of three agents of two teams, and people with tokens."""
    server.definitions = replace(server.definitions, teams={"A": ("1009",), "B": ()})
    for agent, team in (*zip(AGENTS, ("A", "A", "B"), strict=True), ("1009", "C")):
        skills = (Skill("attitude", 3), Skill("complaint", 5))
        await server.tell(acd.AgentDefined(agent, f"Agent {agent}", skills, (team,), ""))
    events: list[object] = [FormAdded(FORM, "product")]
    for call in range(1, CALLS + 1):
        low = 1 if call % 7 == 0 else 5
        events += conversation(call, AGENTS[call % 3], talked=20.0 + 13.0 * (call % 40), satisfaction=low)
    await server.tell(*events)
    tokens = {}
    for name, role in PEOPLE.items():
        _, tokens[name] = await server.acts.tokens.create(OWNER, name=name, role=role)
    for agent, role in (*((each, Role.AGENT) for each in AGENTS), ("1009", Role.LEADER)):
        _, tokens[agent] = await server.acts.tokens.create(OWNER, name=f"of {agent}", role=role, agent=agent)
    return Desk(server, api, tokens)


async def test_a_sample_is_drawn_and_drawn_again_the_same(desk: Desk) -> None:
    job = await desk.draw()
    assert (job["job"], job["seed"], job["frame_calls"], job["earlier"]) == (1, "spring", CALLS, 0)
    assert len(job["frame"]) == 64
    assert set(job["strata"][0]) == {"agent", "category", "length", "risk", "N", "n"}
    assert sum(each["N"] for each in job["strata"]) == CALLS
    assert sum(each["n"] for each in job["strata"]) == len(job["calls"]) == len(set(job["calls"])) == 15
    again = await desk.done("wang", "POST", "jobs/1/redraw")
    assert again == {key: job[key] for key in again}
    restored = HotlineState.restore(desk.server.dispatcher.state.snapshot())
    assert restored.quality.snapshot() == desk.server.view.quality.snapshot()
    second = await desk.done("sun", "POST", "jobs", {"plan": "weekly", "period": desk.week})
    assert second["earlier"] == 15
    assert not set(second["calls"]) & set(job["calls"])


async def test_a_seed_is_made_up_and_kept(desk: Desk) -> None:
    made = await desk.done("wang", "POST", "plans", {"name": "weekly"})
    assert len(made["seed"]) == 16
    assert (await desk.done("wang", "POST", "plans", {"name": "weekly", "per_agent": 3}))["seed"] == made["seed"]
    (row,) = (await desk.done("wang", "GET", "plans"))["items"]
    assert (row["per_agent"], row["period"], row["since"]) == (3, "week", made["since"])
    await desk.done("wang", "DELETE", "plans/weekly")
    assert (await desk.done("wang", "GET", "plans"))["items"] == []
    assert "no sampling plan" in refused(await desk.ask("wang", "DELETE", "plans/weekly"), 404)


async def test_what_cannot_be_drawn_is_refused_with_a_sentence(desk: Desk) -> None:
    await desk.done("sun", "POST", "plans", {"name": "weekly"})
    for plan, period, status, sentence in (
        ("none", "2027-W02", 404, "no sampling plan none"),
        ("weekly", "week 2", 422, "is not a period"),
        ("weekly", "2020-W54", 422, "is not a period"),
        ("weekly", "2099-W02", 409, "has not begun"),
        ("weekly", "2020-01", 409, "is drawn by the week"),
    ):
        answer = await desk.ask("sun", "POST", "jobs", {"plan": plan, "period": period})
        assert sentence in refused(answer, status)


async def test_a_plan_that_cannot_be_used_is_refused(desk: Desk) -> None:
    for body in (
        {"keys": ["colour"]},
        {"lengths": [9, 3]},
        {"risk": {"keywords": [" "]}},
        {"seed": "a\nb"},
        {"shortest": -1},
    ):
        refused(await desk.ask("sun", "POST", "plans", {"name": "weekly", **body}), 422)


async def test_from_the_sample_to_the_report(desk: Desk) -> None:
    """Sample, score, blind second score, appeal, decision, report; each by another person."""
    job = await desk.draw()
    mine = [each for each in job["drawn"] if each["agent"] == "1001"]
    call = mine[0]["call"]
    first = await desk.score("wang", call, privacy=0, correct={"value": 0, "at": [83.5], "note": "错报手续费"})
    assert (first["state"], first["score"], first["points"], first["fatal"]) == ("submitted", 0.0, 59.0, True)
    assert [each["question"] for each in first["first"]["faults"]] == ["correct", "privacy"]
    asked = await desk.done("sun", "POST", f"scores/{first['id']}/second", {"reviewer": "zhao"})
    assert asked["second_reviewer"] == "zhao"
    blind = await desk.done("zhao", "GET", f"scores/{first['id']}")
    assert (blind["first"], blind["score"], blind["state"]) == (None, None, "draft")
    (listed,) = (await desk.done("zhao", "GET", f"scores?call={call}"))["items"]
    assert listed["first"] is None
    second = await desk.score("zhao", call)
    assert (second["state"], second["second"]["score"], second["score"]) == ("second", 100.0, 0.0)

    sentence = refused(await desk.ask("wang", "POST", "appeals", {"score": first["id"], "why": "no"}), 403)
    assert "may not do qa.appeal" in sentence
    other = await desk.ask("1002", "POST", "appeals", {"score": first["id"], "why": "no"})
    assert "for their own alone" in refused(other, 403)
    appeal = await desk.done(
        "1001", "POST", "appeals", {"score": first["id"], "why": "没有泄露", "questions": ["privacy"]}
    )
    assert (appeal["state"], appeal["appeal"]["by"]) == ("appealed", "1001")
    for reviewer in ("wang", "zhao"):
        decision = await desk.ask(reviewer, "POST", f"appeals/{first['id']}/decide", {"marks": BEST, "why": "x"})
        assert "another reviewer does" in refused(decision, 409)
    decided = await desk.done(
        "qian", "POST", f"appeals/{first['id']}/decide", {"marks": {**BEST, "correct": 0}, "why": "没有泄露"}
    )
    assert (decided["state"], decided["score"], decided["first"]["score"]) == ("decided", 59.0, 0.0)
    assert "is decided" in refused(await desk.ask("1001", "POST", "appeals", {"score": first["id"], "why": "x"}), 409)

    for each in job["drawn"]:
        if each["call"] != call:
            await desk.score("wang", each["call"], greeting=each["call"] % 2)
    report = await desk.done("sun", "GET", f"report?period={desk.week}")
    assert (report["plan"], report["scored"], report["appeals"], report["changed_on_appeal"]) == ("weekly", 15, 1, 1)
    for name in ("mean", "points", "pass_rate", "fatal_rate"):
        figure = report[name]
        assert figure["low"] <= figure["value"] <= figure["high"], name
        assert (figure["n"], figure["size"], figure["covered"]) == (15, CALLS, 1.0)
    assert report["fatal_rate"]["value"] == 0.0
    assert [each["agent"] for each in report["agents"]] == list(AGENTS)
    assert all(each["rank"] is None for each in report["agents"])
    (form,) = report["agreement"]
    assert (form["form"], form["n"], form["passed"]["share"]["value"]) == ("complaint", 1, 0.0)
    assert {"share", "ac1", "kappa", "alpha"} == set(form["questions"]["privacy"])
    own = await desk.done("1001", "GET", f"report?period={desk.week}")
    assert ([each["agent"] for each in own["agents"]], own["agreement"]) == (["1001"], [])
    team = await desk.done("1009", "GET", f"report?period={desk.week}")
    assert [each["agent"] for each in team["agents"]] == ["1001", "1002"]
    state = await desk.done("wang", "GET", "jobs/1")
    assert {each["state"] for each in state["drawn"]} == {"submitted", "decided"}


async def test_the_mean_of_the_report_is_the_stratified_one_recomputed_by_hand(desk: Desk) -> None:
    job = await desk.draw()
    scores = {}
    for each in job["drawn"]:
        given = await desk.score("wang", each["call"], lets_speak=each["call"] % 5, empathy=(each["call"] // 5) % 5)
        scores[each["call"]] = given["score"]
    expected = 0.0
    for place, stratum in enumerate(job["strata"]):
        own = [scores[each["call"]] for each in job["drawn"] if each["stratum"] == place]
        expected += stratum["N"] / CALLS * sum(own) / len(own)
    report = await desk.done("sun", "GET", f"report?period={desk.week}")
    assert report["mean"]["value"] == pytest.approx(expected, abs=1e-9)


async def test_a_reviewer_reads_the_scores_of_what_was_drawn_for_them_or_all_by_setting(desk: Desk) -> None:
    job = await desk.draw(reviewers=["wang"])
    first, second, third = (each["call"] for each in job["drawn"][:3])
    score = await desk.score("wang", first)
    picked = await desk.score("sun", 40 if 40 not in job["calls"] else 41)
    path = f"scores/{score['id']}"

    async def listed(who: str) -> set[int]:
        return {each["id"] for each in (await desk.done(who, "GET", "scores"))["items"]}

    assert await listed("wang") == await listed("sun") == {score["id"], picked["id"]}
    assert await listed("zhao") == {picked["id"]}
    kind = desk.server.acts.exports.kinds["scores"]
    for name, role in (("zhao", Role.QA), ("wang", Role.QA), ("sun", Role.SUPERVISOR)):
        pages = kind.rows(Principal(name, role, "test"), {}, 1)
        rows = [row async for page in pages for row in page]
        assert {row["id"] for row in rows} == await listed(name), "an export has what its asker reads"
        assert all(set(row) == set(kind.columns) for row in rows)
    assert "was not drawn for zhao" in refused(await desk.ask("zhao", "GET", path), 403)
    await desk.done("sun", "POST", f"{path}/second", {"reviewer": "zhao"})
    assert (await desk.done("zhao", "GET", path))["second_reviewer"] == "zhao"
    assert await listed("zhao") == {score["id"], picked["id"]}
    assert await listed("qian") == {picked["id"]}
    agent = score["agent"]
    await desk.done(agent, "POST", "appeals", {"score": score["id"], "why": "no"})
    assert await listed("qian") == {score["id"], picked["id"]}, "an appeal is decided by another reviewer"
    assert await listed("1009") == await listed("sun"), "a leader reads the team's"
    rules = replace(desk.server.definitions.quality, reviewers_read="all")
    other = await desk.score("wang", second)
    assert other["id"] not in await listed("qian")
    desk.server.definitions = replace(desk.server.definitions, quality=rules)
    assert other["id"] in await listed("qian")
    assert third not in {each["call"] for each in (await desk.done("qian", "GET", "scores"))["items"]}


async def test_a_reviewer_is_a_person(desk: Desk) -> None:
    job = await desk.draw()
    score = await desk.score("wang", job["calls"][0])
    _, token = await desk.server.acts.tokens.create(OWNER, name="crm", role=Role.SERVICE, scopes=["qa.*"])
    desk._tokens["crm"] = token
    marks = {"call": job["calls"][1], "form": "complaint", "marks": BEST}
    assert "crm is a service: a reviewer is a person" in refused(await desk.ask("crm", "POST", "scores", marks), 403)
    path = f"scores/{score['id']}/second"
    agent = next(each for each in AGENTS if each != score["agent"])
    for nobody in ("crm", agent, "li"):
        assert f"no reviewer is known as {nobody}" in refused(
            await desk.ask("sun", "POST", path, {"reviewer": nobody}), 422
        )
    await desk.server.tell(UserAdded("li", "李质检", "qa", "digest", by="administrator"))
    assert (await desk.done("sun", "POST", path, {"reviewer": "li"}))["second_reviewer"] == "li"


async def test_a_call_is_scored_by_whom_it_was_drawn_for_and_never_by_who_is_heard(desk: Desk) -> None:
    job = await desk.draw(reviewers=["wang"])
    drawn, (outside, *_) = job["calls"], sorted(set(range(1, CALLS + 1)) - set(job["calls"]))
    body = {"form": "complaint", "marks": BEST}
    answer = await desk.ask("zhao", "POST", "scores", {"call": drawn[0], **body})
    assert "was drawn for wang" in refused(answer, 409)
    answer = await desk.ask("wang", "POST", "scores", {"call": outside, **body})
    assert "was drawn by no job" in refused(answer, 409)
    assert "no call 999" in refused(await desk.ask("wang", "POST", "scores", {"call": 999, **body}), 404)
    await desk.done("sun", "POST", "picks", {"call": outside, "why": "新员工"})
    assert (await desk.score("zhao", outside))["job"] is None
    again = await desk.ask("wang", "POST", "scores", {"call": outside, **body})
    assert "review 1 is submitted" in refused(again, 409)
    report = await desk.done("sun", "GET", f"report?period={desk.week}")
    assert (report["scored"], report["picked"], report["mean"]["n"]) == (0, 1, 0)
    first = await desk.score("wang", drawn[0])
    agent = first["agent"]
    answer = await desk.ask("sun", "POST", f"scores/{first['id']}/second", {"reviewer": agent})
    assert "is heard or accused" in refused(answer, 409)
    answer = await desk.ask("sun", "POST", f"scores/{first['id']}/second", {"reviewer": "nobody"})
    assert "no reviewer is known as nobody" in refused(answer, 422)


async def test_an_agent_who_is_accused_never_reviews_the_call_also_if_that_is_known_later(desk: Desk) -> None:
    job = await desk.draw()
    call = next(each["call"] for each in job["drawn"] if each["agent"] == "1001")
    body = {"call": call, "form": "complaint", "marks": {"greeting": 1}, "submit": False}
    review = await desk.done("1009", "POST", "scores", body)
    await desk.server.tell(tickets.TicketOpened(1, call, "138", "complaint", "attitude"), tickets.AccusedSet(1, "1009"))
    accused = "1009 is heard or accused"
    for path in ("scores", f"scores/{review['id']}/submit"):
        wanted = {**body, "submit": True} if path == "scores" else {}
        answer = await desk.ask("1009", "POST", path, {**wanted, "marks": BEST})
        assert accused in refused(answer, 409)
    answer = await desk.ask("1009", "PUT", f"scores/{review['id']}/draft", {"marks": {}})
    assert accused in refused(answer, 409)
    round_ = {"calls": [call], "form": "complaint", "reviewers": ["wang", "1009"]}
    assert accused in refused(await desk.ask("sun", "POST", "calibrations", round_), 422)
    other = next(each["call"] for each in job["drawn"] if each["call"] != call)
    first = await desk.score("wang", other)
    await desk.server.tell(tickets.TicketOpened(2, other, "139", "complaint", "x"), tickets.AccusedSet(2, "1009"))
    second = await desk.ask("sun", "POST", f"scores/{first['id']}/second", {"reviewer": "1009"})
    assert accused in refused(second, 409)


async def test_marks_that_cannot_be_used_are_refused_with_the_question(desk: Desk) -> None:
    job = await desk.draw()
    for marks, sentence in (
        ({}, "no mark for greeting"),
        ({**BEST, "greeting": 2}, "from 0 to 1"),
        ({**BEST, "greeting": "na"}, "from 0 to 1"),
        ({**BEST, "smile": 1}, '"smile" means nothing here'),
        ({**BEST, "greeting": {"value": 1, "at": [-1]}}, "of seconds"),
        ({**BEST, "greeting": {"value": 1, "note": "a\u0000b"}}, "the note of greeting"),
        ({**BEST, "greeting": {"value": None}}, "from 0 to 1"),
    ):
        body = {"call": job["calls"][0], "form": "complaint", "marks": marks}
        assert sentence in refused(await desk.ask("wang", "POST", "scores", body), 422)


async def test_drafts_are_logged_every_few_seconds_and_seen_by_their_reviewer_alone(desk: Desk) -> None:
    job = await desk.draw()
    call = job["calls"][0]
    draft = {"call": call, "form": "complaint", "marks": {"greeting": 1}, "submit": False}
    number = (await desk.done("wang", "POST", "scores", draft))["id"]
    saved: list[object] = []
    desk.server.dispatcher.listen(lambda entry, commands: saved.append(type(entry.event).__name__))
    for empathy in range(5):
        marks = {"greeting": 1, "empathy": empathy}
        await desk.done("wang", "PUT", f"scores/{number}/draft", {"marks": marks})
    assert saved.count("MarksSaved") == 1
    own = await desk.done("wang", "GET", f"scores/{number}")
    assert [each["value"] for each in own["drafts"]["wang"]] == [1, 4]
    assert (await desk.done("sun", "GET", f"scores/{number}"))["drafts"] == {}
    agent = job["drawn"][0]["agent"]
    assert "no review" in refused(await desk.ask(agent, "GET", f"scores/{number}"), 404)
    done = await desk.done("wang", "POST", f"scores/{number}/submit", {"marks": BEST})
    assert (done["state"], done["score"], done["drafts"]) == ("submitted", 100.0, {})
    assert (await desk.done(agent, "GET", f"scores/{number}"))["score"] == 100.0


async def test_the_last_draft_of_a_burst_reaches_the_log(desk: Desk) -> None:
    job = await desk.draw()
    reviews = desk.server.acts.reviews
    reviews.drafts = Drafts(lambda: desk.server.dispatcher, every=0.05)
    draft = {"call": job["calls"][0], "form": "complaint", "marks": {"greeting": 1}, "submit": False}
    number = (await desk.done("wang", "POST", "scores", draft))["id"]
    for empathy in range(5):
        await desk.done("wang", "PUT", f"scores/{number}/draft", {"marks": {"empathy": empathy}})

    def logged(state: HotlineState) -> bool:
        review = state.quality.review(number)
        return review is not None and [each.value for each in review.draft("wang")] == [4]

    assert await desk.server.dispatcher.until(logged, 5)


async def test_a_form_gets_new_versions_and_none_is_changed(desk: Desk) -> None:
    def toml(version: int, text: str) -> dict[str, str]:
        question = f'id = "a"\nzh = "甲"\nen = "{text}"'
        head = f'name = "short"\nversion = {version}\nzh = "短表"\nen = "Short"\n'
        return {"toml": f'{head}[[sections]]\nid = "s"\nzh = "节"\nen = "S"\n[[sections.questions]]\n{question}\n'}

    first = await desk.done("wang", "POST", "forms", toml(1, "one"))
    assert (await desk.done("wang", "POST", "forms", toml(1, "one")))["digest"] == first["digest"]
    assert "a changed form is a new version, 2" in refused(await desk.ask("wang", "POST", "forms", toml(1, "two")), 409)
    await desk.done("wang", "POST", "forms", toml(2, "two"))
    listed = (await desk.done("1001", "GET", "forms"))["items"]
    assert [(each["name"], each["version"]) for each in listed] == [("complaint", 1), ("short", 1), ("short", 2)]
    assert (await desk.done("wang", "GET", "forms/short?version=1"))["sections"][0]["questions"][0]["en"] == "one"
    assert "there is no form short version 9" in refused(await desk.ask("wang", "GET", "forms/short?version=9"), 404)
    assert "form.toml:1" in refused(await desk.ask("wang", "POST", "forms", {"toml": "name = "}), 422)
    for text in ("a\\u0000b", "a\\ud800b", "a\ud800b"):
        answer = await desk.raw("wang", "forms", toml(3, text))
        assert refused(answer, 422)


async def test_a_calibration_is_blind_until_it_is_closed(desk: Desk) -> None:
    body = {"calls": [3, 6], "form": "complaint", "reviewers": ["wang", "zhao"]}
    agent = AGENTS[0]
    barred = await desk.ask("sun", "POST", "calibrations", {**body, "reviewers": ["wang", agent]})
    assert "heard or accused" in refused(barred, 422)
    number = (await desk.done("sun", "POST", "calibrations", body))["id"]
    for who in ("wang", "zhao"):
        for call in (3, 6):
            marks = {**BEST, "greeting": int(who == "wang")}
            await desk.done(who, "POST", f"calibrations/{number}/scores", {"call": call, "marks": marks})
    open_ = await desk.done("zhao", "GET", f"calibrations/{number}")
    assert ({each["reviewer"] for each in open_["scores"]}, open_["compared"]) == ({"zhao"}, None)
    closed = await desk.done("sun", "POST", f"calibrations/{number}/close")
    assert closed["compared"]["deviations"] == {"wang": 2.0, "zhao": -2.0}
    assert closed["compared"]["questions"]["greeting"]["share"]["value"] == 0.0
    late = await desk.ask("wang", "POST", f"calibrations/{number}/scores", {"call": 3, "marks": BEST})
    assert "is closed" in refused(late, 409)


async def test_a_fault_that_recurs_becomes_a_training_and_gates_the_skill_until_it_is_passed(desk: Desk) -> None:
    server = desk.server
    rules = TrainingRules(recurs=2, gates=(("empathy", "attitude"),))
    await server.tell(QualityRulesSet(server.view.quality.appeal_rules, rules))
    job = await desk.draw()
    for each in job["drawn"]:
        await desk.score("wang", each["call"], empathy=0 if each["agent"] == "1001" else 4)

    def skills() -> dict[str, int]:
        agent = server.view.floor.agent("1001")
        assert agent is not None
        return {each.name: each.level for each in agent.skills}

    step = {"team": "A", "period": desk.week, "step": "leader_sums_up", "note": "同理不足"}
    other = await desk.ask("1009", "POST", "results", {**step, "team": "B"})
    assert "leads no team B" in refused(other, 403)
    assert "is a step of" in refused(await desk.ask("wang", "POST", "results", step), 403)
    done = await desk.done("1009", "POST", "results", step)
    assert (done["state"], done["trainings"], done["cases"]) == ("with_training", [1], [1])
    case = (await desk._api.get("/api/v1/knowledge/1")).json()
    assert (case["kind"], case["title"]) == ("case", "安抚情绪,为客户的经历致歉")
    assert "1001" not in case["text"]
    (training,) = (await desk.done("1001", "GET", "trainings"))["items"]
    assert (training["question"], training["gate"], len(training["calls"])) == ("empathy", "attitude", 5)
    assert skills() == {"complaint": 5}
    again = {"name": "Li", "skills": {"attitude": 9, "complaint": 5}, "contact": "sip:1001@127.0.0.1:5062"}
    answer = await desk._api.put("/api/v1/agents/1001", json=again)
    assert "no skill attitude until training 1 is passed" in refused(answer, 409)
    for move in ("give", "fail", "give", "pass"):
        await desk.done("wang", "POST", "trainings/1/move", {"step": move})
    assert skills() == {"attitude": 3, "complaint": 5}
    assert "it is passed" in refused(await desk.ask("wang", "POST", "trainings/1/move", {"step": "give"}), 409)
    await desk.done("wang", "POST", "results", {**step, "step": "training_plans"})
    archived = await desk.done("sun", "POST", "results", {**step, "step": "manager_signs"})
    assert archived["state"] == "archived"
    assert "they are archived" in refused(await desk.ask("1009", "POST", "results", step), 409)
    (row,) = (await desk.done("sun", "GET", "results"))["items"]
    assert [each["by"] for each in row["steps"]] == ["1009", "wang", "sun"]


async def test_the_sample_of_a_period_that_is_over_is_drawn_by_itself_once(desk: Desk) -> None:
    server = desk.server
    await desk.done("sun", "POST", "plans", {"name": "daily", "period": "day", "per_agent": 5})
    (standing,) = server.view.quality.plans()
    first = datetime.fromtimestamp(standing.since, CAME_IN.tzinfo)
    await server.tell(*conversation(99, "1001", talked=60.0, at=standing.since))

    async def drawn(days: int, seconds: float) -> list[Job]:
        midnight = (first + timedelta(days=days)).replace(hour=0, minute=0, second=0, microsecond=0)
        return await QualityActs(server, clock=lambda: midnight.timestamp() + seconds).draw_due()

    after = server.definitions.quality.draw_after
    assert await drawn(0, 86_399) == await drawn(1, after - 1) == []
    (job,) = await drawn(1, after)
    assert (job.period, [each.call for each in job.calls]) == (f"{first.date()}", [99])
    assert await drawn(1, after + 60) == []
    missed = [each.period for each in await drawn(4, after)]
    assert missed == [f"{(first + timedelta(days=days)).date()}" for days in (1, 2, 3)]
    assert (await desk.done("sun", "GET", "jobs?plan=daily"))["items"][-1]["drawn_by"] == "the plan"


async def test_the_audit_names_who_drew_and_picked(desk: Desk) -> None:
    await desk.draw()
    await desk.done("1009", "POST", "picks", {"call": 3, "why": "投诉升级"})
    await desk.server.tell()
    rows = (await desk._api.get("/api/v1/audit")).json()["items"]
    told = [(row["act"], row["by"], row["subject"], row["reason"]) for row in rows[:3]]
    assert told[0] == ("qa.pick", "of 1009", "call 3", "投诉升级")
    assert told[1][:2] == ("qa.draw", "sun")
    assert told[2][:3] == ("qa.plan", "sun", "plan weekly")


async def test_the_clock_draws_while_the_server_leads(desk: Desk) -> None:
    server = desk.server
    await desk.done("sun", "POST", "plans", {"name": "daily", "period": "day", "per_agent": 5})
    (standing,) = server.view.quality.plans()
    acts = QualityActs(server, clock=lambda: standing.since + 2 * 86_400)
    clock = asyncio.create_task(draw_by_the_clock(acts, every=0.01))
    assert await server.dispatcher.until(lambda state: bool(state.quality.plan("daily").drawn), 10)
    clock.cancel()


ODD: tuple[tuple[str, str, Any], ...] = (
    ("POST", "plans", {"name": "a/b"}),
    ("POST", "plans", {"name": "x", "shortest": "nan"}),
    ("POST", "plans", {"name": "x", "lengths": [10**30]}),
    ("POST", "plans", {"name": "x", "risk": {"hold": 1e300}}),
    ("POST", "plans", {"name": "x\ud800"}),
    ("POST", "plans", {"name": "x", "seed": "\ud800"}),
    ("POST", "plans", {"name": "x", "reviewers": ["a\u0000"]}),
    ("POST", "jobs", {"plan": "weekly", "period": "\u0662\u0660\u0662\u0667"}),
    ("POST", "jobs", {"plan": "weekly", "period": "9999-12-31"}),
    ("POST", "jobs", {"plan": "weekly", "period": "0001-01"}),
    ("POST", "scores", {"call": 1, "form": "complaint", "marks": {"greeting": {"value": 1, "at": [1e400]}}}),
    ("POST", "scores", {"call": 2**53, "form": "complaint", "marks": {}}),
    ("POST", "scores", {"call": 1, "form": "complaint", "marks": {"\ud800": 1}}),
    ("POST", "scores", {"call": 1, "form": "complaint", "marks": [1]}),
    ("POST", "scores", {"call": 1, "form": "\ud800", "marks": {}}),
    ("POST", "appeals", {"score": 2**53, "why": "x"}),
    ("POST", "calibrations", {"calls": [1, 1], "form": "complaint", "reviewers": ["a", "b"]}),
    ("POST", "results", {"team": "A", "period": "2027", "step": "leader_sums_up"}),
    ("POST", "trainings/9007199254740992/move", {"step": "give"}),
    ("GET", "scores?state=nonsense", None),
    ("GET", "scores?cursor=eyJ9", None),
    ("GET", "jobs/9007199254740992", None),
    ("GET", "trainings?state=nonsense", None),
    ("GET", "report?period=9999-12-31", None),
    ("GET", "forms/%00?version=1", None),
)


async def test_odd_requests_are_refused_and_never_fail(desk: Desk) -> None:
    await desk.done("sun", "POST", "plans", {"name": "weekly"})
    for method, path, body in ODD:
        headers = {"Authorization": f"Bearer {desk._tokens['1009' if path == 'results' else 'wang']}"}
        content = None if body is None else json.dumps(body)
        headers["Content-Type"] = "application/json"
        answer = await desk._api.request(method, f"{ROOT}/{path}", content=content, headers=headers)
        assert 400 <= answer.status_code < 500, (path, body, answer.status_code, answer.text)
    for path in ("jobs?period=%00", "results?period=%00", "scores?agent=%00", "report?plan=%00"):
        assert (await desk.ask("wang", "GET", path)).status_code < 500, path
