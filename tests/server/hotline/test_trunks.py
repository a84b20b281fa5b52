"""A trunk is read whole, or refused with file, line, key and what would be right; numbers go out as carriers want."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from server.hotline.definitions import DEFAULTS, load
from server.hotline.examination import examine
from server.hotline.trunk_secrets import store, with_secrets
from server.hotline.trunks import LEGACY, Trunk, in_order, legacy, trunk_of
from tables.toml import DefinitionFault

MOBILE, LANDLINE, ABROAD, SERVICE = "+8613800138000", "+861065529988", "+85223456789", "10086"
TELECOM = '[trunks.telecom]\naddress = "sip.carrier.example"\n'


def home(folder: Path, text: str) -> Path:
    (folder / "hotline.toml").write_text(DEFAULTS.read_text(encoding="utf-8") + "\n" + text, encoding="utf-8")
    return folder


def test_a_trunk_needs_an_address_alone(tmp_path: Path) -> None:
    (trunk,) = load(home(tmp_path, TELECOM)).trunks
    assert trunk == Trunk("telecom", "sip.carrier.example")
    assert (trunk.source, trunk.endpoint, trunk.uri) == (
        ("sip.carrier.example",),
        "trunk-out-telecom",
        "sip:sip.carrier.example",
    )
    assert load(tmp_path / "none").trunks == ()


@pytest.mark.parametrize(
    ("lines", "key", "sentence"),
    [
        ('address = "sip:carrier.example"', "trunks.telecom.address", "no host or host:port"),
        ('address = "carrier.example:70000"', "trunks.telecom.address", "no host or host:port"),
        ('address = "[::x]"', "trunks.telecom.address", "no host or host:port"),
        ('transport = "sctp"', "trunks.telecom.transport", "none of udp, tcp, tls"),
        ('srtp = "required"', "trunks.telecom.srtp", 'write transport = "tls"'),
        ("register = true", "trunks.telecom.register", "write user"),
        ('user = "a b"', "trunks.telecom.user", "no user name on SIP"),
        ('from_domain = "x:5060"', "trunks.telecom.from_domain", "has a port"),
        ('addresses = ["203.0.113.0/33"]', "trunks.telecom.addresses[0]", "no address, network or host"),
        ('addresses = ["a&b"]', "trunks.telecom.addresses[0]", "no address, network or host"),
        ('caller_header = "pai"', "trunks.telecom.caller_header", "write trusted = true"),
        ('numbers_out = "local"', "trunks.telecom.numbers_out", "write area"),
        ('prefix_out = "9w"', "trunks.telecom.prefix_out", "must be digits"),
        ('cli = "4008001234"', "trunks.telecom.cli", "a 400 number only receives calls"),
        ('codecs = ["opus"]', "trunks.telecom.codecs[0]", 'there is no codec "opus"'),
        ("codecs = []", "trunks.telecom.codecs", "a list of alaw"),
        ('dtmf = "sip"', "trunks.telecom.dtmf", "none of auto"),
        ('numbers = ["1[38]"]', "trunks.telecom.numbers[0]", "is no pattern"),
        ("max_calls = -1", "trunks.telecom.max_calls", "a whole number from 0"),
        ("max_call = 3", "trunks.telecom.max_call", "max_calls"),
    ],
)
def test_a_value_that_cannot_be_used_is_named_with_what_would_be_right(
    tmp_path: Path, lines: str, key: str, sentence: str
) -> None:
    text = f"[trunks.telecom]\n{lines}\n" if lines.startswith("address =") else f"{TELECOM}{lines}\n"
    with pytest.raises(DefinitionFault) as fault:
        load(home(tmp_path, text))
    assert sentence in fault.value.sentence
    assert str(fault.value).startswith(f"{tmp_path / 'hotline.toml'}:{fault.value.line}: {key}")
    assert (tmp_path / "hotline.toml").read_text().splitlines()[fault.value.line - 1] == lines.splitlines()[-1]


@pytest.mark.parametrize("name", [LEGACY, "Telecom", "tele-com", "1234567890123456789012345"])
def test_a_name_of_a_trunk_is_small_letters_and_digits(tmp_path: Path, name: str) -> None:
    with pytest.raises(DefinitionFault, match="is no name of a trunk"):
        load(home(tmp_path, TELECOM.replace("telecom", name)))


@pytest.mark.parametrize(
    ("one", "two", "apart"),
    [
        ('["203.0.113.0/29"]', '["203.0.113.5"]', False),
        ('["203.0.113.5:5060"]', '["203.0.113.5"]', False),
        ('["203.0.113.5:5060"]', '["203.0.113.5:5070"]', True),
        ('["203.0.113.5"]', '["203.0.113.6"]', True),
        ('["2001:db8::/32"]', '["2001:db8::7"]', False),
    ],
)
def test_two_trunks_cannot_send_from_one_address(tmp_path: Path, one: str, two: str, apart: bool) -> None:
    text = f"{TELECOM}addresses = {one}\n[trunks.unicom]\naddress = 'b.example'\naddresses = {two}\n"
    if apart:
        assert len(load(home(tmp_path, text)).trunks) == 2
    else:
        with pytest.raises(DefinitionFault, match="come from too"):
            load(home(tmp_path, text))


@pytest.mark.parametrize(
    ("form", "written"),
    [
        ("national", ["13800138000", "01065529988", "0085223456789", "10086"]),
        ("local", ["13800138000", "65529988", "0085223456789", "10086"]),
        ("e164", ["8613800138000", "861065529988", "85223456789", "10086"]),
        ("plus", [MOBILE, LANDLINE, ABROAD, "10086"]),
        ("idd", ["008613800138000", "00861065529988", "0085223456789", "10086"]),
        ("given", [MOBILE, LANDLINE, ABROAD, "10086"]),
    ],
)
def test_a_number_goes_out_as_the_carrier_wants_it(form: str, written: list[str]) -> None:
    trunk = Trunk("telecom", "c.example", numbers_out=form, area="010")
    assert [trunk.dialled(number, "CN") for number in (MOBILE, LANDLINE, ABROAD, SERVICE)] == written
    prefixed = Trunk("telecom", "c.example", numbers_out=form, area="010", prefix_out="9")
    assert prefixed.dialled(MOBILE, "CN") == f"9{written[0]}"


def test_a_call_shows_the_trunks_own_number_else_the_hotlines() -> None:
    plain, own = (
        Trunk("a", "c.example", numbers_out="plus"),
        Trunk("b", "c.example", numbers_out="plus", cli="02155667788"),
    )
    assert plain.presented("01065529988", "CN") == LANDLINE
    assert own.presented("01065529988", "CN") == "+862155667788"
    assert plain.presented("", "CN") == ""
    assert legacy("sip:127.0.0.1:5090").presented("01065529988", "CN") == "01065529988"


@pytest.mark.parametrize(
    ("patterns", "fits"),
    [
        (("*",), [True, True, True]),
        (("1*",), [True, False, False]),
        (("010*",), [False, True, False]),
        (("+852*",), [False, False, True]),
        (("1??????????", "00*"), [True, False, False]),
        ((), [False, False, False]),
    ],
)
def test_a_pattern_fits_a_number_as_it_is_dialled_here_and_as_the_world_writes_it(
    patterns: tuple[str, ...], fits: list[bool]
) -> None:
    trunk = Trunk("telecom", "c.example", numbers=patterns)
    assert [trunk.carries(number, "CN") for number in ("8613800138000", "010-65529988", ABROAD)] == fits


def test_trunks_are_tried_by_order_and_then_as_they_stand() -> None:
    trunks = [Trunk("a", "x", order=2), Trunk("b", "x"), Trunk("c", "x"), legacy("sip:127.0.0.1")]
    assert [trunk.name for trunk in in_order(trunks)] == ["b", "c", "a", LEGACY]


def test_a_channel_tells_its_trunk() -> None:
    told = {
        "PJSIP/trunk-out-telecom-0000002a": "telecom",
        "PJSIP/trunk-in-telecom-0000002a": "telecom",
        "PJSIP/trunk-out-0000002a": LEGACY,
        "PJSIP/trunk-0000002a": LEGACY,
        "PJSIP/1001-0000002a": "",
        "Local/s@callback-line-1": "",
    }
    assert {channel: trunk_of(channel) for channel in told} == told


def test_a_secret_is_kept_apart_for_its_owner_alone(tmp_path: Path) -> None:
    text = TELECOM + 'user = "u1"\nregister = true\n'
    found = [each for each in examine(home(tmp_path, text), 0.0) if each.key.startswith("trunks")]
    assert [each.severity for each in found] == ["warning"]
    assert "sansheng trunk secret telecom --file FILE" in found[0].sentence
    path = store(tmp_path, "telecom", "s;e#c(r)e&t")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    (trunk,) = with_secrets(tmp_path, load(tmp_path).trunks)
    assert trunk.secret == "s;e#c(r)e&t"
    assert "s;e#c" not in repr(trunk)
    assert not any(each.key.startswith("trunks") for each in examine(tmp_path, 0.0))


@pytest.mark.parametrize("value", ["", " x", "a\nb", "é", "x" * 129])
def test_what_is_no_secret_is_not_kept(tmp_path: Path, value: str) -> None:
    with pytest.raises(ValueError, match="one line of 1 to 128"):
        store(tmp_path, "telecom", value)
    assert not (tmp_path / "secrets").exists()
