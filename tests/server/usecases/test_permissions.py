"""The table of permissions: every cell against every door, HTTP, the command line and the phone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import acd.events as acd
import recordings.events as rec
from acd.policy.definitions import Skill
from quality.events import FormAdded, ReviewOpened
from server.eventlog.user_events import UserAdded
from server.hotline.quality_rules import product_form
from server.storage.sessions import csrf_of
from server.usecases.errors import Conflict, Forbidden, Invalid
from server.usecases.permissions import RULES, Act, Reach, reach_of
from server.usecases.principal import Role, phone_of
from server.web.authentication import COOKIE
from tests.redis_server import redis_server
from tests.server.web.api_server import OWNER, ApiServer, api, refused, server

__all__ = ["api", "redis_server", "server"]

REASON = {"reason": "asked for"}
OWN, MATE, OTHER = "1001", "1002", "1003"
"""The agent who asks; one of the same team, which 1009 leads; one of another team."""
TALKING = {OWN: 1, MATE: 2, OTHER: 3}
"""The call, and its recording, of each agent. Call 4 waits."""


class Asked(NamedTuple):
    """A request for an act; {agent} and {call} stand for the agent that it concerns."""

    method: str
    path: str
    body: dict[str, Any] | None = None


REQUESTS: dict[Act, Asked] = {
    Act.READ_AGENTS: Asked("GET", "agents"),
    Act.DEFINE_AGENT: Asked("PUT", "agents/2000", {"name": "Zhao"}),
    Act.REMOVE_AGENT: Asked("DELETE", "agents/3000"),
    Act.SET_STATUS: Asked("POST", "agents/{agent}/status", {"status": "available"}),
    Act.CHANGE_SKILLS: Asked("PATCH", "agents/{agent}/skills", {"skills": {"complaint": 5}}),
    Act.READ_DAY: Asked("GET", "agents/{agent}/day"),
    Act.END_WRAP_UP: Asked("POST", "agents/{agent}/wrap-up/end"),
    Act.USE_PHONE: Asked("POST", "phone"),
    Act.TRY_CALL: Asked("POST", "phone/try"),
    Act.READ_FLOOR: Asked("GET", "floor"),
    Act.READ_CALLS: Asked("GET", "calls/{call}"),
    Act.MOVE_CALL: Asked("POST", "calls/4/move", {"queue": "nowhere", **REASON}),
    Act.PULL_CALL: Asked("POST", "calls/4/pull", {"agent": "{agent}", **REASON}),
    Act.PRIORITISE_CALL: Asked("POST", "calls/4/priority", {"priority": 5, **REASON}),
    Act.CONVERSE: Asked("POST", "calls/{call}/hold"),
    Act.MONITOR: Asked("POST", "calls/{call}/monitor", {"phone": "", **REASON}),
    Act.READ_CALLBACKS: Asked("GET", "callbacks"),
    Act.ASK_CALLBACK: Asked("POST", "callbacks", {"number": "13800138001", "category": "attitude"}),
    Act.CHANGE_CALLBACK: Asked("POST", "callbacks/99/cancel", REASON),
    Act.SETTLE_CALLBACK: Asked("POST", "callbacks/99/settle", REASON),
    Act.NOBODY_THERE: Asked("POST", "callbacks/99/nobody"),
    Act.SET_MODE: Asked("PUT", "callback-mode", {"mode": "off", **REASON}),
    Act.READ_TICKETS: Asked("GET", "tickets/{call}"),
    Act.OPEN_TICKET: Asked("POST", "tickets", {"category": "attitude"}),
    Act.WORK_ON_TICKET: Asked("POST", "tickets/{call}/notes", {"text": "asked again"}),
    Act.DISPATCH_TICKET: Asked("POST", "tickets/{call}/state", {"state": "dispatched"}),
    Act.FOLLOW_UP_TICKET: Asked("POST", "tickets/{call}/follow-up", {"satisfied": True}),
    Act.ASSIGN_TICKET: Asked("PATCH", "tickets/{call}", {"owner": "{agent}"}),
    Act.ANSWER_AUTHORITY: Asked("POST", "tickets/{call}/authority/1/answer", {"granted": True}),
    Act.READ_RECORDINGS: Asked("GET", "recordings/{call}"),
    Act.PULL_RECORDING: Asked("GET", "recordings/{call}/audio"),
    Act.PAUSE_RECORDING: Asked("POST", "calls/{call}/recording/pause"),
    Act.VERIFY_RECORDINGS: Asked("GET", "recordings/alarms"),
    Act.SETTLE_RECORDING: Asked("POST", "recordings/1/settle", REASON),
    Act.HOLD_RECORDING: Asked("POST", "recordings/99/hold", REASON),
    Act.DELETE_PERSON: Asked("POST", "privacy/delete", {"number": "13912345678", **REASON}),
    Act.READ_REPORTS: Asked("GET", "reports/callback"),
    Act.SIGN_HANDOVER: Asked(
        "POST",
        "handovers/signatures",
        {"since": "2027-01-15T00:07:00Z", "until": "2027-01-15T08:00:00Z", "side": "outgoing"},
    ),
    Act.READ_TRUNKS: Asked("GET", "trunks"),
    Act.TEST_TRUNK: Asked("POST", "trunks/test", {"number": "13800138001"}),
    Act.TRACE_TRUNKS: Asked("POST", "trunks/trace", {"seconds": 1}),
    Act.READ_QA: Asked("GET", "qa/report?period=2027-W02&agent={agent}"),
    Act.READ_SAMPLES: Asked("GET", "qa/jobs"),
    Act.PLAN_QA: Asked("GET", "qa/plans"),
    Act.DRAW_QA: Asked("POST", "qa/jobs", {"plan": "none", "period": "2027-W02"}),
    Act.ADD_FORM: Asked("POST", "qa/forms", {"toml": "x"}),
    Act.PICK_QA: Asked("POST", "qa/picks", {"call": "{call}", "why": "new"}),
    Act.SCORE_QA: Asked("POST", "qa/scores/{call}/submit", {"marks": {}}),
    Act.ASSIGN_QA: Asked("POST", "qa/scores/{call}/second", {"reviewer": "nobody"}),
    Act.APPEAL_QA: Asked("POST", "qa/appeals", {"score": "{call}", "why": "no"}),
    Act.CALIBRATE_QA: Asked("POST", "qa/calibrations/99/close"),
    Act.RESULTS_QA: Asked("GET", "qa/results"),
    Act.TRAIN_QA: Asked("POST", "qa/trainings/99/move", {"step": "give"}),
    Act.RELOAD_DEFINITIONS: Asked("POST", "definitions/reload"),
    Act.READ_DEFINITIONS: Asked("GET", "definitions"),
    Act.PUBLISH_DEFINITIONS: Asked("POST", "definitions/undo", {"to": 99}),
    Act.PUBLISH_PROMPT: Asked("POST", "prompt-sounds/goodbye/zh/undo", {}),
    Act.SET_HOLIDAYS: Asked("PUT", "holidays/2027", {"days": ["2027-01-01"]}),
    Act.ASK_EXPORT: Asked("POST", "exports", {"kind": "callbacks", **REASON}),
    Act.APPROVE_EXPORT: Asked("POST", "exports/99/approve", REASON),
    Act.LINK_TICKET: Asked("PUT", "tickets/{call}/links/crm", {"reference": "7"}),
    Act.LINK_RECORDING: Asked("POST", "recordings/{call}/link", {"purpose": "complaint"}),
    Act.MANAGE_WEBHOOKS: Asked("GET", "webhooks"),
    Act.MANAGE_TOKENS: Asked("GET", "tokens"),
    Act.MANAGE_USERS: Asked("GET", "users"),
    Act.MANAGE_SESSIONS: Asked("GET", "sessions"),
    Act.READ_AUDIT: Asked("GET", "audit"),
    Act.READ_CUSTOMERS: Asked("GET", "customers"),
    Act.CHANGE_CUSTOMER: Asked("PATCH", "customers/99", {"name": "Wang"}),
    Act.REMOVE_CUSTOMER: Asked("DELETE", "customers/99?reason=gone"),
    Act.IMPORT_CUSTOMERS: Asked("POST", "customers/import"),
    Act.MARK_CUSTOMER: Asked("POST", "customers/marks", {"number": "01065529988", "mark": "do_not_record", **REASON}),
    Act.CONFIRM_MARK: Asked("POST", "customers/marks/lift", {"number": "01065529989", "mark": "nuisance"}),
    Act.READ_LISTS: Asked("GET", "lists"),
    Act.MANAGE_LISTS: Asked("POST", "lists/99/state", {"state": "paused"}),
    Act.READ_BULLETINS: Asked("GET", "bulletins"),
    Act.POST_BULLETIN: Asked("POST", "bulletins/99/withdraw", REASON),
    Act.POST_NOTICE: Asked("POST", "notices/99/end", REASON),
    Act.READ_KNOWLEDGE: Asked("GET", "knowledge?q=退款"),
    Act.WRITE_KNOWLEDGE: Asked("PUT", "knowledge/99", {"kind": "case", "title": "t", "text": "x", "version": "1"}),
    Act.REMOVE_KNOWLEDGE: Asked("DELETE", "knowledge/99?reason=old"),
    Act.VERIFY_CUSTOMER: Asked("POST", "customers/99/verify", {"digits": "1234", "call": "4"}),
}
CONCERN_AN_AGENT = {act for act, asked in REQUESTS.items() if "{" in f"{asked.path}{asked.body}"}
ELSEWHERE = {Act.READ_NUMBERS, Act.EXPORT_OUTRIGHT, Act.READ_WALLBOARD, Act.FORCE_STATUS}
"""Acts without a request of their own: masked numbers have a test below, an export outright is one that needs no
approval, a wallboard is told of its figures (tests/server/web/live), and a forced status is asked for as any."""
WORK_NUMBERS = {Role.AGENT: OWN, Role.LEADER: "1009"}


def may(role: Role, act: Act, agent: str) -> bool:
    """Whether the table permits this role an act that concerns this agent."""
    reach = RULES[act].reach[role]
    if act not in CONCERN_AN_AGENT:
        return reach is not Reach.NONE
    within = {Reach.NONE: set(), Reach.TEAM: {OWN, MATE}, Reach.ALL: {OWN, MATE, OTHER}}
    within[Reach.OWN] = {OWN} if role is Role.AGENT else set()
    return agent in within[reach]


@pytest.fixture
async def floor(server: ApiServer) -> ApiServer:
    """Three agents of two teams talk, call 4 waits, and each conversation has a ticket and a recording."""
    server.definitions = replace(server.definitions, teams={"A": ("1009",), "B": ()})
    for agent, team in ((OWN, "A"), (MATE, "A"), (OTHER, "B"), ("1009", "C"), ("3000", "C")):
        contact = f"sip:{agent}@127.0.0.1:5062"
        await server.tell(acd.AgentDefined(agent, f"Agent {agent}", (Skill("complaint", 5),), (team,), contact))
    form = product_form()
    await server.tell(FormAdded(form))
    for agent, call in TALKING.items():
        await server.call(call, f"1380013800{call}")
        server.dispatcher.own(call, lambda command: None)
        await server.tell(acd.PhoneSeen(agent, True), acd.StatusSet(agent, acd.Status.AVAILABLE))
        await server.queue(call)
        leg = server.view.calls.get(call).leg
        assert leg is not None
        assert leg.agent == agent
        await server.tell(acd.OfferAnswered(leg.offer), acd.Joined(call, agent))
        await server.tell(rec.RecordingStarted(call, call, agent, f"{call}-in.wav", f"{call}-out.wav"))
        await server.tell(ReviewOpened(call, call, agent, form.name, form.version, "somebody", (agent,)))
    await server.call(4)
    await server.queue(4, "13800138000")
    return server


def test_the_table_has_a_row_for_every_act_and_a_column_for_every_role() -> None:
    assert set(RULES) == set(Act)
    assert all(set(rule.reach) == {*Role} - {Role.SERVICE} for rule in RULES.values())
    assert set(REQUESTS) | ELSEWHERE == set(Act)


def test_the_page_on_access_shows_the_same_table() -> None:
    page = (Path(__file__).parents[3] / "docs" / "access.md").read_text(encoding="utf-8")
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("| ")]
    heads, *rows = lines
    assert heads[1:-1] == [role.value for role in Role if role is not Role.SERVICE]
    shown = {row[0].strip("`"): ([cell.replace("–", "-") for cell in row[1:-1]], row[-1] == "yes") for row in rows[1:]}
    assert shown == {act: ([*map(str, rule.reach.values())], rule.audited) for act, rule in RULES.items()}


async def bearer_of(floor: ApiServer, role: Role) -> dict[str, str]:
    """The headers of a request with a token of this role."""
    _, token = await floor.acts.tokens.create(OWNER, name="holder", role=role, agent=WORK_NUMBERS.get(role, ""))
    return {"Authorization": f"Bearer {token}"}


async def session_of(floor: ApiServer, role: Role, **fields: Any) -> dict[str, str]:
    """The headers of a request with the session of a user of this role."""
    given = {"agent": WORK_NUMBERS.get(role, ""), "department": "holder" if role is Role.DEPARTMENT else "", **fields}
    await floor.tell(UserAdded("holder", "Holder", role, "no digest", **given))
    _, text = await floor.sessions.begin("holder", 0, by="password", origin="127.0.0.1", client="")
    return {"Cookie": f"{COOKIE}={text}", "X-CSRF-Token": csrf_of(text), "Origin": "http://hotline"}


@pytest.mark.parametrize("signed_in", [bearer_of, session_of])
@pytest.mark.parametrize("role", [role for role in Role if role is not Role.SERVICE])
async def test_http_does_for_a_role_what_the_table_says_and_nothing_else(
    floor: ApiServer, api, role: Role, signed_in
) -> None:
    bearer = await signed_in(floor, role)
    if "Cookie" in bearer:
        del api.headers["Authorization"]
    for act, asked in REQUESTS.items():
        for agent in TALKING if act in CONCERN_AN_AGENT else (OTHER,):
            fill = {"agent": agent, "call": TALKING[agent]}
            body = (
                None
                if asked.body is None
                else {
                    key: value.format(**fill) if isinstance(value, str) else value for key, value in asked.body.items()
                }
            )
            path = "/api/v1/" + asked.path.format(**fill)
            answer = await api.request(asked.method, path, json=body, headers=bearer)
            assert answer.status_code not in (401, 500), (act, answer.text)
            assert (answer.status_code != 403) == may(role, act, agent), (act, agent, answer.text)


async def test_a_user_leads_the_teams_that_the_user_has(floor: ApiServer, api) -> None:
    headers = await session_of(floor, Role.LEADER, agent="", teams=("B",))
    del api.headers["Authorization"]
    rows = (await api.get("/api/v1/tickets", headers=headers)).json()["items"]
    assert [row["id"] for row in rows] == [TALKING[OTHER]]
    assert (await api.get(f"/api/v1/calls/{TALKING[OWN]}", headers=headers)).status_code == 403


async def test_a_refusal_says_which_roles_may_and_how_far_ones_own_reaches(floor: ApiServer, api) -> None:
    _, token = await floor.acts.tokens.create(OWNER, name="li", role=Role.AGENT, agent=OWN)
    bearer = {"Authorization": f"Bearer {token}"}
    answer = await api.put("/api/v1/callback-mode", json={"mode": "on"}, headers=bearer)
    assert refused(answer, 403) == "an agent may not do callbacks.mode: supervisor, administrator may"
    answer = await api.post(f"/api/v1/agents/{MATE}/status", json={"status": "break"}, headers=bearer)
    assert refused(answer, 403) == "an agent may do agents.status for their own alone: this one is of agent 1002"


async def test_lists_show_an_agent_their_own_and_a_leader_the_teams(floor: ApiServer, api) -> None:
    for agent, call in TALKING.items():
        await floor.tell(acd.ConversationEnded(call, agent, "caller", 10.0, 0.0), acd.CallEnded(call, "caller"))
    seen: dict[Role, list[int]] = {}
    for role in (Role.AGENT, Role.LEADER, Role.SUPERVISOR):
        _, token = await floor.acts.tokens.create(OWNER, name=role, role=role, agent=WORK_NUMBERS.get(role, ""))
        bearer = {"Authorization": f"Bearer {token}"}
        for kind in ("calls", "tickets"):
            rows = (await api.get(f"/api/v1/{kind}", headers=bearer)).json()["items"]
            seen[role] = sorted(row["id"] for row in rows)
            assert seen[role] == {Role.AGENT: [1], Role.LEADER: [1, 2], Role.SUPERVISOR: [1, 2, 3, 4]}[role]


async def test_numbers_are_masked_where_a_role_sees_more_calls_than_numbers(floor: ApiServer, api) -> None:
    for role, own, waiting in (
        (Role.AGENT, "13800138001", "138****8000"),
        (Role.SUPERVISOR, "13800138001", "13800138000"),
        (Role.QA, "138****8001", "138****8000"),
    ):
        _, token = await floor.acts.tokens.create(OWNER, name=role, role=role, agent=WORK_NUMBERS.get(role, ""))
        bearer = {"Authorization": f"Bearer {token}"}
        assert (await api.get("/api/v1/calls/1", headers=bearer)).json()["caller"] == own
        (row,) = (await api.get("/api/v1/floor", headers=bearer)).json()["waiting"]
        assert row["caller"] == waiting


async def test_a_phone_changes_its_own_agents_status_and_conversation_alone(floor: ApiServer) -> None:
    phone = phone_of(OWN)
    acts = floor.acts
    assert (await acts.agents.set_status(phone, OWN, acd.Status.BREAK, "meal")).pending is acd.Status.BREAK
    with pytest.raises(Invalid, match="there is no break lunch: there are busy, rest, meal"):
        await acts.agents.set_status(phone, OWN, acd.Status.BREAK, "lunch")
    with pytest.raises(Forbidden):
        await acts.agents.set_status(phone, MATE, acd.Status.BREAK)
    with pytest.raises(Conflict, match="no Asterisk here"):
        await acts.conversations.hold(phone, TALKING[OWN])
    with pytest.raises(Forbidden):
        await acts.conversations.hold(phone, TALKING[MATE])
    assert reach_of(phone, Act.SET_MODE) is Reach.NONE


async def test_a_service_does_what_its_scopes_name(floor: ApiServer, api) -> None:
    _, token = await floor.acts.tokens.create(
        OWNER, name="crm", role=Role.SERVICE, scopes=["callbacks.*", "calls.read"]
    )
    bearer = {"Authorization": f"Bearer {token}"}
    assert (await api.get("/api/v1/calls/3", headers=bearer)).json()["caller"] == "138****8003"
    made = await api.post("/api/v1/callbacks", json={"number": "13800138001", "queue": "media"}, headers=bearer)
    assert made.status_code == 201
    answer = await api.get("/api/v1/agents", headers=bearer)
    assert "a service may not do agents.read" in refused(answer, 403)


async def test_privileged_acts_are_in_the_audit_with_principal_origin_and_reason(floor: ApiServer, api) -> None:
    _, token = await floor.acts.tokens.create(OWNER, name="wang", role=Role.SUPERVISOR)
    bearer = {"Authorization": f"Bearer {token}"}
    await api.put("/api/v1/callback-mode", json={"mode": "on", "reason": "storm"}, headers=bearer)
    await api.post("/api/v1/calls/4/priority", json={"priority": 5, "reason": "third time"}, headers=bearer)
    await api.get("/api/v1/floor", headers=bearer)
    await floor.tell()
    rows = (await api.get("/api/v1/audit")).json()["items"]
    told = [(row["act"], row["by"], row["role"], row["origin"], row["subject"], row["reason"]) for row in rows]
    assert told[:2] == [
        ("calls.prioritise", "wang", "supervisor", "127.0.0.1", "call 4", "third time"),
        ("callbacks.mode", "wang", "supervisor", "127.0.0.1", "callback mode of all queues: on", "storm"),
    ]
    assert told[2][:2] == ("tokens.manage", OWNER.name)
    assert (await api.get("/api/v1/audit?by=wang&act=calls.prioritise")).json()["items"] == rows[:1]


async def test_an_act_is_answered_to_a_service_that_may_do_it_and_not_read(floor: ApiServer, api) -> None:
    _, token = await floor.acts.tokens.create(
        OWNER, name="crm", role=Role.SERVICE, scopes=["callbacks.ask", "callbacks.mode"]
    )
    bearer = {"Authorization": f"Bearer {token}"}
    made = await api.post("/api/v1/callbacks", json={"number": "13800138009", "queue": "media"}, headers=bearer)
    assert (made.status_code, made.json()["number"]) == (201, "138****8009")
    mode = await api.put("/api/v1/callback-mode", json={"mode": "on"}, headers=bearer)
    assert (mode.status_code, mode.json()["who"]) == (200, "crm")
    assert "may not do callbacks.read" in refused(await api.get("/api/v1/callbacks", headers=bearer), 403)


async def test_a_department_sees_no_ticket_that_is_not_its_own(floor: ApiServer, api) -> None:
    _, token = await floor.acts.tokens.create(OWNER, name="logistics", role=Role.DEPARTMENT)
    assert (await api.get("/api/v1/tickets", headers={"Authorization": f"Bearer {token}"})).json()["items"] == []
