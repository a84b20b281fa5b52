"""Input of a stranger steers no call, and leaves no trace except a counted refusal."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

import httpx
import pytest

import acd.events as acd
from server.telephony.tokens import ChannelTokens
from softphone.call import CallState
from tests.e2e.conftest import Hotline, hears_tone
from tests.faults.conftest import AGENT_HZ, CALLER_HZ, People, logged
from tests.raw_sip import RawSip

pytestmark = pytest.mark.e2e

WAITS, TALKS, GOOD = "13800138001", "13800138002", "13800138003"


def written(victim: str) -> list[str]:
    """A stranger's text for a SIP number; `victim` is the unique id of another call."""
    return [
        "1\nagi_arg_1: \nagi_arg_2: nan\n\n",
        f"1\nagi_uniqueid: {victim}",
        f"1\r\n\r\nEvent: Hangup\r\nUniqueid: {victim}\r\n\r\n",
        "1\nagi_request: agi://h/agent\nagi_arg_1: 1002\nagi_arg_2: *46\n\n",
        "1\r\n\r\nEvent: ContactStatus\r\nEndpointName: 1002\r\nContactStatus: Removed\r\n\r\n",
    ]


def refused(hotline: Hotline, door: str) -> int:
    text = httpx.get(f"{hotline.api}/metrics", trust_env=False).text
    found = [line for line in text.splitlines() if line.startswith(f'sansheng_refused_total{{door="{door}"}}')]
    return int(float(found[0].rpartition(" ")[2]))


def unique_ids(hotline: Hotline) -> dict[str, str]:
    return {event.caller: event.unique_id for event in logged(hotline, acd.CallArrived)}


async def test_numbers_with_line_ends_steer_nobodys_call(hotline: Hotline, people: People) -> None:
    await people.sign_in("1001")
    call, ringing = await people.talk("1001", TALKS)
    await people.wait_in_queue([WAITS])
    await people.sign_in("1002")
    await hotline.request("POST", "/api/v1/agents/1002/status", {"status": "break"})
    await hotline.request("POST", "/api/v1/agents/1002/status", {"status": "break", "reason": "meal"})
    ids = unique_ids(hotline)
    tried = 0
    async with RawSip(hotline.sip_port) as stranger:
        for victim in (ids[WAITS], ids[TALKS]):
            for text in written(victim):
                odd = quote(text, safe="")
                pai = {"P-Asserted-Identity": f"<sip:{odd}@127.0.0.1>"}
                sent = [
                    stranger.invite(odd),
                    stranger.invite("13900139000", headers=pai),
                    stranger.invite("13900139000", called=f"4{odd}"),
                ]
                tried += len(sent)
                for each in sent:
                    assert await stranger.final(each) == 484
    await hotline.until(lambda: refused(hotline, "number") == tried, f"{tried} refusals are counted")
    await hears_tone(call, AGENT_HZ)
    await hears_tone(ringing, CALLER_HZ)
    assert await people.waiting(1) == [WAITS]
    assert {event.caller for event in logged(hotline, acd.CallArrived)} == {WAITS, TALKS}
    assert logged(hotline, acd.CallEnded) == []
    assert [event.reason for event in logged(hotline, acd.StatusSet) if event.agent == "1002"][-1] == "meal"
    assert hotline.health()["ok"]
    await ringing.hangup()
    again = await people.agents["1001"].incoming(20)
    await again.answer()
    assert people.callers[WAITS].state is not CallState.ENDED
    good = await people.call(GOOD)
    await good.heard(within=10)


def header(unique_id: str, token: str, script: str = "hotline", *arguments: str) -> bytes:
    query = "".join(f"&{place}={quote(text, safe='')}" for place, text in enumerate(arguments, 1))
    lines = {
        "agi_request": f"agi://127.0.0.1/{script}?token={token}{query}",
        "agi_channel": "PJSIP/trunk-000000ff",
        "agi_uniqueid": unique_id,
        "agi_callerid": "13900139000",
        "agi_dnid": "400",
    }
    return "".join(f"{name}: {value}\n" for name, value in lines.items()).encode() + b"\n"


async def say(hotline: Hotline, *headers: bytes) -> list[bytes]:
    """Connect to FastAGI with each of these headers; what came back until the server closed."""

    async def one(sent: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", hotline.ports["AGI"])
        writer.write(sent)
        try:
            return await asyncio.wait_for(reader.read(), 10)
        except ConnectionResetError:
            return b""
        finally:
            writer.close()

    return await asyncio.gather(*(one(each) for each in headers))


async def test_fastagi_serves_only_channels_of_asterisks(hotline: Hotline, people: People) -> None:
    await people.sign_in("1001")
    await people.sign_in("1002")
    call, ringing = await people.talk("1001", TALKS)
    victim = unique_ids(hotline)[TALKS]
    secret = (hotline.home / "secrets" / "channels").read_text().strip()
    tokens = ChannelTokens(secret)
    without = [
        header(victim, ""),
        header(victim, tokens.token("another")),
        header("x", ChannelTokens("guessed").token("x")),
        header("x", "", "agent", "1002", "*46"),
        b"agi_request: agi://h/hotline\n\n",
    ]
    answers = await say(hotline, *without)
    assert answers == [b""] * len(without)
    assert refused(hotline, "agi") == len(without)
    # A stranger who knows the secret is not believed either, unless Asterisk has the channel.
    invented = [f"one-{number}.1" for number in range(5)]
    await say(hotline, *(header(each, tokens.token(each), "hotline", "", "nan", "1e999") for each in invented))
    await hotline.until(lambda: len(logged(hotline, acd.CallEnded)) == len(invented), "invented callers are gone", 5)
    assert await people.waiting(0) == []
    await hears_tone(call, AGENT_HZ)
    await hears_tone(ringing, CALLER_HZ)
    assert (await hotline.agent_is("1002", status="available"))["state"] == "idle"
    assert hotline.health()["ok"]
