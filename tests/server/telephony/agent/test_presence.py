"""Which phones are reachable: an event for each change, and none for contacts that come and go in a reload."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import acd.events as acd
from acd.policy.definitions import Skill
from server.eventlog.log import START, Log
from server.hotline.dispatcher import Dispatcher
from server.hotline.view import View
from server.telephony.agent.presence import Presence
from server.telephony.ami.link import AmiFailed, LinkState

PHONE, OTHER = "sip:1001@127.0.0.1:5071", "sip:1001@127.0.0.1:5072"
SETTLE = 0.1


class Link:
    """An AMI link whose events a test sends."""

    def __init__(self) -> None:
        self.state = LinkState.UP
        self.variables: dict[str, str] = {}
        self._callbacks: dict[str, Callable[[Any], None]] = {}
        self._states: list[Callable[..., None]] = []

    def subscribe(self, name: str, callback: Callable[[Any], None]) -> None:
        self._callbacks[name] = callback

    def on_state(self, callback: Callable[..., None]) -> None:
        self._states.append(callback)

    async def up(self) -> None:
        for callback in self._states:
            callback(self.state, "connected")

    async def action(self, name: str, Variable: str) -> dict[str, str]:
        assert name == "Getvar"
        if Variable not in self.variables:
            raise AmiFailed(name, "there is no such thing")
        return {"Value": self.variables[Variable]}

    def contact(self, aor: str, uri: str, status: str) -> None:
        self._callbacks["ContactStatus"]({"AOR": aor, "URI": uri, "ContactStatus": status})


@pytest.fixture
async def link(dispatcher: Dispatcher) -> Link:
    link = Link()
    presence = Presence(dispatcher, View(lambda: dispatcher.state), link, settle=SETTLE)  # type: ignore[arg-type]
    link.subscribe("ContactStatus", presence.contact)
    link.on_state(presence.link)
    dispatcher.listen(presence.follow)
    return link


async def _define(dispatcher: Dispatcher, contact: str = "") -> None:
    await dispatcher.record(acd.AgentDefined("1001", "Li", (Skill("complaint", 5),), contact=contact))


async def _is(dispatcher: Dispatcher, reachable: bool) -> bool:
    def said(state: Any) -> bool:
        agent = state.floor.agent("1001")
        return agent is not None and agent.phone is reachable

    return await dispatcher.until(said, 2.0)


async def _told(dispatcher: Dispatcher, log: Log) -> list[bool]:
    await dispatcher.record(acd.Tick())
    return [entry.event.reachable for entry in await log.read(START) if isinstance(entry.event, acd.PhoneSeen)]


async def test_an_agent_who_has_not_registered_is_offered_nothing_until_the_phone_is_there(
    dispatcher: Dispatcher, log: Log, link: Link
) -> None:
    await _define(dispatcher)
    assert await _is(dispatcher, False)
    link.contact("1001", PHONE, "Created")
    assert await _is(dispatcher, True)
    link.contact("1001", PHONE, "Removed")
    assert await _is(dispatcher, False)
    assert await _told(dispatcher, log) == [False, True, False]


async def test_a_contact_that_a_reload_takes_away_and_brings_back_is_not_told(
    dispatcher: Dispatcher, log: Log, link: Link
) -> None:
    await _define(dispatcher)
    link.contact("1001", PHONE, "Reachable")
    assert await _is(dispatcher, True)
    link.contact("1001", PHONE, "Removed")
    link.contact("1001", PHONE, "Created")
    link.contact("1001-web", OTHER, "Created")
    link.contact("1001", PHONE, "Unreachable")
    assert await _told(dispatcher, log) == [True]


async def test_a_fixed_contact_of_which_nothing_is_known_yet_is_taken_to_answer(
    dispatcher: Dispatcher, link: Link
) -> None:
    await _define(dispatcher, contact=PHONE)
    assert not await dispatcher.until(lambda state: not state.floor.agent("1001").phone, 3 * SETTLE)
    link.contact("1001", PHONE, "Unreachable")
    assert await _is(dispatcher, False)


async def test_phones_that_are_there_when_the_link_comes_up_stay_reachable(dispatcher: Dispatcher, link: Link) -> None:
    await _define(dispatcher)
    name = "1001;@a39856b37bd1c0a6a1b1c1d1e1f10111"
    link.variables = {
        "PJSIP_AOR(1001,contact)": name,
        f"PJSIP_CONTACT({name},uri)": PHONE,
        f"PJSIP_CONTACT({name},status)": "Reachable",
    }
    await link.up()
    assert await _is(dispatcher, True)
    assert not await dispatcher.until(lambda state: not state.floor.agent("1001").phone, 3 * SETTLE)
