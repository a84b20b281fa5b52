"""The first carrier is added to a hotline while people talk, and the last one is taken away again.

Calls came from this machine before, where agents' phones may be too: whom a request is from was told by its name first.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import pytest

from softphone.audio import Tone
from softphone.phone import Answer, Phone
from tests.e2e import brisk
from tests.e2e.conftest import Hotline, hears_tone
from tests.raw_sip import SDP, RawSip

pytestmark = pytest.mark.e2e
SECRET = "a-secret-of-1002"


def own_address() -> str:
    """An address of this machine that is not its loopback; empty where it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        try:
            asked.connect(("192.0.2.1", 9))
        except OSError:
            return ""
        return str(asked.getsockname()[0])


async def answer_to(hotline: Hotline, address: str, *, register: bool) -> bytes:
    """What a request in the name of agent 1002 gets from this address: the line of the status."""
    async with RawSip(hotline.sip_port, address) as peer:
        if register:
            peer.register("1002")
            return (await peer.came.get()).partition(b"\r\n")[0]
        answer = await peer.answer(peer.invite("1002", sdp=SDP))
        peer.acknowledge(answer)
        peer.acknowledge(answer, "BYE")
        return answer.partition(b"\r\n")[0]


async def registers(hotline: Hotline) -> None:
    async with Phone("1002", "127.0.0.1", hotline.sip_port, secret=SECRET, bind="127.0.0.3") as phone:
        await phone.register()


async def test_a_carrier_that_is_added_is_known_by_its_address_at_once_and_nobody_is_cut_off(
    new_hotline: Callable[..., Hotline],
) -> None:
    address = own_address()
    if not address or address.startswith("127."):
        pytest.skip("this machine has no address but its loopback")
    hotline = new_hotline(SANSHENG_DRAIN_SECONDS="0")
    brisk.install(hotline.home)
    await asyncio.to_thread(hotline.start)
    asterisk, file = hotline.pid("asterisk"), hotline.home / "hotline.toml"
    await hotline.request("PUT", "/api/v1/agents/1002", {"name": "Wu", "skills": {"inquiry": 5}, "secret": SECRET})
    carrier = f'\n[trunks.carrier]\naddress = "{address}"\nqualify_seconds = 3600\n'
    secured = f'{carrier}transport = "tls"\n'
    async with hotline.agent("3201", complaint=5) as agent, hotline.caller(brisk.LISTS["straight"][90]) as caller:
        agent.on_invite = Answer(0.0, Tone(600))
        call = await caller.dial("4008001234", source=Tone(1000))
        leg = await agent.incoming(20)
        await hears_tone(call, 600)
        assert await answer_to(hotline, address, register=True) == b"SIP/2.0 401 Unauthorized"

        before = file.read_text(encoding="utf-8")
        file.write_text(before + carrier, encoding="utf-8")
        await hotline.request("POST", "/api/v1/definitions/reload")
        refused = await answer_to(hotline, address, register=True)
        assert refused.startswith(b"SIP/2.0 40")
        assert b"401" not in refused, "nobody is asked for a password there"
        assert (await answer_to(hotline, address, register=False)).startswith(b"SIP/2.0 200"), "a call of the public"
        await registers(hotline)

        # A transport that is new is taken over as well; one that is needed no more stays until Asterisk starts again.
        for text in (before + secured, before):
            file.write_text(text, encoding="utf-8")
            await hotline.request("POST", "/api/v1/definitions/reload")
        assert await answer_to(hotline, address, register=True) == b"SIP/2.0 401 Unauthorized"
        await registers(hotline)
        assert "Asterisk has to be started again" in str(hotline.warnings())
        await hears_tone(leg, 1000)
        await hears_tone(call, 600)
        assert hotline.pid("asterisk") == asterisk
        await call.hangup()
    await hotline.until(lambda: hotline.pid("asterisk") not in (None, asterisk), "Asterisk was started again")
    await hotline.until(lambda: hotline.health()["ok"] and not hotline.warnings(), "and has read everything")
