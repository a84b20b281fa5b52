"""Definitions as versions over HTTP: read, tried, published, undone; two editors; files edited by hand; two servers."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from server.hotline import definitions
from server.hotline.definition_files import DefinitionFiles
from server.hotline.dispatcher import NotLeading
from server.hotline.examination import Found
from server.usecases.definition_versions import VersionActs
from server.usecases.principal import Role
from tests.redis_server import redis_server
from tests.server.web.api_server import OWNER, ApiServer, api, refused, server

__all__ = ["api", "redis_server", "server"]

RING = {"part": "hotline", "key": ["queues", "complaint", "ring_for"], "value": 25}


async def _publish(api, version: int, *changes: dict, reason: str = "", within: int = 200) -> dict:
    answer = await api.post(
        "/api/v1/definitions/publish",
        json={"changes": list(changes), "reason": reason},
        headers={"If-Match": f'"v{version}"'},
    )
    assert answer.status_code == within, answer.text
    return answer.json()


async def test_a_part_is_read_with_the_version_as_its_etag(server: ApiServer, api) -> None:
    answer = await api.get("/api/v1/definitions")
    assert (answer.headers["etag"], answer.json()["version"]) == ('"v0"', 0)
    parts = {each["part"]: each for each in answer.json()["parts"]}
    assert {"hotline", "flow.hotline", "flow.complaint"} <= set(parts)
    assert (parts["hotline"]["file"], parts["hotline"]["source"]) == ("hotline.toml", "product")
    one = (await api.get("/api/v1/definitions/parts/hotline")).json()
    assert one["text"] == definitions.DEFAULTS.read_text(encoding="utf-8")
    assert "there is no part" in refused(await api.get("/api/v1/definitions/parts/flow.nowhere"), 404)


async def test_one_key_is_published_with_every_comment_kept_and_holds_at_once(server: ApiServer, api) -> None:
    done = await _publish(api, 0, RING, reason="phones ring longer")
    assert (done["version"], done["reason"], done["parts"]) == (1, "phones ring longer", ["hotline"])
    assert done["by"]
    text = (server.home / "hotline.toml").read_text(encoding="utf-8")
    assert text == definitions.DEFAULTS.read_text(encoding="utf-8").replace("ring_for = 20", "ring_for = 25", 1)
    assert next(each for each in server.definitions.policy.queues if each.name == "complaint").ring_for == 25
    await server.tell()
    (row,) = (await api.get("/api/v1/audit?act=definitions.publish")).json()["items"]
    assert (row["subject"], row["reason"]) == ("definitions, version 1: hotline.toml", "phones ring longer")


async def test_a_check_finds_what_the_command_finds_and_changes_nothing(server: ApiServer, api) -> None:
    wrong = RING | {"value": "long"}
    body = {"changes": [wrong, {"part": "flow.complaint", "text": "start = 'x'\n"}]}
    found = (await api.post("/api/v1/definitions/check", json=body)).json()
    assert not found["usable"]
    told = {(each["file"], each["key"]) for each in found["findings"] if each["severity"] == "error"}
    assert ("hotline.toml", "queues.complaint.ring_for") in told
    assert {"hotline.toml", "flows/complaint.toml"} == {file for file, _ in told}
    line = next(each["line"] for each in found["findings"] if each["key"] == "queues.complaint.ring_for")
    assert "ring_for" in definitions.DEFAULTS.read_text(encoding="utf-8").splitlines()[line - 1]
    (change,) = (each for each in found["changes"] if each["part"] == "hotline")
    assert change["keys"] == [
        {
            "key": "queues.complaint.ring_for",
            "kind": "changed",
            "before": "20",
            "after": '"long"',
            "sentence": 'queues.complaint.ring_for changes from 20 to "long"',
        }
    ]
    assert '-ring_for = 20\n+ring_for = "long"' in change["unified"]
    assert not (server.home / "hotline.toml").exists()
    told = await _publish(api, 0, wrong, within=422)
    assert told["reason"] == "definitions"
    assert told["detail"].startswith("hotline.toml:")
    assert server.view.published.version == 0


async def test_an_editor_who_comes_second_is_told_who_published_what(server: ApiServer, api) -> None:
    await _publish(api, 0, RING, reason="the first")
    lists = {"part": "hotline", "key": ["lists", "vip"], "value": ["13800138000"]}
    told = await _publish(api, 0, lists, within=412)
    assert "version 1 by " in told["detail"]
    assert "changed hotline.toml (the first)" in told["detail"]
    assert (await _publish(api, 1, lists))["version"] == 2
    assert server.definitions.is_vip("+8613800138000")
    answer = await api.post("/api/v1/definitions/publish", json={"changes": [lists]})
    assert "If-Match" in refused(answer, 422)


async def test_a_former_version_is_published_again(server: ApiServer, api) -> None:
    await _publish(api, 0, RING)
    await _publish(
        api, 1, RING | {"value": 30}, {"part": "flow.mine", "text": 'start = "x"\n[nodes.x]\nkind = "hangup"\n'}
    )
    done = (await api.post("/api/v1/definitions/undo", json={"reason": "too long"})).json()
    assert (done["version"], done["how"], done["restores"]) == (3, "undone", 1)
    assert "ring_for = 25" in (server.home / "hotline.toml").read_text(encoding="utf-8")
    assert not (server.home / "flows" / "mine.toml").exists()
    done = (await api.post("/api/v1/definitions/undo", json={"to": 0})).json()
    assert (done["version"], done["restores"]) == (4, None)
    assert not (server.home / "hotline.toml").exists()
    await server.tell()
    listed = (await api.get("/api/v1/definitions/versions")).json()["items"]
    assert [each["version"] for each in listed] == [4, 3, 2, 1]
    shown = (await api.get("/api/v1/definitions/versions/2")).json()
    assert [each["part"] for each in shown["changes"]] == ["flow.mine", "hotline"]
    assert shown["changes"][1]["keys"][0]["sentence"] == "queues.complaint.ring_for changes from 25 to 30"
    assert "name a version before it" in refused(await api.post("/api/v1/definitions/undo", json={"to": 9}), 422)


async def test_what_the_leader_cannot_take_over_is_put_back_and_says_why(server: ApiServer, api, monkeypatch) -> None:
    await _publish(api, 0, RING)
    whole, refusing = server.reload, [True]

    async def reload() -> str:
        if refusing.pop() if refusing else False:
            raise ValueError("trunk telecom: Asterisk has no room for it")
        return await whole()

    monkeypatch.setattr(server, "reload", reload)
    told = await _publish(api, 1, RING | {"value": 40}, within=409)
    assert "version 2 could not be taken over, and version 1 holds again: trunk telecom" in told["detail"]
    assert "ring_for = 25" in (server.home / "hotline.toml").read_text(encoding="utf-8")
    assert (await api.get("/api/v1/definitions")).headers["etag"] == '"v1"'
    assert (await _publish(api, 1, RING | {"value": 40}))["version"] == 3
    await server.tell()
    rows = (await api.get("/api/v1/definitions/versions")).json()["items"]
    assert [(each["version"], bool(each["refused"])) for each in rows] == [(3, False), (2, True), (1, False)]
    assert (await api.post("/api/v1/definitions/undo", json={})).json()["restores"] == 1


async def test_a_file_edited_by_hand_is_a_version_and_is_told_to_an_editor(server: ApiServer, api) -> None:
    await _publish(api, 0, RING)
    file = server.home / "hotline.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("ring_for = 25", "ring_for = 28"), encoding="utf-8")
    told = await _publish(api, 1, RING | {"value": 40}, within=412)
    assert "version 2 by a hand on one" in told["detail"]
    assert server.view.published.heads()[0].how == "by hand"
    assert "ring_for = 28" in (await api.get("/api/v1/definitions/parts/hotline")).json()["text"]
    assert (await _publish(api, 2, RING | {"value": 40}))["version"] == 3


async def test_a_file_that_is_broken_by_hand_is_no_version(server: ApiServer, api) -> None:
    (server.home / "hotline.toml").write_text("queues = [", encoding="utf-8")
    assert "hotline.toml" in refused(await api.post("/api/v1/definitions/reload"), 422)
    assert server.view.published.last == 0
    assert (await _publish(api, 0, RING))["version"] == 1


async def test_holidays_that_are_imported_are_a_version_too(server: ApiServer, api) -> None:
    body = {"days": ["2027-01-01"], "source": "announced"}
    assert (await api.put("/api/v1/holidays/2027", json=body)).status_code == 200
    assert server.view.published.heads()[0].parts == ("holidays",)
    await server.tell()
    (row,) = (await api.get("/api/v1/audit?act=definitions.holidays")).json()["items"]
    assert row["subject"] == "public holidays of 2027"


class Other:
    """A second server of the same hotline, which stands by: a home of its own, the same log."""

    def __init__(self, server: ApiServer, home: Path) -> None:
        self.view, self.home, self.node = server.view, home, "two"
        self.definitions = definitions.load(home)
        self.reloaded = asyncio.Event()

    @property
    def dispatcher(self):
        raise NotLeading("one leads")

    def examine(self, home: Path) -> list[Found]:
        return []

    async def reload(self) -> str:
        self.definitions = definitions.load(self.home)
        self.reloaded.set()
        return self.definitions.source


async def test_a_server_that_stands_by_takes_over_what_is_published(server: ApiServer, api, tmp_path: Path) -> None:
    home = tmp_path / "other"
    (home / "flows").mkdir(parents=True)
    other = Other(server, home)
    acts = VersionActs(other)  # type: ignore[arg-type]
    await _publish(api, 0, RING)
    following = asyncio.create_task(acts.keep_following())
    await asyncio.wait_for(other.reloaded.wait(), 10)
    following.cancel()
    assert DefinitionFiles(home).texts() == DefinitionFiles(server.home).texts()
    # A file that only a hand changed stays; one that was published meanwhile too gives way, and is kept aside.
    own = home / "flows" / "mine.toml"
    own.write_text('start = "x"\n[nodes.x]\nkind = "hangup"\n', encoding="utf-8")
    (home / "hotline.toml").write_text(
        (home / "hotline.toml").read_text(encoding="utf-8").replace("ring_for = 25", "ring_for = 21"), encoding="utf-8"
    )
    await _publish(api, 1, RING | {"value": 30})
    await acts.follow()
    assert own.exists()
    assert "ring_for = 30" in (home / "hotline.toml").read_text(encoding="utf-8")
    (copy,) = (home / "definitions" / "set-aside").iterdir()
    assert "ring_for = 21" in copy.read_text(encoding="utf-8")


async def test_a_log_that_was_lost_takes_no_file_away(server: ApiServer, tmp_path: Path) -> None:
    files = DefinitionFiles(server.home)
    await asyncio.to_thread(files.write, {"hotline": definitions.DEFAULTS.read_text(encoding="utf-8")})
    await asyncio.to_thread(files.take, 7)
    await server.acts.versions.follow()
    assert (server.home / "hotline.toml").exists()


@pytest.mark.parametrize(
    "change",
    [
        {"part": "hotline"},
        {"part": "hotline", "key": ["x"]},
        {"part": "hotline", "text": "", "key": ["x"], "value": 1},
        {"part": "../secrets", "text": ""},
        {"part": "hotline", "key": ["queues", "complaint"], "value": None},
        {"part": "hotline", "key": ["skills", "deeper", "still"], "value": 1},
        {"part": "hotline", "key": ["nothing"], "remove": True},
    ],
)
async def test_a_change_that_means_nothing_is_refused(server: ApiServer, api, change: dict) -> None:
    answer = await api.post("/api/v1/definitions/check", json={"changes": [change]})
    assert answer.status_code == 422, answer.text


async def test_a_supervisor_reads_and_does_not_publish(server: ApiServer, api) -> None:
    _, token = await server.acts.tokens.create(OWNER, name="wang", role=Role.SUPERVISOR)
    bearer = {"Authorization": f"Bearer {token}"}
    assert (await api.get("/api/v1/definitions", headers=bearer)).status_code == 200
    answer = await api.post(
        "/api/v1/definitions/publish", json={"changes": [RING]}, headers=bearer | {"If-Match": '"v0"'}
    )
    refused(answer, 403)
