"""`sansheng token` and `audit`, and what a command may do that asks with a token of a role."""

from __future__ import annotations

import pytest

from server.usecases.permissions import RULES, Act, Reach
from server.usecases.principal import Role
from tests.redis_server import redis_server
from tests.server.commands.test_callbacks_cli import served
from tests.server.commands.test_cli import home, sansheng
from tests.server.web.api_server import OWNER, api, server

__all__ = ["api", "home", "redis_server", "sansheng", "served", "server"]

COMMANDS: dict[Act, tuple[str, ...]] = {
    Act.DEFINE_AGENT: ("agent", "add", "2000", "--name", "Zhao"),
    Act.REMOVE_AGENT: ("agent", "remove", "3000"),
    Act.SET_STATUS: ("agent", "status", "3000", "available"),
    Act.READ_FLOOR: ("queue", "list"),
    Act.MOVE_CALL: ("call", "move", "4", "media"),
    Act.PULL_CALL: ("call", "pull", "4", "3000"),
    Act.PRIORITISE_CALL: ("call", "priority", "4", "5"),
    Act.MONITOR: ("call", "listen", "4", "--phone", "3000", "--reason", "training"),
    Act.READ_CALLBACKS: ("callback", "list"),
    Act.ASK_CALLBACK: ("callback", "add", "--number", "13800138001", "--category", "attitude"),
    Act.CHANGE_CALLBACK: ("callback", "cancel", "99", "--reason", "no more"),
    Act.SETTLE_CALLBACK: ("callback", "settle", "99", "--reason", "done"),
    Act.SET_MODE: ("callback", "mode", "off"),
    Act.PLAN_QA: ("qa", "plan", "list"),
    Act.READ_SAMPLES: ("qa", "job", "list"),
    Act.DRAW_QA: ("qa", "draw", "none", "--period", "2027-W02"),
    Act.RESULTS_QA: ("qa", "results", "list"),
    Act.TRAIN_QA: ("qa", "training", "move", "99", "give"),
    Act.MANAGE_TOKENS: ("token", "list"),
    Act.READ_AUDIT: ("audit", "list"),
}
"""The commands that ask the server. Lists of the records are read from the files, which are their owner's."""


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.SERVICE])
async def test_a_command_does_for_a_tokens_role_what_the_table_says(server, served, monkeypatch, role: Role) -> None:
    await served("agent", "add", "1001", "--name", "Li")
    _, token = await server.acts.tokens.create(OWNER, name="holder", role=role, agent="1001")
    monkeypatch.setenv("SANSHENG_API_TOKEN", token)
    for act, typed in COMMANDS.items():
        done = await served(*typed)
        others = act in (Act.SET_STATUS, Act.PULL_CALL)
        may = RULES[act].reach[role] in ((Reach.ALL,) if others else (Reach.OWN, Reach.TEAM, Reach.ALL))
        assert ("may not do" not in done.err and "alone: this one" not in done.err) == may, (act, done.err)
        assert done.code in (0, 1)


async def test_a_token_is_created_listed_used_and_revoked(served, monkeypatch) -> None:
    done = await served("token", "create", "--role", "supervisor", "--name", "wang", "--expires", "90d")
    assert done.code == 0
    token = done.out.strip()
    assert token.startswith("sansheng_")
    assert "token 1 wang: supervisor" in done.err
    (row,) = (await served("token", "list", "--json")).json
    assert (row["id"], row["name"], row["role"], row["holds"]) == (1, "wang", "supervisor", True)
    assert row["expires_at"] > row["created_at"]
    monkeypatch.setenv("SANSHENG_API_TOKEN", token)
    assert (await served("callback", "mode", "on", "--reason", "storm")).code == 0
    assert (await served("callback", "mode", "--json")).json[0]["who"] == "wang"
    monkeypatch.delenv("SANSHENG_API_TOKEN")
    assert (await served("token", "revoke", "wang", "--reason", "left")).out == "token 1 wang is revoked\n"
    monkeypatch.setenv("SANSHENG_API_TOKEN", token)
    assert "does not know this SANSHENG_API_TOKEN" in (await served("callback", "mode")).err
    monkeypatch.delenv("SANSHENG_API_TOKEN")
    entries = (await served("audit", "list", "--json")).json
    assert [entry["act"] for entry in entries] == ["tokens.manage", "callbacks.mode", "tokens.manage"]


async def test_what_cannot_be_a_token_is_refused_in_a_sentence(served) -> None:
    done = await served("token", "create", "--role", "agent", "--name", "li")
    assert (done.code, done.err) == (
        1,
        "sansheng: a token of role agent is for one agent: give the work number with --agent\n",
    )
    done = await served("token", "create", "--role", "qa", "--name", "li", "--expires", "soon")
    assert "--expires soon: write a day or an instant" in done.err
    assert "there is no token nobody" in (await served("token", "revoke", "nobody")).err
