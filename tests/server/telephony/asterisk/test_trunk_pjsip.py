"""A trunk becomes an endpoint for each direction, with what its table says and nothing that this Asterisk has not."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from trustme import CA

from server.hotline.trunks import Trunk
from server.telephony.asterisk.pjsip import identifier_order, pjsip_conf
from server.telephony.asterisk.site import Site, SiteError
from server.telephony.asterisk.trunk_certificate import PAIR_FILE
from server.telephony.asterisk.trunk_pjsip import G729, REGISTERS, left_out
from tests.server.telephony.asterisk.test_trunk_certificate import write_pair

TELECOM = Trunk("telecom", "203.0.113.10:5060", addresses=("203.0.113.8/29", "203.0.113.99:5070"))
LINE = Trunk("line", "sip.carrier.example", register=True, user="400@carrier.example", secret="a;b#c$(d)")


@pytest.fixture
def here(tmp_path: Path) -> Site:
    """A site without trunks."""
    for name in ("modules", "zh"):
        (tmp_path / name).mkdir()
    return Site(
        home=tmp_path / "home",
        modules=tmp_path / "modules",
        data=tmp_path,
        prompts={"zh": tmp_path / "zh"},
        python=Path(sys.executable),
        dialplan=tmp_path,
        trunk_addresses=(),
    )


def sections(site: Site, *trunks: Trunk) -> dict[tuple[str, str], list[str]]:
    """(name, type) of each section → its other lines."""
    found = {}
    for part in pjsip_conf(replace(site, trunks=trunks)).split("\n["):
        name, *lines = part.strip().splitlines()
        kind = next((line for line in lines if line.startswith("type=")), "")
        found[name.strip("[]"), kind.removeprefix("type=")] = lines
    return found


def test_without_trunks_and_addresses_nobody_calls_in(here: Site) -> None:
    assert not [name for name, _ in sections(here) if name.startswith("trunk")]


def test_a_carrier_calls_in_from_its_addresses_alone_and_out_by_an_endpoint_that_takes_no_calls(here: Site) -> None:
    found = sections(here, TELECOM)
    assert "match=203.0.113.8/29,203.0.113.99:5070" in found["trunk-in-telecom", "identify"]
    coming, going = found["trunk-in-telecom", "endpoint"], found["trunk-out-telecom", "endpoint"]
    assert {"context=from-trunk", "identify_by=ip", "trust_id_inbound=no", "set_var=SANSHENG_TRUNK=telecom"} <= {
        *coming
    }
    assert {"context=refused", "aors=trunk-out-telecom", "send_pai=yes", "send_connected_line=no"} <= {*going}
    assert {"contact=sip:203.0.113.10:5060", "qualify_frequency=30"} <= {*found["trunk-out-telecom", "aor"]}
    assert ("trunk-out-telecom", "registration") not in found
    assert identifier_order(replace(here, trunks=(TELECOM,))) == "header,ip,username"


def test_a_trunks_address_is_not_the_publics_too(here: Site) -> None:
    with pytest.raises(
        SiteError, match=r"trunk telecom calls in from 203\.0\.113\.8/29, which SANSHENG_TRUNK_ADDRESSES"
    ):
        replace(here, trunks=(TELECOM,), trunk_addresses=("203.0.113.0/24",))


def test_a_line_registers_for_ever_with_its_secret_as_it_is(here: Site) -> None:
    (here.modules / REGISTERS).write_bytes(b"max_random_initial_delay")
    found = sections(here, LINE)
    assert {"username=400@carrier.example", "password=a\\;b#c$(d)"} <= {*found["trunk-out-line", "auth"]}
    registration = {*found["trunk-out-line", "registration"]}
    assert {
        "server_uri=sip:sip.carrier.example",
        "client_uri=sip:400@carrier.example",
        "contact_user=400",
        "retry_interval=30",
        "auth_rejection_permanent=no",
        "max_random_initial_delay=1",
    } <= registration
    bare = sections(here, replace(LINE, secret=""))
    assert ("trunk-out-line", "registration") not in bare, "without its secret it asks the carrier nothing"


def test_each_key_reaches_asterisk(here: Site) -> None:
    trunk = replace(
        TELECOM,
        trusted=True,
        caller_header="rpid",
        numbers_in="e164",
        strip_in="9",
        dtmf="inband",
        session_timers="always",
        session_seconds=900,
        send_pai=False,
        user_phone=True,
        connected_line=True,
        from_user="400",
        from_domain="hotline.example",
        proxy="203.0.113.11",
        transport="tcp",
    )
    found = sections(here, trunk)
    coming, going = {*found["trunk-in-telecom", "endpoint"]}, {*found["trunk-out-telecom", "endpoint"]}
    assert {"set_var=CALLER_HEADERS=pai-rpid", "set_var=NUMBERS_IN=e164", "set_var=STRIP_IN=9"} <= coming
    for both in ("dtmf_mode=inband", "timers=always", "timers_sess_expires=900", "send_connected_line=yes"):
        assert both in coming
        assert both in going
    assert "send_pai=yes" in coming, "what tells the carrier who answered"
    assert sum(line.startswith("dtmf_mode=") for line in found["trunk-in-telecom", "endpoint"]) == 1
    assert {
        "send_pai=no",
        "user_eq_phone=yes",
        "from_user=400",
        "from_domain=hotline.example",
        "outbound_proxy=sip:203.0.113.11\\;transport=tcp\\;lr",
        "transport=transport-tcp",
    } <= going
    assert "contact=sip:203.0.113.10:5060\\;transport=tcp" in found["trunk-out-telecom", "aor"]


@pytest.mark.parametrize(
    ("trusted", "header", "headers"),
    [(False, "auto", ""), (True, "auto", "pai"), (True, "from", ""), (False, "diversion", "diversion"),
     (True, "diversion", "diversion-pai")],
)  # fmt: skip
def test_only_a_trusted_trunks_assertions_count(here: Site, trusted: bool, header: str, headers: str) -> None:
    found = sections(here, replace(TELECOM, trusted=trusted, caller_header=header))
    assert f"set_var=CALLER_HEADERS={headers}" in found["trunk-in-telecom", "endpoint"]


def test_codecs_that_asterisk_lacks_and_those_that_recordings_lack_are_left_out(here: Site) -> None:
    wide = replace(TELECOM, codecs=("g722", "g729", "alaw"))
    found = sections(here, wide)
    assert "allow=g722,alaw" in found["trunk-in-telecom", "endpoint"]
    assert "allow=alaw" in found["trunk-out-telecom", "endpoint"]
    assert G729 in left_out(here, wide)
    with pytest.raises(SiteError, match="add alaw to its codecs"):
        sections(here, replace(TELECOM, codecs=("g729",)))
    (here.modules / f"{G729}.so").touch()
    assert "allow=g722,g729,alaw" in sections(here, wide)["trunk-in-telecom", "endpoint"]
    assert left_out(here, wide) == ""


def test_tls_is_there_where_a_trunk_needs_it(here: Site) -> None:
    assert ("transport-tls", "transport") not in sections(here, TELECOM)
    secure = replace(LINE, transport="tls", srtp="required")
    found = sections(here, secure)
    assert {"protocol=tls", "verify_server=yes", "bind=127.0.0.1:5061"} <= {*found["transport-tls", "transport"]}
    assert "media_encryption=sdes" in found["trunk-out-line", "endpoint"]
    assert "media_encryption_optimistic=yes" not in found["trunk-in-line", "endpoint"]
    folder, copy = here.home / "secrets" / "sip", here.layout.etc / PAIR_FILE
    folder.mkdir(parents=True)
    (folder / "ca.pem").touch()
    write_pair(folder, CA())
    own = {*sections(here, replace(secure, verify=False))["transport-tls", "transport"]}
    assert {
        f"ca_list_file={folder / 'ca.pem'}",
        f"cert_file={copy}",
        f"priv_key_file={copy}",
        "verify_server=no",
    } <= own
