"""Trunks: a carrier that asks for a password, one that refuses, and what the hotline makes of their answers."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio

from server.hotline.trunk_secrets import store
from tests.e2e import brisk
from tests.e2e.carrier import SECRET, USER, Carrier, RefusingCarrier, carrier
from tests.e2e.conftest import Hotline, make_home

pytestmark = pytest.mark.e2e

CALLBACK = """
[callback]
outgoing = "01065529988"
window = "00:00-24:00"
delays = { busy = 1, no_answer = 1, rejected = 1, machine = 1, failed = 1, hung_up = 1, lost = 1 }
"""
REFUSER, CARRIER = "127.0.0.2", "127.0.0.3"


def trunks(refuser: str, carrier: str) -> str:
    return f"""
[trunks.first]
address = "{refuser}"
addresses = ["{REFUSER}"]
numbers = ["13*"]
numbers_out = "plus"
qualify_seconds = 1

[trunks.telecom]
address = "{carrier}"
register = true
user = "{USER}"
retry_seconds = 1
register_seconds = 30
qualify_seconds = 1
trusted = true
cli = "02155667788"
numbers_out = "idd"
user_phone = true
"""


class House:
    """One hotline with two carriers for all tests here."""

    def __init__(self, hotline: Hotline, telecom: Carrier, refuser: RefusingCarrier) -> None:
        self.hotline, self.telecom, self.refuser = hotline, telecom, refuser

    async def state(self, name: str) -> dict[str, Any]:
        rows = (await self.hotline.request("GET", "/api/v1/trunks"))["items"]
        return dict(next(row for row in rows if row["name"] == name))

    async def becomes(self, name: str, within: float = 15.0, **wanted: Any) -> dict[str, Any]:
        import asyncio

        end = asyncio.get_running_loop().time() + within
        while True:
            row = await self.state(name)
            if all(row[key] == value for key, value in wanted.items()):
                return row
            if asyncio.get_running_loop().time() > end:
                raise AssertionError(f"trunk {name} is not {wanted}: {row}\n{self.hotline.output()}")
            await asyncio.sleep(0.05)

    async def calls(self, number: str) -> dict[str, Any]:
        return dict(await self.hotline.request("POST", "/api/v1/trunks/test", {"number": number}))


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Hotline, Carrier, RefusingCarrier]]:
    hotline = Hotline(make_home())
    refuser = RefusingCarrier(REFUSER, {503: "Retry-After: 30", 302: f"Contact: <sip:900@{CARRIER}>"})
    try:
        with carrier(CARRIER, hotline.sip_port) as telecom:
            brisk.install(hotline.home)
            text = (hotline.home / "hotline.toml").read_text()
            text = re.sub(r"(?ms)^\[callback[\].].*?(?=^\[(?!callback)|\Z)", "", text)
            (hotline.home / "hotline.toml").write_text(text + CALLBACK + trunks(refuser.address, telecom.address))
            store(hotline.home, "telecom", SECRET)
            hotline.start()
            yield hotline, telecom, refuser
    finally:
        hotline.end()
        shutil.rmtree(hotline.home, ignore_errors=True)


@pytest_asyncio.fixture
async def house(running: tuple[Hotline, Carrier, RefusingCarrier]) -> AsyncIterator[House]:
    hotline, telecom, refuser = running
    async with refuser:
        made = House(hotline, telecom, refuser)
        await made.becomes("first", up=True)
        await made.becomes("telecom", up=True, registered=True)
        yield made


async def test_a_trunk_registers_and_its_calls_show_its_own_number(house: House) -> None:
    answer = await house.calls("01088886666")
    assert (answer["answered"], answer["sip"], answer["trunk"]) == (True, 200, "telecom")
    came = house.telecom.came()[-1]

    assert "sip:008601088886666@" in came or "sip:00861088886666@" in came


TABLE = {
    503: ("telecom", 200),
    404: ("first", 404),
    500: ("telecom", 200),
    484: ("first", 484),
    401: ("telecom", 200),
    486: ("first", 486),
    403: ("telecom", 200),
    480: ("first", 480),
    407: ("telecom", 200),
    603: ("first", 603),
    488: ("telecom", 200),
    300: ("first", 300),
    408: ("telecom", 200),
    302: ("first", 0),
    491: ("telecom", 200),
}


async def test_the_next_trunk_is_tried_where_a_refusal_names_the_trunk_and_only_there(house: House) -> None:
    before = len(house.telecom.came())
    got = {}
    for status in TABLE:
        answer = await house.calls(f"13800138{status}")

        got[status] = (answer["trunk"], answer["sip"])
    assert got == TABLE
    assert len(house.telecom.came()) - before == sum(sip == 200 for _, sip in TABLE.values())
