"""The result of Dial waits for what Asterisk's events tell of the phones that it called."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from server.telephony.channels.dialled import DialledPhones
from server.telephony.channels.ownership import AgentChannel


def dialled() -> DialledPhones:
    dispatcher: Any = SimpleNamespace(submit=lambda *events: None)
    ami: Any = None
    return DialledPhones(dispatcher, ami, rings_within=lambda: 0.0, hang_up=lambda channel: None)


def phone(name: str, offer: int = 3) -> AgentChannel:
    return AgentChannel(7, offer, "1001", f"PJSIP/1001-{name}", "u1")


async def test_a_phone_that_sent_the_call_elsewhere_is_told_of_however_late_the_event_comes() -> None:
    phones, first, second = dialled(), phone("a"), phone("b")
    phones.begin("a", first)
    phones.begin("b", second)
    waiting = asyncio.create_task(phones.told(3, within=10.0))
    phones.end("b", second, "BUSY", "sip:900@elsewhere.example")
    await asyncio.sleep(0)
    assert not waiting.done(), "the agent's other phone is still called"
    phones.gone("a", first, "lost")
    await asyncio.wait_for(waiting, 2.0)
    assert phones.was_redirected(3)


async def test_nothing_is_waited_for_where_no_phone_of_the_offer_is_called() -> None:
    phones = dialled()
    phones.begin("c", phone("c", offer=4))
    await asyncio.wait_for(phones.told(3, within=10.0), 1.0)


async def test_an_event_that_never_comes_holds_the_caller_up_for_a_moment_only() -> None:
    phones = dialled()
    phones.begin("a", phone("a"))
    await asyncio.wait_for(phones.told(3, within=0.01), 2.0)
