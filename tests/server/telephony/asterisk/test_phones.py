"""Agents' telephones: those that are added at the same time all get theirs."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from server.hotline.trunks import Trunk
from server.telephony.ami.link import Ami
from server.telephony.asterisk import configure, phones
from server.telephony.asterisk.phones import PhoneBook
from server.telephony.asterisk.site import Site, SiteError


class Manager:
    """Asterisk's management, as far as it reloads modules."""

    def __init__(self) -> None:
        self.reloaded: list[str] = []

    async def action(self, name: str, **fields: Any) -> None:
        assert name == "Reload"
        self.reloaded.append(fields["Module"])


@pytest.fixture
def site(tmp_path: Path) -> Site:
    folder = tmp_path / "share"
    site = Site(tmp_path / "var", folder, folder, {"zh": folder}, Path(sys.executable), folder)
    for each in site.layout.directories():
        each.mkdir(parents=True, exist_ok=True)
    return site


@pytest.fixture
def manager() -> Manager:
    return Manager()


@pytest.fixture
def known() -> list[tuple[str, str]]:
    """(agent, contact) of the agents in the log."""
    return []


@pytest.fixture
def book(site: Site, manager: Manager, known: list[tuple[str, str]]) -> PhoneBook:
    return PhoneBook(lambda: site, cast(Ami, manager), lambda: known)


async def test_an_agent_at_an_outside_number_needs_a_trunk_and_no_secret(
    book: PhoneBook, site: Site, manager: Manager, known: list[tuple[str, str]]
) -> None:
    with pytest.raises(SiteError, match="SANSHENG_TRUNK"):
        await book.set("1005", "", "tel:13900001111")
    now = replace(site, trunk="sip:127.0.0.1:5090")
    outside = PhoneBook(lambda: now, cast(Ami, manager), lambda: known)
    await outside.set("1005", "", "tel:13900001111")
    assert outside.device("1005") == "PJSIP/13900001111@1005-by-default"
    assert not (site.layout.secrets / "agents" / "1005").exists()


async def test_agents_added_at_the_same_time_all_have_a_phone(book: PhoneBook, site: Site, manager: Manager) -> None:
    agents = [str(number) for number in range(1001, 1031)]
    await asyncio.gather(*(book.set(agent, "", f"sip:{agent}@127.0.0.1:{agent}") for agent in agents))
    written = (site.layout.etc / "pjsip_agents.conf").read_text()
    assert all(f"contact=sip:{agent}@127.0.0.1:{agent}" in written for agent in agents)
    assert len(manager.reloaded) <= 4


async def test_all_agents_of_a_table_are_written_once_or_none(
    book: PhoneBook, site: Site, manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []
    as_ever = configure.configure_agents
    monkeypatch.setattr(
        phones, "configure_agents", lambda site, phones: (written.append(len(phones)), as_ever(site, phones))[1]
    )
    await book.set_all([(f"{number}", f"secret-{number}", "") for number in range(1001, 1281)])
    assert (written, len(manager.reloaded)) == ([280], 2)
    text = (site.layout.etc / "pjsip_agents.conf").read_text()
    assert all(f"password=secret-{number}\n" in text for number in range(1001, 1281))
    with pytest.raises(SiteError):
        await book.set_all([("2001", "", "sip:127.0.0.1:15071"), ("2002", "", "sip:127.0.0.1:15071")])
    assert "[2001]" not in (site.layout.etc / "pjsip_agents.conf").read_text()
    assert len(written) == 1


async def test_a_phone_that_cannot_stand_beside_the_others_is_refused_alone(book: PhoneBook, site: Site) -> None:
    tried = [book.set(agent, "", "sip:127.0.0.1:15071") for agent in ("1001", "1002")]
    first, second = await asyncio.gather(*tried, return_exceptions=True)
    assert first is None
    assert isinstance(second, SiteError)
    await book.set("1003", "", "sip:127.0.0.1:15073")
    written = (site.layout.etc / "pjsip_agents.conf").read_text()
    assert [name for name in ("[1001]", "[1002]", "[1003]") if name in written] == ["[1001]", "[1003]"]


async def test_a_removed_agent_has_no_phone(book: PhoneBook, site: Site, known: list[tuple[str, str]]) -> None:
    await book.set("1001", "", "sip:127.0.0.1:15071")
    known.append(("1001", "sip:127.0.0.1:15071"))
    await book.remove("1001")
    known.clear()
    await book.set("1002", "", "sip:127.0.0.1:15072")
    assert "[1001]" not in (site.layout.etc / "pjsip_agents.conf").read_text()


async def test_an_agent_whose_telephone_is_refused_today_takes_no_other_agents_away(
    book: PhoneBook, site: Site, known: list[tuple[str, str]]
) -> None:
    known += [("1001", "sip:1001@127.0.0.1:9&PJSIP/16812345678@trunk-out"), ("1003", "")]
    (site.layout.secrets / "agents").mkdir(parents=True)
    (site.layout.secrets / "agents" / "1003").write_text("an-older-$ecret\n")
    await book.set("1002", "", "sip:127.0.0.1:15072")
    written = (site.layout.etc / "pjsip_agents.conf").read_text()
    assert [name for name in ("[1001]", "[1002]", "[1003]") if name in written] == ["[1002]"]
    assert book.device("1001") == "PJSIP/1001"


async def test_telephones_follow_the_trunks_of_now(site: Site, manager: Manager, known: list[tuple[str, str]]) -> None:
    now = [replace(site, trunks=(Trunk("first", "203.0.113.7"),))]
    book = PhoneBook(lambda: now[0], cast(Ami, manager), lambda: known)
    await book.set("1005", "", "tel:13900001111")
    await book.set("1006", "", "sip:1006@203.0.113.8:5070")
    assert "203.0.113.8:5070" in (site.layout.etc / "fixed-phones.conf").read_text()
    now[0] = replace(site, trunks=(Trunk("first", "203.0.113.7"), Trunk("second", "203.0.113.8")))
    await book.follow()
    assert book.device("1005") == "PJSIP/13900001111@1005-by-first&PJSIP/13900001111@1005-by-second"
    assert "203.0.113.8" not in (site.layout.etc / "fixed-phones.conf").read_text()
    now[0] = site
    await book.follow()
    assert "[1005" not in (site.layout.etc / "pjsip_agents.conf").read_text()
