"""What was written for Asterisk while it hangs is taken over afterwards, and a sentence says so until then."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, cast

import pytest

from server.telephony.ami.link import Ami, AmiFailed, AmiReply, AmiTimeout
from server.telephony.asterisk import pjsip
from server.telephony.asterisk.configure import owed, settled
from server.telephony.asterisk.phones import PhoneBook
from server.telephony.asterisk.reloading import Reloading
from server.telephony.asterisk.site import AgentPhone, Site


class Asterisk:
    """Reads `pjsip_agents.conf` when it is told to, unless it hangs or is `deaf`; answers what it has."""

    def __init__(self, site: Site) -> None:
        self.hangs = self.deaf = False
        self.has: dict[str, str] = {}
        self.reloads: list[str] = []
        self._file = site.layout.etc / "pjsip_agents.conf"

    async def action(self, name: str, **fields: str) -> AmiReply:
        if self.hangs:
            raise AmiTimeout(f"{name}: Asterisk did not answer in 5 s")
        if name == "Reload":
            self.reloads.append(fields["Module"])
            if fields["Module"] == "res_pjsip.so" and not self.deaf:
                self._read()
            return AmiReply(cast(Any, {"Response": "Success"}))
        device = fields["Variable"].removeprefix("PJSIP_ENDPOINT(").partition(",")[0]
        if device not in self.has:
            raise AmiFailed(name, "no such endpoint")
        return AmiReply(cast(Any, {"Response": "Success", "Value": self.has[device]}))

    def _read(self) -> None:
        self.has, section = {}, ""
        for line in self._file.read_text().splitlines():
            section = line[1:-1] if line.startswith("[") else section
            if line.startswith(f"{pjsip.MARK}="):
                self.has[section] = line.partition("=")[2]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    folder = tmp_path / "share"
    site = Site(tmp_path / "var", folder, folder, {"zh": folder}, Path(sys.executable), folder)
    for each in site.layout.directories():
        each.mkdir(parents=True, exist_ok=True)
    return site


@pytest.fixture
def asterisk(site: Site) -> Asterisk:
    return Asterisk(site)


@pytest.fixture
async def reloading(site: Site, asterisk: Asterisk) -> AsyncIterator[Reloading]:
    reloading = Reloading(site.layout, cast(Ami, asterisk), retry=0.01)
    yield reloading
    await reloading.stop()


@pytest.fixture
def book(site: Site, asterisk: Asterisk, reloading: Reloading) -> PhoneBook:
    book = PhoneBook(site, cast(Ami, asterisk), lambda: [], reloading)
    reloading.compare = book.differing
    return book


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_an_agent_who_is_added_while_asterisk_hangs_exists_afterwards(
    book: PhoneBook, reloading: Reloading, asterisk: Asterisk, site: Site
) -> None:
    asterisk.hangs = True
    await book.set("1001", "a-good-secret", "")
    assert "did not answer" in reloading.problem
    assert "res_pjsip.so" in owed(site.layout)
    asterisk.hangs = False
    await until(lambda: not reloading.problem)
    assert sorted(asterisk.has) == ["1001", "1001-web"]
    assert owed(site.layout) == ()


async def test_a_server_that_dies_while_asterisk_hangs_leaves_a_note_for_the_next(
    book: PhoneBook, reloading: Reloading, asterisk: Asterisk, site: Site
) -> None:
    asterisk.hangs = True
    await book.set("1001", "a-good-secret", "")
    await asyncio.sleep(0.02)
    await reloading.stop()
    asterisk.hangs = False
    following = Reloading(site.layout, cast(Ami, asterisk))
    await following.settle()
    assert sorted(asterisk.has) == ["1001", "1001-web"]


async def test_a_secret_that_asterisk_has_not_taken_over_is_a_difference(
    book: PhoneBook, reloading: Reloading, asterisk: Asterisk, site: Site
) -> None:
    await book.set("1001", "a-good-secret", "")
    await book.set("1002", "", "sip:1002@192.0.2.7")
    assert (await book.differing(), reloading.problem) == ([], "")
    asterisk.deaf = True
    await book.set("1001", "a-better-secret", "")
    assert await book.differing() == ["1001"]
    assert await book.differing("1002") == []
    assert reloading.problem == (
        "Asterisk does not have the telephone of agent 1001 as it was set: see asterisk/log/messages"
    )
    asterisk.deaf = False
    await until(lambda: not reloading.problem)
    assert asterisk.has["1001"] == pjsip.mark(site, AgentPhone("1001", "a-better-secret"))


async def test_what_asterisk_lost_while_the_link_was_down_is_mended_when_it_is_up(
    book: PhoneBook, reloading: Reloading, asterisk: Asterisk
) -> None:
    await book.set("1001", "a-good-secret", "")
    asterisk.has.clear()
    reloading.linked()
    await until(lambda: asterisk.has)


async def test_an_asterisk_that_was_started_just_now_owes_nothing(
    book: PhoneBook, asterisk: Asterisk, site: Site
) -> None:
    asterisk.hangs = True
    await book.set("1001", "a-good-secret", "")
    settled(site.layout)
    assert owed(site.layout) == ()
