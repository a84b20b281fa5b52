"""Flows and settings over HTTP: a picture, a call that is only played, and every value with its key and range."""

from __future__ import annotations

from tests.redis_server import redis_server
from tests.server.web.api_server import ApiServer, api, refused, server

__all__ = ["api", "redis_server", "server"]


async def test_a_flow_is_a_picture_with_the_keys_and_the_texts_that_are_said(server: ApiServer, api) -> None:
    rows = {each["name"]: each for each in (await api.get("/api/v1/flows")).json()["items"]}
    assert rows["hotline"]["begins"]
    assert "complaint" in rows["hotline"]["uses"]
    graph = (await api.get("/api/v1/flows/complaint")).json()
    menu = next(each for each in graph["nodes"] if each["kind"] == "menu")
    assert any(
        said["prompt"] == "menu-complaint" and "投诉" not in said["en"]
        for at in menu["prompts"]
        for said in at["prompts"]
    )
    keys = {each["label"]: each for each in graph["edges"] if each["source"] == menu["name"] and each["kind"] == "key"}
    assert {"1", "2", "3", "4", "5"} <= set(keys)
    assert keys["4"]["key"] == ["options", "4"]
    names = {each["name"] for each in graph["nodes"]}
    assert all(each["target"] in names or each["target"].startswith("@") for each in graph["edges"])
    assert "there is no flow" in refused(await api.get("/api/v1/flows/nowhere"), 404)


async def test_a_call_is_played_step_by_step_and_nothing_is_kept(server: ApiServer, api) -> None:
    heard: list[str] = []
    state, given = "", {"kind": "started"}
    for keys in ("1", "4", None):
        body = {"state": state, "given": given, "at": "2027-01-15T03:00:00Z"}
        step = (await api.post("/api/v1/flows/hotline/try", json=body)).json()
        state = step["state"]
        heard += [said["prompt"] for verb in step["verbs"] for said in verb["prompts"]]
        given = {"kind": "digits", "digits": keys} if keys else {}
    assert "menu-main" in heard
    assert "menu-complaint" in heard
    last = step["verbs"][-1]
    assert (last["kind"], last["queue"], last["category"], last["waits"]) == ("Enqueue", "complaint", "attitude", True)
    body = {"state": state, "given": {"kind": "served"}}
    step = (await api.post("/api/v1/flows/hotline/try", json=body)).json()
    assert step["flow"] == "survey"
    assert "begin again" in refused(await api.post("/api/v1/flows/hotline/try", json={"state": "{}"}), 422)


async def test_a_change_is_tried_before_it_is_published(server: ApiServer, api) -> None:
    flow = 'start = "bye"\n[nodes.bye]\nkind = "hangup"\nprompts = ["goodbye"]\n'
    body = {"changes": [{"part": "flow.hotline", "text": flow}]}
    step = (await api.post("/api/v1/flows/hotline/try", json=body)).json()
    assert step["over"] == "done"
    assert step["verbs"][-2]["prompts"][0]["zh"]
    graph = (await api.post("/api/v1/flows/hotline/graph", json=body)).json()
    assert [each["name"] for each in graph["nodes"]] == ["bye"]


async def test_every_value_has_its_key_kind_range_default_and_help(server: ApiServer, api) -> None:
    found = (await api.get("/api/v1/definitions/settings")).json()
    assert found["categories"] == ["process", "system", "competence", "attitude", "usage"]
    values = {each["key"]: each for section in found["sections"] for each in section["settings"]}
    ring = values["queues.complaint.ring_for"]
    assert (ring["path"], ring["value"], ring["kind"]) == (["queues", "complaint", "ring_for"], 20, "number")
    assert (ring["least"], ring["most"], ring["is_set"]) == (1, 300, True)
    assert (ring["label"], ring["help"].split()[0]) == ("响铃", "How")
    assert values["queues.orders.ring_for"]["help"] == ring["help"]
    strategy = values["queues.media.strategy"]
    assert {"best_fit", "longest_idle"} <= set(strategy["choices"])
    assert not values["queues.orders.owner_first"]["is_set"]
    assert values["recordings.keep.complaint"]["value"] == 1095
    assert values["callback.window"]["value"] == "09:00-20:00"
    assert "trunks" in {each["name"] for each in found["sections"]}
    body = {"changes": [{"part": "hotline", "key": ["queues", "complaint", "ring_for"], "value": 33}]}
    tried = (await api.post("/api/v1/definitions/settings", json=body)).json()
    values = {each["key"]: each for section in tried["sections"] for each in section["settings"]}
    assert values["queues.complaint.ring_for"]["value"] == 33
