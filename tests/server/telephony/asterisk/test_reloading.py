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
from server.telephony.asterisk.configure import RESTART, owe, owed, settled
from server.telephony.asterisk.phones import PhoneBook
from server.telephony.asterisk.reloading import Reloading
from server.telephony.asterisk.site import AgentPhone, Site


class Asterisk:
    """Reads `pjsip_agents.conf` when it is told to, unless it hangs or is `deaf`; answers what it has."""

    def __init__(self, site: Site) -> None:
        self.hangs = self.deaf = False
        self.has: dict[str, str] = {}
        self.reloads: list[str] = []
        self.identifiers = ["username", "ip", "header", "request_uri", "auth_username"]
        self.sticks = False
        """Registering anew does not help."""
        self.channels, self.pid = 1, 100
        self._file = site.layout.etc / "pjsip_agents.conf"

    async def action(self, name: str, **fields: str) -> AmiReply:
        if self.hangs:
            raise AmiTimeout(f"{name}: Asterisk did not answer in 5 s")
        if name == "Reload":
            self.reloads.append(fields["Module"])
            if fields["Module"] == "res_pjsip.so" and not self.deaf:
                self._read()
            return AmiReply(cast(Any, {"Response": "Success"}))
        if name == "ShowIdentifiers":
            return said("\n".join(["Identifier Names:", *self.identifiers]))
        if name == "Refresh":
            assert fields["Module"] == "res_pjsip_endpoint_identifier_user.so"
            if not self.sticks:
                self.identifiers = ["ip", "username", "header", "request_uri", "auth_username"]
            return said("Unloaded and loaded")
        if name == "CountChannels":
            return said(f"{self.channels} active channels", self.pid)
        if name == "StopWhenIdle":
            assert self.channels == 0
            self.pid += 1
            raise AmiTimeout("it is gone before it answers")
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


def said(text: str, pid: int = 100) -> AmiReply:
    return AmiReply(cast(Any, {"Response": "Success", "Message": text, "Pid": str(pid)}))


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
    book = PhoneBook(lambda: site, cast(Ami, asterisk), lambda: [], reloading)
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


async def test_the_identifier_by_name_registers_anew_where_asterisk_asks_in_another_order(
    reloading: Reloading, asterisk: Asterisk, site: Site
) -> None:
    reloading.order = lambda: "header,ip,username"
    await reloading.settle()
    assert asterisk.identifiers[:2] == ["ip", "username"]
    assert (reloading.problem, owed(site.layout)) == ("", ())


async def test_asterisk_is_started_again_where_that_does_not_help(
    reloading: Reloading, asterisk: Asterisk, site: Site
) -> None:
    reloading.order, asterisk.sticks = lambda: "header,ip,username", True
    await reloading.settle()
    assert "has to be started again" in reloading.problem
    assert owed(site.layout) == (RESTART,)


async def test_asterisk_is_started_again_once_and_only_when_no_call_stands(
    reloading: Reloading, asterisk: Asterisk, site: Site
) -> None:
    owe(site.layout, [RESTART])
    await reloading.settle()
    assert "as soon as no call stands" in reloading.problem
    asterisk.channels = 0
    await asyncio.sleep(0.05)
    assert asterisk.pid == 100, "before the server is ready nothing is ended"
    reloading.may_restart = True
    await until(lambda: not reloading.problem)
    assert (asterisk.pid, owed(site.layout)) == (101, ())


async def test_an_agent_who_is_added_while_asterisk_waits_for_its_restart_has_a_telephone_at_once(
    site: Site, asterisk: Asterisk
) -> None:
    reloading = Reloading(site.layout, cast(Ami, asterisk), retry=60)
    book = PhoneBook(lambda: site, cast(Ami, asterisk), lambda: [], reloading)
    reloading.compare = book.differing
    owe(site.layout, [RESTART])
    await reloading.settle()
    await book.set("1001", "a-good-secret", "")
    assert sorted(asterisk.has) == ["1001", "1001-web"]
    assert "as soon as no call stands" in reloading.problem
    await reloading.stop()
