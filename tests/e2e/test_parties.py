"""A caller is one customer however a carrier writes the number, and nobody where the number is withheld."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from softphone import sip

if TYPE_CHECKING:
    from tests.e2e.conftest import Hotline

pytestmark = pytest.mark.e2e

NUMBER = "13800131071"
SPELLINGS = (NUMBER, "+8613800131071", "8613800131071", "008613800131071", "013800131071", "+86-138-0013-1071")
ASSERTED = "13800131072"


async def wait_and_give_up(hotline: Hotline, caller_id: str, *headers: sip.Header, name: str = "") -> dict[str, Any]:
    """A caller who is shown so waits for an agent and gives up; the call in the records."""

    def newest() -> dict[str, Any]:
        return (hotline.records.call_list(limit=1).items or [{"id": 0}])[0]

    before = newest()["id"]

    def queued() -> dict[str, Any] | None:
        row = newest()
        return row if row["id"] > before and row["queued_at"] and row["ticket"] else None

    async with hotline.caller("trunk") as phone:
        call = await phone.dial("4008001234", caller_id=caller_id, name=name, headers=headers)
        await call.answered()
        await call.press("14")  # a complaint, about an agent; a caller of a known number is in the queue already
        row = await hotline.until(queued, f"{caller_id} waits in a queue")
        await call.hangup()
    await hotline.until(lambda: hotline.records.call_show(row["id"])["ended_at"], f"call {row['id']} is over")
    return dict(hotline.records.call_show(row["id"]))


async def test_every_spelling_of_a_number_is_one_customer_with_one_ticket(hotline: Hotline) -> None:
    calls = [await wait_and_give_up(hotline, spelling) for spelling in SPELLINGS]
    assert {(call["caller"], call["withheld"]) for call in calls} == {(NUMBER, False)}
    assert len({call["ticket"] for call in calls}) == 1
    listed = (await hotline.request("GET", "/api/v1/calls?caller=%2B86%20138-0013-1071"))["items"]
    assert {row["id"] for row in listed} == {call["id"] for call in calls}
    typed = await hotline.command("call", "list", "--caller", "+86 138 0013 1071", "--json")
    assert NUMBER in typed.stdout
    tickets = json.loads((await hotline.command("ticket", "list", "--caller", f"0086{NUMBER}", "--json")).stdout)
    assert [row["id"] for row in tickets] == [calls[0]["ticket"]]


async def test_a_caller_who_withholds_the_number_is_nobody_each_time(hotline: Hotline) -> None:
    asserted = ("P-Asserted-Identity", f"<sip:+86{ASSERTED}@carrier.example>")
    calls = [
        await wait_and_give_up(hotline, "anonymous", name="Anonymous"),
        await wait_and_give_up(hotline, "Restricted"),
        await wait_and_give_up(hotline, "00000000"),
        await wait_and_give_up(hotline, "anonymous", asserted, ("Privacy", "id")),
        await wait_and_give_up(hotline, ASSERTED, ("Privacy", "user;critical")),
    ]
    assert {(call["caller"], call["withheld"]) for call in calls} == {("", True)}
    assert len({call["ticket"] for call in calls}) == len(calls)
    assert all(ASSERTED not in str(call) for call in calls)
    for file in (hotline.home / "log").glob("*"):
        assert ASSERTED.encode() not in file.read_bytes(), f"{file} has the number"


async def test_an_asserted_identity_without_privacy_is_the_caller(hotline: Hotline) -> None:
    call = await wait_and_give_up(
        hotline, "4008001234", ("P-Asserted-Identity", "<tel:+8613800131073>"), name="Carrier"
    )
    assert call["caller"] == "13800131073"
