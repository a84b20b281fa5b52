"""Bulletins with receipts, incident notices, own prompts and the knowledge base, over HTTP and on the command line."""

from __future__ import annotations

import asyncio
import io
import json
import wave
from datetime import UTC, datetime, timedelta

import msgspec

import acd.events as acd
from knowledge.board import Board
from server.hotline import own_prompts
from server.telephony.caller.audio import CallerAudio
from server.usecases.principal import Role
from tests.redis_server import redis_server
from tests.server.commands.test_callbacks_cli import served
from tests.server.commands.test_cli import home, sansheng
from tests.server.web.api_server import OWNER, ApiServer, api, refused, server

__all__ = ["api", "home", "redis_server", "sansheng", "served", "server"]


def sound(rate: int = 8000, channels: int = 1, seconds: float = 1.0) -> bytes:
    data = io.BytesIO()
    with wave.open(data, "wb") as file:
        file.setparams((channels, 2, rate, 0, "NONE", ""))
        file.writeframes(b"\0" * int(2 * channels * rate * seconds))
    return data.getvalue()


def in_hours(hours: float) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


async def staffed(server: ApiServer) -> dict[str, dict[str, str]]:
    for agent, team in (("1001", "A"), ("1002", "B")):
        await server.tell(acd.AgentDefined(agent, f"Agent {agent}", (), (team,), f"sip:{agent}@127.0.0.1:5062"))
    bearers = {}
    for agent in ("1001", "1002"):
        _, token = await server.acts.tokens.create(OWNER, name=f"agent {agent}", role=Role.AGENT, agent=agent)
        bearers[agent] = {"Authorization": f"Bearer {token}"}
    return bearers


async def test_a_bulletin_is_read_by_those_whom_it_concerns_and_receipts_are_kept(server: ApiServer, api) -> None:
    bearers = await staffed(server)
    posted = (await api.post("/api/v1/bulletins", json={"title": "新规", "text": "退款\n七天", "teams": ["A"]})).json()
    assert (posted["missing"], posted["read"], posted["stands"]) == (["1001"], [], True)
    unread = {agent: (await api.get("/api/v1/bulletins?unread=1", headers=bearers[agent])).json() for agent in bearers}
    assert [len(each["items"]) for each in unread.values()] == [1, 0]
    read = (await api.post("/api/v1/bulletins/1/read", json={}, headers=bearers["1001"])).json()
    assert ([each["agent"] for each in read["read"]], read["missing"]) == (["1001"], [])
    again = (await api.post("/api/v1/bulletins/1/read", json={}, headers=bearers["1001"])).json()
    assert again["read"] == read["read"]
    answer = await api.post("/api/v1/bulletins/1/read", json={"agent": "1001"}, headers=bearers["1002"])
    assert "nobody confirms for another" in refused(answer, 403)
    assert (await api.get("/api/v1/bulletins?unread=1", headers=bearers["1001"])).json()["items"] == []
    assert "there is no team C" in refused(
        await api.post("/api/v1/bulletins", json={"title": "x", "text": "x", "teams": ["C"]}), 422
    )
    gone = (await api.post("/api/v1/bulletins/1/withdraw", json={"reason": "wrong"})).json()
    assert (gone["stands"], len(gone["read"])) == (False, 1)
    assert "withdrawn already" in refused(await api.post("/api/v1/bulletins/1/withdraw", json={}), 409)


async def test_bulletins_posted_together_have_numbers_of_their_own(server: ApiServer, api) -> None:
    asked = [api.post("/api/v1/bulletins", json={"title": str(each), "text": "x"}) for each in range(5)]
    assert sorted(answer.json()["id"] for answer in await asyncio.gather(*asked)) == [1, 2, 3, 4, 5]


async def test_a_notice_is_heard_while_it_is_in_force_by_the_callers_it_is_for(server: ApiServer, api) -> None:
    board, now = server.view.board, datetime.now(UTC).timestamp()
    posted = (await api.post("/api/v1/notices", json={"text": "系统故障"})).json()
    assert (posted["prompt"], posted["in_force"], posted["until"]) == ("notice-incident", True, None)
    later = {"text": "storm", "queues": ["orders"], "since": in_hours(1), "until": in_hours(2)}
    assert (await api.post("/api/v1/notices", json=later)).json()["in_force"] is False
    heard = {queue: [each.notice for each in board.said(queue, now + 1)] for queue in ("", "orders")}
    assert heard == {"": [1], "orders": []}
    assert [each.notice for each in board.said("orders", now + 5400)] == [2]
    assert board.said("orders", now + 7300) == []
    assert (await api.post("/api/v1/notices/1/end", json={"reason": "repaired"})).json()["in_force"] is False
    assert board.said("", now + 1) == []
    wrong = {"text": "x", "since": in_hours(2), "until": in_hours(1)}
    assert "ends before it begins" in refused(await api.post("/api/v1/notices", json=wrong), 422)
    answer = await api.post("/api/v1/notices", json={"text": "x", "prompt": "nothing"})
    assert 'there is no prompt "nothing"' in refused(answer, 422)
    answer = await api.post("/api/v1/notices", json={"text": "x", "queues": ["nowhere"]})
    assert "there is no queue nowhere" in refused(answer, 422)


async def test_an_own_prompt_is_uploaded_checked_and_heard_in_the_language_that_has_one(server: ApiServer, api) -> None:
    kept = await api.put("/api/v1/prompts/own-storm?language=en", content=sound())
    assert kept.json() == {"id": "own-storm", "language": "en", "seconds": 1.0}
    assert (await api.get("/api/v1/prompts")).json()["items"] == [{"id": "own-storm", "languages": ["en"]}]
    assert (await api.post("/api/v1/notices", json={"text": "x", "prompt": "own-storm"})).status_code == 201
    folder = own_prompts.folder(server.home)
    audio = CallerAudio(None, own_prompts.PROMPTS, "zh", own=folder)  # type: ignore[arg-type]
    assert audio.path("own-storm") == str(folder / "en" / "own-storm")
    assert audio.path("welcome") == str(own_prompts.PROMPTS / "zh" / "welcome")
    for prompt, data, sentence in (
        ("own-storm", b"RIFF", "no WAV file"),
        ("own-storm", sound(channels=2), "mono WAV of 16 bits"),
        ("own-storm", sound(44100, seconds=0.1), "8 or 16 kHz"),
        ("own-storm", sound(seconds=0), "it must last"),
        ("welcome", sound(), "cannot be a prompt of your own"),
        ("own-..%2F..%2Fx", sound(), "cannot be a prompt of your own"),
    ):
        answer = await api.put(f"/api/v1/prompts/{prompt}", content=data)
        assert answer.status_code in (404, 422)
        if answer.status_code == 422:
            assert sentence in refused(answer, 422)
    assert [each.name for each in folder.rglob("*.wav")] == ["own-storm.wav"]


async def test_the_board_is_restored_from_a_snapshot(server: ApiServer, api) -> None:
    await staffed(server)
    await api.post("/api/v1/bulletins", json={"title": "x", "text": "y", "teams": ["A"]})
    await api.post("/api/v1/bulletins/1/read", json={"agent": "1001"})
    await api.post("/api/v1/notices", json={"text": "x", "queues": ["orders"]})
    await api.post("/api/v1/knowledge", json={"kind": "case", "title": "x", "text": "y"})
    data = msgspec.json.encode(server.view.board.snapshot())
    again = Board.restore(json.loads(data))
    assert msgspec.json.encode(again.snapshot()) == data
    assert again.version(1) == 1
    assert Board.restore(None).bulletins() == []


async def test_an_article_is_added_found_changed_and_removed(server: ApiServer, api) -> None:
    body = {"kind": "article", "title": "退款流程", "text": "核对订单号。", "queue": "orders"}
    made = (await api.post("/api/v1/knowledge", json=body)).json()
    assert (made["id"], made["version"], made["text"]) == (1, 1, "核对订单号。")
    (row,) = (await api.get("/api/v1/knowledge", params={"q": "订单", "queue": "orders"})).json()["items"]
    assert (row["title"], row["excerpt"]) == ("退款流程", "核对订单号。")
    assert (await api.get("/api/v1/knowledge", params={"q": "订单", "queue": "complaint"})).json()["items"] == []
    changed = await api.put("/api/v1/knowledge/1", json={**body, "text": "先道歉。", "version": 1, "reason": "rule"})
    assert changed.json()["version"] == 2
    stale = await api.put("/api/v1/knowledge/1", json={**body, "version": 1})
    assert "is at version 2, yours began at 1" in refused(stale, 409)
    assert (await api.get("/api/v1/knowledge/1?version=1")).json()["text"] == "核对订单号。"
    assert "has no version 7" in refused(await api.get("/api/v1/knowledge/1?version=7"), 404)
    script = {"kind": "script", "title": "开场白", "text": "您好", "callback": True}
    assert (await api.post("/api/v1/knowledge", json=script)).status_code == 201
    rows = (await api.get("/api/v1/knowledge?kind=script&queue=orders&callback=1")).json()["items"]
    assert [each["title"] for each in rows] == ["开场白"]
    wrong = await api.post("/api/v1/knowledge", json={**script, "kind": "case"})
    assert "only scripts" in refused(wrong, 422)
    assert "there is no queue x" in refused(await api.post("/api/v1/knowledge", json={**body, "queue": "x"}), 422)
    assert (await api.delete("/api/v1/knowledge/1?reason=old")).json() == {"id": 1}
    assert "there is no article 1" in refused(await api.get("/api/v1/knowledge/1"), 404)
    assert (await api.get("/api/v1/knowledge?q=道歉")).json()["items"] == []


async def test_the_commands_do_the_same(server: ApiServer, served, tmp_path) -> None:
    await staffed(server)
    done = await served("bulletin", "add", "新规", "--text", "退款七天")
    assert "2 agents have to read it" in done.out
    assert "1 are missing" in (await served("bulletin", "read", "1", "--agent", "1001")).out
    (row,) = (await served("bulletin", "list", "--json")).json
    assert (row["readers"], row["missing"]) == (["1001"], ["1002"])
    assert (await served("bulletin", "withdraw", "1")).code == 0
    file = tmp_path / "storm.wav"
    file.write_bytes(sound())
    assert "is kept: 1.0 s" in (await served("notice", "prompt", "own-storm", str(file))).out
    done = await served("notice", "add", "storm", "--prompt", "own-storm", "--queue", "orders", "--until", "23:59")
    assert "callers hear own-storm now" in done.out
    assert [row["id"] for row in (await served("notice", "list", "--in-force", "--json")).json] == [1]
    assert (await served("notice", "end", "1")).code == 0
    assert (await served("knowledge", "add", "退款流程", "--text", "核对订单号。")).code == 0
    (row,) = (await served("knowledge", "search", "退款", "--json")).json
    assert row["id"] == 1
    assert "version 2" in (await served("knowledge", "change", "1", "--text", "先道歉。")).out
    assert "先道歉。" in (await served("knowledge", "show", "1")).out
    assert (await served("knowledge", "list", "--json")).json[0]["version"] == 2
    assert (await served("knowledge", "remove", "1", "--reason", "old")).code == 0
    assert (await served("knowledge", "list")).out.strip() == "none"
