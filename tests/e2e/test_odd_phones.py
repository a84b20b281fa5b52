"""An agent's contact or secret, set over the API, can neither dial elsewhere nor make other agents vanish."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from softphone.phone import Phone

if TYPE_CHECKING:
    from tests.e2e.conftest import Hotline

pytestmark = pytest.mark.e2e
ODD_SECRET = ">;--odd;secret'\"=%"


@pytest.mark.parametrize(
    "contact",
    ["sip:2051@127.0.0.1:9&PJSIP/16812345678@trunk-out", "sip:2051@127.0.0.1:9;--x", "sip:2051@127.0.0.1:9\\;x"],
)
async def test_a_contact_that_asterisk_reads_otherwise_is_refused_and_other_agents_stay(
    hotline: Hotline, contact: str
) -> None:
    body = {"name": "Odd", "skills": {"complaint": 5}}
    with pytest.raises(AssertionError, match=r"422 .*no SIP address"):
        await hotline.request("PUT", "/api/v1/agents/2051", body | {"contact": contact})
    await hotline.request("PUT", "/api/v1/agents/2052", body | {"secret": ODD_SECRET})
    async with Phone("2052", "127.0.0.1", hotline.sip_port, secret=ODD_SECRET) as phone:
        await phone.register()
    await hotline.request("DELETE", "/api/v1/agents/2052")


async def test_two_fixed_phones_behind_one_address_are_told_apart_by_port_or_the_second_is_refused(
    hotline: Hotline,
) -> None:
    body = {"name": "Fixed", "skills": {"complaint": 5}}
    async with Phone("2054", "127.0.0.1", hotline.sip_port) as one, Phone("2055", "127.0.0.1", hotline.sip_port) as two:
        await hotline.request("PUT", "/api/v1/agents/2054", body | {"contact": one.contact})
        with pytest.raises(AssertionError, match=r"4\d\d .*2054"):
            await hotline.request("PUT", "/api/v1/agents/2055", body | {"contact": one.contact.replace("2054", "2055")})
        await hotline.request("PUT", "/api/v1/agents/2055", body | {"contact": two.contact})
        for phone in (one, two):
            signed_in = await phone.dial("*45")
            await signed_in.answered()
            await hotline.agent_is(phone.user, status="available")
            await signed_in.hangup()
        for phone in (one, two):
            await hotline.request("DELETE", f"/api/v1/agents/{phone.user}")


async def test_a_phone_over_tcp_is_asked_over_tcp_whether_it_is_there(hotline: Hotline) -> None:
    asked: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = await reader.readline()
        if not asked.done():
            asked.set_result(line)
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    contact = f"sip:2053@127.0.0.1:{server.sockets[0].getsockname()[1]};transport=tcp"
    body = {"name": "Tcp", "skills": {"complaint": 5}, "contact": contact}
    try:
        await hotline.request("PUT", "/api/v1/agents/2053", body)
        assert await asyncio.wait_for(asked, 20) == f"OPTIONS {contact} SIP/2.0\r\n".encode()
    finally:
        server.close()
        await hotline.request("DELETE", "/api/v1/agents/2053")
