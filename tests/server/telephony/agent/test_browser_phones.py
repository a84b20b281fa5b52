"""One page has an agent's phone at a time, and a page that lost it is told at once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from server.telephony.agent.browser_phones import BrowserPhones
from server.telephony.ami.link import AmiTimeout
from server.telephony.asterisk.web_secrets import Holder
from server.usecases.errors import Conflict
from server.usecases.page_phones import SIGNED_OFF, STOPPING, TAKEN_OVER, PhoneInUse

LATER = 1000.0


class Store:
    """Asterisk's database; `broken` when it does not answer."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple[Holder, str]] = {}
        self.broken = False

    async def put(self, holder: Holder, ha1: str) -> None:
        self._answer()
        self.kept[holder.agent] = holder, ha1

    async def remove(self, agent: str) -> None:
        self._answer()
        self.kept.pop(agent, None)

    async def holders(self) -> list[Holder]:
        return [holder for holder, _ in self.kept.values()]

    def _answer(self) -> None:
        if self.broken:
            raise AmiTimeout("Asterisk did not answer in 5 s")


def phones(store: Store, now: float = 0.0) -> BrowserPhones:
    shaped: Any = store
    made = BrowserPhones(shaped, clock=lambda: now)
    return made


async def test_each_page_has_another_secret_and_the_last_one_counts() -> None:
    store = Store()
    pages = phones(store)
    first = await pages.open("1001", "s1", LATER, take_over=False)
    second = await pages.open("1001", "s1", LATER, take_over=False)
    assert first.ha1 != second.ha1
    assert store.kept["1001"][1] == second.ha1
    with pytest.raises(Conflict, match="not any more"), pages.attach("1001", first.id, "s1"):
        pass
    with pytest.raises(Conflict), pages.attach("1001", second.id, "s2"):
        pass
    with pages.attach("1001", second.id, "s1") as line:
        assert line.device == second.user == "1001-web"
        assert pages.connected("1001")
    assert not pages.connected("1001")


async def test_a_connected_page_keeps_the_phone_unless_another_takes_it_over() -> None:
    told: list[str] = []
    pages = phones(Store())
    pages.gone = lambda agent: told.append(f"{agent} is gone")
    pages.opened = lambda agent: told.append(f"{agent} is opened")
    given = await pages.open("1001", "s1", LATER, take_over=False)

    async def connected() -> int:
        with pages.attach("1001", given.id, "s1") as line:
            return await line.ended()

    page = asyncio.create_task(connected())
    await asyncio.sleep(0)
    with pytest.raises(PhoneInUse, match="take it over"):
        await pages.open("1001", "s2", LATER, take_over=False)
    await pages.open("1001", "s2", LATER, take_over=True)
    assert await page == TAKEN_OVER
    assert told == ["1001 is opened", "1001 is gone", "1001 is opened"]


async def test_a_page_whose_sign_in_ends_is_disconnected_and_others_are_not() -> None:
    store = Store()
    pages = phones(store)
    one = await pages.open("1001", "s1", LATER, take_over=False)
    await pages.open("1002", "s2", LATER, take_over=False)
    with pages.attach("1001", one.id, "s1") as line:
        closing = asyncio.create_task(pages.close("1001", "s2"))
        await closing
        assert set(store.kept) == {"1001", "1002"}
        ending = asyncio.create_task(pages.close("1001", "s1"))
        assert await line.ended() == SIGNED_OFF
    await ending
    assert pages.holders() == [("1002", "s2")]


async def test_a_page_that_was_reloaded_keeps_its_phone_when_the_farewell_of_before_comes_late() -> None:
    store = Store()
    pages = phones(store)
    first = await pages.open("1001", "s1", LATER, take_over=False)
    second = await pages.open("1001", "s1", LATER, take_over=False)
    await pages.close("1001", "s1", first.id)
    assert store.kept["1001"][1] == second.ha1
    await pages.close("1001", "s1", second.id)
    assert store.kept == {}


async def test_the_next_lead_knows_the_pages_of_the_one_before() -> None:
    store = Store()
    before = phones(store)
    given = await before.open("1001", "s1", LATER, take_over=False)
    await before.open("1002", "s2", 5.0, take_over=False)
    with before.attach("1001", given.id, "s1") as line:
        await before.stop()
        assert await line.ended() == STOPPING
    after = phones(store, now=6.0)
    await after.begin()
    assert after.holders() == [("1001", "s1")]
    with after.attach("1001", given.id, "s1"):
        assert after.connected("1001")


async def test_a_page_has_no_phone_while_asterisk_cannot_be_told() -> None:
    store = Store()
    store.broken = True
    pages = phones(store)
    with pytest.raises(Conflict, match="did not take"):
        await pages.open("1001", "s1", LATER, take_over=False)
    assert pages.holders() == []
