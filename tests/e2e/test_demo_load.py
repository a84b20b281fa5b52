"""`sansheng demo load`: the floor moves by real calls, and neither agents nor promises are left."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.e2e.conftest import Hotline, make_home, running

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def hotline() -> Iterator[Hotline]:
    """One running hotline as it comes. Nobody is signed in."""
    hotline = Hotline(make_home(), {})
    with running(hotline):
        yield hotline


async def test_callers_are_served_by_agents_of_the_demo_who_are_gone_afterwards(hotline: Hotline) -> None:
    load = ("demo", "load", "--calls", "5", "--agents", "3", "--at-once", "3", "--every", "1", "--talk", "3")
    done = await hotline.command(*load, "--longest", "120")
    assert "3 agents of team demo take calls; 5 callers call" in done.stdout
    assert "5 calls are over" in done.stdout
    assert "served" in done.stdout
    calls = json.loads((await hotline.command("call", "list", "--json")).stdout)
    assert len(calls) == 5
    assert {call["agent"] for call in calls if call["outcome"] == "handled"} <= {"9101", "9102", "9103"}
    assert [each for each in hotline.records.agent_list() if each["id"].startswith("91")] == []
    promises = json.loads((await hotline.command("callback", "list", "--json")).stdout)
    assert [each for each in promises if each["state"] in ("pending", "dialling")] == []
