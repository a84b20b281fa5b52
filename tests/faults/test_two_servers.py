"""Two servers on one Redis and one Asterisk: one leads, the other plays along; no offer is lost or doubled."""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

import httpx
import pytest

import acd.events as acd
from server.eventlog.derived_events import Decided, ServerStarted
from softphone.audio import Tone
from softphone.call import CallState
from tests.e2e import brisk
from tests.e2e.conftest import Hotline, hears_tone
from tests.faults.conftest import AGENT_HZ, CALLER_HZ, People, logged

pytestmark = pytest.mark.e2e


@dataclass
class Pair:
    """`first` has the Redis, the Asterisk and the records that both use; it leads at the beginning."""

    first: Hotline
    second: Hotline

    async def second_leads(self, within: float) -> float:
        """Wait until the second takes calls; how long that took, in seconds."""
        began = time.monotonic()
        while not (await asyncio.to_thread(self.second.health)).get("ok"):
            assert time.monotonic() - began < within, self.second.output()
            await asyncio.sleep(0.02)
        return time.monotonic() - began


async def together(first: Hotline, second: Hotline) -> AsyncIterator[Pair]:
    """Two hotlines whose homes are prepared, on one Redis and one Asterisk; ended by the fixture that made them."""
    servers = ",".join(f"127.0.0.1:{each.ports['AGI']}" for each in (first, second))
    shared = {"SANSHENG_SERVERS": servers, "SANSHENG_DRAIN_SECONDS": "0", "SANSHENG_FROZEN_SECONDS": "0"}
    first.environment |= shared
    second.ports["AMI"], second.ports["SIP"] = first.ports["AMI"], first.ports["SIP"]
    second.environment |= shared | {
        "SANSHENG_AMI_PORT": str(first.ports["AMI"]),
        "SANSHENG_SIP_PORT": str(first.ports["SIP"]),
        "SANSHENG_ASTERISK": "127.0.0.1",
        "SANSHENG_ASTERISK_HOME": str(first.home),
        "SANSHENG_RECORDINGS": str(first.home / "recordings"),
        "REDIS_URL": f"unix://{first.home / 'redis' / 'redis.sock'}",
        "DATABASE_URL": f"sqlite:///{first.home / 'records.db'}",
    }
    first.start()
    second.spawn()
    await first.until(lambda: "stands by" in str(second.health()["problems"]), "the second stands by", 60)
    yield Pair(first, second)
    # The first ends what both use, whether it sleeps or not.
    if first.process is not None and first.process.poll() is None:
        first.process.send_signal(signal.SIGCONT)
    second.end()


@pytest.fixture
async def pair(new_hotline: Callable[..., Hotline]) -> AsyncIterator[Pair]:
    first, second = new_hotline(), new_hotline()
    brisk.install(first.home)
    brisk.install(second.home)
    async for each in together(first, second):
        yield each


def offers(hotline: Hotline) -> list[tuple[int | None, str, int]]:
    """(offer, agent, call) of every offer in the log."""
    decided = (note.decision for note in logged(hotline, Decided) if note.decision.kind == "offer")
    return [(each.offer, each.agent, each.call) for each in decided]


async def test_a_standby_shows_the_floor_knows_every_token_and_sends_changes_to_the_leader(pair: Pair) -> None:
    made = await pair.first.request("POST", "/api/v1/tokens", {"name": "wang", "role": "supervisor"})
    bearer = {"Authorization": f"Bearer {made['token']}"}
    async with AsyncExitStack() as stack:
        people = People(pair.first, stack)
        (caller,) = await people.wait_in_queue(["13800000002"])
        client = await stack.enter_async_context(httpx.AsyncClient(trust_env=False, headers=bearer))

        def floor() -> bool:
            answer = httpx.get(f"{pair.second.api}/api/v1/floor", headers=bearer, trust_env=False)
            return [each["caller"] for each in answer.json()["waiting"]] == [caller]

        await pair.second.until(floor, "the standby shows who waits")
        answer = await client.put(f"{pair.second.api}/api/v1/callback-mode", json={"mode": "on"})
        assert (answer.status_code, "ask the server that leads" in answer.text) == (503, True)
        await pair.first.request("POST", f"/api/v1/tokens/{made['id']}/revoke", {})

        def closed() -> bool:
            answer = httpx.get(f"{pair.second.api}/api/v1/floor", headers=bearer, trust_env=False)
            return answer.status_code == 401

        await pair.second.until(closed, "the standby knows the revocation")


async def test_the_first_administrator_signs_in_and_a_user_is_signed_out_everywhere_at_once(pair: Pair) -> None:
    file = pair.first.home / "secrets" / "first-administrator"
    password = file.read_text("ascii").strip()
    said = f"sign in    as admin with the password {password}"
    await pair.first.until(lambda: said in pair.first.output(), "the password is said")
    assert not (pair.second.home / "secrets" / "first-administrator").exists()

    def signed_in(hotline: Hotline, user: str, given: str) -> httpx.Response:
        body = {"user": user, "password": given}
        return httpx.post(f"{hotline.api}/api/v1/session", json=body, trust_env=False, timeout=30)

    assert (await asyncio.to_thread(signed_in, pair.second, "admin", password)).status_code == 503
    answer = await asyncio.to_thread(signed_in, pair.first, "admin", password)
    assert answer.status_code == 200, answer.text
    cookie = {"Cookie": answer.headers["set-cookie"].partition(";")[0]}
    page = {**cookie, "X-CSRF-Token": answer.json()["csrf"], "Origin": pair.first.api}
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        assert (await client.get(f"{pair.second.api}/api/v1/session", headers=cookie)).json()["user"] == "admin"
        chosen = {"old": password, "new": "a password of one's own"}
        done = await client.post(f"{pair.first.api}/api/v1/session/password", json=chosen, headers=page)
        assert done.status_code == 204, done.text
    assert not file.exists()
    made = await pair.first.request("POST", "/api/v1/users", {"name": "wang", "role": "supervisor"})
    answer = await asyncio.to_thread(signed_in, pair.first, "wang", made["password"])
    cookie = {"Cookie": answer.headers["set-cookie"].partition(";")[0]}

    def status() -> int:
        return httpx.get(f"{pair.second.api}/api/v1/session", headers=cookie, trust_env=False).status_code

    assert await asyncio.to_thread(status) == 200
    await pair.first.request("POST", "/api/v1/users/wang/disable", {})
    assert await asyncio.to_thread(status) == 401


async def test_a_standby_takes_calls_within_three_seconds_of_a_kill(pair: Pair) -> None:
    async with AsyncExitStack() as stack:
        people = People(pair.first, stack)
        await people.sign_in("1001")
        call, ringing = await people.talk("1001", "13800000001")
        order = await people.wait_in_queue(["13800000002", "13800000003", "13800000004"])
        async with httpx.AsyncClient(trust_env=False) as client:
            assert (await client.get(f"{pair.second.api}/healthz")).status_code == 503
        pair.first.kill()
        took = await pair.second_leads(10)
        assert took < 3, f"the lead moved in {took:.2f} s"
        people.hotline = pair.second
        assert await people.waiting(3) == order
        await hears_tone(call, AGENT_HZ)
        await hears_tone(ringing, CALLER_HZ)
        await ringing.hangup()
        serving = await people.agents["1001"].incoming(15)
        assert serving.number == order[0]
        await serving.answer(Tone(AGENT_HZ))
        await hears_tone(people.callers[order[0]], AGENT_HZ, 20)
        await serving.hangup()
        assert people.dropped() == []
        # A new call finds the server that leads.
        await people.call("13800000009")
        assert await people.waiting(3) == [*order[1:], "13800000009"]
        made = offers(pair.first)
        assert len({number for number, _, _ in made}) == len(made), "no offer has the number of another"
        assert logged(pair.first, ServerStarted)[-1].token == 2


async def test_a_server_that_sleeps_loses_its_callers_and_does_no_harm_when_it_wakes(pair: Pair) -> None:
    async with AsyncExitStack() as stack:
        people = People(pair.first, stack)
        await people.sign_in("1001")
        _, ringing = await people.talk("1001", "13800000001")
        order = await people.wait_in_queue(["13800000002", "13800000003"])
        assert pair.first.process is not None
        pair.first.process.send_signal(signal.SIGSTOP)
        phone = await stack.enter_async_context(pair.first.caller("13800000004"))
        arriving = await phone.dial("400", source=Tone(CALLER_HZ))
        await arriving.answered(5)
        heard = asyncio.create_task(arriving.heard(within=3.0))
        took = await pair.second_leads(15)
        assert took < 5, f"the lead moved in {took:.2f} s"
        await heard
        await arriving.hangup()
        people.hotline = pair.second
        await pair.second.until(
            lambda: (pair.second.home / "log/server.log").read_text().count("a caller is back") >= 2, "fetched", 10
        )
        assert await people.waiting(2) == order
        await ringing.hangup()
        serving = await people.agents["1001"].incoming(15)
        assert serving.number == order[0]
        pair.first.process.send_signal(signal.SIGCONT)
        await serving.answer(Tone(AGENT_HZ))
        await hears_tone(people.callers[order[0]], AGENT_HZ, 20)
        await pair.first.until(lambda: "stands by" in str(pair.first.health()["problems"]), "it stands by", 15)
        assert pair.first.process.poll() is None
        await people.sign_in("1002")
        assert (await people.agents["1002"].incoming(15)).number == order[1]
        assert [each.state for each in people.agents["1001"].calls].count(CallState.TALKING) == 1
        rung = Counter(offer.offer for offer in logged(pair.first, acd.OfferRinging))
        assert max(rung.values()) == 1, "no phone rings twice for one offer"
        assert logged(pair.first, ServerStarted)[-1].token == 2


async def test_the_lead_goes_back_when_the_second_server_is_killed(pair: Pair) -> None:
    async with AsyncExitStack() as stack:
        people = People(pair.first, stack)
        assert pair.first.process is not None
        pair.first.process.send_signal(signal.SIGSTOP)
        await pair.second_leads(15)
        pair.first.process.send_signal(signal.SIGCONT)
        await pair.first.until(lambda: "stands by" in str(pair.first.health()["problems"]), "it stands by", 15)
        pair.second.kill()
        await asyncio.to_thread(pair.first.wait_healthy, 10)
        await people.sign_in("1001")
        call, ringing = await people.talk("1001", "13800000001")
        await ringing.hangup()
        await call.hangup()
        assert (await pair.first.ended_call("13800000001", 20))["outcome"] == "handled"
