"""Asterisk reads no more of its documentation than it refuses to start without."""

from __future__ import annotations

import os
from pathlib import Path
from xml.etree import ElementTree

import pytest

from provision import default_cache, provision
from server.telephony.asterisk import documentation
from server.telephony.asterisk.configure import configure
from server.telephony.asterisk.site import Site
from tests.server.telephony.asterisk.test_configure import here

__all__ = ["here"]

WHOLE = """<docs xmlns:xi="http://www.w3.org/2001/XInclude">
<module name="app_dial"/>
<application name="Dial" language="en_US"><synopsis>Calls somebody.</synopsis><description>Much.</description>
</application>
<configInfo name="res_pjsip" language="en_US">
<configFile name="pjsip.conf"><configObject name="endpoint"/></configFile></configInfo>
<managerEvent name="Hangup"><synopsis>Over.</synopsis></managerEvent>
</docs>"""
INCLUDE = """<xi:include xpointer="xpointer(/docs/manager[@name='Login'])"/>"""


@pytest.fixture
def source(here: Site) -> Path:
    file = here.data / "documentation" / documentation.NAME
    file.write_text(WHOLE)
    return file


def of_home(here: Site) -> Path:
    return here.layout.data / "documentation"


def test_options_stay_whole_and_of_the_rest_the_names_that_asterisk_looks_up(here: Site, source: Path) -> None:
    configure(here)
    short = ElementTree.parse(of_home(here) / documentation.NAME).getroot()
    assert [(each.tag, each.get("name")) for each in short] == [("application", "Dial"), ("configInfo", "res_pjsip")]
    assert [each.text for each in short[0]] == [f"See {source}"]
    assert short[1].find("configFile/configObject") is not None


def test_it_is_made_once_for_each_asterisk(here: Site, source: Path) -> None:
    configure(here)
    made = of_home(here) / documentation.NAME
    before = made.stat().st_mtime_ns
    configure(here)
    assert made.stat().st_mtime_ns == before
    source.write_text(WHOLE.replace("Dial", "Answer"))
    os.utime(source, ns=(0, before + 1))
    configure(here)
    assert 'name="Answer"' in made.read_text()


def test_a_link_to_the_whole_gives_way(here: Site, source: Path) -> None:
    of_home(here).parent.mkdir(parents=True)
    of_home(here).symlink_to(source.parent)
    configure(here)
    assert not of_home(here).is_symlink()
    assert source.read_text() == WHOLE


@pytest.mark.parametrize(
    "text",
    [
        "<docs>",
        '<docs><application name="Dial"/></docs>',
        WHOLE.replace(
            "<configObject", "<xi:include xpointer=\"xpointer(/docs/manager[@name='Login'])\"/><configObject"
        ),
    ],
    ids=["broken", "without options", "an option that takes words from elsewhere"],
)
def test_what_cannot_be_shortened_is_read_whole(here: Site, source: Path, text: str) -> None:
    configure(here)
    source.write_text(text)
    configure(here)
    assert of_home(here).is_symlink()
    assert (of_home(here) / documentation.NAME).read_text() == text


def test_an_asterisk_without_documentation_gets_none(here: Site) -> None:
    configure(here)
    assert list(of_home(here).iterdir()) == []


def test_the_installed_asterisk_has_every_option_described() -> None:
    tool = provision("asterisk", default_cache(), lambda line: None)
    assert tool.data is not None
    folder = tool.data / "documentation"
    short = documentation.shortened(folder)
    assert short is not None
    whole = (folder / documentation.NAME).read_bytes()
    assert short.count(b"<configOption ") == whole.count(b"<configOption ")
    assert len(short) < len(whole) / 3
