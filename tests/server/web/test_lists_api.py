"""Outbound lists over HTTP and on the command line, and when their lines become promises: on a real log and floor."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

import acd.events as acd
from acd.callbacks.events import AttemptEnded, AttemptOutcome, AttemptStarted, CallPlaced
from acd.callbacks.states import PromiseState
from acd.policy.definitions import Skill
from customers.lists import BEHIND
from server.hotline import queueing
from server.telephony.callback.list_calls import ListCalls
from tests.redis_server import redis_server
from tests.server.commands.test_callbacks_cli import served
from tests.server.commands.test_cli import home, sansheng
from tests.server.web.api_server import ApiServer, api, refused, server

__all__ = ["api", "home", "redis_server", "sansheng", "served", "server"]

FIRST, SECOND = "13800138001", "13800138002"
TABLE = f"电话,姓名,凭证\n{FIRST},王,recording 45 at 12.5\n{SECOND},李,call 7 key 1\n".encode("gb18030")


def ends(days: float = 1.0) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


async def made(api, **values) -> dict:
    body = {"name": "refusals", "purpose": "拒收回访", "queue": "complaint", "owner": "Wang", "consent": "in the order"}
    answer = await api.post("/api/v1/lists", json={**body, "until": ends(), **values})
    assert answer.status_code == 201, answer.text
    loaded = await api.post(f"/api/v1/lists/{answer.json()['id']}/import", content=TABLE)
    assert loaded.json()["taken"], loaded.text
    return answer.json()


@pytest.fixture
def calls(server: ApiServer) -> ListCalls:
    """The part that promises lines, at noon of the hotline's day."""
    server.definitions.__dict__["calls_allowed"] = lambda now: now
    found = ListCalls(server.dispatcher, server.view, lambda: server.definitions, lambda: True)
    server.dispatcher.listen(found.follow)
    return found


async def ready(server: ApiServer) -> None:
    contact = "sip:1001@127.0.0.1:5062"
    await server.tell(acd.AgentDefined("1001", "Li", (Skill("complaint", 5),), (), contact))
    await server.tell(acd.PhoneSeen("1001", True), acd.StatusSet("1001", acd.Status.AVAILABLE))


async def test_a_list_is_created_loaded_shown_paused_and_ended(server: ApiServer, api) -> None:
    list_ = await made(api)
    assert (list_["state"], list_["behind"], list_["priority"]) == ("running", True, None)
    shown = (await api.get("/api/v1/lists/1")).json()
    assert shown["lines"]["waiting"] == 2
    lines = (await api.get("/api/v1/lists/1/lines")).json()["items"]
    assert [(line["number"], line["proof"]) for line in lines] == [
        (FIRST, "recording 45 at 12.5"),
        (SECOND, "call 7 key 1"),
    ]
    again = (await api.post("/api/v1/lists/1/import", content=TABLE)).json()
    assert (again["created"], again["unchanged"]) == (0, 2)
    paused = await api.post("/api/v1/lists/1/state", json={"state": "paused", "reason": "storm"})
    assert paused.json()["state"] == "paused"
    assert "is paused already" in refused(await api.post("/api/v1/lists/1/state", json={"state": "paused"}), 409)
    await api.post("/api/v1/lists/1/state", json={"state": "ended"})
    assert "is ended" in refused(await api.post("/api/v1/lists/1/import", content=TABLE), 409)
    assert refused(await api.get("/api/v1/lists/9"), 404).startswith("there is no list 9")
    assert (await api.get("/api/v1/audit?act=lists.manage")).json()["items"][0]["subject"] == "list 1 refusals: ended"


async def test_a_list_without_consent_a_queue_or_an_end_that_fits_is_refused(api) -> None:
    body = {"name": "x", "purpose": "x", "queue": "complaint", "owner": "x", "until": ends()}
    assert "consent" in refused(await api.post("/api/v1/lists", json=body), 422)
    body["consent"] = "x"
    for change, sentence in (
        ({"queue": "nowhere"}, "there is no queue nowhere"),
        ({"until": ends(-1)}, "a list ends within a year"),
        ({"until": ends(400)}, "a list ends within a year"),
        ({"window": "25:00-26:00"}, "the window 25:00-26:00"),
        ({"window": "01:00-02:00"}, "never meets the hours"),
        ({"delays": {"asleep": 5}}, "there is no outcome asleep"),
        ({"category": "x"}, "there is no category x"),
    ):
        assert sentence in refused(await api.post("/api/v1/lists", json={**body, **change}), 422)


async def test_a_line_is_promised_while_an_agent_is_ready_and_nobody_waits(server: ApiServer, api, calls) -> None:
    await made(api)
    assert calls.look() == []
    await ready(server)
    assert calls.look() == ["1/1"]
    await server.tell()
    (promise,) = server.view.callbacks.promises()
    assert (promise.number, promise.source, promise.priority) == (FIRST, "list", BEHIND)
    assert promise.reason == "拒收回访: 王"
    assert calls.look() == []
    lines = (await api.get("/api/v1/lists/1/lines")).json()["items"]
    assert [line["state"] for line in lines] == ["calling", "waiting"]
    assert lines[0]["promise"] == promise.id
    await server.call(5)
    await server.queue(5)
    assert calls.not_before(promise) is not None


async def test_a_caller_who_waits_is_served_before_every_line(server: ApiServer, api, calls) -> None:
    await made(api)
    await ready(server)
    calls.look()
    await server.tell()
    (promise,) = server.view.callbacks.promises()
    await server.tell(acd.StatusSet("1001", acd.Status.BREAK))
    asked = queueing.for_promise(server.definitions, 8, promise)
    await server.tell(CallPlaced(8, promise.id, promise.number, "", "one"), asked)
    await server.call(9)
    server.dispatcher.own(9, lambda command: None)
    await server.queue(9)
    await server.tell(acd.StatusSet("1001", acd.Status.AVAILABLE))
    live = server.view.calls.get(9)
    assert live is not None
    assert live.leg is not None
    assert server.view.calls.get(8).leg is None


async def ringing(server: ApiServer, calls: ListCalls) -> int:
    """The agent is rung for a line; its promise."""
    await ready(server)
    calls.look()
    await server.tell()
    (promise,) = server.view.callbacks.promises()
    server.dispatcher.own(8, lambda command: None)
    asked = queueing.for_promise(server.definitions, 8, promise)
    await server.tell(CallPlaced(8, promise.id, promise.number, "", "one"), asked)
    assert server.view.calls.get(8).leg is not None
    return promise.id


async def test_a_list_that_yields_is_called_off_for_a_caller_and_its_attempt_does_not_count(
    server: ApiServer, api, calls
) -> None:
    await made(api, yields=True)
    number = await ringing(server, calls)
    await server.call(9)
    server.dispatcher.own(9, lambda command: None)
    await server.queue(9)
    await server.tell()
    promise = server.view.callbacks.promise(number)
    assert (promise.state, promise.attempts) == (PromiseState.PENDING, 0)
    assert "a caller waits" in promise.reason
    assert promise.due_at > server.dispatcher.state.at + 50
    assert [each.call for each in server.view.callbacks.stopping()] == [8]
    assert calls.give_way("complaint") == []  # one for each caller
    await server.tell(acd.CallEnded(8, "stopped"))
    assert server.view.calls.get(9).leg is not None
    assert (await api.get("/api/v1/lists/1/lines")).json()["items"][0]["state"] == "calling"


async def test_no_list_is_called_off_whose_customer_has_answered_or_that_does_not_yield(
    server: ApiServer, api, calls
) -> None:
    await made(api)
    number = await ringing(server, calls)
    await server.call(9)
    await server.queue(9)
    assert calls.give_way("complaint") == []
    assert server.view.callbacks.promise(number).due_at <= server.dispatcher.state.at


async def test_lists_and_lines_are_given_page_by_page(api) -> None:
    for _ in range(3):
        await made(api)
    seen, cursor = [], ""
    while cursor is not None:
        page = (await api.get("/api/v1/lists", params={"limit": 2, "cursor": cursor})).json()
        seen += [each["id"] for each in page["items"]]
        cursor = page["next"]
    assert seen == [3, 2, 1]
    first = (await api.get("/api/v1/lists/1/lines?limit=1")).json()
    second = (await api.get("/api/v1/lists/1/lines", params={"limit": 1, "cursor": first["next"]})).json()
    assert [each["items"][0]["line"] for each in (first, second)] == [1, 2]
    assert second["next"] is None
    assert "is not one of the line list" in refused(
        await api.get("/api/v1/lists/1/lines", params={"cursor": "bm9uc2Vuc2U"}), 400
    )


async def test_a_list_with_a_priority_stands_with_the_callers(server: ApiServer, api, calls) -> None:
    await made(api, priority=5)
    await server.call(5)
    await server.queue(5)
    assert calls.look() == ["1/1"]
    await server.tell()
    (promise,) = server.view.callbacks.promises()
    assert promise.priority == 5
    assert calls.not_before(promise) is None


async def test_attempts_and_delays_are_the_lists_and_outcomes_are_counted(server: ApiServer, api, calls) -> None:
    await made(api, attempts=2, delays={"busy": 0})
    await ready(server)
    calls.look()
    await server.tell()
    (promise,) = server.view.callbacks.promises()
    for attempt in (1, 2):
        call = 10 + attempt
        asked = queueing.for_promise(server.definitions, call, promise)
        await server.tell(CallPlaced(call, promise.id, promise.number, "", "one"), asked)
        await server.tell(AttemptStarted(call, promise.id, attempt, 1, "1001", 30.0))
        await server.tell(
            AttemptEnded(call, promise.id, attempt, AttemptOutcome.BUSY), acd.CallEnded(call, "unreached")
        )
    found = server.view.callbacks.promise(promise.id)
    assert found is not None
    assert found.state is PromiseState.BROKEN
    line = (await api.get("/api/v1/lists/1/lines?state=not_reached")).json()["items"][0]
    assert (line["attempts"], line["outcomes"]) == (2, {"busy": 2})


async def test_do_not_call_refuses_a_line_and_one_that_is_called_back_anyway_waits(
    server: ApiServer, api, calls
) -> None:
    await made(api)
    mark = {"number": FIRST, "mark": "do_not_call", "reason": "asked for it"}
    await api.post("/api/v1/customers/marks", json=mark)
    await api.post("/api/v1/callbacks", json={"number": SECOND, "queue": "media"})
    await ready(server)
    assert calls.look() == []
    await server.tell()
    lines = (await api.get("/api/v1/lists/1/lines")).json()["items"]
    assert [line["state"] for line in lines] == ["refused", "waiting"]
    assert "do not call" in lines[0]["why"]


async def test_pausing_and_the_end_cancel_what_stands_in_line(server: ApiServer, api, calls) -> None:
    await made(api)
    await ready(server)
    calls.look()
    await server.tell()
    await api.post("/api/v1/lists/1/state", json={"state": "paused", "reason": "storm"})
    await server.tell()
    assert server.view.callbacks.promises() == []
    assert [line["state"] for line in (await api.get("/api/v1/lists/1/lines")).json()["items"]] == ["waiting"] * 2
    await api.post("/api/v1/lists/1/state", json={"state": "running"})
    assert calls.look() == ["1/2"]
    await server.tell()
    calls._clock = lambda: server.dispatcher.state.at + 2 * 86_400
    calls.look()
    await server.tell()
    assert server.view.callbacks.promises() == []
    assert (await api.get("/api/v1/lists/1")).json()["lines"]["stopped"] == 1


async def test_a_customer_who_asks_for_a_callback_takes_the_lists_call_over(server: ApiServer, api, calls) -> None:
    await made(api)
    await ready(server)
    calls.look()
    await server.tell()
    answer = await api.post("/api/v1/callbacks", json={"number": FIRST, "queue": "complaint"})
    assert answer.status_code == 200
    (promise,) = server.view.callbacks.promises()
    assert (promise.source, promise.priority, promise.asked) == ("api", 0, 2)


async def test_the_commands_do_the_same(server: ApiServer, served, tmp_path) -> None:
    options = ("--purpose", "p", "--queue", "complaint", "--owner", "w", "--consent", "c", "--until", "tomorrow 18:00")
    done = await served("list", "create", "refusals", *options, "--delay", "busy=60")
    assert "list 1 is created" in done.out
    file = tmp_path / "lines.csv"
    file.write_bytes(TABLE)
    assert "2 lines (gb18030): 2 new" in (await served("list", "load", "1", str(file))).out
    bad = tmp_path / "bad.csv"
    bad.write_text("number\n13800138009\n", encoding="utf-8")
    done = await served("list", "load", "1", str(bad))
    assert done.code == 1
    assert "column proof: nothing proves that the customer agreed" in done.err
    (row,) = (await served("list", "list", "--json")).json
    assert row["lines"]["waiting"] == 2
    assert [line["number"] for line in (await served("list", "lines", "1", "--json")).json] == [FIRST, SECOND]
    assert "is paused" in (await served("list", "pause", "1")).out
    assert "is running" in (await served("list", "resume", "1")).out
    assert "consent" in (await served("list", "show", "1")).out
    assert "is ended" in (await served("list", "end", "1")).out
