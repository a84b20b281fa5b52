"""What a trunk's table says of keys, session timers and connected lines, as the carrier's telephones see it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sipmessage import Request

from softphone.audio import Tone
from softphone.phone import Answer, Call, Phone, Policy, Ring
from tests.e2e import brisk
from tests.e2e.carrier import free_port
from tests.e2e.conftest import Hotline, hears_tone, make_home
from tests.e2e.hearing import hears
from tests.e2e.test_keys import in_sound, waits
from tests.raw_sip import SDP, RawSip

pytestmark = pytest.mark.e2e

TRUNKS: dict[str, tuple[str, str]] = {
    "plain": ("127.0.0.11", 'numbers = ["131*"]'),
    "telling": ("127.0.0.12", 'numbers = ["132*"]\nconnected_line = true'),
    "timed": ("127.0.0.13", 'numbers = ["133*"]\nsession_timers = "always"\nsession_seconds = 100'),
    "strict": ("127.0.0.14", 'numbers = []\nsession_timers = "required"'),
    "untimed": ("127.0.0.15", 'numbers = []\nsession_timers = "off"'),
    "info": ("127.0.0.16", 'numbers = []\ndtmf = "info"'),
    "inband": ("127.0.0.17", 'numbers = []\ndtmf = "inband"'),
    "wide": ("127.0.0.19", 'numbers = []\ncodecs = ["g722", "alaw"]'),
    "events": ("127.0.0.18", 'numbers = []\ndtmf = "rfc4733"'),
}
"""Name → the carrier's address, and what its table says besides."""


class House:
    """A hotline whose carriers are telephones at `ports` of their addresses."""

    def __init__(self, hotline: Hotline, ports: dict[str, int]) -> None:
        self.hotline, self.ports = hotline, ports

    @asynccontextmanager
    async def carrier(self, trunk: str, number: str) -> AsyncIterator[Phone]:
        """The carrier of this trunk, as whose subscriber `number` calls; up when it is needed for calls out."""
        address, more = TRUNKS[trunk]
        phone = Phone(number, "127.0.0.1", self.hotline.sip_port, bind=address, port=self.ports[trunk])
        async with phone:
            if "numbers = []" not in more:
                await self._up(trunk)
            yield phone

    async def calls(self, number: str) -> dict[str, Any]:
        return dict(await self.hotline.request("POST", "/api/v1/trunks/test", {"number": number}))

    async def _up(self, trunk: str) -> None:
        end = asyncio.get_running_loop().time() + 15
        while not any(row["up"] for row in await self._trunks() if row["name"] == trunk):
            assert asyncio.get_running_loop().time() < end, f"trunk {trunk} is not up"
            await asyncio.sleep(0.05)

    async def _trunks(self) -> list[dict[str, Any]]:
        return list((await self.hotline.request("GET", "/api/v1/trunks"))["items"])


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """One hotline for all tests here."""
    hotline = Hotline(make_home())
    ports = {name: free_port(address) for name, (address, _) in TRUNKS.items()}
    tables = [
        "\n".join(
            (
                f"[trunks.{name}]",
                f'address = "{address}:{ports[name]}"',
                f'addresses = ["{address}"]',
                "qualify_seconds = 1",
                more,
                "",
            )
        )
        for name, (address, more) in TRUNKS.items()
    ]
    try:
        brisk.install(hotline.home)
        with (hotline.home / "hotline.toml").open("a", encoding="utf-8") as file:
            file.write("\n".join(("", *tables)))
        hotline.start()
        yield House(hotline, ports)
        hotline.stop()
    finally:
        hotline.end()
        shutil.rmtree(hotline.home, ignore_errors=True)


def asked_again(call: Call) -> list[str]:
    """The methods by which the hotline changes this call from now on, as they come."""
    came: list[str] = []
    receive = call.receive

    def note(request: Request) -> None:
        if request.method in ("INVITE", "UPDATE"):
            came.append(request.method)
        receive(request)

    call.receive = note  # type: ignore[method-assign]
    return came


async def test_a_carrier_is_told_who_answered_only_where_the_trunk_says_so(house: House) -> None:
    """A trunk without `connected_line` gets nothing at the answer, and nothing while the two talk."""
    hotline, came = house.hotline, {}
    async with hotline.agent("3300", complaint=5) as agent:
        agent.on_invite = Answer(0.1, Tone(600))
        for place, trunk in enumerate(("plain", "telling")):
            number = brisk.LISTS["straight"][80 + place]
            async with house.carrier(trunk, number) as caller:
                call = await caller.dial("4008001234", source=Tone(1000))
                await call.answered()
                came[trunk] = asked_again(call)
                leg = await agent.incoming(20)
                await hears_tone(call, 600)
                await hears_tone(leg, 1000)
                if trunk == "plain":
                    await leg.hold()
                    await leg.hold(False)
                    await hears_tone(call, 600)
                await call.hangup()
                await hotline.ended_call(number)
    assert came["plain"] == []
    assert came["telling"]


async def test_session_timers_are_as_the_trunk_says_both_ways(house: House) -> None:
    async with house.carrier("plain", "4008001234") as plain, house.carrier("timed", "4008001234") as timed:
        plain.on_invite = Answer(0.0)

        def particular(call: Call) -> Policy:
            """A carrier that wants longer sessions."""
            assert call.invite is not None
            if call.invite.headers["Session-Expires"].startswith("100"):
                call.refuse(422, [("Min-SE", "1800")])
                return Ring()
            return Answer(0.0)

        timed.on_invite = particular
        for number in ("13100000001", "13300000001"):
            assert (await house.calls(number))["answered"]
        (asked,), (first, again) = plain.calls, timed.calls
        assert asked.invite is not None
        assert again.invite is not None
        assert "timer" in asked.invite.headers["Supported"]
        assert asked.invite.headers["Session-Expires"] == "1800"
        assert asked.invite.headers.get("Require") is None
        assert first.code == 422
        assert again.invite.headers["Session-Expires"].startswith("1800")
        assert again.invite.headers["Min-SE"] == "1800"


@pytest.mark.parametrize(
    ("trunk", "headers", "status", "told"),
    [
        ("plain", {"Supported": "timer", "Session-Expires": "120"}, "200", "Session-Expires: 120;refresher="),
        ("strict", {"Supported": "timer", "Session-Expires": "120"}, "200", "Session-Expires: 120;refresher="),
        ("strict", {}, "421", "Require: timer"),
        ("plain", {"Supported": "timer", "Session-Expires": "60"}, "422", "Min-SE: 90"),
        ("untimed", {"Supported": "timer", "Session-Expires": "120"}, "200", ""),
    ],
)
async def test_a_carriers_session_timer_is_taken_asked_for_or_left(
    house: House, trunk: str, headers: dict[str, str], status: str, told: str
) -> None:
    async with RawSip(house.hotline.sip_port, TRUNKS[trunk][0]) as peer:
        answer = await peer.answer(peer.invite("13912345678", headers=headers, sdp=SDP))
        assert answer.startswith(f"SIP/2.0 {status}".encode())
        if told:
            assert told.encode() in answer
        else:
            assert b"Session-Expires" not in answer
        peer.acknowledge(answer)
        if status == "200":
            peer.acknowledge(answer, "BYE")


@pytest.mark.parametrize(("trunk", "status"), [("plain", "488"), ("wide", "200")])
async def test_a_codec_is_taken_where_the_trunk_names_it(house: House, trunk: str, status: str) -> None:
    async with RawSip(house.hotline.sip_port, TRUNKS[trunk][0]) as peer:
        answer = await peer.answer(peer.invite("13912345678", sdp=SDP.replace("RTP/AVP 8", "RTP/AVP 9")))
        assert answer.startswith(f"SIP/2.0 {status}".encode())
        peer.acknowledge(answer)
        if status == "200":
            assert b"a=rtpmap:9 G722/8000" in answer
            peer.acknowledge(answer, "BYE")


@pytest.mark.parametrize("trunk", ["info", "inband", "events"])
async def test_keys_come_as_the_trunk_says(house: House, trunk: str) -> None:
    number = brisk.LISTS["asked"][len(trunk)]
    async with house.carrier(trunk, number) as caller:
        call = await caller.dial("4008001234")

        async def key(digit: str) -> None:
            if trunk == "inband":
                await in_sound(call, digit)
            else:
                await call.press(digit, via="info" if trunk == "info" else "rfc2833")

        await hears(call, "language")
        await key("1")
        await hears(call, "menu-complaint")
        await key("4")
        assert await waits(house.hotline, number) == ("complaint", "attitude")
        await call.hangup()
