"""Asterisk reads the values that the server wrote into its files: a test for each field, with awkward values."""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.telephony.asterisk import modules
from server.telephony.asterisk.configure import AMI_SECRET, configure_agents
from server.telephony.asterisk.ready import ready
from server.telephony.asterisk.site import AgentPhone, SiteError

from .conftest import Machine, Management, another, free_port

AWKWARD = ">;s--;--'\"=x,.%`~{}!@*?:/-+"
CONTACT = "sip:1.0'0!1~*@127.0.0.1:15071;transport=tcp;user=phone"


@pytest.fixture(scope="module")
def odd(asterisk: Machine) -> Iterator[Machine]:
    """An Asterisk with awkward values wherever they are allowed."""
    home = Path(tempfile.mkdtemp(prefix=">三;--声 '=%~"))
    music = home / "music;--"
    music.mkdir()
    (music / "a.wav").symlink_to(asterisk.site.home / "music" / "a.wav")
    (home / "secrets").mkdir()
    (home / "secrets" / AMI_SECRET).write_text(AWKWARD)
    change = {
        "home": home,
        "music": {"default": music, "a-queue_1": music},
        "trunk": "sip:400@127.0.0.1:5099;transport=tcp;user=phone",
        "trunk_addresses": ("127.0.0.1", "203.0.113.0/29", "2001:db8::/32"),
        "external_address": "203.0.113.9",
        "servers": ("[::1]:4573", "pbx-2.example:4574"),
        "max_calls": 7,
        "calls_per_second": 8,
        "max_fallbacks": 9,
        "away_after": 11,
        "rtp_timeout": 123,
    }
    phones = [
        AgentPhone("1001", contact=CONTACT),
        AgentPhone("1002", secret=AWKWARD),
        AgentPhone("a_1", contact="sip:x@[::1]:5072"),
    ]
    with another(asterisk, phones, **change) as machine:
        asyncio.run(ready(machine.site))
        yield machine


def field(text: str, name: str) -> str:
    """The value in a line `name : value`, or `name: value`."""
    found = re.search(rf"(?m)^\s*{re.escape(name)}\s*:[ ]+(.*?)\s*$", text)
    return found[1] if found else ""


@pytest.mark.parametrize(
    ("shown", "folder"),
    [
        ("Configuration directory", "etc"),
        ("Spool directory", "spool"),
        ("Log directory", "log"),
        ("Run/Sockets directory", "run"),
        ("VarLib directory", "lib"),
        ("Data directory", "data"),
        ("IAX2 Keys directory", "keys"),
        ("AGI Scripts directory", "agi"),
    ],
)
def test_asterisk_conf_has_the_home(odd: Machine, shown: str, folder: str) -> None:
    assert field(odd.command("core show settings"), shown) == str(odd.site.layout.root / folder)


def test_asterisk_conf_has_the_language(odd: Machine) -> None:
    assert field(odd.command("core show settings"), "Default language") == "zh"


def test_modules_conf_has_every_module_and_no_other(odd: Machine) -> None:
    loaded = set(re.findall(r"(?m)^(\S+)\.so .* Running", odd.command("module show")))
    assert loaded == set(modules.present(odd.site.modules))


def test_pjsip_conf_has_the_ports(odd: Machine) -> None:
    for protocol in ("udp", "tcp"):
        shown = odd.command(f"pjsip show transport transport-{protocol}")
        assert field(shown, "bind") == f"127.0.0.1:{odd.site.sip_port}"
        assert field(shown, "external_signaling_address") == "203.0.113.9"
        assert field(shown, "external_media_address") == "203.0.113.9"


def test_pjsip_conf_has_the_trunk(odd: Machine) -> None:
    assert field(odd.command("pjsip show aor trunk-out"), "contact") == odd.site.trunk
    for endpoint in ("trunk", "trunk-out"):
        shown = odd.command(f"pjsip show endpoint {endpoint}")
        assert field(shown, "rtp_timeout") == "123"
        assert field(shown, "media_address") == "127.0.0.1"


def test_pjsip_conf_has_the_trunks_addresses(odd: Machine) -> None:
    matched = re.findall(r"Match: (\S+)", odd.command("pjsip show identify trunk"))
    assert matched == ["127.0.0.1/32", "203.0.113.0/29", "2001:db8::/32"]


def test_an_agents_secret_is_the_one_given(odd: Machine) -> None:
    assert field(odd.command("pjsip show auth 1002"), "password") == AWKWARD


def test_an_agents_contact_is_the_one_given(odd: Machine) -> None:
    assert field(odd.command("pjsip show aor 1001"), "contact") == CONTACT
    assert field(odd.command("pjsip show aor a_1"), "contact") == "sip:x@[::1]:5072"


def test_an_agents_number_is_the_one_given(odd: Machine) -> None:
    for agent, endpoint in (("1001", "1001"), ("1002", "1002-web"), ("a_1", "a_1")):
        shown = odd.command(f"pjsip show endpoint {endpoint}")
        assert field(shown, "SANSHENG_AGENT") == agent
        assert field(shown, "callerid") == f'"{agent}" <{agent}>'


def test_fixed_phones_conf_has_the_address_of_each_fixed_phone(odd: Machine) -> None:
    shown = odd.command("dialplan show fixed-phones")
    assert re.findall(r"'(\S+)' => +1\. (\S+)", shown) == [
        ("127.0.0.1:15071", "Return(1001)"),
        ("[::1]:5072", "Return(a_1)"),
    ]


async def test_manager_conf_has_the_secret(odd: Machine) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", odd.site.ami_port)
    writer.write(f"Action: Login\r\nUsername: sansheng\r\nSecret: {AWKWARD}\r\nEvents: off\r\n\r\n".encode())
    assert b"Authentication accepted" in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    writer.close()


def test_rtp_conf_has_the_ports(odd: Machine) -> None:
    shown = odd.command("rtp show settings")
    assert (field(shown, "Port start"), field(shown, "Port end")) == ("19000", "19099")


def test_http_conf_has_the_port(odd: Machine) -> None:
    assert f"Bound to 127.0.0.1:{odd.site.http_port}" in odd.command("http show status")


def test_musiconhold_conf_has_every_folder(odd: Machine) -> None:
    shown = odd.command("moh show classes")
    assert sorted(re.findall(r"Class: (\S+)", shown)) == ["a-queue_1", "default", "later"]
    folder = str(odd.site.music["default"])
    assert re.findall(r"Directory: (.*)", shown) == [folder, "nodir", folder]
    assert str(odd.site.layout.silence) in odd.command("moh show files")


def test_logger_conf_has_the_file(odd: Machine) -> None:
    assert (odd.site.layout.log / "messages").exists()


def test_indications_conf_has_the_tones(odd: Machine) -> None:
    assert re.search(r"cn\s+ring\s+450/1000,0/4000", odd.command("indication show cn"))


def test_servers_conf_has_every_server(odd: Machine) -> None:
    shown = odd.command("dialplan show servers")
    assert re.findall(r"AGI\(agi://(.*?)/", shown) == ["[::1]:4573", "pbx-2.example:4574"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SERVERS", "2"),
        ("MAX_CALLS", "7"),
        ("CALLS_PER_SECOND", "8"),
        ("MAX_FALLBACKS", "9"),
        ("AWAY_AFTER", "11"),
    ],
)
def test_globals_conf_has_the_limits_and_servers(odd: Machine, name: str, value: str) -> None:
    assert f"   {name}={value}\n" in odd.command("dialplan show globals")


async def test_one_refused_contact_takes_no_other_agent_away(odd: Machine) -> None:
    for contact in ("sip:2@127.0.0.1:9&PJSIP/16812345678@trunk-out", "sip:2@127.0.0.1;--x", "sip:2@127.0.0.1;x=;--"):
        with pytest.raises(SiteError, match="no SIP address"):
            AgentPhone("1000", contact=contact)
    assert "1002-web" in odd.command("pjsip show endpoints")


async def test_a_contact_over_tcp_is_called_over_tcp(machine: Machine, management: Management) -> None:
    came: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not (line := await reader.readline()).startswith(b"INVITE"):
            assert line, "the connection ended"
        came.set_result(line)
        writer.close()

    port = free_port()
    server = await asyncio.start_server(take, "127.0.0.1", port)
    phone = AgentPhone("1007", contact=f"sip:1007@127.0.0.1:{port};transport=tcp")
    try:
        configure_agents(machine.site, [phone])
        machine.command("module reload res_pjsip.so")
        await management.action(
            "Originate", Channel=phone.dial(lambda device: device == "1007"), Application="Wait", Data="1", Async="true"
        )
        assert await asyncio.wait_for(came, 5) == b"INVITE sip:1007@127.0.0.1:%d;transport=tcp SIP/2.0\r\n" % port
    finally:
        server.close()
        with machine.changed():
            pass
