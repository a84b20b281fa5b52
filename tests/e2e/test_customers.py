"""Customers, marks and notices as callers meet them: real calls, real keys, real prompts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from server.hotline.definitions import FLOWS
from tests.e2e.hearing import hears, said

if TYPE_CHECKING:
    from tests.e2e.conftest import Hotline

pytestmark = pytest.mark.e2e

NUISANCE, CUSTOMER = "13800137701", "13800137702"
ASKING = """
[nodes.holder]
kind = "identity"
prompts = ["identity-ask"]
no_match = [["identity-wrong", "identity-ask"]]
next = "menu"
unknown = "menu"
on_fail = "menu"
"""


async def test_a_confirmed_nuisance_caller_hears_the_message_and_is_never_queued(hotline: Hotline) -> None:
    await hotline.command("customer", "mark", NUISANCE, "nuisance", "--reason", "shouts")
    await hotline.command("customer", "confirm", NUISANCE)
    async with hotline.caller(NUISANCE) as phone:
        call = await phone.dial("4008001234")
        await hears(call, "nuisance")
        await call.ended(20)
        assert await said(call, ["welcome", "nuisance", "menu-main"]) == ["nuisance"]
    shown = await hotline.ended_call(NUISANCE)
    assert (shown["queue"], shown["outcome"]) == (None, "in_ivr")


async def test_a_vip_is_greeted_proves_who_it_is_and_hears_of_the_incident_of_the_queue(hotline: Hotline) -> None:
    own = hotline.home / "flows" / "hotline.toml"
    before = own.read_text(encoding="utf-8")
    original = (FLOWS / "hotline.toml").read_text(encoding="utf-8")
    edited = original.replace('open = "menu"', 'open = "holder"') + ASKING
    assert edited.count('"holder"') == 1
    log = hotline.home / "log" / "server.log"
    taken = log.read_text().count("definitions taken over")
    await hotline.command("customer", "add", "--number", CUSTOMER, "--class", "vip", "--identity", "7043")
    await hotline.command("notice", "add", "storm", "--queue", "partnership")
    own.write_text(edited, encoding="utf-8")
    try:
        await hotline.until(lambda: log.read_text().count("definitions taken over") > taken, "the flow is taken over")
        async with hotline.caller(CUSTOMER) as phone:
            call = await phone.dial("4008001234")
            await hears(call, "welcome-vip")
            asked = await hears(call, "identity-ask", within=30)
            await call.press("9999")
            wrong = await hears(call, "identity-wrong", within=20, since=asked.at)
            await hears(call, "identity-ask", within=20, since=wrong.at)
            await call.press("7043")
            menu = await hears(call, "menu-main", within=30)
            await call.press("4")
            await hears(call, "notice-incident", within=20, since=menu.at)
            row = await hotline.queued(CUSTOMER, within=20)
            assert row["queue"] == "partnership"
            await call.hangup()
        shown = await hotline.ended_call(CUSTOMER)
        assert hotline.records.call_show(shown["id"])["verified"] is True
    finally:
        own.write_text(before, encoding="utf-8")
        await hotline.command("notice", "end", "1")
