"""Calls that the hotline places: the line of an offer, the agent's channel and the customer's follow one another."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from server.hotline.live_call import line_id
from server.telephony.asterisk.site import AgentPhone
from server.telephony.channels.dial import AGENT_TO_CUSTOMER, LINE_TO_CUSTOMER, TO_AGENT
from server.telephony.channels.ownership import origin_id
from server.telephony.tokens import VARIABLE
from softphone.audio import Tone
from softphone.phone import Answer, Phone, Ring

from .conftest import TONES, Machine, Management, Session

NUMBER = "13800138000"
RINGING = 450


class DiallingServer:
    """A server that dials as it should, and remembers who came."""

    def __init__(self, device: str, *, customer_first: bool = False) -> None:
        self.device, self.customer_first = device, customer_first
        self.came: list[tuple[str, ...]] = []
        """Script, both arguments, DIALSTATUS and the linked id of every session."""
        self.agent = asyncio.get_running_loop().create_future()
        self.done = asyncio.Event()

    async def __call__(self, session: Session) -> None:
        script = urlsplit(session.env["agi_request"]).path.strip("/")
        given = session.query["1"], session.query["2"]
        status = await session.get("DIALSTATUS")
        self.came.append((script, *given, status, await session.get("CHANNEL(linkedid)")))
        if script == "line":
            place = LINE_TO_CUSTOMER if self.customer_first else TO_AGENT
            device = f"PJSIP/{NUMBER}@trunk-out" if self.customer_first else self.device
            await session.set("__SANSHENG_ATTEMPT", "1")
            await session.command(f'EXEC Dial "{device},10,G({place})"')
        elif script == "callback-agent" and not status:
            await session.set("CALLERID(all)", "01012345678")
            await session.set("__SANSHENG_ATTEMPT", "1")
            await session.command(f'EXEC Dial "PJSIP/{NUMBER}@trunk-out,10,G({AGENT_TO_CUSTOMER})"')
        elif script == "callback-agent":
            self.agent.set_result(session.env["agi_channel"])
            await session.command("WAIT FOR DIGIT 20000")
        else:
            if not self.customer_first:
                await session.command(f'EXEC Bridge "{await self.agent},x"')
            await session.set("SANSHENG_DONE", "1")
            self.done.set()


def device(fixed_ports: dict[str, int]) -> str:
    return AgentPhone("1001", contact=f"sip:1001@127.0.0.1:{fixed_ports['1001']}").dial(
        lambda device: "-web" not in device
    )


def network(machine: Machine) -> Phone:
    return Phone("network", "127.0.0.1", machine.site.sip_port, port=int(machine.site.trunk.rpartition(":")[2]))


async def originate(machine: Machine, management: Management, offer: int, call: int = 17) -> None:
    reply = await management.action(
        "Originate",
        Channel="Local/s@callback-line",
        ChannelId=origin_id(offer),
        OtherChannelId=line_id(offer),
        Application="Wait",
        Data="1",
        Async="true",
        Timeout="600000",
        Variable=f"__SANSHENG_CALL={call},__SANSHENG_OFFER={offer},__{VARIABLE}={machine.tokens.value(origin_id(offer))}",
    )
    assert reply["Response"] == "Success"


async def test_an_agent_who_picks_up_hears_the_customers_phone_ring_and_is_joined(
    machine: Machine, management: Management, fixed_ports: dict[str, int]
) -> None:
    dialling = DiallingServer(device(fixed_ports))
    await machine.servers[0].start(dialling)
    async with machine.phone("1001", port=fixed_ports["1001"]) as agent, network(machine) as customer:
        agent.on_invite, customer.on_invite = Answer(0.1, Tone(600)), Ring()
        await originate(machine, management, 5)
        leg = await agent.incoming(5)
        called = await customer.incoming(5)
        assert called.invite is not None
        assert called.invite.uri.user == NUMBER
        assert called.number == "01012345678"
        await leg.heard(RINGING, within=3)
        await called.answer(Tone(1000))
        await leg.heard(1000, within=5)
        await called.heard(600, within=5)
        await leg.hangup()
        await asyncio.wait_for(dialling.done.wait(), 5)
        await called.ended(5)
    assert sorted(dialling.came) == [
        ("callback-agent", "17", "5", "", origin_id(5)),
        ("callback-agent", "17", "5", "ANSWER", origin_id(5)),
        ("called", "17", "1", "", origin_id(5)),
        ("line", "17", "5", "", origin_id(5)),
    ]


async def test_a_customer_who_is_called_first_goes_on_alone(
    machine: Machine, management: Management, fixed_ports: dict[str, int]
) -> None:
    dialling = DiallingServer(device(fixed_ports), customer_first=True)
    await machine.servers[0].start(dialling)
    async with network(machine) as customer:
        customer.on_invite = Answer(0.1, Tone(1000))
        await originate(machine, management, 6)
        called = await customer.incoming(5)
        await asyncio.wait_for(dialling.done.wait(), 5)
        await called.ended(5)
        gone = await management.expect(Event="Hangup", Uniqueid=line_id(6))
    assert gone["Linkedid"] == origin_id(6)
    assert [each[0] for each in dialling.came] == ["line", "called"]


async def test_lines_whose_numbers_begin_alike_ring_side_by_side_and_are_hung_up_apart(
    machine: Machine, management: Management, fixed_ports: dict[str, int]
) -> None:
    await machine.servers[0].start(DiallingServer(device(fixed_ports)))
    async with machine.phone("1001", port=fixed_ports["1001"]) as agent:
        agent.on_invite = Ring()
        for offer in (7, 77, 777):
            await originate(machine, management, offer)
        legs = [await agent.incoming(5) for _ in range(3)]
        await management.action("Hangup", Channel=line_id(7))
        await management.expect(Event="Hangup", Uniqueid=line_id(7))
        here = {event["Uniqueid"] for event in management.events if event.get("Event") == "Hangup"}
        assert not here & {line_id(77), line_id(777)}
        for offer in (77, 777):
            await management.action("Hangup", Channel=line_id(offer))
        for leg in legs:
            await leg.ended(5)


async def test_a_customer_whom_no_server_takes_hears_music_and_then_why(
    machine: Machine, management: Management, fixed_ports: dict[str, int]
) -> None:
    async def dies(session: Session) -> None:
        await session.set("__SANSHENG_ATTEMPT", "1")
        await session.command(f'EXEC Dial "PJSIP/{NUMBER}@trunk-out,10,G({LINE_TO_CUSTOMER})"')

    await machine.servers[0].start(dies)
    async with network(machine) as customer:
        customer.on_invite = Ring()
        await originate(machine, management, 8)
        called = await customer.incoming(5)
        await machine.servers[0].die()
        await called.answer(Tone(1000))
        await called.heard(TONES["agent-server-away"], within=10)
        await called.ended(5)
