"""ETag and If-Match: a change is done only if its resource is what the client has seen."""

from __future__ import annotations

import asyncio

import pytest

import tickets.events as tickets
from server.eventlog.log import Log
from server.hotline.dispatcher import Dispatcher
from server.hotline.state import HotlineState
from server.web.preconditions import CHANGES, Preconditions
from tests.redis_server import redis_server
from tests.server.web.api_server import api, refused, server

__all__ = ["api", "redis_server", "server"]

LI = {"name": "Li", "skills": {"complaint": 5}, "contact": "sip:1001@127.0.0.1:5062"}
AGENT = "/api/v1/agents/1001"


async def test_a_change_of_what_has_changed_since_is_refused_and_nothing_is_done(server, api) -> None:
    await api.put(AGENT, json=LI)
    seen = (await api.get(AGENT)).headers["etag"]
    assert (await api.put(AGENT, json={**LI, "name": "Wang"}, headers={"If-Match": seen})).status_code == 200
    answer = await api.put(AGENT, json={**LI, "name": "Zhao"}, headers={"If-Match": seen})
    assert "has changed since" in refused(answer, 412)
    assert answer.json()["type"] == "/problems/changed"
    now = await api.get(AGENT)
    assert now.json()["name"] == "Wang"
    assert answer.headers["etag"] == now.headers["etag"] != seen
    assert (await api.put(AGENT, json=LI, headers={"If-Match": f'"other", {now.headers["etag"]}'})).status_code == 200


async def test_of_two_changes_of_what_both_have_seen_one_is_done(server, api) -> None:
    await api.put(AGENT, json=LI)
    seen = {"If-Match": (await api.get(AGENT)).headers["etag"]}
    both = await asyncio.gather(*(api.put(AGENT, json={**LI, "name": name}, headers=seen) for name in ("A", "B")))
    assert sorted(each.status_code for each in both) == [200, 412]


async def test_a_condition_on_a_path_below_holds_for_its_resource(server, api) -> None:
    await api.put(AGENT, json=LI)
    seen = (await api.get(AGENT)).headers["etag"]
    body = {"status": "available"}
    assert refused(await api.post(f"{AGENT}/status", json=body, headers={"If-Match": '"other"'}), 412)
    assert (await api.post(f"{AGENT}/status", json=body, headers={"If-Match": seen})).status_code == 200
    assert refused(await api.post(f"{AGENT}/status", json=body, headers={"If-Match": seen}), 412)
    assert (await api.post(f"{AGENT}/status", json=body, headers={"If-Match": "*"})).status_code == 200


async def a_ticket(server, api) -> dict[str, str]:
    await server.call(1)
    await server.queue(1, "13800138000")
    return {"If-Match": (await api.get("/api/v1/tickets/1")).headers["etag"]}


async def test_an_act_that_came_between_the_condition_and_the_change_refuses_the_change(server, api) -> None:
    seen = await a_ticket(server, api)
    acts, checked = server.acts.tickets, asyncio.Event()
    as_ever = type(acts)._open_case

    async def slowly(who, act, number):
        case = await as_ever(acts, who, act, number)
        if who.name != "in between" and not checked.is_set():
            checked.set()
            # Not by the acts: what the clock and other calls do is not asked one after the other.
            await server.tell(tickets.GradeRaised(1, "critical", "regulator"))
        return case

    acts._open_case = slowly
    answer = await api.post("/api/v1/tickets/1/notes", json={"text": "late"}, headers=seen)
    assert "ticket 1 has changed since" in refused(answer, 412)
    assert [each["kind"] for each in (await api.get("/api/v1/tickets/1")).json()["history"]] == ["opened", "grade"]
    now = {"If-Match": (await api.get("/api/v1/tickets/1")).headers["etag"]}
    assert (await api.post("/api/v1/tickets/1/notes", json={"text": "now"}, headers=now)).status_code == 200


async def test_a_change_that_was_checked_under_a_lead_before_is_not_written_by_a_later_one(server, api) -> None:
    seen = await a_ticket(server, api)
    acts, before = server.acts.tickets, server.dispatcher
    as_ever = type(acts)._open_case

    class Later:
        """The dispatcher of a later lead of the same server; between the two another server has led."""

        def __getattr__(self, name):
            return getattr(before, name)

    async def slowly(who, act, number):
        case = await as_ever(acts, who, act, number)
        server.dispatcher = Later()
        return case

    acts._open_case = slowly
    try:
        answer = await api.post("/api/v1/tickets/1/notes", json={"text": "late"}, headers=seen)
    finally:
        server.dispatcher = before
        del acts._open_case
    assert "another server has led since the condition was checked" in refused(answer, 503)
    assert [each["kind"] for each in (await api.get("/api/v1/tickets/1")).json()["history"]] == ["opened"]
    assert (await api.post("/api/v1/tickets/1/notes", json={"text": "again"}, headers=seen)).status_code == 200


@pytest.mark.parametrize("first_to_write", ["the one that led", "the one that leads"])
async def test_of_two_servers_that_saw_the_same_version_only_the_one_that_leads_writes(
    server, api, first_to_write
) -> None:
    seen = await a_ticket(server, api)
    for name in ("lease", "fence", "nonce"):
        assert await server.redis.exists(f"sansheng:{name}")
    await server.redis.delete("sansheng:lease")  # as when it sleeps for longer than that
    log = Log(server.redis)
    lease = await log.acquire("two", 10)
    leading = Dispatcher(log, lease, HotlineState.restore(server.dispatcher.state.snapshot()), lease_ttl=10)
    await leading.start()
    led = server.dispatcher

    async def note(dispatcher: Dispatcher) -> int:
        server.dispatcher = dispatcher
        answer = await api.post("/api/v1/tickets/1/notes", json={"text": "I saw version 1"}, headers=seen)
        return answer.status_code

    try:
        order = [led, leading] if first_to_write == "the one that led" else [leading, led]
        answers = {each: await note(each) for each in order}
        assert answers[leading] == 200
        assert answers[led] in (503, 412), "it leads no more, or has read what the one that leads wrote"
        server.dispatcher = leading
        await server.records.caught_up()
        entries = [entry.event for entry in await log.read("0-0") if isinstance(entry.event, tickets.NoteAdded)]
        assert len(entries) == 1
    finally:
        server.dispatcher = led
        await leading.stop()


async def test_what_is_not_there_matches_nothing_and_what_is_there_is_not_made_anew(server, api) -> None:
    assert "there is no" in refused(await api.put(AGENT, json=LI, headers={"If-Match": "*"}), 412)
    assert (await api.put(AGENT, json=LI, headers={"If-None-Match": "*"})).status_code == 200
    assert "exists already" in refused(await api.put(AGENT, json=LI, headers={"If-None-Match": "*"}), 412)


async def test_what_has_not_changed_is_not_sent_again(server, api) -> None:
    await api.put(AGENT, json=LI)
    tag = (await api.get(AGENT)).headers["etag"]
    again = await api.get(AGENT, headers={"If-None-Match": f"W/{tag}"})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert "etag" not in (await api.get("/api/v1/agents")).headers


async def test_a_strange_condition_is_no_fault_of_the_server(server, api) -> None:
    await api.put(AGENT, json=LI)
    for condition in ("", '"', "W/", "\u00ff", ", ,", "*, *"):
        answer = await api.put(AGENT, json=LI, headers={"If-Match": condition.encode("latin-1")})
        assert answer.status_code in (200, 412), condition


def test_the_resource_of_a_change_is_the_longest_part_of_its_path_that_can_be_fetched(server) -> None:
    routes = server.application().routes

    async def settled() -> None:
        pass

    found = Preconditions(lambda *_: None, lambda: routes, settled)  # type: ignore[arg-type,return-value]
    for path, resource in (
        ("/api/v1/agents/1001/wrap-up/end", "/api/v1/agents/1001"),
        ("/api/v1/callbacks/7/cancel", "/api/v1/callbacks/7"),
        ("/api/v1/callbacks", None),
        ("/api/v1/callback-mode", "/api/v1/callback-mode"),
        ("/api/v1/trunks/test", None),
    ):
        assert found.resource_of(path, CHANGES) == resource, path
