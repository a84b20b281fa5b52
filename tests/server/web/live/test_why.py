"""Why a call waits and why an agent has it, in both languages; the acts of the floor that need them."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

import acd.events as acd
from acd.policy.definitions import Requirement, Skill
from server.web.api.reasons import asks, reason
from tests.redis_server import redis_server
from tests.server.web.api_server import ApiServer, api, refused, server

__all__ = ["api", "redis_server", "server"]


async def agent(server: ApiServer, number: str, **skills: int) -> None:
    known = tuple(Skill(name, level) for name, level in skills.items())
    await server.tell(
        acd.AgentDefined(number, f"Agent {number}", known, ("A",), "sip:127.0.0.1:5062"),
        acd.StatusSet(number, acd.Status.AVAILABLE),
    )


async def arrived(server: ApiServer, call: int) -> None:
    await server.call(call, f"1380013800{call}")
    server.dispatcher.own(call, lambda command: None)
    await server.queue(call, f"1380013800{call}")


async def test_a_waiting_call_says_who_is_busy_who_lacks_what_and_what_comes_next(server: ApiServer, api) -> None:
    await agent(server, "1001", complaint=5)
    await agent(server, "1002", media=3)
    await arrived(server, 1)
    await arrived(server, 2)
    found = (await api.get("/api/v1/calls/2/why")).json()
    wait = found["wait"]
    assert (wait["queue"], wait["position"], wait["requirement"]["required"]) == (
        "complaint", 2, [{"skill": "complaint", "level": 1}],
    )  # fmt: skip
    assert [(each["agent"], each["why"]["zh-CN"]) for each in wait["busy"]] == [("1001", "正在派另一通来电")]
    assert [(each["agent"], each["why"]["en"]) for each in wait["lacking"]] == [("1002", "lacks complaint")]
    assert wait["next_overflow"]["to"] == "callback"
    zh = "；".join(each["zh-CN"] for each in found["sentences"])
    for said in (
        "在投诉队列排第 2 位，需要：投诉 1 级",
        "1 名坐席都不空闲：1 人正在派另一通来电",
        "其余 1 名坐席技能不足",
        "将提供回呼",
    ):
        assert said in zh
    assert found["chosen"] is None
    assert "there is no call 99" in refused(await api.get("/api/v1/calls/99/why"), 404)


async def test_a_call_that_was_given_says_why_to_this_agent(server: ApiServer, api) -> None:
    for number, level in (("1001", 5), ("1002", 3), ("1003", 0)):
        await agent(server, number, **({"complaint": level} if level else {"media": 1}))
    await arrived(server, 1)
    await server.tell(acd.OfferAnswered(1), acd.Joined(1, "1001"))
    found = (await api.get("/api/v1/calls/1/why")).json()
    assert (found["stage"], found["wait"], found["chosen"]["agent"]) == ("talking", None, "1001")
    zh = [each["zh-CN"] for each in found["chosen"]["sentences"]]
    assert re.fullmatch(r"1001 能接的第一通来电；技能最合适，已空闲 \d+ 秒", zh[0])
    assert any("当时能接的还有 1 人：1002" in each for each in zh)
    assert "不能接的：1 人缺少技能 投诉" in zh


async def test_one_skill_is_changed_and_the_others_stay(server: ApiServer, api) -> None:
    await agent(server, "1001", media=3)
    await arrived(server, 1)
    answer = await api.patch("/api/v1/agents/1001/skills", json={"skills": {"complaint": 4}, "reason": "peak"})
    assert answer.json() == {"id": "1001", "skills": {"complaint": 4, "media": 3}}
    assert server.view.calls.get(1).leg.agent == "1001", "the call that waited is offered at once"
    answer = await api.patch("/api/v1/agents/1001/skills", json={"skills": {"media": None}})
    assert answer.json()["skills"] == {"complaint": 4}
    assert "there is no skill magic" in refused(
        await api.patch("/api/v1/agents/1001/skills", json={"skills": {"magic": 1}}), 422
    )
    rows = (await api.get("/api/v1/audit?act=agents.skills")).json()["items"]
    assert [row["subject"] for row in rows] == ["agent 1001: media taken away", "agent 1001: complaint 4"]


async def test_a_status_that_another_person_sets_is_in_the_audit(server: ApiServer, api) -> None:
    await agent(server, "1001", complaint=5)
    await api.post("/api/v1/agents/1001/status", json={"status": "break", "reason": "meeting"})
    (row,) = (await api.get("/api/v1/audit?act=agents.force")).json()["items"]
    assert (row["subject"], row["reason"]) == ("agent 1001: break", "meeting")


async def test_an_agents_day_is_a_line_of_status_and_state(server: ApiServer, api) -> None:
    await agent(server, "1001", complaint=5)
    await arrived(server, 1)
    await server.tell(acd.OfferRinging(1), acd.OfferAnswered(1), acd.Joined(1, "1001"))
    await server.tell(acd.ConversationEnded(1, "1001", "caller", 1.0), acd.CallEnded(1, "caller_hung_up"))
    found = (await api.get("/api/v1/agents/1001/day")).json()
    segments = found["segments"]
    states = [each["state"] for each in segments]
    assert states[-4:] == ["reserved", "ringing", "on_call", "wrap_up"]
    assert all(one["until"] == following["since"] for one, following in pairwise(segments))
    assert (segments[-1]["until"], segments[-1]["call"]) == (None, 1)
    assert found["zone"] == "Asia/Shanghai"
    assert "there is no agent 77" in refused(await api.get("/api/v1/agents/77/day"), 404)


@pytest.mark.parametrize(
    "text",
    [
        "lacks attitude", "attitude 2 is below 3", "kept for 1001 for 12 s more", "on break: lunch", "in wrap-up",
        "avoided: the caller complains about this agent", "left out this round: did not take it before",
        "occupied: help with 1002", "in a call with 1003", "phone not reachable", "signed out", "on break", "occupied",
        "resting after an offer that was not taken", "on a call", "being offered another call",
        "transferred to 1001", "1001 is preferred: owns the matter or spoke with the caller last",
        "first call that 1001 can serve; longest idle, idle 12 s", "pulled by wang: third time", "pulled by wang",
        "nobody signed in meets complaint 1 and attitude 3", "nobody who may take it is ready",
        "step 1: nobody signed in meets complaint 3", "step 1 after 60 s: complaint 1", "waited 180 s: to callback",
        "found 50 or more calls waiting: to callback", "nobody signed in could serve it: to inquiry",
        "waited 90 s: to inquiry, where it cannot go; so to message", "1001: not free in time", "1001: signed out",
        "1001: no_answer", "1001: does not meet complaint 3", "1001: break when the call is over",
        "1001: no_answer; back to 1002", "transfer to 1001 failed: no_answer", "1001 handed the call over to 1002",
        "1001 sent the call out to 13800138000", "priority 5 by wang: a reporter", "by wang: it is a question",
        "taken up again on the way to message", "no server took the caller up again", "the hotline is being stopped",
    ],
)  # fmt: skip
def test_what_the_floor_says_is_said_in_chinese(text: str) -> None:
    words = reason(text)
    assert words.en == text.replace("_", " ") or words.en == text
    assert re.search("[\u4e00-\u9fff]", words.zh)
    assert not re.search("nobody|signed|agent|caller|idle", words.zh)


def test_every_reason_in_the_floors_code_has_its_words() -> None:
    """Texts that `why_not` and `why_not_ready` return whole; those with parts are in the list above."""
    floor = Path(acd.__file__).parent / "floor"
    for module in ("agents.py", "explain.py"):
        for text in re.findall(r'return "([^"{}]+)"', (floor / module).read_text(encoding="utf-8")):
            assert re.search("[\u4e00-\u9fff]", reason(text).zh), text


def test_a_requirement_is_said_with_levels() -> None:
    asked = asks(Requirement((Skill("complaint", 5), Skill("attitude", 3))))
    assert (asked.zh, asked.en) == ("投诉 5 级、服务态度 3 级", "complaint 5 and attitude 3")
    assert asks(Requirement()).zh == "无技能要求"
