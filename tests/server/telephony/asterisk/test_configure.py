"""Asterisk's home: deterministic, private, complete, and closed to values that would break a file."""

from __future__ import annotations

import re
import stat
import sys
import wave
from dataclasses import replace
from pathlib import Path

import pytest

from server.config import Settings
from server.hotline.trunks import Trunk
from server.telephony.asterisk import modules
from server.telephony.asterisk.configure import RESTART, configure, configure_agents, owed, secret
from server.telephony.asterisk.joined import joined
from server.telephony.asterisk.pjsip import contact_address, fixed_phones_conf, identifier_order, pjsip_agents_conf
from server.telephony.asterisk.ports import AudioPorts
from server.telephony.asterisk.site import AgentPhone, Site, SiteError, rtp_range, site


@pytest.fixture
def here(tmp_path: Path) -> Site:
    """A site whose Asterisk has every module."""
    folder = tmp_path / "modules"
    folder.mkdir()
    for name in modules.NEEDED:
        (folder / f"{name}.so").touch()
    for name in ("share/documentation", "share/sounds/en", "zh"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "share/sounds/en/beep.gsm").touch()
    settings = Settings(home=tmp_path / "var", trunk="sip:127.0.0.1:5090")
    prompts = {"zh": tmp_path / "zh"}
    return site(settings, modules=folder, data=tmp_path / "share", prompts=prompts, python=Path(sys.executable))


def text(here: Site, name: str) -> str:
    return (here.layout.etc / name).read_text()


FIXED = AgentPhone("1001", contact="sip:1001@127.0.0.1:15071")
SECRET = AgentPhone("1002", secret="long-enough-secret")


def test_writing_again_with_the_same_settings_changes_nothing(here: Site) -> None:
    assert configure(here, [FIXED, SECRET]).restart
    before = {path: path.stat().st_mtime_ns for path in here.layout.etc.iterdir()}
    assert configure(here, [SECRET, FIXED]).changed == ()
    assert {path: path.stat().st_mtime_ns for path in here.layout.etc.iterdir()} == before


def test_a_new_agent_reloads_the_phones_and_nothing_else(here: Site) -> None:
    configure(here, [FIXED])
    written = configure_agents(here, [FIXED, SECRET])
    assert written.changed == ("phone-transfer.conf", "pjsip_agents.conf")
    assert (written.reloads, written.restart) == (("pbx_config.so", "res_pjsip.so"), False)


def test_writing_without_agents_forgets_none(here: Site) -> None:
    configure(here)
    assert text(here, "pjsip_agents.conf") == ""
    configure_agents(here, [FIXED])
    assert configure(here).changed == ()
    assert "[1001]" in text(here, "pjsip_agents.conf")
    assert configure(here, []).changed == ("fixed-phones.conf", "phone-transfer.conf", "pjsip_agents.conf")


def test_a_phone_may_transfer_a_caller_to_agents_and_queues_and_outside_where_there_is_a_trunk(here: Site) -> None:
    def targets(site: Site) -> list[str]:
        configure(site, [FIXED])
        lines = text(here, "phone-transfer.conf").splitlines()
        return [line.removeprefix("exten => ").partition(",")[0] for line in lines if line.startswith("exten")]

    assert targets(replace(here, trunk="")) == ["1001", "_[1-9]"]
    outside = set(targets(replace(here, trunk="sip:10.0.0.9"))) - {"1001", "_[1-9]"}
    assert {len(each) for each in outside} == set(range(8, 23))
    assert {each.strip("_+X") for each in outside} == {""}, "digits alone: a name could hold line ends"


def test_a_change_of_the_trunk_reloads_sip_alone(here: Site) -> None:
    configure(here)
    written = configure(replace(here, trunk="sip:10.0.0.9"))
    assert (written.changed, written.reloads) == (("pjsip.conf",), ("res_pjsip.so",))


def test_what_asterisk_reads_only_when_it_starts_needs_a_restart(here: Site) -> None:
    configure(here)
    secured = replace(here, trunks=(Trunk("secured", "203.0.113.7", transport="tls", addresses=("203.0.113.7",)),))
    assert configure(secured).reloads == ("res_pjsip.so",), "a transport that is new is taken over"
    assert configure(replace(secured, sip_tls_port=5071)).restart
    assert configure(here).restart, "a transport that is needed no more stays"
    assert configure(replace(here, sip_port=5070)).restart
    (here.layout.etc / "modules.conf").write_text("")
    assert configure(replace(here, sip_port=5070)).reloads == (RESTART,)
    assert RESTART in owed(here.layout)


def test_secrets_are_made_once_and_only_this_user_may_read_them(here: Site) -> None:
    configure(here, [SECRET])
    first = secret(here.layout, "ami")
    assert len(first) >= 24
    (here.layout.secrets / "ami").chmod(0o644)
    assert secret(here.layout, "ami") == first
    for path in (here.layout.secrets / "ami", here.layout.etc / "manager.conf", here.layout.etc / "pjsip_agents.conf"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert f"secret = {first}\n" in text(here, "manager.conf")


def test_management_listens_on_loopback_alone_and_may_not_run_commands(here: Site) -> None:
    configure(replace(here, bind="0.0.0.0"))
    lines = text(here, "manager.conf").splitlines()
    assert "bindaddr = 127.0.0.1" in lines
    assert "write = call,originate,reporting" in lines


def test_only_modules_that_this_asterisk_has_are_loaded(here: Site) -> None:
    (here.modules / "res_pjsip_transport_websocket.so").unlink()
    configure(here)
    loaded = text(here, "modules.conf")
    assert "autoload = no" in loaded
    assert "res_pjsip_transport_websocket" not in loaded
    assert "load = chan_pjsip.so" in loaded


def test_an_asterisk_without_sip_is_refused_by_name(here: Site) -> None:
    (here.modules / "chan_pjsip.so").unlink()
    with pytest.raises(FileNotFoundError, match="lacks chan_pjsip"):
        configure(here)


def test_every_file_of_the_home_names_only_the_home(here: Site) -> None:
    configure(here)
    assert f"astspooldir = {here.home}/asterisk/spool" in text(here, "asterisk.conf")
    assert (here.layout.data / "sounds" / "zh").resolve() == here.prompts["zh"]
    assert (here.layout.data / "sounds" / "beep.gsm").exists()


def test_prompts_that_moved_are_linked_anew(here: Site, tmp_path: Path) -> None:
    configure(here)
    (tmp_path / "elsewhere").mkdir()
    configure(replace(here, prompts={"zh": tmp_path / "elsewhere"}))
    assert (here.layout.data / "sounds" / "zh").resolve() == tmp_path / "elsewhere"


def test_an_agent_with_a_secret_has_a_phone_and_a_browser(here: Site) -> None:
    written = pjsip_agents_conf(here, [SECRET])
    assert "[1002-web]\ntype=endpoint" in written
    assert written.count("webrtc=yes") == 1
    assert SECRET.dial() == "PJSIP/1002&PJSIP/1002-web"
    assert SECRET.dial(lambda device: device == "1002-web") == "PJSIP/1002-web"
    assert SECRET.dial(lambda device: False) == "PJSIP/1002"


def test_a_browsers_secret_stands_in_no_file(here: Site) -> None:
    written = pjsip_agents_conf(here, [SECRET, FIXED])
    assert "auth=1002-web" in written
    assert "auth=1001-web" in written
    assert "[1002-web]\ntype=auth" not in written
    configure(here)
    assert "auth = astdb,web" in (here.layout.etc / "sorcery.conf").read_text()


def test_browsers_phones_are_taken_on_loopback_alone(here: Site) -> None:
    configure(replace(here, bind="0.0.0.0"))
    assert "bindaddr = 127.0.0.1\n" in (here.layout.etc / "http.conf").read_text()


def test_an_agent_without_a_secret_is_never_found_by_name(here: Site) -> None:
    desk, browser = pjsip_agents_conf(here, [FIXED]).split("[1001-web]\ntype=endpoint")
    assert "identify_by=ip" in desk
    assert "username" not in desk
    assert "auth=1001-web" in browser  # which has a secret while it is in a page, and is nobody's otherwise
    assert FIXED.dial() == "PJSIP/1001/sip:1001@127.0.0.1:15071&PJSIP/1001-web"
    assert FIXED.dial(lambda device: device == "1001") == "PJSIP/1001/sip:1001@127.0.0.1:15071"


def test_agents_are_named_before_addresses_only_where_the_trunk_is_local(here: Site) -> None:
    local, remote = identifier_order(here), identifier_order(replace(here, trunk_addresses=("203.0.113.0/29",)))
    assert (local, remote) == ("username,ip", "header,ip,username")
    assert local.split(",").index("ip") == remote.split(",").index("ip"), "it keeps its place when the other registers"


@pytest.mark.parametrize(
    ("contact", "address"),
    [
        ("sip:1001@127.0.0.1:15071", "127.0.0.1:15071"),
        ("sip:1001@127.0.0.1", "127.0.0.1:5060"),
        ("sip:10.0.0.7:5062;transport=udp", "10.0.0.7:5062"),
        ("sip:1001@[::1]:5070", "[::1]:5070"),
        ("sip:1001@[::1]", "[::1]:5060"),
        ("sip:1001@phone.example", ""),
    ],
)
def test_a_contact_gives_the_address_it_sends_from(contact: str, address: str) -> None:
    assert contact_address(contact) == address


def test_two_agents_at_one_address_are_refused() -> None:
    with pytest.raises(SiteError, match="agents 1001 and 1003 share"):
        fixed_phones_conf([FIXED, AgentPhone("1003", contact="sip:x@127.0.0.1:15071")])


@pytest.mark.parametrize(
    ("trunk", "addresses", "contact", "known"),
    [
        ("sip:203.0.113.5", ("203.0.113.5",), "sip:13900000000@203.0.113.5", False),
        ("sip:203.0.113.5", ("203.0.113.5",), "sip:1001@203.0.113.5:5070", False),
        ("", ("203.0.113.6", "10.0.0.0/24"), "sip:1001@203.0.113.6:5062", False),
        ("sip:203.0.113.5", ("203.0.113.5", "10.0.0.0/24"), "sip:1001@10.0.0.12", True),
        ("sip:10.0.0.1", ("10.0.0.0/24",), "sip:1001@10.0.0.1", False),
        ("sip:[2001:db8::5]:5080", ("2001:db8::/64",), "sip:1001@[2001:DB8:0::5]:5062", False),
        ("sip:127.0.0.1:5090", ("127.0.0.1",), "sip:1001@127.0.0.1:05090", False),
        ("sip:127.0.0.1:5090", ("127.0.0.1",), "sip:1001@127.0.0.1:5091", True),
    ],
)
def test_no_call_from_a_trunks_address_is_an_agents(
    here: Site, trunk: str, addresses: tuple[str, ...], contact: str, known: bool
) -> None:
    here = replace(here, trunk=trunk, trunk_addresses=addresses)
    configure(here, [AgentPhone("1001", contact=contact)])
    assert ("Return(1001)" in text(here, "fixed-phones.conf")) is known
    assert contact in text(here, "pjsip_agents.conf")


def test_agents_at_numbers_of_the_trunk_share_its_address(here: Site) -> None:
    here = replace(here, trunk="sip:203.0.113.5", trunk_addresses=("203.0.113.5",))
    both = [AgentPhone(f"100{n}", contact=f"sip:1390000000{n}@203.0.113.5") for n in (1, 2)]
    configure(here, both)
    assert "Return" not in text(here, "fixed-phones.conf")


@pytest.mark.parametrize("name", ["a[b]", 'a"b', "a{b}", "a*b", "a?b", "a,b", "a$b", "a\\b", "a(b", "a#b", "a\nb"])
def test_a_home_that_asterisk_could_not_find_is_refused_by_name(here: Site, name: str) -> None:
    with pytest.raises(SiteError, match=re.escape(repr(f"/srv/{name}"))):
        replace(here, home=Path(f"/srv/{name}"))


@pytest.mark.parametrize("name", ["a'b", "a b", "a;b", "a%41b", "a=b"])
def test_a_home_with_other_odd_characters_works(here: Site, name: str) -> None:
    assert replace(here, home=Path(f"/srv/{name}")).home.name == name


@pytest.mark.parametrize(
    "bad",
    [
        {"agent": "10;01", "secret": "long-enough"},
        {"agent": "[1001]", "secret": "long-enough"},
        {"agent": "", "secret": "long-enough"},
        {"agent": "1001"},
        {"agent": "1001", "secret": "short"},
        {"agent": "1001", "secret": "new\nline\ntype=endpoint"},
        *({"agent": "1001", "secret": f"long-{each}-enough"} for each in "&()|^$[]\\# \té"),
        {"agent": "1001", "contact": "1001@127.0.0.1"},
        {"agent": "1001", "contact": "sip:1001@127.0.0.1\nsecret=1"},
        {"agent": "1001", "contact": "sip:1001@127.0.0.1:9&PJSIP/16812345678@trunk-out"},
        {"agent": "1001", "contact": "sip:1001@127.0.0.1;--x"},
        {"agent": "1001", "contact": "sip:1001@127.0.0.1?Replaces=1"},
        {"agent": "1001", "contact": "sip:1001:word@127.0.0.1"},
        {"agent": "1001", "contact": "sip:1001@127.0.0.1:65536"},
        {"agent": "1001", "contact": "sip:1001@[::1"},
        {"agent": "1001", "contact": "sip:1001@[1:2]"},
        *({"agent": "1001", "contact": f"sip:1{each}1@127.0.0.1"} for each in "&()|^$[]\\# ,\0é"),
    ],
)
def test_a_phone_that_would_break_a_file_is_refused_in_a_sentence(bad: dict[str, str]) -> None:
    with pytest.raises(SiteError, match="agent"):
        AgentPhone(**bad)


def test_an_agent_at_an_outside_number_is_called_as_the_trunk_is_and_no_call_comes_from_there(here: Site) -> None:
    site = replace(here, trunk="sip:203.0.113.9:5080;transport=tcp")
    outside = site.at_outside("1005", "13900001111", "CN")
    assert outside.dial() == "PJSIP/13900001111@1005-by-default"
    written = pjsip_agents_conf(site, [outside])
    assert "context=refused" in written
    assert "contact=sip:203.0.113.9:5080\\;transport=tcp" in written
    assert not {"type=auth", "qualify_frequency", "SANSHENG_AGENT"} & {part for part in written.split() if part}
    assert fixed_phones_conf([outside]) == "[fixed-phones]\n"
    with pytest.raises(SiteError, match="set SANSHENG_TRUNK"):
        replace(here, trunk="").at_outside("1005", "13900001111", "CN")
    carrier = Trunk("telecom", "203.0.113.7:5070", user="u1", secret="s3", from_user="0106552", numbers_out="e164")
    landlines = Trunk("landlines", "203.0.113.8", numbers=("0*",))
    two = replace(site, trunks=(carrier, landlines))
    by_carriers = two.at_outside("1005", "13900001111", "CN")
    assert by_carriers.dial() == "PJSIP/8613900001111@1005-by-telecom&PJSIP/13900001111@1005-by-default"
    written = pjsip_agents_conf(two, [by_carriers])
    lines = {"outbound_auth=trunk-out-telecom", "from_user=0106552", "aors=1005-by-telecom", "aors=1005-by-default"}
    assert lines <= set(written.split())
    assert "contact=sip:203.0.113.7:5070" in written


def test_an_agent_may_not_take_the_name_of_another_device(here: Site) -> None:
    with pytest.raises(SiteError, match="the name trunk is taken"):
        pjsip_agents_conf(here, [AgentPhone("trunk", secret="long-enough")])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"trunk": "127.0.0.1:5090"}, "SANSHENG_TRUNK"),
        ({"bind": "127.0.0.1\n[evil]"}, "bind"),
        ({"rtp_ports": (200, 100)}, "SANSHENG_RTP_PORTS"),
        ({"rtp_ports": (10000, 10018)}, "at least 20 ports"),
        ({"servers": ()}, "no server"),
        ({"servers": ("127.0.0.1",)}, "not host:port"),
        ({"trunk_addresses": ("provider.example",)}, "no IP address"),
        ({"prompts": {}}, "no language"),
        ({"music": {"a]b": Path("/x")}}, "music class"),
        ({"music": {"default": Path("/x&y")}}, "path '/x&y' has '&' in it"),
        ({"home": Path("/x\ty")}, "leave it out"),
        ({"external_address": "203.0.113.9;--"}, "no IP address"),
        ({"trunk": "sip:127.0.0.1:5090&PJSIP/1"}, "SANSHENG_TRUNK"),
        ({"home": Path("/very-long" * 20)}, "too long for a control socket"),
    ],
)
def test_a_setting_that_asterisk_could_not_read_is_refused_by_name(
    here: Site, change: dict[str, object], sentence: str
) -> None:
    with pytest.raises(SiteError, match=sentence):
        replace(here, **change)  # type: ignore[arg-type]


def test_a_range_of_ports_is_two_numbers() -> None:
    assert rtp_range("10000 - 10999") == (10000, 10999)
    with pytest.raises(SiteError, match="no range"):
        rtp_range("10000")


def test_the_names_of_asterisk_cannot_be_guessed_and_stay(here: Site, tmp_path: Path) -> None:
    def names(site: Site) -> list[str]:
        configure(site)
        return re.findall(r"(?m)^(?:systemname|entityid) = (.*)$", text(site, "asterisk.conf"))

    first = names(here)
    assert len(first) == 2
    assert names(here) == first
    (here.layout.secrets / "instance").unlink()
    assert not set(names(here)) & set(first)


def test_asterisk_names_itself_only_if_it_is_told_to(here: Site) -> None:
    configure(here)
    assert "user_agent=\n" in text(here, "pjsip.conf")
    configure(replace(here, server_name="PBX"))
    assert "user_agent=PBX\n" in text(here, "pjsip.conf")
    assert "servername = PBX\n" in text(here, "http.conf")


def test_callers_leave_a_fifth_of_the_ports_to_agents() -> None:
    audio = AudioPorts(10000, 10999)
    assert (audio.callers, audio.max_callers, audio.max_calls) == ((10000, 10799), 360, 333)
    smallest = AudioPorts(10001, 10020)
    assert (smallest.callers, smallest.max_callers, smallest.max_calls) == ((10001, 10016), 7, 6)


def test_too_few_ports_for_calls_or_agents_are_told() -> None:
    ports = AudioPorts(10000, 10999)
    assert (ports.agents, ports.too_few(333, 100)) == (100, [])
    calls, agents = ports.too_few(400, 101)
    assert "carries 333 calls, max_calls is 400: the line is full at 333; lower max_calls, or give 1200 ports" in calls
    assert "keeps ports for 100 agents when callers have taken theirs, 101 are signed in: give 1010 ports" in agents
    for wanted in range(3, 400):
        assert AudioPorts(10000, 10000 + max(20, 3 * wanted) - 1).max_calls >= wanted
        assert AudioPorts(10000, 10000 + 10 * wanted - 1).agents >= wanted


def test_no_more_calls_are_admitted_than_the_ports_carry(here: Site) -> None:
    assert here.places == 200
    assert replace(here, max_calls=0).places == 333
    assert replace(here, rtp_ports=(10000, 10199)).places == 66


def test_an_asterisk_that_knows_ports_of_an_endpoint_keeps_some_from_callers(here: Site) -> None:
    (here.modules / "res_pjsip.so").write_bytes(b"...\0rtp_port_start\0...")
    configure(here, [FIXED])
    trunk, line = text(here, "pjsip.conf").split("[trunk-out]")[:2]
    assert "rtp_port_start=10000\nrtp_port_end=10799\n" in trunk
    assert "rtp_port" not in line + text(here, "pjsip_agents.conf")


def test_an_asterisk_that_does_not_know_them_is_not_given_any(here: Site) -> None:
    configure(here, [FIXED])
    assert "rtp_port" not in text(here, "pjsip.conf") + text(here, "pjsip_agents.conf")


def test_several_prompts_become_one_file_that_is_made_once(tmp_path: Path) -> None:
    for name, count in (("before", 800), ("digit-1", 400)):
        with wave.open(str(tmp_path / f"{name}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(8000)
            file.writeframes(b"\1\0" * count)
    (tmp_path / "broken.wav").write_bytes(b"no sound")
    folder = tmp_path / "joined"
    path = joined(tmp_path, ["before", "missing", "broken", "digit-1", "digit-1"], folder)
    with wave.open(f"{path}.wav", "rb") as file:
        assert file.getnframes() == 1600
    made = path.with_suffix(".wav").stat().st_mtime_ns
    assert joined(tmp_path, ["before", "missing", "broken", "digit-1", "digit-1"], folder) == path
    assert path.with_suffix(".wav").stat().st_mtime_ns == made
    assert [entry.name for entry in folder.iterdir()] == [f"{path.name}.wav"]
    with pytest.raises(FileNotFoundError, match="no prompt of missing"):
        joined(tmp_path, ["missing"], folder)
    with pytest.raises(ValueError, match="no prompt id"):
        joined(tmp_path, ["../etc/passwd"], folder)


def test_asterisk_finds_the_modules_that_it_loads_and_no_other(here: Site) -> None:
    (here.modules / "app_system.so").touch()
    here.layout.modules.mkdir(parents=True)
    (here.layout.modules / "app_system.so").symlink_to(here.modules / "app_system.so")
    configure(here)
    assert f"astmoddir = {here.layout.modules}\n" in text(here, "asterisk.conf")
    assert {path.name for path in here.layout.modules.iterdir()} == {f"{name}.so" for name in modules.NEEDED}
    assert (here.layout.modules / "chan_pjsip.so").resolve() == here.modules / "chan_pjsip.so"
