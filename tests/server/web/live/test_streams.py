"""Live rows over real HTTP: a snapshot, what changes, whose it is, and coming again."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

import acd.events as acd
import ivr.events as ivr
import tickets.events as tickets
from acd.policy.definitions import Skill
from knowledge.events import ArticleSaved, BulletinPosted
from server.usecases.callbacks import Wish
from server.usecases.live import LiveActs
from server.usecases.principal import Principal, Role
from server.web.live.own_rows import AT_ONCE
from server.web.live.streams import Streams
from server.web.live.telling import MOST_WAITING, Stream, event_of
from tests.redis_server import redis_server
from tests.server.web.api_server import OWNER, TOKEN, ApiServer, new_application, server
from tests.server.web.live.listening import listening, served

__all__ = ["redis_server", "server"]


@pytest.fixture
async def address(server: ApiServer) -> AsyncIterator[str]:
    server.application()
    async with served(new_application()) as address:
        yield address


async def agent(server: ApiServer, number: str, *teams: str, level: int = 5) -> str:
    """An agent who is ready; returns the agent's token."""
    await server.tell(
        acd.AgentDefined(number, f"Agent {number}", (Skill("complaint", level),), teams, "sip:127.0.0.1:5062"),
        acd.StatusSet(number, acd.Status.AVAILABLE),
    )
    return (await server.acts.tokens.create(OWNER, name=f"desk {number}", role=Role.AGENT, agent=number))[1]


async def test_a_floor_is_told_of_a_call_from_its_arrival_to_its_end(server: ApiServer, address: str) -> None:
    await agent(server, "1001", "A")
    async with listening(address, TOKEN) as page:
        assert page.events[0][0] == "snapshot"
        assert page.rows["agents"]["1001"]["state"] == "idle"
        assert {"queues", "modes", "figures", "calls", "me"} <= set(page.rows)
        await server.call(7)
        assert (await page.until(lambda page: page.rows["calls"].get(7)))["state"] == "ivr"
        server.dispatcher.own(7, lambda command: None)
        await server.queue(7, "13800138000")
        row = await page.until(lambda page: page.rows["calls"][7]["state"] == "ringing" and page.rows["calls"][7])
        assert (row["agent"], row["queue"], row["number"]) == ("1001", "complaint", "13800138000")
        assert page.rows["agents"]["1001"]["call"] == 7
        await server.tell(acd.OfferAnswered(1), acd.Joined(7, "1001"))
        await page.until(lambda page: page.rows["calls"][7]["state"] == "talking")
        await server.tell(acd.ConversationEnded(7, "1001", "caller", 3.0), acd.CallEnded(7, "caller_hung_up"))
        await page.until(lambda page: 7 not in page.rows["calls"])
        await page.until(lambda page: page.rows["agents"]["1001"]["state"] == "wrap_up")


async def test_an_agent_is_told_of_the_own_call_alone(server: ApiServer, address: str) -> None:
    first, second = await agent(server, "1001"), await agent(server, "1002", level=1)
    async with listening(address, first) as page, listening(address, second) as other:
        assert set(page.rows) == {"me", "calls", "queues", "callbacks", "bulletins"}
        assert page.rows["me"]["me"]["status"] == "available"
        await server.call(7)
        server.dispatcher.own(7, lambda command: None)
        await server.queue(7, "13800138000")
        row = await page.until(lambda page: page.rows["me"]["me"]["pop"])
        assert (row["call"], row["number"], row["queue"]) == (7, "13800138000", "complaint")
        assert page.rows["calls"][7]["state"] == "ringing"
        await server.tell(acd.OfferFailed(1, acd.Outcome.DECLINED))
        await other.until(lambda page: 7 in page.rows["calls"])
        await page.until(lambda page: 7 not in page.rows["calls"] and page.rows["me"]["me"]["pop"] is None)


async def test_a_client_that_comes_again_is_told_what_changed_meanwhile(server: ApiServer, address: str) -> None:
    await agent(server, "1001")
    async with listening(address, TOKEN) as page:
        await server.call(7)
        await page.until(lambda page: 7 in page.rows["calls"])
        position = page.id
    await server.call(8)
    await server.tell(acd.CallEnded(7, "caller_hung_up"))
    async with listening(address, TOKEN, after=position) as page:
        event, data = page.events[0]
        assert event == "rows"
        assert [row["id"] for row in data["rows"]["calls"]] == [8]
        assert data["gone"] == {"calls": [7]}
    async with listening(address, TOKEN, after="1-1") as page:
        assert page.events[0][0] == "snapshot"


async def test_only_some_kinds_are_told_if_so_asked(server: ApiServer, address: str) -> None:
    async with listening(address, TOKEN, only="agents, queues") as page:
        assert set(page.rows) == {"agents", "queues"}


async def test_a_wallboard_reads_queues_figures_and_modes_by_a_token_of_its_own(server, address: str) -> None:
    _, token = await server.acts.tokens.create(OWNER, name="wall", role=Role.SERVICE, scopes=["wallboard.read"])
    async with listening(address, token) as page:
        assert set(page.rows) == {"queues", "figures", "modes"}
        (row,) = [row for row in page.rows["figures"].values() if row["scope"] == "all"]
        assert row["formulas"]["service_level"]["formula"] == "answered ≤ 20 s ÷ (asked for an agent − not over)"


@pytest.mark.parametrize(
    ("role", "own", "mate", "other", "waiting"),
    [
        (Role.SUPERVISOR, "13800138001", "13800138002", "13800138003", "13800138004"),
        (Role.ADMINISTRATOR, "13800138001", "13800138002", "13800138003", "13800138004"),
        (Role.LEADER, "13800138001", "13800138002", "138****8003", "138****8004"),
        (Role.QA, "138****8001", "138****8002", "138****8003", "138****8004"),
        (Role.AGENT, "13800138001", None, None, None),
        (Role.DEPARTMENT, None, None, None, None),
    ],
)
async def test_each_role_is_told_the_calls_and_the_numbers_that_are_its_own(
    server: ApiServer, address: str, role: Role, own: str, mate: str, other: str, waiting: str
) -> None:
    server.definitions = replace(server.definitions, teams={"A": ("1009",)})
    await server.tell(acd.AgentDefined("1009", "Zhao", (), ("C",), "sip:127.0.0.1:5062"))
    for call, (number, team) in enumerate((("1001", "A"), ("1002", "A"), ("1003", "B")), 1):
        await agent(server, number, team)
        await server.call(call, f"1380013800{call}")
        server.dispatcher.own(call, lambda command: None)
        await server.queue(call, f"1380013800{call}")
        await server.tell(acd.OfferAnswered(call), acd.Joined(call, number))
        assert server.view.calls.get(call).leg.agent == number
    await server.call(4, "13800138004")
    await server.queue(4, "13800138004")
    work_number = {Role.AGENT: "1001", Role.LEADER: "1009"}.get(role, "")
    _, token = await server.acts.tokens.create(OWNER, name="holder", role=role, agent=work_number)
    async with listening(address, token) as page:
        seen = {number: row["number"] for number, row in page.rows.get("calls", {}).items()}
        wanted = {1: own, 2: mate, 3: other, 4: waiting}
        assert seen == {number: text for number, text in wanted.items() if text is not None}
        assert all(row["masked"] == ("*" in row["number"]) for row in page.rows.get("calls", {}).values())
        whole = {f"1380013800{call}" for call in wanted} - set(seen.values())
        assert not any(number in json.dumps(page.events) for number in whole), "no other row tells the number"


async def test_those_whose_a_ticket_is_are_told_of_its_changes(server: ApiServer, address: str) -> None:
    mine = await agent(server, "1001")
    create = server.acts.tokens.create
    _, theirs = await create(OWNER, name="logistics/ship", role=Role.DEPARTMENT)
    soon, later = time.time() + 3600, time.time() + 7200
    await server.tell(tickets.TicketOpened(5, 0, "13800138000", "complaint", "process", "general", soon, later))
    async with listening(address, TOKEN) as floor, listening(address, mine) as own, listening(address, theirs) as ship:
        assert "tickets" not in floor.rows, "open ones are too many for a snapshot"
        await server.tell(tickets.OwnerSet(5, "1001"))
        row = await own.until(lambda page: page.rows.get("tickets", {}).get(5))
        assert (row["state"], row["owner"], row["version"]) == ("new", "1001", 2)
        listed = (await server.acts.tickets.page(OWNER, {}, 10))["items"][0]
        assert row == {"business": "complaint"} | {name: listed[name] for name in row if name != "business"}
        await server.tell(tickets.StateChanged(5, "dispatched", department="logistics"))
        await ship.until(lambda page: page.rows.get("tickets", {}).get(5))
        await server.tell(tickets.Redispatched(5, "customer service"))
        await ship.until(lambda page: 5 not in page.rows["tickets"])
        assert (await floor.until(lambda page: page.rows["tickets"][5]))["department"] == "customer service"
        for state in ("acknowledged", "resolved", "followed_up", "closed"):
            await server.tell(tickets.StateChanged(5, state))
        await floor.until(lambda page: 5 not in page.rows["tickets"])
        assert "13800138000" not in json.dumps([*own.events, *ship.events])


async def test_an_agent_is_told_of_the_own_promises_alone_from_the_first_to_the_last(server, address: str) -> None:
    first, second = await agent(server, "1001"), await agent(server, "1002")

    async def promised(number: str, owner: str) -> int:
        after = time.time() + 3600
        return (await server.acts.callbacks.ask(OWNER, Wish(number, queue="complaint", owner=owner, after=after)))[0].id

    before = await promised("01065529988", "1001")
    async with listening(address, first) as page, listening(address, second) as other:
        assert set(page.rows["callbacks"]) == {before}
        assert other.rows["callbacks"] == {}
        meanwhile = await promised("01065529989", "1001")
        row = await page.until(lambda page: page.rows["callbacks"].get(meanwhile))
        listed = (await server.acts.callbacks.page(Principal("1001", Role.AGENT, "", "1001"), {}, 10))["items"][0]
        assert (row["state"], row["masked"]) == ("pending", True)
        assert row["number"] == listed["number"], "the stream tells no more than the list"
        theirs = await promised("01065529990", "1002")
        await other.until(lambda page: theirs in page.rows["callbacks"])
        await server.acts.callbacks.cancel(OWNER, meanwhile, "settled in another way")
        await page.until(lambda page: meanwhile not in page.rows["callbacks"])
        position = page.id
    await server.acts.callbacks.cancel(OWNER, before, "settled in another way")
    async with listening(address, first, after=position) as page:
        assert before in page.events[0][1]["gone"]["callbacks"]
        assert not page.rows.get("callbacks")
        assert "01065529990" not in json.dumps(page.events)


async def test_an_agent_is_not_told_who_listens(server: ApiServer, address: str) -> None:
    token = await agent(server, "1001")
    await server.call(7)
    server.dispatcher.own(7, lambda command: None)
    await server.queue(7, "13800138000")
    await server.tell(acd.OfferAnswered(1), acd.Joined(7, "1001"))
    async with listening(address, token) as own, listening(address, TOKEN) as floor:
        await server.tell(acd.MonitorStarted(7, "1001", "1009", acd.Monitor.LISTEN, "training", "m1"))
        row = await floor.until(lambda page: page.rows["calls"][7]["monitors"] and page.rows["calls"][7])
        assert row["monitors"] == [{"by": "1009", "mode": "listen"}]
        await server.tell(acd.HoldStarted(7, "1001"))
        await own.until(lambda page: page.rows["calls"][7]["state"] == "held")
        assert own.rows["calls"][7]["monitors"] == []


async def test_a_stream_ends_when_its_token_is_revoked(server: ApiServer, address: str) -> None:
    token = await agent(server, "1001")
    async with listening(address, token) as page:
        number = next(each.id for each in server.acts.tokens.list(OWNER) if each.issued.agent == "1001")
        await server.acts.tokens.revoke(OWNER, number)
        await page.until(lambda page: page.over)


async def test_what_the_records_know_of_a_caller_follows_the_first_pop(server: ApiServer, address: str) -> None:
    token = await agent(server, "1001")
    await server.tell(ArticleSaved(1, 1, "script", "Attitude", "Say sorry first.", "complaint", "attitude"))
    for call in (5, 7):
        await server.call(call)
        server.dispatcher.own(call, lambda command: None)
        await server.tell(ivr.FieldSet(call, "business", "complaint"), ivr.FieldSet(call, "category", "attitude"))
        if call == 5:
            await server.tell(acd.CallEnded(5, "caller_hung_up"))
    async with listening(address, token) as page:
        await server.queue(7, "13800138000")
        pop = await page.until(
            lambda page: (pop := page.rows["me"]["me"]["pop"]) and pop["history"] is not None and pop
        )
        pops = [data["rows"]["me"][0]["pop"] for _, data in page.events if "me" in data["rows"]]
        assert next(each for each in pops if each)["history"] is None, "the first row does not wait"
        assert [each["id"] for each in pop["history"] if each["kind"] == "call"] == [5]
        assert [each["zh-CN"] for each in pop["pressed"]] == ["投诉", "服务态度"]
        assert pop["script"]["text"] == "Say sorry first."
        assert pop["ask"] == ["客户诉求", "订单号"]
        assert pop["ticket"] == pop["open_tickets"][0]["id"]
        await server.tell(acd.OfferAnswered(1), acd.Joined(7, "1001"))
        await server.tell(acd.ConversationEnded(7, "1001", "caller", 3.0), acd.CallEnded(7, "caller_hung_up"))
        row = await page.until(lambda page: page.rows["me"]["me"]["state"] == "wrap_up" and page.rows["me"]["me"])
        assert (row["pop"]["call"], row["wrap_up"]) == (7, "timed")


async def test_figures_of_the_day_are_those_of_the_report(server: ApiServer, address: str) -> None:
    await agent(server, "1001")
    now = time.time()
    async with listening(address, TOKEN) as page:
        await server.tell(acd.CallArrived(7, "13800138000", "4001", "PJSIP/7", "u7", now, "one"))
        server.dispatcher.own(7, lambda command: None)
        await server.queue(7, "13800138000")
        await server.tell(acd.OfferAnswered(1), acd.Joined(7, "1001"))
        await server.tell(acd.ConversationEnded(7, "1001", "caller", 3.0), acd.CallEnded(7, "caller_hung_up"))
        row = await page.until(lambda page: (row := page.rows["figures"]["complaint"])["answered"] and row)
        report = await server.acts.reports.day(OWNER, None, 900, "complaint", None)
        total = report["total"]
        for figure in ("connect_rate", "service_level", "abandon_rate", "answered"):
            assert row[figure] == total[figure]
        assert (row["offered"], sum(row["line"]["offered"])) == (total["asked"], total["asked"])


async def test_a_stream_of_a_server_that_stands_by_says_so_until_it_leads(server: ApiServer, monkeypatch) -> None:
    api = new_application()
    server.application()
    streams: Streams = api.state.streams
    why = ["this server stands by, two leads: ask the server that leads"]
    monkeypatch.setattr(LiveActs, "standing_by", property(lambda _: why[0]))
    stream = streams.open(OWNER)
    told = await stream.next()
    assert told is not None
    assert b"event: server\ndata: " in told
    assert b"two leads" in told
    why[0] = ""
    async with asyncio.timeout(5):
        while (told := await stream.next()) is not None and b"event: server" not in told:
            pass
    assert told is not None
    assert b'"standing_by":null' in told
    streams.leave(stream)
    await streams.stop()


async def test_a_bulletin_reaches_all_agents_some_in_each_tick(server: ApiServer) -> None:
    api = new_application()
    server.application()
    streams: Streams = api.state.streams
    here = {}
    for number in range(1001, 1001 + 3 * AT_ONCE):
        await server.dispatcher.record(acd.AgentDefined(str(number), f"Agent {number}", ()))
        here[number] = streams.open(Principal(f"desk {number}", Role.AGENT, "here", str(number)))
    for stream in here.values():
        assert b"event: snapshot" in await stream.next()
    told = [asyncio.create_task(_told(stream, b"read me")) for stream in here.values()]
    await server.dispatcher.record(BulletinPosted(1, "read me", "all of you"))
    await asyncio.wait_for(asyncio.gather(*told), 10)
    await streams.stop()


async def test_a_client_that_comes_in_the_middle_of_a_tick_sees_what_it_tells(server: ApiServer) -> None:
    api = new_application()
    server.application()
    streams: Streams = api.state.streams
    first = streams.open(OWNER)
    await first.next()
    for number in range(1001, 1101):
        await server.dispatcher.record(acd.AgentDefined(str(number), f"Agent {number}", ()))
    streams._under_way = streams._tick()
    next(streams._under_way)
    second = streams.open(OWNER, ("agents",))
    assert (await second.next() or b"").count(b'"Agent 1') == 100
    assert (await first.next() or b"").count(b'"Agent 1') == 100
    await streams.stop()


async def _told(stream: Stream, text: bytes) -> None:
    while text not in (told := await stream.next() or text):
        assert told


async def test_a_client_that_takes_nothing_is_cut_off_and_slows_nobody(server: ApiServer) -> None:
    api = new_application()
    server.application()
    streams: Streams = api.state.streams
    stream = streams.open(OWNER)
    for _ in range(MOST_WAITING + 1):
        stream.tell(event_of(b": x\n\n"))
    assert stream.cut_off
    assert await stream.next() is None
    streams.leave(stream)
    await streams.stop()
