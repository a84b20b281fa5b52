"""Live rows over real HTTP: a snapshot, what changes, whose it is, and coming again."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

import acd.events as acd
from acd.policy.definitions import Skill
from server.usecases.principal import Role
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
        assert set(page.rows) == {"me", "calls", "queues", "bulletins"}
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
