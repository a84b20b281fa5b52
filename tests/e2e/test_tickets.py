"""One matter's whole life with real calls: complaint, ticket, department, solution, follow-up call, second round."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from softphone.audio import Tone
from tests.e2e.conftest import Hotline, hears_tone
from tests.e2e.hearing import hears
from tests.e2e.public_network import AGENT_HZ, new_hotline, public_network

pytestmark = pytest.mark.e2e


@pytest.fixture
def calling_hotline() -> Iterator[Hotline]:
    hotline = new_hotline()
    try:
        hotline.start()
        yield hotline
        hotline.stop()
    finally:
        hotline.end()
        shutil.rmtree(hotline.home, ignore_errors=True)


async def test_a_customer_who_is_not_satisfied_in_the_follow_up_call_has_a_second_round(
    calling_hotline: Hotline,
) -> None:
    hotline, number = calling_hotline, "13800131077"

    async def ticket(*typed: str) -> dict[str, Any]:
        """A command on the ticket; the ticket after it."""
        return dict(json.loads((await hotline.command("ticket", *typed, "--json")).stdout))

    async with public_network(hotline) as network, hotline.agent("3001", complaint=5) as agent:
        async with hotline.caller(number) as phone:
            call = await phone.dial("4008001234")
            ringing = await agent.incoming()
            await ringing.answer(Tone(AGENT_HZ))
            await hears_tone(call, AGENT_HZ)
            await call.hangup()
            await ringing.ended()
        first = await hotline.ended_call(number)
        which = str(first["ticket"])
        row = await ticket("set", which, "dispatched", "--department", "logistics", "--why", "the parcel is lost")
        assert (row["state"], row["owner"], row["department"]) == ("dispatched", "3001", "logistics")
        back = await hotline.command("ticket", "set", which, "new", check=False)
        assert (back.returncode, back.stdout) == (1, "")
        assert "cannot become new; next is acknowledged" in back.stderr
        await hotline.command("ticket", "note", which, "仓库在找")
        row = await ticket("promise", which, "tomorrow 09:00")
        assert row["promised_for"] is not None
        await ticket("ask", which, "a refund of 200 yuan")
        row = await ticket("answer", which, "1", "--grant")
        assert [line["kind"] for line in row["history"]][-4:] == [
            "note",
            "promised",
            "authority_asked",
            "authority_answered",
        ]
        for state in ("acknowledged", "resolved"):
            assert (await ticket("set", which, state))["state"] == state
        follow_up = await agent.incoming()
        (promised,) = (await hotline.request("GET", "/api/v1/callbacks"))["items"]
        assert (promised["number"], promised["source"]) == (number, "follow_up")
        await follow_up.answer(Tone(AGENT_HZ))
        called = await network.rings(number)
        await hears_tone(called, AGENT_HZ)
        await follow_up.hangup()
        await hears(called, "follow-up-satisfied")
        await called.press("2", via="info")
        await hears(called, "follow-up-reached")
        await called.press("1", via="info")
        await hears(called, "survey")
        await called.press("2", via="info")
        await called.ended()
        await network.becomes(promised["id"], "kept")
        row = await ticket("show", which)
    assert (row["state"], row["round"], row["grade"], row["owner"]) == ("new", 2, "serious", "3001")
    assert row["calls"] == [first["id"], (await hotline.ended_call(number))["id"]]
    assert row["rounds"][0]["satisfied"] is False
    assert [(each["question"], each["answer"]) for each in row["rounds"][0]["answers"]] == [
        ("satisfied", "no"),
        ("reached", "yes"),
        ("mark", "2"),
    ]
    assert (row["rounds"][1]["answers"], (await hotline.ended_call(number))["satisfaction"]) == ([], None)
    kinds = [line["kind"] for line in row["history"]]
    assert kinds[:3] == ["opened", "owner", "state"]
    assert kinds[-5:] == ["answer", "state", "round", "answer", "answer"]
    listed = json.loads((await hotline.command("ticket", "list", "--owner", "3001", "--in-time", "--json")).stdout)
    assert [each["id"] for each in listed] == [row["id"]]
