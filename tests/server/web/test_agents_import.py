"""Many agents at once, of a table: all of them or none, in one step."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.usecases.agent_tables import read_agents
from server.usecases.errors import Invalid
from tests.redis_server import redis_server
from tests.server.commands.test_callbacks_cli import served
from tests.server.commands.test_cli import home, sansheng
from tests.server.web.api_server import api, refused, server

__all__ = ["api", "home", "redis_server", "sansheng", "served", "server"]

PATH = "/api/v1/agents/import"


async def test_a_table_adds_and_changes_agents_in_one_step(server, api) -> None:
    await api.put("/api/v1/agents/1001", json={"name": "Li", "skills": {"orders": 2}})
    table = (
        "工号,姓名,技能,班组,contact\n1001,李,complaint:5;attitude:3,A,\n1002,王,orders:4,A;B,sip:1002@127.0.0.1:5062\n"
    )
    for data in (table.encode(), table.encode("gb18030")):
        answer = await api.post(f"{PATH}?source=shift.csv", content=data)
        assert answer.status_code == 200, answer.text
    assert answer.json() == {"agents": ["1001", "1002"], "added": 0, "changed": 2}
    first, second = (await api.get("/api/v1/agents")).json()["items"]
    assert (first["name"], first["skills"], first["teams"]) == ("李", {"attitude": 3, "complaint": 5}, ["A"])
    assert (second["name"], second["teams"], second["contact"]) == ("王", ["A", "B"], "sip:1002@127.0.0.1:5062")
    assert set(server.phones.known) == {"1001", "1002"}
    entries = (await api.get("/api/v1/audit?act=agents.define")).json()["items"]
    assert entries[0]["subject"] == "2 agents from 1001 to 1002, table shift.csv"
    assert len(entries) == 3


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ("agent,name,skills\n1001,Li,complaint:5\n1002,Wang,flying:3\n", "line 3: there is no skill flying"),
        ("agent,name\n1001,Li\n13800138000,Wang\n", "line 3: 13800138000 is no work number"),
        ("agent,name\n1001,Li\n1001,Wang\n", "line 3: agent 1001 stands in line 2 too"),
        ("agent,name,skills\n1001,Li,complaint\n", "line 2: skill complaint: write NAME:LEVEL"),
        ("agent,name,contact,secret\n1001,Li,sip:x@y,z\n", "line 2: a phone either stands at a contact"),
        ("agent\n1001\n", "line 1: name the columns agent and name"),
        ("agent,name,wage\n1001,Li,1\n", 'line 1: there is no column "wage"'),
        ("agent,name\n", "from 1 to 5000 agents"),
        ("", "name the columns agent and name"),
    ],
)
async def test_a_table_with_a_fault_adds_nobody_and_says_where(server, api, table: str, sentence: str) -> None:
    assert sentence in refused(await api.post(PATH, content=table.encode()), 422)
    assert (await api.get("/api/v1/agents")).json()["items"] == []
    assert server.phones.known == {}


def test_of_many_faults_the_first_are_named() -> None:
    with pytest.raises(Invalid, match=r"line 2: .*; line 6: .*; and 4 more lines: nobody was added"):
        read_agents(("agent,name\n" + "?,x\n" * 9).encode())


async def test_the_command_line_adds_a_table(served, tmp_path: Path) -> None:
    file = tmp_path / "agents.csv"
    file.write_text("agent,name\n" + "".join(f"{number},Agent {number}\n" for number in range(1001, 1011)))
    done = await served("agent", "add", "--from", str(file))
    assert (done.code, "10 agents added, 0 changed" in done.out) == (0, True), done.err
    assert len((await served("agent", "list", "--json")).json) == 10
    assert "nothing besides" in (await served("agent", "add", "1001", "--from", str(file))).err
    assert "name the agent" in (await served("agent", "add")).err
    assert "cannot be read" in (await served("agent", "add", "--from", str(tmp_path / "none.csv"))).err
