"""A stranger's text in a number or a name reaches neither AGI headers nor AMI events as lines of its own."""

from __future__ import annotations

import asyncio
from urllib.parse import unquote_to_bytes

import pytest

from server.telephony.agi.wire import MAX_HEADER
from server.telephony.asterisk.ready import ready
from server.telephony.asterisk.site import AgentPhone
from tests.raw_sip import RawSip

from .conftest import Machine, Management, Session, another

ODD = ["1%0Aagi_arg_1: x", "1%0D%0A%0D%0AEvent: Hangup%0D%0AUniqueid: 7.7%0D%0A%0D%0A", "1%0d2", "1%0A", "%0A1"]
HIDDEN = [
    "1%29:0%0Aagi_request: x",
    "a%29:9:1%0A",
    "%7D%29:0:0%0A",
    "1%292%7D%0a",
    "%24%7BSECRET%7D%0A",
    "1%01",
    "1%7f",
    "1%1b[2J",
]
PLAIN = [
    "+8613800138000",
    "138-0013-8000",
    "%2813800138000%29",
    "anonymous",
    "%E5%BC%A0",
    "1%2C2",
    "1%222",
    "$1",
    "%24%7BSECRET%7D",
]


class Hotline:
    """A server that ends every call at once, and remembers it."""

    def __init__(self) -> None:
        self.sessions: asyncio.Queue[Session] = asyncio.Queue()

    async def __call__(self, session: Session) -> None:
        self.sessions.put_nowait(session)
        await session.set("SANSHENG_DONE", "1")

    async def session(self) -> Session:
        return await asyncio.wait_for(self.sessions.get(), 5)


def _escaped(text: str) -> str:
    return text.replace(" ", "%20").replace(":", "%3A").replace("[", "%5B")


@pytest.mark.parametrize("number", [*ODD, *HIDDEN])
@pytest.mark.parametrize("where", ["from", "pai", "diversion", "called"])
async def test_a_number_with_control_characters_is_refused_and_counted(
    machine: Machine, management: Management, where: str, number: str
) -> None:
    hotline = Hotline()
    await machine.servers[0].start(hotline)
    odd = _escaped(number)
    headers = {
        "pai": {"P-Asserted-Identity": f"<sip:{odd}@127.0.0.1>"},
        "diversion": {"Diversion": f"<sip:{odd}@127.0.0.1>;reason=unconditional"},
    }.get(where, {})
    async with RawSip(machine.site.sip_port) as peer:
        caller, called = odd if where == "from" else "13800001111", f"4{odd}" if where == "called" else "4008001234"
        status = await peer.final(peer.invite(caller, called, headers=headers))
    assert status in (404, 484)
    assert hotline.sessions.empty()
    if status == 484:
        event = await management.expect(Event="UserEvent", UserEvent="SanshengOdd")
        assert event["What"] == "number"
        assert event["CallerIDNum"] == "<unknown>"
    assert [event.get("Event") for event in management.events if event.get("Uniqueid") == "7.7"] == []
    assert all("Event" in event or "Response" in event for event in management.events)


@pytest.mark.parametrize("number", PLAIN)
async def test_a_number_without_control_characters_is_taken_as_it_is(machine: Machine, number: str) -> None:
    hotline = Hotline()
    await machine.servers[0].start(hotline)
    async with RawSip(machine.site.sip_port) as peer:
        assert await peer.final(peer.invite(number)) == 200
        session = await hotline.session()
    assert session.env["agi_callerid"].encode() == unquote_to_bytes(number)


async def test_a_name_is_mended_and_counted(machine: Machine, management: Management) -> None:
    hotline = Hotline()
    await machine.servers[0].start(hotline)
    names: list[str] = []
    ids: list[str] = []
    async with RawSip(machine.site.sip_port) as peer:
        for name in ("张三", "Li: (sales) x", "a\x01b\x7f"):
            assert await peer.final(peer.invite("13800001111", name=name)) == 200
            env = (await hotline.session()).env
            names.append(env["agi_calleridname"])
            ids.append(env["agi_uniqueid"])
    assert names == ["张三", "Li: (sales) x", "ab"]
    event = await management.expect(Event="UserEvent", UserEvent="SanshengOdd", What="name")
    assert event["Uniqueid"] == ids[-1]


@pytest.mark.parametrize(("number", "name"), [("1" * 600, "Li"), ("13800001111", "Li " * 300)])
async def test_a_number_or_name_without_end_keeps_nobody_out(machine: Machine, number: str, name: str) -> None:
    hotline = Hotline()
    await machine.servers[0].start(hotline)
    async with RawSip(machine.site.sip_port) as peer:
        assert await peer.final(peer.invite(number, name=name)) == 200
        env = (await hotline.session()).env
    assert all(len(env[f"agi_{header}"]) <= MAX_HEADER for header in ("callerid", "calleridname", "dnid"))


async def test_every_event_of_a_channel_carries_its_token(machine: Machine, management: Management) -> None:
    tokens = machine.tokens
    hotline = Hotline()
    await machine.servers[0].start(hotline)
    async with RawSip(machine.site.sip_port) as peer:
        assert await peer.final(peer.invite("13800001111")) == 200
        session = await hotline.session()
    unique_id = session.env["agi_uniqueid"]
    assert tokens.fits(unique_id, session.query["token"])
    event = await management.expect(Event="Hangup", Uniqueid=unique_id)
    assert event["ChanVariable"] == f"SANSHENG_TOKEN={tokens.value(unique_id)}"
    assert tokens.is_genuine(tokens.value(unique_id))


async def test_asterisk_shows_nothing_of_a_channel_that_the_dialplan_did_not_let_in(
    machine: Machine, management: Management
) -> None:
    channel = {"Channel": "Local/s@refused", "Application": "Wait", "Data": "0", "Async": "true"}
    await management.action("Originate", ChannelId="stranger", **channel)
    token = machine.tokens.value("known")
    await management.action("Originate", ChannelId="known", Variable=f"__SANSHENG_TOKEN={token}", **channel)
    await management.expect(Event="Hangup", Uniqueid="known")
    assert [
        event["Uniqueid"]
        for event in management.events
        if event.get("Event") == "Hangup"
        if "stranger" in event["Uniqueid"]
    ] == []


async def test_no_password_is_asked_for_at_a_trunks_address(machine: Machine) -> None:
    """Where no trunk is on the loopback, whatever comes from a trunk's address is the trunk's."""
    phones = [AgentPhone("1002", secret="secret-of-1002")]
    statuses = {}
    for trunk in ("127.0.0.1", "126.0.0.0/7"):
        with another(machine, phones, trunk_addresses=(trunk,)) as other:
            await ready(other.site)
            async with RawSip(other.site.sip_port) as peer:
                peer.register("1002")
                answer = await asyncio.wait_for(peer.came.get(), 10)
                statuses[trunk] = int(answer.split()[1])
    assert statuses == {"127.0.0.1": 401, "126.0.0.0/7": 403}
